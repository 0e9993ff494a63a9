"""What the notebook's cells show: sentences, source code, and the house's look."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from IPython.core.getipython import get_ipython
from IPython.display import Code, Markdown, display
from matplotlib_inline.config import InlineBackend

from durhampulse.decision.figures import number_text
from durhampulse.report import plots
from durhampulse.report.cells import readable

__all__ = ["display", "say", "set_up", "show", "show_source"]


def set_up() -> None:
    """Set the look of pictures and tables in this notebook."""
    plots.use_style()
    if (shell := get_ipython()) is not None:
        uncropped: dict[str, Any] = {"bbox_inches": None}  # pictures are laid out already
        InlineBackend.instance(parent=shell).print_figure_kwargs = uncropped
    pd.set_option("display.float_format", number_text)
    pd.set_option("display.max_colwidth", 400)
    pd.set_option("display.max_columns", 30)
    pd.set_option("display.max_rows", 60)


def show(table: pd.DataFrame) -> None:
    """Show a table with its numbers as people read them, below the pictures drawn so far."""
    plt.show()
    display(readable(table))


def say(*sentences: str) -> None:
    """Show sentences, a paragraph each, below the pictures drawn so far; empty ones not."""
    plt.show()
    display(Markdown("\n\n".join(filter(None, sentences))))


def show_source(function: Callable[..., Any]) -> Code:
    """Return the code of a function as it runs, for a notebook to show."""
    return Code(inspect.getsource(function), language="python")
