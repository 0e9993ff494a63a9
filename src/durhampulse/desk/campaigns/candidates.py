"""Who may be proposed for a campaign, at what fee, and who is left out for which reason."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    case,
    false,
    func,
    literal,
    or_,
    select,
    true,
)

from durhampulse.desk.campaigns.brief import MOST_AMOUNT, Brief, is_amount
from durhampulse.desk.campaigns.frontier import HINT, Wish, frontier
from durhampulse.desk.campaigns.solver import BUDGETS
from durhampulse.desk.models.rules import Rules
from durhampulse.desk.store.tables import HAS_NO_PRECEDENT, campaign, creator, proposal

__all__ = [
    "COLUMNS",
    "REASONS",
    "RUNNING",
    "Choice",
    "candidates",
    "named",
    "named_apart",
    "pool",
    "proposable",
]

RUNNING = ("draft", "agreed")
"""States of campaigns whose creators are taken."""
COLUMNS = (
    "id", "name", "probability", "low", "high", "followers", "engagement_rate", "avg_views",
    "niche", "tier", "state", "deal", "flags", "fee", "fee_from", "fixed",
)  # fmt: skip
REASONS = {
    "declined": "declined",
    "outcome": "with a known outcome",
    "unscored": "without a score, or with fewer followers than any tier",
    "unlike": "without precedent",
    "undecided": "not approved",
    "taken": "in another running campaign",
    "unmeasured": "without the figure that the aim counts",
    "foreign": "with a fee in another currency",
    "unpriced": "without a fee",
}
"""Why a creator of the wanted niches and tiers cannot be proposed; the first that holds counts."""
_AT_ONCE = 10_000
_READ = ("id", "probability", "low", "high", "followers", "engagement_rate", "avg_views", "niche",
         "state", "deal", "flags")  # fmt: skip


@dataclass(frozen=True)
class Choice:
    """What a person has said of a creator in a campaign.

    Attributes
    ----------
    place
        "in" or "out", or "free" where only a fee was typed.
    fee
        The fee agreed with this creator, in the campaign's currency; none if not typed.
    """

    place: str
    fee: float | None = None


def candidates(
    db: Connection, brief: Brief, rules: Rules, number: int | None = None,
    *, choices: Mapping[int, Choice] | None = None, apart_from: Collection[int] = (),
    spare: int | None = None,
) -> pd.DataFrame:  # fmt: skip
    """Return the creators among whom the best set lies.

    They are those of :mod:`~durhampulse.desk.campaigns.frontier`, and whomever people have named.

    Parameters
    ----------
    brief, rules
        The limits, and the model in force.
    number
        The campaign's; none if it is new.
    choices
        What people have said of creators by number.
    apart_from
        Creators who are not looked for, such as those who are in already.
    spare
        If given, so many may go, and the best set of each budget lies among the rest, also where
        the brief has none.

    Returns
    -------
    DataFrame
        `COLUMNS`, a row for each creator; ``fixed`` are those put in by hand.
    """
    choices = choices or {}
    barred = creator.c.id.in_([*choices, *apart_from])
    allowed = [proposable(brief, rules, number), ~barred]
    fee = _fee(brief, rules)
    if brief.is_priced:
        most = MOST_AMOUNT if brief.budget is None else BUDGETS[-1] * brief.budget
        allowed.append(fee.between(0.0, most))
    elif spare is not None:  # whoever has no fee is dearer than all who have
        fee = func.coalesce(_known_fee(brief, rules), 2 * MOST_AMOUNT)
    wish = Wish(
        gain=_gain(brief, fee), fee=fee, allowed=allowed,
        places=brief.number + 1 + (spare or 0),  # so that one more can be asked for
        each=brief.most_per_niche,
        spare=spare or 0,
    )  # fmt: skip
    frames = [_by_number(db, frontier(db, wish), brief, rules)]
    in_or_free = {at: choice for at, choice in choices.items() if choice.place != "out"}
    frames.append(named_apart(db, brief, rules, number, in_or_free, apart_from))
    filled = [frame[[*COLUMNS]] for frame in frames if len(frame)]
    if not filled:
        return pd.DataFrame(columns=[*COLUMNS])
    return pd.concat(filled, ignore_index=True).drop_duplicates("id", ignore_index=True)


def _by_number(db: Connection, numbers: Sequence[int], brief: Brief, rules: Rules) -> pd.DataFrame:
    """Return creators by number, some at a time."""
    starts = range(0, len(numbers), _AT_ONCE)
    frames = [named(db, numbers[start : start + _AT_ONCE], brief, rules) for start in starts]
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def named_apart(
    db: Connection, brief: Brief, rules: Rules, number: int | None,
    choices: Mapping[int, Choice], apart_from: Collection[int] = (),
) -> pd.DataFrame:  # fmt: skip
    """Return creators of whom people have said something, if they are in or may be proposed."""
    numbers = [at for at in choices if at not in {*apart_from}]
    table = named(db, numbers, brief, rules, choices=choices)
    free = [at for at in numbers if choices[at].place != "in"]
    within = [creator.c.id.in_(free), proposable(brief, rules, number)]
    allowed = set(db.scalars(select(creator.c.id).where(*within))) if free else set()
    keep = table["fixed"].astype(bool) | table["id"].isin(allowed)
    if brief.is_priced:
        keep &= table["fixed"].astype(bool) | table["fee"].notna()
    return table[keep]


def named(
    db: Connection, numbers: Collection[int], brief: Brief, rules: Rules,
    *, choices: Mapping[int, Choice] | None = None,
) -> pd.DataFrame:  # fmt: skip
    """Return creators by number as candidates; those without score or followers are left out."""
    choices = choices or {}
    scored = (creator.c.probability.is_not(None), creator.c.followers.is_not(None))
    query = _select().where(creator.c.id.in_([*numbers]), *scored)
    table = _frame(db, query, rules)
    if table.empty:
        return table
    own = [_fee_of(row, brief, choices) for row in table.itertuples()]
    table["fee"] = np.array([fee for fee, _ in own], dtype=float)
    table["fee_from"] = [source for _, source in own]
    placed = {at for at, choice in choices.items() if choice.place == "in"}
    table["fixed"] = table["id"].isin(placed)
    return table


def _fee_of(row: Any, brief: Brief, choices: Mapping[int, Choice]) -> tuple[float | None, str]:
    """Return a creator's fee and where it comes from: typed, their own, or their tier's."""
    choice = choices.get(int(row.id))
    if choice is not None and is_amount(choice.fee):
        return choice.fee, "typed"
    if is_amount(row.own_fee):
        is_ours = row.currency is None or row.currency == brief.currency
        return (row.own_fee, "own") if is_ours else (None, "foreign")
    fee = brief.fees.get(row.tier)
    return (fee, "tier") if fee is not None else (None, "")


def _select(*more: ColumnElement[Any]) -> Select[Any]:
    c = creator.c
    columns = [c[name] for name in _READ]
    name, own = c.external_id.label("name"), c.fee.label("own_fee")
    return select(*columns, name, own, c.currency, *more)


def _frame(db: Connection, query: Select[Any], rules: Rules) -> pd.DataFrame:
    rows = db.execute(query).mappings().all()
    names = [*_READ, "name", "own_fee", "currency"]
    table = pd.DataFrame(rows, columns=names).astype({"deal": object, "currency": object})
    for name in ("engagement_rate", "avg_views", "own_fee"):
        table[name] = table[name].astype(float)
    table["niche"] = table["niche"].astype(object).where(table["niche"].notna(), None)
    table["currency"] = table["currency"].where(table["currency"].notna(), None)
    table["deal"] = table["deal"].where(table["deal"].notna(), None)
    table["tier"] = [rules.tier(followers) for followers in table["followers"]]
    return table.assign(fee=np.nan, fee_from="", fixed=False)


def _gain(brief: Brief, fee: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return what a creator adds to the aim, as :func:`~.value.gains` counts it."""
    c = creator.c
    amounts = {"deal": literal(1.0), "view": c.avg_views,
               "engagement": c.followers * c.engagement_rate}  # fmt: skip
    amount = amounts[brief.unit]
    if brief.aim == "return":
        amount = literal(float(brief.worth or 0.0)) * amount - fee
    return c.probability if brief.aim == "deals" else c.probability * amount


