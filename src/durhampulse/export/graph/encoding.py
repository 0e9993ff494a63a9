"""Encoded figures in a graph: what :mod:`durhampulse.features.codes` makes of a row."""

from __future__ import annotations

import numpy as np

from durhampulse.creators.schema import FOLLOWERS, NICHE, QUALITIES
from durhampulse.export.graph.nodes import Nodes
from durhampulse.export.graph.reading import MISSING, Cells
from durhampulse.export.program import Program
from durhampulse.features.codes import FARTHEST, LevelCode, NumberCode, RelativeCode
from durhampulse.features.precedent import REACH

__all__ = ["encode_row"]


def encode_row(program: Program, cells: Cells, nodes: Nodes) -> tuple[list[str], str]:
    """Append what encodes a row.

    Returns
    -------
    wide
        The figures within the reach of precedents, shape (n_rows,) each.
    near
        Within that of the model, shape (n_rows, n_names).
    """
    wide: list[str] = []
    for code in program.codes:
        match code:
            case NumberCode():
                wide += _number(code, cells, nodes)
            case LevelCode():
                wide += _levels(code, cells, nodes)
            case RelativeCode():
                wide.append(nodes.clip(_relative(code, cells, nodes), REACH))
    return wide, nodes.clip(nodes.matrix(wide), FARTHEST)


def _number(code: NumberCode, cells: Cells, nodes: Nodes) -> list[str]:
    if code.ordered:
        return _ordered(code, cells, nodes)
    missing = cells.missing[code.column]
    scaled = nodes.where(missing, nodes.number(code.fill), _scaled(code, cells, nodes))
    return _normal(code, scaled, missing, nodes)


def _ordered(code: NumberCode, cells: Cells, nodes: Nodes) -> list[str]:
    """Return levels that are counted 0, 1, 2; others are missing."""
    levels = cells.levels[code.column]
    counts = [float(QUALITIES.index(level)) if level in QUALITIES else -1.0 for level in levels]
    table = nodes.constant([*counts, -1.0, -1.0], np.float64)
    count = nodes.add("Gather", table, _from_start(cells.places[code.column], levels, nodes))
    missing = nodes.add("Less", count, nodes.number(0))
    return _normal(code, nodes.where(missing, nodes.number(code.fill), count), missing, nodes)


def _normal(code: NumberCode, scaled: str, missing: str, nodes: Nodes) -> list[str]:
    centred = nodes.add("Sub", scaled, nodes.number(code.mean))
    normal = nodes.clip(nodes.add("Mul", centred, nodes.number(1 / code.sd)), REACH)
    return [normal, *([nodes.cast(missing, np.float64)] if code.indicator else [])]


def _from_start(place: str, levels: list[str], nodes: Nodes) -> str:
    """Return places with those of unknown levels and empty cells behind all others."""
    n = nodes.whole(len(levels) + 2)
    return nodes.add("Mod", nodes.add("Add", place, n), n)


def _scaled(code: NumberCode, cells: Cells, nodes: Nodes) -> str:
    value = cells.numbers[code.column]
    if code.scale == "linear":
        return value
    if code.scale == "log":
        part = nodes.add("Mul", _positive(value, nodes), nodes.number(1 / code.unit))
        return nodes.add("Log", nodes.add("Add", part, nodes.number(1)))
    part = nodes.add("Div", nodes.add("Abs", value), nodes.number(code.unit))
    square = nodes.add("Add", nodes.add("Mul", part, part), nodes.number(1))
    size = nodes.add("Log", nodes.add("Add", part, nodes.add("Sqrt", square)))
    negative = nodes.add("Less", value, nodes.number(0))
    return nodes.where(negative, nodes.add("Neg", size), size)


def _positive(value: str, nodes: Nodes) -> str:
    return nodes.add("Max", value, nodes.number(0))


def _levels(code: LevelCode, cells: Cells, nodes: Nodes) -> list[str]:
    known, place = cells.levels[code.column], cells.places[code.column]

    def flag(at: int) -> str:
        return nodes.equals(place, at)

    names = [*code.levels]
    flags = [flag(known.index(level)) if level in known else flag(len(known)) for level in names]
    missing = flag(MISSING)
    texts = [nodes.cast(each, np.float64) for each in flags]
    if code.rare:
        texts.append(nodes.cast(nodes.negated(nodes.either(*flags, missing)), np.float64))
    return [*texts, *([nodes.cast(missing, np.float64)] if code.missing else [])]


def _relative(code: RelativeCode, cells: Cells, nodes: Nodes) -> str:
    """Return the logarithm of a figure less the usual for size and niche; 0 if it is not known."""
    value, followers = cells.numbers[code.column], cells.numbers[FOLLOWERS]
    own = nodes.add("Add", _positive(value, nodes), nodes.number(code.unit))
    total = nodes.add("Div", nodes.add("Log", own), nodes.number(code.sd))
    size = nodes.add("Log", nodes.add("Add", _positive(followers, nodes), nodes.number(1)))
    total = nodes.add("Add", total, _usual(code, size, nodes))
    if code.levels:
        levels = cells.levels[NICHE]
        shifts = dict(zip(code.levels, code.shifts, strict=True))
        moved = [shifts.get(level, 0.0) / -code.sd for level in levels]
        table = nodes.constant([*moved, 0.0, 0.0], np.float64)
        place = _from_start(cells.places[NICHE], levels, nodes)
        total = nodes.add("Add", total, nodes.add("Gather", table, place))
    unknown = nodes.add("Or", cells.missing[code.column], cells.missing[FOLLOWERS])
    return nodes.where(unknown, nodes.number(0), total)


def _usual(code: RelativeCode, size: str, nodes: Nodes) -> str:
    """Return what is usual at a size: a line from knot to knot, level beyond the outer ones."""
    heights, knots = np.divide(code.usual, -code.sd), np.array(code.knots)
    slopes = np.concatenate([[0.0], np.diff(heights) / np.diff(knots), [0.0]])
    starts = np.concatenate([knots[:1], knots])
    lows = np.concatenate([heights[:1], heights])
    place = nodes.reached(size, knots)
    slope, start, low = (
        nodes.add("Gather", nodes.constant(a), place) for a in (slopes, starts, lows)
    )
    along = nodes.add("Mul", slope, nodes.add("Sub", size, start))
    return nodes.add("Add", along, low)
