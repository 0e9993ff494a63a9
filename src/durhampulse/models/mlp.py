"""C and D: the multilayer perceptron in Keras, plain and regularised."""

from __future__ import annotations

import atexit
import os
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from durhampulse.features.repeats import Codes, has_repeats
from durhampulse.files.scratch import scratch_folder
from durhampulse.models.weights import DenseNetwork

# Keras reads its backend once, when it is first imported.
os.environ.setdefault("KERAS_BACKEND", "jax")

if TYPE_CHECKING:
    import keras

__all__ = [
    "RATE",
    "MLPTraining",
    "NetworkPlan",
    "Watch",
    "batch_size",
    "build_mlp",
    "held_out_last",
    "share_compiled_steps",
    "train_mlp",
]

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]

RATE = 0.002
"""Learning rate of Adam."""


@dataclass(frozen=True)
class NetworkPlan:
    """What distinguishes one network of this study from another.

    Attributes
    ----------
    name
        How it is called in tables and charts.
    dropout
        Share of units switched off in training, after the first and second hidden layer; where it
        is 0 no Dropout layer stands there.
    l2
        Weight of the squared weights in the training loss, for both hidden layers.
    """

    name: str
    dropout: tuple[float, float]
    l2: float = 0.0


@dataclass(frozen=True)
class MLPTraining:
    """A trained network and how its training went.

    Attributes
    ----------
    plan, seed
        What was trained.
    network
        The trained weights as plain data.
    curves
        One row an epoch: ``loss`` and ``accuracy`` on the rows trained on, ``val_loss`` and
        ``val_accuracy`` on the held-out rows. The loss is binary cross-entropy without the L2
        penalty and with dropout off, on both sides.
    """

    plan: NetworkPlan
    seed: int
    network: DenseNetwork
    curves: pd.DataFrame


def build_mlp(n_features: int, plan: NetworkPlan) -> keras.Model:
    """Build and compile the network: two hidden layers and a sigmoid."""
    import keras
    from keras import layers, regularizers

    def penalty() -> Any:
        return regularizers.L2(plan.l2) if plan.l2 else None

    hidden: list[Any] = []
    for units, rate in zip((64, 32), plan.dropout, strict=True):
        hidden.append(layers.Dense(units, activation="relu", kernel_regularizer=penalty()))
        if rate:
            hidden.append(layers.Dropout(rate))
    output = layers.Dense(1, activation="sigmoid")
    model = keras.Sequential([keras.Input(shape=(n_features,)), *hidden, output])
    model.compile(
        optimizer=keras.optimizers.Adam(learning_rate=RATE),
        loss="binary_crossentropy",
        metrics=["accuracy"],
    )
    return model


def train_mlp(
    X: Floats,
    y: Floats,
    plan: NetworkPlan,
    *,
    epochs: int = 30,
    validation_split: float = 0.2,
    groups: Codes | None = None,
    random_state: int = 0,
) -> MLPTraining:
    """Train a network and record its curves.

    Parameters
    ----------
    X
        Encoded features, shape (n_rows, n_features).
    y
        Outcomes 0 or 1, shape (n_rows,).
    plan
        Which network.
    epochs
        Passes over the training rows.
    validation_split
        Share of rows, drawn at random, that are held out to watch; 0 for none.
    groups
        The rows' creators, of whom none is on both sides, shape (n_rows,).
    random_state
        Seed of the weights, of dropout and of the order of rows.
    """
    import keras

    share_compiled_steps()
    keras.utils.set_random_seed(random_state)
    order, cut = held_out_last(len(y), groups, validation_split, random_state)
    X32, y32 = X[order].astype(np.float32), y[order].astype(np.float32)
    watch = Watch(X32[:cut], y32[:cut], X32[cut:], y32[cut:])
    fit_on: dict[str, Any] = {"validation_split": validation_split}  # Keras takes the last rows
    if validation_split and has_repeats(groups):
        fit_on = {"validation_data": (X32[cut:], y32[cut:])}
        X32, y32 = X32[:cut], y32[:cut]
    model = build_mlp(X.shape[1], plan)
    model.fit(
        X32,
        y32,
        **fit_on,
        epochs=epochs,
        batch_size=_even_batch_size(cut),
        validation_batch_size=len(y) - cut or None,
        callbacks=[watch.callback()] if validation_split else [],
        verbose=0,
    )
    return MLPTraining(plan, random_state, DenseNetwork.from_keras(model), watch.curves())