def _fee(brief: Brief, rules: Rules) -> ColumnElement[Any]:
    """Return the fee of each creator as :func:`_fee_of` names it; 0 where none is counted."""
    return _known_fee(brief, rules) if brief.is_priced else literal(0.0)


def _known_fee(brief: Brief, rules: Rules) -> ColumnElement[Any]:
    tiers = [(_in_tier(rules, tier), literal(float(fee))) for tier, fee in brief.fees.items()]
    own = creator.c.fee
    of_tier = [(own.is_(None) & holds, fee) for holds, fee in tiers]
    return case((own.is_not(None) & _is_ours(brief), own), *of_tier, else_=None)


def _in_tier(rules: Rules, tier: str) -> ColumnElement[bool]:
    low, high = rules.tier_range(tier)
    above = creator.c.followers >= low
    return above if high == float("inf") else and_(above, creator.c.followers < high)


def _wanted(brief: Brief, rules: Rules) -> ColumnElement[bool]:
    """Return the condition of the brief's niches and tiers."""
    tiers = or_(*(_in_tier(rules, tier) for tier in brief.tiers)) if brief.tiers else true()
    return and_(tiers, creator.c.niche.in_(brief.niches)) if brief.niches else tiers


def _is_ours(brief: Brief) -> ColumnElement[bool]:
    """Return the condition that a creator's own fee is in the campaign's currency."""
    c = creator.c
    return or_(c.currency.is_(None), c.currency == brief.currency)


