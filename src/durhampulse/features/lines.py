"""The encoded figures by which creators are compared, and what others lead to expect of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from durhampulse.features.codes import NumberCode, RelativeCode
from durhampulse.features.encoding import Encoding
from durhampulse.features.mixture import Mixture, learn_mixture

__all__ = ["LEAST", "Figures", "choose_figures", "fit_figures", "left_of"]

Floats = npt.NDArray[np.float64]
Columns = npt.NDArray[np.floating]

LEAST = 1e-3
"""Least width of a bound, and of a move that counts, in standard deviations."""
_RIDGE = 1e-3
_MOST_COLUMNS = 16


@dataclass(frozen=True)
class Figures:
    """Which encoded columns are figures, of which columns, and which of them are judged.

    `counts` says of the judged which are judged by ratios.
    """

    places: tuple[int, ...]
    judged: tuple[int, ...]
    columns: tuple[str, ...]
    counts: tuple[bool, ...]


def choose_figures(encoding: Encoding) -> Figures:
    """Return the first figures; one relative to size and niche is judged in place of the plain."""
    starts = np.cumsum([0, *(len(code.names) for code in encoding.codes)])
    codes = [*zip(starts.tolist(), encoding.codes, strict=False)]
    relative = [(at, code) for at, code in codes if isinstance(code, RelativeCode)]
    plain = [(at, c) for at, c in codes if isinstance(c, NumberCode) and not c.ordered]
    chosen = plain[: _MOST_COLUMNS - len(relative)] + relative
    compared = {code.column for _, code in relative}
    judged = [
        i
        for i, (_, code) in enumerate(chosen)
        if isinstance(code, RelativeCode) or code.column not in compared
    ]
    columns = tuple(code.column for _, code in chosen)
    logs = {code.column for _, code in plain if code.scale == "log"} | compared
    counts = tuple(columns[i] in logs for i in judged)
    return Figures(tuple(at for at, _ in chosen), tuple(judged), columns, counts)


def fit_figures(X: Floats, figures: Figures, moved: Floats) -> tuple[Floats, Mixture]:
    """Return each judged figure's line, and the mixture.

    A line is the straight line over the figures of other columns. Where these move with the
    figure, as those for size and niche do with the followers, it is the linear discriminant
    (Fisher 1936) between rows as they are and with the figure many times as large.

    Parameters
    ----------
    X
        Shape (n_figures, n_rows).
    figures
        What they are.
    moved
        By how much each of the figures is moved by that, shape (n_judged, n_figures).
    """
    lines = np.zeros((len(figures.judged), 1 + len(X)))
    spread = np.cov(X) + _RIDGE * np.eye(len(X)) if figures.judged else X
    for line, place, shift in zip(lines, figures.judged, moved, strict=True):
        others = [i for i, c in enumerate(figures.columns) if c != figures.columns[place]]
        if np.abs(shift[others]).max(initial=0.0) > LEAST and shift[place] > LEAST:
            weights = np.linalg.solve(spread, shift)
            weights *= shift[place] / (weights @ shift)
            line[1:] = -weights
            line[1 + place] += 1
            line[0] = weights @ X.mean(axis=1)
            continue
        design = np.vstack([np.ones(X.shape[1]), X[others]])
        gram = design @ design.T + _RIDGE * np.eye(1 + len(others))
        line[[0, *(1 + i for i in others)]] = np.linalg.solve(gram, design @ X[place])
    if not figures.judged:
        return lines, Mixture(np.empty((0, 0)), np.empty((0, 0, 0)), np.empty(0))
    return lines, learn_mixture(X[list(figures.judged)].T)


def left_of(X: Columns, judged: Sequence[int], lines: Floats) -> Columns:
    """Return what lines leave of the judged figures, (n_judged, n_rows); `X` as wide.

    Added up column by column in one order, so that what a row leaves depends on the row alone.
    """
    left = np.empty((len(judged), X.shape[1]), X.dtype)
    for number, (place, line) in enumerate(zip(judged, lines.astype(X.dtype), strict=True)):
        np.subtract(X[place], line[0], out=left[number])
        for i in np.flatnonzero(line[1:]):
            left[number] -= line[1 + i] * X[i]
    return left
