"""Why a creator is where they are: Shapley values of a model's log-odds.

The value of a column is its mean effect over all orders in which columns could become known, where
an unknown column is taken from other creators (interventional Shapley values; Lundberg and Lee
2017). The values of a creator and the base add up to the log-odds of the creator's probability.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import combinations
from math import comb

import numpy as np
import numpy.typing as npt

from durhampulse.creators.block import Block
from durhampulse.decision.figures import number_text
from durhampulse.deferred import pd
from durhampulse.features.encoding import Encoding
from durhampulse.models.fitted import FittedModel
from durhampulse.models.weights import sigmoid

__all__ = ["Explanation", "draw_background", "explain"]

Floats = npt.NDArray[np.float64]
Coalition = frozenset[str]

_EXACT_COLUMNS = 7
_ORDERS = 48
_BACKGROUND, _CANDIDATES, _PASSES = 32, 2_000, 20
_FAR = 4
"""Standard deviations beyond which an encoded cell counts no further where rows are chosen."""
_PAIRS_AT_ONCE = 8_192
_LEVELS_SHOWN = 12


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """Shapley values of some creators.

    Attributes
    ----------
    values
        In log-odds; one row a creator, one column a column of the creators' table.
    base
        Mean log-odds of the background; base plus a row's values is the row's log-odds.
    exact
        Whether all coalitions of columns were tried; else orders of columns were drawn.
    shares
        The same values of the probability itself; with `usual` a row's add up to the row's
        probability.
    usual
        Mean probability of the background.
    """

    values: pd.DataFrame
    base: float
    exact: bool
    shares: pd.DataFrame = field(default_factory=lambda: pd.DataFrame())  # noqa: PLW0108 - loads pandas
    usual: float = float("nan")

    @property
    def log_odds(self) -> Floats:
        """Log-odds of the creators' probabilities, shape (n_rows,)."""
        return np.asarray(self.base + self.values.sum(axis=1).to_numpy())

    def importance(self) -> pd.DataFrame:
        """Return the mean absolute value of each column: ``feature, mean_abs``, largest first."""
        mean = self.values.abs().mean().sort_values(ascending=False)
        return mean.rename_axis("feature").reset_index(name="mean_abs")

    def dependence(self, creators: pd.DataFrame) -> pd.DataFrame:
        """Return each column's effect over its values, the most important column first.

        Returns
        -------
        DataFrame
            One row a tenth of a numeric column or a level: ``feature, value, x, creators, effect,
            low, high``; `x` is the median of a tenth, missing for levels; `low` and `high` hold
            the middle 80% of effects, in log-odds.
        """
        parts = []
        for column in self.importance()["feature"]:
            values = creators.loc[self.values.index, column]
            effects = self.values[column]
            numeric = pd.api.types.is_numeric_dtype(values)
            by = pd.qcut(values, 10, duplicates="drop") if numeric else values
            grouped = effects.groupby(by, observed=True)
            part = pd.DataFrame({"creators": grouped.size(), "effect": grouped.mean()})
            part["low"], part["high"] = grouped.quantile(0.1), grouped.quantile(0.9)
            part["x"] = values.groupby(by, observed=True).median() if numeric else np.nan
            if not numeric:
                part = part.sort_values("creators", ascending=False).head(_LEVELS_SHOWN)
                part = part.sort_values("effect", ascending=False)
            names = [number_text(x) for x in part["x"]] if numeric else part.index.astype("str")
            parts.append(part.assign(feature=column, value=list(names)))
        table = pd.concat(parts, ignore_index=True)
        return table[["feature", "value", "x", "creators", "effect", "low", "high"]]


def draw_background(
    train: pd.DataFrame, encoding: Encoding, *, random_state: int = 0
) -> pd.DataFrame:
    """Return training rows that stand for unknown columns of the model.

    They are support points (Mak and Joseph 2018): of 2,000 random rows those 32 whose encoded cells
    have the least energy distance to those of all. Shapley values by them lie nearer to those of
    2,000 rows than by 100 drawn once (``benchmarks/reasons.py``).
    """
    rng = np.random.default_rng(random_state)
    rows = train[encoding.columns]
    if len(rows) > _CANDIDATES:
        rows = rows.iloc[rng.choice(len(rows), _CANDIDATES, replace=False)]
    if len(rows) > _BACKGROUND:
        X = encoding.transform(rows)
        X = np.clip((X - X.mean(axis=0)) / np.maximum(X.std(axis=0), 1e-9), -_FAR, _FAR)
        rows = rows.iloc[_support_points(X, rng.choice(len(X), _BACKGROUND, replace=False))]
    return rows.reset_index(drop=True)


