"""The set proposed for a campaign: computed by an act, stored, and read as it was."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import Connection, delete, func, insert, or_, select, update

from durhampulse.desk.campaigns.brief import Brief
from durhampulse.desk.campaigns.campaigns import Campaign, find, find_draft
from durhampulse.desk.campaigns.candidates import candidates, pool
from durhampulse.desk.campaigns.kept import Kept, keep_candidates, spare_of, to_keep
from durhampulse.desk.campaigns.solver import BestSet, best_set, more_budget
from durhampulse.desk.models.catalogue import Catalogue
from durhampulse.desk.store import clock
from durhampulse.desk.store.audit import note
from durhampulse.desk.store.database import Store
from durhampulse.desk.store.tables import (
    act,
    campaign,
    creator,
    outcome,
    proposal,
    review,
    run,
    upload,
)
from durhampulse.exceptions import InputError

__all__ = [
    "Difference",
    "Proposal",
    "UnpricedError",
    "compute",
    "difference",
    "has_changed_since",
    "is_decided_since",
    "keep",
    "latest_run",
    "origin",
    "proposal_rows",
    "propose",
    "read_proposal",
    "undone_since",
]

_KEPT = ("probability", "low", "high", "followers", "engagement_rate", "avg_views", "niche", "tier",
         "state", "deal", "flags", "fee", "fee_from")  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """A set of creators, as it was computed.

    Attributes
    ----------
    table
        `candidates.COLUMNS`, the best first; ``fixed`` are those put in by hand.
    facts
        ``pool`` (how many could be proposed, and why others were left out), ``gap`` of
        :class:`~.solver.BestSet`, ``budgets`` and ``binding`` of :class:`~.solver.MoreBudget`.
    model_version, run_id
        The model and the latest change of the list it came from.
    kept
        The candidates of other budgets; none where no fee is known.
    """

    table: pd.DataFrame
    facts: dict[str, Any]
    model_version: str
    run_id: int | None
    kept: Kept | None = None

    @property
    def digest(self) -> str:
        """Return a name for exactly this set with these figures."""
        return digest_of(self.table)


@dataclass(frozen=True, kw_only=True)
class Difference:
    """What today's data would change of a proposal.

    Attributes
    ----------
    before, after
        The set that stands, and today's.
    leave, come
        The rows of either that the other does not hold.
    digest
        Names today's set.
    """

    before: pd.DataFrame
    after: pd.DataFrame
    leave: pd.DataFrame
    come: pd.DataFrame
    digest: str

    @property
    def is_one(self) -> bool:
        """Whether anybody, or anybody's figures, would change."""
        return digest_of(self.before) != self.digest


class UnpricedError(InputError):
    """Somebody put in by hand has no fee, though the campaign plans with money.

    Attributes
    ----------
    creator_id, name
        Who it is.
    """

    def __init__(self, creator_id: int, name: str) -> None:
        problem = f"{name} was put in by hand and has no fee."
        super().__init__(problem, "Type the fee beside the name, or leave them out.")
        self.creator_id = creator_id
        self.name = name


def digest_of(table: pd.DataFrame) -> str:
    """Return a name for exactly this set with these figures, in whatever order."""
    rows = zip(table["id"].astype(int), table["probability"], table["fee"].fillna(-1), strict=True)
    cells = sorted((int(at), float(p), float(fee)) for at, p, fee in rows)
    return hashlib.sha256(repr(cells).encode()).hexdigest()[:16]


def latest_run(db: Connection) -> int | None:
    """Return the run that changed the list last, by an import or another model."""
    number: int | None = db.scalar(select(func.max(run.c.id)).where(run.c.applied_at.is_not(None)))
    return number


def undone_since(db: Connection, moment: datetime) -> Any:
    """Return ``by, at`` of the last undo of an import after a moment; none if there was none."""
    c = act.c
    query = select(c.undone_by.label("by"), c.undone_at.label("at"))
    query = query.where(c.run_id.is_not(None), c.undone_at > moment)
    return db.execute(query.order_by(c.undone_at.desc()).limit(1)).first()


