"""Words that tell who a creator is, and their removal from what people wrote elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final
from unicodedata import normalize
from urllib.parse import parse_qsl, urlencode

from sqlalchemy import Column, Connection, String, Table, or_, select, update

from durhampulse.creators.carried import TELLING_KINDS
from durhampulse.desk.people.cases import any_case, may_contain
from durhampulse.desk.store import clock
from durhampulse.desk.store.tables import (
    act,
    bulk,
    campaign,
    creator,
    creator_list,
    deliverable,
    outcome_file,
    ownership,
    recipe,
    refused,
    remark,
    reminder,
    replaced,
    review,
    room,
    room_card,
    run,
    saved_view,
    setting,
    staged,
    upload,
)

__all__ = ["SEARCHES", "WRITTEN", "clear_words", "telling_words", "without_words"]

_FEWEST_LETTERS = 4
_FEWEST_OF_A_WORD = 8  # "Summer" names a campaign, "Brunhilde" somebody
_FEWEST_DIGITS = 6  # "2026" is a year
_ERASED = "[erased]"
_AT_ONCE = 200  # conditions: SQLite takes a thousand

WRITTEN: Final[Mapping[Table, tuple[str, ...]]] = MappingProxyType({
    act: ("detail",),
    bulk: ("request", "order", "problem"),
    campaign: ("name", "brief", "note", "facts"),
    creator_list: ("name", "client", "note"),
    deliverable: ("text",),
    outcome_file: ("file_name", "options"),
    ownership: ("text",),
    recipe: ("file_name", "options"),
    refused: ("external_id", "reason"),
    remark: ("text",),
    reminder: ("text",),
    review: ("note", "request"),
    room: ("name", "client"),
    room_card: ("pitch", "comment"),
    run: ("unlike",),
    saved_view: ("name",),
    setting: ("value",),
    upload: ("file_name", "options", "problem", "way_out", "summary"),
})  # fmt: skip
"""Columns of what people wrote, or files say, that outlives a creator and may name one."""
SEARCHES: Final[Mapping[Table, str]] = MappingProxyType({saved_view: "query", bulk: "selection"})
"""Columns of addresses whose query may search for a creator."""
_MANY = (
    deliverable,
    ownership,
    refused,
    remark,
    reminder,
    review,
)  # rows are looked for by the database
_NOBODYS = ("active_model", "audit_head", "hash_key", "second_factor", "thresholds")
"""Settings of words of the program alone: somebody called as one of them changes none."""
_BY_HEADER = frozenset({"carried"})
"""Fields of JSON whose keys are headers of files; all other keys are words of the program."""
_PROGRAMS = frozenset({"aim", "column", "decision", "per", "reason", "tiers", "units", "word"})
"""Fields of JSON whose values are words of the program too."""


def telling_words(db: Connection, numbers: Sequence[int], names: Iterable[str]) -> list[str]:
    """Return what the store calls a creator: identifiers, names, handles, links, addresses.

    Parameters
    ----------
    db
        The store.
    numbers
        The creator's numbers.
    names
        The forms of their identifier.

    Returns
    -------
    list of str
        Those that mean nobody else, the longest first: no short number, and no single short word.
        Letters with marks come composed and in parts, as names of files have them.
    """
    words = set(names)
    theirs = {
        creator: creator.c.id.in_(numbers),
        replaced: replaced.c.creator_id.in_(numbers),
        staged: staged.c.external_id.in_(words),
    }
    for table, which in theirs.items():
        for row in db.execute(select(table.c.name, table.c.carried).where(which)):
            cells = [text for kind, _, text in row.carried or () if kind in TELLING_KINDS]
            words |= {text for text in (row.name, *cells) if text}
    plain = {" ".join(word.split()) for word in words}
    words |= {normalize(form, word) for word in plain for form in ("NFC", "NFD")}
    return sorted(filter(_tells, words), key=lambda word: (-len(word), word))


def _tells(word: str) -> bool:
    """Whether a word tells who somebody is.

    Examples
    --------
    >>> [_tells(word) for word in ("INF-7", "Lena Prost", "@lena", "Summer", "2026", "x.7")]
    [True, True, True, False, False, False]
    """
    if word.isdecimal():
        return len(word) >= _FEWEST_DIGITS
    return len(word) >= (_FEWEST_OF_A_WORD if word.isalpha() else _FEWEST_LETTERS)


def clear_words(db: Connection, words: Sequence[str]) -> dict[str, int]:
    """Put "[erased]" in place of a creator's words, wherever people wrote them.

    A search for them is taken out of saved views, and work on what it matched is stopped.

    Parameters
    ----------
    db
        A connection in a transaction that writes.
    words
        From :func:`telling_words`.

    Returns
    -------
    dict
        Table to how many of its rows were changed, without those that have none.
    """
    if not words:
        return {}
    pattern = _pattern(words)
    changed = {
        table.name: sum(_clear_row(db, table, row, pattern) for row in _rows(db, table, words))
        for table in WRITTEN
    }
    for table in SEARCHES:
        changed[table.name] = changed.get(table.name, 0) + _clear_searches(db, table, pattern)
    return {name: n for name, n in changed.items() if n}


def _pattern(words: Sequence[str]) -> re.Pattern[str]:
    return re.compile(rf"(?<![^\W_])(?:{any_case(words)})(?![^\W_])", re.IGNORECASE)


def _rows(db: Connection, table: Table, words: Sequence[str]) -> list[Any]:
    """Return the rows of a table that may hold one of some words."""
    if table is setting:
        return list(db.execute(select(setting).where(setting.c.name.not_in(_NOBODYS))))
    if table not in _MANY:
        return list(db.execute(select(table)))
    texts = [table.c[name] for name in WRITTEN[table]]
    rows: dict[int, Any] = {}
    for start in range(0, len(words), _AT_ONCE):
        some = words[start : start + _AT_ONCE]
        named = or_(*(may_contain(text, word) for text in texts for word in some))
        rows |= {row.id: row for row in db.execute(select(table).where(named))}
    return [*rows.values()]


def _clear_row(db: Connection, table: Table, row: Any, pattern: re.Pattern[str]) -> bool:
    """Clear the words out of one row; return whether it had any."""
    values = {}
    for name in WRITTEN[table]:
        before = getattr(row, name)
        after = without_words(before, pattern)
        if after != before:
            values[name] = _fitting(table.c[name], after, row)
    if values:
        db.execute(update(table).where(_is_row(table, row)).values(**values))
    return bool(values)


def without_words(value: Any, pattern: re.Pattern[str], field: str = "") -> Any:
    """Return a value as JSON holds it with "[erased]" in place of words, at any depth.

    Keys are fields that the program looks for: they stay, unless they come from a file.

    Parameters
    ----------
    value
        The value.
    pattern
        What matches the words.
    field
        The field it is the value of; none if empty.

    Examples
    --------
    >>> without_words({"names": ["about @Lena", 3], "@lena": "x"}, _pattern(["@lena"]))
    {'names': ['about [erased]', 3], '@lena': 'x'}
    """
    if field in _PROGRAMS:
        return value
    if isinstance(value, str):
        return pattern.sub(_ERASED, value)
    if isinstance(value, list):
        return [without_words(part, pattern) for part in value]
    if not isinstance(value, Mapping):
        return value
    fields = {key: without_words(part, pattern, key) for key, part in value.items()}
    if field in _BY_HEADER:
        return {pattern.sub(_ERASED, header): part for header, part in fields.items()}
    return fields


def _fitting(column: Column[Any], text: Any, row: Any) -> Any:
    """Return a text that fits into its column, and differs from others where it has to."""
    length = column.type.length if isinstance(column.type, String) else None
    if length is None or not isinstance(text, str):
        return text
    alone = column.table in (creator_list, saved_view, bulk, review)
    mark = f" {row.id}" if alone and column.name in ("name", "request") else ""
    return text[: length - len(mark)] + mark


def _is_row(table: Table, row: Any) -> Any:
    (key,) = table.primary_key.columns
    return key == getattr(row, key.name)


def _clear_searches(db: Connection, table: Table, pattern: re.Pattern[str]) -> int:
    """Take searches for a creator out of a table's addresses; return in how many rows."""
    n = 0
    for row in db.execute(select(table)).all():
        kept = getattr(row, SEARCHES[table])
        query = kept if isinstance(kept, str) else kept["query"]
        shorter = _without_search(query, pattern)
        if shorter == query:
            continue
        value = shorter if isinstance(kept, str) else {**kept, "query": shorter}
        values: dict[str, Any] = {SEARCHES[table]: value}
        if table is bulk and row.state == "waiting":  # or it would go on with all others
            problem = "It searched for somebody who was erased."
            values |= {"state": "stopped", "problem": problem, "lease_until": None,
                       "finished_at": clock.now()}  # fmt: skip
        db.execute(update(table).where(table.c.id == row.id).values(**values))
        n += 1
    return n


def _without_search(query: str, pattern: re.Pattern[str]) -> str:
    """Return an address's query without the parts that name somebody."""
    pairs = parse_qsl(query, keep_blank_values=True)
    kept = [pair for pair in pairs if not pattern.search(pair[1])]
    return urlencode(kept) if len(kept) < len(pairs) else query
