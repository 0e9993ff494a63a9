"""Whom of a campaign a change of model or thresholds would move into another band."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, Select, and_, select

from durhampulse.desk.campaigns.candidates import RUNNING
from durhampulse.desk.models.rules import Rules
from durhampulse.desk.store.tables import campaign, creator, proposal, score

__all__ = ["Crossing", "crossings"]


@dataclass(frozen=True, kw_only=True)
class Crossing:
    """A creator of a campaign whose band would be another.

    Attributes
    ----------
    campaign, campaign_name, campaign_state
        The campaign, and whether it is a draft or agreed.
    id, name
        The creator.
    before, after
        The bands; "none" without a score.
    """

    campaign: int
    campaign_name: str
    id: int
    name: str
    before: str
    after: str
    campaign_state: str


def crossings(
    db: Connection,
    old: Rules,
    new: Rules,
    run_id: int | None = None,
    *,
    without: Collection[int] = (),
) -> dict[int, list[Crossing]]:
    """Return by campaign, draft or agreed, the proposed creators whose band would be another.

    Parameters
    ----------
    old, new
        The rules in force, and those that would be.
    run_id
        The run that holds the new scores; None where only thresholds move.
    without
        Numbers of creators who are left out.
    """
    moved: dict[int, list[Crossing]] = {}
    for row in db.execute(_members(run_id).where(creator.c.id.not_in(without))):
        before = old.band(row.probability, row.flags) or "none"
        after = new.band(row.new_probability, row.new_flags or 0) or "none"
        if before == after:
            continue
        crossing = Crossing(
            campaign=row.campaign, campaign_name=row.campaign_name, campaign_state=row.state,
            id=row.id, name=row.called or row.external_id, before=before, after=after,
        )  # fmt: skip
        moved.setdefault(row.campaign, []).append(crossing)
    return moved


def _members(run_id: int | None) -> Select[tuple[int, str]]:
    """Return the query of all running campaigns' creators with their scores, old and new."""
    scored = (creator if run_id is None else score).c
    query = (
        select(campaign.c.id.label("campaign"), campaign.c.name.label("campaign_name"))
        .add_columns(campaign.c.state, creator.c.id, creator.c.name.label("called"))
        .add_columns(creator.c.external_id, creator.c.probability, creator.c.flags)
        .add_columns(scored.probability.label("new_probability"), scored.flags.label("new_flags"))
        .join(proposal, proposal.c.campaign_id == campaign.c.id)
        .join(creator, creator.c.id == proposal.c.creator_id)
        .where(campaign.c.state.in_(RUNNING))
        .order_by(campaign.c.id.desc(), creator.c.id)
    )
    if run_id is None:
        return query
    return query.outerjoin(
        score, and_(score.c.creator_id == creator.c.id, score.c.run_id == run_id)
    )
