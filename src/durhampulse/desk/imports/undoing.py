"""The undo of an import: the list as it was before, for as long as its rows stand unchanged.

It is one transaction, as the import was: nobody ever sees half of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    Text,
    and_,
    cast,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    true,
    update,
)

from durhampulse.desk.imports.indexes import rebuilt_indexes
from durhampulse.desk.models.catalogue import activation_lock, forget_prepared
from durhampulse.desk.models.unlikeness import refresh_standing
from durhampulse.desk.store import clock
from durhampulse.desk.store.acts import change_act
from durhampulse.desk.store.audit import note
from durhampulse.desk.store.database import Store
from durhampulse.desk.store.former import FORMER_COLUMNS
from durhampulse.desk.store.niches import count_niches
from durhampulse.desk.store.search import refresh_search
from durhampulse.desk.store.tables import (
    act,
    claim,
    creator,
    list_creator,
    metadata,
    replaced,
    review,
    run,
    score,
    upload,
)
from durhampulse.exceptions import InputError

__all__ = ["UndoneImport", "ask_to_undo", "import_act", "preview_undo", "undo_import"]

_REFERRING = [
    (table, column)
    for table in metadata.sorted_tables
    for column in table.columns
    if any(key.column is creator.c.id for key in column.foreign_keys)
    or column is list_creator.c.creator_id
]
"""Tables whose rows speak of a creator, with the column that says of which."""


@dataclass(frozen=True, kw_only=True)
class UndoneImport:
    """What the undo of an import does.

    Attributes
    ----------
    restored
        Creators who get back what the import replaced; reviews and outcomes stay.
    removed
        Creators whom the import brought, and who go again.
    kept
        Creators whom it brought and somebody has since decided about, planned with, put in a list,
        or recorded an outcome of: they stay, as imported.
    changed
        Creators whom a later import has brought again: they stay as that one left them.
    decided
        Of those who get back what was replaced: about whom somebody has decided since.
    """

    restored: int
    removed: int
    kept: int
    changed: int
    decided: int


def import_act(db: Connection, upload_id: int) -> Row[Any] | None:
    """Return the act of an import; none for imports of earlier versions."""
    of_upload = select(run.c.id).where(run.c.upload_id == upload_id)
    return db.execute(select(act).where(act.c.run_id.in_(of_upload))).first()


def preview_undo(db: Connection, upload_id: int) -> UndoneImport:
    """Return what the undo of an import would do now.

    Raises
    ------
    InputError
        If it cannot be undone any more, with the reason.
    """
    row = _require(db, upload_id)
    run_id = row.run_id
    restored = _count(db, _mine(run_id), _is_replaced(run_id))
    brought = (_mine(run_id), ~_is_replaced(run_id))
    kept = _count(db, *brought, _is_spoken_of())
    unchanged = _count(db, _mine(run_id))
    decided = exists().where(
        review.c.creator_id == creator.c.id, review.c.at >= row.at,
        review.c.undone_at.is_(None), review.c.decision != "skip",
    )  # fmt: skip
    return UndoneImport(
        restored=restored,
        removed=unchanged - restored - kept,
        kept=kept,
        changed=max(0, row.detail["creators"] - unchanged),
        decided=_count(db, _mine(run_id), _is_replaced(run_id), decided),
    )


def _require(db: Connection, upload_id: int) -> Row[Any]:
    """Return the act of an import that can be undone."""
    row = import_act(db, upload_id)
    if row is None or not row.detail["former"]:
        raise InputError(
            "This import cannot be undone any more: what it replaced is no longer kept.",
            "Import the earlier list again.",
        )
    if row.undone_at is not None:
        raise InputError(f"{row.undone_by} has undone this import already.", "Reload the page.")
    since = run.c.applied_at > row.at
    models = select(run.c.id).where(run.c.kind == "model", since).limit(1)
    if db.scalar(models) is not None:
        raise InputError(
            "Another model was activated since: its scores would be lost.",
            "Import the earlier list again, which scores it by that model.",
        )
    return row


def ask_to_undo(store: Store, upload_id: int, by: str) -> None:
    """Leave the undo of an import to the worker.

    Raises
    ------
    InputError
        If it is not in place, or cannot be undone any more.
    """
    with store.writing() as db:
        row = _require(db, upload_id)
        in_place = update(upload).where(upload.c.id == upload_id, upload.c.state == "done")
        values = {"state": "undoing", "lease_until": None, "problem": None, "way_out": None}
        if not db.execute(in_place.values(**values)).rowcount:
            raise InputError("This import has moved on.", "Reload the page.")
        db.execute(update(act).where(act.c.id == row.id).values(undone_by=by))


def undo_import(store: Store, upload_id: int) -> UndoneImport | None:
    """Undo an import; return what that did, none where another worker was quicker."""
    now = clock.now()
    with store.writing() as db:
        activation_lock(db)
        file = db.execute(select(upload).where(upload.c.id == upload_id).with_for_update()).one()
        if file.state != "undoing":
            return None
        row = _require(db, upload_id)
        _lock(db, row.run_id)
        result = preview_undo(db, upload_id)
        concerned = db.scalars(_called_otherwise(row.run_id)).all()
        with rebuilt_indexes(db, result.restored + result.removed):
            _put_back(db, row.run_id)
        forget_prepared(db)  # whose scores are of figures that are gone
        refresh_standing(db)
        refresh_search(db, concerned)
        count_niches(db)
        counts = {
            name: getattr(result, name) for name in ("restored", "removed", "kept", "changed")
        }
        change_act(db, row.id, undo=counts, former=False)
        db.execute(update(act).where(act.c.id == row.id).values(undone_at=now))
        done = {"state": "undone", "lease_until": None, "tries": 0}
        db.execute(update(upload).where(upload.c.id == upload_id).values(**done))
        note(db, row.undone_by, "import undone", f"upload {upload_id}", counts)
    store.tidy()
    return result


def _lock(db: Connection, run_id: int) -> None:
    """Take the row locks of an import's creators in id order, as reviewers do."""
    if db.dialect.name == "postgresql":
        rows = select(creator.c.id).where(_mine(run_id)).order_by(creator.c.id).with_for_update()
        db.execute(select(func.count()).select_from(rows.subquery()))


