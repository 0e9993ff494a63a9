"""Who stands in a list (by hand, of an import, a campaign or an owner), or has some flags."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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

from durhampulse.desk.store.bulk import numbers_in
from durhampulse.desk.store.database import FOLLOWERS, Store
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

__all__ = [
    "ANYBODYS", "IS_OWNED", "edition_of", "follow", "has_few", "has_marks", "is_marked",
    "is_member", "is_one_of_few", "members", "those_in", "warm_marks",
]  # fmt: skip

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
_IMPORTED = (run.c.kind == "import", run.c.applied_at.is_not(None))


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
    return select(run.c.id).where(run.c.upload_id == upload, *_IMPORTED)


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
    marks = _marks_of(db, name)
    sent = bindparam("marks", marks, LargeBinary, unique=True)
    if db.dialect.name == "postgresql":
        inside = creator.c.id <= len(marks)  # whoever came since is behind the last mark
        at = cast(creator.c.id - 1, Integer)
        return case((inside, func.get_byte(sent, at) == 1), else_=false())
    mark: ColumnElement[bytes] = func.substr(sent, creator.c.id, 1)
    return mark == literal_column("x'01'")


def has_marks(db: Connection, name: str) -> bool:
    """Whether the marks of a list are kept."""
    return _kept_marks(db, name, edition_of(db, name)) is not None


def those_in(db: Connection, name: str, numbers: Sequence[int]) -> set[int]:
    """Return which of some creators stand in a list, by its marks where they are kept."""
    marks = _kept_marks(db, name, edition_of(db, name))
    if marks is not None:
        return {number for number in numbers if marks[number - 1 : number] == b"\1"}
    of_list = members(name)
    (column,) = of_list.selected_columns
    return {*db.scalars(of_list.where(column.in_(numbers_in(db, numbers))))}


def warm_marks(store: Store) -> Iterator[str]:
    """Yield long lists, those made by hand first and the latest first, whose marks were not kept.

    Their marks are then, and those of at most 20 lists.
    """
    with store.reading() as db:
        by_hand = db.scalars(select(creator_list.c.id).order_by(creator_list.c.id.desc())).all()
        of_import = select(run.c.upload_id).where(*_IMPORTED, run.c.upload_id.is_not(None))
        imports = db.scalars(of_import.distinct().order_by(run.c.upload_id.desc())).all()
    kept = 0
    for name in (*map(str, by_hand), *(f"import-{number}" for number in imports)):
        if kept == _MOST_KEPT:
            return
        with store.reading() as db:
            was_kept = has_marks(db, name)
            if not was_kept:
                if has_few(db, name):
                    continue
                _marks_of(db, name)
        kept += 1
        if not was_kept:
            yield name


def follow(
    db: Connection, number: int, edition: int | None, changed: Sequence[int], *, is_in: bool
) -> None:
    """Have the kept marks of a list follow a change of it, as soon as that is committed.

    Parameters
    ----------
    db
        The connection that changes it.
    number, edition
        The list, and the edition that begins with the change; the marks kept are followed up where
        they are of the edition before, and read anew by the next page otherwise.
    changed, is_in
        Who comes into the list, or else leaves it.
    """
    options = db.get_execution_options()
    kept, name = options["marks"], str(number)

    def mark() -> None:
        stood, marks = kept.get(name, (None, b""))
        if edition is None or stood != edition - 1:
            return
        renewed = np.zeros(max(len(marks), *changed, 0), dtype=np.uint8)
        renewed[: len(marks)] = np.frombuffer(marks, dtype=np.uint8)
        renewed[np.array(changed, dtype=np.int64) - 1] = is_in
        kept[name] = edition, renewed.tobytes()

    options[FOLLOWERS].append(mark)


def _marks_of(db: Connection, name: str) -> bytes:
    """Return the marks of a list, which are kept while its edition stands."""
    edition = edition_of(db, name)
    marks = _kept_marks(db, name, edition)
    if marks is None:
        marks = _marks(db, name)
        kept: dict[str, tuple[Any, bytes]] = db.get_execution_options().get("marks", {})
        kept.pop(name, None)
        if edition is not None:
            kept[name] = edition, marks
        while len(kept) > _MOST_KEPT:
            kept.pop(next(iter([*kept]), ""), None)
    return marks


def _kept_marks(db: Connection, name: str, edition: Any) -> bytes | None:
    """Return the marks that are kept of a list's edition; None where there are none."""
    stood, marks = db.get_execution_options().get("marks", {}).get(name, (None, None))
    return marks if edition is not None and stood == edition else None


def edition_of(db: Connection, name: str) -> Any:
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
    """Return a byte for each number up to a list's last: 1 for those in it, else 0.

    At least one: SQLite takes no bytes at all for NULL.
    """
    (column,) = members(name).selected_columns
    joined = func.group_concat(column, ",")
    if db.dialect.name == "postgresql":
        joined = func.string_agg(cast(column, Text), ",")
    text = db.scalar(members(name).with_only_columns(joined))
    numbers = np.fromstring(text or "", sep=",", dtype=np.int64)
    marks = np.zeros(numbers.max(initial=1), dtype=np.uint8)
    marks[numbers - 1] = 1
    return marks.tobytes()


def has_few(db: Connection, name: str) -> bool:
    """Whether a list is so short that its creators are sorted faster than found in an index."""
    some = members(name).limit(_FEW + 1).subquery()
    return (db.scalar(select(func.count()).select_from(some)) or 0) <= _FEW
