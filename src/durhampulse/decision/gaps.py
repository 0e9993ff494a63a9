"""Rows too empty to be scored."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from durhampulse.creators.block import Block
from durhampulse.deferred import pd

__all__ = ["empty_reason", "too_empty", "unscorable"]


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
