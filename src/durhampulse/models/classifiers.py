"""B2: the classical classifiers, one of each family."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from durhampulse.models.weights import Logistic, LogOdds, Weights, log_odds

if TYPE_CHECKING:
    from catboost import CatBoostClassifier
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression

__all__ = [
    "BOOSTING",
    "CLASSIFIERS",
    "FOREST",
    "LOGISTIC",
    "Classifier",
    "LibraryModel",
    "build_boosting",
    "build_forest",
    "build_logistic",
    "fit",
]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class LibraryModel(LogOdds):
    """A classifier as its library fitted it; compared in a study, never written to a model."""

    classifier: Any

    def decision_function(self, X: Floats) -> Floats:
        """Return the log-odds of a deal, shape (n_rows,)."""
        return log_odds(self.predict_proba(X))

    def predict_proba(self, X: Floats) -> Floats:
        """Return the probability of a deal, shape (n_rows,)."""
        return np.asarray(self.classifier.predict_proba(X)[:, 1])


def build_logistic(random_state: int) -> LogisticRegression:
    """Build the linear model: a weighted sum of the features on the log-odds scale."""
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=1.0, max_iter=1_000, random_state=random_state)


def build_forest(random_state: int) -> RandomForestClassifier:
    """Build the forest: many deep trees on resampled rows, averaged.

    Leaves hold at least 1 in 1,000 rows, so that a leaf's share of deals is a probability
    rather than a memory of single creators.
    """
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(
        n_estimators=100, min_samples_leaf=0.001, n_jobs=2, random_state=random_state
    )


def build_boosting(random_state: int) -> CatBoostClassifier:
    """Build gradient boosting: shallow trees, each correcting the sum of those before it.

    They are one level deeper where there are more than 4,500 rows to learn from.
    """
    from catboost import CatBoostClassifier

    return CatBoostClassifier(
        iterations=250,
        depth=4,
        learning_rate=0.06,
        l2_leaf_reg=10,
        border_count=64,
        thread_count=2,
        random_seed=random_state,
        allow_writing_files=False,
        verbose=False,
    )


_DEEPER_FROM = 4_500
LOGISTIC, FOREST, BOOSTING = "Logistic regression", "Random forest", "Gradient boosting"


@dataclass(frozen=True)
class Classifier:
    """One of the classical classifiers.

    Attributes
    ----------
    build
        Makes the untrained classifier from a seed.
    weights
        Makes a model of the trained one.
    settings
        What else to set for a number of rows.
    """

    build: Callable[[int], Any]
    weights: Callable[[Any], Weights] = LibraryModel
    settings: Callable[[int], dict[str, Any]] = lambda _: {}


def _depth(n_rows: int) -> dict[str, Any]:
    return {"depth": 5} if n_rows > _DEEPER_FROM else {}


CLASSIFIERS = {
    LOGISTIC: Classifier(build_logistic, Logistic.from_sklearn),
    FOREST: Classifier(build_forest),
    BOOSTING: Classifier(build_boosting, settings=_depth),
}
"""By name; simplest first, so that ties go to the simpler one."""


def fit(
    name: str, X: Floats, y: Floats, sample_weight: Floats | None = None, *, random_state: int
) -> Weights:
    """Fit one of the classifiers to encoded rows and their outcomes 0 or 1."""
    classifier = CLASSIFIERS[name]
    model = classifier.build(random_state).set_params(**classifier.settings(len(y)))
    return classifier.weights(model.fit(X, y.astype(np.int64), sample_weight=sample_weight))
