"""Which column tells creators apart in a table that names none."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import pyarrow as pa
import pyarrow.compute as pc

from durhampulse.creators.carried import Sort, carried_column, header_words, sort_of
from durhampulse.creators.identifiers import canonical_identifiers
from durhampulse.creators.schema import header_key
from durhampulse.creators.text import NoTextError, as_text, whole_array

__all__ = ["identifier_candidates", "unique_candidate", "unique_instead"]

_ORDER: tuple[Sort, ...] = ("id", "handle", "account", "link", "email", "name")
"""What may tell creators apart, the best first."""
_POSTS = frozenset(
    {"post", "video", "image", "picture", "tweet", "reel", "story", "ad", "campaign", "brand"}
    | {"deal", "order", "manager", "agent", "agency", "website", "tracking"}
)
"""Whose links and names are not the creator's."""
_POST_LINK = r"(?i)/(p|posts?|reels?|status|videos?|shorts|watch|stor(y|ies))[/?]"
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
    columns = ((header, whole_array(cells[header])) for header in candidates)
    unique = (header for header, cell in columns if not _of_posts(cell) and _unique(cell))
    return next(unique, None), candidates


def unique_instead(cells: pa.Table, header: str, taken: Collection[str]) -> str | None:
    """Return the column that tells creators apart in place of one that names them and repeats.

    Parameters
    ----------
    cells
        The table as found.
    header
        That stands for the identifier. One that speaks of an `id` is never replaced.
    taken
        Headers that stand for something else.
    """
    if "id" in header_key(header) or _unique(whole_array(cells[header])):
        return None
    return unique_candidate(cells, {*taken, header})[0]


def _ranked(sorts: dict[str, Sort | None]) -> list[str]:
    """Return headers in the order of what they say; of equals the first."""
    named = {
        header: _ORDER.index(sort)
        for header, sort in sorts.items()
        if sort in _ORDER and _POSTS.isdisjoint(header_words(header))
    }
    return sorted(named, key=lambda header: named[header])


def _of_posts(cells: pa.Array) -> bool:
    """Whether cells are links to posts, of which a creator may have several."""
    try:
        some = as_text(cells.slice(0, _FIRST_LOOK))
    except NoTextError:
        return False
    return float(pc.mean(pc.match_substring_regex(some, _POST_LINK)).as_py() or 0.0) >= 0.5


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
