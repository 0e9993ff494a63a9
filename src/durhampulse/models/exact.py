"""Dense layers computed without rounding error, so that the order of additions does not matter.

A matrix product adds the same terms in an order that depends on the library, the processor and the
place of a row in its block; in floating point each order may round to another result. Here inputs,
hidden units and kernels are first rounded to multiples of powers of two, chosen from the largest
sums that can occur, so that every product and every partial sum is a whole multiple of one power
of two below 2**53 times it: double precision holds each exactly. What a row gives then depends on
the row alone, bit by bit. An activation is a function of one cell, made of additions, products and
quotients alone, which IEEE 754 rounds alike everywhere.

Hidden layers of the parabolic activation have 2**24 in place of 2**53, and single precision holds
their sums: the network is then one of kernels with some 8 binary digits behind the point, which
scores three times as fast (``benchmarks/weights.py``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from durhampulse.features.codes import FARTHEST

__all__ = [
    "SILU_ABOVE",
    "SILU_BELOW",
    "SILU_FAR",
    "Activation",
    "ExactLayers",
    "parabolic",
    "silu",
]

Activation = Literal["relu", "silu", "parabolic"]
Array = npt.NDArray[np.floating]
Floats = npt.NDArray[np.float64]

_BYTES_AT_ONCE = 4_096
"""Of a column of hidden units: as many rows as fit in a core's cache. Of twice as many the C
library may ask the system for each array anew, and an explanation takes half as long again."""
_DIGITS = {np.dtype(np.float64): 53, np.dtype(np.float32): 24}
"""Binary digits of numbers (IEEE 754-2019, binary64 and binary32)."""
SILU_FAR = np.float32(18)
"""Where the sigmoid is 0 or 1 in single precision."""
SILU_ABOVE = tuple(map(np.float32, (3.78734197e-08, 4.32967747e-05, 0.0079670841, 0.249997356)))
SILU_BELOW = tuple(
    map(np.float32, (7.58908856e-10, 3.35199936e-06, 0.00144061994, 0.115196132, 1.0))
)
"""Polynomials in x * x, the highest power first, so that 1 / (1 + exp(-x)) is 1/2 + x * above /
below: fitted by Lawson's iteration (Lawson 1961) for the least error times abs(x), 3e-6."""


@dataclass(frozen=True)
class ExactLayers:
    """Dense layers with an activation between them, prepared for exact sums.

    Attributes
    ----------
    kernels
        Of the layers, rounded, each in the precision in which the layer is computed.
    biases
        Of the layers.
    shifts
        For each layer the number that rounds its inputs by being added and taken away again: the
        digits below its last one are lost.
    activation
        Of the hidden units. None takes a cell farther from 0, so the largest sums are the same.
    """

    kernels: tuple[Array, ...]
    biases: tuple[Array, ...]
    shifts: tuple[float, ...]
    activation: Activation = "relu"

    @classmethod
    def of(
        cls,
        kernels: Sequence[Array],
        biases: Sequence[Array],
        activation: Activation = "relu",
    ) -> ExactLayers:
        """Return trained layers prepared for inputs within :data:`.FARTHEST` either way."""
        bound = np.full(kernels[0].shape[0], FARTHEST)
        rounded: list[Array] = []
        shifts = []
        for number, kernel in enumerate(kernels, start=1):
            single = activation == "parabolic" and number < len(kernels)
            precision = np.dtype(np.float32 if single else np.float64)
            digits = _fitting_digits(bound, kernel, _DIGITS[precision])
            rounded.append(_rounded(kernel, digits - digits // 2).astype(precision))
            shifts.append(1.5 * 2.0 ** (_DIGITS[precision] - 1 - digits // 2))
            bound = bound @ np.abs(rounded[-1]) + np.abs(biases[number - 1])
        added = tuple(b.astype(k.dtype) for b, k in zip(biases, rounded, strict=True))
        return cls(tuple(rounded), added, tuple(shifts), activation)

    def forward(self, X: Floats) -> Floats:
        """Return the last layer's only unit, shape (n_rows,); far inputs count as FARTHEST."""
        step = _BYTES_AT_ONCE // self.kernels[0].itemsize
        parts = [self._forward(X[i : i + step]) for i in range(0, len(X), step)]
        return np.concatenate([np.empty(0), *parts])

    def _forward(self, X: Floats) -> Floats:
        hidden = X.astype(self.kernels[0].dtype)
        np.clip(hidden, -FARTHEST, FARTHEST, out=hidden)
        hidden += self.shifts[0]
        hidden -= self.shifts[0]
        for number, (bias, shift) in enumerate(zip(self.biases[:-1], self.shifts[1:], strict=True)):
            hidden = hidden @ self.kernels[number]
            hidden += bias
            if self.activation == "relu":
                np.maximum(hidden, 0, out=hidden)
            else:
                hidden = silu(hidden) if self.activation == "silu" else parabolic(hidden)
            hidden = hidden.astype(self.kernels[number + 1].dtype, copy=False)
            hidden += shift
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
    near = np.clip(x, -SILU_FAR, SILU_FAR)
    square = near * near
    near *= _polynomial(square, SILU_ABOVE)
    near /= _polynomial(square, SILU_BELOW)
    near += np.float32(0.5)
    near *= x
    return near


def parabolic(x: Array) -> Array:
    """Return SiLU with a sigmoid made of two parabolas: x (1/2 + c - c |c| / 2), c = x in [-1, 1].

    At x = z / 4 it is a quarter of SiLU at z, within .02. A trained network cannot tell them
    apart; neither a power nor a quotient is taken.

    Examples
    --------
    >>> parabolic(np.array([-2.0, -0.5, 0.0, 0.5, 2.0])).tolist()
    [-0.0, -0.0625, 0.0, 0.4375, 2.0]
    """
    near = np.clip(x, -1, 1)
    gate = np.abs(near)
    gate *= -0.5
    gate += 1
    gate *= near
    gate += 0.5
    gate *= x
    return np.asarray(gate)


def _polynomial(
    x: npt.NDArray[np.float32], coefficients: Sequence[np.float32]
) -> npt.NDArray[np.float32]:
    total = x * coefficients[0]
    for coefficient in coefficients[1:-1]:
        total += coefficient
        total *= x
    total += coefficients[-1]
    return total


def _fitting_digits(bound: Floats, kernel: Array, most: int) -> int:
    """Return the most digits behind the point of a product with which sums have `most` in all.

    Half of them are the inputs', which lie within `bound` either way; the others the kernel's.
    """
    digits = most
    while True:
        largest = bound + 2.0 ** -(digits // 2)
        sums = largest @ np.abs(_rounded(kernel, digits - digits // 2))
        if sums.max(initial=0.0) * 2.0**digits <= 2.0**most:
            return digits
        digits -= 1


def _rounded(values: Array, digits: int) -> Floats:
    """Return the nearest multiples of 2**-digits."""
    return np.asarray(np.rint(values.astype(np.float64) * 2.0**digits) * 2.0**-digits)
