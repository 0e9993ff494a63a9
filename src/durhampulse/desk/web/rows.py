"""Creators as rows of the list."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from durhampulse.desk.models.rules import Rules
from durhampulse.desk.shortlist.reasons import WITHOUT_PRECEDENT, TopReasons
from durhampulse.desk.store.carried import picture_of, profile_of

__all__ = ["ListRow", "brief_reason", "list_rows"]

_AMONG = re.compile(r"(?:engagement|growth)(?= )|views a post|followers")
_PLACE = re.compile(r"(higher|lower) than (\d+)%")
_USUAL = re.compile(r"but (above|below) the (\S+) usual")
_WHOSE = r"(?:niche (?P<niche>.+?)|(?P<size>\S+ followers)|(?P<figure>.+?))"
_GROUP = re.compile(
    _WHOSE + r": (?:such creators|creators (?:of )?(?P<range>.+?)) get (?P<got>.+?) "
    r"(?:most|more|less|least) often.*?, (?P<rate>\d+)%"
)
_TOGETHER = re.compile(_WHOSE + ", together with")


@dataclass(frozen=True, kw_only=True)
class ListRow:
    """A row of the list, as it is shown; a `reason` of None comes after the page."""

    id: int
    name: str
    identifier: str
    known_as: str
    profile: str
    picture: str
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
    reason: str | None
    flags: list[str]
    state: str
    deal: bool | None

    @property
    def sign(self) -> str:
        """Whether the reason speaks for the creator, as a sign; empty where none speaks."""
        reason = self.reason or ""
        return reason[:1] if reason[1:2] == " " else ""

    @property
    def brief(self) -> str:
        """The reason in a few words, without what its row shows already."""
        return brief_reason((self.reason or "").removeprefix(f"{self.sign} "))


def list_rows(
    rules: Rules, reasons: TopReasons, rows: Sequence[Any], *, explained: int
) -> list[ListRow]:
    """Return stored creators as rows of the list.

    Parameters
    ----------
    rules
        The model in force.
    reasons
        Those computed so far; the new ones join them.
    rows
        Rows of the table `creator`, shape (n_rows,).
    explained
        Of how many, from the first on, a reason is computed that none is kept of.
    """
    texts = [*reasons.of(rules, rows[:explained]), *reasons.kept(rules, rows[explained:])]
    return [
        ListRow(
            id=row.id,
            name=row.name or row.external_id,
            identifier=row.external_id,
            known_as=_known_as(row),
            profile=profile_of(row.carried),
            picture=picture_of(row.carried),
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
        for row, reason in zip(rows, texts, strict=True)
    ]


def _known_as(row: Any) -> str:
    """Return what stands below a creator's name: handle or identifier, platform and country."""
    texts = {kind: text for kind, _, text in reversed(row.carried or ())}
    name = row.name or row.external_id
    parts = [texts.get("handle") or row.external_id, texts.get("platform"), texts.get("country")]
    return " \u00b7 ".join(part for part in parts if part and part != name)


def brief_reason(text: str) -> str:
    """Return a reason in a few words.

    Examples
    --------
    >>> brief_reason("engagement 7.02%, higher than 93% of nano creators in Fashion")
    'Engagement: top 7 in 100'
    >>> brief_reason("niche Fashion: such creators get deals most often, 47%")
    'Fashion: 47 of 100 get deals'
    >>> brief_reason("13,093 followers: creators of 10K to 20K get deals most often, 35%")
    'Size 10K to 20K: 35 of 100 get deals'
    >>> brief_reason(
    ...     "1,129 followers: creators below 1.5K get deals less often than usual, 23% against 27%"
    ... )
    'Size below 1.5K: 23 of 100 get deals'
    >>> brief_reason("engagement 8%: low for nano creators, but above the 2.84% usual in the list")
    'Engagement: above the usual 2.84%'
    >>> brief_reason("video quality SD, together with the other figures: taken alone, 23% of ...")
    'Video quality SD, with the other figures'
    >>> brief_reason("no precedent: 77 views a post with 3,400 followers: nearly all had 113 to 8K")
    '77 views a post with 3,400 followers'
    """
    if text.startswith(WITHOUT_PRECEDENT):
        return _leading(text.removeprefix(WITHOUT_PRECEDENT).partition(": nearly all")[0])
    if match := _GROUP.match(text):
        size = f"Size {match['range']}" if match["size"] else ""
        whom = match["niche"] or size or _leading(match["figure"])
        return f"{whom}: {match['rate']} of 100 get {match['got']}"
    if match := _TOGETHER.match(text):
        whom = match["niche"] or ("Size" if match["size"] else _leading(match["figure"]))
        return f"{whom}, with the other figures"
    name = _AMONG.search(text)
    if name is not None and (match := _PLACE.search(text)):
        share = max(1, 100 - int(match[2]))
        end = "top" if match[1] == "higher" else "lowest"
        return f"{name[0].capitalize()}: {end} {share} in 100"
    if name is not None and (match := _USUAL.search(text)):
        return f"{name[0].capitalize()}: {match[1]} the usual {match[2]}"
    return _leading(text)


def _leading(text: str) -> str:
    return text[:1].upper() + text[1:]
