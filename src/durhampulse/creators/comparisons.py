"""Comparisons of a column's figures, as an option names them: ``Conversions>0``."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from durhampulse.exceptions import InputError

__all__ = ["Comparison", "compares", "find_comparison", "named_column", "plain_number"]

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

_OPERATORS: dict[str, Callable[[Floats, float], Mask]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "=": operator.eq,
    "==": operator.eq,
    "!=": operator.ne,
}
_COMPARISON = re.compile(r"\s*([<>=!~]+)\s*(.*)", re.DOTALL)


@dataclass(frozen=True)
class Comparison:
    """A comparison of a column's numbers, as an option names it.

    Attributes
    ----------
    column, sign, number
        Such as ``Conversions``, ``>`` and 0.
    """

    column: str
    sign: str
    number: float

    def holds(self, values: Floats) -> Mask:
        """Return which figures it is true of, shape (n_rows,)."""
        with np.errstate(invalid="ignore"):
            return _OPERATORS[self.sign](values, self.number)


def find_comparison(text: str, headers: Sequence[str]) -> Comparison | None:
    """Return the comparison that a text makes of one of some columns, if it makes one."""
    column, sign, right = _parted(text, headers)
    number = plain_number(right)
    if column is None or sign not in _OPERATORS or number is None:
        return None
    return Comparison(column, sign, number)


def named_column(text: str, headers: Sequence[str]) -> tuple[str | None, str]:
    """Return the column that an option names, if it does, and its word or comparison.

    Raises
    ------
    InputError
        If a column is named, and what follows is no comparison with a number.

    Examples
    --------
    >>> named_column("Stage=Won", ["Stage"]), named_column("Orders>0", ["Orders"])
    (('Stage', 'Won'), ('Orders', 'Orders>0'))
    """
    column, sign, right = _parted(text, headers)
    if column is None or find_comparison(text, headers) is not None:
        return column, text
    if sign in ("=", "=="):
        return column, right
    signs = " ".join(sign for sign in _OPERATORS if sign != "==")
    wrong = f"'{right}' is not a number" if sign in _OPERATORS else f"'{sign}' is none of {signs}"
    raise InputError(f"--deal-is '{text}': {wrong}.", f'Write "{column}>0", for example.')


def compares(text: str) -> bool:
    """Whether a text looks like a comparison.

    Examples
    --------
    >>> compares("Orders>0"), compares("Closed - won")
    (True, False)
    """
    return bool(re.search(r"[<>]|[!=]=", text))


def _parted(text: str, headers: Sequence[str]) -> tuple[str | None, str, str]:
    """Return the longest header that a text begins with, the sign after it, and the rest."""
    for header in sorted(headers, key=len, reverse=True):
        match = _COMPARISON.fullmatch(text[len(header) :]) if text.startswith(header) else None
        if match:
            return header, match[1], match[2].strip()
    return None, "", ""


def plain_number(text: str) -> float | None:
    """Return the number that a text is, if it is a finite one."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if np.isfinite(number) else None
