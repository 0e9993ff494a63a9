"""Is there anything to learn? Cheap models against the same models on permuted outcomes.

The cheap models are ridge regressions: on the features as they are, which sees a weak straight
line; on the one that goes with the outcome most; with radial basis features, which bend and
combine numbers; and with products of levels and halves of numbers, which see that two of them count
only together. They are linear in the outcomes, so hundreds of permuted outcomes cost little more
than one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from durhampulse.features.repeats import Codes, permuted_within

__all__ = ["Signal", "column_strength", "measure_signal", "roc_aucs"]

Floats = npt.NDArray[np.float64]

_COMPONENTS = 200
_FOLDS = 5
_BINS, _AUC_BINS = 20, 2_048
_PEEK, _MOST_LEVELS, _FEWEST_OF_A_CROSS = 1_000, 6, 10
_HALVES = 1  # a stream of its own, as tables too are made with small seeds


@dataclass(frozen=True)
class Signal:
    """How well a cheap model predicts, and how well it does by chance.

    Attributes
    ----------
    roc_auc
        Out of fold.
    chance
        The 99% quantile of the same on permuted outcomes.
    p_value
        Share of permutations, the real outcomes included, that score as high.
    permutations
        Number of permutations.
    """

    roc_auc: float
    chance: float
    p_value: float
    permutations: int


def roc_aucs(y_true: Floats, scores: Floats) -> Floats:
    """Return the ROC AUC of each column of scores for the same column of outcomes.

    Parameters
    ----------
    y_true, scores
        Shape (n_rows, n_columns) each.

    Examples
    --------
    >>> import numpy as np
    >>> roc_aucs(np.array([[0.0], [1.0], [1.0]]), np.array([[0.1], [0.2], [0.1]])).tolist()
    [0.75]
    """
    from scipy.stats import rankdata

    positives = y_true.sum(axis=0)
    ranks = np.sum(rankdata(scores, axis=0) * y_true, axis=0)
    pairs = positives * (len(y_true) - positives)
    return np.asarray((ranks - positives * (positives + 1) / 2) / pairs)


def _binned_aucs(y_true: Floats, scores: Floats) -> Floats:
    """Return what :func:`roc_aucs` does, of scores in bins: within .001, faster."""
    n, columns = scores.shape
    spread = np.maximum(scores.std(axis=0), 1e-12)
    place = (scores - scores.mean(axis=0)) * (_AUC_BINS / 8 / spread) + _AUC_BINS / 2
    bins = np.clip(place, 0, _AUC_BINS - 1).astype(np.intp) + _AUC_BINS * np.arange(columns)
    shape = columns, _AUC_BINS
    deals = np.bincount(bins.ravel(), y_true.ravel(), columns * _AUC_BINS).reshape(shape)
    none = np.bincount(bins.ravel(), minlength=columns * _AUC_BINS).reshape(shape) - deals
    wins = np.sum(deals * (np.cumsum(none, axis=1) - none / 2), axis=1)
    positives = y_true.sum(axis=0)
    return np.asarray(wins / (positives * (n - positives)))


def measure_signal(
    X: Floats, y_true: Floats, groups: Codes, *, permutations: int = 299, random_state: int = 0
) -> Signal:
    """Test whether the outcomes can be predicted, by permutation (Ojala and Garriga 2010, test 1).

    The statistic is the highest ROC AUC of the cheap models, of real and of permuted outcomes
    alike, so several models leave the level as it is (Westfall and Young 1993). Creators exchange
    all their outcomes: rows of one creator are alike, so single rows cannot be exchanged (Winkler
    et al. 2015).

    Parameters
    ----------
    X
        Encoded features, shape (n_rows, n_features).
    y_true
        Outcomes 0 or 1, shape (n_rows,).
    groups
        The rows' creators, who stay in one fold; shape (n_rows,).
    permutations
        Number of permuted outcomes; 0 for the score alone.
    """
    rng = np.random.default_rng(random_state)
    permuted = (permuted_within(y_true, groups, rng) for _ in range(permutations))
    outcomes = np.column_stack([y_true, *permuted])
    fold = rng.integers(0, _FOLDS, groups.max() + 1)[groups]
    models = [_out_of_fold(design, outcomes, fold) for design in _designs(X, random_state)]
    models.append(_out_of_fold(X, outcomes, fold, alone=True))
    auc, *chance = np.max([_binned_aucs(outcomes, scores) for scores in models], axis=0).tolist()
    as_high = sum(score >= auc for score in chance)
    return Signal(
        auc,
        float(np.quantile(chance, 0.99)) if chance else np.nan,
        (1 + as_high) / (1 + permutations),
        permutations,
    )


def _designs(X: Floats, random_state: int) -> Iterator[Floats]:
    """Yield the features alone, with radial basis features, and with products of two of them."""
    yield X
    yield np.hstack([X, _basis(X, random_state)])
    if (crosses := _crosses(X)).shape[1]:
        yield np.hstack([X, crosses])


def _basis(X: Floats, random_state: int) -> Floats:
    """Return radial basis features around some of the rows (Williams and Seeger 2001)."""
    from sklearn.kernel_approximation import Nystroem

    number = min(_COMPONENTS, len(X) // 2)
    basis = Nystroem(gamma=0.5 / X.shape[1], n_components=number, random_state=random_state)
    return np.asarray(basis.fit_transform(X))


def _crosses(X: Floats) -> Floats:
    """Return products of two features' levels or halves, those of levels first, standardised.

    At most one for twenty rows, and only those that hold for ten rows at least.
    """
    levels, halves = [], []
    for column in X.T:
        values = np.unique(column[:_PEEK])
        if len(values) <= _MOST_LEVELS:
            levels += [column == value for value in values[len(values) == 2 :]]
        else:
            halves.append(column > np.median(column))
    parts = np.array([*levels, *halves], dtype=np.float64).reshape(-1, len(X))
    first, second = np.triu_indices(len(parts), 1)
    kinds = (first >= len(levels)) * 1 + (second >= len(levels))
    rows = (parts @ parts.T)[first, second]
    least = np.minimum(rows, len(X) - rows)
    order = np.lexsort((-least, kinds))[: min(_COMPONENTS, len(X) // 20)]
    chosen = order[least[order] >= _FEWEST_OF_A_CROSS]
    products = parts[first[chosen]] * parts[second[chosen]]
    return np.asarray((products.T - products.mean(axis=1)) / products.std(axis=1))


def _out_of_fold(X: Floats, Y: Floats, fold: Codes, *, alone: bool = False) -> Floats:
    """Return the scores of ridge regressions, each fold's by the others, shape of `Y`.

    With `alone` of the one column only that goes with the outcome most: among many columns of
    noise a weak one is lost in the weights of the others.
    """
    X = X - X.mean(axis=0)
    parts = [np.flatnonzero(fold == number) for number in range(_FOLDS)]
    sums = [(len(p), X[p].sum(0), Y[p].sum(0), X[p].T @ X[p], X[p].T @ Y[p]) for p in parts]
    total = [sum(moments[1:], start=moments[0]) for moments in zip(*sums, strict=True)]
    scores = np.zeros_like(Y)
    for part, moments in zip(parts, sums, strict=True):
        n, x, y, xx, xy = (whole - held for whole, held in zip(total, moments, strict=True))
        gram = xx - np.outer(x, x) / n + np.eye(X.shape[1])
        moment = xy - np.outer(x, y) / n
        weights = _strongest(gram, moment) if alone else np.linalg.solve(gram, moment)
        # Without its fold's mean a score depends on the features alone: folds that hold fewer
        # deals would otherwise be trained on more of them, and rank the wrong way.
        scores[part] = (X[part] - x / n) @ weights
    return scores


def _strongest(gram: Floats, moment: Floats) -> Floats:
    """Return each outcome's covariance with the column it goes with most, and 0 for the others."""
    best = np.argmax(np.abs(moment) / np.sqrt(np.diag(gram))[:, None], axis=0)
    return np.where(np.arange(len(gram))[:, None] == best, moment, 0.0)


