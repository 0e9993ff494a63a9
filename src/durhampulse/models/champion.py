"""The model that decides: a blend distilled, or logistic regression on splines where it ties.

The blend is that of :mod:`durhampulse.models.teacher`. A small network learns to say what it says,
and decides, scores and is explained. Where that costs too much on rows that neither saw, and beyond
noise, the trees are kept as tables, and the network says what the blend's networks say.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from durhampulse.creators.roles import Role
from durhampulse.creators.schema import LABEL
from durhampulse.features.encoding import Encoding, learn_encoding
from durhampulse.features.repeats import Codes, creator_codes
from durhampulse.models.distillation import distil
from durhampulse.models.families import WeightedSum
from durhampulse.models.fitted import FittedModel
from durhampulse.models.interval import learn_interval
from durhampulse.models.parallel import side_by_side
from durhampulse.models.splines import fit_splines
from durhampulse.models.stacking import level
from durhampulse.models.teacher import Teacher, learn_teacher, log_losses
from durhampulse.models.training import OutOfFold, cross_validate
from durhampulse.models.trees import ObliviousTrees
from durhampulse.models.weights import Blend, DenseNetwork, Weights, log_odds

__all__ = ["BLEND", "DISTILLED", "SIMPLE", "WITH_TREES", "Champion", "train_champion"]

Floats = npt.NDArray[np.float64]
Pupil = DenseNetwork | WeightedSum

SIMPLE = "Logistic regression on splines"
BLEND = "Blend of boosting and networks"
DISTILLED = "Distilled blend of boosting and networks"
WITH_TREES = "Boosting with distilled networks"

_FOLD_ROWS = 100_000
"""Made rows that a fold's network is taught on: fewer than the final one's, so that what
distillation costs is not flattered."""
_EMPTIED = 0.06
_AFFORDABLE = 0.0005
"""Log loss that the trees may be left out for, and any that is within noise: a network alone scores
twice as fast."""
_BEYOND_NOISE = 1.959964


@dataclass(frozen=True, kw_only=True)
class Champion:
    """The model that decides, and what it was chosen from.

    Attributes
    ----------
    model
        Fitted on all training rows, with the width of its intervals.
    out_of_fold
        Probabilities of the training rows by models that did not see them: the simple model, the
        blend, and what may be made of it, shape (n_rows,) each.
    rival
        The best of the others: what the choice was against.
    tied
        Whether the two differ by no more than noise.
    cost
        What distillation adds to the log loss, out of fold; 0 where the simple model decides.
    blend
        What was distilled; none where the simple model decides.
    """

    model: FittedModel
    out_of_fold: Mapping[str, Floats]
    rival: str
    tied: bool
    cost: float = 0.0
    blend: Weights | None = None


def train_champion(
    train: pd.DataFrame,
    features: tuple[Role, ...],
    *,
    folds: Mapping[str, OutOfFold] | None = None,
    random_state: int = 0,
    sample_weight: Floats | None = None,
) -> Champion:
    """Train the blend, and take the simple model instead where it does as well.

    Parameters
    ----------
    train
        Labelled creators, shape (n_rows, any).
    features
        Roles of the columns to learn from.
    folds
        Cross-validations of classifiers already made with the same rows, seed and weights, by name.
    sample_weight
        How much each row counts, shape (n_rows,), above 0; as much as the others if not given.
    """
    y, groups = train[LABEL].to_numpy(np.float64), creator_codes(train)
    count = np.ones(len(y)) if sample_weight is None else sample_weight
    seed, weight = random_state, sample_weight
    simple = cross_validate(_learn_simple, train, features, random_state=seed, sample_weight=weight)
    teacher = learn_teacher(
        train, features, folds=folds or {}, random_state=seed, sample_weight=weight
    )
    pupils = _Pupils(train, teacher, seed, weight)
    name, cost, y_prob = _choose_pupil(pupils, y, count, groups)
    out_of_fold = {SIMPLE: simple.y_prob, **y_prob}
    lead, noise = _lead(y, out_of_fold[SIMPLE], out_of_fold[name], count, groups)
    tied = abs(lead) <= _BEYOND_NOISE * noise
    encoding = learn_encoding(train, features, sample_weight=weight)
    X = encoding.transform(train)
    weights: Weights
    if tied or lead < 0:
        probe = log_odds(simple.probe)
        unsure = _instability(probe) + float(np.mean((probe - teacher.probe) ** 2))
        name, rival, cost, blend, weights = SIMPLE, name, 0.0, None, _learn_simple(X, y, weight)
    else:
        rival, unsure = SIMPLE, _instability(teacher.probe)
        blend = teacher.refit(encoding, train, features, random_state=seed, sample_weight=weight)
        weights = _levelled(pupils.teach(name, blend, encoding), X, y, count)
    interval = learn_interval(encoding, weights, train, float(np.sqrt(unsure)))
    return Champion(
        model=FittedModel(name=name, encoding=encoding, weights=weights, interval=interval),
        out_of_fold=out_of_fold,
        rival=rival,
        tied=tied,
        cost=cost,
        blend=blend,
    )


def _learn_simple(X: Floats, y: Floats, sample_weight: Floats | None = None) -> Weights:
    return fit_splines(X, y, sample_weight)


def _choose_pupil(
    pupils: _Pupils, y: Floats, count: Floats, groups: Codes
) -> tuple[str, float, dict[str, Floats]]:
    """Return which pupil stands for the blend, what it adds to the loss, and what is out of fold.

    A network alone where it follows the blend closely enough, else trees beside one.
    """
    name, y_prob = DISTILLED, pupils.out_of_fold(DISTILLED)
    cost, noise = _lead(y, y_prob[name], y_prob[BLEND], count, groups)
    if cost > max(_AFFORDABLE, _BEYOND_NOISE * noise):
        name = WITH_TREES
        y_prob |= pupils.out_of_fold(name)
        cost, _ = _lead(y, y_prob[name], y_prob[BLEND], count, groups)
    return name, cost, y_prob


@dataclass(frozen=True)
class _Pupils:
    """Makes what is shipped of blends: a network alone, or trees as tables beside one."""

    train: pd.DataFrame
    teacher: Teacher
    random_state: int
    sample_weight: Floats | None

    def teach(
        self,
        name: str,
        blend: Blend,
        encoding: Encoding,
        *,
        rows: npt.NDArray[np.intp] | None = None,
    ) -> Pupil:
        """Return the pupil of a blend; of some training rows, fewer others are made."""
        train, weight, less = self.train, self.sample_weight, {}
        if rows is not None:
            train, less = train.iloc[rows], {"rows": _FOLD_ROWS}
            weight = None if weight is None else weight[rows]
        trees, networks = blend.members
        network = distil(
            networks if name == WITH_TREES else blend,
            encoding,
            train,
            random_state=self.random_state,
            sample_weight=weight,
            emptied=_EMPTIED if self.teacher.copies else 0.0,
            **less,
        )
        if name == WITH_TREES and isinstance(trees, ObliviousTrees):
            return WeightedSum((trees, network), blend.coef, blend.intercept)
        return network

    def out_of_fold(self, name: str) -> dict[str, Floats]:
        """Return the blend's probabilities and its pupil's, each row by those who did not see it.

        Shape (n_rows,) each.
        """
        y = self.train[LABEL].to_numpy(np.float64)
        weight = np.ones(len(y)) if self.sample_weight is None else self.sample_weight
        y_prob = {BLEND: np.zeros(len(y)), name: np.zeros(len(y))}
        run, blends = self.teacher.trees, self.teacher.folds(y, weight)

        def teach(number: int) -> Pupil:
            rest = np.flatnonzero(run.fold != number)
            return self.teach(name, blends[number], run.encodings[number], rows=rest)

        for number, pupil in enumerate(side_by_side(teach, range(len(blends)))):
            held_out = np.flatnonzero(run.fold == number)
            X = run.encodings[number].transform(self.train.iloc[held_out])
            y_prob[BLEND][held_out] = blends[number].predict_proba(X)
            y_prob[name][held_out] = pupil.predict_proba(X)
        return y_prob


def _levelled(weights: Pupil, X: Floats, y: Floats, count: Floats) -> Pupil:
    """Return a model with the training rows' mean probability at their rate of deals."""
    shift = level(weights.decision_function(X), y, count)
    if isinstance(weights, WeightedSum):
        return replace(weights, intercept=weights.intercept + shift)
    *biases, last = weights.biases
    return replace(weights, biases=(*biases, last + np.float32(shift)))


def _instability(logits: Floats) -> float:
    """Return the mean variance of log-odds under other training rows (delete-a-fold jackknife)."""
    return float((len(logits) - 1) * logits.var(axis=0).mean())


def _lead(
    y: Floats, first: Floats, second: Floats, count: Floats, groups: Codes
) -> tuple[float, float]:
    """Return by how much the second's mean loss is lower, and the standard error of that.

    Creators are drawn as wholes (Cochran 1977, 9A).
    """
    gains = log_losses(y, first) - log_losses(y, second)
    lead = float(np.average(gains, weights=count))
    sums = np.bincount(groups, count * (gains - lead))
    return lead, float(np.sqrt(np.sum(sums**2)) / count.sum())
