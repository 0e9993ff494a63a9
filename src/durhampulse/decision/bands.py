"""E: from probabilities to bands, and the decision table."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from durhampulse.creators.block import Block
from durhampulse.creators.schema import COLUMNS, ENGAGEMENT, FOLLOWERS, IDENTIFIER
from durhampulse.decision.phrases import in_one_cell
from durhampulse.deferred import pd
from durhampulse.exceptions import InputError
from durhampulse.features.peers import COMPARED, Peers
from durhampulse.models.interval import NORMAL_90, Interval
from durhampulse.models.weights import log_odds

__all__ = [
    "ANSWERS", "BANDS", "EDGE_CHANCE", "MAYBE", "NO", "NO_PRECEDENT", "REASONS", "YES",
    "Thresholds", "assign_bands", "band_codes", "carried_names", "cut", "decision_table",
    "empty_reason", "may_be", "on_edge", "shown_columns", "too_empty", "unscorable",
]  # fmt: skip

Floats = npt.NDArray[np.float64]

YES: Final = "Yes"
MAYBE: Final = "Maybe (manual review)"
NO: Final = "No"
BANDS: Final = (YES, MAYBE, NO)
NO_PRECEDENT: Final = "No precedent (manual review)"
"""The answer for creators unlike all that a model learned from; no band of probabilities."""
ANSWERS: Final = (*BANDS, NO_PRECEDENT)

EDGE_CHANCE: Final = 0.20
"""From this chance on that the true probability lies in another band, a row is on the edge."""
_NO_WIDTH = 1e-12
_DECIMALS = 12
"""Of a rate in the decision table; what lies beyond is left over from dividing by 100."""
_BELOW_ALL, _ABOVE_ALL = -1.0, 2.0
REASONS: Final = ("Reasons For", "Reasons Against", "Not Known")
"""The columns that say why; all lists of texts, until a table shows them."""
_OWN_HEADERS = frozenset(
    {"Influencer ID", "Predicted Sponsorship", "Follower Count", "Engagement Rate"}
    | {"Sponsorship Recommendation", "Rank", "Interval Low", "Interval High", "Edge", "Flags"}
    | {*REASONS, "Tier", "Verdict"}
    | {COLUMNS[column].percentile for column in COMPARED}
)


@dataclass(frozen=True)
class Thresholds:
    """Where the bands begin.

    Attributes
    ----------
    yes_at
        Probability from which a creator is recommended.
    review_at
        Probability from which a person looks at a creator.
    """

    yes_at: float = 0.80
    review_at: float = 0.60

    def __post_init__(self) -> None:
        if not 0 < self.review_at <= self.yes_at < 1:
            raise InputError(
                f"The thresholds {self.review_at} and {self.yes_at} do not fit.",
                "They must be 0 < --review-at <= --yes-at < 1, for example 0.6 and 0.8.",
            )

    def ranges(self) -> dict[str, tuple[float, float]]:
        """Return each band's probabilities, in the order of `BANDS`.

        A range holds its first number and not its second. The outer ends lie outside of [0, 1],
        so that every probability is in one band.

        Examples
        --------
        >>> Thresholds(0.8, 0.6).ranges()[MAYBE]
        (0.6, 0.8)
        """
        return {
            YES: (self.yes_at, _ABOVE_ALL),
            MAYBE: (self.review_at, self.yes_at),
            NO: (_BELOW_ALL, self.review_at),
        }


def assign_bands(y_prob: Floats, thresholds: Thresholds) -> pd.Series:
    """Return the band of each probability.

    Examples
    --------
    >>> import numpy as np
    >>> assign_bands(np.array([0.8, 0.79, 0.6, 0.59]), Thresholds()).tolist()
    ['Yes', 'Maybe (manual review)', 'Maybe (manual review)', 'No']
    """
    return pd.Series(np.array(BANDS, dtype=object)[band_codes(y_prob, thresholds)], dtype="str")


def band_codes(y_prob: Floats, thresholds: Thresholds) -> npt.NDArray[np.int8]:
    """Return the place of each probability's band in `BANDS`, shape (n_rows,)."""
    below_yes = (y_prob < thresholds.yes_at).astype(np.int8)
    return np.asarray(below_yes + (y_prob < thresholds.review_at), dtype=np.int8)


