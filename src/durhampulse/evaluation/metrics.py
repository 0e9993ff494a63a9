"""Scores with bootstrap intervals, and paired comparisons of two models.

All scores are computed for many resamples at once: a resample is a row of weights that says how
often each observation was drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from durhampulse.features.repeats import Codes, has_repeats

__all__ = [
    "METRICS",
    "compare_models",
    "compare_runs",
    "confusion_table",
    "holm",
    "log_loss",
    "score_models",
    "score_table",
]

Floats = npt.NDArray[np.float64]
Metric = Callable[[Floats, Floats, Floats], Floats]

_RESAMPLES = 200, 1_000
"""Fewest and most resamples; the larger the table, the fewer, as its intervals are narrow."""
_CELLS = 10_000_000
_CELLS_AT_ONCE = 250_000
"""So few that they stay in a processor's cache."""


def _ratio(numerator: Floats, denominator: Floats) -> Floats:
    """Return the quotient; 0 where the divisor is, as scikit-learn's zero_division=0."""
    return np.divide(numerator, denominator, out=np.zeros_like(numerator), where=denominator > 0)


def _accuracy(y_true: Floats, y_prob: Floats, weight: Floats) -> Floats:
    return _ratio(weight @ ((y_prob >= 0.5) == y_true), weight.sum(axis=1))


def _precision(y_true: Floats, y_prob: Floats, weight: Floats) -> Floats:
    return _ratio(weight @ ((y_prob >= 0.5) * y_true), weight @ (y_prob >= 0.5))


def _recall(y_true: Floats, y_prob: Floats, weight: Floats) -> Floats:
    return _ratio(weight @ ((y_prob >= 0.5) * y_true), weight @ y_true)


def _f1(y_true: Floats, y_prob: Floats, weight: Floats) -> Floats:
    hits = weight @ ((y_prob >= 0.5) * y_true)
    return _ratio(2 * hits, weight @ (y_prob >= 0.5) + weight @ y_true)


def _ranked(y_true: Floats, y_prob: Floats, weight: Floats) -> tuple[Floats, Floats]:
    """Return cumulative positives and negatives at each distinct score, highest first."""
    order = np.argsort(-y_prob, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(y_prob[order])), len(order) - 1)
    weighted = weight[:, order]
    positives = np.cumsum(weighted * y_true[order], axis=1)[:, ends]
    return positives, np.cumsum(weighted, axis=1)[:, ends] - positives


def _ranked_roc_auc(positives: Floats, negatives: Floats) -> Floats:
    new = np.diff(positives, axis=1, prepend=0.0)
    wins = np.sum(new * (negatives[:, -1:] - negatives), axis=1)
    ties = 0.5 * np.sum(new * np.diff(negatives, axis=1, prepend=0.0), axis=1)
    return _ratio(wins + ties, positives[:, -1] * negatives[:, -1])


def _ranked_precision(positives: Floats, negatives: Floats) -> Floats:
    precision = _ratio(positives, positives + negatives)
    gained = np.sum(np.diff(positives, axis=1, prepend=0.0) * precision, axis=1)
    return _ratio(gained, positives[:, -1])


def _losses(y_true: Floats, y_prob: Floats) -> Floats:
    p = np.clip(y_prob, 1e-15, 1 - 1e-15)
    return -(y_true * np.log(p) + (1 - y_true) * np.log1p(-p))


def _log_loss(y_true: Floats, y_prob: Floats, weight: Floats) -> Floats:
    return _ratio(weight @ _losses(y_true, y_prob), weight.sum(axis=1))


def _brier(y_true: Floats, y_prob: Floats, weight: Floats) -> Floats:
    return _ratio(weight @ (y_prob - y_true) ** 2, weight.sum(axis=1))


_RANKED: dict[str, Callable[[Floats, Floats], Floats]] = {
    "roc_auc": _ranked_roc_auc,
    "average_precision": _ranked_precision,
}
"""Scores of what :func:`_ranked` returns."""
METRICS: dict[str, Metric] = {
    "accuracy": _accuracy,
    "precision": _precision,
    "recall": _recall,
    "f1": _f1,
    "roc_auc": lambda *rows: _ranked_roc_auc(*_ranked(*rows)),
    "average_precision": lambda *rows: _ranked_precision(*_ranked(*rows)),
    "log_loss": _log_loss,
    "brier": _brier,
}
"""Score by name. The first four call a probability of at least 0.5 a predicted deal."""


