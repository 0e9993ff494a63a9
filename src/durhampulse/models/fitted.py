"""A trained model that scores creators' tables."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from durhampulse.creators.block import Block
from durhampulse.features import Encoding
from durhampulse.models.weights import Weights

__all__ = ["FittedModel"]


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
        Of a creator's 90 % interval for the true probability, in log-odds; 0 where not known.
    """

    name: str
    encoding: Encoding
    weights: Weights
    half_width: float = 0.0

    def predict_proba(self, table: pd.DataFrame | Block) -> npt.NDArray[np.float64]:
        """Give each creator's probability of a deal, shape (n_rows,)."""
        return self.weights.predict_proba(self.encoding.transform(table))

    def decision_function(self, table: pd.DataFrame | Block) -> npt.NDArray[np.float64]:
        """Give each creator's log-odds of a deal, shape (n_rows,)."""
        return self.weights.decision_function(self.encoding.transform(table))
