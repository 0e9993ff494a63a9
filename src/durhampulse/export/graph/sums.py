"""Log-odds in a graph: layers, curves, trees and sums of them, in the precision of the program."""

from __future__ import annotations

import numpy as np

from durhampulse.export.graph.nodes import Nodes
from durhampulse.export.program import Curves, Part, Sum, Trees
from durhampulse.models.exact import SILU_ABOVE, SILU_BELOW, SILU_FAR, ExactLayers

__all__ = ["sum_row"]


def sum_row(part: Part, figures: str, nodes: Nodes) -> str:
    """Append what gives the log-odds, shape (n_rows,), of figures, shape (n_rows, n_names)."""
    match part:
        case ExactLayers():
            return _layers(part, figures, nodes)
        case Curves():
            return _curves(part, figures, nodes)
        case Trees():
            return _trees(part, figures, nodes)
        case Sum(members, coef, intercept):
            terms = [
                nodes.add("Mul", nodes.number(weight), sum_row(member, figures, nodes))
                for weight, member in zip(coef, members, strict=True)
            ]
            return nodes.total(nodes.number(intercept), *terms)


def _layers(layers: ExactLayers, figures: str, nodes: Nodes) -> str:
    hidden = _rounded(figures, layers, 0, nodes)
    last = len(layers.kernels) - 1
    for at, (kernel, bias) in enumerate(zip(layers.kernels, layers.biases, strict=True)):
        product = nodes.add("MatMul", hidden, nodes.constant(kernel))
        hidden = nodes.add("Sub", product, nodes.constant(-bias))  # an Add is fused, and rounded
        if at < last:
            hidden = _active(hidden, layers.activation, kernel.dtype, nodes)
            hidden = _rounded(hidden, layers, at + 1, nodes)
    return nodes.column(hidden, 0)


def _rounded(values: str, layers: ExactLayers, at: int, nodes: Nodes) -> str:
    precision = layers.kernels[at].dtype
    shift = nodes.constant(layers.shifts[at], precision)
    moved = nodes.add("Add", nodes.cast(values, precision), shift)
    return nodes.add("Sub", moved, shift)


def _active(hidden: str, activation: str, precision: np.dtype, nodes: Nodes) -> str:
    def of(value: float) -> str:
        return nodes.constant(value, precision)

    if activation == "relu":
        return nodes.add("Relu", hidden)
    if activation == "silu":
        return _silu(nodes.cast(hidden, np.float32), nodes)
    near = nodes.add("Clip", hidden, of(-1), of(1))
    gate = nodes.add("Sub", of(1), nodes.add("Mul", nodes.add("Abs", near), of(0.5)))
    gate = nodes.add("Add", nodes.add("Mul", gate, near), of(0.5))
    return nodes.add("Mul", gate, hidden)


def _silu(x: str, nodes: Nodes) -> str:

    def of(value: np.float32) -> str:
        return nodes.constant(value, np.float32)

    def polynomial(square: str, coefficients: tuple[np.float32, ...]) -> str:
        total = nodes.add("Mul", square, of(coefficients[0]))
        for coefficient in coefficients[1:-1]:
            total = nodes.add("Mul", nodes.add("Add", total, of(coefficient)), square)
        return nodes.add("Add", total, of(coefficients[-1]))

    near = nodes.add("Clip", x, of(-SILU_FAR), of(SILU_FAR))
    square = nodes.add("Mul", near, near)
    part = nodes.add("Mul", near, polynomial(square, SILU_ABOVE))
    part = nodes.add("Div", part, polynomial(square, SILU_BELOW))
    return nodes.add("Mul", nodes.add("Add", part, of(np.float32(0.5))), x)


def _curves(part: Curves, figures: str, nodes: Nodes) -> str:
    splines, terms = part.splines, [_layers(part.linear, figures, nodes)]
    for column, breaks, pieces in zip(splines.columns, splines.breaks, splines.pieces, strict=True):
        x = nodes.add("Max", nodes.column(figures, int(column)), nodes.number(breaks[0]))
        place = nodes.add("Sub", nodes.reached(x, breaks), nodes.whole(1))
        distance = nodes.add("Sub", x, nodes.add("Gather", nodes.constant(breaks), place))
        value, *others = (nodes.add("Gather", nodes.constant(c), place) for c in pieces.T.copy())
        for coefficient in others:
            value = nodes.add("Add", nodes.add("Mul", value, distance), coefficient)
        terms.append(value)
    return nodes.total(*terms)


def _trees(part: Trees, figures: str, nodes: Nodes) -> str:
    trees = part.trees
    n_trees, depth = trees.questions.shape
    columns = nodes.constant(trees.columns.astype(np.int64))
    asked = nodes.add("Gather", nodes.cast(figures, np.float32), columns, axis=1)
    answers = nodes.cast(nodes.add("Greater", asked, nodes.constant(trees.borders)), np.int64)
    place = nodes.constant((np.arange(n_trees) * 2**depth)[None].astype(np.int64))
    for level in range(depth):
        own = nodes.constant(trees.questions[:, level].astype(np.int64))
        answer = nodes.add("Gather", answers, own, axis=1)
        by = nodes.whole(2 ** (depth - 1 - level))
        place = nodes.add("Add", place, nodes.add("Mul", answer, by))
    leaves = nodes.constant(part.leaves.ravel().astype(np.float64))
    axis = nodes.whole([1])
    total = nodes.add("ReduceSum", nodes.add("Gather", leaves, place), axis, keepdims=0)
    scaled = nodes.add("Mul", total, nodes.number(2.0**-part.digits))
    return nodes.add("Add", scaled, nodes.number(trees.intercept[0]))
