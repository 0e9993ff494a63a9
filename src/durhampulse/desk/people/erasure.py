"""A creator's rights: access, objection, erasure; and the retention of old data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    Connection,
    RowMapping,
    Select,
    Table,
    and_,
    delete,
    func,
    or_,
    select,
    update,
)

from durhampulse.desk.models.catalogue import activation_lock
from durhampulse.desk.people.objections import add_objection
from durhampulse.desk.people.waiting import (
    WaitingFile,
    files_holding,
    files_waiting,
    remove_waiting,
)
from durhampulse.desk.people.words import clear_words, telling_words
from durhampulse.desk.store import clock
from durhampulse.desk.store.audit import note
from durhampulse.desk.store.bulk import insert_one
from durhampulse.desk.store.chain import read_head
from durhampulse.desk.store.database import Store
from durhampulse.desk.store.former import forget_former
from durhampulse.desk.store.identifiers import stored_forms
from durhampulse.desk.store.keyed import keyed_hash
from durhampulse.desk.store.niches import count_niches
from durhampulse.desk.store.search import forget_search
from durhampulse.desk.store.space import delete_file
from durhampulse.desk.store.tables import (
    audit,
    campaign,
    campaign_candidate,
    campaign_creator,
    claim,
    creator,
    deliverable,
    delivery,
    kept_count,
    list_creator,
    mention,
    opinion,
    outcome,
    outcome_file,
    outcome_rows,
    ownership,
    person,
    proposal,
    receipt,
    refused,
    remark,
    reminder,
    replaced,
    review,
    room_card,
    run,
    score,
    search,
    staged,
    understood,
    upload,
)
from durhampulse.desk.store.traces import note_traces, remove_traces
from durhampulse.exceptions import InputError

__all__ = ["erase", "everything_about", "sweep"]

_OF_CREATOR = (
    score, search, replaced, claim, review, outcome, mention, remark, campaign_creator, proposal,
    campaign_candidate, list_creator, opinion, room_card, delivery, ownership,
    deliverable, reminder,
)  # fmt: skip
_OF_NAME = (staged, refused)  # of imports under way, or past
_AT_ONCE = 500
_MOST_DAYS = 36_500
_ABANDONED = upload.c.state.in_(("new", "checked"))


def everything_about(db: Connection, external_id: str) -> dict[str, Any]:
    """Return all that is stored about a creator: table to rows, as plain data.

    Raises
    ------
    InputError
        If there is no such creator.
    """
    names = stored_forms(external_id)
    numbers = _numbers(db, names)
    if not numbers:
        raise _unknown(external_id)
    scores = (
        select(score, run.c.model_version, run.c.at, run.c.kind)
        .join(run, run.c.id == score.c.run_id)
        .where(score.c.creator_id.in_(numbers), run.c.applied_at.is_not(None))
    )
    reviews = select(review, person.c.name.label("reviewer")).join(person).where(
        review.c.creator_id.in_(numbers)
    )  # fmt: skip
    special: dict[Table, Select[Any]] = {score: scores, review: reviews}
    queries = {
        table.name: special.get(table, select(table).where(table.c.creator_id.in_(numbers)))
        for table in _OF_CREATOR
    }
    queries |= {
        table.name: select(table).where(table.c.external_id.in_(names))
        for table in (creator, *_OF_NAME)
    }
    subjects = [f"creator {number}" for number in numbers]
    queries["audit"] = select(audit).where(audit.c.subject.in_(subjects))
    return {
        name: [_plain(row) for row in db.execute(query).mappings()]
        for name, query in queries.items()
    }


def erase(
    store: Store, external_id: str, by: str, *, objects: bool = False, files: bool = False
) -> dict[str, Any]:
    """Erase a creator and all that is derived from them; return the receipt.

    Parameters
    ----------
    store
        The store.
    external_id
        Whom.
    by
        Who asked for it.
    objects
        Whether later imports must leave them out; only a hash of the identifier, by the
        store's key, is kept for that.
    files
        Whether files that wait and hold them are deleted too.

    Returns
    -------
    dict
        The receipt: its number, when, how many rows of each table are gone, in how many others
        their words were cleared, and which files that waited were deleted.

    Raises
    ------
    InputError
        If nothing is stored of such a creator, and they do not object either; or if files that
        wait hold them, and nobody said that these are to be deleted.
    """
    names = stored_forms(external_id)
    receipt = None
    while receipt is None:
        with store.reading() as db:
            waiting = files_waiting(db)
            words = telling_words(db, _numbers(db, names), names)
        holding = files_holding(waiting, names, words)
        if holding and not files:
            raise _they_wait(holding)
        with store.writing() as db:
            activation_lock(db)  # or an import that is put in place right now would bring them back
            if any(file not in waiting for file in files_waiting(db)):
                continue  # it came while the others were looked through
            words = telling_words(db, _numbers(db, names), names)
            receipt = _erase(db, external_id, by, words, holding, objects=objects)
    for file in holding:
        delete_file(file.path)
    remove_traces(store, words)
    return receipt


def _erase(
    db: Connection, external_id: str, by: str, words: Sequence[str],
    holding: Sequence[WaitingFile], *, objects: bool,
) -> dict[str, Any]:  # fmt: skip
    """Delete a creator's rows, words and files that wait; return the receipt."""
    names = stored_forms(external_id)
    gone = _remove(db, _numbers(db, names), names)
    if not objects and not any(gone.values()) and not holding:
        raise _unknown(external_id)
    remove_waiting(db, holding)
    for table in (understood, outcome_rows):  # cells of files: they are looked at anew
        db.execute(delete(table))
    detail = {
        "hmac_sha256": keyed_hash(db, names[0]),
        "rows": gone,
        "cleared": clear_words(db, words),
        "files": [f"{file.kind} {file.number}" for file in holding],
    }
    if objects:
        add_objection(db, external_id)
    forget_search(db)
    count_niches(db)  # one may have been theirs alone
    note_traces(db)
    return _receipt(db, "objection" if objects else "erasure", by, detail)


