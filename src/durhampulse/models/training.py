"""Cross-validation and the final fit: every model sees the same folds."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pandas as pd

from durhampulse.creators.roles import Role
from durhampulse.creators.schema import IDENTIFIER, LABEL
from durhampulse.features import learn_encoding
from durhampulse.models.classifiers import CLASSIFIERS
from durhampulse.models.mlp import NetworkPlan, train_mlp
from durhampulse.models.weights import Weights, freeze

__all__ = ["Learner", "classifier_learner", "cross_validate", "mlp_learner"]

Floats = npt.NDArray[np.float64]
Learner = Callable[[Floats, Floats], Weights]
"""Takes encoded features and outcomes, gives a trained model."""


def classifier_learner(name: str, random_state: int) -> Learner:
    """Give the learner of one of the classical classifiers."""
    build = CLASSIFIERS[name]

    def learn(X: Floats, y: Floats) -> Weights:
        return freeze(build(random_state).fit(X, y.astype(np.int64)))

    return learn


def mlp_learner(plan: NetworkPlan, random_state: int) -> Learner:
    """Give the learner of a network, trained on all rows it is given."""

    def learn(X: Floats, y: Floats) -> Weights:
        return train_mlp(X, y, plan, validation_split=0.0, random_state=random_state).network

    return learn


def cross_validate(
    learner: Learner,
    train: pd.DataFrame,
    features: tuple[Role, ...],
    *,
    n_folds: int = 5,
    random_state: int = 0,
) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Predict every training row by a model that did not see it.

    Folds are stratified by the outcome and keep all rows of a creator together. The encoding is
    learned anew in each fold.

    Returns
    -------
    y_prob, fold
        Out-of-fold probabilities and the fold each row was held out in, shape (n_rows,) each.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    y = train[LABEL].to_numpy(np.float64)
    splitter = StratifiedGroupKFold(n_folds, shuffle=True, random_state=random_state)
    y_prob, fold = np.zeros(len(train)), np.zeros(len(train), dtype=np.int64)
    for number, (fit, held_out) in enumerate(splitter.split(train, y, train[IDENTIFIER])):
        encoding = learn_encoding(train.iloc[fit], features)
        weights = learner(encoding.transform(train.iloc[fit]), y[fit])
        y_prob[held_out] = weights.predict_proba(encoding.transform(train.iloc[held_out]))
        fold[held_out] = number
    return y_prob, fold
