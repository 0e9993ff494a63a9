"""Networks that share their layers, trained as one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any

import numpy as np
import numpy.typing as npt

from durhampulse.models.exact import Activation
from durhampulse.models.weights import DenseNetwork, LogOdds

__all__ = ["STUDENT", "TEACHER", "WIDE_STUDENT", "BatchEnsemble", "Recipe", "train_networks"]

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]
Layers = Any
"""JAX's arrays by name."""

_HIDDEN = 2
"""Layers between the inputs and the last one."""
_STEPS = 64
"""Taken in one compiled call: trainings on any number of rows share what is compiled."""
_AT_ONCE = 1_024
_BENT = 4.0
"""Where the sigmoid of the parabolic activation is 1, in training."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How networks are trained.

    Attributes
    ----------
    members
        How many share their kernels.
    units
        Of the hidden layers.
    noise
        Standard deviation of the normal noise that blurs encoded inputs.
    decay
        Weight decay, apart from the loss (AdamW, Loshchilov and Hutter 2019).
    rate
        First learning rate; it falls to 0 along a cosine.
    activation
        Of the hidden units.
    """

    members: int = 8
    units: tuple[int, int] = (64, 32)
    noise: float = 0.1
    decay: float = 0.05
    rate: float = 0.005
    activation: Activation = "silu"


TEACHER = Recipe()
"""Learns from outcomes: noise and decay keep it from bending more than the rows ask for."""
STUDENT = Recipe(members=1, units=(48, 24), noise=0, decay=0, activation="parabolic")
"""Learns from another model's probabilities, on as many rows as it needs. With 64 and 32 units it
is no nearer to it, and slower by 40%."""
WIDE_STUDENT = replace(STUDENT, units=(128, 64))
"""Of a wide table: with 61 inputs it is nearer to its teacher by a third (out of fold, in Kullback
and Leibler's divergence), for .3 microseconds a row."""


