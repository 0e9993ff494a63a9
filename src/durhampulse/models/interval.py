"""A creator's interval: where the true probability of a deal lies for nine in ten creators.

How far a model is off grows with how unsure it is (the instability of its log-odds under other
training rows), with high probabilities, of which it is too timid and therefore seldom too high,
with very low ones, of which it is too sure, and with what an empty cell could change, which beside
good chances is more upward. How much each of them counts was measured where true probabilities are
known (``benchmarks/intervals.py``). Below 5%, where hardly a deal was seen to learn from, all that
can be said is "at most so much".

The chance that a creator belongs to another band has constants of its own: it needs the middle of
where the true log-odds lie to be right, an interval its ends.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from durhampulse.creators.block import Block
from durhampulse.deferred import pd
from durhampulse.features.encoding import Encoding
from durhampulse.models.weights import Weights, sigmoid

__all__ = ["AT_MOST", "FAR_DOWN", "HIGH", "NORMAL_90", "STEP", "Interval", "learn_interval"]

Floats = npt.NDArray[np.float64]

NORMAL_90: Final = 1.644854
"""Standard deviations within which 90% of a normal variable lie, either way."""
AT_MOST = 0.05
"""Probability below which an interval begins at 0."""
BELOW, ABOVE, RISE, TAIL, EMPTY, FALL = 2.8, 1.4, 5.0, 2.0, 1.8, 1.3
"""How much instability counts below and above, how much more of it above for each step of log-odds
over 0 and for each under -4, how much what an empty cell could change, and how much less
instability counts below high probabilities."""
EMPTY_RISE = 2.0
"""How many times as much more an empty cell counts above for each step of log-odds over 0. On the
second market 10% of *Yes* with an empty cell were above the upper end, on the others none."""
DOUBT, LEAN = 1.8, 0.3
"""For the chance of another band: how much instability counts either way, and how much of it the
true log-odds are on average above high ones, of which the model is too timid."""
STEP = 0.05
"""Log-odds in whose multiples empty cells widen what chances of another band are told from."""
_MOST_STEPS = 200
_FARTHEST = 30.0
FAR_DOWN = -4.0
"""Log-odds, 1.8%, below which the upper half grows."""
HIGH = 0.4
"""Log-odds, 60%, from which on the lower half is narrowest (it falls from 0 on), and the middle of
the true log-odds higher than told."""
_MOST_ROWS = 1_500


@dataclass(frozen=True, kw_only=True)
class Interval:
    """The widths of creators' intervals, in log-odds; plain data.

    Attributes
    ----------
    below, above
        How far a complete row's reaches either way; 0 where it is not known.
    rise
        How much farther the upper half reaches for each step of log-odds above 0.
    tail
        The same for each step below -4; at most 1, so that no end rises where a probability falls.
    empties
        Column to what is added, in squares, to a row where it is empty.
    fall
        How much less far the lower half reaches where log-odds are high; at most `below`.
    empty_rise
        How many times as much more empty cells count above for each step of log-odds above 0.
    doubt
        Within how far of their middle 90% of a complete row's true log-odds lie, where it is asked
        how likely another band is.
    lean
        How far that middle lies above log-odds from 0.8 on; from 0.4 on it rises.
    """

    below: float = 0.0
    above: float = 0.0
    rise: float = 0.0
    tail: float = 0.0
    empties: Mapping[str, float] | None = None
    fall: float = 0.0
    empty_rise: float = 0.0
    doubt: float = 0.0
    lean: float = 0.0

    def ends(
        self, logits: Floats, block: Block, y_prob: Floats | None = None
    ) -> tuple[Floats, Floats]:
        """Return the low and the high end of each row's interval, shape (n_rows,) each.

        Parameters
        ----------
        logits
            Log-odds of a deal, shape (n_rows,).
        block
            The same rows: their empty cells widen their intervals.
        y_prob
            The same as probabilities, where they are known already.
        """
        y_prob = sigmoid(logits) if y_prob is None else y_prob
        if not self.below:
            return y_prob.copy(), y_prob.copy()
        unknown = self._unknown(block)
        down, up = (np.full(len(logits), np.exp(by)) for by in (self.below, -self.above))
        rows = np.flatnonzero((logits > 0) | (logits < FAR_DOWN) | (unknown > 0))
        z, more = logits[rows], unknown[rows]
        over = np.maximum(z, 0.0)
        farther = self.rise * over + self.tail * np.maximum(FAR_DOWN - z, 0.0)
        stretched = more * (1.0 + self.empty_rise * over) ** 2
        nearer = self.below - self.fall * np.clip(z / HIGH, 0.0, 1.0)
        down[rows] = np.exp(np.sqrt(nearer**2 + more))
        up[rows] = np.exp(-np.sqrt((self.above + farther) ** 2 + stretched))
        low, high = (y_prob / (y_prob + (1 - y_prob) * change) for change in (down, up))
        low *= y_prob >= AT_MOST
        return low, high

    def likely(self, logits: Floats, block: Block | None = None) -> tuple[Floats, Floats]:
        """Return the middle of each row's true log-odds and their 90% half, shape (n_rows,) each.

        They are taken as normal. That, and not the ends, is what chances of another band are told
        from; the ends are farther above the middle than below it.

        Parameters
        ----------
        logits
            The model's log-odds, shape (n_rows,).
        block
            The same rows, whose empty cells widen the half; complete rows if not given.
        """
        steps = np.zeros(len(logits), np.intp) if block is None else self.steps(block)
        middle = logits + self.lean * np.clip(logits / HIGH - 1.0, 0.0, 1.0)
        return middle, np.asarray(self.doubt + STEP * steps, np.float64)

    def logits_of(self, middle: Floats) -> Floats:
        """Return the log-odds that have some middles, of :meth:`likely`; any shape."""
        turns = np.array([-_FARTHEST, HIGH, 2 * HIGH, _FARTHEST])
        return np.asarray(np.interp(middle, self.likely(turns)[0], turns))

    def steps(self, block: Block) -> npt.NDArray[np.intp]:
        """Return by how many steps empty cells widen each row's half of :meth:`likely`, (n_rows,).

        They are counted in steps so that a store can keep them with a score.
        """
        return self._steps(self._unknown(block))

    @property
    def most_steps(self) -> int:
        """The steps of a row without any cell."""
        return int(self._steps(np.array([sum(r**2 for r in (self.empties or {}).values())]))[0])

    def _steps(self, unknown: Floats) -> npt.NDArray[np.intp]:
        wider = np.sqrt(self.doubt**2 + unknown) - self.doubt
        return np.rint(np.minimum(wider / STEP, _MOST_STEPS)).astype(np.intp)

    def _unknown(self, block: Block) -> Floats:
        """Return the square of what a row's empty cells could change, shape (n_rows,)."""
        unknown = np.zeros(block.n_rows)
        for column, reach in (self.empties or {}).items():
            missing = block.missing(column)
            if missing.any():
                unknown += reach**2 * missing
        return unknown

    def to_dict(self) -> dict[str, Any]:
        """Return the widths as plain data."""
        return asdict(self)

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Interval:
        """Rebuild from :meth:`to_dict`.

        Raises
        ------
        ValueError
            If a width is none.
        """
        empties = {str(name): float(reach) for name, reach in (plain["empties"] or {}).items()}
        below, above, rise = (float(plain[name]) for name in ("below", "above", "rise"))
        names = ("tail", "fall", "empty_rise", "lean")
        later = {name: float(plain.get(name, 0.0)) for name in names}
        later["doubt"] = float(plain.get("doubt", above))
        interval = cls(below=below, above=above, rise=rise, empties=empties, **later)
        least = below - interval.fall
        widths = (below, above, rise, least, *later.values(), *empties.values())
        if not all(0 <= width < np.inf for width in widths):
            raise ValueError(f"an interval of {min(widths)} to {max(widths)} in log-odds")
        return interval