def is_decided_since(db: Connection, number: int, moment: datetime) -> bool:
    """Whether a decision on somebody of a campaign's set, or an outcome, came or went since."""
    r, o = review.c, outcome.c
    inside = select(proposal.c.creator_id).where(proposal.c.campaign_id == number)
    later = or_(r.at > moment, r.undone_at > moment)
    decided = select(r.id).where(r.creator_id.in_(inside), r.decision != "skip", later)
    known = select(o.id).where(
        o.creator_id.in_(inside), or_(o.at > moment, o.replaced_at > moment, o.undone_at > moment)
    )
    return any(db.scalar(query.limit(1)) is not None for query in (decided, known))


def has_changed_since(db: Connection, current: Campaign) -> bool:
    """Whether an import, its undo or another model has changed the list since the proposal."""
    if not current.is_proposed:
        return False
    if current.row.run_id != latest_run(db):
        return True
    return undone_since(db, current.row.proposed_at) is not None


def origin(db: Connection, run_id: int | None) -> Any:
    """Return ``kind, by, at, file_name, undone_at`` of a run; none if there is no such run."""
    c = run.c
    query = select(c.kind, c.by, c.applied_at.label("at"), upload.c.file_name, act.c.undone_at)
    query = query.outerjoin(upload, upload.c.id == c.upload_id)
    query = query.outerjoin(act, act.c.run_id == c.id)
    return db.execute(query.where(c.id == run_id)).first()


def compute(
    store: Store, catalogue: Catalogue, brief: Brief, current: Campaign | None = None
) -> Proposal:
    """Return the set that brings most by today's data; nothing is stored.

    Parameters
    ----------
    brief
        The limits and the aim.
    current
        The campaign, if it is one already; what people have said of creators stands.

    Raises
    ------
    CannotJudgeError
        If no set keeps within the limits.
    """
    number = current.row.id if current else None
    choices = current.choices if current else {}
    with store.reading() as db:
        rules = catalogue.current(db)
        run_id = latest_run(db)
        spare = spare_of(brief)
        table = candidates(db, brief, rules, number, choices=choices, spare=spare)
        kept = to_keep(db, brief, rules, number, choices, table)
        priced = [at for at, choice in choices.items() if choice.fee is not None]
        counts = pool(db, brief, rules, number, priced_by_hand=priced)
    best = _best_of(table, brief)
    more = more_budget(table, brief, best.table, proposable=counts.get("proposable", 0))
    return Proposal(
        table=best.table,
        facts={"pool": counts, "gap": best.gap, **asdict(more),
               "kept": kept.facts if kept else None},
        model_version=rules.version,
        run_id=run_id,
        kept=kept,
    )  # fmt: skip


def _best_of(table: pd.DataFrame, brief: Brief) -> BestSet:
    """Return the best set of candidates, each of whom needs a fee where there is a budget."""
    unpriced = table[table["fixed"].astype(bool) & table["fee"].isna()]
    if brief.is_priced and len(unpriced):
        raise UnpricedError(int(unpriced["id"].iloc[0]), unpriced["name"].iloc[0])
    return best_set(table, brief)


def propose(
    store: Store, catalogue: Catalogue, number: int, by: str,
    *, brief: Brief | None = None, seen: str = "", edition: int | None = None,
) -> Proposal:  # fmt: skip
    """Propose anew by today's data, and store it in place of what was proposed before.

    Parameters
    ----------
    brief
        In place of the campaign's own; none to leave that as it is.
    seen
        The digest of the set that somebody saw and wants; empty for whatever comes.
    edition
        What the campaign was when somebody looked at it.

    Raises
    ------
    InputError
        If it is no draft, was changed meanwhile, or today's set is not the one that was seen.
    CannotJudgeError
        If no set keeps within the limits.
    """
    with store.reading() as db:
        current = find(db, number)
    new = compute(store, catalogue, brief or current.brief, current)
    if seen and new.digest != seen:
        raise InputError(
            "The data have changed once more since you looked.", "Look at the difference again."
        )
    if edition is None:
        edition = current.row.edition
    with store.writing() as db:
        find_draft(db, number, edition)
        if brief is not None:
            values = {"name": brief.name, "brief": asdict(brief)}
            db.execute(update(campaign).where(campaign.c.id == number).values(**values))
        keep(db, number, new, brief or current.brief, by)
        act = "campaign changed" if brief is not None else "campaign proposed"
        note(db, by, act, f"campaign {number}",
             {"creators": len(new.table), "model": new.model_version})  # fmt: skip
    return new