def _put_back(db: Connection, run_id: int) -> None:
    """Restore the creators that a run replaced, and delete those it brought."""
    mine = select(creator.c.id).where(_mine(run_id))
    db.execute(delete(score).where(score.c.run_id == run_id, score.c.creator_id.in_(mine)))
    former = {name: replaced.c[name] for name in FORMER_COLUMNS}
    of_run = and_(replaced.c.creator_id == creator.c.id, replaced.c.run_id == run_id)
    restored = update(creator).where(_mine(run_id), of_run)
    db.execute(restored.values(**former, run_id=replaced.c.former_run_id))
    gone = select(creator.c.id).where(_mine(run_id), ~_is_spoken_of())
    db.execute(delete(claim).where(claim.c.creator_id.in_(gone)))
    db.execute(delete(creator).where(_mine(run_id), ~_is_spoken_of()))
    c = creator.c
    kept = select(c.id, c.run_id, c.probability, c.low, c.high, c.flags).where(_mine(run_id))
    db.execute(insert(score).from_select([*score.c.keys()], kept))
    _hand_down(db, run_id)


def _hand_down(db: Connection, run_id: int) -> None:
    """Hand what a run replaced down to later imports that replaced its rows, and forget the run.

    So the undo of those leads to the list before both.
    """
    mine = replaced.alias()
    same = and_(mine.c.run_id == run_id, mine.c.creator_id == replaced.c.creator_id)
    later = replaced.c.former_run_id == run_id
    db.execute(delete(replaced).where(later, ~exists().where(same)))
    former = {name: mine.c[name] for name in (*FORMER_COLUMNS, "former_run_id")}
    db.execute(update(replaced).where(later, same).values(former))
    db.execute(delete(replaced).where(replaced.c.run_id == run_id))


def _count(db: Connection, *conditions: ColumnElement[bool]) -> int:
    return db.scalar(select(func.count()).select_from(creator).where(*conditions)) or 0


def _mine(run_id: int) -> ColumnElement[bool]:
    """Return the condition that a creator is as a run left them."""
    return creator.c.run_id == run_id


def _is_replaced(run_id: int) -> ColumnElement[bool]:
    """Return the condition that a creator was stored before a run."""
    r = replaced.c
    return exists().where(r.creator_id == creator.c.id, r.run_id == run_id)


def _called_otherwise(run_id: int) -> Select[int]:
    """Return the query of the creators that a run brought, or called by another name."""
    r, c = replaced.c, creator.c
    of_run = and_(r.creator_id == c.id, r.run_id == run_id)
    texts = ((r.name, c.name), (r.carried, c.carried))
    changed = (cast(before, Text).is_distinct_from(cast(now, Text)) for before, now in texts)
    query = select(c.id).outerjoin(replaced, of_run)
    return query.where(_mine(run_id), or_(r.creator_id.is_(None), *changed))


def _is_spoken_of() -> ColumnElement[bool]:
    """Return the condition that anything but an old claim refers to a creator."""
    counts = {claim: claim.c.expires_at > clock.now()}
    return or_(
        *(
            exists().where(column == creator.c.id, counts.get(table, true()))
            for table, column in _REFERRING
        )
    )
