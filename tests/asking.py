"""A creator as the service is asked about, and the request."""

from __future__ import annotations

CREATOR = {
    "Influencer_ID": "INF-045",
    "Followers": 85_000,
    "Engagement_Rate": 0.041,
    "Growth_Rate": 0.021,
    "Niche": "Fashion",
    "Video_Quality": "HD",
    "Avg_Views_per_Post": 31_000,
}


def score(client, *creators, **options):
    """Send creators to be scored; give the answer."""
    return client.post("/v1/score", json={"creators": creators}, **options)
