"""Candidates kept with a proposal, among whom the best set of every other budget lies.

They are the creators to whom fewer others are preferable than the set has places and some to spare
(:mod:`~durhampulse.desk.campaigns.frontier`). Whoever is dearer is preferable to nobody cheaper, so
they hold for every budget up to the largest fee that was allowed. Whoever is not among them has, of
them, at least places and spare preferable ones; while no more than the spare ones are gone since,
as many as places are left, and a best set without the others exists still. Somebody put in by hand
takes a place, and so needs none of the spare ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import pandas as pd
from sqlalchemy import Connection, delete, select

from durhampulse.desk.campaigns.brief import MOST_AMOUNT, Brief
from durhampulse.desk.campaigns.campaigns import Campaign
from durhampulse.desk.campaigns.candidates import Choice, named_apart, proposable
from durhampulse.desk.campaigns.solver import BUDGETS
from durhampulse.desk.models.rules import Rules
from durhampulse.desk.store.bulk import insert_rows
from durhampulse.desk.store.tables import campaign_candidate, creator

__all__ = [
    "Kept", "keep_candidates", "kept_candidates", "spare_of", "to_keep",
]  # fmt: skip

_FIGURES = ("probability", "followers", "engagement_rate", "avg_views", "niche", "flags", "fee")
_SOLVED_BY = ("id", *_FIGURES, "deal", "fixed")


@dataclass(frozen=True, kw_only=True)
class Kept:
    """The candidates to keep with a proposal.

    Attributes
    ----------
    table
        ``id`` and their figures, with fees as nobody typed them, and ``named``: of whom people had
        said something, and who were therefore not looked for.
    spare
        How many of the others may go before the list has to be read again.
    """

    table: pd.DataFrame
    spare: int

    @property
    def facts(self) -> dict[str, int]:
        """What is stored of them beside their rows."""
        return {"creators": int((~self.table["named"]).sum()), "spare": self.spare}


def spare_of(brief: Brief) -> int:
    """Return how many candidates more than needed are kept, as people go on deciding."""
    return max(10, brief.number // 10)


def to_keep(
    db: Connection, brief: Brief, rules: Rules, number: int | None, choices: Mapping[int, Choice],
    table: pd.DataFrame,
) -> Kept | None:  # fmt: skip
    """Return the candidates to keep, none where no fee is known.

    Parameters
    ----------
    table
        The candidates of all budgets, with the spare ones.
    """
    if not len(table) or table["fee"].isna().all():
        return None
    priced = brief
    if not brief.is_priced:
        priced = replace(brief, budget=MOST_AMOUNT / BUDGETS[-1])
        table = table[table["fee"].notna()]
    looked_for = table[~table["id"].isin([*choices])]
    free = dict.fromkeys(choices, Choice("free"))
    by_name = named_apart(db, priced, rules, number, free)
    frames = [looked_for.assign(named=False), by_name.assign(named=True)]
    names = ["id", *_FIGURES, "named"]
    filled = [frame[names] for frame in frames if len(frame)]
    kept = pd.concat(filled, ignore_index=True) if filled else frames[0][names]
    return Kept(table=kept, spare=spare_of(brief))


def keep_candidates(db: Connection, number: int, kept: Kept | None) -> None:
    """Store the candidates of a campaign in place of those before."""
    db.execute(delete(campaign_candidate).where(campaign_candidate.c.campaign_id == number))
    if kept is None or kept.table.empty:
        return
    table = kept.table.astype(object).where(kept.table.notna(), None)
    columns = {name: table[name].tolist() for name in (*_FIGURES, "named")}
    ids = [int(at) for at in table["id"]]
    insert_rows(
        db, campaign_candidate, {"campaign_id": [number] * len(ids), "creator_id": ids, **columns}
    )


def kept_candidates(
    db: Connection, current: Campaign, brief: Brief, rules: Rules, present: pd.DataFrame
) -> pd.DataFrame | None:
    """Return the candidates of a campaign's other budgets from what is kept; none if some may lack.

    Figures are those of the proposal. Whoever may not be proposed any more is left out.

    Parameters
    ----------
    brief
        The campaign's, with a budget.
    present
        The campaign's set with `candidates.COLUMNS`, as it is stored.
    """
    facts = (current.row.facts or {}).get("kept")
    if facts is None:
        return None
    number, choices = current.row.id, current.choices
    rows = _read(db, number, brief, rules)
    inside = {at for at, choice in choices.items() if choice.place == "in"}
    is_free = rows["proposable"] & ~rows["id"].isin([*choices])
    is_left = (is_free | rows["id"].isin(inside)) & ~rows["named"]
    if facts["creators"] - int(is_left.sum()) > facts["spare"]:
        return None
    members = present["id"].tolist()
    may_stay = select(creator.c.id).where(creator.c.id.in_(members))
    allowed = set(db.scalars(may_stay.where(proposable(brief, rules, number))))
    stays = present.assign(fixed=present["id"].isin(inside))
    stays = stays[stays["fixed"] | present["id"].isin(allowed)]
    apart = {at: choice for at, choice in choices.items() if choice.place != "out"}
    by_name = named_apart(db, brief, rules, number, apart, members)
    others = rows[is_free & ~rows["id"].isin(members)].assign(deal=None, fixed=False)
    frames = [frame[[*_SOLVED_BY]] for frame in (stays, by_name, others) if len(frame)]
    return pd.concat(frames, ignore_index=True) if frames else present.iloc[:0]


def _read(db: Connection, number: int, brief: Brief, rules: Rules) -> pd.DataFrame:
    """Return what is kept of a campaign, and whether each may be proposed today."""
    k = campaign_candidate.c
    today = proposable(brief, rules, number).label("proposable")
    query = select(k.creator_id, *(k[name] for name in _FIGURES), k.named, today)
    query = query.join(creator, creator.c.id == k.creator_id).where(k.campaign_id == number)
    rows = db.execute(query.order_by(k.creator_id)).all()
    table = pd.DataFrame(
        [tuple(row) for row in rows], columns=["id", *_FIGURES, "named", "proposable"]
    )
    numeric = dict.fromkeys(("engagement_rate", "avg_views"), float)
    return table.astype({**numeric, "niche": object, "named": bool, "proposable": bool})
