from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from durhampulse.creators.reading import read_creators
from durhampulse.creators.units import detect_unit, mixed_groups, refuse_counts
from durhampulse.exceptions import InputError

NONE = np.array([])


def rates(median: float, spread: float, n: int = 2_000, seed: int = 0):
    return np.random.default_rng(seed).lognormal(np.log(median), spread, n)


@pytest.mark.parametrize("spread", [0.3, 0.6, 0.9])
@pytest.mark.parametrize("median", [0.01, 0.03, 0.06])
def test_fractions_and_percentages_are_detected(median, spread):
    assert detect_unit(rates(median, spread), NONE) == "fraction"
    assert detect_unit(100 * rates(median, spread), NONE) == "percent"


def test_ambiguous_size_is_not_guessed():
    assert detect_unit(np.full(50, 0.5), NONE) is None


def test_cells_with_percent_sign_settle_unit():
    assert detect_unit(np.full(50, 0.5), np.full(50, 0.005)) == "percent"
    assert detect_unit(np.full(50, 0.5), np.full(50, 0.4)) == "fraction"


@given(
    seed=st.integers(0, 10_000),
    spread=st.floats(0.1, 1.5),
    median=st.floats(0.005, 5),
    n=st.integers(50, 3_000),
)
def test_one_wide_group_is_not_mixed(seed, spread, median, n):
    assert mixed_groups(rates(median, spread, n, seed)) is None


@given(
    seed=st.integers(0, 10_000),
    spread=st.floats(0.1, 0.7),
    share=st.floats(0.15, 0.95),  # of 300 rows, a twentieth is missed in 4 of 100 tables
    n=st.integers(300, 3_000),
)
def test_two_units_are_detected(seed, spread, share, n):
    values = rates(0.03, spread, n, seed)
    percent = np.random.default_rng(seed + 1).random(n) < share
    assert mixed_groups(np.where(percent, 100 * values, values)) is not None


@pytest.mark.parametrize(
    ("header", "mark", "minus"),
    [("Growth Rate", ",", "-"), ("Growth Rate", ".", "\u2212"), ("Growth", ".", "\u2212")],
)
def test_counts_with_thousands_marks_are_no_rates(header, mark, minus):
    gained = [37 * n * n - 900 for n in range(40)]  # from -900 to 55,377
    cells = [f"{n:+,}".replace("-", minus).replace(",", mark) for n in gained]
    table = pd.DataFrame({"id": range(40), "Followers": range(1_000, 1_040), header: cells})
    with pytest.raises(InputError, match="are neither fractions nor percentages, but counts"):
        read_creators(table)
    if mark == ",":  # the way out, which a bare header takes by itself
        assert read_creators(table, columns={"Growth_Rate": ""}).table[header].tolist() == gained
        bare = read_creators(table.rename(columns={header: "Growth"}))
        assert bare.table["Growth"].tolist() == gained


@pytest.mark.parametrize("seed", range(20))
def test_percentages_of_three_decimals_are_no_counts(seed):
    percent = np.round(100 * rates(0.06, 0.6, 400, seed), 3)
    for spelled in ([f"{p:.3f}" for p in percent], [f"{p:g}" for p in percent]):
        refuse_counts("column", spelled)
        refuse_counts("column", [word.replace(".", ",") for word in spelled])


def test_figure_that_stands_for_a_missing_one_is_asked_about():
    growth = [*np.linspace(-4, 9, 36), *[-99.0] * 4]
    table = pd.DataFrame({"id": range(40), "Followers": range(1_000, 1_040), "Growth Rate": growth})
    with pytest.raises(InputError, match=r"4 of its figures are '-99.0'") as caught:
        read_creators(table)
    assert caught.value.way_out.startswith("Empty these cells;")
    table = table.replace({"Growth Rate": {-99.0: None}})
    assert read_creators(table).table["Growth_Rate"].isna().sum() == 4
    growth[-3:] = [-60.0, -70.0, 130.0]  # odd, each once
    assert read_creators(table.assign(**{"Growth Rate": growth})).table["Growth_Rate"].max() == 1.3


def test_growth_around_zero_is_one_group():
    growth = np.random.default_rng(1).normal(0.01, 0.02, 5_000)
    assert mixed_groups(growth) is None


@pytest.mark.parametrize("n_rows", [20, 30, 50, 100])
@pytest.mark.parametrize("kind", ["normal", "laplace", "standard_t"])
def test_short_columns_that_cross_zero_are_one_group(n_rows, kind):
    """Of 1,000 clean growth columns at most one is taken for mixed; two allow for chance."""
    rng = np.random.default_rng([n_rows, len(kind)])
    draw = {"standard_t": lambda: rng.standard_t(3, n_rows)}.get(
        kind, lambda: getattr(rng, kind)(size=n_rows)
    )
    refused = [mixed_groups(0.02 * (draw() + rng.uniform(-0.5, 1.5))) for _ in range(1_000)]
    assert sum(groups is not None for groups in refused) <= 2


def test_three_outliers_of_a_short_column_are_no_group():
    usual = [-0.022, -0.006, -0.001, 0.0003, 0.0004, 0.002, 0.002, 0.01, 0.01, 0.012, 0.013, 0.014]
    growth = np.array([*usual, 0.014, 0.015, 0.023, 0.035, 0.13, 0.23, 0.48, 0.67])
    assert mixed_groups(growth) is None
    steady = [0.007, 0.008, 0.009, 0.01, 0.012, 0.012, 0.015, 0.019, 0.02, 0.026, 0.032, 0.035]
    assert mixed_groups(np.array([0.0002, 0.0002, 0.007, *steady, *steady[-5:]])) is None


@pytest.mark.parametrize("share", [0.3, 0.5])
def test_growth_in_two_units_is_detected(share):
    rng = np.random.default_rng(1)
    hits = 0
    for _ in range(100):
        growth = 0.02 * (rng.normal(size=200) + 0.5)
        hits += mixed_groups(np.where(rng.random(200) < share, 100 * growth, growth)) is not None
    assert hits >= 90
