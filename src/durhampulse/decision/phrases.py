"""One figure of a creator as a reason: what it was compared with, and which way that speaks."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import compress
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from durhampulse.decision.figures import axis_text, figure_text, short_name
from durhampulse.features.peers import Peers
from durhampulse.features.rates import Rates, Share

__all__ = [
    "BESIDE_OTHERS",
    "beside_others",
    "beside_peers",
    "first_in_cell",
    "group_words",
    "in_one_cell",
    "phrase",
    "unknown_names",
]

BESIDE_OTHERS: Final = ", together with the other figures"
"""What follows a figure that speaks only beside the creator's others."""

_MIDDLE = 50


def phrase(
    column: str,
    value: Any,
    sign: int,
    *,
    peers: Peers,
    place: float = math.nan,
    whom: str = "",
) -> str:
    """Return a figure with what it was compared with; empty where nothing known speaks that way.

    Parameters
    ----------
    column, value
        The figure.
    sign
        1 for a reason for, -1 for one against.
    peers
        What is usual, and the shares of deals of the past.
    place
        The figure's place among the creator's peers in percent; NaN where there is none.
    whom
        These peers in words.
    """
    figure, rates = figure_text(column, value), peers.rates
    direction = 1 if rates is None else rates.direction(column)
    past = "" if rates is None else _past(column, value, sign, rates)
    if past and (direction < 0 or not np.isfinite(place)):
        return f"{figure}: {past}"  # "for: lower than" would puzzle
    if np.isfinite(place) and direction:
        if sign * direction * (place - _MIDDLE) > 0:
            text = f"{figure}, {_placed(place)} of {whom}"
            if rates is None or direction > 0:
                return text
            return f"{text}, and creators with less {rates.happens} more often"
        if text := _in_whole_list(column, float(value), sign * direction, place, whom, peers):
            return f"{figure}: {text}"
    if rates is None:
        return "" if np.isfinite(place) else figure
    return f"{figure}: {past}" if past else ""


def _placed(place: float) -> str:
    if place >= _MIDDLE:
        return f"higher than {min(place, 99):.0f}%"
    return f"lower than {min(100 - place, 99):.0f}%"


def _in_whole_list(
    column: str, value: float, side: int, place: float, whom: str, peers: Peers
) -> str:
    """Return how a figure compares with everybody's, where that differs from its peers'."""
    usual = "" if whom == "creators" else _beside_usual(column, value, side, peers)
    here = "high" if place > _MIDDLE else "low" if place < _MIDDLE else "usual"
    return f"{here} for {whom}, but {usual}" if usual else ""


def _beside_usual(column: str, value: float, side: int, peers: Peers) -> str:
    """Return that a figure is above what is usual for everybody (below, of side -1), or nothing."""
    everybody = peers.curves.get(column, {}).get("|")
    if everybody is None:
        return ""
    usual = everybody[len(everybody) // 2]
    if side * (value - usual) <= 0 or axis_text(column, value) == axis_text(column, usual):
        return ""
    there = "above" if side > 0 else "below"
    return f"{there} the {axis_text(column, usual)} usual in the whole list"


def beside_peers(column: str, value: float, sign: int, *, peers: Peers, place: float) -> str:
    """Return how a figure compares with everybody's where its peers' do not explain its effect.

    Parameters
    ----------
    column, value, sign, peers, place
        As for :func:`phrase`.
    """
    direction = 1 if peers.rates is None else peers.rates.direction(column)
    if sign * direction * (place - _MIDDLE) > 0:
        return ""
    return _beside_usual(column, value, sign * direction, peers) if sign * direction else ""


def _past(column: str, value: Any, sign: int, rates: Rates) -> str:
    """Return how often creators like this got a deal; empty where that does not speak this way."""
    share = rates.share_of(column, value)
    if share is None or rates.beyond_chance(share) != sign:
        return ""
    whom = _whom(column, share)
    extreme = share.last if sign > 0 else 0
    if share.place == extreme and share.last > 0:
        return f"{whom} {rates.happens} {'most' if sign > 0 else 'least'} often, {share.share:.0%}"
    more = "more" if sign > 0 else "less"
    shares = f"{share.share:.0%} against {rates.usual:.0%}"
    return f"{whom} {rates.happens} {more} often than usual, {shares}"


def beside_others(column: str, value: Any, rates: Rates | None) -> str:
    """Return a figure that speaks only beside the creator's others, with what it says alone.

    For a strong effect that the figure's own comparisons do not show: a niche of many deals may
    count against a creator whose other figures are better than is usual there. Empty where nothing
    is known of such creators.
    """
    share = None if rates is None else rates.share_of(column, value)
    if rates is None or share is None:
        return ""
    alone, usual = f"{share.share:.0%}", f"{rates.usual:.0%}"
    against = "as is usual" if alone == usual else f"{usual} usual"
    return (
        f"{figure_text(column, value)}{BESIDE_OTHERS}: taken alone, {alone} of "
        f"{_whom(column, share)} {rates.happens}, {against}"
    )


def _whom(column: str, share: Share) -> str:
    if math.isnan(share.low):
        return "such creators"
    return f"creators {_range_text(column, share.low, share.high)}"


def _range_text(column: str, low: float, high: float) -> str:
    if math.isinf(low):
        return f"below {axis_text(column, high)}"
    if math.isinf(high):
        return f"of {axis_text(column, low)} and more"
    return f"of {axis_text(column, low)} to {axis_text(column, high)}"


def group_words(group: str, tier: object, niche: object) -> str:
    """Return a peer group in words.

    Examples
    --------
    >>> group_words("micro|Fashion", "micro", "Fashion"), group_words("|", None, None)
    ('micro creators in Fashion', 'creators')
    >>> group_words("micro|Food|Drink", "micro", "Food|Drink")
    'micro creators in Food|Drink'
    """
    known_tier, _, known_niche = group.partition("|")
    words = f"{tier} creators" if known_tier else "creators"
    return f"{words} in {niche}" if known_niche else words


def in_one_cell(texts: Iterable[str]) -> str:
    """Return texts as a cell of a table shows them, one behind the other.

    Examples
    --------
    >>> in_one_cell(["growth", "Post Count"])
    'growth; Post Count'
    """
    return "; ".join(texts)


def first_in_cell(cell: str) -> str:
    """Return the first of the texts that :func:`in_one_cell` put into a cell.

    Examples
    --------
    >>> first_in_cell("growth; Post Count"), first_in_cell("")
    ('growth', '')
    """
    return cell.partition("; ")[0]


def unknown_names(columns: Sequence[str], unknown: npt.NDArray[np.bool_]) -> list[str]:
    """Return the columns whose figure is not known, as people name them.

    Examples
    --------
    >>> unknown_names(["Growth_Rate", "Post_Count"], np.array([True, True]))
    ['growth', 'Post Count']
    """
    return list(compress(map(short_name, columns), unknown))