def _barred(brief: Brief, rules: Rules, number: int | None) -> dict[str, ColumnElement[bool]]:
    """Return why creators cannot be proposed, whatever their fee: reason to condition."""
    c = creator.c
    others = (
        select(proposal.c.creator_id)
        .join(campaign, campaign.c.id == proposal.c.campaign_id)
        .where(campaign.c.state.in_(RUNNING), campaign.c.id != (number or 0))
    )
    amount = {"deal": None, "view": c.avg_views, "engagement": c.engagement_rate}[brief.unit]
    return {
        "declined": c.state == "declined",
        "outcome": c.deal.is_not(None),
        "unscored": or_(
            c.probability.is_(None),
            c.followers.is_(None),
            c.followers < rules.tier_range(rules.tiers[0])[0],
        ),
        "unlike": HAS_NO_PRECEDENT,
        "undecided": c.state != "approved" if brief.approved_only else false(),
        "taken": c.id.in_(others) if brief.apart else false(),
        "unmeasured": amount.is_(None) if amount is not None else false(),
    }


def proposable(brief: Brief, rules: Rules, number: int | None) -> ColumnElement[bool]:
    """Return the condition of who may be proposed, whatever their fee."""
    barred = _barred(brief, rules, number).values()
    return and_(*(~reason for reason in barred), _wanted(brief, rules))


def pool(
    db: Connection, brief: Brief, rules: Rules, number: int | None = None,
    *, priced_by_hand: Collection[int] = (),
) -> dict[str, int]:  # fmt: skip
    """Return how many creators of the wanted niches and tiers there are, and why some are left out.

    Returns
    -------
    dict
        ``proposable``, and each key of `REASONS` that holds of some creators.
    """
    reasons = _barred(brief, rules, number)
    if brief.is_priced:
        unnamed = [tier for tier in rules.tiers if tier not in brief.fees]
        in_unnamed = or_(false(), *(_in_tier(rules, tier) for tier in unnamed))
        by_hand = creator.c.id.in_([*priced_by_hand]) if priced_by_hand else false()
        own = creator.c.fee
        reasons["foreign"] = own.is_not(None) & ~_is_ours(brief) & ~by_hand
        reasons["unpriced"] = own.is_(None) & in_unnamed & ~by_hand
    names = [*reasons, "proposable"]  # as whole numbers, which a database sorts by faster
    reason = case(*((holds, at) for at, holds in enumerate(reasons.values())), else_=len(reasons))
    counted = select(reason.label("reason"), func.count()).where(_wanted(brief, rules))
    rows = db.execute(counted.group_by("reason").with_hint(creator, HINT, "sqlite")).all()
    counts = {names[at]: int(n) for at, n in rows}
    return {name: counts[name] for name in ("proposable", *REASONS) if name in counts}
