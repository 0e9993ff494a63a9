"""The model that decides: a blend distilled, or logistic regression where it ties.

Boosting finds steps and corners, networks smooth bends; the weighted sum of their log-odds is
better than either (see ``benchmarks/quality.py``). Its weights are learned on out-of-fold
predictions, which also settles slope and level: the blend is calibrated as in Platt (1999), and no
training row is held back for it. A small network then learns to say what the blend says: that
network decides, scores and is explained.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from durhampulse.creators.roles import Role
from durhampulse.creators.schema import LABEL
from durhampulse.features.encoding import learn_encoding
from durhampulse.features.repeats import Codes, creator_codes
from durhampulse.models.classifiers import BOOSTING, SIMPLE
from durhampulse.models.distillation import distil
from durhampulse.models.ensemble import Blend, train_networks
from durhampulse.models.fitted import FittedModel
from durhampulse.models.interval import learn_interval
from durhampulse.models.mlp import NetworkPlan
from durhampulse.models.training import Learner, OutOfFold, classifier_learner, cross_validate
from durhampulse.models.weights import Weights, log_odds, sigmoid

__all__ = ["BLEND", "BOOSTING", "NETWORKS", "SIMPLE", "Champion", "train_champion"]

Floats = npt.NDArray[np.float64]

NETWORKS = "Networks"
BLEND = "Distilled blend of boosting and networks"

_PLAN = NetworkPlan(NETWORKS, dropout=(0.2, 0.2), l2=0.001)
_BEYOND_NOISE = 1.959964
_TO_EQUAL_WEIGHTS = 1.0


@dataclass(frozen=True, kw_only=True)
class Champion:
    """The model that decides, and what it was chosen from.

    Attributes
    ----------
    model
        Fitted on all training rows, with the width of its intervals.
    out_of_fold
        Probabilities of the training rows by models that did not see them: the simple model, the
        blend's members and the blend, before it is distilled, shape (n_rows,) each.
    rival
        The best of the others: what the choice was against.
    tied
        Whether the two differ by no more than noise.
    blend
        What was distilled; none where logistic regression decides.
    gap
        Mean absolute difference, on the training rows, between the probabilities of the blend and
        of the network distilled from it.
    """

    model: FittedModel
    out_of_fold: Mapping[str, Floats]
    rival: str
    tied: bool
    blend: Weights | None = None
    gap: float = 0.0


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
    y, weight = train[LABEL].to_numpy(np.float64), sample_weight
    learners = _learners(random_state)
    runs = dict(folds or {})
    for name, learner in learners.items():
        if name not in runs:
            runs[name] = cross_validate(
                learner, train, features, random_state=random_state, sample_weight=weight
            )
    logits = np.column_stack([log_odds(runs[name].y_prob) for name in (BOOSTING, NETWORKS)])
    count = np.ones(len(y)) if weight is None else weight
    coef, intercept = _stack(logits, y, count)
    out_of_fold = {name: runs[name].y_prob for name in learners}
    groups = creator_codes(train)
    out_of_fold[BLEND] = _stack_out_of_fold(logits, y, count, groups, random_state)
    lead, noise = _lead(y, out_of_fold[SIMPLE], out_of_fold[BLEND], count, groups)
    tied = abs(lead) <= _BEYOND_NOISE * noise
    encoding = learn_encoding(train, features, sample_weight=weight)
    X = encoding.transform(train)
    probes = {name: log_odds(runs[name].probe) for name in learners}
    blended = coef[0] * probes[BOOSTING] + coef[1] * probes[NETWORKS] + intercept
    if tied or lead < 0:
        name, rival, blend, weights = SIMPLE, BLEND, None, learners[SIMPLE](X, y, weight)
        unsure = _instability(probes[SIMPLE]) + np.mean((probes[SIMPLE] - blended) ** 2)
    else:
        name, rival = BLEND, SIMPLE
        members = (learners[BOOSTING](X, y, weight), learners[NETWORKS](X, y, weight))
        blend = Blend(members, coef, intercept)
        weights = distil(blend, encoding, train, random_state=random_state, sample_weight=weight)
        unsure = _instability(blended)
    interval = learn_interval(encoding, weights, train, float(np.sqrt(unsure)))
    model = FittedModel(name, encoding, weights, interval)
    gap = np.abs(blend.predict_proba(X) - weights.predict_proba(X)).mean() if blend else 0.0
    return Champion(
        model=model,
        out_of_fold=out_of_fold,
        rival=rival,
        tied=tied,
        blend=blend,
        gap=float(gap),
    )


def _learners(random_state: int) -> dict[str, Learner]:
    return {
        SIMPLE: classifier_learner(SIMPLE, random_state),
        BOOSTING: classifier_learner(BOOSTING, random_state),
        NETWORKS: networks_learner(random_state),
    }


def _instability(logits: Floats) -> float:
    """Return the mean variance of log-odds under other training rows (delete-a-fold jackknife)."""
    return float((len(logits) - 1) * logits.var(axis=0).mean())


def networks_learner(random_state: int) -> Learner:
    """Return the learner of the blend's networks: their mean log-odds."""

    def learn(X: Floats, y: Floats, sample_weight: Floats | None = None) -> Weights:
        networks = train_networks(
            X, y, _PLAN, random_state=random_state, sample_weight=sample_weight
        )
        return Blend(networks, np.full(len(networks), 1 / len(networks)), np.zeros(1))

    return learn