def _support_points(X: Floats, start: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return rows of the least energy distance to all, each exchanged until none comes nearer."""
    from scipy.spatial.distance import cdist

    apart = cdist(X, X)
    mean = apart.mean(axis=1)
    chosen = start.copy()
    for _ in range(_PASSES):
        before = chosen.copy()
        for place in range(len(chosen)):
            others = np.delete(chosen, place)
            cost = mean - apart[:, others].sum(axis=1) / len(chosen)
            cost[others] = np.inf
            chosen[place] = cost.argmin()
        if np.array_equal(chosen, before):
            break
    return chosen


def explain(
    model: FittedModel,
    creators: pd.DataFrame,
    background: pd.DataFrame,
    *,
    random_state: int = 0,
) -> Explanation:
    """Return the Shapley values of creators' log-odds, and of their probabilities.

    Parameters
    ----------
    model
        What gives the log-odds.
    creators
        Rows to explain, shape (n_rows, any).
    background
        Rows from :func:`draw_background`.

    Returns
    -------
    Explanation
        Exact for a model of up to 7 columns, else over 48 drawn orders of columns.
    """
    columns = model.encoding.columns
    exact = len(columns) <= _EXACT_COLUMNS
    rng = np.random.default_rng(random_state)
    weights = _exact_weights(columns) if exact else _drawn_weights(columns, rng)
    logits = model.decision_function(background)
    base, usual = float(logits.mean()), float(sigmoid(logits).mean())
    values = np.zeros((2, len(creators), len(columns)))  # of the log-odds, and of the probability
    step = max(_PAIRS_AT_ONCE // len(background), 1)
    for start in range(0, len(creators), step):
        mixed = _Mixed(model, creators.iloc[start : start + step], background)
        worths = [mixed.worths(coalition) for coalition in weights]
        values[:, start : start + step] = np.einsum("ckr,cj->krj", worths, [*weights.values()])
    tables = [pd.DataFrame(part, index=creators.index, columns=columns) for part in values]
    return Explanation(values=tables[0], base=base, exact=exact, shares=tables[1], usual=usual)


def _exact_weights(columns: list[str]) -> dict[Coalition, Floats]:
    """Return how much each coalition's log-odds count for each column, shape (n_columns,)."""
    n = len(columns)
    weights = {}
    for size in range(n + 1):
        for members in combinations(columns, size):
            inside = np.isin(columns, members)
            joined = 1 / (n * comb(n - 1, size - 1)) if size else 0.0
            left_out = 1 / (n * comb(n - 1, size)) if size < n else 0.0
            weights[frozenset(members)] = np.where(inside, joined, -left_out)
    return weights


def _drawn_weights(columns: list[str], rng: np.random.Generator) -> dict[Coalition, Floats]:
    """Return the same over drawn orders, each with its reverse (Mitchell et al. 2022)."""
    weights: dict[Coalition, Floats] = {}
    for order in _orders(len(columns), rng):
        known: Coalition = frozenset()
        for place in order:
            for coalition, sign in ((known, -1), (known | {columns[place]}, 1)):
                at = weights.setdefault(coalition, np.zeros(len(columns)))
                at[place] += sign / _ORDERS
            known |= {columns[place]}
    return weights


def _orders(n: int, rng: np.random.Generator) -> Iterator[npt.NDArray[np.int64]]:
    for _ in range(_ORDERS // 2):
        order = rng.permutation(n)
        yield order
        yield order[::-1]


class _Mixed:
    """Some rows with columns of their own and the others of background rows.

    An encoded column comes of few columns, so that coalitions share most of them.
    """

    def __init__(self, model: FittedModel, rows: pd.DataFrame, background: pd.DataFrame) -> None:
        self._weights = model.weights
        self._shape = len(rows), len(background)
        own, drawn = Block.of(rows), Block.of(background)
        self._codes = [
            (code, code.pieces(own), code.pieces(drawn)) for code in model.encoding.codes
        ]
        self._parts: dict[tuple[int, Coalition], Floats] = {}

    def worths(self, coalition: Coalition) -> Floats:
        """Return each row's mean log-odds and probability, shape (2, n_rows).

        The columns of the coalition are the row's own.
        """
        logits = self._weights.decision_function(self._encoded(coalition)).reshape(self._shape)
        return np.array([logits.mean(axis=1), sigmoid(logits).mean(axis=1)])

    def _encoded(self, coalition: Coalition) -> Floats:
        """Return each row encoded with each background row, shape (n_rows * n_background, n)."""
        parts = [
            self._part(at, coalition.intersection(code.columns))
            for at, (code, _, _) in enumerate(self._codes)
        ]
        return np.concatenate(parts).T

    def _part(self, at: int, own: Coalition) -> Floats:
        """Return the columns of a code, given which of its columns are the rows' own."""
        if (at, own) not in self._parts:
            (n, n_drawn), (code, mine, theirs) = self._shape, self._codes[at]
            pieces = [
                np.repeat(piece, n_drawn, axis=1) if column in own else np.tile(drawn, n)
                for column, piece, drawn in zip(code.columns, mine, theirs, strict=True)
            ]
            self._parts[at, own] = code.join(pieces)
        return self._parts[at, own]