@dataclass(frozen=True)
class BatchEnsemble(LogOdds):
    """Several networks with the same kernels, each with scalings of its own.

    Member k computes ``silu(((x * r[k]) @ W) * s[k] + b[k])`` in each hidden layer and
    ``x @ out[k] + b[k]`` at the end (batch ensembles, Wen, Tran and Ba 2020, in the form of TabM,
    Gorishniy et al. 2025). The answer is the members' mean log-odds.

    Attributes
    ----------
    layers
        ``r0, w0, s0, b0`` and so on for each hidden layer, ``out`` and ``b`` at the end; ``w0`` of
        shape (n_inputs, n_units), all others with the member first.
    activation
        Of the hidden units, in place of SiLU.
    """

    layers: Mapping[str, Singles]
    activation: Activation = "silu"

    def decision_function(self, X: Floats) -> Floats:
        """Return the mean log-odds of a deal, shape (n_rows,)."""
        blocks = np.zeros((-(-len(X) // _AT_ONCE), _AT_ONCE, X.shape[1]), np.float32)
        blocks.reshape(-1, X.shape[1])[: len(X)] = X
        logits = _answers(self.activation)
        parts = [np.asarray(logits(self.layers, block), np.float64).mean(0) for block in blocks]
        return np.concatenate([np.empty(0), *parts])[: len(X)]

    def member(self, k: int) -> DenseNetwork:
        """Return one of the networks by itself, all scalings multiplied into its kernels."""
        parts, kernels, biases = self.layers, [], []
        unit = np.float32(_BENT if self.activation == "parabolic" else 1)
        for i in range(_HIDDEN):
            kernel = parts[f"r{i}"][k].T * parts[f"w{i}"] * parts[f"s{i}"][k]
            kernels.append(kernel if i else kernel / unit)
            biases.append(parts[f"b{i}"][k, 0] / unit)
        last = parts["out"][k] * unit
        return DenseNetwork((*kernels, last), (*biases, parts["b"][k]), self.activation)


def train_networks(
    X: Floats,
    y: Floats,
    *,
    recipe: Recipe = TEACHER,
    epochs: int = 30,
    batch: int = 64,
    random_state: int = 0,
    sample_weight: Floats | None = None,
) -> BatchEnsemble:
    """Train a batch ensemble by log loss, in compiled loops of 64 steps.

    Parameters
    ----------
    X
        Encoded features, shape (n_rows, n_features).
    y
        Outcomes 0 or 1, or probabilities to learn, shape (n_rows,).
    epochs
        Passes over the rows.
    batch
        Rows a step.
    sample_weight
        How much each row counts, shape (n_rows,); as much as the others if not given.
    """
    n, rng = len(y), np.random.default_rng(random_state)
    weight = np.ones(n) if sample_weight is None else sample_weight / sample_weight.mean()
    layers, train = _first_layers(X.shape[1], recipe, rng), _training(recipe)
    state = layers, *({name: np.zeros_like(layer) for name, layer in layers.items()},) * 2
    calls = max(round(n * epochs / (batch * _STEPS)), 1)
    for number, order in enumerate(_orders(n, calls, (_STEPS, batch), rng)):
        blurred = X[order]
        if recipe.noise:
            blurred = blurred + rng.normal(0, recipe.noise, blurred.shape)
        step = number * _STEPS + np.arange(_STEPS)
        rate = recipe.rate * (0.5 + 0.5 * np.cos(np.pi * step / (calls * _STEPS)))
        rows = (blurred, y[order], weight[order], rate, step + 1)
        state = train(state, tuple(array.astype(np.float32) for array in rows))
    trained = {name: np.asarray(layer) for name, layer in state[0].items()}
    return BatchEnsemble(trained, recipe.activation)


def _orders(
    n_rows: int, calls: int, shape: tuple[int, int], rng: np.random.Generator
) -> Iterator[npt.NDArray[np.intp]]:
    """Yield row numbers for each call's steps: every row once in random order, then again."""
    order = np.empty(0, dtype=np.intp)
    size = shape[0] * shape[1]
    for _ in range(calls):
        while len(order) < size:
            order = np.append(order, rng.permutation(n_rows))
        yield order[:size].reshape(shape)
        order = order[size:]


def _first_layers(n_inputs: int, recipe: Recipe, rng: np.random.Generator) -> Layers:
    """Return layers before training: members differ by the random signs of their inputs."""
    layers: dict[str, Floats] = {}
    width, members = n_inputs, recipe.members
    for i, units in enumerate(recipe.units):
        limit = np.sqrt(6 / (width + units))
        layers[f"w{i}"] = rng.uniform(-limit, limit, (width, units))
        signs = rng.choice([-1.0, 1.0], (members, 1, width))
        layers[f"r{i}"] = signs if i == 0 else np.ones((members, 1, width))
        layers[f"s{i}"] = np.ones((members, 1, units))
        layers[f"b{i}"] = np.zeros((members, 1, units))
        width = units
    limit = np.sqrt(6 / (width + 1))
    layers["out"] = rng.uniform(-limit, limit, (members, width, 1))
    layers["b"] = np.zeros((members, 1))
    return {name: layer.astype(np.float32) for name, layer in layers.items()}


def _logits(layers: Layers, X: Any, activation: Activation) -> Any:
    """Return each member's log-odds, shape (n_members, n_rows), in JAX."""
    import jax

    act = _parabolic if activation == "parabolic" else jax.nn.silu
    hidden = X[None]
    for i in range(_HIDDEN):
        z = (hidden * layers[f"r{i}"]) @ layers[f"w{i}"] * layers[f"s{i}"] + layers[f"b{i}"]
        hidden = act(z)
    return (hidden @ layers["out"])[..., 0] + layers["b"]


def _parabolic(z: Any) -> Any:
    """Return :func:`.exact.parabolic` in JAX, as wide as SiLU."""
    import jax.numpy as jnp

    near = jnp.clip(z / _BENT, -1, 1)
    return z * (0.5 + near * (1 - jnp.abs(near) / 2))


@cache
def _answers(activation: Activation) -> Any:
    """Return the same, compiled."""
    import jax

    return jax.jit(partial(_logits, activation=activation))


@cache
def _training(recipe: Recipe) -> Any:
    """Return what takes some steps of AdamW at once."""
    import jax
    import jax.numpy as jnp

    def loss(layers: Layers, X: Any, y: Any, weight: Any) -> Any:
        logits = _logits(layers, X, recipe.activation)
        return jnp.mean(weight * (jax.nn.softplus(logits) - y * logits))

    def step(state: Any, rows: Any) -> Any:
        layers, first, second = state
        X, y, weight, rate, t = rows
        slope = jax.grad(loss)(layers, X, y, weight)
        first = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, first, slope)
        second = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, second, slope)
        length = rate * jnp.sqrt(1 - 0.999**t) / (1 - 0.9**t)
        layers = jax.tree.map(
            lambda p, m, v: (1 - rate * recipe.decay) * p - length * m / (jnp.sqrt(v) + 1e-8),
            layers,
            first,
            second,
        )
        return (layers, first, second), None

    def train(state: Any, rows: Any) -> Any:
        return jax.lax.scan(step, state, rows)[0]

    return jax.jit(train)
