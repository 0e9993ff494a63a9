"""Campaigns as stored: their brief, their state, and what people have said of creators."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from durhampulse.desk.campaigns.brief import Brief
from durhampulse.desk.campaigns.candidates import RUNNING, Choice
from durhampulse.desk.store import clock
from durhampulse.desk.store.audit import note
from durhampulse.desk.store.bulk import insert_one
from durhampulse.desk.store.database import Store
from durhampulse.desk.store.missing import numbered_row
from durhampulse.desk.store.tables import (
    campaign,
    campaign_candidate,
    campaign_creator,
    creator,
    deliverable,
    proposal,
)
from durhampulse.exceptions import InputError

__all__ = [
    "Campaign",
    "agree",
    "campaigns_of",
    "declined",
    "drafts",
    "drop",
    "find",
    "find_draft",
    "finish",
    "list_campaigns",
    "make",
    "reopen",
    "say",
    "shared",
    "usual_currency",
]  # fmt: skip

_MOST_LISTED = 200
_SAMPLE = 1000
_LONGEST_NOTE = 2_000


@dataclass(frozen=True)
class Campaign:
    """A campaign of the store.

    Attributes
    ----------
    row
        Of the table `campaign`.
    brief
        What it wants.
    choices
        What people have said of creators by number.
    """

    row: Row[Any]
    brief: Brief
    choices: dict[int, Choice]

    @property
    def is_proposed(self) -> bool:
        """Whether a set was ever proposed for it."""
        return self.row.proposed_at is not None


def make(store: Store, brief: Brief, by: str) -> int:
    """Store a new campaign, as a draft without a proposal; return its number."""
    values = {"name": brief.name, "brief": asdict(brief), "by": by, "at": clock.now()}
    with store.writing() as db:
        number = insert_one(db, campaign, **values)
        note(db, by, "campaign made", f"campaign {number}")
    return number


def find(db: Connection, number: int, *, lock: bool = False) -> Campaign:
    """Return a campaign by its number.

    Raises
    ------
    MissingError
        If there is none of that number.
    """
    problem, way_out = "There is no such campaign.", "Choose one of the list."
    row = numbered_row(db, campaign, number, problem, way_out, lock=lock)
    chosen = select(campaign_creator).where(campaign_creator.c.campaign_id == number)
    choices = {row.creator_id: Choice(row.choice, row.fee) for row in db.execute(chosen)}
    return Campaign(row, Brief.read(row.brief), choices)


def find_draft(
    db: Connection, number: int, edition: int | None = None, *, lock: bool = True
) -> Campaign:
    """Return a campaign that may be changed.

    Parameters
    ----------
    edition
        What it was when somebody looked at it; none if that does not matter.
    lock
        Whether its row is locked, as the connection is about to change it.

    Raises
    ------
    InputError
        If there is none, it is agreed or done, or somebody has changed it since.
    """
    current = find(db, number, lock=lock)
    row = current.row
    if row.state != "draft":
        raise InputError(
            f"'{row.name}' is {row.state}: nothing in it changes.", "Re-open it first, and say why."
        )
    if edition is not None and row.edition != edition:
        raise InputError(
            f"'{row.name}' has changed since you looked.", "Look at it again, then decide."
        )
    return current


def agree(
    store: Store, number: int, by: str, edition: int | None = None,
    *, sure: bool = False, hidden: Collection[int] = (),
) -> None:  # fmt: skip
    """Lock a draft: the set, the figures and the outcomes known so far are those agreed.

    Parameters
    ----------
    edition
        What it was when somebody looked at it; none if that does not matter.
    sure
        Whether those declined since they came into the set are meant to stay.
    hidden
        Creators of whom the person must not learn yet what others decided.

    Raises
    ------
    InputError
        If nobody is in it, or it is no draft, or it was changed since, or somebody of it was
        declined since and `sure` is not said.
    """
    with store.writing() as db:
        row = find_draft(db, number, edition).row
        rows = select(func.count()).where(proposal.c.campaign_id == number)
        if not (creators := db.scalar(rows)):
            raise InputError("Nobody is in this campaign.", "Propose creators first.")
        since = {creator_id for creator_id, is_new in declined(db, number).items() if is_new}
        if (n := len(since - {*hidden})) and not sure:
            raise InputError(
                f"{n} of this set {'was' if n == 1 else 'were'} declined since.",
                "Take over what today's data would change, leave them out, or tick that they stay.",
                "sure",
            )
        known = select(creator.c.deal).where(creator.c.id == proposal.c.creator_id)
        ours = update(proposal).where(proposal.c.campaign_id == number)
        db.execute(ours.values(deal=known.scalar_subquery()))
        _enter(db, row, "agreed", by)
        note(db, by, "campaign agreed", f"campaign {number}",
             {"creators": creators, "model": row.model_version})  # fmt: skip


def finish(store: Store, number: int, by: str) -> None:
    """Put an agreed campaign away as done; its creators are free for others.

    Raises
    ------
    InputError
        If it is not agreed.
    """
    with store.writing() as db:
        row = find(db, number, lock=True).row
        if row.state != "agreed":
            raise InputError(f"'{row.name}' is not agreed.", "Agree on it first.")
        _enter(db, row, "done", by)
        note(db, by, "campaign done", f"campaign {number}")


def reopen(store: Store, number: int, by: str, why: str) -> None:
    """Make an agreed or finished campaign a draft again; the set stays as it is.

    Raises
    ------
    InputError
        If it is a draft, or nobody says why.
    """
    with store.writing() as db:
        row = find(db, number, lock=True).row
        if row.state == "draft":
            raise InputError(f"'{row.name}' is a draft already.", "Change it.")
        if not why.strip() or len(why) > _LONGEST_NOTE or "\0" in why:
            raise InputError("Nobody said why it is opened again.", "Write a note.", "note")
        _enter(db, row, "draft", by, why.strip())
        note(db, by, "campaign re-opened", f"campaign {number}", {"before": row.state})


def _enter(db: Connection, row: Row[Any], state: str, by: str, why: str = "") -> None:
    values = {"state": state, "state_by": by, "state_at": clock.now(), "note": why or None,
              "edition": row.edition + 1}  # fmt: skip
    db.execute(update(campaign).where(campaign.c.id == row.id).values(**values))


def drop(store: Store, number: int, by: str) -> None:
    """Delete a draft; no creator changes.

    Raises
    ------
    InputError
        If it is agreed or done.
    """
    with store.writing() as db:
        find_draft(db, number)
        for table in (proposal, campaign_creator, campaign_candidate, deliverable):
            db.execute(delete(table).where(table.c.campaign_id == number))
        db.execute(delete(campaign).where(campaign.c.id == number))
        note(db, by, "campaign deleted", f"campaign {number}")


def list_campaigns(db: Connection) -> Sequence[Any]:
    """Return the latest campaigns: their columns, and what is known of those proposed.

    That are ``creators``, their number, ``fees`` and of how many these are known (``priced``), of
    how many the outcome is ``known``, and the ``deals`` among them.
    """
    p, deal = proposal.c, creator.c.deal
    latest = select(campaign.c.id).order_by(campaign.c.id.desc()).limit(_MOST_LISTED).subquery()
    sums = (
        select(p.campaign_id, func.count().label("creators"), func.sum(p.fee).label("fees"),
               func.count(p.fee).label("priced"), func.count(deal).label("known"),
               func.count().filter(deal.is_(True)).label("deals"))
        .join(creator, creator.c.id == p.creator_id)
        .where(p.campaign_id.in_(select(latest.c.id)))
        .group_by(p.campaign_id).subquery()
    )  # fmt: skip
    names = ("creators", "priced", "known", "deals")
    counted = (func.coalesce(sums.c[name], 0).label(name) for name in names)
    rows = select(campaign, sums.c.fees, *counted).join(latest, latest.c.id == campaign.c.id)
    rows = rows.outerjoin(sums, sums.c.campaign_id == campaign.c.id)
    return db.execute(rows.order_by(campaign.c.id.desc())).all()


def drafts(db: Connection) -> Sequence[Any]:
    """Return ``id`` and ``name`` of the drafts, the latest first."""
    rows = select(campaign.c.id, campaign.c.name).where(campaign.c.state == "draft")
    return db.execute(rows.order_by(campaign.c.id.desc()).limit(_MOST_LISTED)).all()


def campaigns_of(db: Connection, creator_id: int) -> Sequence[Any]:
    """Return ``id, name, state, fee, currency, by_hand`` of the campaigns a creator is in."""
    p = proposal.c
    within = (
        select(campaign.c.id, campaign.c.name, campaign.c.state, p.fee, p.currency, p.by_hand)
        .join(proposal, p.campaign_id == campaign.c.id)
        .where(p.creator_id == creator_id)
    )
    return db.execute(within.order_by(campaign.c.id.desc())).all()


def shared(db: Connection, number: int, creators: Collection[int]) -> Sequence[Any]:
    """Return who is in other running campaigns as well: ``creator_id, id, name, state``."""
    within = (
        select(proposal.c.creator_id, campaign.c.id, campaign.c.name, campaign.c.state)
        .join(campaign, campaign.c.id == proposal.c.campaign_id)
        .where(proposal.c.creator_id.in_([*creators]), campaign.c.id != number,
               campaign.c.state.in_(RUNNING))
    )  # fmt: skip
    return db.execute(within.order_by(campaign.c.id)).all()


def declined(db: Connection, number: int) -> dict[int, bool]:
    """Return who of a campaign's set is declined by now: number to whether nobody knew it then.

    Whoever puts in a creator that is declined has been asked, and means it.
    """
    p = proposal.c
    query = (
        select(p.creator_id, p.by_hand, p.state)
        .join(creator, creator.c.id == p.creator_id)
        .where(p.campaign_id == number, creator.c.state == "declined")
    )
    rows = db.execute(query)
    return {row.creator_id: not (row.by_hand and row.state == "declined") for row in rows}


def usual_currency(db: Connection) -> str:
    """Return the currency of most fees of the list, by a sample; empty where none has one."""
    sample = select(creator.c.currency).where(creator.c.currency.is_not(None)).limit(_SAMPLE)
    named = sample.subquery().c.currency
    query = select(named).group_by(named).order_by(func.count().desc(), named).limit(1)
    return db.scalar(query) or ""


def say(db: Connection, number: int, choices: dict[int, Choice]) -> None:
    """Store what a person has said of creators; nothing stays of "free" without a fee."""
    c = campaign_creator.c
    within = delete(campaign_creator).where(c.campaign_id == number, c.creator_id.in_([*choices]))
    db.execute(within)
    rows = [
        {"campaign_id": number, "creator_id": at, "choice": choice.place, "fee": choice.fee}
        for at, choice in choices.items()
        if choice.place != "free" or choice.fee is not None
    ]
    if rows:
        db.execute(insert(campaign_creator), rows)