def _numbers(db: Connection, names: Sequence[str]) -> list[int]:
    return list(db.scalars(select(creator.c.id).where(creator.c.external_id.in_(names))))


def _they_wait(files: Sequence[WaitingFile]) -> InputError:
    named = ", ".join(map(str, files[:5])) + (" and others" if len(files) > 5 else "")
    return InputError(
        f"Not erased yet: {len(files)} files that wait hold this creator, or cannot be read: "
        f"{named}." if len(files) > 1 else
        f"Not erased yet: a file that waits holds this creator, or cannot be read: {named}.",
        "Say that it is deleted too, or import or drop it first.", "files",
    )  # fmt: skip


def sweep(store: Store, days: int, by: str) -> dict[str, Any]:
    """Erase creators that nothing has touched for some days; return the receipt.

    That is no import, review or outcome.

    What files of that age left behind goes as well: refused rows, and files nobody confirmed. So
    does what imports replaced, once it is no longer kept for their undo.

    Returns
    -------
    dict
        The receipt.

    Raises
    ------
    InputError
        If `days` is not 1 to 36,500.
    """
    if not 1 <= days <= _MOST_DAYS:
        raise InputError(f"{days} days cannot be kept.", f"Name at least 1, at most {_MOST_DAYS}.")
    before = clock.now() - timedelta(days=days)
    total: dict[str, int] = {}
    with store.writing() as db:
        activation_lock(db)  # or an import that is put in place right now would touch them
        while rows := _stale(db, before):
            gone = _remove(db, [row.id for row in rows], [row.external_id for row in rows])
            for name, n in gone.items():
                total[name] = total.get(name, 0) + n
        if n := forget_former(db):
            total[replaced.name] = total.get(replaced.name, 0) + n
        old = upload.c.created_at < before
        paths = [*db.scalars(select(upload.c.path).where(old, _ABANDONED))]
        waiting = outcome_file.c.created_at < before
        paths += db.scalars(select(outcome_file.c.path).where(waiting))
        if n := db.execute(delete(outcome_file).where(waiting)).rowcount:
            total[outcome_file.name] = n
        abandoned = and_(old, _ABANDONED)
        for table, which in ((staged, abandoned), (understood, abandoned), (refused, old)):
            uploads = select(upload.c.id).where(which)
            n = db.execute(delete(table).where(table.c.upload_id.in_(uploads))).rowcount
            if n:
                total[table.name] = total.get(table.name, 0) + n
        given_up = {"state": "discarded", "finished_at": clock.now()}
        db.execute(update(upload).where(old, _ABANDONED).values(**given_up))
        forget_search(db)
        count_niches(db)
        note_traces(db)
        receipt = _receipt(db, "retention", by, {"days": days, "rows": total})
    for path in paths:
        delete_file(path)
    remove_traces(store)
    return receipt


