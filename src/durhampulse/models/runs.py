"""Networks of several plans and seeds, trained one after another by the same compiled loop.

Keras compiles its step anew for each plan and leaves it between any two batches; for networks as
small as these both take longer than the training. Here an epoch is one call, and what tells plans
apart, penalty and dropout, is data.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from durhampulse.features.repeats import Codes
from durhampulse.models.mlp import (
    RATE,
    MLPTraining,
    NetworkPlan,
    Watch,
    batch_size,
    build_mlp,
    held_out_last,
    share_compiled_steps,
)
from durhampulse.models.parallel import side_by_side
from durhampulse.models.weights import DenseNetwork

__all__ = ["train_runs"]

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]
Layers = list[Any]
"""JAX's arrays: a kernel and a bias of each layer in turn."""


def train_runs(
    X: Floats,
    y: Floats,
    runs: Sequence[tuple[NetworkPlan, int]],
    *,
    epochs: int = 30,
    validation_split: float = 0.2,
    groups: Codes | None = None,
) -> tuple[MLPTraining, ...]:
    """Return networks trained as :func:`.mlp.train_mlp` would, each in a tenth of the time.

    The rows that fill no whole batch are left out of an epoch, others in each.

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

    share_compiled_steps()
    firsts: list[Layers] = []
    for plan, seed in runs:
        keras.utils.set_random_seed(seed)  # of the whole process
        firsts.append([np.asarray(v.value) for v in build_mlp(X.shape[1], plan).weights])

    def train(number: int) -> MLPTraining:
        plan, seed = runs[number]
        order, cut = held_out_last(len(y), groups, validation_split, seed)
        parts = [(X[rows].astype(np.float32), y[rows].astype(np.float32))
                 for rows in (order[:cut], order[cut:])]  # fmt: skip
        watch = Watch(*parts[0], *parts[1])
        network = _train(firsts[number], *parts[0], plan, watch, seed=seed, epochs=epochs)
        return MLPTraining(plan, seed, network, watch.curves())

    return tuple(side_by_side(train, range(len(runs))))


def _train(
    layers: Layers,
    X: Singles,
    y: Singles,
    plan: NetworkPlan,
    watch: Watch,
    *,
    seed: int,
    epochs: int,
) -> DenseNetwork:
    """Train first weights by Adam, and watch them after each epoch."""
    size, rng = batch_size(len(y)), np.random.default_rng(seed)
    steps = max(len(y) // size, 1)
    state = layers, *([np.zeros_like(layer) for layer in layers],) * 2
    for epoch in range(epochs):
        rows = rng.permutation(len(y))[: steps * size].reshape(steps, -1)
        masks = [
            (rng.random((*rows.shape, units), np.float32) >= rate) / np.float32(1 - rate)
            for units, rate in zip((len(b) for b in layers[1::2]), plan.dropout, strict=False)
        ]
        number = np.arange(epoch * steps + 1, (epoch + 1) * steps + 1, dtype=np.float32)
        state = _epoch()(state, (X[rows], y[rows], *masks, number), np.float32(plan.l2))
        arrays = [np.asarray(layer) for layer in state[0]]
        network = DenseNetwork(tuple(arrays[0::2]), tuple(arrays[1::2]))
        watch.score(epoch, network)
    return network


@cache
def _epoch() -> Any:
    """Return what trains for an epoch: Adam (Kingma and Ba 2015) with Keras's settings."""
    import jax
    import jax.numpy as jnp

    def loss(layers: Layers, l2: Any, X: Any, y: Any, *masks: Any) -> Any:
        hidden = X
        for i, mask in enumerate(masks):
            hidden = mask * jax.nn.relu(hidden @ layers[2 * i] + layers[2 * i + 1])
        logits = (hidden @ layers[-2] + layers[-1])[:, 0]
        penalty = sum(jnp.sum(layers[2 * i] ** 2) for i in range(len(masks)))
        return jnp.mean(jax.nn.softplus(logits) - y * logits) + l2 * penalty

    def train(state: Any, batches: Any, l2: Any) -> Any:
        def step(state: Any, batch: Any) -> Any:
            layers, means, squares = state
            *rows, t = batch
            slope = jax.grad(loss)(layers, l2, *rows)
            means = [m + 0.1 * (g - m) for m, g in zip(means, slope, strict=True)]
            squares = [v + 0.001 * (g * g - v) for v, g in zip(squares, slope, strict=True)]
            length = RATE * jnp.sqrt(1 - 0.999**t) / (1 - 0.9**t)
            moments = zip(layers, means, squares, strict=True)
            layers = [p - length * m / (jnp.sqrt(v) + 1e-7) for p, m, v in moments]
            return (layers, means, squares), None

        return jax.lax.scan(step, state, batches)[0]

    return jax.jit(train)
