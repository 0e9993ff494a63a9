"""Is there anything to learn? A cheap model against the same model on permuted outcomes.

The cheap model is ridge regression on radial basis features: it bends and combines the features,
and because it is linear in the outcomes, hundreds of permuted outcomes cost little more than one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from durhampulse.features.repeats import Codes, permuted_within

__all__ = ["Signal", "column_strength", "measure_signal", "roc_aucs"]

Floats = npt.NDArray[np.float64]

_COMPONENTS = 200
_FOLDS = 5
_BINS = 20
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


def measure_signal(
    X: Floats, y_true: Floats, groups: Codes, *, permutations: int = 299, random_state: int = 0
) -> Signal:
    """Test whether the outcomes can be predicted, by permutation (Ojala and Garriga 2010, test 1).

    Creators exchange all their outcomes: rows of one creator are alike, so single rows cannot be
    exchanged (Winkler et al. 2015).

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
    scores = _out_of_fold(_bend(X, random_state), outcomes, groups, rng)
    auc, *chance = roc_aucs(outcomes, scores).tolist()
    as_high = sum(score >= auc for score in chance)
    return Signal(
        auc,
        float(np.quantile(chance, 0.99)) if chance else np.nan,
        (1 + as_high) / (1 + permutations),
        permutations,
    )


def _bend(X: Floats, random_state: int) -> Floats:
    """Add radial basis features around some of the rows (Williams and Seeger 2001)."""
    from sklearn.kernel_approximation import Nystroem

    number = min(_COMPONENTS, len(X) // 2)
    basis = Nystroem(gamma=0.5 / X.shape[1], n_components=number, random_state=random_state)
    return np.hstack([X, basis.fit_transform(X)])


def _out_of_fold(X: Floats, Y: Floats, groups: Codes, rng: np.random.Generator) -> Floats:
    fold = rng.integers(0, _FOLDS, groups.max() + 1)[groups]
    scores = np.zeros_like(Y)
    for number in range(_FOLDS):
        held_out = fold == number
        mean, center = Y[~held_out].mean(axis=0), X[~held_out].mean(axis=0)
        A = X[~held_out] - center
        gram = A.T @ A + np.eye(X.shape[1])
        weights = np.linalg.solve(gram, A.T @ (Y[~held_out] - mean))
        # Without its fold's mean a score depends on the features alone: folds that hold fewer
        # deals would otherwise be trained on more of them, and rank the wrong way.
        scores[held_out] = (X[held_out] - center) @ weights
    return scores


def column_strength(
    values: pd.Series, y_true: Floats, groups: Codes | None = None, *, random_state: int = 0
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
    half = (np.random.default_rng((random_state, _HALVES)).random(groups.max() + 1) < 0.5)[groups]
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
