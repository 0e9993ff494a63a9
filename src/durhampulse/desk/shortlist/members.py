"""Who stands in a list (by hand, of an import, a campaign or an owner), or has some flags."""

from __future__ import annotations

from typing import Any

import numpy as np
from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    LargeBinary,
    Select,
    Text,
    bindparam,
    case,
    cast,
    false,
    func,
    literal,
    literal_column,
    select,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from durhampulse.desk.store.tables import (
    OWNED,
    act,
    creator,
    creator_list,
    has_flags,
    list_creator,
    ownership,
    proposal,
    run,
    score,
)

__all__ = ["ANYBODYS", "IS_OWNED", "has_few", "is_marked", "is_member", "is_one_of_few", "members"]

_FEW = 20_000
_MOST_KEPT = 20


ANYBODYS = "owner-0"
"""The set of creators whom somebody looks after."""
_OWNED_BY_SOMEBODY = (OWNED, ownership.c.person_id.is_not(None))
IS_OWNED = (
    select(literal(1))
    .where(ownership.c.creator_id == creator.c.id, *_OWNED_BY_SOMEBODY)
    .correlate(creator)
    .exists()
)
"""Condition on creators whom somebody looks after."""


class _OneOf(FunctionElement[Any]):
    """A column that is one of a query's numbers, which are read before the rest is planned.

    PostgreSQL cannot tell how many stand in one list of many, and would walk an index past all
    others; it takes an array for short. It has no type: SQLite's dialect would compare a boolean
    with 1, and SQLite then looks at each creator.
    """

    inherit_cache = True
    name = "one_of"


@compiles(_OneOf)
def _compile_one_of(element: _OneOf, compiler: SQLCompiler, **options: Any) -> str:
    column, query = (compiler.process(part, **options) for part in element.clauses)
    return f"{column} = ANY (ARRAY{query})"


@compiles(_OneOf, "sqlite")
def _compile_one_of_sqlite(element: _OneOf, compiler: SQLCompiler, **options: Any) -> str:
    column, query = (compiler.process(part, **options) for part in element.clauses)
    return f"{column} IN {query}"


def members(name: str) -> Select[int]:
    """Return the query of the numbers of a list's creators.

    Parameters
    ----------
    name
        As in a view's `sets`, or its `flagged`.
    """
    kind, _, number = name.rpartition("-")
    at = int(number)
    if kind == "import":
        return select(score.c.creator_id).where(score.c.run_id.in_(_runs(at)))
    if kind == "campaign":
        return select(proposal.c.creator_id).where(proposal.c.campaign_id == at)
    if name == ANYBODYS:
        return select(ownership.c.creator_id).where(*_OWNED_BY_SOMEBODY)
    if kind == "owner":
        return select(ownership.c.creator_id).where(OWNED, ownership.c.person_id == at)
    if kind == "flag":
        return _flagged(at)
    return select(list_creator.c.creator_id).where(list_creator.c.list_id == at)


def _flagged(bits: int) -> Select[int]:
    others = creator.alias("flagged")
    query = select(others.c.id).where(has_flags(others), others.c.flags.bitwise_and(bits) == bits)
    return query.with_hint(others, "INDEXED BY ix_creator_flagged", "sqlite")


def _runs(upload: int) -> Select[int]:
    return select(run.c.id).where(
        run.c.upload_id == upload, run.c.kind == "import", run.c.applied_at.is_not(None)
    )


def is_member(name: str) -> ColumnElement[bool]:
    """Return the condition that a creator stands in a list, looked up creator by creator.

    For walks along an index that stop early, and for parts of the list: as a scalar query no
    planner turns it into a join.
    """
    query = members(name)
    (column,) = query.selected_columns
    there = query.where(column == creator.c.id).with_only_columns(literal(1)).limit(1)
    return there.scalar_subquery().is_not(None)


def is_one_of_few(name: str) -> ColumnElement[bool]:
    """Return the condition that a creator stands in a short list, whose creators are looked up."""
    return _OneOf(creator.c.id, members(name).correlate(None).scalar_subquery())


def is_marked(db: Connection, name: str) -> ColumnElement[bool]:
    """Return the condition that a creator stands in a list, read off a mark for each number.

    For walks through most of an index: a byte of what is sent along is found in a third of the time
    of a look-up. The store keeps the marks of some lists for as long as they stand.
    """
    kept: dict[str, tuple[Any, bytes]] = db.get_execution_options().get("marks", {})
    edition = _edition(db, name)
    stood, marks = kept.get(name, (None, b""))
    if edition is None or stood != edition:
        marks = _marks(db, name)
        kept.pop(name, None)
        if edition is not None:
            kept[name] = edition, marks
        while len(kept) > _MOST_KEPT:
            kept.pop(next(iter([*kept]), ""), None)
    sent = bindparam("marks", marks, LargeBinary, unique=True)
    if db.dialect.name == "postgresql":
        inside = creator.c.id <= len(marks)  # whoever came since is behind the last mark
        at = cast(creator.c.id - 1, Integer)
        return case((inside, func.get_byte(sent, at) == 1), else_=false())
    mark: ColumnElement[bytes] = func.substr(sent, creator.c.id, 1)
    return mark == literal_column("x'01'")


def _edition(db: Connection, name: str) -> Any:
    """Return what changes whenever somebody comes into a list or leaves it; none of a campaign's.

    Whoever is erased leaves it alone, since no other creator gets their number. What an act says
    goes on with each step of its undo.
    """
    kind, _, number = name.rpartition("-")
    if kind == "campaign":
        return None
    if kind == "import":
        runs = select(run.c.id, act.c.detail).outerjoin(act, act.c.run_id == run.c.id)
        own = runs.where(run.c.id.in_(_runs(int(number)))).order_by(run.c.id)
        return [tuple(row) for row in db.execute(own)]
    if kind == "owner":  # each change is a new row, or undoes one
        latest = select(func.max(ownership.c.id)).scalar_subquery()
        undone = select(func.count()).where(ownership.c.undone_at.is_not(None)).scalar_subquery()
        return tuple(db.execute(select(latest, undone)).one())
    return db.scalar(select(creator_list.c.edition).where(creator_list.c.id == int(number)))


def _marks(db: Connection, name: str) -> bytes:
    """Return a byte for each number up to a list's last: 1 for those in it, else 0."""
    (column,) = members(name).selected_columns
    joined = func.group_concat(column, ",")
    if db.dialect.name == "postgresql":
        joined = func.string_agg(cast(column, Text), ",")
    text = db.scalar(members(name).with_only_columns(joined))
    numbers = np.fromstring(text or "", sep=",", dtype=np.int64)
    marks = np.zeros(numbers.max(initial=0), dtype=np.uint8)
    marks[numbers - 1] = 1
    return marks.tobytes()


def has_few(db: Connection, name: str) -> bool:
    """Whether a list is so short that its creators are sorted faster than found in an index."""
    some = members(name).limit(_FEW + 1).subquery()
    return (db.scalar(select(func.count()).select_from(some)) or 0) <= _FEW
