"""Campaigns: the set of creators with the most deals to expect within a brief's limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import Connection, Row, delete, func, insert, select

from durhampulse.desk.models.rules import Rules
from durhampulse.desk.store.audit import note
from durhampulse.desk.store.bulk import insert_one
from durhampulse.desk.store.database import Store
from durhampulse.desk.store.tables import (
    CONTROL,
    HAS_PRECEDENT,
    campaign,
    campaign_creator,
    creator,
)
from durhampulse.exceptions import CannotJudgeError, InputError

__all__ = [
    "Brief", "Plan", "candidates", "change_choice", "drop_campaign", "find_campaign", "more_budget",
    "plan", "save_campaign",
]  # fmt: skip

_MOST = 1_000
_STEPS = (1.1, 1.25, 1.5, 2.0)
_SECONDS = 10.0
_OUT_OF_TIME = 1
"""A status of :func:`scipy.optimize.milp`."""


@dataclass(frozen=True, kw_only=True)
class Brief:
    """What a campaign wants.

    Attributes
    ----------
    name
        What people call it.
    number
        Of creators, at most.
    niches, tiers
        Wanted ones; all if empty.
    fees
        Tier to the fee of one creator, in any currency; 0 where none is named.
    budget
        Upper limit of the fees together; none if not given.
    most_per_niche
        At most so many creators of one niche; none if not given.
    """

    name: str
    number: int
    niches: tuple[str, ...] = ()
    tiers: tuple[str, ...] = ()
    fees: Mapping[str, float] = field(default_factory=dict)
    budget: float | None = None
    most_per_niche: int | None = None

    def __post_init__(self) -> None:
        words = (self.name, *self.niches)
        if not 1 <= len(self.name.strip()) <= 200 or any(CONTROL.search(word) for word in words):
            raise InputError(
                "A campaign needs a name of 1 to 200 characters, and no control characters.",
                "Name it.",
            )
        if not 1 <= self.number <= _MOST:
            raise InputError(f"{self.number} creators cannot be planned.", f"Name 1 to {_MOST}.")
        if any(not 0 <= fee <= 1e12 for fee in [*self.fees.values(), self.budget or 0]):
            raise InputError("Fees and budget are amounts from 0 on.", "Correct the figure.")
        if self.most_per_niche is not None and self.most_per_niche < 1:
            raise InputError("A niche must be allowed 1 creator at least.", "Leave it empty.")

    @classmethod
    def read(cls, fields: Mapping[str, Any]) -> Brief:
        """Return the brief that :func:`dataclasses.asdict` gave the fields of."""
        return cls(**{**fields, "niches": tuple(fields["niches"]), "tiers": tuple(fields["tiers"])})


@dataclass(frozen=True)
class Plan:
    """A set of creators for a brief.

    Attributes
    ----------
    table
        The chosen candidates, the most probable first: ``id, name, probability, low, high, niche,
        tier, fee, wanted``.
    expected
        Deals to be expected: the sum of their probabilities.
    cost
        Their fees together.
    """

    table: pd.DataFrame
    expected: float
    cost: float


def candidates(
    db: Connection,
    brief: Brief,
    rules: Rules,
    choices: Mapping[int, str] | None = None,
) -> pd.DataFrame:
    """Return the creators among whom the best set lies.

    Those of one tier cost the same, so of each tier only the most probable can be in a best set: as
    many as are wanted. Under a limit for each niche a better one may have to stay out because its
    niche is full; full niches hold no more than are wanted, so twice as many are enough. Declined
    creators are left out, and those without a score or followers; what a person has put in or left
    out stands.

    Parameters
    ----------
    brief, rules
        The limits, and the model in force.
    choices
        Creator to "in" or "out", where a person has said so.
    """
    choices = choices or {}
    wanted = [number for number, choice in choices.items() if choice == "in"]
    frames = [_best(db, brief, rules, tier, len(choices)) for tier in brief.tiers or rules.tiers]
    frames += [_named(db, wanted, rules)] if wanted else []
    filled = [frame for frame in frames if len(frame)]
    if not filled:
        return pd.DataFrame(columns=["id", "name", "probability", "low", "high", "niche", "tier",
                                     "fee", "wanted"])  # fmt: skip
    table = pd.concat(filled, ignore_index=True).drop_duplicates("id")
    table["fee"] = table["tier"].map(lambda tier: float(brief.fees.get(tier, 0.0)))
    choice = np.array([choices.get(int(number), "") for number in table["id"]], dtype=object)
    table["wanted"] = choice == "in"
    allowed: pd.DataFrame = table[choice != "out"].reset_index(drop=True)
    return allowed


def _best(db: Connection, brief: Brief, rules: Rules, tier: str, chosen: int) -> pd.DataFrame:
    """Return a tier's most probable; `chosen` more, as many as people may have left out."""
    c, (low, high) = creator.c, rules.tier_range(tier)
    order = (c.probability.desc(), c.id.desc())
    best = select(c.id, c.external_id.label("name"), c.probability, c.low, c.high, c.niche).where(
        c.followers >= low, c.state != "declined", c.probability.is_not(None), HAS_PRECEDENT
    )
    if high != float("inf"):
        best = best.where(c.followers < high)
    if brief.niches:
        best = best.where(c.niche.in_(brief.niches))
    if brief.most_per_niche is None or brief.most_per_niche >= brief.number:
        best = best.order_by(*order).limit(brief.number + chosen)
    else:
        place = func.row_number().over(partition_by=c.niche, order_by=order)
        placed = best.add_columns(place.label("place")).subquery().c
        fits = placed.place <= brief.most_per_niche + chosen
        columns = [column for column in placed if column.name != "place"]
        best = (
            select(*columns)
            .where(fits | placed.niche.is_(None))
            .order_by(placed.probability.desc(), placed.id.desc())
            .limit(2 * brief.number + chosen)
        )
    return pd.DataFrame(db.execute(best).mappings().all()).assign(tier=tier)