def keep(db: Connection, number: int, new: Proposal, brief: Brief, by: str) -> None:
    """Store a set in place of the one before, in the transaction of the act itself."""
    db.execute(delete(proposal).where(proposal.c.campaign_id == number))
    rows = proposal_rows(number, new.table, brief)
    if rows:
        db.execute(insert(proposal), rows)
    keep_candidates(db, number, new.kept)
    values = {"model_version": new.model_version, "run_id": new.run_id, "proposed_by": by,
              "proposed_at": clock.now(), "facts": new.facts, "erased": 0,
              "edition": campaign.c.edition + 1}  # fmt: skip
    db.execute(update(campaign).where(campaign.c.id == number).values(**values))


def proposal_rows(number: int, table: pd.DataFrame, brief: Brief) -> list[dict[str, Any]]:
    """Return a set as rows of the table `proposal`, in its order."""
    plain = table.astype(object).where(table.notna(), None)
    return [
        {
            "campaign_id": number,
            "creator_id": int(row["id"]),
            "place": place,
            **{name: _plain(row[name]) for name in _KEPT},
            "currency": brief.currency or None if row["fee"] is not None else None,
            "by_hand": bool(row["fixed"]),
        }
        for place, row in enumerate(plain.to_dict("records"))
    ]


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def read_proposal(db: Connection, number: int) -> pd.DataFrame:
    """Return the stored set in its order, with ``name, person, carried, outcome`` as they are now.

    Returns
    -------
    DataFrame
        `candidates.COLUMNS` as they were when proposed, ``currency``, who each creator is, and the
        outcome known. A draft forecasts nothing of whose outcome is known by now, so its ``deal``
        is that outcome; of an agreed campaign it is what was known when people agreed.
    """
    p = proposal.c
    c = creator.c
    who = (c.external_id.label("name"), c.name.label("person"), c.carried,
           c.deal.label("outcome"))  # fmt: skip
    query = (
        select(p.creator_id.label("id"), *(p[name] for name in _KEPT), p.currency,
               p.by_hand.label("fixed"), *who)
        .join(creator, c.id == p.creator_id)
        .where(p.campaign_id == number)
    )  # fmt: skip
    rows = db.execute(query.order_by(p.place)).mappings().all()
    names = ["id", *_KEPT, "currency", "fixed", "name", "person", "carried", "outcome"]
    table = as_table(rows, names)
    is_draft = db.scalar(select(campaign.c.state).where(campaign.c.id == number)) == "draft"
    return table.assign(deal=table["outcome"]) if is_draft else table


def as_table(rows: Sequence[Any], names: Sequence[str]) -> pd.DataFrame:
    """Return rows as a table whose gaps are NaN in numbers and None in all else."""
    numeric = {"probability", "low", "high", "followers", "engagement_rate", "avg_views", "fee"}
    columns = {
        name: pd.Series([row[name] for row in rows], dtype=float if name in numeric else object)
        for name in names
    }
    return pd.DataFrame(columns)


def difference(store: Store, catalogue: Catalogue, number: int) -> Difference:
    """Return what today's data would change of a campaign's set; nothing is stored.

    Raises
    ------
    UnpricedError
        If somebody put in by hand has no fee by now, and needs one.
    CannotJudgeError
        If no set keeps within the limits any more.
    """
    with store.reading() as db:
        current, rules = find(db, number), catalogue.current(db)
        brief, choices, before = current.brief, current.choices, read_proposal(db, number)
        spare = spare_of(brief)
        table = candidates(db, brief, rules, number, choices=choices, spare=spare)
    after = _best_of(table, brief).table
    with store.reading() as db:
        who = select(creator.c.id, creator.c.name).where(creator.c.id.in_(after["id"].tolist()))
        people = {row.id: row.name for row in db.execute(who)}
    names = pd.Series([people.get(at) for at in after["id"]], after.index, dtype=object)
    after = after.assign(person=names)
    return Difference(
        before=before,
        after=after,
        leave=before[~before["id"].isin(after["id"])],
        come=after[~after["id"].isin(before["id"])],
        digest=digest_of(after),
    )
