"""What a fitted estimator keeps of its training rows, so that a model folder can be made of it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pyarrow as pa

from durhampulse.creators.schema import LABEL
from durhampulse.features.encoding import Encoding
from durhampulse.features.peers import Peers, learn_peers
from durhampulse.features.profile import Profile, learn_profile
from durhampulse.features.rates import learn_rates

__all__ = ["TrainingSample", "draw_sample"]

_MOST_ROWS = 2_000


@dataclass(frozen=True, kw_only=True)
class TrainingSample:
    """Some training rows, and facts of all.

    Attributes
    ----------
    cells
        At most 2,000 rows in random order, cells as found: the columns of the model alone, neither
        identifiers nor outcomes.
    peers
        What is usual, of all rows.
    profile
        What the columns look like, of all rows.
    n_rows
        How many rows were trained on.
    base_rate
        The share of them with a deal.
    """

    cells: pa.Table
    peers: Peers
    profile: Profile
    n_rows: int
    base_rate: float


def draw_sample(
    cells: pa.Table, train: pd.DataFrame, encoding: Encoding, *, random_state: int = 0
) -> TrainingSample:
    """Return what is kept of training rows.

    Parameters
    ----------
    cells
        The rows as found, shape (n_rows, any).
    train
        The same as read.
    encoding
        Of the model.
    """
    rows = np.random.default_rng(random_state).permutation(len(train))[:_MOST_ROWS]
    return TrainingSample(
        cells=cells.select(encoding.columns).take(pa.array(rows)),
        peers=replace(learn_peers(train), rates=learn_rates(train, encoding.columns)),
        profile=learn_profile(train[encoding.columns]),
        n_rows=len(train),
        base_rate=float(train[LABEL].mean()),
    )
