"""Trained models as plain data, able to score without the library that trained them.

Boosting is the exception: CatBoost's own format is data too, and scored by CatBoost.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import keras
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression

__all__ = [
    "FAMILIES", "Blend", "BoostedTrees", "DenseNetwork", "Forest", "Logistic", "Weights", "freeze",
    "log_odds", "sigmoid",
]  # fmt: skip

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]


class Weights(Protocol):
    """What every trained model offers."""

    family: ClassVar[str]

    def decision_function(self, X: Floats) -> Floats:
        """Give the log-odds of a deal, shape (n_rows,), for encoded rows."""
        ...

    def predict_proba(self, X: Floats) -> Floats:
        """Give the probability of a deal, shape (n_rows,), for encoded rows."""
        ...

    def arrays(self) -> dict[str, Array]:
        """Give everything needed to rebuild the model."""
        ...


class _LogOdds:
    """Gives probabilities from log-odds."""

    def predict_proba(self: Weights, X: Floats) -> Floats:
        """Give the probability of a deal, shape (n_rows,)."""
        return sigmoid(self.decision_function(X))


@dataclass(frozen=True)
class Logistic(_LogOdds):
    """Logistic regression."""

    coef: Floats
    intercept: Floats
    family: ClassVar[str] = "logistic"

    def decision_function(self, X: Floats) -> Floats:
        """Give the log-odds of a deal, shape (n_rows,)."""
        return np.asarray(X @ self.coef + self.intercept[0])

    def arrays(self) -> dict[str, Array]:
        """Give the weights by name."""
        return {"coef": self.coef, "intercept": self.intercept}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Array]) -> Logistic:
        """Rebuild from :meth:`arrays`."""
        return cls(arrays["coef"], arrays["intercept"])

    @classmethod
    def from_sklearn(cls, model: LogisticRegression) -> Logistic:
        """Take over a fitted model."""
        return cls(model.coef_[0].astype(np.float64), model.intercept_.astype(np.float64))


@dataclass(frozen=True)
class Forest:
    """A random forest: the nodes of all trees one after another.

    Attributes
    ----------
    roots
        Index of each tree's first node, shape (n_trees,).
    left, right
        Index of the child nodes, shape (n_nodes,); a leaf is its own child.
    feature, threshold
        Go left where ``X[:, feature] <= threshold``, in single precision as scikit-learn does.
    value
        Share of deals in the node.
    """

    roots: npt.NDArray[np.int32]
    left: npt.NDArray[np.int32]
    right: npt.NDArray[np.int32]
    feature: npt.NDArray[np.int32]
    threshold: Floats
    value: Floats
    family: ClassVar[str] = "forest"

    def decision_function(self, X: Floats) -> Floats:
        """Give the log-odds of a deal, shape (n_rows,)."""
        return log_odds(self.predict_proba(X))

    def predict_proba(self, X: Floats) -> Floats:
        """Give the probability of a deal, shape (n_rows,)."""
        single = X.astype(np.float32)
        rows = np.arange(len(X))
        total = np.zeros(len(X))
        for root in self.roots:
            node = np.full(len(X), root, dtype=np.int32)
            while True:
                goes_left = single[rows, self.feature[node]] <= self.threshold[node]
                below = np.where(goes_left, self.left[node], self.right[node])
                if np.array_equal(below, node):
                    break
                node = below
            total += self.value[node]
        return total / len(self.roots)

    def arrays(self) -> dict[str, Array]:
        """Give the nodes by name."""
        names = ("roots", "left", "right", "feature", "threshold", "value")
        return {name: getattr(self, name) for name in names}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Array]) -> Forest:
        """Rebuild from :meth:`arrays`."""
        return cls(**arrays)

    @classmethod
    def from_sklearn(cls, model: RandomForestClassifier) -> Forest:
        """Take over a fitted model."""
        trees = [estimator.tree_ for estimator in model.estimators_]
        sizes = np.array([tree.node_count for tree in trees])
        roots = np.concatenate([[0], np.cumsum(sizes)[:-1]])

        def children(side: str) -> npt.NDArray[np.int32]:
            parts = []
            for root, tree in zip(roots, trees, strict=True):
                child = getattr(tree, f"children_{side}")
                parts.append(root + np.where(child < 0, np.arange(len(child)), child))
            return np.concatenate(parts).astype(np.int32)

        return cls(
            roots.astype(np.int32),
            children("left"),
            children("right"),
            np.concatenate([np.maximum(tree.feature, 0) for tree in trees]).astype(np.int32),
            np.concatenate([tree.threshold for tree in trees]),
            np.concatenate([tree.value[:, 0, 1] for tree in trees]),
        )


@dataclass(frozen=True)
class DenseNetwork(_LogOdds):
    """A network of dense layers: ReLU between them, a sigmoid at the end."""

    kernels: tuple[npt.NDArray[np.float32], ...]
    biases: tuple[npt.NDArray[np.float32], ...]
    family: ClassVar[str] = "network"

    def decision_function(self, X: Floats) -> Floats:
        """Give the log-odds of a deal, shape (n_rows,), in the precision of X."""
        hidden = X
        for kernel, bias in zip(self.kernels[:-1], self.biases[:-1], strict=True):
            hidden = np.maximum(hidden @ kernel + bias, 0)
        return np.asarray((hidden @ self.kernels[-1] + self.biases[-1])[:, 0])

    def arrays(self) -> dict[str, Array]:
        """Give the layers by name."""
        layers = enumerate(zip(self.kernels, self.biases, strict=True))
        return {f"{i}.{n}": a for i, pair in layers for n, a in zip("wb", pair, strict=True)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Array]) -> DenseNetwork:
        """Rebuild from :meth:`arrays`."""
        depth = range(len(arrays) // 2)
        return cls(tuple(arrays[f"{i}.w"] for i in depth), tuple(arrays[f"{i}.b"] for i in depth))

    @classmethod
    def from_keras(cls, model: keras.Model) -> DenseNetwork:
        """Take over a network's weights; dropout and penalties matter in training only."""
        arrays = [np.array(variable.value) for variable in model.weights]
        return cls(tuple(arrays[0::2]), tuple(arrays[1::2]))


