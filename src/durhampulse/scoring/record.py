"""The record of a score: one definition for files, tables in memory, JSON and the desk."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from durhampulse.creators.block import Block
from durhampulse.creators.schema import ENGAGEMENT, FOLLOWERS
from durhampulse.decision.bands import ANSWERS
from durhampulse.decision.phrases import in_one_cell
from durhampulse.decision.table import carried_names, cut, shown_columns
from durhampulse.features.peers import Peers

__all__ = [
    "NO_BAND",
    "STEP_BITS",
    "STEP_UNIT",
    "UNLIKE",
    "UNLIKE_BIT",
    "Scores",
    "absent_flags",
    "score_columns",
    "score_items",
    "with_carried",
    "without_scores",
]

Floats = npt.NDArray[np.float64]

NO_BAND = len(ANSWERS)
"""The answer for those for whom nothing is recommended."""
UNLIKE = len(ANSWERS) - 1
"""The answer for those without precedent."""
UNLIKE_BIT = 1 << 15
"""Set among stored flags for those without precedent; no other flag has it."""
STEP_BITS = 16
STEP_UNIT = 1 << STEP_BITS
"""Taken away from stored flags for each step by which empty cells widen a creator's chances."""


@dataclass(frozen=True, kw_only=True)
class Scores:
    """What the model says of some creators; arrays of shape (n_rows,).

    Attributes
    ----------
    y_prob, low, high
        Probability of a deal, and the ends of its 90% interval.
    band
        Place of the recommendation in `ANSWERS`, or one beyond where there is none.
    flags
        Bits of :meth:`durhampulse.features.peers.Peers.flag_bits`.
    empty
        How many of the model's columns are empty.
    unlike
        What has no precedent, of :meth:`durhampulse.features.precedent.Precedent.kinds`.
    steps
        How much wider empty cells make a row's chances, of :meth:`.Interval.steps`.
    """

    y_prob: Floats
    low: Floats
    high: Floats
    band: npt.NDArray[np.int8]
    flags: npt.NDArray[np.uint16]
    empty: npt.NDArray[np.intp]
    unlike: npt.NDArray[np.int16]
    steps: npt.NDArray[np.intp]

    @property
    def order(self) -> Floats:
        """What creators are ranked by: their probability, below 0 for those without precedent."""
        return np.where(self.unlike > 0, self.y_prob - 2, self.y_prob)

    @property
    def stored_flags(self) -> npt.NDArray[np.intp]:
        """The flags, with one more for those without precedent; the steps of others above them.

        The steps are taken away, so that whoever has precedent is below those who have none. The
        lower bits of a negative number stay what they are: it is the two's complement.
        """
        above = np.where(self.unlike > 0, UNLIKE_BIT, -self.steps * STEP_UNIT)
        return self.flags.astype(np.intp) + above

    def take(self, rows: npt.NDArray[np.intp]) -> Scores:
        """Return some of the rows."""
        return Scores(**{name: values[rows] for name, values in vars(self).items()})


def score_columns(
    peers: Peers,
    identifiers: pa.Array,
    block: Block,
    scores: Scores,
    absent: Iterable[str] = (),
    *,
    kinds: Sequence[str] = ("",),
) -> dict[str, pa.Array]:
    """Return scores as columns of the decision table, in the order of the rows.

    Parameters
    ----------
    peers
        The model's, which name the flags.
    identifiers, block, scores
        The rows.
    absent
        Columns of the model that the table lacks; said among the flags of each row.
    kinds
        What those of `scores.unlike` are called, by their number.
    """
    shown = shown_columns(
        identifiers,
        np.stack([scores.y_prob, scores.low, scores.high]),
        followers=_counts(np.rint(block.numbers(FOLLOWERS))),
        engagement=block.numbers(ENGAGEMENT),
        recommendation=pa.DictionaryArray.from_arrays(scores.band, [*ANSWERS, ""], safe=False),
    )
    columns = {
        name: _numbers(values) if isinstance(values, np.ndarray) else values
        for name, values in shown.items()
    }
    return {**columns, "Flags": _flag_texts(peers, scores, absent, kinds)}


