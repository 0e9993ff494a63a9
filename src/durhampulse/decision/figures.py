"""Single figures and counts as people read them."""

from __future__ import annotations

import math
import re
from decimal import Decimal
from numbers import Real
from typing import Any

from durhampulse.creators.schema import COLUMNS
from durhampulse.deferred import pd

__all__ = [
    "above",
    "axis_text",
    "figure_text",
    "number_text",
    "percent",
    "quantity",
    "short_name",
    "threshold_text",
    "with_minus",
]

_ABSENT = "\u2013"
_HYPHEN = re.compile(r"(?<![^\s(])-(?=\.?\d)")
_SIZES = ((1e9, "B"), (1e6, "M"), (1e3, "K"), (1, ""))


def percent(value: float | None, digits: int = 1) -> str:
    """Return a share as a percentage, cut rather than rounded, so that it fits its band.

    Examples
    --------
    >>> percent(0.79999), percent(0.8)
    ('79.9%', '80.0%')
    """
    if value is None:
        return _ABSENT
    scale = 10**digits
    return f"{int(value * 100 * scale + 1e-9) / scale:.{digits}f}%"


def threshold_text(threshold: float) -> str:
    """Return a threshold as a percentage with all its digits, so that it is the one that counts.

    Examples
    --------
    >>> threshold_text(0.8), threshold_text(0.7996)
    ('80%', '79.96%')
    """
    return f"{number_text(100 * threshold)}%"


def above(value: float | None, digits: int = 1) -> str:
    """Return the upper end of an interval as a percentage, so that it is widened, never cut.

    Examples
    --------
    >>> above(0.057, 0), above(0.05, 0), above(0.999, 0), above(None)
    ('6%', '5%', '100%', '\u2013')
    """
    if value is None:
        return _ABSENT
    scale = 10**digits
    return f"{math.ceil(value * 100 * scale - 1e-9) / scale:.{digits}f}%"


def number_text(value: float, digits: int = 4) -> str:
    """Return a number with thousands separators, never in scientific notation.

    Parameters
    ----------
    value
        Any number; one that is not finite is written as Python writes it.
    digits
        Significant digits of what is not a large whole number.

    Examples
    --------
    >>> number_text(7.564e6), number_text(0.08839999999999999), number_text(-0.0000001234)
    ('7,564,000', '0.0884', '-0.0000001234')
    """
    if not math.isfinite(value):
        return str(float(value))
    if abs(value) >= 10 ** (digits - 1):
        return f"{value:,.0f}"
    return f"{Decimal(f'{value:.{digits}g}'):zf}"


def quantity(n: int, noun: str) -> str:
    """Return a count with its noun, in the right number.

    Examples
    --------
    >>> quantity(1, "row"), quantity(2_400, "creator")
    ('1 row', '2,400 creators')
    """
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def short_name(column: str) -> str:
    """Return a column's name as a sentence has it.

    Examples
    --------
    >>> short_name("Growth_Rate"), short_name("Post_Count")
    ('growth', 'Post Count')
    """
    standard = COLUMNS.get(column)
    return standard.short if standard else column.replace("_", " ")


def axis_text(column: str, value: float) -> str:
    """Return a column's number as briefly as the mark of an axis should be.

    Examples
    --------
    >>> axis_text("Followers", 1_250_000), axis_text("Growth_Rate", -0.025), axis_text("Fee", 0.5)
    ('1.25M', '-2.5%', '0.5')
    """
    standard = COLUMNS.get(column)
    if standard is not None and standard.kind == "rate":
        return f"{number_text(100 * value, 3)}%"
    size, sign = next((s for s in _SIZES if abs(value) >= s[0]), _SIZES[-1])
    return number_text(value / size, 3) + sign


def figure_text(column: str, value: Any) -> str:
    """Return a creator's figure in the words of its column.

    Examples
    --------
    >>> figure_text("Engagement_Rate", 0.056), figure_text("Niche", None)
    ('engagement 5.6%', 'niche not known')
    """
    standard = COLUMNS.get(column)
    name = column.replace("_", " ")
    if pd.isna(value):
        return f"{name.lower() if standard else name} not known"
    if standard is not None and standard.kind == "count":
        return standard.phrase.format(f"{value:,.0f}")
    if standard is not None and standard.kind == "rate":
        return standard.phrase.format(f"{number_text(100 * value, 3)}%")
    if standard is not None:
        return standard.phrase.format(value)
    numeric = isinstance(value, Real) and not isinstance(value, bool)
    return f"{name} {number_text(float(value)) if numeric else value}"


def with_minus(text: str) -> str:
    """Return a text whose numbers below zero have a minus sign, not a hyphen.

    Examples
    --------
    >>> with_minus("growth -1.2% a month, INF-1001, 18-24")
    'growth \u22121.2% a month, INF-1001, 18-24'
    """
    return _HYPHEN.sub("\u2212", text)
