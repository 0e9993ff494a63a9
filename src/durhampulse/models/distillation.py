"""One small network that says what a blend of models says.

A model can be compressed into a network that learns its answers on any number of rows without
outcomes (Bucila, Caruana and Niculescu-Mizil 2006). The rows are made from the training rows; no
outcome is looked at again. What the network costs beside its teacher is measured in every study.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from durhampulse.creators.block import Block, Levels
from durhampulse.features.encoding import Encoding
from durhampulse.models.ensemble import STUDENT, WIDE_STUDENT, train_networks
from durhampulse.models.weights import DenseNetwork, Weights

__all__ = ["distil", "mix_rows"]

Floats = npt.NDArray[np.float64]

_REAL = 0.2
_MOST_SWAPPED = 0.3
_NEIGHBOURS = 20
_HEAVY = 0.05
_BATCH = 128
_WIDE = 48
"""Inputs beyond which a network has more units: a table of creators has 20 to 46."""


def distil(  # noqa: PLR0913 - each is said apart
    teacher: Weights,
    encoding: Encoding,
    train: pd.DataFrame,
    *,
    rows: int = 200_000,
    epochs: int = 2,
    random_state: int = 0,
    sample_weight: Floats | None = None,
    emptied: float = 0.0,
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
    emptied
        Share of cells that are emptied in a half of the rows made. The network is to give what the
        teacher gives for the row with these cells: on average that is the best that can be said
        without them.
    """
    rng = np.random.default_rng(random_state)
    made = mix_rows(Block.of(train[encoding.columns]), rows, rng, sample_weight)
    y_prob = teacher.predict_proba(encoding.transform(made))
    if emptied:
        made = _with_empty_cells(made, emptied, rng)
    X = encoding.transform(made)
    network = train_networks(
        X,
        y_prob,
        recipe=WIDE_STUDENT if X.shape[1] > _WIDE else STUDENT,
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
    """Return rows like those given.

    A fifth are rows drawn as they are. Each of the others is a row drawn at random, with up to 30%
    of its columns taken from other rows, and its numbers moved part of the way to one of the
    nearest 20 values of the column on either side. Values of more than 5% of the rows are kept,
    and whole numbers stay whole: a model may have steps there.
    """

    def draw() -> npt.NDArray[np.intp]:
        if sample_weight is None:
            return rng.integers(0, block.n_rows, n_rows)
        return rng.choice(block.n_rows, n_rows, p=sample_weight / sample_weight.sum())

    base = draw()
    real = np.arange(n_rows) < _REAL * n_rows
    share = np.where(real, 0.0, rng.uniform(0, _MOST_SWAPPED, n_rows))
    columns: dict[str, Floats | Levels] = {}
    for name, values in block.columns.items():
        rows = np.where(rng.random(n_rows) < share, draw(), base)
        if isinstance(values, Levels):
            columns[name] = values.take(rows)
        else:
            columns[name] = np.where(real, values[rows], _moved(values, rows, rng))
    return Block(n_rows, columns)


def _moved(values: Floats, rows: npt.NDArray[np.intp], rng: np.random.Generator) -> Floats:
    """Return values by row, each moved towards a neighbour in rank; missing ones stay missing."""
    order = np.argsort(values, kind="stable")  # missing values come last
    rank = np.empty(len(values), dtype=np.intp)
    rank[order] = np.arange(len(values))
    last = max(int(np.sum(~np.isnan(values))) - 1, 0)
    steps = rng.integers(-_NEIGHBOURS, _NEIGHBOURS + 1, len(rows))
    neighbour = order[np.clip(rank[rows] + steps, 0, last)]
    distinct, place, count = np.unique(values, return_inverse=True, return_counts=True)
    heavy = (count > _HEAVY * len(values))[place]
    way = np.where(heavy[rows] | heavy[neighbour], 0.0, rng.random(len(rows)))
    moved = (1 - way) * values[rows] + way * values[neighbour]
    whole = bool((distinct == np.rint(distinct))[~np.isnan(distinct)].all())
    return np.asarray(np.rint(moved) if whole else moved)


def _with_empty_cells(block: Block, share: float, rng: np.random.Generator) -> Block:
    """Return rows of which every other has lost some of its cells."""
    columns: dict[str, Floats | Levels] = {}
    for name, values in block.columns.items():
        lost = (rng.random(block.n_rows) < share) & (np.arange(block.n_rows) % 2 == 1)
        if isinstance(values, Levels):
            columns[name] = Levels(np.where(lost, -1, values.codes), values.names)
        else:
            columns[name] = np.where(lost, np.nan, values)
    return Block(block.n_rows, columns)
