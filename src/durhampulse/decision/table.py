"""The decision table: who is recommended, with reasons, and how numbers are shown in it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from durhampulse.creators.block import Block
from durhampulse.creators.schema import COLUMNS, ENGAGEMENT, FOLLOWERS, IDENTIFIER
from durhampulse.decision.bands import NO_PRECEDENT, Thresholds, assign_bands, may_be, on_edge
from durhampulse.decision.phrases import in_one_cell
from durhampulse.deferred import pd
from durhampulse.features.peers import COMPARED, Peers
from durhampulse.models.interval import Interval
from durhampulse.models.weights import log_odds

__all__ = ["REASONS", "carried_names", "cut", "decision_table", "shown_columns"]

Floats = npt.NDArray[np.float64]

REASONS: Final = ("Reasons For", "Reasons Against", "Not Known")
"""The columns that say why; all lists of texts, until a table shows them."""
_OWN_HEADERS = frozenset(
    {"Influencer ID", "Predicted Sponsorship", "Follower Count", "Engagement Rate"}
    | {"Sponsorship Recommendation", "Rank", "Interval Low", "Interval High", "Edge", "Flags"}
    | {*REASONS, "Tier", "Verdict"}
    | {COLUMNS[column].percentile for column in COMPARED}
)
_DECIMALS = 12
"""Of a rate in the decision table; what lies beyond is left over from dividing by 100."""


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
    band = np.where(marked, NO_PRECEDENT, assign_bands(y_prob, thresholds).to_numpy())
    interval, block = interval or Interval(), Block.of(creators)
    low, high = interval.ends(logits, block)
    shown = shown_columns(
        creators[IDENTIFIER].to_numpy(),
        np.stack([y_prob, np.where(marked, 0.0, low), np.where(marked, 1.0, high)]),
        followers=_counts(_figures(creators, FOLLOWERS)),
        engagement=_figures(creators, ENGAGEMENT).to_numpy(),
        recommendation=np.full(len(band), "") if verdict else band,
    )
    texts = {name: pd.array(carried[h], "str") for h, name in carried_names(carried).items()}
    table = pd.DataFrame({"Influencer ID": shown.pop("Influencer ID"), **texts, **shown})
    table.insert([*table.columns].index("Interval Low"), "Rank", 0)
    edge = on_edge(logits, interval.likely(logits, block), thresholds) & ~marked
    table["Edge"] = [
        may_be(p, thresholds) if near else "" for p, near in zip(y_prob, edge, strict=True)
    ]
    table[[*REASONS]] = _words(reasons, creators.index).to_numpy()
    table["Flags"] = _flags(odd, peers.flags(creators)).to_numpy()
    table["Tier"] = peers.tier(creators).to_numpy()
    places = peers.percentiles(creators)
    for column in COMPARED:
        place = _figures(places, column).round(0).astype("Int64")
        table[COLUMNS[column].percentile] = place.to_numpy()
    if verdict:
        table["Verdict"] = verdict
    table = table.iloc[np.lexsort((-y_prob, marked))].reset_index(drop=True)
    table["Rank"] = np.arange(1, len(table) + 1)
    return table


def _figures(table: pd.DataFrame, column: str) -> pd.Series:
    """Return a column of figures; unknown ones where a table has none of the name."""
    return table.get(column, pd.Series(np.nan, index=table.index))


def _counts(values: pd.Series) -> Any:
    """Return counts as whole numbers where all that are known are."""
    is_whole = (values.dropna() % 1 == 0).all()
    return values.astype("Int64").array if is_whole else values.to_numpy()


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


def carried_names(headers: Collection[str]) -> dict[str, str]:
    """Return the headers of carried columns, each with its name in a decision table.

    Examples
    --------
    >>> carried_names(["Handle", "Rank"])
    {'Handle': 'Handle', 'Rank': 'Rank (as found)'}
    >>> [*carried_names(["Rank", "Rank (as found)"]).values()]
    ['Rank (as found) (as found)', 'Rank (as found)']
    """
    names = {}
    for header in headers:
        name = header
        while name in _OWN_HEADERS or (name != header and name in headers):
            name += " (as found)"
        names[header] = name
    return names


def cut(y_prob: Floats) -> Floats:
    """Return probabilities cut to four decimals; rounded first, since .29 is less in binary."""
    units = np.rint(y_prob * 1e4)
    units -= units / 1e4 > y_prob
    return np.asarray(units / 1e4)