def log_loss(y_true: Floats, y_prob: Floats) -> float:
    """Return the mean binary cross-entropy.

    Examples
    --------
    >>> import numpy as np
    >>> round(log_loss(np.array([0.0, 1.0]), np.array([0.5, 0.5])), 3)
    0.693
    """
    return float(_losses(y_true, y_prob).mean())


def score_models(
    y_true: Floats,
    y_probs: Mapping[str, Floats],
    *,
    groups: Codes | None = None,
    level: float = 0.95,
    random_state: int = 0,
) -> pd.DataFrame:
    """Return models' scores on the same rows, with percentile bootstrap intervals (Efron 1979).

    Creators are drawn as wholes (Field and Welsh 2007).

    Parameters
    ----------
    y_true
        Outcomes 0 or 1, shape (n_rows,).
    y_probs
        Model's name to its probabilities, shape (n_rows,) each.
    groups
        The rows' creators, shape (n_rows,); without them each row is drawn by itself.
    level
        Coverage of the intervals.

    Returns
    -------
    DataFrame
        One row for each model and metric: ``model, metric, value, low, high``.
    """
    drawn: dict[tuple[str, str], list[Floats]] = {}
    for weight in _resamples(len(y_true), groups, random_state):
        for model, y_prob in y_probs.items():
            for name, scores in _all_scores(y_true, y_prob, weight):
                drawn.setdefault((model, name), []).append(scores)
    once = np.ones((1, len(y_true)))
    rows = []
    for (model, name), parts in drawn.items():
        tail = (1 - level) / 2
        low, high = np.quantile(np.concatenate(parts), [tail, 1 - tail])
        value = METRICS[name](y_true, y_probs[model], once)[0]
        rows.append((model, name, float(value), float(low), float(high)))
    return pd.DataFrame(rows, columns=["model", "metric", "value", "low", "high"])


def _all_scores(y_true: Floats, y_prob: Floats, weight: Floats) -> Iterator[tuple[str, Floats]]:
    """Yield each score by name; rows are ranked once."""
    ranked = _ranked(y_true, y_prob, weight)
    for name, metric in METRICS.items():
        of_ranks = _RANKED.get(name)
        yield name, of_ranks(*ranked) if of_ranks else metric(y_true, y_prob, weight)


def score_table(scores: pd.DataFrame) -> pd.DataFrame:
    """Return scores as text: one row a metric, one column a model, intervals in brackets."""
    cells = [
        f"{value:.3f} ({low:.3f} to {high:.3f})"
        for value, low, high in zip(scores["value"], scores["low"], scores["high"], strict=True)
    ]
    wide = scores.assign(cell=cells).pivot(index="metric", columns="model", values="cell")
    return wide.loc[scores["metric"].unique(), scores["model"].unique()]


def compare_models(
    y_true: Floats,
    first: Floats,
    second: Floats,
    *,
    metrics: tuple[str, ...] = ("accuracy", "f1", "log_loss"),
    groups: Codes | None = None,
    level: float = 0.95,
    random_state: int = 0,
) -> pd.DataFrame:
    """Return two models' scores on the same rows and their differences, first minus second.

    Intervals are paired bootstrap intervals, of creators drawn as wholes where `groups` names the
    rows' creators. For accuracy ``p_value`` is McNemar's exact test on the rows that only one of
    the two got right (McNemar 1947); for the others, and where creators have several rows, it is
    twice the smaller share of resamples on one side of zero.

    Returns
    -------
    DataFrame
        One row for each metric: ``metric, first, second, difference, low, high, p_value``.
    """
    table = compare_runs(
        y_true, [first], [second],
        metrics=metrics, groups=groups, level=level, random_state=random_state,
    )  # fmt: skip
    if not has_repeats(groups):
        table.loc[table["metric"] == "accuracy", "p_value"] = _mcnemar(y_true, first, second)
    return table


