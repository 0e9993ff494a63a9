"""Headers that say the size of their figures: those of ``Followers (k)`` are thousands."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from durhampulse.creators.cells import MISSING_COUNTS, NumberCells
from durhampulse.creators.rules import ColumnRule
from durhampulse.creators.schema import COLUMNS, canonical_name
from durhampulse.exceptions import InputError
from durhampulse.files.headers import split_scale

__all__ = ["header_size", "refuse_full", "scaled", "scaled_rule", "standard_name"]

_SIZES = {
    10**3: "k tsd 000 000s thousand thousands tausend milliers miles milhares migliaia bin "
    "\u0442\u044b\u0441 \u5343",
    10**4: "\u4e07",
    10**5: "lakh lakhs",
    10**7: "crore crores",
    10**6: "mn mio mln million millions millionen millones milh\u00f5es milioni "
    "\u043c\u043b\u043d \u767e\u4e07",
}
_SIZE_OF = {word: size for size, words in _SIZES.items() for word in words.split()} | {"M": 10**6}
"""Without ``mil``, a thousand or a million, and ``m``, which may be either or a kind of person."""
_LARGEST_TYPICAL = 10_000
"""A typical figure of a list in thousands is below: ten million followers, or views a post."""
_DECIMALS = 6


def standard_name(header: str) -> str | None:
    """Return the standard column a header stands for, whatever size it says; None for none.

    Examples
    --------
    >>> standard_name("Followers (k)"), standard_name("Avg views in thousands")
    ('Followers', 'Avg_Views_per_Post')
    >>> standard_name("Engagement (k)") is None
    True
    """
    if name := canonical_name(header):
        return name
    parts = split_scale(header)
    name = canonical_name(parts[0]) if parts else None
    return name if name and COLUMNS[name].kind == "count" else None


def header_size(where: str, header: str) -> int:
    """Return what a count's header multiplies its figures by; 1 where it says nothing.

    Parameters
    ----------
    where
        File and column, for the message.
    header
        The column's.

    Raises
    ------
    InputError
        If its word may be a thousand or a million.

    Examples
    --------
    >>> header_size("a.csv, column Followers", "Followers (k)")
    1000
    """
    parts = split_scale(header)
    if parts is None:
        return 1
    word = parts[1]
    size = _SIZE_OF.get(word) or _SIZE_OF.get(word.casefold().strip("'."))
    if size is None:
        column = where.rsplit(" ", 1)[-1]
        raise InputError(
            f"{where}: header '{header}' says that figures are in {word!r}, which may be a "
            "thousand or a million.",
            f"Write '{parts[0]} (k)' or '{parts[0]} (mio)' as header, or numbers in full under "
            f"'{parts[0]}'; or do without: --map {column}=.",
        )
    return size


def scaled_rule(rule: ColumnRule) -> ColumnRule:
    """Return the rule by which figures are read whose header says their size.

    A point before three digits may be their decimal sign, as it is of no count in full.
    """
    return replace(rule, kind="any", decimal=None)


def scaled(numbers: NumberCells, size: int) -> NumberCells:
    """Return figures in full; those with a word for their size have it already.

    Parameters
    ----------
    numbers
        As read by :func:`scaled_rule`.
    size
        From :func:`header_size`.
    """
    coded = np.isin(numbers.values, MISSING_COUNTS)
    full = np.round(numbers.values * size, _DECIMALS)
    values = np.where(coded, np.nan, np.where(numbers.sized, numbers.values, full))
    return replace(numbers, values=values, null_word=numbers.null_word | coded)


def refuse_full(where: str, header: str, numbers: NumberCells) -> None:
    """Raise if figures are in full though their header says thousands or millions.

    Parameters
    ----------
    where, header
        As for :func:`header_size`.
    numbers
        The figures as written.

    Raises
    ------
    InputError
        If a typical one exceeds ten thousand.
    """
    present = numbers.values[np.isfinite(numbers.values) & ~numbers.sized]
    if present.size and (typical := float(np.median(present))) > _LARGEST_TYPICAL:
        column = where.rsplit(" ", 1)[-1]
        raise InputError(
            f"{where}: its header '{header}' says a size, and typical figures such as "
            f"{typical:,.0f} look full already.",
            "Take the size out of the header, or correct the figures; or do without: "
            f"--map {column}=.",
        )