def decision_table(  # noqa: PLR0913 - each is a part of the table
    creators: pd.DataFrame,
    y_prob: Floats,
    thresholds: Thresholds,
    *,
    peers: Peers,
    interval: Interval | None = None,
    reasons: pd.DataFrame | None = None,
    unlike: Sequence[Sequence[str]] | None = None,
    verdict: str = "",
    carried: Mapping[str, Any] | None = None,
) -> pd.DataFrame:
    """Return the table the marketing team works with, the most probable creator first.

    Probabilities are cut, not rounded, to four decimals, so that the number shown never
    contradicts its band. Creators without precedent stand after all others, since their
    probabilities mean little.

    Parameters
    ----------
    creators
        The creators to decide on, shape (n_rows, any).
    y_prob
        Their probabilities, shape (n_rows,).
    thresholds
        Where the bands begin.
    peers
        Whom to compare a creator with.
    interval
        How wide a creator's 90% interval is; of no width if not given.
    reasons
        ``Reasons For``, ``Reasons Against`` and ``Not Known`` of some of the creators, by their
        index, each a list of texts.
    unlike
        In what each creator has no precedent, in their order; nothing for those who have.
    verdict
        Why nothing is recommended; if given, recommendations stay blank and it stands beside.
    carried
        Header to text of the columns that are carried along, of the creators in their order; they
        stand after the identifier.
    """
    logits, carried = log_odds(y_prob), carried or {}
    odd = pd.Series(
        [*map(in_one_cell, unlike or [()] * len(creators))], creators.index, dtype="str"
    )
    marked = (odd != "").to_numpy(bool)
    absent = pd.Series(np.nan, index=creators.index)
    band = np.where(marked, NO_PRECEDENT, assign_bands(y_prob, thresholds).to_numpy())
    places = peers.percentiles(creators)
    interval, block = interval or Interval(), Block.of(creators)
    low, high = interval.ends(logits, block)
    shown = shown_columns(
        creators[IDENTIFIER].to_numpy(),
        np.stack([y_prob, np.where(marked, 0.0, low), np.where(marked, 1.0, high)]),
        followers=creators.get(FOLLOWERS, absent).to_numpy(),
        engagement=creators.get(ENGAGEMENT, absent).to_numpy(),
        recommendation=np.full(len(band), "") if verdict else band,
    )
    texts = {name: pd.array(carried[h], "str") for h, name in carried_names(carried).items()}
    table = pd.DataFrame({"Influencer ID": shown.pop("Influencer ID"), **texts, **shown})
    table.insert([*table.columns].index("Interval Low"), "Rank", 0)
    edge = on_edge(logits, interval.half(block), thresholds) & ~marked
    table["Edge"] = [
        may_be(p, thresholds) if near else "" for p, near in zip(y_prob, edge, strict=True)
    ]
    table[[*REASONS]] = _words(reasons, creators.index).to_numpy()
    table["Flags"] = _flags(odd, peers.flags(creators)).to_numpy()
    table["Tier"] = peers.tier(creators).to_numpy()
    for column in COMPARED:
        place = places.get(column, absent).round(0).astype("Int64")
        table[COLUMNS[column].percentile] = place.to_numpy()
    if verdict:
        table["Verdict"] = verdict
    followers = table["Follower Count"]
    if (followers.dropna() % 1 == 0).all():
        table["Follower Count"] = followers.astype("Int64")
    table = table.iloc[np.lexsort((-y_prob, marked))].reset_index(drop=True)
    table["Rank"] = np.arange(1, len(table) + 1)
    return table


def _words(reasons: pd.DataFrame | None, index: pd.Index) -> pd.DataFrame:
    """Return the reasons of creators as cells; empty for those of whom none are given."""
    words = pd.DataFrame("", index=index, columns=[*REASONS])
    if reasons is not None:
        words.update(reasons.map(in_one_cell))
    return words


def _flags(unlike: pd.Series, raised: pd.Series) -> pd.Series:
    """Return in what creators have no precedent, and what stands out about them."""
    pairs = zip(unlike, raised, strict=True)
    texts = [[f"no precedent: {odd}" if odd else "", flag] for odd, flag in pairs]
    return pd.Series([in_one_cell(filter(None, text)) for text in texts], unlike.index, dtype="str")


