"""One small network that says what a blend of models says.

A model can be compressed into a network that learns its answers on any number of rows without
outcomes (Bucila, Caruana and Niculescu-Mizil 2006). The rows are made from the training rows; no
outcome is looked at again. On fresh rows of the simulated market the network is no further from
the truth than the blend (``benchmarks/quality.py``), and it scores with nothing but numpy.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from durhampulse.creators.block import Block, Levels
from durhampulse.features.encoding import Encoding
from durhampulse.models.ensemble import STUDENT, train_networks
from durhampulse.models.weights import DenseNetwork, Weights

__all__ = ["distil", "mix_rows"]

Floats = npt.NDArray[np.float64]

_MOST_SWAPPED = 0.3
_NEIGHBOURS = 20
_BATCH = 128


def distil(
    teacher: Weights,
    encoding: Encoding,
    train: pd.DataFrame,
    *,
    rows: int = 200_000,
    epochs: int = 2,
    random_state: int = 0,
    sample_weight: Floats | None = None,
) -> DenseNetwork:
    """Train a network to give a model's probabilities, by log loss.

    Parameters
    ----------
    teacher
        The model to reproduce.
    encoding
        What it sees of a creator.
    train
        Rows to make others from, shape (n_rows, any).
    rows
        How many to make.
    epochs
        Passes over them.
    sample_weight
        How often each row is drawn to make others from, in proportion.
    """
    rng = np.random.default_rng(random_state)
    made = mix_rows(Block.of(train[encoding.columns]), rows, rng, sample_weight)
    X = encoding.transform(made)
    network = train_networks(
        X,
        teacher.predict_proba(X),
        recipe=STUDENT,
        epochs=epochs,
        batch=_BATCH,
        random_state=random_state,
    )
    return network.member(0)


def mix_rows(
    block: Block,
    n_rows: int,
    rng: np.random.Generator,
    sample_weight: Floats | None = None,
) -> Block:
    """Make rows like those given.

    Each is a row drawn at random, with up to 30% of its columns taken from other rows, and its
    numbers moved part of the way to one of the nearest 20 values of the column on either side.
    """

    def draw() -> npt.NDArray[np.intp]:
        if sample_weight is None:
            return rng.integers(0, block.n_rows, n_rows)
        return rng.choice(block.n_rows, n_rows, p=sample_weight / sample_weight.sum())

    base = draw()
    share = rng.uniform(0, _MOST_SWAPPED, n_rows)
    columns: dict[str, Floats | Levels] = {}
    for name, values in block.columns.items():
        other = draw()
        rows = np.where(rng.random(n_rows) < share, other, base)
        taken = values.take(rows) if isinstance(values, Levels) else _moved(values, rows, rng)
        columns[name] = taken
    return Block(n_rows, columns)


def _moved(values: Floats, rows: npt.NDArray[np.intp], rng: np.random.Generator) -> Floats:
    """Take values by row, each moved towards a neighbour in rank; missing ones stay missing."""
    order = np.argsort(values, kind="stable")  # missing values come last
    rank = np.empty(len(values), dtype=np.intp)
    rank[order] = np.arange(len(values))
    last = max(int(np.sum(~np.isnan(values))) - 1, 0)
    steps = rng.integers(-_NEIGHBOURS, _NEIGHBOURS + 1, len(rows))
    neighbour = values[order[np.clip(rank[rows] + steps, 0, last)]]
    way = rng.random(len(rows))
    return np.asarray((1 - way) * values[rows] + way * neighbour)
