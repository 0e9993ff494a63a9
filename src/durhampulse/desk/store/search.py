"""The search of creators by any part of what they are called, whatever the case.

Each creator has a text: identifier, name and all carried names, handles, links and addresses, one
below the other and folded so that case does not count. A search looks for a part of it in an index
of all runs of three letters, the last two of a text filled up: whoever has all runs of a part may
have the part, and a part of one or two letters begins one of the runs. SQLite's index is FTS5's
with the trigram tokenizer, which triggers keep; PostgreSQL's is a GIN index of the runs as a
`tsvector`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any, Literal

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Connection,
    Row,
    Select,
    String,
    any_,
    cast,
    column,
    delete,
    false,
    func,
    literal,
    select,
    table,
)
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from durhampulse.desk.store.bulk import insert_rows, numbers_in, spread_over
from durhampulse.desk.store.database import insert_or
from durhampulse.desk.store.tables import CONTROL, creator, search, staged

__all__ = [
    "SearchBy", "best_by", "copy_search", "find_some", "forget_search", "held", "holding",
    "refresh_search", "search_text",
]  # fmt: skip

SearchBy = Literal["index", "texts", "others", "row"] | tuple[str, ...]
"""How a part is looked for: as of :func:`held`, or in the index by some of its runs alone."""
_CALLED = ("name", "handle", "email", "link")
_SCHEME = re.compile(r"https?://(?:www\.)?(?=.)")
_RUN_LENGTH = 3
_MOST_RUNS = 3
_AT_ONCE = 500
_SAMPLE = 400
_COMMON = 0.02


def search_text(identifier: str, name: str | None, carried: Iterable[Sequence[str]] | None) -> str:
    r"""Return the text that searches look into.

    Examples
    --------
    >>> search_text("1001", "Lena", [("handle", "Handle", "@LENA_x"), ("email", "Mail", "l@b.de")])
    '1001\n@lena_x\nl@b.de'
    >>> search_text("1001", None, [("link", "Profile", "https://www.video.example/Lena/")])
    '1001\nvideo.example/lena'
    """
    texts = [identifier, name or "", *(text for kind, _, text in carried or () if kind in _CALLED)]
    keys = dict.fromkeys(_folded(text) for text in texts)
    return "\n".join(key for key in keys if not any(key in other for other in keys if key != other))


def _folded(text: str) -> str:
    """Return a text as it is compared; an address without what begins most others too."""
    key = unicodedata.normalize("NFC", text).casefold()
    bare = _SCHEME.sub("", key, count=1) if _SCHEME.match(key) else key
    return bare if bare == key else bare.rstrip("/") or key


_INDEX = table("search_index", *map(column, ("rowid", "text", "search_index")))
"""SQLite's index; the column of its own name stands for all of a row."""
_RUNS = table("search_parts", column("term", String))
"""All runs that occur in SQLite's index, in their order."""
_LAST = "\U0010ffff"


class _Either(FunctionElement[bool]):
    """A condition that each database is asked in its own words: PostgreSQL's, then SQLite's."""

    type = Boolean()
    inherit_cache = True
    name = "either"

    def self_group(self, against: Any = None) -> _Either:  # noqa: ARG002 - SQLAlchemy's signature
        """Return itself: SQLAlchemy would write ``= 1`` behind it, and no index would serve."""
        return self


@compiles(_Either)
def _compile_either(element: _Either, compiler: SQLCompiler, **options: Any) -> str:
    postgresql, _ = element.clauses
    return f"({compiler.process(postgresql, **options)})"


@compiles(_Either, "sqlite")
def _compile_either_sqlite(element: _Either, compiler: SQLCompiler, **options: Any) -> str:
    _, sqlite = element.clauses
    return f"({compiler.process(sqlite, **options)})"


def held(part: str, by: SearchBy = "index") -> ColumnElement[bool]:
    """Return the condition that a creator's text holds some letters.

    Parameters
    ----------
    part
        The letters.
    by
        How it is found out: in the index of runs, which suits a part that few have; from all
        texts, one after another; by whose texts do not hold it, where those are the fewer; or
        creator by creator, where other conditions leave few of them. Runs of the part are those
        that are looked up in the index, in place of all.
    """
    key = _folded(part)
    if CONTROL.search(key):  # which part one text from the next
        return false()
    holders = select(search.c.creator_id).where(_like(search.c.text, key))
    if by == "texts":
        return creator.c.id.in_(holders)
    if by == "row":
        return holders.where(search.c.creator_id == creator.c.id).scalar_subquery().is_not(None)
    if by == "others":
        others = select(search.c.creator_id).where(~_like(search.c.text, key))
        none = ~others.where(search.c.creator_id == creator.c.id).exists()
        return _Either(none, creator.c.id.not_in(others))
    runs = _rarest(key, []) if by == "index" else by
    index: ColumnElement[str] = _INDEX.c.search_index
    sqlite = select(_INDEX.c.rowid).where(index.op("MATCH")(_fts_query(runs)))
    have = func.search_runs(search.c.text).op("@@")(cast(literal(_tsquery(runs)), TSQUERY))
    postgresql = select(search.c.creator_id).where(have)
    if len(key) > _RUN_LENGTH:
        sqlite = sqlite.where(_like(_INDEX.c.text, key))
        postgresql = postgresql.where(_like(search.c.text, key))
    # As an array the texts are searched once and first: the planner cannot know how few hold a
    # part, and would look into each creator's text in the order of the list.
    numbers = any_(func.array(postgresql.scalar_subquery()))
    return _Either(creator.c.id == numbers, creator.c.id.in_(sqlite))