def _stack(logits: Floats, y: Floats, count: Floats) -> tuple[Floats, Floats]:
    """Learn weights of at least zero and an intercept, drawn slightly towards equal weights."""
    from scipy.optimize import minimize

    n, k = count.sum(), logits.shape[1]

    def objective(w: Floats) -> tuple[float, Floats]:
        z = logits @ w[:k] + w[k]
        pull = w[:k] - 1 / k
        error = count * (sigmoid(z) - y)
        loss = np.sum(count * (np.logaddexp(0, z) - y * z)) + _TO_EQUAL_WEIGHTS * pull @ pull
        slope = np.append(logits.T @ error + 2 * _TO_EQUAL_WEIGHTS * pull, error.sum())
        return float(loss) / n, slope / n

    start = np.append(np.full(k, 1 / k), 0.0)
    bounds = [(0, None)] * k + [(None, None)]
    w = minimize(objective, start, jac=True, bounds=bounds, method="L-BFGS-B").x
    return w[:k], w[k:]


def _stack_out_of_fold(
    logits: Floats, y: Floats, count: Floats, groups: Codes, random_state: int, n_folds: int = 5
) -> Floats:
    """Blend each row with weights learned on other creators, so that the blend does not flatter."""
    fold = (np.random.default_rng(random_state).permutation(groups.max() + 1) % n_folds)[groups]
    y_prob = np.empty(len(y))
    for number in range(n_folds):
        held_out = fold == number
        coef, intercept = _stack(logits[~held_out], y[~held_out], count[~held_out])
        z = logits[held_out] @ coef + intercept[0]
        y_prob[held_out] = sigmoid(z)
    return y_prob


def _lead(
    y: Floats, simple: Floats, blend: Floats, count: Floats, groups: Codes
) -> tuple[float, float]:
    """Return by how much the blend's mean loss is lower, and the standard error of that.

    Creators are drawn as wholes (Cochran 1977, 9A).
    """
    gains = _losses(y, simple) - _losses(y, blend)
    lead = float(np.average(gains, weights=count))
    sums = np.bincount(groups, count * (gains - lead))
    return lead, float(np.sqrt(np.sum(sums**2)) / count.sum())


def _losses(y: Floats, y_prob: Floats) -> Floats:
    z = log_odds(y_prob)
    return np.asarray(np.logaddexp(0, z) - y * z)
