"""Headers: each column by one name."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

from durhampulse.exceptions import InputError
from durhampulse.irregularities import Irregularity, Ledger

__all__ = [
    "SCALE",
    "is_figure",
    "require_header",
    "split_scale",
    "tidy",
    "ungarbled",
    "unique_headers",
]

_FIGURE = re.compile(r"[+-]?[$\u20ac\u00a3]?\s*\d[\d.,'\s]*(?:%|[kmb])?", re.IGNORECASE)

SCALE = (
    r"(?:k|m|mn|mio\.?|mln\.?|tsd\.?|'?000s?|thousands?|millions?|tausend|millionen|milliers|miles"
    r"|mil|millones|milhares|milh\u00f5es|migliaia|milioni|bin|\u0442\u044b\u0441\.?|\u043c\u043b\u043d"
    r"|lakhs?|lacs?|crores?|\u5343|\u4e07|\u767e\u4e07)"
)
"""Pattern of words by which a header or a row of units says that figures are in thousands."""
_SCALED = re.compile(
    rf"(.*?\w)(?:\s*[(\[/,]\s*|[\s_]+)(?:(?:in|en)\s+)?({SCALE})[)\]]?\s*", re.IGNORECASE
)


def tidy(header: object) -> str:
    """Return a header on one line, without blanks around it; empty where there is none."""
    return "" if header is None else " ".join(str(header).split())


def is_figure(cell: str) -> bool:
    """Return whether a cell holds a number, such as no header does.

    Examples
    --------
    >>> [is_figure(cell) for cell in ("1,200", "3.4%", "12K", "Followers", "2024-06")]
    [True, True, True, False, False]
    """
    return _FIGURE.fullmatch(cell) is not None


def split_scale(header: str) -> tuple[str, str] | None:
    """Return a header and the word by which it says that figures are in thousands, if it does.

    Examples
    --------
    >>> [split_scale(header) for header in ("Followers (k)", "Views in thousands", "Followers")]
    [('Followers', 'k'), ('Views', 'thousands'), None]
    """
    match = _SCALED.fullmatch(unicodedata.normalize("NFKC", header))
    return (match[1], match[2]) if match else None


def ungarbled(header: str) -> str | None:
    """Return the header that UTF-8 text was before it was opened as Western and saved, if it was.

    Examples
    --------
    >>> ungarbled("Abonn\u00c3\u00a9s"), ungarbled("Abonn\u00e9s"), ungarbled("Followers")
    ('Abonn\u00e9s', None, None)
    """
    for encoding in ("cp1252", "latin-1"):
        try:
            plain = header.encode(encoding).decode("utf-8")
        except UnicodeError:
            continue
        return plain if plain != header else None
    return None


def unique_headers(headers: Sequence[str], ledger: Ledger) -> list[str]:
    """Return headers that differ: by place where there is none, numbered where one comes again.

    Examples
    --------
    >>> unique_headers(["Views", "", "Views", "Views (2)"], Ledger())
    ['Views', 'column 2', 'Views (3)', 'Views (2)']
    """
    unique: dict[str, None] = {}
    taken, last = {*headers}, dict[str, int]()
    for position, header in enumerate(headers, start=1):
        name = base = header or f"column {position}"
        number = last.get(base, 1)
        while name in unique or (name != base and name in taken):
            number += 1
            name = f"{base} ({number})"
        unique[name], last[base] = None, number
        if name != base:
            action = f"the later one is called '{name}'"
            ledger.note(Irregularity.DUPLICATE_HEADER, base, 1, action)
    return [*unique]


def require_header(
    name: str, row: int, headers: Sequence[str], below: Iterable[int], *, guess: int
) -> None:
    """Raise if a title stands where the headers should.

    Parameters
    ----------
    name
        The file's.
    row
        Number of the first row.
    headers
        Its cells.
    below
        Numbers of filled cells in the rows after it, as far as they are known.
    guess
        Number of the row that may hold the headers.
    """
    filled = [header for header in headers if header]
    if len(filled) in (1, 2) and max(below, default=0) > 2 * len(filled):
        alone = "stands alone" if len(filled) == 1 else f"and {filled[1][:60]!r} stand alone"
        raise InputError(
            f"{name}, row {row}: {filled[0][:60]!r} {alone} where the headers should be.",
            f"Remove the lines above the header, or say which row it is: --header-row {guess}.",
        )