def shown_columns(
    identifiers: Any,
    probabilities: Floats,
    *,
    followers: Any,
    engagement: npt.NDArray[Any],
    recommendation: Any,
) -> dict[str, Any]:
    """Return the columns that stand in every table of decisions, in their order.

    Parameters
    ----------
    identifiers, followers, engagement, recommendation
        As they are shown, shape (n_rows,).
    probabilities
        Of a deal, and the low and the high end of its interval, uncut; shape (3, n_rows).
    """
    y_prob, low, high = cut(probabilities)
    return {
        "Influencer ID": identifiers,
        "Predicted Sponsorship": y_prob,
        "Follower Count": followers,
        "Engagement Rate": np.round(engagement, _DECIMALS),
        "Sponsorship Recommendation": recommendation,
        "Interval Low": low,
        "Interval High": high,
    }


def carried_names(headers: Iterable[str]) -> dict[str, str]:
    """Return the headers of carried columns, each with its name in a decision table.

    Examples
    --------
    >>> carried_names(["Handle", "Rank"])
    {'Handle': 'Handle', 'Rank': 'Rank (as found)'}
    """
    return {h: f"{h} (as found)" if h in _OWN_HEADERS else h for h in headers}


def on_edge(logits: Floats, half: float | Floats, thresholds: Thresholds) -> npt.NDArray[np.bool_]:
    """Whether `may_be` names a row's true band with a chance of at least 20%, shape (n_rows,).

    The true log-odds are taken as normal around the model's, 90% of them within `half`.

    Parameters
    ----------
    logits
        The model's log-odds, shape (n_rows,).
    half
        Of :meth:`.Interval.half`, shape (n_rows,) or one for all.
    thresholds
        Where the bands begin.

    Examples
    --------
    >>> import numpy as np
    >>> on_edge(np.array([-3.0, 0.3, 0.5, 1.3]), 0.9, Thresholds()).tolist()
    [False, True, False, True]
    """
    spread = np.maximum(half, _NO_WIDTH) / NORMAL_90
    review, yes = log_odds(np.array([thresholds.review_at, thresholds.yes_at]))
    nearest = np.where(logits < review, review, yes)
    chance = _normal_cdf(-np.abs(logits - nearest) / spread)
    return np.asarray(chance >= EDGE_CHANCE, dtype=np.bool_)


def may_be(probability: float, thresholds: Thresholds) -> str:
    """Return in which other band a creator on the edge may be.

    For nearly each *Maybe* another band is not unlikely, so that only a *Yes* counts for them.

    Examples
    --------
    >>> [may_be(p, Thresholds()) for p in (0.82, 0.78, 0.58)]
    ['may be a Maybe', 'may be a Yes', 'may be a Maybe']
    """
    if thresholds.review_at <= probability < thresholds.yes_at:
        return "may be a Yes"
    return "may be a Maybe"


def _normal_cdf(z: Floats) -> Floats:
    """Return the standard normal distribution function, shape as `z`."""
    return np.array([math.erfc(-value / math.sqrt(2)) / 2 for value in z])


def unscorable(creators: pd.DataFrame, columns: Sequence[str]) -> pd.Series:
    """Return why rows cannot be scored: more than half of the model's columns are empty.

    Returns
    -------
    Series
        The reason, or empty text; index of the creators.
    """
    empty = pd.Series(Block.of(creators).empty(columns), creators.index)
    reason = empty.map(lambda n: empty_reason(n, len(columns)))
    return reason.where(too_empty(empty.to_numpy(), len(columns)), "").astype("str")


def too_empty(empty: npt.NDArray[np.intp], n_columns: int) -> npt.NDArray[np.bool_]:
    """Whether a row lacks too many of the model's columns to be scored: more than half."""
    return np.asarray(empty > n_columns / 2)


def empty_reason(empty: int, n_columns: int) -> str:
    """Return why such a row is not scored."""
    return f"{empty} of {n_columns} columns of the model are empty"


def cut(y_prob: Floats) -> Floats:
    """Return probabilities cut to four decimals; rounded first, since .29 is less in binary."""
    units = np.rint(y_prob * 1e4)
    units -= units / 1e4 > y_prob
    return np.asarray(units / 1e4)
