"""A trained model that scores creators' tables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from durhampulse.creators.block import Block
from durhampulse.deferred import pd
from durhampulse.features.codes import FARTHEST
from durhampulse.features.encoding import Encoding
from durhampulse.features.novelty import learn_precedent
from durhampulse.features.precedent import REACH, Kinds, Precedent
from durhampulse.models.interval import Interval
from durhampulse.models.weights import Weights, sigmoid

__all__ = ["FittedModel"]

Floats = npt.NDArray[np.float64]

_MOST_CELLS = 8_000_000
"""Encoded figures held at once: 64 MB."""


@dataclass(frozen=True, kw_only=True)
class FittedModel:
    """A model that scores creators' tables: encoding and weights together.

    Attributes
    ----------
    name
        What it is called.
    encoding
        From table to numbers.
    weights
        From numbers to a probability.
    interval
        How wide a creator's 90% interval for the true probability is.
    precedent
        What the creators it learned from were like; none where that was not looked at.
    """

    name: str
    encoding: Encoding
    weights: Weights
    interval: Interval = field(default_factory=Interval)
    precedent: Precedent | None = None

    def predict_proba(self, table: pd.DataFrame | Block) -> Floats:
        """Return each creator's probability of a deal, shape (n_rows,)."""
        return sigmoid(self.decision_function(table))

    def decision_function(self, table: pd.DataFrame | Block) -> Floats:
        """Return each creator's log-odds of a deal, shape (n_rows,)."""
        parts = self._encoded(table, FARTHEST)
        return np.concatenate([self.weights.decision_function(X) for _, X in parts])

    def unlike(self, table: pd.DataFrame | Block) -> Kinds:
        """Return what has no precedent, as :meth:`.Precedent.kinds` does, shape (n_rows,)."""
        if self.precedent is None:
            return np.zeros(Block.of(table).n_rows, dtype=np.int16)
        parts = self._encoded(table, REACH)
        return np.concatenate([self.precedent.kinds(X, part) for part, X in parts])

    def look(self, table: pd.DataFrame | Block) -> tuple[Floats, Kinds]:
        """Return what :meth:`decision_function` and :meth:`unlike` do, encoding once."""
        if self.precedent is None:
            return self.decision_function(table), self.unlike(table)
        logits, kinds = [], []
        for part, X in self._encoded(table, REACH):
            kinds.append(self.precedent.kinds(X, part))
            logits.append(self.weights.decision_function(X))
        return np.concatenate(logits), np.concatenate(kinds)

    def with_precedent(self, train: pd.DataFrame) -> FittedModel:
        """Return the model, which knows what the creators it learned from are like."""
        return replace(self, precedent=learn_precedent(self.encoding, train))

    def _encoded(self, table: pd.DataFrame | Block, limit: float) -> Iterator[tuple[Block, Floats]]:
        """Yield the table in parts that fit in memory, each with its encoded figures."""
        block = Block.of(table)
        step = max(_MOST_CELLS // max(len(self.encoding.names), 1), 1)
        for start in range(0, max(block.n_rows, 1), step):
            part = block.part(start, start + step)
            yield part, self.encoding.transform(part, limit=limit)
