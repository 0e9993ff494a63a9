"""Models as plain data that score with numpy alone: logistic regression and networks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, get_args

import numpy as np
import numpy.typing as npt

from durhampulse.models.exact import Activation, ExactLayers

if TYPE_CHECKING:
    import keras
    from sklearn.linear_model import LogisticRegression

__all__ = [
    "Bent",
    "Blend",
    "DenseNetwork",
    "LogOdds",
    "Logistic",
    "Weights",
    "log_odds",
    "require_array",
    "sigmoid",
]

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]

_DEEPEST, _WIDEST = 10, 4_096
"""The most layers, and units in one, of a network that is read."""
_FARTHEST_ODDS = 700.0
"""Log-odds beyond which a probability is 0 or 1 in double precision."""


class Weights(Protocol):
    """What every trained model offers."""

    def decision_function(self, X: Floats) -> Floats:
        """Return the log-odds of a deal, shape (n_rows,), for encoded rows.

        What a folder may hold counts a figure beyond :data:`.FARTHEST` as that far.
        """
        ...

    def predict_proba(self, X: Floats) -> Floats:
        """Return the probability of a deal, shape (n_rows,), for encoded rows."""
        ...


class LogOdds:
    """Probabilities from log-odds, for a class that has a ``decision_function``."""

    def predict_proba(self: Weights, X: Floats) -> Floats:
        """Return the probability of a deal, shape (n_rows,)."""
        return sigmoid(self.decision_function(X))


@dataclass(frozen=True)
class Blend(LogOdds):
    """A weighted sum of other models' log-odds (stacked generalisation, Wolpert 1992).

    Attributes
    ----------
    members
        The models.
    coef
        Weight of each, shape (n_members,).
    intercept
        Shape (1,).
    """

    members: tuple[Weights, ...]
    coef: Floats
    intercept: Floats

    def decision_function(self, X: Floats) -> Floats:
        """Return the log-odds of a deal, shape (n_rows,), added in the members' order."""
        total = np.full(len(X), self.intercept[0])
        for weight, member in zip(self.coef, self.members, strict=True):
            total += weight * member.decision_function(X)
        return total


@dataclass(frozen=True)
class Bent(LogOdds):
    """Another model's log-odds, times one slope below even chances and another above."""

    model: Weights
    below: float
    above: float

    def decision_function(self, X: Floats) -> Floats:
        """Return the log-odds of a deal, shape (n_rows,)."""
        z = self.model.decision_function(X)
        return np.where(z < 0, self.below, self.above) * z


@dataclass(frozen=True)
class Logistic(LogOdds):
    """Logistic regression."""

    coef: Floats
    intercept: Floats
    family: ClassVar[str] = "logistic"

    def decision_function(self, X: Floats) -> Floats:
        """Return the log-odds of a deal, shape (n_rows,)."""
        return self._exact.forward(X)

    @cached_property
    def _exact(self) -> ExactLayers:
        return ExactLayers.of([self.coef[:, None]], [self.intercept])

    def arrays(self) -> dict[str, Array]:
        """Return the weights by name."""
        return {"coef": self.coef, "intercept": self.intercept}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Array]) -> Logistic:
        """Rebuild from :meth:`arrays`.

        Raises
        ------
        ValueError
            If they are not the arrays of such a model.
        """
        coef, intercept = arrays["coef"], arrays["intercept"]
        require_array(coef, 1, np.float64)
        require_array(intercept, 1, np.float64)
        return cls(coef, intercept)

    @classmethod
    def from_sklearn(cls, model: LogisticRegression) -> Logistic:
        """Return the weights of a fitted model."""
        return cls(model.coef_[0].astype(np.float64), model.intercept_.astype(np.float64))


@dataclass(frozen=True)
class DenseNetwork(LogOdds):
    """A network of dense layers: an activation between them, a sigmoid at the end."""

    kernels: tuple[npt.NDArray[np.float32], ...]
    biases: tuple[npt.NDArray[np.float32], ...]
    activation: Activation = "relu"
    family: ClassVar[str] = "network"

    def decision_function(self, X: Floats) -> Floats:
        """Return the log-odds of a deal, shape (n_rows,); no row's depend on other rows."""
        return self._exact.forward(X)

    @cached_property
    def _exact(self) -> ExactLayers:
        return ExactLayers.of(self.kernels, self.biases, self.activation)

    def arrays(self) -> dict[str, Array]:
        """Return the layers by name, and the activation's letters unless it is ReLU."""
        layers = enumerate(zip(self.kernels, self.biases, strict=True))
        arrays = {f"{i}.{n}": a for i, pair in layers for n, a in zip("wb", pair, strict=True)}
        if self.activation != "relu":
            arrays["activation"] = np.frombuffer(self.activation.encode(), np.uint8)
        return arrays

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Array]) -> DenseNetwork:
        """Rebuild from :meth:`arrays`.

        Raises
        ------
        ValueError
            If they are not the arrays of such a model.
        """
        depth = range(len(arrays) // 2)
        kernels, biases = (tuple(arrays[f"{i}.{n}"] for i in depth) for n in "wb")
        for kernel, bias in zip(kernels, biases, strict=True):
            require_array(kernel, 2, np.float32)
            require_array(bias, 1, np.float32)
        letters = arrays["activation"].tobytes() if "activation" in arrays else b"relu"
        activation = {name.encode(): name for name in get_args(Activation)}.get(letters)
        if activation is None:
            raise ValueError(f"an activation that is none of {', '.join(get_args(Activation))}")
        widths = [kernel.shape for kernel in kernels]
        fitting = all(below[1] == above[0] for below, above in pairwise(widths))
        wide = any(width > _WIDEST for _, width in widths)
        if not fitting or wide or not 0 < len(widths) <= _DEEPEST or widths[-1][1] != 1:
            raise ValueError(f"layers of the shapes {widths}")
        return cls(kernels, biases, activation)

    @classmethod
    def from_keras(cls, model: keras.Model, activation: Activation = "relu") -> DenseNetwork:
        """Return a network's weights; dropout and penalties matter in training only."""
        arrays = [np.array(variable.value) for variable in model.weights]
        return cls(tuple(arrays[0::2]), tuple(arrays[1::2]), activation)


def require_array(array: Array, ndim: int, dtype: type[np.number]) -> None:
    """Refuse arrays of another kind, or with numbers that are none.

    Raises
    ------
    ValueError
        If the array is not of so many dimensions, not of the type or not finite everywhere.
    """
    if array.ndim != ndim or array.dtype != dtype or not np.isfinite(array).all():
        raise ValueError(f"an array of shape {array.shape} and type {array.dtype}")


def log_odds(y_prob: Floats) -> Floats:
    """Return log(p / (1 - p)), at most about 14 either way.

    Examples
    --------
    >>> import numpy as np
    >>> log_odds(np.array([0.5, 1.0])).round(1).tolist()
    [0.0, 13.8]
    """
    p = np.clip(y_prob, 1e-6, 1 - 1e-6)
    return np.asarray(np.log(p) - np.log1p(-p))


def sigmoid(logits: Floats) -> Floats:
    """Return 1 / (1 + exp(-x)).

    Examples
    --------
    >>> import numpy as np
    >>> sigmoid(np.array([0.0, 800.0])).tolist()
    [0.5, 1.0]
    """
    odds = np.exp(np.clip(logits, -_FARTHEST_ODDS, _FARTHEST_ODDS), dtype=np.float64)
    return np.asarray(odds / (1 + odds))
