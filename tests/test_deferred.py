"""pandas hidden from Arrow until it is used."""

from __future__ import annotations

import subprocess
import sys

import pytest

AFTER_HIDING = """
import sys, numpy as np, pyarrow as pa
from durhampulse.deferred import pandas_hidden, pd
with pandas_hidden():
    assert pa.array(np.zeros(2)).to_numpy().tolist() == [0, 0]
    assert "pandas" not in sys.modules
    {act}
"""


def run(act):
    code = AFTER_HIDING.format(act=act)
    return subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)


@pytest.mark.parametrize(
    "act",
    [
        "assert pa.array(pd.Series([1.0, float('nan')])).null_count == 1",
        "assert pa.table(pd.DataFrame({'a': ['x', None]}))['a'].to_pylist() == ['x', None]",
        "assert pd.isna(pa.array([None, 1.5]).to_pandas()).tolist() == [True, False]",
    ],
)
def test_arrow_knows_pandas_once_it_is_used(act):
    ended = run(act)
    assert ended.returncode == 0, ended.stderr


def test_pandas_is_there_for_others_after_the_context():
    ended = run("pass\nimport pandas")
    assert ended.returncode == 0, ended.stderr
