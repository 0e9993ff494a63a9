"""Trained models as plain data, able to score without the library that trained them.

Boosting is the exception: CatBoost's own format is data too, and scored by CatBoost.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import keras
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression

__all__ = ["FAMILIES", "BoostedTrees", "DenseNetwork", "Forest", "Logistic", "Weights", "freeze"]

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]


class Weights(Protocol):
    """What every trained model offers."""

    family: ClassVar[str]

    def predict_proba(self, X: Floats) -> Floats:
        """Give the probability of a deal, shape (n_rows,), for encoded rows."""
        ...

    def arrays(self) -> dict[str, Array]:
        """Give everything needed to rebuild the model."""
        ...


@dataclass(frozen=True)
class Logistic:
    """Logistic regression."""

    coef: Floats
    intercept: Floats
    family: ClassVar[str] = "logistic"

    def predict_proba(self, X: Floats) -> Floats:
        """Give the probability of a deal, shape (n_rows,)."""
        return _sigmoid(X @ self.coef + self.intercept[0])

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
class DenseNetwork:
    """A network of dense layers: ReLU between them, a sigmoid at the end."""

    kernels: tuple[npt.NDArray[np.float32], ...]
    biases: tuple[npt.NDArray[np.float32], ...]
    family: ClassVar[str] = "network"

    def predict_proba(self, X: Floats) -> Floats:
        """Give the probability of a deal, shape (n_rows,)."""
        hidden = X
        for kernel, bias in zip(self.kernels[:-1], self.biases[:-1], strict=True):
            hidden = np.maximum(hidden @ kernel + bias, 0)
        return _sigmoid(np.asarray((hidden @ self.kernels[-1] + self.biases[-1])[:, 0]))

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
class BoostedTrees:
    """Gradient boosting, in CatBoost's own binary format."""

    blob: npt.NDArray[np.uint8]
    family: ClassVar[str] = "boosting"

    def predict_proba(self, X: Floats) -> Floats:
        """Give the probability of a deal, shape (n_rows,)."""
        from catboost import CatBoostClassifier

        model = CatBoostClassifier().load_model(blob=self.blob.tobytes())
        return np.asarray(model.predict_proba(X)[:, 1])

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


FAMILIES: dict[str, type[Logistic | Forest | DenseNetwork | BoostedTrees]] = {
    kind.family: kind for kind in (Logistic, Forest, DenseNetwork, BoostedTrees)
}


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


def _sigmoid(x: Floats) -> Floats:
    return np.asarray(0.5 * (1 + np.tanh(0.5 * x.astype(np.float64))))
