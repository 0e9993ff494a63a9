"""How a creator's figures lead from the usual rate to their probability, in points of 100."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import floor

import pandas as pd

from durhampulse.creators.schema import COLUMNS
from durhampulse.decision.figures import figure_text, number_text, short_name
from durhampulse.decision.phrases import beside_peers
from durhampulse.features.peers import Peers
from durhampulse.scoring.account import Account

__all__ = ["Effect", "Place", "ordered", "path_of"]

_SLACK = 1e-9
_UNKNOWN = "not known"


@dataclass(frozen=True)
class Place:
    """A figure's percentile among those of peers."""

    percentile: float
    peers: str

    @property
    def text(self) -> str:
        """The place in words, from the nearer end.

        Examples
        --------
        >>> Place(100.0, "nano creators").text, Place(22.0, "nano creators").text
        ('higher than 99 of 100', 'lower than 78 of 100')
        """
        if self.percentile >= 50:
            return f"higher than {min(99, floor(self.percentile))} of 100"
        return f"lower than {min(99, floor(100 - self.percentile))} of 100"


@dataclass(frozen=True, kw_only=True)
class Effect:
    """One figure's step on the way from the usual rate to the creator's probability.

    Attributes
    ----------
    name, value, text
        The figure: its name, its value, and both in a sentence.
    place
        Where it stands among peers; none where that is not known.
    whole_list
        How it compares with everybody's, where its place does not explain the effect.
    start, end
        Where the step begins and ends, in percent.
    points
        Its length in points of 100, above 0 where it lifts; with the usual rate's they add up to
        the creator's percentage as it is shown.
    """

    name: str
    value: str
    text: str
    place: Place | None
    whole_list: str
    start: float
    end: float
    points: int

    @property
    def low(self) -> float:
        """The lower end of its bar."""
        return min(self.start, self.end)

    @property
    def width(self) -> float:
        """The length of its bar, in percent."""
        return abs(self.end - self.start)


def path_of(
    account: Account, figures: pd.Series, places: Mapping[str, Place], peers: Peers
) -> list[Effect]:
    """Return the steps from the usual rate to a creator's probability.

    Parameters
    ----------
    account
        With a Shapley value of the probability for each column.
    figures
        The creator's figures, by column.
    places
        Column to place among peers.
    peers
        Whom figures are compared with.
    """
    at, effects = account.usual, []
    for column in ordered(account.shares, account.usual):
        to = at + account.shares[column]
        start, end = (100 * min(1.0, max(0.0, share)) for share in (at, to))
        figure, name = figures.get(column), _name(column)
        value = _value(column, figure)
        text = f"{name} {value}" if value == _UNKNOWN else figure_text(column, figure)
        points, place = _whole(end) - _whole(start), places.get(column)
        sign = (points > 0) - (points < 0)
        effects.append(Effect(
            name=name, value=value, text=text, place=place, start=start, end=end, points=points,
            whole_list=beside_peers(column, float(figures[column]), sign, peers=peers,
                                    place=place.percentile) if place else "",
        ))  # fmt: skip
        at = to
    return effects


def ordered(shares: Mapping[str, float], start: float) -> Sequence[str]:
    """Return columns in the order of their steps, which best stay between 0 and 1.

    What lifts comes first, else what holds back; where neither fits, the largest effects.

    Examples
    --------
    >>> ordered({"Niche": -0.2, "Followers": 0.3, "Views": 0.1}, 0.2)
    ['Followers', 'Views', 'Niche']
    >>> ordered({"Niche": -0.2, "Followers": 0.3, "Views": 0.6}, 0.2)
    ['Niche', 'Views', 'Followers']
    """
    for sign in (1, -1):
        columns = sorted(shares, key=lambda c: (shares[c] * sign < 0, -abs(shares[c])))
        if _stays(columns, shares, start):
            return columns
    return sorted(shares, key=lambda column: -abs(shares[column]))


def _stays(columns: Sequence[str], shares: Mapping[str, float], start: float) -> bool:
    levels = accumulate((shares[column] for column in columns), initial=start)
    return all(-_SLACK <= level <= 1 + _SLACK for level in levels)


def _whole(percent: float) -> int:
    """Return a percentage as pages show it: cut."""
    return int(percent + 1e-9)


def _name(column: str) -> str:
    return short_name(column).capitalize()


def _value(column: str, value: object) -> str:
    """Return a figure's value without its name.

    Examples
    --------
    >>> _value("Engagement_Rate", 0.16), _value("Followers", 1410.0), _value("Niche", None)
    ('16%', '1,410', 'not known')
    """
    if pd.isna(value):  # type: ignore[call-overload]
        return _UNKNOWN
    standard = COLUMNS.get(column)
    if standard is not None and standard.kind == "rate":
        return f"{number_text(100 * float(value), 3)}%".replace("-", "\u2212")  # type: ignore[arg-type]
    if isinstance(value, float):
        return number_text(value)
    return str(value)
