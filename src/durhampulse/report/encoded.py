"""The encoding as a table: what became of each column, and the figures that were learned."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from durhampulse.creators.schema import COLUMNS, IDENTIFIER
from durhampulse.decision.figures import axis_text, number_text
from durhampulse.features.codes import Code, LevelCode, NumberCode
from durhampulse.features.encoding import Encoding
from durhampulse.study.results import Preparation

__all__ = ["before_and_after", "encoding_table"]

_SHOWN = 3


def encoding_table(encoding: Encoding) -> pd.DataFrame:
    """Return how each column is encoded: ``column, becomes, learned_on_the_training_part``."""
    rows = [(code.columns[0], *_words(code)) for code in encoding.codes]
    return pd.DataFrame(rows, columns=["column", "becomes", "learned_on_the_training_part"])


def _words(code: Code) -> tuple[str, str]:
    if isinstance(code, LevelCode):
        n, more = len(code.names), "; one says that the cell is empty" * code.missing
        rare = "; rare levels share one" * code.rare
        return f"{n} column{'s' * (n > 1)} of 0 and 1{rare}{more}", ", ".join(code.levels)
    if isinstance(code, NumberCode):
        unit = number_text(code.unit, 3)
        scaled = {
            "linear": "x",
            "log": f"log(1 + x / {unit})",
            "asinh": f"asinh(x / {unit})",
        }[code.scale]
        figure = "SD 0, HD 1, 4K 2" if code.ordered else scaled
        filled = "; a second column says that the cell is empty" * code.indicator
        learned = f"mean {number_text(code.mean, 3)}, standard deviation {number_text(code.sd, 3)}"
        median = code.fill if code.ordered else _unscaled(code)
        text = number_text(median, 3) if code.ordered else axis_text(code.column, median)
        return (
            f"({figure} - mean) / standard deviation{filled}",
            f"{learned}; empty cells get the median, {text}",
        )
    return (
        "log of the figure less what is usual for this size and niche, / standard deviation",
        f"a curve of {len(code.knots)} points over the followers, moved for each of "
        f"{len(code.levels)} niches; standard deviation {number_text(code.sd, 3)}",
    )


def _unscaled(code: NumberCode) -> float:
    """Return the value that fills empty cells, in the column's own unit."""
    if code.scale == "log":
        return code.unit * math.expm1(code.fill)
    return code.unit * math.sinh(code.fill) if code.scale == "asinh" else code.fill


def before_and_after(part: Preparation) -> pd.DataFrame:
    """Return the first three training rows before and after encoding, a row a column of the matrix.

    Returns
    -------
    DataFrame
        ``becomes`` (a name of the encoding) and, for each creator, its figure as it was and as it
        is; the index is the column of the table. Levels that none of them has are left out.
    """
    encoding = part.encoding
    before, after = part.train.head(_SHOWN), part.X_train.head(_SHOWN)
    columns = [code.columns[0] for code in encoding.codes for _ in code.names]
    table = pd.DataFrame({"becomes": encoding.names}, index=pd.Index(columns, name="column"))
    levels = [isinstance(code, LevelCode) for code in encoding.codes for _ in code.names]
    for at, name in enumerate(before[IDENTIFIER].astype("str")):
        creator = before.iloc[at]
        table[f"{name}: before"] = [_figure(column, creator[column]) for column in columns]
        table[f"{name}: after"] = [f"{value:.2f}" for value in after.iloc[at]]
    shown: pd.DataFrame = table.loc[(after != 0).any().to_numpy() | ~np.array(levels)]
    return shown


def _figure(column: str, value: Any) -> str:
    if pd.isna(value):
        return "empty"
    if not isinstance(value, int | float | np.number):
        return str(value)
    rate = column in COLUMNS and COLUMNS[column].kind == "rate"
    return axis_text(column, float(value)) if rate else number_text(float(value))
