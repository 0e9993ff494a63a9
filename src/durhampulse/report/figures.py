"""Pictures as a page and slides hold them: drawn once, with words and numbers."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.transforms import Bbox

from durhampulse.report import plots
from durhampulse.report.tables import Table, plain_table

__all__ = ["Figure", "draw_figure", "naming_source"]

_SOURCE: ContextVar[str] = ContextVar("source", default="")
_BELOW = 0.2
"""Inches below a picture for slides, for the line that names the source."""


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A picture with its words and numbers.

    Attributes
    ----------
    name
        File name without ending.
    svg
        The picture, its ink and grid in the page's own colours.
    png
        The same for slides, with the line of :func:`naming_source` below.
    """

    name: str
    title: str
    alt: str
    table: Table
    svg: str
    png: bytes


@contextmanager
def naming_source(text: str) -> Iterator[None]:
    """Write where the data are from below all pictures that are drawn for slides meanwhile."""
    token = _SOURCE.set(text)
    try:
        yield
    finally:
        _SOURCE.reset(token)


def draw_figure(name: str, title: str, table: pd.DataFrame, draw: Callable[[], Any]) -> Figure:
    """Return a picture with its numbers, drawn and closed.

    Parameters
    ----------
    name
        File name without ending.
    table
        The numbers behind it.
    draw
        Draws it and gives its axes.
    """
    axes = draw()
    figure = np.ravel(axes)[0].figure
    svg, png = io.StringIO(), io.BytesIO()
    if (layout := figure.get_layout_engine()) is not None:
        layout.execute(figure)
    with plt.rc_context({"figure.constrained_layout.use": False}):
        figure.set_layout_engine(None)  # else it is laid out, and drawn for that, for each file
        figure.savefig(svg, format="svg", transparent=True, metadata={"Date": None})
        wide, high = figure.get_size_inches()
        figure.text(0.01, -0.02 / high, _SOURCE.get(), va="top", fontsize=7.5,
                    color=plots.QUIET, parse_math=False)  # fmt: skip
        with_source = Bbox.from_extents(0, -_BELOW if _SOURCE.get() else 0, wide, high)
        figure.savefig(png, format="png", dpi=160, facecolor="white", bbox_inches=with_source)
    plt.close(figure)
    numbers = plain_table(f"Numbers of: {title}", table)
    return Figure(
        name=name,
        title=title,
        alt=f"{figure.get_label() or title}. The numbers follow as a table.",
        table=numbers,
        svg=_themed(svg.getvalue()),
        png=png.getvalue(),
    )


def _themed(svg: str) -> str:
    """Return a picture that takes ink, grid and paper from the page, light or dark."""
    svg = svg[svg.index("<svg") :]
    roles = {"ink": plots.INK, "quiet": plots.QUIET, "grid": plots.GRID, "paper": plots.PAPER}
    for name, color in roles.items():
        svg = svg.replace(color, f"var(--{name})")
    svg = re.sub(r'<g id="[^"]*"', "<g", svg)
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    # As wide as it was drawn, so that letters are of one size in all pictures, or as the page.
    svg = re.sub(r'(<svg [^>]*?)height="[^"]*"', r"\1", svg, count=1)
    return re.sub(
        r'<svg ([^>]*?)width="([\d.]+)pt"',
        r'<svg aria-hidden="true" style="max-width: \2pt" \1',
        svg,
        count=1,
    )
