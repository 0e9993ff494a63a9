"""A mixture of Gaussians, which scores with numpy alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Mixture", "learn_mixture"]

Floats = npt.NDArray[np.float64]

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

    def oddness(self, columns: Floats) -> Floats:
        """Return -log(weight x density) under the Gaussian likeliest for each row, (n_rows,).

        Up to a constant; added up column by column in one order, so that a row's oddness depends
        on the row alone.

        Parameters
        ----------
        columns
            Shape (n_columns, n_rows).
        """
        odd = np.full(columns.shape[1], np.inf)
        for mean, factor, offset in zip(self.means, self.factors, self.offsets, strict=True):
            centred = columns - mean[:, None]
            total = np.full_like(odd, 2 * offset)
            for j in range(len(mean)):
                part = centred[0] * factor[0, j]
                for i in range(1, j + 1):
                    part += centred[i] * factor[i, j]
                part *= part
                total += part
            np.minimum(odd, total, out=odd)
        odd *= 0.5
        return odd

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


def learn_mixture(X: Floats, *, random_state: int = 0) -> Mixture:
    """Fit up to three Gaussians to rows, shape (n_rows, n_columns), fewer to few rows."""
    from sklearn.mixture import GaussianMixture

    n_components = 1 + sum(len(X) >= enough for enough in _ENOUGH)
    fitted = GaussianMixture(
        n_components, reg_covar=_RIDGE, max_iter=300, random_state=random_state
    ).fit(X)
    factors = fitted.precisions_cholesky_
    log_det = np.log(np.diagonal(factors, axis1=1, axis2=2)).sum(axis=1)
    return Mixture(fitted.means_, factors, -np.log(fitted.weights_) - log_det)