def held_out_last(
    n_rows: int, groups: Codes | None, share: float, random_state: int
) -> tuple[npt.NDArray[np.intp], int]:
    """Return the rows in a random order, creators as wholes, and where those held out begin."""
    rng = np.random.default_rng(random_state)
    cut = n_rows - round(share * n_rows)
    if groups is None or not has_repeats(groups):
        return rng.permutation(n_rows), cut
    rank = rng.permutation(groups.max() + 1)[groups]
    order = np.argsort(rank, kind="stable")
    return order, int(np.searchsorted(rank[order], rank[order][min(cut, n_rows - 1)]))


def batch_size(n_rows: int) -> int:
    """Return a batch size that keeps an epoch at about 32 to 64 steps, whatever the table's size.

    Examples
    --------
    >>> batch_size(3_200), batch_size(100_000)
    (64, 2048)
    """
    return int(2 ** np.clip(np.ceil(np.log2(max(n_rows, 1) / 64)), 4, 12))


def _even_batch_size(n_rows: int) -> int:
    """Return about the same size, with no smaller last batch where one divides the rows.

    Keras compiles its step again for a batch of another size.

    Examples
    --------
    >>> _even_batch_size(3_186), 3_186 / 59
    (59, 54.0)
    """
    size = batch_size(n_rows)
    return min(range(size, 3 * size // 4, -1), key=lambda rows: n_rows % rows)


@cache
def share_compiled_steps() -> None:
    """Let networks of one shape share their compiled steps: half of a small training's time.

    A folder that JAX was told of, by ``JAX_COMPILATION_CACHE_DIR``, is used in place of one of
    this process alone.
    """
    import keras

    if keras.backend.backend() == "jax":
        import jax

        if jax.config.jax_compilation_cache_dir is None:
            folder = scratch_folder()
            atexit.register(folder.cleanup)
            jax.config.update("jax_compilation_cache_dir", folder.name)
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
        jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)


class Watch:
    """Scores of a network after each epoch as it would be used: no penalty, no dropout.

    Keras's own training loss holds the L2 penalty and runs with dropout on, so it cannot be
    compared with the validation loss or between networks.

    Parameters
    ----------
    X, y
        The rows trained on, shapes (n_rows, n_features) and (n_rows,).
    X_val, y_val
        The rows held out.
    """

    def __init__(self, X: Singles, y: Singles, X_val: Singles, y_val: Singles) -> None:
        self.parts = {"": (X, y), "val_": (X_val, y_val)}
        self.rows: list[dict[str, float]] = []

    def callback(self) -> keras.callbacks.Callback:
        """Return what Keras calls after each epoch."""
        import keras

        def score(epoch: int, _logs: object) -> None:
            self.score(epoch, DenseNetwork.from_keras(callback.model))

        callback = keras.callbacks.LambdaCallback(on_epoch_end=score)
        return callback

    def score(self, epoch: int, network: DenseNetwork) -> None:
        """Add the scores of a network after an epoch, counted from 0."""
        row: dict[str, float] = {"epoch": epoch + 1}
        for prefix, (X, y) in self.parts.items():
            y_prob = network.predict_proba(X.astype(np.float64))
            row[f"{prefix}loss"] = _cross_entropy(y, y_prob)
            row[f"{prefix}accuracy"] = float(np.mean((y_prob >= 0.5) == y))
        self.rows.append(row)

    def curves(self) -> pd.DataFrame:
        """Return the scores, one row an epoch."""
        return pd.DataFrame(self.rows)


def _cross_entropy(y_true: Singles, y_prob: Floats) -> float:
    p = np.clip(y_prob, 1e-7, 1 - 1e-7)
    return float(-np.mean(y_true * np.log(p) + (1 - y_true) * np.log1p(-p)))
