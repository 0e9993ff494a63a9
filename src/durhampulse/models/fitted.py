"""A trained model that scores creators' tables."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from durhampulse.creators.block import Block
from durhampulse.features.encoding import Encoding
from durhampulse.models.weights import Weights, sigmoid

__all__ = ["FittedModel"]

_MOST_CELLS = 8_000_000
"""Encoded figures held at once: 64 MB."""


@dataclass(frozen=True)
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
    half_width
        Of a creator's 90% interval for the true probability, in log-odds; 0 where not known.
    """

    name: str
    encoding: Encoding
    weights: Weights
    half_width: float = 0.0

    def predict_proba(self, table: pd.DataFrame | Block) -> npt.NDArray[np.float64]:
        """Return each creator's probability of a deal, shape (n_rows,)."""
        return sigmoid(self.decision_function(table))

    def decision_function(self, table: pd.DataFrame | Block) -> npt.NDArray[np.float64]:
        """Return each creator's log-odds of a deal, shape (n_rows,)."""
        block = Block.of(table)
        step = max(_MOST_CELLS // max(len(self.encoding.names), 1), 1)
        if block.n_rows <= step:
            return self.weights.decision_function(self.encoding.transform(block))
        rows = np.arange(block.n_rows)
        parts = (block.take(rows[i : i + step]) for i in range(0, block.n_rows, step))
        return np.concatenate(
            [self.weights.decision_function(self.encoding.transform(part)) for part in parts]
        )
