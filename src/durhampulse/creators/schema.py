"""The eight columns of a creators' table: names, kinds, units, ranges and aliases."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

__all__ = [
    "COLUMNS",
    "ENGAGEMENT",
    "FOLLOWERS",
    "GROWTH",
    "IDENTIFIER",
    "LABEL",
    "NICHE",
    "QUALITY",
    "QUALITY_LEVELS",
    "VIEWS",
    "Column",
    "Kind",
    "canonical_name",
    "header_key",
]

Kind = Literal["identifier", "count", "rate", "category", "quality", "label"]

IDENTIFIER = "Influencer_ID"
FOLLOWERS = "Followers"
ENGAGEMENT = "Engagement_Rate"
GROWTH = "Growth_Rate"
NICHE = "Niche"
QUALITY = "Video_Quality"
VIEWS = "Avg_Views_per_Post"
LABEL = "Sponsorship_Status"


@dataclass(frozen=True)
class Column:
    """One standard column.

    Attributes
    ----------
    name
        Canonical name, as the mission writes it.
    kind
        How its cells are read.
    meaning
        One line for people.
    possible
        Closed range outside which a value cannot be true; such a row is refused.
    plausible
        Closed range outside which a value is kept, but pointed out.
    aliases
        Headers read as this column, in the form :func:`header_key` gives.
    """

    name: str
    kind: Kind
    meaning: str
    possible: tuple[float, float] = (float("-inf"), float("inf"))
    plausible: tuple[float, float] = (float("-inf"), float("inf"))
    aliases: frozenset[str] = frozenset()


def header_key(header: str) -> str:
    """Reduce a header to lower-case letters and digits, so that spelling does not matter.

    Examples
    --------
    >>> header_key(" Eng. Rate (%) ")
    'engrate'
    """
    return re.sub(r"[^0-9a-z]+", "", header.casefold())


COLUMNS: dict[str, Column] = {
    column.name: column
    for column in (
        Column(
            IDENTIFIER,
            "identifier",
            "unique identifier of the creator",
            aliases=frozenset(
                {"influencerid", "creatorid", "id", "userid", "channelid", "influencer", "creator"}
            ),
        ),
        Column(
            FOLLOWERS,
            "count",
            "followers on the main platform",
            possible=(0, 1e10),
            plausible=(0, 1e9),
            aliases=frozenset(
                {"followers", "followercount", "followerscount", "subscribers", "subscribercount"}
                | {"subs", "nfollowers", "numberoffollowers", "fans"}
            ),
        ),
        Column(
            ENGAGEMENT,
            "rate",
            "interactions per follower on recent posts, a fraction (0.056 = 5.6%)",
            possible=(0, 1e4),
            plausible=(0, 1),
            aliases=frozenset(
                {"engagementrate", "engrate", "er", "engagement", "avgengagementrate"}
            ),
        ),
        Column(
            GROWTH,
            "rate",
            "net new followers over the past month per follower, a fraction (0.021 = 2.1%)",
            possible=(-1, 1e6),
            plausible=(-0.5, 1),
            aliases=frozenset(
                {"growthrate", "growth", "followergrowth", "followersgrowth", "monthlygrowth"}
                | {"followergrowthrate"}
            ),
        ),
        Column(
            NICHE,
            "category",
            "content category the creator is best known for",
            aliases=frozenset({"niche", "category", "contentcategory", "topic", "vertical"}),
        ),
        Column(
            QUALITY,
            "quality",
            "typical video resolution: SD, HD or 4K",
            aliases=frozenset({"videoquality", "quality", "resolution", "videoresolution"}),
        ),
        Column(
            VIEWS,
            "count",
            "average views per post",
            possible=(0, 1e11),
            plausible=(0, 1e9),
            aliases=frozenset(
                {"avgviewsperpost", "averageviewsperpost", "avgviews", "averageviews", "meanviews"}
                | {"viewsperpost", "avgviewspervideo", "views"}
            ),
        ),
        Column(
            LABEL,
            "label",
            "whether the creator got a sponsorship deal (1) or not (0)",
            aliases=frozenset({"sponsorshipstatus", "sponsorship", "sponsored", "gotdeal", "deal"}),
        ),
    )
}

QUALITY_LEVELS: dict[str, str] = {
    "sd": "SD", "480p": "SD", "360p": "SD",
    "hd": "HD", "fhd": "HD", "full hd": "HD", "720p": "HD", "1080p": "HD",
    "4k": "4K", "uhd": "4K", "4k uhd": "4K", "2160p": "4K",
}  # fmt: skip
"""Spellings of the ordered levels SD < HD < 4K, in lower case."""

_BY_KEY = {key: column.name for column in COLUMNS.values() for key in column.aliases}


def canonical_name(header: str) -> str | None:
    """Give the standard column a header stands for, or None.

    Examples
    --------
    >>> canonical_name("Follower Count"), canonical_name("shoe size")
    ('Followers', None)
    """
    return _BY_KEY.get(header_key(header))
