"""A creator's interval: where the true probability of a deal lies for nine in ten creators.

How far a model is off grows with how unsure it is (the instability of its log-odds under other
training rows), below about 12%, where few deals were seen to learn from, and with what an empty
cell could change. How much each of them counts was measured where true probabilities are known
(``benchmarks/intervals.py``). Below 5% all that can be said is "at most so much".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from durhampulse.creators.block import Block
from durhampulse.features.encoding import Encoding
from durhampulse.models.weights import Weights, shifted, sigmoid

__all__ = ["AT_MOST", "Interval", "learn_interval"]

Floats = npt.NDArray[np.float64]

AT_MOST = 0.05
"""Probability below which an interval begins at 0."""
BODY, TAIL, EMPTY = 2.05, 1.0, 1.0
"""How much instability counts, how much more of it for each step of log-odds below `TAIL_FROM`,
and how much what an empty cell could change."""
TAIL_FROM = -2.0
_MOST_ROWS = 1_500


@dataclass(frozen=True, kw_only=True)
class Interval:
    """The widths of creators' intervals, in log-odds; plain data.

    Attributes
    ----------
    width
        Half of a complete row's; 0 where it is not known.
    tail
        How much wider the lower half is for each step of log-odds below -2.
    empties
        Column to what is added, in squares, to a row where it is empty.
    """

    width: float = 0.0
    tail: float = 0.0
    empties: Mapping[str, float] | None = None

    def ends(self, logits: Floats, block: Block) -> tuple[Floats, Floats]:
        """Return the low and the high end of each row's interval, shape (n_rows,) each.

        Parameters
        ----------
        logits
            Log-odds of a deal, shape (n_rows,).
        block
            The same rows: their empty cells widen their intervals.
        """
        y_prob = sigmoid(logits)
        if not self.width:
            return y_prob, y_prob.copy()
        below, above = self.widths(logits, block)
        low = shifted(y_prob, -below)
        return np.where(y_prob < AT_MOST, 0.0, low), shifted(y_prob, above)

    def widths(self, logits: Floats, block: Block | None = None) -> tuple[Floats, Floats]:
        """Return how far the interval reaches below and above the log-odds, (n_rows,) each."""
        below = self.width + self.tail * np.maximum(TAIL_FROM - logits, 0.0)
        above = np.full_like(logits, self.width)
        if block is None or not self.empties:
            return below, above
        unknown = np.zeros(block.n_rows)
        for column, reach in self.empties.items():
            empty = block.empty([column]) > 0
            if empty.any():
                unknown += reach**2 * empty
        rows = np.flatnonzero(unknown)
        for half in (below, above):
            half[rows] = np.sqrt(half[rows] ** 2 + unknown[rows])
        return below, above

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
        interval = cls(width=float(plain["width"]), tail=float(plain["tail"]), empties=empties)
        widths = (interval.width, interval.tail, *empties.values())
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
    return Interval(width=BODY * unsure, tail=TAIL * unsure, empties=reaches)


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
