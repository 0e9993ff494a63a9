"""Part B2 and B3: three classifiers, and the one that becomes the baseline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from durhampulse.evaluation.curves import ranking_curves
from durhampulse.evaluation.metrics import compare_models, confusion_table, log_loss, score_models
from durhampulse.models.classifiers import CLASSIFIERS
from durhampulse.models.fitted import FittedModel
from durhampulse.models.training import OutOfFold, classifier_learner, cross_validate
from durhampulse.study.results import Comparison, Confusion, Preparation

__all__ = ["BASE_RATE", "compare_classifiers", "read_confusion"]

Floats = npt.NDArray[np.float64]

BASE_RATE = "Base rate alone"


def compare_classifiers(part: Preparation) -> Comparison:
    """B2: cross-validate the classifiers, choose the baseline, score all once on the test part."""
    y_train, y_test, seed = part.y_train, part.y_test, part.random_state
    folds: dict[str, OutOfFold] = {}
    models: dict[str, FittedModel] = {}
    for name in CLASSIFIERS:
        learner = classifier_learner(name, seed)
        run = cross_validate(learner, part.train, part.creators.features, random_state=seed)
        weights = learner(part.X_train.to_numpy(), y_train)
        folds[name] = replace(run, whole=weights)
        models[name] = FittedModel(name=name, encoding=part.encoding, weights=weights)
    out_of_fold = {name: fold.y_prob for name, fold in folds.items()}
    X_test = part.X_test.to_numpy()
    y_prob = {name: model.weights.predict_proba(X_test) for name, model in models.items()}
    constant = {BASE_RATE: y_train.mean()}
    in_train, in_test = part.groups
    baseline, runner_up = sorted(models, key=lambda name: log_loss(y_train, out_of_fold[name]))[:2]
    return Comparison(
        cross_validated=score_models(
            y_train, {**_constants(constant, y_train), **out_of_fold}, groups=in_train
        ),
        tested=score_models(y_test, {**_constants(constant, y_test), **y_prob}, groups=in_test),
        out_of_fold=folds,
        y_prob=y_prob,
        models=models,
        baseline=baseline,
        runner_up=runner_up,
        margin=compare_models(
            y_train, out_of_fold[baseline], out_of_fold[runner_up], groups=in_train
        ),
        curves=ranking_curves(y_test, y_prob),
    )


def _constants(constants: Mapping[str, float], y: Floats) -> dict[str, Floats]:
    return {name: np.full(len(y), value) for name, value in constants.items()}


def read_confusion(part: Preparation, comparison: Comparison) -> Confusion:
    """B3: count the baseline's hits and misses on the test part, at a probability of 0.5."""
    name = comparison.baseline
    names = part.creators.outcome.none, part.creators.outcome.deal
    return Confusion(name, confusion_table(part.y_test, comparison.y_prob[name], names=names))
