"""The blend that teaches: boosted trees and networks, weighted out of fold.

Boosting finds steps and corners, networks smooth bends; the weighted sum of their log-odds is
better than either (see ``benchmarks/quality.py``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from durhampulse.creators.roles import Role
from durhampulse.creators.schema import LABEL
from durhampulse.features.encoding import Encoding
from durhampulse.models.classifiers import BOOSTING, LibraryModel
from durhampulse.models.ensemble import train_networks
from durhampulse.models.mlp import batch_size
from durhampulse.models.stacking import stack
from durhampulse.models.training import (
    Learner,
    OutOfFold,
    classifier_learner,
    cross_validate,
    with_copies,
)
from durhampulse.models.trees import ObliviousTrees
from durhampulse.models.weights import Bent, Blend, Weights, log_odds

__all__ = ["Teacher", "learn_teacher", "log_losses"]

Floats = npt.NDArray[np.float64]

_CENTRE = np.array([0.25, 0.75, 0.75])
"""Weights of trees and networks over several simulated markets, to which those of a table are
drawn; the networks have one below even chances and one above, since deals need not follow a
logistic curve: both members told the highest chances of the second market too low."""
_COPIES = 5
_EPOCHS, _FEWEST_EPOCHS, _PASSES = 30, 8, 240_000
_SMALLEST_BATCH, _LARGEST_BATCH = 16, 64
"""About 3,800 steps, whatever the table: fewer and larger ones lost 4% of the built-in market's
excess, and took too few to learn 28,000 rows."""
_LONGER = 1.5
"""How many times as long networks learn from copies with emptied cells, which keep them from
bending too much; without copies it harms."""


@dataclass(frozen=True, kw_only=True)
class Teacher:
    """What the blend's members say out of fold, and how they are trained and weighted.

    Attributes
    ----------
    trees, networks
        The members, cross-validated.
    copies
        How many copies of the training rows with emptied cells the networks see.
    coef, intercept
        The weights of both, shapes (3,) and (1,): the networks have two.
    """

    trees: OutOfFold
    networks: OutOfFold
    copies: int
    coef: Floats
    intercept: Floats

    @property
    def probe(self) -> Floats:
        """Log-odds of the same rows by each fold's blend, shape (n_folds, n_probe)."""
        weighed = _weighed(log_odds(self.trees.probe), log_odds(self.networks.probe))
        return np.asarray(weighed @ self.coef + self.intercept)

    def folds(self, y: Floats, count: Floats) -> list[Blend]:
        """Return each fold's blend, of members and weights that did not see the fold."""
        logits = _weighed(log_odds(self.trees.y_prob), log_odds(self.networks.y_prob))
        blends = []
        members = zip(self.trees.weights, self.networks.weights, strict=True)
        for number, (trees, networks) in enumerate(members):
            rest = self.trees.fold != number
            coef, intercept = stack(logits[rest], y[rest], count[rest], _CENTRE)
            blends.append(_blend(trees, networks, coef, intercept))
        return blends

    def refit(
        self,
        encoding: Encoding,
        train: pd.DataFrame,
        features: tuple[Role, ...],
        *,
        random_state: int,
        sample_weight: Floats | None,
    ) -> Blend:
        """Return the blend of members that learned from all training rows."""
        learn_networks = networks_learner(random_state, self.copies)
        trees = self.trees.whole
        if trees is None:
            y = train[LABEL].to_numpy(np.float64)
            learn_trees = classifier_learner(BOOSTING, random_state)
            trees = learn_trees(encoding.transform(train), y, sample_weight)
        rows, weight = with_copies(train, features, self.copies, random_state, sample_weight)
        y = rows[LABEL].to_numpy(np.float64)
        networks = learn_networks(encoding.transform(rows), y, weight)
        return _blend(trees, networks, self.coef, self.intercept)


def learn_teacher(
    train: pd.DataFrame,
    features: tuple[Role, ...],
    *,
    folds: Mapping[str, OutOfFold],
    random_state: int,
    sample_weight: Floats | None,
) -> Teacher:
    """Return the members' blend, each weighed by its cross-validation.

    Copies of the training rows with emptied cells teach the networks what an empty cell leaves
    open. Where emptiness itself says something they would hide it: so they are used only if
    incomplete rows are then told better, out of fold.
    """
    y = train[LABEL].to_numpy(np.float64)
    count = np.ones(len(y)) if sample_weight is None else sample_weight

    def run(learner: Learner, copies: int = 0, *, at_once: bool = True) -> OutOfFold:
        return cross_validate(
            learner, train, features, random_state=random_state, sample_weight=sample_weight,
            copies=copies, at_once=at_once,
        )  # fmt: skip

    trees = folds.get(BOOSTING) or run(classifier_learner(BOOSTING, random_state), at_once=False)
    networks, copies = run(networks_learner(random_state)), 0
    incomplete = train[[role.column for role in features]].isna().any(axis=1).to_numpy()
    if incomplete.any():
        emptied = run(networks_learner(random_state, _COPIES), _COPIES)
        losses = [
            np.average(log_losses(y, r.y_prob)[incomplete], weights=count[incomplete])
            for r in (networks, emptied)
        ]
        if losses[1] < losses[0]:
            networks, copies = emptied, _COPIES
    logits = _weighed(log_odds(trees.y_prob), log_odds(networks.y_prob))
    coef, intercept = stack(logits, y, count, _CENTRE)
    return Teacher(trees=trees, networks=networks, copies=copies, coef=coef, intercept=intercept)


def networks_learner(random_state: int, copies: int = 0) -> Learner:
    """Return the learner of the blend's networks, for rows followed by so many copies of them."""

    def learn(X: Floats, y: Floats, sample_weight: Floats | None = None) -> Weights:
        rows = len(y) // (1 + copies)
        passes = np.clip(_PASSES // rows, _FEWEST_EPOCHS, _EPOCHS) * (_LONGER if copies else 1)
        return train_networks(
            X,
            y,
            epochs=max(round(passes / (1 + copies)), 1),
            batch=int(np.clip(batch_size(rows) // 2, _SMALLEST_BATCH, _LARGEST_BATCH)),
            random_state=random_state,
            sample_weight=sample_weight,
        )

    return learn


def _weighed(trees: Floats, networks: Floats) -> Floats:
    """Return what has a weight of its own: log-odds of trees, and of networks on either side of 0.

    Shape (..., 3).
    """
    return np.stack([trees, np.minimum(networks, 0), np.maximum(networks, 0)], axis=-1)


def _blend(trees: Weights, networks: Weights, coef: Floats, intercept: Floats) -> Blend:
    bent = Bent(networks, below=coef[1], above=coef[2])
    return Blend((_tables(trees), bent), np.array([coef[0], 1.0]), intercept)


def _tables(trees: Weights) -> Weights:
    """Return boosted trees as tables that a model folder may hold."""
    if isinstance(trees, LibraryModel):
        return ObliviousTrees.from_catboost(trees.classifier)
    return trees


def log_losses(y: Floats, y_prob: Floats) -> Floats:
    """Return each row's log loss, shape (n_rows,)."""
    z = log_odds(y_prob)
    return np.asarray(np.logaddexp(0, z) - y * z)
