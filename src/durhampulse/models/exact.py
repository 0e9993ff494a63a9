"""Dense layers computed without rounding error, so that the order of additions does not matter.

A matrix product adds the same terms in an order that depends on the library, the processor and the
place of a row in its block; in floating point each order may round to another result. Here inputs,
hidden units and kernels are first rounded to multiples of powers of two, chosen from the largest
sums that can occur, so that every product and every partial sum is a whole multiple of one power
of two below 2**53 times it: double precision holds each exactly. What a row gives then depends on
the row alone, bit by bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from durhampulse.features.codes import FARTHEST

__all__ = ["ExactLayers"]

Floats = npt.NDArray[np.float64]

_AT_ONCE = 2_048
"""Rows whose hidden layers fit in a core's cache."""
_DIGITS = 53
"""Binary digits of a double (IEEE 754-2019, binary64)."""


@dataclass(frozen=True)
class ExactLayers:
    """Dense layers with ReLU between them, prepared for exact sums.

    Attributes
    ----------
    kernels, biases
        Of the layers, rounded; at most 2**-20 or so away from the trained ones.
    shifts
        For each layer the number that rounds its inputs by being added and taken away again: the
        digits below its last one are lost.
    """

    kernels: tuple[Floats, ...]
    biases: tuple[Floats, ...]
    shifts: tuple[float, ...]

    @classmethod
    def of(
        cls, kernels: Sequence[npt.NDArray[np.floating]], biases: Sequence[npt.NDArray[np.floating]]
    ) -> ExactLayers:
        """Prepare trained layers, for inputs within :data:`.FARTHEST` either way."""
        bound = np.full(kernels[0].shape[0], FARTHEST)
        inputs, weights = [], []
        for kernel, bias in zip(kernels, biases, strict=True):
            bound = bound @ np.abs(kernel.astype(np.float64)) + np.abs(bias)
            digits = _DIGITS - int(np.ceil(np.log2(max(bound.max(initial=0.0), 1.0)))) - 1
            inputs.append(digits // 2)
            weights.append(digits - digits // 2)
        following = [*inputs[1:], inputs[-1]]
        return cls(
            tuple(_rounded(k, at) for k, at in zip(kernels, weights, strict=True)),
            tuple(_rounded(b, at) for b, at in zip(biases, following, strict=True)),
            tuple(1.5 * 2.0 ** (_DIGITS - 1 - at) for at in inputs),
        )

    def forward(self, X: Floats) -> Floats:
        """Return the last layer's only unit, shape (n_rows,)."""
        parts = [self._forward(X[i : i + _AT_ONCE]) for i in range(0, len(X), _AT_ONCE)]
        return np.concatenate([np.empty(0), *parts])

    def _forward(self, X: Floats) -> Floats:
        hidden = X + self.shifts[0]
        hidden -= self.shifts[0]
        layers = zip(self.kernels[:-1], self.biases[:-1], self.shifts[1:], strict=True)
        for kernel, bias, shift in layers:
            hidden = hidden @ kernel
            hidden += bias + shift
            np.maximum(hidden, shift, out=hidden)
            hidden -= shift
        return np.asarray((hidden @ self.kernels[-1])[:, 0] + self.biases[-1])


def _rounded(values: npt.NDArray[np.floating], digits: int) -> Floats:
    """Return the nearest multiples of 2**-digits."""
    return np.asarray(np.rint(values.astype(np.float64) * 2.0**digits) * 2.0**-digits)
