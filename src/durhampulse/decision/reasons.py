"""Explanations in words, and what would change a decision."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from durhampulse.creators.schema import (
    COLUMNS,
    ENGAGEMENT,
    FOLLOWERS,
    GROWTH,
    NICHE,
    QUALITY,
    VIEWS,
)
from durhampulse.decision.bands import Thresholds
from durhampulse.decision.shapley import Explanation
from durhampulse.features.peers import Peers
from durhampulse.models.fitted import FittedModel
from durhampulse.models.weights import sigmoid

__all__ = ["REASONS_NOTE", "reason_table", "what_would_change"]

REASONS_NOTE = (
    "Each 'without this' is the probability if that figure alone were not known; these figures do "
    "not add up."
)

_MOST = 3
_SLIGHT = 0.05
_STEPS = np.linspace(0, 1, 41)
_QUALITIES = ("SD", "HD", "4K")
_FIGURES: dict[str, Callable[[Any], str]] = {
    FOLLOWERS: "{:,.0f} followers".format,
    ENGAGEMENT: lambda rate: f"engagement {100 * rate:.3g}%",
    GROWTH: lambda rate: f"growth {100 * rate:.3g}% a month",
    VIEWS: "{:,.0f} views a post".format,
    NICHE: "niche {}".format,
    QUALITY: "video quality {}".format,
}


def reason_table(explanation: Explanation, creators: pd.DataFrame, peers: Peers) -> pd.DataFrame:
    """Put the strongest Shapley values into words.

    Returns
    -------
    DataFrame
        Index of the creators; ``Reasons For`` and ``Reasons Against``, up to three each,
        separated by ``; ``. A value below 0.05 in log-odds is no reason.
    """
    rows = creators.loc[explanation.values.index]
    phrases = _phrases(rows, explanation.values.columns.tolist(), peers)
    without = sigmoid(explanation.log_odds[:, None] - explanation.values.to_numpy())
    said: dict[str, list[str]] = {"Reasons For": [], "Reasons Against": []}
    for i, values in enumerate(explanation.values.to_numpy()):
        for name, sign in (("Reasons For", 1), ("Reasons Against", -1)):
            order = [j for j in np.argsort(-sign * values)[:_MOST] if sign * values[j] >= _SLIGHT]
            said[name].append(
                "; ".join(f"{phrases[j][i]} (without this: {without[i, j]:.0%})" for j in order)
            )
    return pd.DataFrame(said, index=explanation.values.index)


def _phrases(rows: pd.DataFrame, columns: list[str], peers: Peers) -> list[list[str]]:
    places = peers.percentiles(rows)
    tiers, niches = peers.tier(rows), rows.get(NICHE, pd.Series(None, index=rows.index))
    found = []
    for column in columns:
        values = rows.get(column, pd.Series(None, index=rows.index))
        if column in places:
            groups = peers.groups(rows, column)
            whom = [
                _peers(group, tier, niche)
                for group, tier, niche in zip(groups, tiers, niches, strict=True)
            ]
            found.append(
                [
                    figure_text(column, value) + _compared(place, peer)
                    for value, place, peer in zip(values, places[column], whom, strict=True)
                ]
            )
        else:
            found.append([figure_text(column, value) for value in values])
    return found


def _peers(group: str, tier: object, niche: object) -> str:
    known_tier, known_niche = (part != "" for part in group.split("|"))
    words = f"{tier} creators" if known_tier else "creators"
    return f"{words} in {niche}" if known_niche else words


def _compared(place: float, peers: str) -> str:
    if np.isnan(place):
        return ""
    if place >= 50:
        return f", higher than {min(place, 99):.0f}% of {peers}"
    return f", lower than {min(100 - place, 99):.0f}% of {peers}"


def figure_text(column: str, value: Any) -> str:
    name = column.replace("_", " ")
    if pd.isna(value):
        return f"{name.lower() if column in COLUMNS else name} not known"
    if column in _FIGURES:
        return _FIGURES[column](value)
    return f"{name} {value:,.4g}" if isinstance(value, float) else f"{name} {value}"


def what_would_change(
    model: FittedModel, creator: pd.DataFrame, peers: Peers, thresholds: Thresholds
) -> pd.DataFrame:
    """Find the smallest change in what a creator can change that reaches the next band.

    Engagement, views and growth move within the 1st to 99th percentile of the creator's peers,
    video quality upwards. One figure is changed, or two if none alone is enough. The change is an
    association in past deals: nothing says that it would cause one.

    Parameters
    ----------
    creator
        One row.

    Returns
    -------
    DataFrame
        The changed figures, one row each: ``column, from, to, percentiles`` (how far among peers)
        and the ``probability`` reached together; empty if no such change reaches the next band,
        or there is none.
    """
    now = float(model.predict_proba(creator)[0])
    above = [t for t in (thresholds.review_at, thresholds.yes_at) if t > now]
    empty = pd.DataFrame(columns=["column", "from", "to", "percentiles", "probability"])
    if not above:
        return empty
    moves = {c: _moves(c, creator, peers) for c in model.encoding.columns}
    moves = {column: found for column, found in moves.items() if len(found)}
    for number in (1, 2):
        best = [
            found
            for columns in combinations(moves, number)
            if (found := _smallest(model, creator, {c: moves[c] for c in columns}, above[0]))
        ]
        if best:
            _, chosen, reached = min(best, key=lambda one: one[0])
            rows = [
                (column, creator[column].iloc[0], value, distance, reached)
                for column, (value, distance) in chosen.items()
            ]
            return pd.DataFrame(rows, columns=list(empty.columns))
    return empty


def _moves(column: str, creator: pd.DataFrame, peers: Peers) -> list[tuple[object, float]]:
    """Give values a creator might reach, and how far each is in percentiles of peers."""
    if column == QUALITY:
        now = creator[QUALITY].iloc[0]
        if now not in _QUALITIES:
            return []
        better = _QUALITIES[_QUALITIES.index(now) + 1 :]
        return [(level, 100.0 * (i + 1) / (len(_QUALITIES) - 1)) for i, level in enumerate(better)]
    if column not in peers.curves or pd.isna(creator[column].iloc[0]):
        return []
    curve = peers.curves[column][peers.groups(creator, column).iloc[0]]
    here = float(peers.percentiles(creator)[column].iloc[0])
    places = np.linspace(1, 99, len(_STEPS))
    values = np.interp(places, np.arange(101), curve)
    return [(float(v), abs(float(p) - here)) for v, p in zip(values, places, strict=True)]


def _smallest(
    model: FittedModel,
    creator: pd.DataFrame,
    moves: dict[str, list[tuple[object, float]]],
    threshold: float,
) -> tuple[float, dict[str, tuple[object, float]], float] | None:
    """Give the nearest combination of moves that reaches the threshold."""
    grids = np.meshgrid(*(np.arange(len(found)) for found in moves.values()), indexing="ij")
    picks = np.stack([grid.ravel() for grid in grids], axis=1)
    rows = creator.iloc[np.zeros(len(picks), dtype=int)].reset_index(drop=True)
    distance: npt.NDArray[np.float64] = np.zeros(len(picks))
    for at, (column, found) in enumerate(moves.items()):
        values = pd.Series([found[i][0] for i in picks[:, at]])
        rows[column] = values.astype("str" if column == QUALITY else "float64")
        distance += np.array([found[i][1] for i in picks[:, at]])
    y_prob = model.predict_proba(rows)
    reached = y_prob >= threshold
    if not reached.any():
        return None
    best = int(np.flatnonzero(reached)[np.argmin(distance[reached])])
    chosen = {column: found[picks[best, at]] for at, (column, found) in enumerate(moves.items())}
    return float(distance[best]), chosen, float(y_prob[best])
