"""The simple model: logistic regression on cubic splines of single columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from durhampulse.models.weights import Logistic, LogOdds, log_odds, require_array

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

__all__ = ["SplineLogistic", "build_splines", "fit_splines"]

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]

_LEVELS = (0.005, 0.1, 0.3, 0.5, 0.7, 0.9, 0.995)
"""Quantiles of a column's values between which its curve may bend."""
_FEWEST_KNOTS = 4
_STRENGTHS = (0.1, 0.3, 1.0, 3.0, 10.0)
_HELD_OUT = 1_000
"""Rows to judge a strength by, where there are so many."""
_MOST_COLUMNS, _MOST_BREAKS = 10_000, 64


@dataclass(frozen=True, kw_only=True)
class SplineLogistic(LogOdds):
    """A sum of curves of single columns, and of columns times a weight.

    Attributes
    ----------
    columns
        Of the encoded columns those with a curve, shape (n_curves,).
    breaks
        Where the pieces of a curve begin, not decreasing, shape (n_curves, n_breaks). Before the
        first a curve is as at the first.
    pieces
        Of each piece the coefficients of a cubic polynomial in the distance from its beginning, the
        highest power first, shape (n_curves, n_breaks, 4).
    coef
        Weight of each encoded column, shape (n_features,); 0 for those with a curve.
    intercept
        Shape (1,).
    """

    columns: npt.NDArray[np.int32]
    breaks: Floats
    pieces: Floats
    coef: Floats
    intercept: Floats
    family: ClassVar[str] = "splines"

    def decision_function(self, X: Floats) -> Floats:
        """Return the log-odds of a deal, shape (n_rows,); no row's depend on other rows."""
        total = self._linear.decision_function(X)
        for column, breaks, pieces in zip(self.columns, self.breaks, self.pieces, strict=True):
            x = np.maximum(X[:, column], breaks[0])
            place = np.searchsorted(breaks, x, side="right") - 1
            x -= breaks[place]
            value = pieces[place, 0]
            for power in range(1, 4):
                value *= x
                value += pieces[place, power]
            total += value
        return total

    @cached_property
    def _linear(self) -> Logistic:
        return Logistic(self.coef, self.intercept)

    def arrays(self) -> dict[str, Array]:
        """Return the curves and weights by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Array]) -> SplineLogistic:
        """Rebuild from :meth:`arrays`.

        Raises
        ------
        ValueError
            If they are not the arrays of such a model.
        """
        if set(arrays) != {field.name for field in fields(cls)}:
            raise ValueError(f"curves of {', '.join(sorted(arrays))}")
        model = cls(**arrays)
        require_array(model.columns, 1, np.int32)
        for name, ndim in {"breaks": 2, "pieces": 3, "coef": 1, "intercept": 1}.items():
            require_array(arrays[name], ndim, np.float64)
        n_curves, n_breaks = model.breaks.shape
        if (
            len(model.columns) != n_curves
            or model.pieces.shape != (n_curves, n_breaks, 4)
            or not (n_curves <= len(model.coef) <= _MOST_COLUMNS and 0 < n_breaks <= _MOST_BREAKS)
            or len(model.intercept) != 1
        ):
            raise ValueError(f"{n_curves} curves of {n_breaks} pieces")
        inside = (model.columns >= 0) & (model.columns < len(model.coef))
        if not inside.all() or (np.diff(model.breaks, axis=1) < 0).any():
            raise ValueError("curves of columns that are not there, or with breaks out of order")
        return model

    @classmethod
    def from_sklearn(cls, pipeline: Pipeline) -> SplineLogistic:
        """Return a fitted pipeline of :func:`build_splines` as plain arrays."""
        from scipy.interpolate import PPoly

        transformer, logistic = pipeline[0], pipeline[-1]
        weights = logistic.coef_[0].astype(np.float64)
        coef = np.zeros(transformer.n_features_in_)
        curves: dict[int, tuple[Floats, Floats]] = {}
        for name, part, columns in transformer.transformers_:
            mine = weights[transformer.output_indices_[name]]
            if name == "linear":
                coef[columns] = mine
                continue
            spline = part.bsplines_[0]
            curve = PPoly.from_spline((spline.t, np.append(mine, 0.0), spline.k))
            first, end = spline.k, len(spline.t) - spline.k  # of the knots between which it is used
            breaks, pieces = spline.t[first:end], curve.c.T[first : end - 1]
            last = [0.0, 0.0, 0.0, float(curve(breaks[-1]))]
            curves[columns[0]] = breaks, np.vstack([pieces, last])
        longest = max((len(breaks) for breaks, _ in curves.values()), default=1)
        columns = sorted(curves)
        padded = [[_padded(part, longest) for part in curves[c]] for c in columns]
        return cls(
            columns=np.array(columns, np.int32),
            breaks=np.reshape([own for own, _ in padded], (-1, longest)),
            pieces=np.reshape([own for _, own in padded], (-1, longest, 4)),
            coef=coef,
            intercept=logistic.intercept_.astype(np.float64),
        )


def build_splines(X: Floats, *, C: float = 1.0) -> Pipeline:
    """Build the unfitted pipeline for encoded rows like these.

    A column gets a curve where at least four of seven quantiles of its values differ. Beyond the
    lowest and highest of these a curve goes on level: nothing was learned out there, so a figure
    a hundred times the highest says what the highest says.

    Parameters
    ----------
    X
        Encoded features, shape (n_rows, n_features).
    C
        Inverse strength of the L2 penalty.
    """
    from sklearn.compose import ColumnTransformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import SplineTransformer

    knots = [np.unique(np.quantile(column, _LEVELS)) for column in X.T]
    curved = [i for i, own in enumerate(knots) if len(own) >= _FEWEST_KNOTS]
    splines = [
        (
            f"curve {i}",
            SplineTransformer(
                knots=knots[i][:, None], extrapolation="constant", include_bias=False
            ),
            [i],
        )
        for i in curved
    ]
    linear = ("linear", "passthrough", [i for i in range(X.shape[1]) if i not in curved])
    return make_pipeline(
        ColumnTransformer([*splines, linear]),
        LogisticRegression(C=C, solver="newton-cholesky", max_iter=200),
    )


def fit_splines(X: Floats, y: Floats, sample_weight: Floats | None = None) -> SplineLogistic:
    """Fit logistic regression on splines.

    The penalty is the one of five that does best on a quarter of the rows, held out; where that are
    few rows, on further quarters too, since by a hundred rows a curve was made nearly level.

    Parameters
    ----------
    X
        Encoded features, shape (n_rows, n_features).
    y
        Outcomes 0 or 1, shape (n_rows,).
    sample_weight
        How much each row counts, shape (n_rows,); as much as the others if not given.
    """
    weight = np.ones(len(y)) if sample_weight is None else sample_weight
    losses = {1.0: 0.0} | dict.fromkeys(_STRENGTHS, 0.0)
    for held_out in _quarters(len(y)):
        rest = ~held_out
        if len(np.unique(y[rest])) < 2:
            continue
        for C in _STRENGTHS:
            model = _fitted(X[rest], y[rest], weight[rest], C)
            z = log_odds(model.predict_proba(X[held_out])[:, 1])
            loss = np.logaddexp(0, z) - y[held_out] * z
            losses[C] += float(np.sum(weight[held_out] * loss))
    best = min(losses, key=losses.__getitem__)
    return SplineLogistic.from_sklearn(_fitted(X, y, weight, best))


def _quarters(n: int) -> list[npt.NDArray[np.bool_]]:
    """Return which rows are held out, in each of one to four rounds, shape (n,) each."""
    rank = np.random.default_rng(0).permutation(n) % 4
    return [rank == quarter for quarter in range(min(4, -(-4 * _HELD_OUT // max(n, 1))))]


def _fitted(X: Floats, y: Floats, weight: Floats, C: float) -> Pipeline:
    pipeline = build_splines(X, C=C)
    return pipeline.fit(X, y.astype(np.int64), logisticregression__sample_weight=weight)


def _padded(values: Floats, length: int) -> Floats:
    """Return values with the last repeated: the piece after the last break has no end."""
    return np.concatenate([values, np.repeat(values[-1:], length - len(values), axis=0)])