def holding(db: Connection, numbers: Sequence[int], part: str) -> set[int]:
    """Return which of some creators have a text that holds a part."""
    key = _folded(part)
    which = select(search.c.creator_id).where(search.c.creator_id.in_(numbers_in(db, numbers)))
    return set() if CONTROL.search(key) else set(db.scalars(which.where(_like(search.c.text, key))))


def best_by(db: Connection, part: str) -> SearchBy:
    """Return how a part is best looked for among all creators, told from a sample.

    Where more than one in fifty have it, going through the list soon fills a page. Otherwise the
    index is read, by the runs that the fewest have: one that all have is read as slowly as the
    list.
    """
    number, key = search.c.creator_id, _folded(part)
    numbers = spread_over(db, number, _SAMPLE)
    if not numbers or CONTROL.search(key):
        return "index"
    texts = db.scalars(select(search.c.text).where(number.in_(numbers_in(db, numbers)))).all()
    holding = sum(key in text for text in texts)
    if holding > _COMMON * len(texts):
        return "texts" if holding <= len(texts) / 2 else "others"
    return _rarest(key, texts)


def _rarest(key: str, texts: Sequence[str]) -> tuple[str, ...]:
    """Return the runs of a part that the fewest of some texts hold; a shorter part as it is.

    Examples
    --------
    >>> _rarest("lena.ex", ["mia.ex", "noa.ex"]), _rarest("le", [])
    (('len', 'ena', 'na.'), ('le',))
    """
    starts = range(max(len(key) - _RUN_LENGTH, 0) + 1)
    runs = dict.fromkeys(key[start : start + _RUN_LENGTH] for start in starts)
    counts = {run: sum(run in text for text in texts) for run in runs}
    rarest = sorted(runs, key=counts.__getitem__)[:_MOST_RUNS]
    rare = [run for run in rarest if counts[run] <= _COMMON * len(texts)]
    return tuple(rare or rarest)


def _like(text: ColumnElement[str], key: str) -> ColumnElement[bool]:
    safe = key.replace("/", "//").replace("%", "/%").replace("_", "/_")
    return text.like(f"%{safe}%", escape="/")


def _fts_query(runs: Sequence[str]) -> ColumnElement[str]:
    """Return FTS5's query for all of some runs, or for any of those that a shorter part begins."""
    key = runs[0]
    if len(key) < _RUN_LENGTH:
        run: ColumnElement[str] = _RUNS.c.term
        quoted = literal('"') + func.replace(run, '"', '""') + literal('"')
        begun = select(func.coalesce(func.group_concat(quoted, " OR "), literal('""')))
        return begun.where(run >= key, run < key + _LAST).scalar_subquery()
    return literal(" AND ".join('"{}"'.format(run.replace('"', '""')) for run in runs))


def _tsquery(runs: Sequence[str]) -> str:
    r"""Return PostgreSQL's query for some runs, likewise.

    Examples
    --------
    >>> _tsquery(["len", "ena"]), _tsquery(["le"])
    ("'len' & 'ena'", "'le':*")
    """
    begins = ":*" * (len(runs[0]) < _RUN_LENGTH)
    quoted = (run.replace("\\", r"\\").replace("'", "''") for run in runs)
    return " & ".join(f"'{run}'{begins}" for run in quoted)


def find_some(db: Connection, part: str, most: int = 10) -> Sequence[Row[Any]]:
    """Return some creators whose text holds a part: ``id, external_id, name``."""
    c, key = creator.c, _folded(part)
    if CONTROL.search(key):
        return []
    which: Select[Any] = select(c.id, c.external_id, c.name)
    by = best_by(db, part)
    if by in ("texts", "others"):  # the first that are come upon
        which = which.join(search, search.c.creator_id == c.id).where(_like(search.c.text, key))
    else:
        which = which.where(held(part, by))
    return db.execute(which.limit(most)).all()


def copy_search(db: Connection, upload: int) -> None:
    """Take over the texts of an upload's staged rows, once their creators are in the list."""
    rows = (
        select(creator.c.id, staged.c.search)
        .join(staged, staged.c.external_id == creator.c.external_id)
        .where(staged.c.upload_id == upload)
        .order_by(creator.c.id)
    )
    into = insert_or(db, search).from_select(["creator_id", "text"], rows)
    changed = search.c.text != into.excluded.text
    values = {"text": into.excluded.text}
    db.execute(
        into.on_conflict_do_update(index_elements=["creator_id"], set_=values, where=changed)
    )


def refresh_search(db: Connection, numbers: Iterable[int]) -> None:
    """Bring the texts of creators up to date, after their names or they themselves have changed."""
    wanted = [*numbers]
    c = creator.c
    for start in range(0, len(wanted), _AT_ONCE):
        part = wanted[start : start + _AT_ONCE]
        db.execute(delete(search).where(search.c.creator_id.in_(part)))
        rows = db.execute(
            select(c.id, c.external_id, c.name, c.carried).where(c.id.in_(part)).order_by(c.id)
        ).all()
        texts = [search_text(row.external_id, row.name, row.carried) for row in rows]
        insert_rows(db, search, {"creator_id": [row.id for row in rows], "text": texts})


def forget_search(db: Connection) -> None:
    """Purge what is no longer in the texts from SQLite's index too, which keeps it for a while.

    FTS5 marks what is deleted and drops it when it merges; ``optimize`` merges all.
    """
    if db.dialect.name == "sqlite":
        db.exec_driver_sql("INSERT INTO search_index (search_index) VALUES ('optimize')")
