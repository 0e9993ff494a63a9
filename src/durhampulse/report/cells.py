"""Cells of a table as people read them: shares as percentages, p-values as papers write them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from durhampulse.decision.figures import number_text, percent, threshold_text

__all__ = ["p_text", "readable"]

_SHARES = frozenset(
    {"share", "hit_rate", "predicted", "measured", "gain", "recall", "missing_share"}
    | {"overlooked_share", "expected_share"}
    | {"deals_if_missing", "deals_if_known", "calibration_error", "by_chance"}
)
_ENDS = frozenset({"low", "high"})
_FIXED = (
    dict.fromkeys(("first", "second", "gap", "log_loss", "train_loss", "val_loss"), ".4f")
    | dict.fromkeys(("test_loss", "test_accuracy", "test_f1"), ".4f")
    | dict.fromkeys(("expected_deals", "deals_by_model", "deals_at_random", "effective"), ",.1f")
    | {"difference": "+.4f", "lift": ".2f"}
)
"""How the numbers of a column are written, so that they stand one below the other."""


def p_text(p: Any) -> str:
    """Return a p-value in words.

    Examples
    --------
    >>> p_text(1.578e-53), p_text(0.0304)
    ('p < .001', 'p = .030')
    """
    p = float(p)
    return f"p {_p(p) if p < 0.001 else '= ' + _p(p)}"


def _p(p: float) -> str:
    return "< .001" if p < 0.001 else f"{p:.3f}".removeprefix("0")


_WRITTEN: dict[str, Callable[[float], str]] = {
    "p_value": _p,
    "from": threshold_text,
    "probability": percent,
    "from_probability": percent,
}


def readable(table: pd.DataFrame, *, own: bool = True) -> pd.DataFrame:
    """Return a table with all cells as text.

    Shares become percentages, and so do ``low`` and ``high`` where they are the ends of a share's
    interval; those of a difference are written as it is. A column of whole percentages has no
    decimals. Probabilities of single creators are cut, so that none contradicts its band.

    Parameters
    ----------
    own
        Whether the columns are this package's, whose names say what their numbers are.

    Examples
    --------
    >>> readable(pd.DataFrame({"share": [0.1234], "p_value": [1e-9], "deals": [1200]})).to_dict("records")
    [{'share': '12.3%', 'p_value': '< .001', 'deals': '1,200'}]
    >>> readable(pd.DataFrame({"from": [0.605], "probability": [0.79996]})).to_dict("records")
    [{'from': '60.5%', 'probability': '79.9%'}]
    >>> readable(pd.DataFrame({"share": [12.5]}), own=False).to_dict("records")
    [{'share': '12.5'}]
    """  # noqa: E501 - one call a line
    formats = _formats(table) if own else {}
    texts = {
        at: [_text(cell, formats.get(str(name), number_text)) for cell in table.iloc[:, at]]
        for at, name in enumerate(table.columns)
    }
    return pd.DataFrame(texts, index=table.index, dtype="str").set_axis(table.columns, axis=1)


def _formats(table: pd.DataFrame) -> dict[str, Callable[[float], str]]:
    """Return how the numbers of a table's columns are written; of others as they are."""
    shares = _SHARES.intersection(map(str, table.columns))
    fixed = {**_FIXED, **(dict.fromkeys(_ENDS, "+.4f") if "difference" in table else {})}
    shares |= _ENDS if shares else frozenset()
    fixed |= {name: _share_format(table[name]) for name in shares if name in table}
    return {name: f"{{:{text}}}".format for name, text in fixed.items()} | _WRITTEN


def _share_format(shares: pd.Series) -> str:
    """Return how shares are written: whole percentages, as thresholds are, without decimals."""
    hundredths = 100 * shares.dropna().astype("float64")
    whole = bool(np.isclose(hundredths, hundredths.round(), atol=1e-9).all()) and len(shares) > 1
    return ".0%" if whole else ".1%"


def _text(cell: Any, write: Callable[[float], str]) -> str:
    if pd.isna(cell):
        return ""
    if isinstance(cell, float | np.floating):
        return write(float(cell))
    whole = isinstance(cell, int | np.integer) and not isinstance(cell, bool | np.bool_)
    return f"{int(cell):,}" if whole else str(cell)
