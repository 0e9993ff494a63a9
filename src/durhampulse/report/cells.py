"""Cells of a table as people read them: shares as percentages, p-values as papers write them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from durhampulse.decision.figures import number_text

__all__ = ["p_text", "readable"]

_SHARES = frozenset(
    {"from", "share", "hit_rate", "predicted", "measured", "gain", "recall", "missing_share"}
    | {"overlooked_share", "expected_share", "from_probability"}
    | {"deals_if_missing", "deals_if_known"}
)
_ENDS = frozenset({"low", "high"})


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


def readable(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table with all cells as text.

    Shares become percentages, and so do ``low`` and ``high`` where they are the ends of a share's
    interval.

    Examples
    --------
    >>> readable(pd.DataFrame({"share": [0.1234], "p_value": [1e-9], "deals": [1200]})).to_dict("records")
    [{'share': '12.3%', 'p_value': '< .001', 'deals': '1,200'}]
    """  # noqa: E501 - one call a line
    shares = _SHARES.intersection(map(str, table.columns))
    shares |= _ENDS if shares else frozenset()
    texts = {
        at: [_text(str(name), cell, shares) for cell in table.iloc[:, at]]
        for at, name in enumerate(table.columns)
    }
    return pd.DataFrame(texts, index=table.index, dtype="str").set_axis(table.columns, axis=1)


def _text(column: str, cell: Any, shares: frozenset[str]) -> str:
    if pd.isna(cell):
        return ""
    if isinstance(cell, float | np.floating):
        if column == "p_value":
            return _p(float(cell))
        return f"{cell:.1%}" if column in shares else number_text(float(cell))
    whole = isinstance(cell, int | np.integer) and not isinstance(cell, bool | np.bool_)
    return f"{int(cell):,}" if whole else str(cell)