def column_strength(
    values: pd.Series, y_true: Floats, groups: Codes | None = None
) -> tuple[float, float]:
    """Return how far one column alone gives the outcome away, whatever the relation's shape.

    The column is cut into twentieths or levels, with missing values as one more, and the share of
    deals of each, learned on one half of the creators, predicts the other.

    Returns
    -------
    roc_auc, explained
        Out of half: ROC AUC, and the share of the outcome's deviance explained (McFadden's R²).
    """
    bins = _cut(values)
    if groups is None:
        groups = np.arange(len(y_true))
    half = (np.random.default_rng((0, _HALVES)).random(groups.max() + 1) < 0.5)[groups]
    y_prob = np.empty(len(y_true))
    for part in (half, ~half):
        rate = y_true[~part].mean()
        hits = np.bincount(bins[~part], y_true[~part], minlength=bins.max() + 1)
        counts = np.bincount(bins[~part], minlength=bins.max() + 1)
        y_prob[part] = ((hits + rate) / (counts + 1))[bins[part]]
    auc = float(roc_aucs(y_true[:, None], y_prob[:, None])[0])
    return auc, 1 - _deviance(y_true, y_prob) / _deviance(
        y_true, np.full(len(y_true), y_true.mean())
    )


def _cut(values: pd.Series) -> npt.NDArray[np.int64]:
    """Return the bin of each value; missing values have the last one."""
    if pd.api.types.is_numeric_dtype(values) and values.nunique() > _BINS:
        values = pd.qcut(values, _BINS, duplicates="drop")
    codes = pd.factorize(values)[0]
    return np.where(codes < 0, codes.max() + 1, codes)


def _deviance(y_true: Floats, y_prob: Floats) -> float:
    p = np.clip(y_prob, 1e-6, 1 - 1e-6)
    return float(-np.mean(y_true * np.log(p) + (1 - y_true) * np.log1p(-p)))
