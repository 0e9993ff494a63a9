"""Log-odds in SQL: layers, curves, trees and sums of them.

Sums of layers are exact in double precision in whatever order a database adds them, since inputs
and kernels are whole multiples of powers of two (:mod:`durhampulse.models.exact`). What that module
computes in single precision is rounded to it here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import count

import numpy as np
import numpy.typing as npt

from durhampulse.export.program import Curves, Part, Program, Sum, Trees
from durhampulse.export.sql.dialects import Dialect, number
from durhampulse.export.sql.stages import Stages, added, clipped
from durhampulse.models.exact import ExactLayers
from durhampulse.models.splines import SplineLogistic

__all__ = ["sum_row"]

Floats = npt.NDArray[np.floating]


class _Writer:
    """Appends the stages of parts; numbers keep the names of their columns apart."""

    def __init__(self, dialect: Dialect, stages: Stages) -> None:
        self.dialect = dialect
        self.stages = stages
        self._numbers = count()

    def names(self, n: int) -> list[str]:
        """Return so many new names."""
        number_ = next(self._numbers)
        return [f"h_{number_}_{at}" for at in range(n)]

    def stage(self, texts: Sequence[str]) -> list[str]:
        """Append a stage of some expressions, and return their names."""
        return self.stages.add(dict(zip(self.names(len(texts)), texts, strict=True)))

    def single(self, names: Sequence[str]) -> list[str]:
        """Append columns in single precision."""
        return self.stage([self.dialect.single(name) for name in names])


def sum_row(program: Program, figures: Sequence[str], dialect: Dialect, stages: Stages) -> str:
    """Append the stages of a program's part, and return the name of the log-odds."""
    return _part(_Writer(dialect, stages), program.part, figures)


def _part(writer: _Writer, part: Part, figures: Sequence[str]) -> str:
    match part:
        case ExactLayers():
            return _layers(writer, part, figures)
        case Curves(linear, splines):
            total = _layers(writer, linear, figures)
            curves = writer.stage([*_curves(splines, figures)])
            return writer.stage([" + ".join([total, *curves])])[0]
        case Trees():
            return _trees(writer, part, figures)
        case Sum(members, coef, intercept):
            parts = [_part(writer, member, figures) for member in members]
            terms = [f"{number(w)} * {name}" for w, name in zip(coef, parts, strict=True)]
            return writer.stage([" + ".join([number(intercept), *terms])])[0]


def _layers(writer: _Writer, layers: ExactLayers, figures: Sequence[str]) -> str:
    hidden = [*figures]
    if layers.kernels[0].dtype == np.float32:
        hidden = writer.single(hidden)
    hidden = writer.stage(_rounded(hidden, layers.shifts[0], layers.kernels[0].dtype))
    depth = len(layers.kernels)
    for at, (kernel, bias) in enumerate(zip(layers.kernels, layers.biases, strict=True)):
        hidden = writer.stage(_units(hidden, kernel, bias))
        if at == depth - 1:
            break
        if kernel.dtype == np.float32:
            hidden = writer.single(hidden)
        hidden = _active(writer, hidden, layers.activation, kernel.dtype)
        hidden = writer.stage(_rounded(hidden, layers.shifts[at + 1], layers.kernels[at + 1].dtype))
    return hidden[0]


def _rounded(names: Sequence[str], shift: float, precision: np.dtype[np.generic]) -> list[str]:
    """Round to the power of two that a shift's last digit is, in double precision."""
    if precision == np.float32:
        shift *= 2.0 ** (53 - 24)
    return [f"({name} + {number(shift)}) - {number(shift)}" for name in names]


def _units(inputs: Sequence[str], kernel: Floats, bias: Floats) -> list[str]:
    texts = []
    for weights, start in zip(kernel.T.tolist(), bias.tolist(), strict=True):
        terms = [f"{number(w)} * {x}" for w, x in zip(weights, inputs, strict=True) if w]
        texts.append(f"({added(terms)}) + {number(start)}")
    return texts


def _active(
    writer: _Writer, hidden: Sequence[str], activation: str, precision: np.dtype[np.generic]
) -> list[str]:
    if activation == "relu":
        return writer.stage([f"CASE WHEN {x} > 0e0 THEN {x} ELSE 0e0 END" for x in hidden])
    if activation == "silu":
        return writer.stage([f"{x} / (1e0 + exp({clipped(f'(-{x})', '7e2')}))" for x in hidden])
    near = writer.stage([clipped(x, "1e0") for x in hidden])
    steps = ("1e0 - 5e-1 * abs({c})", "{g} * {c}", "{g} + 5e-1", "{g} * {x}")
    gate: Sequence[str] = near
    for step in steps:
        columns = zip(gate, near, hidden, strict=True)
        gate = writer.stage([step.format(g=g, c=c, x=x) for g, c, x in columns])
        gate = writer.single(gate) if precision == np.float32 else gate
    return [*gate]


def _curves(splines: SplineLogistic, figures: Sequence[str]) -> list[str]:
    texts = []
    for column, breaks, pieces in zip(splines.columns, splines.breaks, splines.pieces, strict=True):
        x = figures[int(column)]
        last = len(breaks) - 1
        cases = [f"WHEN {x} < {number(breaks[0])} THEN {number(pieces[_first(breaks)][3])}"]
        for at in range(last):
            if breaks[at] < breaks[at + 1]:
                inside = f"{x} < {number(breaks[at + 1])}"
                cases.append(f"WHEN {inside} THEN {_cubic(x, breaks[at], pieces[at])}")
        cases.append(f"ELSE {_cubic(x, breaks[last], pieces[last])}")
        texts.append(f"CASE {' '.join(cases)} END")
    return texts


def _first(breaks: Floats) -> int:
    """Return the place of the last of the breaks that equal the first."""
    return int(np.searchsorted(breaks, breaks[0], side="right")) - 1


def _cubic(x: str, start: float, piece: Floats) -> str:
    a, b, c, d = map(number, piece.tolist())
    distance = f"({x} - {number(start)})"
    return f"(({a} * {distance} + {b}) * {distance} + {c}) * {distance} + {d}"


def _trees(writer: _Writer, part: Trees, figures: Sequence[str]) -> str:
    trees = part.trees
    asked = [
        f"CASE WHEN {_above(figures[int(column)], border)} THEN 1 ELSE 0 END"
        for column, border in zip(trees.columns, trees.borders, strict=True)
    ]
    answers = writer.stage(asked)
    terms = []
    for questions, leaves in zip(trees.questions.tolist(), part.leaves.tolist(), strict=True):
        depth = len(questions)
        place = " + ".join(
            f"{2 ** (depth - 1 - at)} * {answers[question]}"
            for at, question in enumerate(questions)
        )
        cases = " ".join(f"WHEN {leaf} THEN {value}" for leaf, value in enumerate(leaves[:-1]))
        terms.append(f"CASE {place} {cases} ELSE {leaves[-1]} END")
    total = writer.stage([f"CAST({added(terms)} AS {writer.dialect.double})"])[0]
    scaled = f"{total} * {number(2.0**-part.digits)} + {number(trees.intercept[0])}"
    return writer.stage([scaled])[0]


def _above(name: str, border: np.float32) -> str:
    """Return the condition that a figure in single precision is above a border.

    It is above where it is nearer to the next number of single precision than to the border; half
    way the one with an even last digit is taken (IEEE 754-2019, 4.3.1).
    """
    above = np.nextafter(border, np.float32(math.inf), dtype=np.float32)
    middle = (float(border) + float(above)) / 2
    even = not above.view(np.int32) & 1
    return f"{name} {'>=' if even else '>'} {number(middle)}"