@dataclass(frozen=True)
class BoostedTrees(_LogOdds):
    """Gradient boosting, in CatBoost's own binary format."""

    blob: npt.NDArray[np.uint8]
    family: ClassVar[str] = "boosting"

    def decision_function(self, X: Floats) -> Floats:
        """Give the log-odds of a deal, shape (n_rows,)."""
        return np.asarray(self._model.predict(X, prediction_type="RawFormulaVal"))

    @cached_property
    def _model(self) -> Any:
        from catboost import CatBoostClassifier

        return CatBoostClassifier().load_model(blob=self.blob.tobytes())

    def arrays(self) -> dict[str, Array]:
        """Give the model file's bytes."""
        return {"cbm": self.blob}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Array]) -> BoostedTrees:
        """Rebuild from :meth:`arrays`."""
        return cls(arrays["cbm"])

    @classmethod
    def from_catboost(cls, model: Any) -> BoostedTrees:
        """Take over a fitted model, without the marks that make each training's file another."""
        marks = model.get_metadata()
        marks["model_guid"] = marks["train_finish_time"] = ""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "model.cbm")
            model.save_model(str(path))
            return cls(np.fromfile(path, dtype=np.uint8))


@dataclass(frozen=True)
class Blend(_LogOdds):
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
    family: ClassVar[str] = "blend"

    def decision_function(self, X: Floats) -> Floats:
        """Give the log-odds of a deal, shape (n_rows,)."""
        total = np.full(len(X), self.intercept[0], dtype=X.dtype)
        for weight, member in zip(self.coef, self.members, strict=True):
            total += weight * member.decision_function(X)
        return total

    def arrays(self) -> dict[str, Array]:
        """Give the weights, and the members' arrays as ``NUMBER.FAMILY.NAME``."""
        members = {
            f"{i:02}.{member.family}.{name}": array
            for i, member in enumerate(self.members)
            for name, array in member.arrays().items()
        }
        return {"coef": self.coef, "intercept": self.intercept, **members}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Array]) -> Blend:
        """Rebuild from :meth:`arrays`."""
        parts: dict[tuple[str, str], dict[str, Array]] = {}
        for key, array in arrays.items():
            if key not in ("coef", "intercept"):
                number, family, name = key.split(".", 2)
                parts.setdefault((number, family), {})[name] = array
        members = tuple(
            FAMILIES[family].from_arrays(parts[_, family]) for _, family in sorted(parts)
        )
        if len(members) != len(arrays["coef"]) or any(isinstance(m, Blend) for m in members):
            raise ValueError(f"{len(arrays['coef'])} weights for {len(members)} members")
        return cls(members, arrays["coef"], arrays["intercept"])


FAMILIES: dict[str, type[Logistic | Forest | DenseNetwork | BoostedTrees | Blend]] = {
    kind.family: kind for kind in (Logistic, Forest, DenseNetwork, BoostedTrees, Blend)
}


def log_odds(y_prob: Floats) -> Floats:
    """Give log(p / (1 - p)), at most about 14 either way.

    Examples
    --------
    >>> import numpy as np
    >>> log_odds(np.array([0.5, 1.0])).round(1).tolist()
    [0.0, 13.8]
    """
    p = np.clip(y_prob, 1e-6, 1 - 1e-6)
    return np.asarray(np.log(p) - np.log1p(-p))


def sigmoid(logits: Floats) -> Floats:
    """Give 1 / (1 + exp(-x)).

    Examples
    --------
    >>> import numpy as np
    >>> sigmoid(np.array([0.0, 800.0])).tolist()
    [0.5, 1.0]
    """
    return np.asarray(0.5 * (1 + np.tanh(0.5 * logits.astype(np.float64))))


def freeze(model: Any) -> Weights:
    """Give a fitted classifier's weights as plain data.

    Raises
    ------
    TypeError
        If the classifier is of no known family.
    """
    kind = type(model).__name__
    if kind == "LogisticRegression":
        return Logistic.from_sklearn(model)
    if kind == "RandomForestClassifier":
        return Forest.from_sklearn(model)
    if kind == "CatBoostClassifier":
        return BoostedTrees.from_catboost(model)
    raise TypeError(f"Got a {kind}, but expected one of the classifiers of this package.")