def compare_runs(
    y_true: Floats,
    firsts: Sequence[Floats],
    seconds: Sequence[Floats],
    *,
    metrics: tuple[str, ...] = ("accuracy", "f1", "log_loss"),
    groups: Codes | None = None,
    level: float = 0.95,
    random_state: int = 0,
) -> pd.DataFrame:
    """Return the mean difference of scores of two models trained several times, pair by pair.

    A resample draws creators and, of several pairs, pairs, so that the intervals hold both the
    luck of the rows and that of the training (a bootstrap of two levels, Davison and Hinkley 1997,
    section 3.8).

    Parameters
    ----------
    y_true
        Outcomes 0 or 1, shape (n_rows,).
    firsts, seconds
        Probabilities of each run, shape (n_rows,) each; as many of the one as of the other.

    Returns
    -------
    DataFrame
        As :func:`compare_models`, scores and differences being means over the pairs, each
        ``p_value`` twice the smaller share of resamples on one side of zero.
    """
    drawn: dict[str, list[Floats]] = {name: [] for name in metrics}
    lots, n_pairs = np.random.default_rng(random_state + 1), len(firsts)
    for weight in _resamples(len(y_true), groups, random_state):
        share = lots.multinomial(n_pairs, np.full(n_pairs, 1 / n_pairs), len(weight)) / n_pairs
        for name in metrics:
            score = METRICS[name]
            differences = [
                score(y_true, first, weight) - score(y_true, second, weight)
                for first, second in zip(firsts, seconds, strict=True)
            ]
            drawn[name].append(np.sum(share * np.column_stack(differences), axis=1))
    once = np.ones((1, len(y_true)))
    rows = []
    for name in metrics:
        mine, rival = (
            float(np.mean([METRICS[name](y_true, p, once)[0] for p in runs]))
            for runs in (firsts, seconds)
        )
        difference = np.concatenate(drawn[name])
        low, high = np.quantile(difference, [(1 - level) / 2, (1 + level) / 2])
        p = min(1.0, 2 * float(min(np.mean(difference <= 0), np.mean(difference >= 0))))
        rows.append((name, mine, rival, mine - rival, float(low), float(high), p))
    columns = ["metric", "first", "second", "difference", "low", "high", "p_value"]
    return pd.DataFrame(rows, columns=columns)


def _mcnemar(y_true: Floats, first: Floats, second: Floats) -> float:
    from scipy.stats import binomtest

    right_first, right_second = (first >= 0.5) == y_true, (second >= 0.5) == y_true
    only_first = int(np.sum(right_first & ~right_second))
    disagree = only_first + int(np.sum(right_second & ~right_first))
    return 1.0 if disagree == 0 else float(binomtest(only_first, disagree).pvalue)


def confusion_table(
    y_true: Floats,
    y_prob: Floats,
    *,
    threshold: float = 0.5,
    names: tuple[str, str] = ("no deal", "deal"),
) -> pd.DataFrame:
    """Return the counts of actual against predicted outcomes.

    Returns
    -------
    DataFrame
        Shape (2, 2); rows are actual, columns predicted, both under `names` of 0 and 1.

    Examples
    --------
    >>> import numpy as np
    >>> confusion_table(np.array([0.0, 1.0, 1.0]), np.array([0.2, 0.9, 0.1])).to_numpy().tolist()
    [[1, 0], [1, 1]]
    """
    pairs = 2 * y_true.astype(int) + (y_prob >= threshold)
    counts = np.bincount(pairs.astype(int), minlength=4).reshape(2, 2)
    return pd.DataFrame(
        counts,
        index=pd.Index([*names], name="actual"),
        columns=pd.Index([*names], name="predicted"),
    )


def _resamples(n: int, groups: Codes | None, random_state: int) -> Iterator[Floats]:
    """Return bootstrap weights, a bounded number of cells at a time, shape (some, n)."""
    if groups is None or not has_repeats(groups):
        groups = np.arange(n)
    drawn_from = int(groups.max()) + 1
    rng = np.random.default_rng(random_state)
    total = int(np.clip(_CELLS // n, *_RESAMPLES))
    at_once = max(1, _CELLS_AT_ONCE // n)
    for start in range(0, total, at_once):
        size = min(at_once, total - start)
        drawn = rng.integers(0, drawn_from, (size, drawn_from))
        drawn += drawn_from * np.arange(size)[:, None]
        weight = np.bincount(drawn.ravel(), minlength=size * drawn_from).reshape(size, drawn_from)
        yield np.ascontiguousarray(weight[:, groups], np.float64)


def holm(p: Floats) -> Floats:
    """Return p-values adjusted for their number (Holm 1979).

    Examples
    --------
    >>> import numpy as np
    >>> holm(np.array([0.01, 0.5, 0.04])).round(2).tolist()
    [0.03, 0.5, 0.08]
    """
    order = np.argsort(p)
    adjusted = np.maximum.accumulate(np.minimum(p[order] * np.arange(len(p), 0, -1), 1))
    result = np.empty_like(p)
    result[order] = adjusted
    return result
