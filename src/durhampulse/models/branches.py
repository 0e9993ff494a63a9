"""Networks of several plans and seeds, trained side by side as branches of one Keras model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from durhampulse.features.repeats import Codes
from durhampulse.models.mlp import (
    MLPTraining,
    NetworkPlan,
    Watch,
    batch_size,
    build_mlp,
    held_out_last,
    share_compiled_steps,
)
from durhampulse.models.weights import DenseNetwork

__all__ = ["train_branches"]

Floats = npt.NDArray[np.float64]


def train_branches(
    X: Floats,
    y: Floats,
    runs: Sequence[tuple[NetworkPlan, int]],
    *,
    epochs: int = 30,
    validation_split: float = 0.2,
    groups: Codes | None = None,
) -> tuple[MLPTraining, ...]:
    """Return networks trained as :func:`.mlp.train_mlp` would, in the time of about one.

    Small networks spend most of their training between steps, so these take each step together.
    A seed decides which rows are held out, so that networks of one seed learn from the same rows;
    their first weights are drawn together.

    Parameters
    ----------
    X
        Encoded features, shape (n_rows, n_features).
    y
        Outcomes 0 or 1, shape (n_rows,).
    runs
        Plan and seed of each network.
    epochs
        Passes over the training rows.
    validation_split
        Share of rows that are held out to watch a network.
    groups
        The rows' creators, of whom none is on both sides, shape (n_rows,).
    """
    import keras

    if not runs:
        return ()
    share_compiled_steps()
    keras.utils.set_random_seed(sum(seed for _, seed in runs))
    X32, y32 = X.astype(np.float32), y.astype(np.float32)
    seeds = dict.fromkeys(seed for _, seed in runs)
    parts = {seed: held_out_last(len(y), groups, validation_split, seed) for seed in seeds}
    n_rows = min(cut for _, cut in parts.values())  # alike unless creators have several rows
    learned = {seed: order[:n_rows] for seed, (order, _) in parts.items()}
    held_out = {seed: order[cut:] for seed, (order, cut) in parts.items()}
    inputs = {seed: keras.Input(shape=(X.shape[1],)) for seed in seeds}
    # The loss is the branches' mean, so each branch's penalty counts for as much less.
    branches = [build_mlp(X.shape[1], replace(p, l2=p.l2 / len(runs))) for p, _ in runs]
    outputs = [branch(inputs[seed]) for branch, (_, seed) in zip(branches, runs, strict=True)]
    joined = keras.layers.Concatenate()(outputs) if outputs[1:] else outputs[0]
    model = keras.Model([*inputs.values()], joined)
    model.compile(optimizer=keras.optimizers.Adam(0.002), loss="binary_crossentropy")
    watches = [
        Watch(X32[learned[s]], y32[learned[s]], X32[held_out[s]], y32[held_out[s]]) for _, s in runs
    ]

    def score(epoch: int, _logs: object) -> None:
        for watch, branch in zip(watches, branches, strict=True):
            watch.score(epoch, branch)

    model.fit(
        [X32[learned[seed]] for seed in seeds],
        np.column_stack([y32[learned[seed]] for _, seed in runs]),
        epochs=epochs,
        batch_size=batch_size(n_rows),
        callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=score)],
        verbose=0,
    )
    return tuple(
        MLPTraining(plan, seed, DenseNetwork.from_keras(branch), watch.curves())
        for (plan, seed), branch, watch in zip(runs, branches, watches, strict=True)
    )
