"""What the notebook's cells show: sentences, source code, and the house's look."""

from __future__ import annotations

import hashlib
import inspect
import io
from base64 import b64encode
from collections.abc import Callable
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from IPython.core.getipython import get_ipython
from IPython.core.pylabtools import print_figure
from IPython.display import Code, Markdown, display
from markupsafe import Markup
from matplotlib.figure import Figure
from matplotlib_inline.config import InlineBackend
from PIL import Image

from durhampulse.decision.figures import number_text
from durhampulse.report import plots
from durhampulse.report.cells import readable

__all__ = ["display", "say", "set_up", "show", "show_source", "with_words"]


_COLORS = 128
"""Of a picture in a notebook, so many that edges stay smooth in a third of the bytes."""


def set_up() -> None:
    """Set the look of pictures and tables in this notebook."""
    plots.use_style()
    if (shell := get_ipython()) is not None:
        InlineBackend.instance(parent=shell).figure_formats = set()  # else its PNG goes before ours
        shell.display_formatter.mimebundle_formatter.for_type(Figure, with_words)
    pd.set_option("display.float_format", number_text)
    pd.set_option("display.max_colwidth", 400)
    pd.set_option("display.max_columns", 30)
    pd.set_option("display.max_rows", 60)


def with_words(picture: Figure, **_: Any) -> tuple[dict[str, str], dict[str, Any]]:
    """Return a picture as PNG, and as HTML with its alternative text.

    Where Jupyter and nbconvert make HTML of a PNG they leave such a text out.
    """
    drawn, png = print_figure(picture, "png", bbox_inches=None), io.BytesIO()  # it is laid out
    Image.open(io.BytesIO(drawn)).convert("RGB").quantize(_COLORS).save(png, "png")
    text, cells = picture.get_label(), b64encode(png.getvalue()).decode()
    html = Markup('<img alt="{}" src="data:image/png;base64,{}">').format(text, cells)
    return {"text/html": html, "image/png": cells}, {"image/png": {"alt": text}}


def show(table: pd.DataFrame) -> None:
    """Show a table below the pictures drawn so far; one without rows not.

    Its numbers are written as people read them, its words begin at the left, and where its rows
    only have numbers these are left out.
    """
    plt.show()
    if len(table):
        name = table.index.name  # of what names the rows, such as identifiers
        named = table if name is None else table.reset_index().astype({name: "str"})
        shown = readable(named).reset_index(drop=True)
        display({"text/plain": repr(shown), "text/html": _aligned(named, shown)}, raw=True)


def _aligned(table: pd.DataFrame, shown: pd.DataFrame) -> str:
    """Return a table as HTML: words at the left, numbers at the right."""
    left: Any = [("text-align", "left")]
    heads: Any = [
        {"selector": f".col{at}", "props": left}
        for at, name in enumerate(shown)
        if not pd.api.types.is_numeric_dtype(table[name]) and (at == 0 or _has_words(shown[name]))
    ]
    styled = shown.style.set_table_styles(heads).hide(axis="index").format(escape="html")
    uuid = hashlib.sha256(repr(shown).encode()).hexdigest()[:12]
    return styled.set_uuid(uuid).to_html()


def _has_words(cells: pd.Series) -> bool:
    """Whether a column holds more than numbers, shares and ranges."""
    return bool(cells.str.replace(" to ", " ").str.contains(r"[^\W\d_]").any())


def say(*sentences: str) -> None:
    """Show sentences, a paragraph each, below the pictures drawn so far; empty ones not."""
    plt.show()
    if text := "\n\n".join(filter(None, sentences)):
        display(Markdown(text))


def show_source(function: Callable[..., Any]) -> Code:
    """Return the code of a function as it runs, for a notebook to show."""
    return Code(inspect.getsource(function), language="python")
