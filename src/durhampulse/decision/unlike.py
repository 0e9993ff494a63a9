"""In what a creator is unlike all that a model learned from, in words and numbers."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from durhampulse.creators.block import Block
from durhampulse.creators.schema import COLUMNS, FOLLOWERS
from durhampulse.decision.figures import axis_text, figure_text, short_name
from durhampulse.deferred import pd
from durhampulse.features.codes import NumberCode, RelativeCode
from durhampulse.features.precedent import REACH, Precedent, Span
from durhampulse.models.fitted import FittedModel

__all__ = ["kind_names", "unlike_words"]

Floats = npt.NDArray[np.float64]
Columns = npt.NDArray[np.floating]

_TOGETHER = "its figures together: hardly any creator learned from had such"


def kind_names(precedent: Precedent | None) -> list[str]:
    """Return what the kinds of :meth:`.Precedent.kinds` are called among a creator's flags."""
    if precedent is None:
        return [""]
    columns = [*(precedent.columns[at] for at in precedent.judged), *precedent.levels]
    names = ["its figures together", *map(short_name, columns)]
    return ["", *(f"no precedent for {name}" for name in names)]


def unlike_words(model: FittedModel, creators: pd.DataFrame | Block) -> list[list[str]]:
    """Return in what each creator has no precedent; an empty list for those who have.

    Parameters
    ----------
    model
        What knows the creators it learned from.
    creators
        Shape (n_rows, any).
    """
    block = Block.of(creators)
    words: list[list[str]] = [[] for _ in range(block.n_rows)]
    rows = np.flatnonzero(model.unlike(block))
    if model.precedent is None or not len(rows):
        return words
    odd = block.take(rows)
    figures = model.encoding.transform(odd, limit=REACH).T[list(model.precedent.places)]
    left = model.precedent.left(figures)
    judged = [model.precedent.columns[at] for at in model.precedent.judged]
    table = pd.DataFrame(odd.to_dict()).to_dict("records")
    for i, row in enumerate(rows.tolist()):
        parts = [*_outside(model.precedent, table[i])]
        if not parts and any(pd.isna(table[i].get(name)) for name in judged):
            alone = figures[list(model.precedent.judged), i]
            parts = [*_by_itself(model, model.precedent, table[i], alone)]
        elif not parts:
            parts = [*_together(model, model.precedent, table[i], figures[:, i], left[:, i])]
        words[row] = parts or [_TOGETHER]
    return words


def _outside(precedent: Precedent, creator: Mapping[Hashable, Any]) -> Iterator[str]:
    """Yield levels never seen, and figures beyond all that was learned from."""
    for name, known in precedent.levels.items():
        level = creator.get(name)
        if not pd.isna(level) and str(level) not in known:
            yield f"{short_name(name)} '{level}': never seen"
    for name, span in precedent.spans.items():
        value = creator.get(name, math.nan)
        if value > span.high:
            end = f"the highest learned from was {axis_text(name, span.high)}"
        elif value < span.low:
            end = f"the lowest learned from was {axis_text(name, span.low)}"
        else:
            continue
        yield f"{figure_text(name, value)}, {end}"


def _together(
    model: FittedModel,
    precedent: Precedent,
    creator: Mapping[Hashable, Any],
    figures: Floats,
    left: Columns,
) -> Iterator[str]:
    """Yield the figure farthest from what the others lead to expect, beside what says so most."""
    if not len(left):
        return
    number = int(np.argmax(np.maximum(left / precedent.high, left / precedent.low)))
    place = precedent.judged[number]
    column, code = precedent.columns[place], _code(model, precedent.places[place])
    others = [name != column for name in precedent.columns]
    shares = np.abs(precedent.lines[number][1:] * figures) * others
    partner = precedent.columns[int(np.argmax(shares))]
    if FOLLOWERS in code.columns and shares.max() < abs(left[number]) / 2:
        partner = FOLLOWERS
    if partner == column or pd.isna(creator.get(column)) or pd.isna(creator.get(partner)):
        return
    value = float(creator[column])
    ends = precedent.low[number] - left[number], precedent.high[number] - left[number]
    if had := _usual(column, value, code, precedent.spans[column], *ends):
        whom = "creators of that size" if partner == FOLLOWERS else "such creators"
        other = figure_text(partner, creator[partner])
        yield f"{figure_text(column, value)} with {other}: nearly all {whom} had {had}"


def _by_itself(
    model: FittedModel, precedent: Precedent, creator: Mapping[Hashable, Any], figures: Floats
) -> Iterator[str]:
    """Yield the figure farthest from what is usual for it, where others are not known."""
    far = np.maximum(figures / precedent.alone_high, figures / precedent.alone_low)
    number = int(np.argmax(far))
    place = precedent.judged[number]
    column, code = precedent.columns[place], _code(model, precedent.places[place])
    if far[number] <= 1 or pd.isna(creator.get(column)):
        return
    value, figure = float(creator[column]), figures[number]
    ends = precedent.alone_low[number] - figure, precedent.alone_high[number] - figure
    if had := _usual(column, value, code, precedent.spans[column], *ends):
        relative = isinstance(code, RelativeCode)
        size = f" with {figure_text(FOLLOWERS, creator[FOLLOWERS])}" if relative else ""
        whom = "creators of that size" if relative else "creators"
        yield f"{figure_text(column, value)}{size}: nearly all {whom} had {had}"


def _usual(
    column: str, value: float, code: NumberCode | RelativeCode, span: Span, down: float, up: float
) -> str:
    """Return the range in which a figure would have a precedent; empty text where there is none.

    Parameters
    ----------
    column, value, code, span
        The figure, how it is encoded, and what was learned from.
    down, up
        How far the bounds lie from it, in standard deviations.
    """
    low, high = max(code.moved(value, down), span.low), min(code.moved(value, up), span.high)
    standard = COLUMNS.get(column)
    if standard is not None and standard.kind == "count":
        low, high = math.ceil(low), math.floor(high)
    return f"{axis_text(column, low)} to {axis_text(column, high)}" if low < high else ""


def _code(model: FittedModel, place: int) -> NumberCode | RelativeCode:
    """Return the code that gives the encoded column at a place."""
    starts = np.cumsum([len(code.names) for code in model.encoding.codes])
    code = model.encoding.codes[int(np.searchsorted(starts, place, side="right"))]
    if not isinstance(code, NumberCode | RelativeCode):
        raise TypeError(f"Column {place} is no figure.")
    return code