def learn_interval(
    encoding: Encoding, weights: Weights, train: pd.DataFrame, unsure: float
) -> Interval:
    """Return the widths of a trained model's intervals.

    Parameters
    ----------
    encoding, weights
        The model.
    train
        Rows it learned from, shape (n_rows, any).
    unsure
        Standard deviation of its log-odds under other training rows.
    """
    reaches = {name: EMPTY * r for name, r in _reaches(encoding, weights, train).items()}
    return Interval(
        below=BELOW * unsure,
        above=ABOVE * unsure,
        rise=RISE * unsure,
        tail=min(TAIL * unsure, 1.0),
        empties=reaches,
        fall=FALL * unsure,
        empty_rise=EMPTY_RISE,
        doubt=DOUBT * unsure,
        lean=LEAN * unsure,
    )


def _reaches(encoding: Encoding, weights: Weights, train: pd.DataFrame) -> dict[str, float]:
    """Return how much the log-odds change when a column is emptied, root mean square by column."""
    complete = train[encoding.columns].dropna()
    rows = complete.sample(min(_MOST_ROWS, len(complete)), random_state=0)
    if rows.empty:
        return {}
    block = Block.of(rows)
    whole = weights.decision_function(encoding.transform(block))
    reaches = {}
    for name in encoding.columns:
        others = Block(len(rows), {c: v for c, v in block.columns.items() if c != name})
        change = weights.decision_function(encoding.transform(others)) - whole
        reaches[name] = float(np.sqrt(np.mean(change**2)))
    return reaches
