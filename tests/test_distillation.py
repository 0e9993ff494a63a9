"""The rows that a student is taught with."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from durhampulse.creators.block import Block
from durhampulse.creators.roles import Role
from durhampulse.features.encoding import learn_encoding
from durhampulse.models.distillation import _with_empty_cells, distil, mix_rows
from durhampulse.models.weights import Logistic


def made_of(**columns):
    block = Block.of(pd.DataFrame(columns))
    return block, mix_rows(block, 20_000, np.random.default_rng(0))


def test_heavy_values_are_kept_and_nothing_is_moved_towards_them():
    """A half of the rows are 0; between 0 and the least of the others, 5, nothing ever is."""
    rng = np.random.default_rng(1)
    values = np.where(rng.random(1_000) < 0.5, 0.0, rng.uniform(5, 9, 1_000))
    block, made = made_of(a=values)
    numbers = made.columns["a"]
    assert abs(np.mean(numbers == 0) - np.mean(values == 0)) < 0.02
    assert numbers[numbers != 0].min() >= values[values != 0].min()
    assert np.mean(~np.isin(numbers[numbers != 0], block.columns["a"])) > 0.5


def test_whole_numbers_stay_whole_and_missing_cells_missing():
    rng = np.random.default_rng(2)
    values = rng.integers(0, 500, 1_000).astype(float)
    values[::10] = np.nan
    numbers = made_of(a=values)[1].columns["a"]
    there = numbers[~np.isnan(numbers)]
    assert (there == np.rint(there)).all()
    assert abs(np.isnan(numbers).mean() - 0.1) < 0.02


def test_a_fifth_of_the_rows_are_real():
    rng = np.random.default_rng(3)
    table = rng.normal(size=(500, 3))
    _, made = made_of(**dict(zip("abc", table.T, strict=True)))
    real = {tuple(row) for row in table}
    rows = [tuple(row) for row in np.column_stack([made.columns[c] for c in "abc"])]
    share = np.mean([row in real for row in rows])
    assert 0.2 <= share < 0.3  # some of the others come out as they were


def test_cells_are_emptied_in_every_other_row():
    block = Block.of(pd.DataFrame({"a": np.ones(20_000), "b": pd.array(["x"] * 20_000, "str")}))
    emptied = _with_empty_cells(block, 0.1, np.random.default_rng(0))
    missing = np.column_stack([np.isnan(emptied.columns["a"]), emptied.columns["b"].codes == -1])
    assert not missing[::2].any()
    np.testing.assert_allclose(missing[1::2].mean(axis=0), 0.1, atol=0.01)


@pytest.mark.parametrize(("columns", "units"), [(48, [48, 24]), (49, [128, 64])])
def test_a_wide_table_has_a_student_with_more_units(columns, units):
    table = pd.DataFrame(np.random.default_rng(4).normal(size=(200, columns))).add_prefix("x")
    encoding = learn_encoding(table, [Role(c, "feature", "numeric", "") for c in table])
    teacher = Logistic(np.ones(encoding.transform(table).shape[1]) / 7, np.zeros(1))
    network = distil(teacher, encoding, table, rows=200, epochs=1)
    assert [len(bias) for bias in network.biases] == [*units, 1]
