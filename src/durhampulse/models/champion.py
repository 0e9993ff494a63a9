"""The model that decides: a blend distilled, or logistic regression where it ties.

The blend is that of :mod:`durhampulse.models.teacher`. A small network learns to say what it says:
that network decides, scores and is explained. What that costs is measured on rows that neither the
blend nor the network saw.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from durhampulse.creators.roles import Role
from durhampulse.creators.schema import LABEL
from durhampulse.features.encoding import learn_encoding
from durhampulse.features.repeats import Codes, creator_codes
from durhampulse.models.classifiers import SIMPLE
from durhampulse.models.distillation import distil
from durhampulse.models.fitted import FittedModel
from durhampulse.models.stacking import level
from durhampulse.models.teacher import Teacher, learn_teacher, log_losses
from durhampulse.models.training import OutOfFold, classifier_learner, cross_validate
from durhampulse.models.weights import DenseNetwork, Weights, log_odds

__all__ = ["BLEND", "SIMPLE", "TAUGHT", "Champion", "train_champion"]

Floats = npt.NDArray[np.float64]

BLEND = "Distilled blend of boosting and networks"
TAUGHT = "Blend of boosting and networks"

_FOLD_ROWS = 50_000
"""Made rows that a fold's network is taught on: fewer than the final one's, so that what
distillation costs is not flattered."""
_BEYOND_NOISE = 1.959964
_WIDTH = 2.05
"""Half width of a 90% interval over the model's instability.

Instability shows the variance of a model, not its bias. On the simulated market, where the true
probabilities are known, intervals of this width cover them for 90% of fresh creators at 4,000
training rows (``benchmarks/quality.py``); for as much, single draws asked for a factor of 1.8 to
2.3 at 1,000 rows and of 2.4 at 16,000. On other tables it is an assumption.
"""


@dataclass(frozen=True, kw_only=True)
class Champion:
    """The model that decides, and what it was chosen from.

    Attributes
    ----------
    model
        Fitted on all training rows, with the width of its intervals.
    out_of_fold
        Probabilities of the training rows by models that did not see them: the simple model, the
        blend, and what was distilled from it, shape (n_rows,) each.
    rival
        The best of the others: what the choice was against.
    tied
        Whether the two differ by no more than noise.
    cost
        What distillation adds to the log loss, out of fold; 0 where logistic regression decides.
    blend
        What was distilled; none where logistic regression decides.
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
    """Train the blend, and take logistic regression instead where it does as well.

    Parameters
    ----------
    train
        Labelled creators, shape (n_rows, any).
    features
        Roles of the columns to learn from.
    folds
        Cross-validations already made with the same rows and seed, by model.
    sample_weight
        How much each row counts, shape (n_rows,), above 0; as much as the others if not given.
    """
    y, groups = train[LABEL].to_numpy(np.float64), creator_codes(train)
    count = np.ones(len(y)) if sample_weight is None else sample_weight
    seed, known = random_state, dict(folds or {})
    learner = classifier_learner(SIMPLE, seed)
    simple = known.get(SIMPLE) or cross_validate(
        learner, train, features, random_state=seed, sample_weight=sample_weight
    )
    teacher = learn_teacher(
        train, features, folds=known, random_state=seed, sample_weight=sample_weight
    )
    out_of_fold = {
        SIMPLE: simple.y_prob,
        **_taught_out_of_fold(teacher, train, y, count, seed, sample_weight),
    }
    lead, noise = _lead(y, out_of_fold[SIMPLE], out_of_fold[BLEND], count, groups)
    tied = abs(lead) <= _BEYOND_NOISE * noise
    encoding = learn_encoding(train, features, sample_weight=sample_weight)
    X = encoding.transform(train)
    if tied or lead < 0:
        probe = log_odds(simple.probe)
        unsure = _instability(probe) + np.mean((probe - teacher.probe) ** 2)
        model = FittedModel(SIMPLE, encoding, learner(X, y, sample_weight), _width(unsure))
        return Champion(model=model, out_of_fold=out_of_fold, rival=BLEND, tied=tied)
    blend = teacher.refit(encoding, train, features, random_state=seed, sample_weight=sample_weight)
    network = distil(blend, encoding, train, random_state=seed, sample_weight=sample_weight)
    weights = _levelled(network, X, y, count)
    model = FittedModel(BLEND, encoding, weights, _width(_instability(teacher.probe)))
    losses = (log_losses(y, out_of_fold[name]) for name in (BLEND, TAUGHT))
    shipped, taught = (float(np.average(loss, weights=count)) for loss in losses)
    return Champion(
        model=model,
        out_of_fold=out_of_fold,
        rival=SIMPLE,
        tied=False,
        cost=shipped - taught,
        blend=blend,
    )


def _taught_out_of_fold(
    teacher: Teacher,
    train: pd.DataFrame,
    y: Floats,
    count: Floats,
    random_state: int,
    sample_weight: Floats | None,
) -> dict[str, Floats]:
    """Return the blend's probabilities and its pupil's, each row by those who did not see it."""
    out_of_fold = {name: np.zeros(len(y)) for name in (TAUGHT, BLEND)}
    for number, blend in enumerate(teacher.folds(y, count)):
        rest, held_out = (np.flatnonzero((teacher.trees.fold == number) == b) for b in (0, 1))
        encoding = teacher.trees.encodings[number]
        network = distil(
            blend,
            encoding,
            train.iloc[rest],
            rows=_FOLD_ROWS,
            random_state=random_state,
            sample_weight=None if sample_weight is None else sample_weight[rest],
        )
        X = encoding.transform(train.iloc[held_out])
        out_of_fold[TAUGHT][held_out] = blend.predict_proba(X)
        out_of_fold[BLEND][held_out] = network.predict_proba(X)
    return out_of_fold


def _levelled(network: DenseNetwork, X: Floats, y: Floats, count: Floats) -> DenseNetwork:
    """Return the network with the training rows' mean probability at their rate of deals."""
    *biases, last = network.biases
    last = last + np.float32(level(network.decision_function(X), y, count))
    return replace(network, biases=(*biases, last))


def _width(unsure: float | np.floating) -> float:
    return _WIDTH * float(np.sqrt(unsure))


def _instability(logits: Floats) -> float:
    """Return the mean variance of log-odds under other training rows (delete-a-fold jackknife)."""
    return float((len(logits) - 1) * logits.var(axis=0).mean())


def _lead(
    y: Floats, simple: Floats, blend: Floats, count: Floats, groups: Codes
) -> tuple[float, float]:
    """Return by how much the blend's mean loss is lower, and the standard error of that.

    Creators are drawn as wholes (Cochran 1977, 9A).
    """
    gains = log_losses(y, simple) - log_losses(y, blend)
    lead = float(np.average(gains, weights=count))
    sums = np.bincount(groups, count * (gains - lead))
    return lead, float(np.sqrt(np.sum(sums**2)) / count.sum())
