"""The past creators most like one: what they were, and what became of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from durhampulse.creators.schema import IDENTIFIER, LABEL
from durhampulse.deferred import pd
from durhampulse.features.codes import LevelCode
from durhampulse.features.encoding import Encoding

__all__ = ["Neighbours", "learn_neighbours"]

_SHOWN = 12
_MOST_ROWS = 2_000
_LEVEL = np.sqrt(0.5)
"""Weight of a level's column: another level is as far away as one standard deviation."""


@dataclass(frozen=True)
class Neighbours:
    """Past creators to compare others with.

    Attributes
    ----------
    rows
        The model's columns and the outcome of training rows, shape (n_rows, any); their
        identifiers only where these were to be kept.
    """

    rows: pd.DataFrame

    def nearest(self, encoding: Encoding, creator: pd.DataFrame, n: int = _SHOWN) -> pd.DataFrame:
        """Return the rows most like one creator, the nearest first, shape (at most n, any).

        Parameters
        ----------
        encoding
            Of the model; distances are Euclidean in what it makes of the figures.
        creator
            Shape (1, any).
        """
        weights = [
            _LEVEL if isinstance(c, LevelCode) else 1.0 for c in encoding.codes for _ in c.names
        ]
        away = (encoding.transform(self.rows) - encoding.transform(creator)) * np.array(weights)
        squares: npt.NDArray[np.float64] = np.sum(away**2, axis=1)
        return self.rows.iloc[np.argsort(squares, kind="stable")[:n]].reset_index(drop=True)


def learn_neighbours(
    encoding: Encoding,
    train: pd.DataFrame,
    *,
    keep_identifiers: bool = False,
    random_state: int = 0,
) -> Neighbours:
    """Return up to 2,000 training rows in random order, (n_rows, any), to compare others with."""
    columns = [*([IDENTIFIER] if keep_identifiers else []), *encoding.columns, LABEL]
    rows = train[columns].sample(min(_MOST_ROWS, len(train)), random_state=random_state)
    return Neighbours(rows.reset_index(drop=True))
