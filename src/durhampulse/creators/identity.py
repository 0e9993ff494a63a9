"""Which column tells creators apart in a table that names none."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import pyarrow as pa
import pyarrow.compute as pc

from durhampulse.creators.carried import Sort, carried_column, header_words, sort_of
from durhampulse.creators.identifiers import canonical_identifiers
from durhampulse.creators.text import NoTextError, whole_array

__all__ = ["identifier_candidates", "unique_candidate"]

_ORDER: tuple[Sort, ...] = ("id", "handle", "account", "link", "email", "name")
"""What may tell creators apart, the best first."""
_POSTS = frozenset(
    {"post", "video", "image", "picture", "tweet", "reel", "story", "ad", "campaign", "brand"}
    | {"deal", "order", "manager", "agent", "agency", "website", "tracking"}
)
"""Whose links and names are not the creator's."""
_FIRST_LOOK = 1_000


def identifier_candidates(headers: Iterable[str]) -> list[str]:
    """Return the headers that may name creators, the best first.

    Examples
    --------
    >>> identifier_candidates(["Name", "Followers", "Post URL", "Username", "Profile link"])
    ['Username', 'Profile link', 'Name']
    """
    return _ranked({header: sort_of(header) for header in headers})


def unique_candidate(cells: pa.Table, taken: Collection[str]) -> tuple[str | None, list[str]]:
    """Return the best column that names each row's creator, and all that might.

    Parameters
    ----------
    cells
        The table as found.
    taken
        Headers that stand for something else.

    Returns
    -------
    header, candidates
        The first candidate whose cells are all filled and different, None if there is none; and
        all candidates, the best first.
    """
    sorts: dict[str, Sort | None] = {}
    for header in cells.column_names:
        if header not in taken:
            sorts[header] = sort_of(header) or carried_column(header, whole_array(cells[header]))
    candidates = _ranked(sorts)
    unique = (header for header in candidates if _unique(whole_array(cells[header])))
    return next(unique, None), candidates


def _ranked(sorts: dict[str, Sort | None]) -> list[str]:
    """Return headers in the order of what they say; of equals the first."""
    named = {
        header: _ORDER.index(sort)
        for header, sort in sorts.items()
        if sort in _ORDER and _POSTS.isdisjoint(header_words(header))
    }
    return sorted(named, key=lambda header: named[header])


def _unique(cells: pa.Array) -> bool:
    """Whether all cells are filled and different, as identifiers are compared."""
    try:
        for part in (cells.slice(0, _FIRST_LOOK), cells):  # the first look spares a long second
            ids = canonical_identifiers(part)
            if ids.null_count or pc.count_distinct(ids).as_py() < len(ids):
                return False
    except NoTextError:
        return False
    return True
