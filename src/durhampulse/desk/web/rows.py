"""Creators as rows of the list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from durhampulse.desk.models.rules import Rules
from durhampulse.desk.shortlist.reasons import TopReasons
from durhampulse.desk.store.carried import profile_of

__all__ = ["ListRow", "list_rows"]


@dataclass(frozen=True, kw_only=True)
class ListRow:
    """A row of the list, as it is shown."""

    id: int
    name: str
    identifier: str
    profile: str
    probability: float | None
    low: float | None
    high: float | None
    band: str
    edge: str
    followers: float | None
    engagement: float | None
    growth: float | None
    views: float | None
    fee: float | None
    currency: str
    niche: str
    tier: str
    reason: str
    flags: list[str]
    state: str
    deal: bool | None


def list_rows(rules: Rules, reasons: TopReasons, rows: Sequence[Any]) -> list[ListRow]:
    """Return stored creators as rows of the list."""
    return [
        ListRow(
            id=row.id,
            name=row.name or row.external_id,
            identifier=row.external_id,
            profile=profile_of(row.carried),
            probability=row.probability,
            low=row.low,
            high=row.high,
            band=rules.band(row.probability, row.flags),
            edge=rules.may_be(row.probability, row.flags),
            followers=row.followers,
            engagement=row.engagement_rate,
            growth=row.growth_rate,
            views=row.avg_views,
            fee=row.fee,
            currency=row.currency or "",
            niche=row.niche or "",
            tier=rules.tier(row.followers),
            reason=reason,
            flags=rules.flags(row.flags),
            state=row.state,
            deal=row.deal,
        )
        for row, reason in zip(rows, reasons.of(rules, rows), strict=True)
    ]
