"""Dense layers computed without rounding error, so that the order of additions does not matter.

A matrix product adds the same terms in an order that depends on the library, the processor and the
place of a row in its block; in floating point each order may round to another result. Here inputs,
hidden units and kernels are first rounded to multiples of powers of two, chosen from the largest
sums that can occur, so that every product and every partial sum is a whole multiple of one power
of two below 2**53 times it: double precision holds each exactly. What a row gives then depends on
the row alone, bit by bit. An activation is a function of one cell, made of additions, products and
quotients alone, which IEEE 754 rounds alike everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from durhampulse.features.codes import FARTHEST

__all__ = ["Activation", "ExactLayers", "silu"]

Activation = Literal["relu", "silu"]
Floats = npt.NDArray[np.float64]

_AT_ONCE = 1_024
"""Rows whose hidden layers fit in a core's cache."""
_DIGITS = 53
"""Binary digits of a double (IEEE 754-2019, binary64)."""
_FAR = np.float32(18)
"""Where the sigmoid is 0 or 1 in single precision."""
_ABOVE = tuple(map(np.float32, (3.78734197e-08, 4.32967747e-05, 0.0079670841, 0.249997356)))
_BELOW = tuple(map(np.float32, (7.58908856e-10, 3.35199936e-06, 0.00144061994, 0.115196132, 1.0)))
"""Polynomials in x * x, the highest power first, so that 1 / (1 + exp(-x)) is 1/2 + x * above /
below: fitted by Lawson's iteration (Lawson 1961) for the least error times abs(x), 3e-6."""


@dataclass(frozen=True)
class ExactLayers:
    """Dense layers with an activation between them, prepared for exact sums.

    Attributes
    ----------
    kernels, biases
        Of the layers, rounded; at most 2**-20 or so away from the trained ones.
    shifts
        For each layer the number that rounds its inputs by being added and taken away again: the
        digits below its last one are lost.
    activation
        Of the hidden units. Neither takes a cell farther from 0, so the largest sums are the same.
    """

    kernels: tuple[Floats, ...]
    biases: tuple[Floats, ...]
    shifts: tuple[float, ...]
    activation: Activation = "relu"

    @classmethod
    def of(
        cls,
        kernels: Sequence[npt.NDArray[np.floating]],
        biases: Sequence[npt.NDArray[np.floating]],
        activation: Activation = "relu",
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
            activation,
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
            if self.activation == "relu":
                hidden += bias + shift
                np.maximum(hidden, shift, out=hidden)
            else:
                hidden += bias
                hidden = np.add(silu(hidden), shift, dtype=np.float64)
            hidden -= shift
        return np.asarray((hidden @ self.kernels[-1])[:, 0] + self.biases[-1])


def silu(values: Floats) -> npt.NDArray[np.float32]:
    """Return x / (1 + exp(-x)) to single precision (Elfwing, Uchibe and Doya 2018).

    Examples
    --------
    >>> silu(np.array([-100.0, 0.0, 1.0, 100.0])).astype(np.float64).round(4).tolist()
    [-0.0, 0.0, 0.7311, 100.0]
    """
    x = values.astype(np.float32)
    near = np.clip(x, -_FAR, _FAR)
    square = near * near
    near *= _polynomial(square, _ABOVE)
    near /= _polynomial(square, _BELOW)
    near += np.float32(0.5)
    near *= x
    return near


def _polynomial(
    x: npt.NDArray[np.float32], coefficients: Sequence[np.float32]
) -> npt.NDArray[np.float32]:
    total = x * coefficients[0]
    for coefficient in coefficients[1:-1]:
        total += coefficient
        total *= x
    total += coefficients[-1]
    return total


def _rounded(values: npt.NDArray[np.floating], digits: int) -> Floats:
    """Return the nearest multiples of 2**-digits."""
    return np.asarray(np.rint(values.astype(np.float64) * 2.0**digits) * 2.0**-digits)
