"""A proposal changed by hand: somebody put in, left out, released, or given a fee.

The rest of the set stays as it was proposed. Where a limit makes room necessary, those leave that
bring least; where a place is free, those come that bring most by today's data.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd
from sqlalchemy import Connection, delete, insert, select, update

from durhampulse.desk.campaigns.brief import is_amount
from durhampulse.desk.campaigns.campaigns import Campaign, find_draft, say
from durhampulse.desk.campaigns.candidates import COLUMNS, Choice, candidates, named
from durhampulse.desk.campaigns.proposal import proposal_rows, read_proposal
from durhampulse.desk.campaigns.solver import best_set, more_budget
from durhampulse.desk.models.catalogue import Catalogue
from durhampulse.desk.models.rules import Rules
from durhampulse.desk.store.audit import note
from durhampulse.desk.store.database import Store
from durhampulse.desk.store.tables import campaign, creator, proposal
from durhampulse.exceptions import InputError
from durhampulse.scoring.record import UNLIKE_BIT

__all__ = ["Change", "doubts", "leave_out", "price", "put_in", "release"]


@dataclass(frozen=True)
class Change:
    """Who came into a set, and who left it, by an act: their names."""

    came: list[str]
    left: list[str]


@dataclass(frozen=True)
class _Basis:
    """What an act starts from: the draft, its set, the rules, and who else could be proposed."""

    current: Campaign
    table: pd.DataFrame
    rules: Rules
    others: pd.DataFrame

    def pool(self, chosen: pd.DataFrame) -> pd.DataFrame:
        """Return a set, which stays, and the candidates that other limits could add to it."""
        inside = self.others["id"].isin(chosen["id"]) | self.others["fixed"].astype(bool)
        others = self.others[~inside]
        frames = [frame for frame in (chosen.assign(fixed=True), others) if len(frame)]
        return pd.concat(frames, ignore_index=True) if frames else chosen


def doubts(db: Connection, creators: Sequence[int]) -> dict[int, str]:
    """Return why creators would not be proposed, though a person may put them in: by number."""
    c = creator.c
    rows = db.execute(select(c.id, c.state, c.deal, c.flags).where(c.id.in_([*creators])))
    reasons: dict[int, str] = {}
    for row in rows:
        words = ["was declined"] if row.state == "declined" else []
        words += ["has a known outcome, so no deal is forecast"] if row.deal is not None else []
        if row.flags & UNLIKE_BIT:
            words.append("is unlike all the model learned from, so no deal is forecast")
        if words:
            reasons[row.id] = ", and ".join(words)
    return reasons


def put_in(
    store: Store, catalogue: Catalogue, number: int, creators: Sequence[int], by: str,
    *, fee: float | None = None, edition: int | None = None,
) -> Change:  # fmt: skip
    """Put creators into a campaign; they stay until somebody releases them.

    Raises
    ------
    InputError
        If one is unknown, or has no score, or no fee where one is needed.
    CannotJudgeError
        If the campaign's limits do not hold all that were put in by hand.
    """
    _check_fee(fee)
    basis = _basis(store, catalogue, number, edition, out=set(creators))
    table, current = basis.table, basis.current
    with store.reading() as db:
        rows = _known(db, creators)
        placed = {at: Choice("in", fee if fee is not None else _fee_typed(current, at))
                  for at in creators}  # fmt: skip
        new = named(db, creators, current.brief, basis.rules, choices=placed)
    for row in rows:
        if row.id not in set(new["id"]):
            raise InputError(
                f"{row.name or row.external_id} has no score and followers to plan with.",
                "Import a list that has their figures.",
            )
    unpriced = new[new["fee"].isna()]["name"].tolist()
    if current.brief.is_priced and unpriced:
        raise InputError(
            f"{unpriced[0]} has no fee{_in_currency(current)}, and this campaign plans with money.",
            "Type the fee beside the name.",
        )
    stays = table[~table["id"].isin(new["id"])]
    joined = pd.concat([frame for frame in (stays, new) if len(frame)], ignore_index=True)
    return _rework(store, basis, joined, placed, by, "put in")


def leave_out(
    store: Store, catalogue: Catalogue, number: int, creator_id: int, by: str,
    *, edition: int | None = None,
) -> Change:  # fmt: skip
    """Leave a creator out for good; the others stay, and whoever brings most takes the place."""
    basis = _basis(store, catalogue, number, edition, out={creator_id})
    with store.reading() as db:
        _known(db, [creator_id])
    stays = basis.table[basis.table["id"] != creator_id]
    joined = basis.pool(stays) if len(stays) < len(basis.table) else stays
    fee = _fee_typed(basis.current, creator_id)
    return _rework(store, basis, joined, {creator_id: Choice("out", fee)}, by, "left out")


def release(store: Store, catalogue: Catalogue, number: int, creator_id: int, by: str) -> Change:
    """Forget what was said by hand of a creator; the set stays as it is until proposed anew."""
    basis = _basis(store, catalogue, number)
    fee = _fee_typed(basis.current, creator_id)
    with store.writing() as db:
        find_draft(db, number, basis.current.row.edition)
        say(db, number, {creator_id: Choice("free", fee)})
        row = (proposal.c.campaign_id == number, proposal.c.creator_id == creator_id)
        db.execute(update(proposal).where(*row).values(by_hand=False))
        _close(db, number, by, "free", 1)
    return Change([], [])


def price(
    store: Store, catalogue: Catalogue, number: int, creator_id: int, fee: float | None, by: str,
    *, edition: int | None = None,
) -> Change:  # fmt: skip
    """Type the fee agreed with a creator, or take it away; the set keeps within the budget.

    Raises
    ------
    InputError
        If it is no amount.
    CannotJudgeError
        If those put in by hand cost more than the budget then.
    """
    _check_fee(fee)
    basis = _basis(store, catalogue, number, edition, out={creator_id})
    place = basis.current.choices.get(creator_id, Choice("free")).place
    chosen = {creator_id: Choice(place, fee)}
    table = basis.table
    with store.reading() as db:
        _known(db, [creator_id])
        priced = named(db, [creator_id], basis.current.brief, basis.rules, choices=chosen)
    within = table["id"] == creator_id
    if within.any() and len(priced):
        table = table.assign(
            fee=table["fee"].mask(within, priced["fee"].iloc[0]),
            fee_from=table["fee_from"].mask(within, priced["fee_from"].iloc[0]),
        )
        if basis.current.brief.is_priced and place != "in":
            table = table[~within | table["fee"].notna()]
    return _rework(store, basis, table, chosen, by, "fee")


def _check_fee(fee: float | None) -> None:
    if fee is not None and not is_amount(fee):
        raise InputError("A fee is an amount from 0 on.", "Correct the figure.", "fee")


def _fee_typed(current: Campaign, creator_id: int) -> float | None:
    return current.choices[creator_id].fee if creator_id in current.choices else None


def _in_currency(current: Campaign) -> str:
    return f" in {current.brief.currency}" if current.brief.currency else ""


def _known(db: Connection, creators: Sequence[int]) -> Sequence[Any]:
    c = creator.c
    rows = db.execute(select(c.id, c.external_id, c.name).where(c.id.in_([*creators]))).all()
    if missing := [at for at in creators if at not in {row.id for row in rows}]:
        raise InputError(f"There is no creator of number {missing[0]}.", "Reload the page.")
    return rows


def _basis(
    store: Store, catalogue: Catalogue, number: int, edition: int | None = None,
    *, out: Collection[int] = (),
) -> _Basis:  # fmt: skip
    """Return what an act starts from; whom it is about is no candidate for another place."""
    with store.reading() as db:
        current = find_draft(db, number, edition, lock=False)
        table, rules = read_proposal(db, number)[[*COLUMNS]], catalogue.current(db)
        others = table.iloc[:0]
        if out and current.is_proposed:
            inside = set(table["id"])
            chosen = {**current.choices, **dict.fromkeys(out, Choice("out"))}
            others = candidates(db, current.brief, rules, number, choices=chosen, apart_from=inside)
    return _Basis(current, table, rules, others)


def _rework(
    store: Store, basis: _Basis, joined: pd.DataFrame, changes: dict[int, Choice], by: str, act: str
) -> Change:
    """Solve over the rows of an act, and store the set with what a person said."""
    current = basis.current
    by_hand = {at for at, choice in {**current.choices, **changes}.items() if choice.place == "in"}
    chosen = basis.table
    facts = dict(current.row.facts or {})
    if current.is_proposed:
        best = best_set(joined, current.brief)
        chosen, facts["gap"] = best.table, best.gap
        proposable = facts.get("pool", {}).get("proposable", 0)
        more = more_budget(basis.pool(chosen), current.brief, chosen, proposable=proposable)
        facts |= asdict(more)
        chosen = chosen.assign(fixed=chosen["id"].isin(by_hand))
    with store.writing() as db:
        find_draft(db, current.row.id, current.row.edition)
        say(db, current.row.id, changes)
        if current.is_proposed:
            db.execute(delete(proposal).where(proposal.c.campaign_id == current.row.id))
            rows = proposal_rows(current.row.id, chosen, current.brief)
            if rows:
                db.execute(insert(proposal), rows)
        _close(db, current.row.id, by, act, len(changes), facts or None)
    return _change(store, basis.table, chosen)


def _close(
    db: Connection, number: int, by: str, act: str, n: int, facts: dict[str, Any] | None = None
) -> None:
    values: dict[str, Any] = {"edition": campaign.c.edition + 1}
    if facts is not None:
        values["facts"] = facts
    db.execute(update(campaign).where(campaign.c.id == number).values(**values))
    note(db, by, f"campaign choice: {act}", f"campaign {number}", {"creators": n})


def _change(store: Store, before: pd.DataFrame, after: pd.DataFrame) -> Change:
    earlier, later = set(before["id"]), set(after["id"])
    moved = [*(earlier ^ later)]
    c = creator.c
    with store.reading() as db:
        rows = db.execute(select(c.id, c.external_id, c.name).where(c.id.in_(moved))).all()
    names = {row.id: row.name or row.external_id for row in rows}
    return Change(
        came=[names[at] for at in after["id"] if at in names and at not in earlier],
        left=[names[at] for at in before["id"] if at in names and at not in later],
    )
