"""Interval, missing precedent and band in a graph."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from durhampulse.decision.bands import ANSWERS
from durhampulse.export.graph.nodes import Nodes
from durhampulse.export.graph.reading import OTHER, Cells
from durhampulse.export.program import Program
from durhampulse.features.precedent import Precedent
from durhampulse.models.interval import AT_MOST, FAR_DOWN, HIGH, Interval

__all__ = ["judge_row"]

_FARTHEST_ODDS = 700.0


def judge_row(
    program: Program, cells: Cells, wide: Sequence[str], log_odds: str, nodes: Nodes
) -> dict[str, tuple[str, bool]]:
    """Append what judges a row, and return the graph's outputs: each value, and if it is text.

    A row that is not scored has NaN for its numbers.

    Parameters
    ----------
    program
        The model.
    cells
        What was read.
    wide
        The figures within the reach of precedents.
    log_odds
        Shape (n_rows,).
    nodes
        Where it is appended.
    """
    odds = nodes.add("Exp", nodes.clip(log_odds, _FARTHEST_ODDS))
    y_prob = nodes.add("Div", odds, nodes.add("Add", odds, nodes.number(1)))
    kind = _kind(program.precedent, cells, wide, nodes)
    unlike = nodes.add("Greater", kind, nodes.whole(0))
    refusal = _refusal(program, cells, nodes)
    refused = nodes.negated(nodes.add("Equal", refusal, nodes.constant("")))
    low, high = _ends(program, cells, log_odds, y_prob, nodes)
    numbers = {
        "probability": y_prob,
        "low": nodes.where(unlike, nodes.number(0), low),
        "high": nodes.where(unlike, nodes.number(1), high),
    }
    texts = {
        "recommendation": _band(program, y_prob, unlike, nodes),
        "unlike": nodes.add("Gather", nodes.constant(program.kinds), kind),
    }
    blank = {False: nodes.number(np.nan), True: nodes.constant("")}
    outputs = {n: (nodes.where(refused, blank[False], v), False) for n, v in numbers.items()}
    outputs |= {n: (nodes.where(refused, blank[True], v), True) for n, v in texts.items()}
    return {**outputs, "refusal": (refusal, True)}


def _band(program: Program, y_prob: str, unlike: str, nodes: Nodes) -> str:
    yes, maybe, no, without = (nodes.constant(answer) for answer in ANSWERS)
    if program.refusal:
        yes = maybe = no = without = nodes.constant("")
    band = no
    ends = (program.thresholds.review_at, maybe), (program.thresholds.yes_at, yes)
    for end, name in ends:
        reached = nodes.add("GreaterOrEqual", y_prob, nodes.number(end))
        band = nodes.where(reached, name, band)
    return nodes.where(unlike, without, band)


def _refusal(program: Program, cells: Cells, nodes: Nodes) -> str:
    """Return why a row is not scored; empty text where it is."""
    n = len(program.inputs)
    counts = [nodes.cast(missing, np.int64) for missing in cells.missing.values()]
    empty = nodes.total(*counts)
    texts = [f"{count} of {n} columns of the model are empty" for count in range(n + 1)]
    allowed = ["" if 2 * count <= n else text for count, text in enumerate(texts)]
    refusal = nodes.add("Gather", nodes.constant(allowed), empty)
    for condition, text in reversed(cells.reasons):
        refusal = nodes.where(condition, nodes.constant(text), refusal)
    return refusal


def _ends(
    program: Program, cells: Cells, log_odds: str, y_prob: str, nodes: Nodes
) -> tuple[str, str]:
    """Return the low and the high end of a row's interval."""
    interval, zero = program.interval, nodes.number(0)
    if not interval.below:
        return y_prob, y_prob
    unknown = _unknown(interval, cells, nodes)
    steps = nodes.add("Div", log_odds, nodes.number(HIGH))
    steps = nodes.add("Min", nodes.add("Max", steps, zero), nodes.number(1))
    fall = nodes.add("Mul", steps, nodes.number(interval.fall))
    lower = nodes.add("Sub", nodes.number(interval.below), fall)
    low = _moved(y_prob, _width(lower, unknown, nodes), nodes)
    over = nodes.add("Max", log_odds, zero)
    rise = nodes.add("Mul", over, nodes.number(interval.rise))
    under = nodes.add("Max", nodes.add("Sub", nodes.number(FAR_DOWN), log_odds), zero)
    tail = nodes.add("Mul", under, nodes.number(interval.tail))
    upper = nodes.total(nodes.number(interval.above), rise, tail)
    stretch = nodes.add("Mul", over, nodes.number(interval.empty_rise))
    stretch = nodes.add("Add", stretch, nodes.number(1))
    stretched = nodes.add("Mul", unknown, nodes.add("Mul", stretch, stretch))
    high = _moved(y_prob, nodes.add("Neg", _width(upper, stretched, nodes)), nodes)
    none = nodes.add("Less", y_prob, nodes.number(AT_MOST))
    return nodes.where(none, zero, low), high


def _unknown(interval: Interval, cells: Cells, nodes: Nodes) -> str:
    """Return the square of what a row's empty cells could change."""
    empties = interval.empties or {}
    absent = sum(reach**2 for column, reach in empties.items() if column not in cells.missing)
    squares = [
        nodes.add("Mul", nodes.cast(cells.missing[column], np.float64), nodes.number(reach**2))
        for column, reach in empties.items()
        if column in cells.missing
    ]
    return nodes.total(nodes.number(absent), *squares)