def _stale(db: Connection, before: datetime) -> Sequence[Any]:
    # A creator's own run may be a model's; only an import shows that they are still current.
    imported = (
        select(score.c.creator_id)
        .join(run, run.c.id == score.c.run_id)
        .where(run.c.kind == "import", run.c.at >= before)
    )
    recent = select(review.c.creator_id).where(review.c.at >= before)
    happened = select(outcome.c.creator_id).where(outcome.c.at >= before)
    waits = select(staged.c.external_id).join(upload, upload.c.id == staged.c.upload_id)
    return db.execute(
        select(creator.c.id, creator.c.external_id)
        .where(
            *(creator.c.id.not_in(touched) for touched in (imported, recent, happened)),
            creator.c.external_id.not_in(waits.where(upload.c.created_at >= before)),
        )
        .limit(_AT_ONCE)
    ).all()


def _unknown(external_id: str) -> InputError:
    return InputError(f"There is no creator '{external_id[:60]}'.", "Check the identifier.")


def _remove(db: Connection, numbers: list[int], names: list[str]) -> dict[str, int]:
    _count_in_campaigns(db, numbers)
    gone = {
        table.name: db.execute(delete(table).where(table.c.creator_id.in_(numbers))).rowcount
        for table in _OF_CREATOR
    }
    for table in _OF_NAME:
        gone[table.name] = db.execute(delete(table).where(table.c.external_id.in_(names))).rowcount
    gone["creator"] = db.execute(delete(creator).where(creator.c.id.in_(numbers))).rowcount
    db.execute(delete(kept_count))  # by niche, which may be theirs alone
    _forget_previewed(db, numbers)
    return gone


def _count_in_campaigns(db: Connection, numbers: list[int]) -> None:
    """Add those about to go to their campaigns' count of erased creators.

    A campaign that keeps them for another budget has changed too: pages made of it are made anew.
    """
    within = (proposal.c.campaign_id == campaign.c.id, proposal.c.creator_id.in_(numbers))
    lost = select(func.count()).where(*within).scalar_subquery()
    here = (
        campaign.c.id.in_(select(table.c.campaign_id).where(table.c.creator_id.in_(numbers)))
        for table in (proposal, campaign_candidate)
    )
    counted = update(campaign).where(or_(*here))
    db.execute(counted.values(erased=campaign.c.erased + lost, edition=campaign.c.edition + 1))


def _forget_previewed(db: Connection, numbers: list[int]) -> None:
    """Take creators out of the preview of a model that waits to be activated."""
    for row in db.execute(select(run.c.id, run.c.preview).where(run.c.preview.is_not(None))).all():
        facts = row.preview["facts"]
        movers = [mover for mover in facts["movers"] if mover["id"] not in numbers]
        preview = {**row.preview, "facts": {**facts, "movers": movers}}
        db.execute(update(run).where(run.c.id == row.id).values(preview=preview))


def _receipt(db: Connection, act: str, by: str, detail: dict[str, Any]) -> dict[str, Any]:
    now = clock.now()
    detail = {**detail, "head": asdict(read_head(db))}
    values = {"at": now, "act": act, "detail": detail}
    number = insert_one(db, receipt, **values)
    note(db, by, act, f"receipt {number}", {"rows": detail["rows"]})
    return {"receipt": number, "act": act, "at": now.isoformat(timespec="seconds"), **detail}


def _plain(row: RowMapping) -> dict[str, Any]:
    return {
        name: value.isoformat() if hasattr(value, "isoformat") else value
        for name, value in row.items()
    }