def _numbers(values: Floats) -> pa.Array:
    """Return numbers as Arrow holds them, NaN as null; not copied where none is missing."""
    return pa.array(values, from_pandas=bool(np.isnan(values).any()))


def _counts(values: Floats) -> pa.Array:
    """Return whole numbers as such, null where one is missing or double precision not exact."""
    exact = np.abs(values) < 2**53
    if exact.all():
        return pa.array(values.astype(np.int64))
    return pa.array(values, pa.int64(), mask=~exact)


def with_carried(
    scored: Mapping[str, pa.Array], carried: Mapping[str, pa.Array]
) -> dict[str, pa.Array]:
    """Return scores with columns that are carried along after the identifier."""
    names = carried_names(carried)
    return {
        "Influencer ID": scored["Influencer ID"],
        **{names[header]: text for header, text in carried.items()},
        **scored,
    }


def absent_flags(absent: Iterable[str]) -> list[str]:
    """Return what a row's flags say about columns of the model that are not there."""
    return [f"no {column}" for column in absent]


def _flag_texts(
    peers: Peers, scores: Scores, absent: Iterable[str], kinds: Sequence[str]
) -> pa.DictionaryArray:
    """Return the flags of each row in words; each combination that occurs is worded once."""
    bits = scores.flags.astype(np.intp) * len(kinds) + scores.unlike
    counts = np.bincount(bits, minlength=1)
    present = np.flatnonzero(counts)
    place = np.zeros(len(counts), dtype=np.int32)
    place[present] = np.arange(len(present))
    gone = absent_flags(absent)
    texts = []
    for i in present.tolist():
        kind, raised = kinds[i % len(kinds)], peers.raised(i // len(kinds))
        texts.append(in_one_cell(filter(None, (kind, *gone, *raised))))
    return pa.DictionaryArray.from_arrays(place[bits], pa.array(texts, pa.string()), safe=False)


def without_scores(scored: dict[str, pa.Array], reasons: Mapping[int, str]) -> dict[str, pa.Array]:
    """Return scores with blanks, and the reason for a flag, where there are none."""
    gone = np.zeros(len(scored["Flags"]), dtype=bool)
    gone[[*reasons]] = True
    flags = scored["Flags"].to_pylist()
    for row, reason in reasons.items():
        flags[row] = f"not scored: {reason}"
    bands = np.array(scored["Sponsorship Recommendation"].to_pylist(), dtype=object)
    blank = {
        name: pa.array(scored[name].to_numpy(), mask=gone)
        for name in ("Predicted Sponsorship", "Interval Low", "Interval High")
    }
    return {
        **scored,
        **blank,
        "Sponsorship Recommendation": pa.array(bands, mask=gone),
        "Flags": pa.array(flags),
    }


def score_items(
    peers: Peers,
    scores: Scores,
    reasons: Mapping[int, str],
    absent: Mapping[int, Iterable[str]],
    unlike: Sequence[Sequence[str]],
) -> list[dict[str, Any]]:
    """Return scores as JSON holds them, one object a row.

    Parameters
    ----------
    peers
        The model's, which name the flags.
    scores
        The rows.
    reasons
        Row and reason of those that cannot be scored: ``error`` is all that is said of them.
    absent
        By row the columns of the model that it lacks.
    unlike
        By row in what it has no precedent; nothing where it has.
    """
    probability, low, high = cut(np.stack([scores.y_prob, scores.low, scores.high])).tolist()
    bits, bands = scores.flags.tolist(), scores.band.tolist()
    items: list[dict[str, Any]] = []
    for row in range(len(probability)):
        if row in reasons:
            items.append({"error": reasons[row]})
            continue
        items.append(
            {
                "probability": probability[row],
                "interval": [low[row], high[row]],
                "recommendation": "" if bands[row] == NO_BAND else ANSWERS[bands[row]],
                "unlike": [*unlike[row]],
                "flags": [*absent_flags(absent.get(row, ())), *peers.raised(bits[row])],
            }
        )
    return items