def _width(half: str, unknown: str, nodes: Nodes) -> str:
    return nodes.add("Sqrt", nodes.add("Add", nodes.add("Mul", half, half), unknown))


def _moved(y_prob: str, by: str, nodes: Nodes) -> str:
    """Return probabilities whose log-odds are moved down."""
    against = nodes.add("Sub", nodes.number(1), y_prob)
    against = nodes.add("Mul", against, nodes.add("Exp", by))
    return nodes.add("Div", y_prob, nodes.add("Add", y_prob, against))


def _kind(precedent: Precedent | None, cells: Cells, wide: Sequence[str], nodes: Nodes) -> str:
    """Return the number of what has no precedent, 0 where all has."""
    first = next(iter(cells.missing.values()))
    kind = nodes.add("Mul", nodes.cast(first, np.int64), nodes.whole(0))  # of the rows' shape
    if precedent is None:
        return kind

    def numbered(condition: str, number: int | str, kind: str) -> str:
        value = number if isinstance(number, str) else nodes.whole(number)
        return nodes.where(condition, value, kind)

    if precedent.judged:
        single = [nodes.cast(wide[place], np.float32) for place in precedent.places]
        rare, outside, farthest = _together(precedent, single, nodes)
        whole = numbered(outside, farthest, numbered(rare, 1, kind))
        part = kind
        for number, at in enumerate(precedent.judged):
            ends = precedent.alone_low[number], precedent.alone_high[number]
            alone = _outside(nodes.cast(single[at], np.float64), *ends, nodes)
            beyond = _beyond(precedent, precedent.columns[at], cells, nodes)
            part = numbered(nodes.add("Or", alone, beyond), number + 2, part)
        columns = dict.fromkeys(precedent.columns[at] for at in precedent.judged)
        incomplete = nodes.either(*(cells.missing[column] for column in columns))
        kind = nodes.where(incomplete, part, whole)
    for number, (column, known) in enumerate(precedent.levels.items(), 2 + len(precedent.judged)):
        kind = numbered(_new_level(cells, column, known, nodes), number, kind)
    return kind


def _beyond(precedent: Precedent, column: str, cells: Cells, nodes: Nodes) -> str:
    """Return whether a figure that is known lies beyond all that was learned from."""
    span = precedent.spans[column]
    known = nodes.negated(cells.missing[column])
    return nodes.every(known, _outside(cells.numbers[column], span.low, span.high, nodes))


def _outside(value: str, low: float, high: float, nodes: Nodes) -> str:
    below = nodes.add("Less", value, nodes.number(low))
    return nodes.add("Or", below, nodes.add("Greater", value, nodes.number(high)))


def _new_level(cells: Cells, column: str, known: Sequence[str], nodes: Nodes) -> str:
    levels, place = cells.levels[column], cells.places[column]
    others = [OTHER, *(at for at, level in enumerate(levels) if level not in known)]
    return nodes.equals(place, *others)


def _together(precedent: Precedent, single: Sequence[str], nodes: Nodes) -> tuple[str, str, str]:
    """Return whether figures are rare together, whether one is far out, and which is farthest."""
    own = [single[at] for at in precedent.judged]
    cut = nodes.constant(precedent.cut, np.float32)
    rare = [nodes.add("Greater", odd, cut) for odd in _oddness(precedent, own, nodes)]
    left = nodes.cast(nodes.matrix(_left(precedent, single, nodes)), np.float64)
    low, high = (nodes.constant(ends[None]) for ends in (precedent.low, precedent.high))
    steps = nodes.add("Max", nodes.add("Div", left, high), nodes.add("Div", left, low))
    far = nodes.add("Or", nodes.add("Greater", left, high), nodes.add("Less", left, low))
    axis = nodes.whole([1])
    count = nodes.add("ReduceSum", nodes.cast(far, np.int64), axis, keepdims=0)
    outside = nodes.add("Greater", count, nodes.whole(0))
    farthest = nodes.add("ArgMax", steps, axis=1, keepdims=0)
    return nodes.every(*rare), outside, nodes.add("Add", farthest, nodes.whole(2))


def _left(precedent: Precedent, single: Sequence[str], nodes: Nodes) -> list[str]:
    """Return what the lines leave of the judged figures, in single precision."""
    texts = []
    for place, line in zip(precedent.judged, precedent.lines.astype(np.float32), strict=True):
        rest = nodes.add("Sub", single[place], nodes.constant(line[0]))
        for slope, figure in zip(line[1:], single, strict=True):
            if slope:
                rest = nodes.add("Sub", rest, nodes.add("Mul", nodes.constant(slope), figure))
        texts.append(rest)
    return texts


def _oddness(precedent: Precedent, own: Sequence[str], nodes: Nodes) -> list[str]:
    """Return how odd figures are under each Gaussian, in single precision."""
    mixture, odd = precedent.mixture, []
    arrays = [a.astype(np.float32) for a in (mixture.means, mixture.factors, 2 * mixture.offsets)]
    for mean, factor, offset in zip(*arrays, strict=True):
        centred = [nodes.add("Sub", x, nodes.constant(m)) for x, m in zip(own, mean, strict=True)]
        total = nodes.constant(offset)
        for j in range(len(mean)):
            terms = [
                nodes.add("Mul", centred[i], nodes.constant(factor[i, j])) for i in range(j + 1)
            ]
            part = nodes.total(*terms)
            total = nodes.add("Add", total, nodes.add("Mul", part, part))
        odd.append(nodes.add("Mul", total, nodes.constant(0.5, np.float32)))
    return odd