def _named(db: Connection, numbers: list[int], rules: Rules) -> pd.DataFrame:
    c = creator.c
    named = select(
        c.id, c.external_id.label("name"), c.probability, c.low, c.high, c.niche, c.followers
    ).where(c.id.in_(numbers), c.probability.is_not(None))
    table = pd.DataFrame(db.execute(named).mappings().all())
    if table.empty:
        return table
    return table.assign(tier=table["followers"].map(rules.tier)).drop(columns="followers")


def plan(table: pd.DataFrame, brief: Brief) -> Plan:
    """Return the set with the most expected deals, by mixed-integer programming (HiGHS).

    Parameters
    ----------
    table
        From :func:`candidates`.
    brief
        The limits.

    Raises
    ------
    CannotJudgeError
        If no set keeps within the limits, as where the creators put in by hand cost too much.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp

    if table.empty:
        return Plan(table, 0.0, 0.0)
    limits = [np.ones(len(table))]
    most = [float(brief.number)]
    if brief.budget is not None:
        limits.append(table["fee"].to_numpy(float))
        most.append(brief.budget)
    if brief.most_per_niche is not None:
        for niche in table["niche"].dropna().unique():
            limits.append((table["niche"] == niche).to_numpy(float))
            most.append(float(brief.most_per_niche))
    solution = milp(
        -table["probability"].to_numpy(float),
        integrality=np.ones(len(table), dtype=np.int64),
        bounds=Bounds(table["wanted"].to_numpy(float), np.ones(len(table))),
        constraints=LinearConstraint(np.array(limits), ub=np.array(most)),
        options={"time_limit": _SECONDS},
    )
    if solution.x is None and solution.status == _OUT_OF_TIME:
        raise CannotJudgeError(
            f"No set was found within {_SECONDS:.0f} seconds.", "Name fewer limits, or niches."
        )
    if solution.x is None:
        raise CannotJudgeError(
            "No set of creators keeps within these limits.",
            "Raise number or budget, or take out creators that were put in by hand.",
        )
    chosen = table[solution.x > 0.5].sort_values("probability", ascending=False)
    chosen = chosen.reset_index(drop=True)
    return Plan(chosen, float(chosen["probability"].sum()), float(chosen["fee"].sum()))


def more_budget(table: pd.DataFrame, brief: Brief, now: Plan) -> pd.DataFrame:
    """Return what a larger budget would add.

    Returns
    -------
    DataFrame
        ``budget, creators, expected, added``; empty where the brief has no budget.
    """
    rows = []
    for step in _STEPS if brief.budget else ():
        budget = float(brief.budget or 0.0) * step
        then = plan(table, replace(brief, budget=budget))
        rows.append((budget, len(then.table), then.expected, then.expected - now.expected))
    return pd.DataFrame(rows, columns=["budget", "creators", "expected", "added"])


def save_campaign(store: Store, brief: Brief, by: str, number: int | None = None) -> int:
    """Store a brief, as a new campaign or in place of one; return its number."""
    fields = asdict(brief)
    with store.writing() as db:
        if number is None:
            values = {"name": brief.name, "brief": fields, "by": by, "at": datetime.now(UTC)}
            number = insert_one(db, campaign, **values)
            note(db, by, "campaign made", f"campaign {number}")
        else:
            find_campaign(db, number)
            row = campaign.update().where(campaign.c.id == number)
            db.execute(row.values(name=brief.name, brief=fields))
            note(db, by, "campaign changed", f"campaign {number}")
    return number


def find_campaign(db: Connection, number: int) -> tuple[Row[Any], Brief, dict[int, str]]:
    """Return a campaign, its brief, and the choices people have made by hand.

    Raises
    ------
    InputError
        If there is none of that number.
    """
    row = db.execute(select(campaign).where(campaign.c.id == number)).first()
    if row is None:
        raise InputError("There is no such campaign.", "Choose one of the list.")
    chosen = select(campaign_creator).where(campaign_creator.c.campaign_id == number)
    return row, Brief.read(row.brief), {row.creator_id: row.choice for row in db.execute(chosen)}


def change_choice(store: Store, number: int, creators: Sequence[int], choice: str, by: str) -> None:
    """Put creators into a campaign, leave them out, or undo either.

    Parameters
    ----------
    choice
        "in", "out" or "free".

    Raises
    ------
    InputError
        If the campaign or a creator is not there, or the choice is none of these.
    """
    if choice not in ("in", "out", "free"):
        raise InputError(f"'{choice[:40]}' is no choice.", "Use in, out or free.")
    with store.writing() as db:
        find_campaign(db, number)
        creator_rows = select(creator.c.id, creator.c.probability, creator.c.followers)
        rows = {row.id: row for row in db.execute(creator_rows.where(creator.c.id.in_(creators)))}
        if missing := [creator_id for creator_id in creators if creator_id not in rows]:
            raise InputError(f"There is no creator of number {missing[0]}.", "Reload the page.")
        if choice == "in" and any(None in row for row in rows.values()):
            raise InputError(
                "Without a score and followers a creator cannot be planned with.",
                "Import a list that has their figures.",
            )
        c = campaign_creator.c
        db.execute(delete(campaign_creator)
                   .where(c.campaign_id == number, c.creator_id.in_([*rows])))  # fmt: skip
        if choice != "free":
            choices = [
                {"campaign_id": number, "creator_id": creator_id, "choice": choice}
                for creator_id in rows
            ]
            db.execute(insert(campaign_creator), choices)
        note(db, by, f"campaign choice: {choice}", f"campaign {number}", {"creators": len(rows)})


def drop_campaign(store: Store, number: int, by: str) -> None:
    """Delete a campaign; no creator changes."""
    with store.writing() as db:
        find_campaign(db, number)
        db.execute(delete(campaign_creator).where(campaign_creator.c.campaign_id == number))
        db.execute(delete(campaign).where(campaign.c.id == number))
        note(db, by, "campaign deleted", f"campaign {number}")
