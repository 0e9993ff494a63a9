"""A mixture of Gaussians, which scores with numpy alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Mixture", "learn_mixture"]

Floats = npt.NDArray[np.float64]
Columns = npt.NDArray[np.floating]

_RIDGE = 1e-3
"""Added to variances, in squared standard deviations of a column."""
_ENOUGH = (300, 1_000)
"""Rows from which on two and three Gaussians are learned."""


@dataclass(frozen=True)
class Mixture:
    """Gaussians over columns.

    Attributes
    ----------
    means
        Shape (n_components, n_columns).
    factors
        Upper triangular factors of the precisions, (n_components, n_columns, n_columns).
    offsets
        -log(weight) - log(det(factor)) of each, shape (n_components,).
    """

    means: Floats
    factors: Floats
    offsets: Floats

    def oddness(self, columns: Columns) -> Floats:
        """Return -log(weight x density) under the Gaussian likeliest for each row, (n_rows,).

        Up to a constant; added up column by column in one order, so that a row's oddness depends
        on the row alone.

        Parameters
        ----------
        columns
            Shape (n_columns, n_rows).
        """
        odd = np.full(columns.shape[1], np.inf)
        for component in range(len(self.offsets)):
            np.minimum(odd, self._oddness(columns, component), out=odd)
        return odd

    def beyond(self, columns: Columns, cut: float) -> npt.NDArray[np.intp]:
        """Return the rows whose :meth:`oddness` is greater than a cut, in their order.

        What one Gaussian finds usual is not shown to the others.
        """
        rows = np.arange(columns.shape[1])
        for component in np.argsort(self.offsets, kind="stable"):
            odd = np.flatnonzero(self._oddness(columns, component) > cut)
            rows, columns = rows[odd], columns.take(odd, axis=1)
        return rows

    def _oddness(self, columns: Columns, component: int) -> Columns:
        mean, factor = (a[component].astype(columns.dtype) for a in (self.means, self.factors))
        centred = columns - mean[:, None]
        total = np.full(columns.shape[1], 2 * self.offsets[component], columns.dtype)
        for j in range(len(mean)):
            part = centred[0] * factor[0, j]
            for i in range(1, j + 1):
                part += centred[i] * factor[i, j]
            part *= part
            total += part
        total *= 0.5
        return total

    def to_dict(self) -> dict[str, Any]:
        """Return the mixture as plain data."""
        return {name: values.tolist() for name, values in vars(self).items()}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any], n_columns: int) -> Mixture:
        """Rebuild from :meth:`to_dict`.

        Raises
        ------
        ValueError
            If the arrays are not those of such a mixture.
        """
        names = ("means", "factors", "offsets")
        means, factors, offsets = (np.array(plain[name], np.float64) for name in names)
        n = len(offsets)
        shapes = (means.shape, factors.shape, offsets.shape)
        fitting = ((n, n_columns), (n, n_columns, n_columns), (n,))
        if shapes != fitting or not all(np.isfinite(a).all() for a in (means, factors, offsets)):
            raise ValueError(f"Gaussians of the shapes {shapes}")
        return cls(means, factors, offsets)


def learn_mixture(X: Floats) -> Mixture:
    """Return up to three Gaussians fitted to rows, shape (n_rows, n_columns), fewer to few rows."""
    from sklearn.mixture import GaussianMixture

    n_components = 1 + sum(len(X) >= enough for enough in _ENOUGH)
    model = GaussianMixture(n_components, reg_covar=_RIDGE, max_iter=300, random_state=0)
    fitted = model.fit(X)
    factors = fitted.precisions_cholesky_
    log_det = np.log(np.diagonal(factors, axis1=1, axis2=2)).sum(axis=1)
    return Mixture(fitted.means_, factors, -np.log(fitted.weights_) - log_det)
