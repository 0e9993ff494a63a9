"""Cross-validation and the final fit: every model sees the same folds."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from durhampulse.creators.roles import Role
from durhampulse.creators.schema import LABEL
from durhampulse.features.encoding import Encoding, learn_encoding
from durhampulse.features.repeats import creator_names, creator_strata
from durhampulse.models.classifiers import fit
from durhampulse.models.parallel import side_by_side
from durhampulse.models.weights import Weights

__all__ = ["Learner", "OutOfFold", "classifier_learner", "cross_validate", "with_copies"]

Floats = npt.NDArray[np.float64]

_FOLDS = 5
_PROBE = 2_000
_EMPTIED = 0.08


class Learner(Protocol):
    """What trains models of one kind."""

    def __call__(self, X: Floats, y: Floats, sample_weight: Floats | None = None) -> Weights:
        """Return the model of encoded features, outcomes and, where they count unlike, weights."""
        ...


def classifier_learner(name: str, random_state: int) -> Learner:
    """Return the learner of one of the classical classifiers."""
    return partial(fit, name, random_state=random_state)


@dataclass(frozen=True, kw_only=True)
class OutOfFold:
    """What models of one kind say, each trained without one fold.

    Attributes
    ----------
    y_prob
        Each training row by the model that did not see it, shape (n_rows,).
    probe
        The same at most 2,000 training rows by every fold's model, shape (n_folds, n_probe): how
        far the models differ tells how much hangs on the rows that happened to be there.
    fold
        The number of each training row's fold, shape (n_rows,).
    encodings, weights
        Of each fold's model.
    whole
        The model of all training rows, where one was trained.
    """

    y_prob: Floats
    probe: Floats
    fold: npt.NDArray[np.int64]
    encodings: tuple[Encoding, ...]
    weights: tuple[Weights, ...]
    whole: Weights | None = None


def cross_validate(
    learner: Learner,
    train: pd.DataFrame,
    features: tuple[Role, ...],
    *,
    random_state: int = 0,
    sample_weight: Floats | None = None,
    copies: int = 0,
    at_once: bool = False,
) -> OutOfFold:
    """Return every training row's prediction by a model that did not see it.

    Folds are drawn of creators, so that all rows of one stay together, and stratified by their
    outcome. The encoding is learned anew in each fold. With `copies`, models see the rows again
    that often with some cells emptied. With `at_once`, each core trains a fold's model.
    """
    folds = _draw_folds(train, random_state)
    some = train.sample(min(len(train), _PROBE), random_state=random_state)

    def learn(number: int) -> tuple[Encoding, Weights]:
        rest = np.flatnonzero(folds != number)
        weight = None if sample_weight is None else sample_weight[rest]
        encoding = learn_encoding(train.iloc[rest], features, sample_weight=weight)
        rows, weight = with_copies(train.iloc[rest], features, copies, random_state, weight)
        y = rows[LABEL].to_numpy(np.float64)
        return encoding, learner(encoding.transform(rows), y, weight)

    each = range(_FOLDS)
    made = side_by_side(learn, each) if at_once else [learn(number) for number in each]
    encodings, models = zip(*made, strict=True)
    y_prob, probe = np.zeros(len(train)), np.zeros((_FOLDS, len(some)))
    for number, (encoding, model) in enumerate(zip(encodings, models, strict=True)):
        held_out = np.flatnonzero(folds == number)
        y_prob[held_out] = model.predict_proba(encoding.transform(train.iloc[held_out]))
        probe[number] = model.predict_proba(encoding.transform(some))
    return OutOfFold(y_prob=y_prob, probe=probe, fold=folds, encodings=encodings, weights=models)


def with_copies(
    train: pd.DataFrame,
    features: tuple[Role, ...],
    copies: int,
    random_state: int,
    sample_weight: Floats | None = None,
) -> tuple[pd.DataFrame, Floats | None]:
    """Return rows followed by copies with 8% of their features' cells emptied, and their weights.

    Examples
    --------
    >>> train = pd.DataFrame({"a": np.arange(1_000.0)})
    >>> rows, _ = with_copies(train, (Role("a", "feature", "numeric", ""),), 2, 0)
    >>> len(rows), bool(0.06 < rows["a"][1_000:].isna().mean() < 0.1)
    (3000, True)
    """
    if not copies:
        return train, sample_weight
    rng = np.random.default_rng(random_state)
    columns = [role.column for role in features]
    parts = [train]
    for _ in range(copies):
        cells = train[columns]
        parts.append(train.assign(**cells.mask(rng.random(cells.shape) < _EMPTIED)))
    weight = None if sample_weight is None else np.tile(sample_weight, 1 + copies)
    return pd.concat(parts, ignore_index=True), weight


def _draw_folds(train: pd.DataFrame, random_state: int) -> npt.NDArray[np.int64]:
    """Return each row the number of its fold."""
    from sklearn.model_selection import StratifiedKFold

    outcomes = creator_strata(train, fewest=_FOLDS)
    splitter = StratifiedKFold(_FOLDS, shuffle=True, random_state=random_state)
    fold = pd.Series(0, index=outcomes.index)
    for number, (_, held_out) in enumerate(splitter.split(outcomes, outcomes)):
        fold.iloc[held_out] = number
    return np.asarray(creator_names(train).map(fold).to_numpy(np.int64))
