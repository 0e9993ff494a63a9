"""Pictures of parts A to D, and what all pictures share.

Each function takes a table and, if wanted, axes, and gives the axes.
"""

from __future__ import annotations

import logging
import warnings
from typing import TYPE_CHECKING, Any, TypeVar

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from cycler import cycler
from matplotlib.ticker import FuncFormatter, LogFormatter

from durhampulse.creators.outcome import SPONSORSHIP, OutcomeWords
from durhampulse.decision.figures import axis_text, number_text
from durhampulse.models.classifiers import BOOSTING, FOREST, LOGISTIC
from durhampulse.report import descriptions
from durhampulse.report.fonts import MAIN_FONT, fallback_fonts
from durhampulse.study.baselines import BASE_RATE
from durhampulse.study.networks import MLP, REGULARISED

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from durhampulse.models.mlp import MLPTraining

__all__ = [
    "DEAL", "GRID", "INK", "NO_DEAL", "PAPER", "PERCENT", "QUIET",
    "associations", "confusion", "correlations", "curves", "described", "error_bars", "gaps",
    "groups", "histograms", "look_of", "mark_values", "models", "new_axes", "ranking", "target",
    "use_style",
]  # fmt: skip

_Panels = TypeVar("_Panels")

INK, QUIET, GRID, PAPER = "#1c2430", "#68727f", "#dfe3e8", "#fffffe"
DEAL, NO_DEAL, THIRD, OTHER = "#c2591b", "#2f6fae", "#3f8a5c", "#7d4fa3"
_ON_LIGHT = "#101418"  # on coloured cells, whatever the page
_LOOKS = {
    BASE_RATE: (QUIET, "o"),
    LOGISTIC: (NO_DEAL, "s"),
    FOREST: (THIRD, "D"),
    BOOSTING: (DEAL, "^"),
    MLP.name: (OTHER, "v"),
    REGULARISED.name: (OTHER, "P"),
}
"""Colour and mark of a model, the same in every picture."""
PERCENT = FuncFormatter(lambda share, _: f"{number_text(100 * share, 3)}%")

_STYLE: dict[str, Any] = {
    "figure.figsize": (7.2, 3.4),
    "figure.dpi": 110,
    "figure.constrained_layout.use": True,
    "font.sans-serif": [MAIN_FONT],
    "font.size": 9.5,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": QUIET,
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.prop_cycle": cycler(color=[NO_DEAL, DEAL, THIRD, QUIET]),
    "grid.color": GRID,
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "legend.frameon": False,
    "text.parse_math": False,  # dollar signs in names from a table begin no formula
    "svg.fonttype": "none",
    "svg.hashsalt": "durhampulse",
}


def use_style() -> None:
    """Set the look of all figures of this process."""
    mpl.rcParams.update({**_STYLE, "font.family": ["sans-serif", *fallback_fonts()]})
    # Said once in words rather than once a letter and picture; see report/fonts.py. A font without
    # a bold face is drawn in its usual one.
    logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", message="Glyph .* missing from", category=UserWarning)


def new_axes(ax: Axes | None, size: tuple[float, float] | None = None) -> Axes:
    """Return the axes, or new ones of a size where there are none."""
    return plt.subplots(figsize=size)[1] if ax is None else ax


def described(axes: _Panels, text: str) -> _Panels:
    """Return a picture's axes once the picture has its alternative text, as its label."""
    np.ravel(np.asarray(axes))[0].figure.set_label(text)
    return axes


def error_bars(table: pd.DataFrame, value: str) -> np.ndarray:
    """Return how far an interval's ends are from the value, shape (2, n_rows)."""
    return np.stack([table[value] - table["low"], table["high"] - table[value]]).clip(0)


class _LogMarks(LogFormatter):
    """Marks between the powers of ten, where there is room for them: over more than one, of 3."""

    def __init__(self, column: str, low: float, high: float) -> None:
        super().__init__()
        self._column, self._is_wide = column, high > 10 * low

    def __call__(self, x: float, pos: int | None = None) -> str:
        has_room = not self._is_wide or f"{x:e}".startswith("3")
        return axis_text(self._column, x) if has_room and super().__call__(x, pos) else ""


def mark_values(panel: Axes, column: str) -> None:
    """Write a column's values along an axis as people do: 35K rather than 3.5e4."""
    panel.xaxis.set_major_formatter(FuncFormatter(lambda value, _: axis_text(column, value)))
    if panel.get_xscale() == "log":
        panel.xaxis.set_minor_formatter(_LogMarks(column, *panel.get_xlim()))


def target(table: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Bars of the outcomes, with count and share; `table` from target_distribution."""
    ax = new_axes(ax, (6.4, 2.2))
    bars = ax.barh(table["outcome"], table["creators"], color=[NO_DEAL, DEAL], height=0.62)
    labels = [f"{n:,} ({s:.1%})" for n, s in zip(table["creators"], table["share"], strict=True)]
    ax.bar_label(bars, labels, padding=5)
    ax.set_xlim(0, table["creators"].max() * 1.22)
    ax.set(title="Creators by outcome", xlabel="creators")
    ax.xaxis.set_major_formatter("{x:,.0f}")
    ax.invert_yaxis()
    return described(ax, descriptions.target(table))


def associations(table: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Dots with intervals, one a feature, all on one scale; `table` from associations."""
    ax = new_axes(ax, (7.2, 0.9 + 0.32 * len(table)))
    at = np.arange(len(table))
    errors = np.stack([table["auc"] - table["auc_low"], table["auc_high"] - table["auc"]]).clip(0)
    ax.errorbar(table["auc"], at, xerr=errors, fmt="o", color=NO_DEAL, capsize=3)
    ax.axvline(0.5, color=QUIET, linewidth=1)
    ax.set_yticks(at, table["feature"])
    ax.invert_yaxis()
    ax.grid(axis="x")
    ax.margins(y=0.12)
    ax.set(title="What each feature alone tells of the outcome, 95% interval",
           xlabel="ROC AUC (0.5: nothing, 1: everything)")  # fmt: skip
    return described(ax, descriptions.associations(table))


def groups(
    table: pd.DataFrame,
    feature: str,
    ax: Axes | None = None,
    *,
    outcome: OutcomeWords = SPONSORSHIP,
) -> Axes:
    """Share of deals by group with intervals; `table` from outcome_by_group."""
    ax = new_axes(ax, (7.2, 1.0 + 0.27 * len(table)))
    at = np.arange(len(table))
    ax.barh(at, table["share"], color=DEAL, alpha=0.85, height=0.66)
    errors = error_bars(table, "share")
    ax.errorbar(table["share"], at, xerr=errors, fmt="none", color=INK, capsize=2.5, linewidth=1)
    ax.set_yticks(at, table["group"])
    ax.invert_yaxis()
    ax.xaxis.set_major_formatter(PERCENT)
    title = f"Share of {outcome.deals} by {feature}, 95% interval"
    ax.set(title=title, xlabel=f"creators {outcome.with_deal}")
    return described(ax, descriptions.groups(table, feature, outcome))


def histograms(table: pd.DataFrame, axes: Any = None) -> Any:
    """Distributions by outcome, one panel a feature; `table` from outcome_histograms."""
    features = list(dict.fromkeys(table["feature"]))
    columns = min(2, len(features))
    rows = -(-len(features) // columns)
    if axes is None:
        _, axes = plt.subplots(rows, columns, figsize=(7.4, 2.3 * rows), squeeze=False)
    panels = np.ravel(axes)
    for panel, feature in zip(panels, features, strict=False):
        part = table[table["feature"] == feature]
        looks = ((NO_DEAL, "-"), (DEAL, "--"))
        for outcome, (color, line) in zip(part["outcome"].unique(), looks, strict=True):
            rows_ = part[part["outcome"] == outcome]
            edges = np.append(rows_["left"], rows_["right"].iloc[-1])
            panel.stairs(rows_["share"], edges, color=color, linestyle=line, linewidth=1.7,
                         label=outcome)  # fmt: skip
        panel.set_xscale(part["scale"].iloc[0])
        mark_values(panel, feature)
        panel.set_title(feature)
        panel.yaxis.set_major_formatter(PERCENT)
        panel.set_ylim(bottom=0)
    for panel in panels[: len(features) : columns]:
        panel.set_ylabel("share of creators")
    for panel in panels[len(features) :]:
        panel.set_axis_off()
    panels[0].legend()
    return described(axes, descriptions.histograms(table))


def correlations(table: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Heat map with the numbers written in; `table` from correlations."""
    n = len(table)
    ax = new_axes(ax, (2.6 + 0.75 * n, 1.4 + 0.5 * n))
    values = table.to_numpy()
    ax.imshow(values, cmap="RdBu_r", vmin=-1, vmax=1, aspect="auto")
    for i, j in np.ndindex(n, n):
        color = "white" if abs(values[i, j]) > 0.6 else _ON_LIGHT
        ax.text(j, i, f"{values[i, j]:.2f}", ha="center", va="center", color=color)
    ax.set_xticks(range(n), table.columns, rotation=25, ha="right", rotation_mode="anchor")
    ax.set_yticks(range(n), table.index)
    ax.spines[:].set_visible(False)
    ax.set_title("Rank correlations (Spearman)")
    return described(ax, descriptions.correlations(table))


def models(
    table: pd.DataFrame,
    metrics: tuple[str, ...] = ("accuracy", "precision", "recall", "f1", "roc_auc", "log_loss"),
) -> Any:
    """Scores with intervals, one panel a metric; `table` from score_models.

    The base rate alone decides no scale: where it lies outside, its panel says where.
    """
    names = list(dict.fromkeys(table["model"]))
    columns = min(3, len(metrics))
    rows = -(-len(metrics) // columns)
    size = (7.6, rows * (0.8 + 0.29 * len(names)))
    _, axes = plt.subplots(rows, columns, figsize=size, sharey=True, squeeze=False)
    for panel, metric in zip(axes.ravel(), metrics, strict=False):
        part = table[table["metric"] == metric].set_index("model").loc[names]
        learned = part.drop(index=BASE_RATE, errors="ignore")
        spread = learned["high"].max() - learned["low"].min() + 1e-9
        low, high = learned["low"].min() - 0.12 * spread, learned["high"].max() + 0.12 * spread
        for i, name in enumerate(names):
            row, color, marker = part.iloc[[i]], *look_of(name, i)
            value = float(row["value"].iloc[0])
            if name == BASE_RATE and not low <= value <= high:
                at, arrow = (low, "\u25c2 {}") if value < low else (high, "{} \u25b8")
                panel.text(at, i, arrow.format(f"{value:.2f}"), color=INK, va="center",
                           ha="left" if value < low else "right", fontsize=8)  # fmt: skip
            else:
                panel.errorbar(row["value"], [i], xerr=error_bars(row, "value"), fmt=marker,
                               color=color, capsize=3)  # fmt: skip
        better = "lower" if metric in ("log_loss", "brier") else "higher"
        panel.set_title(f"{metric.replace('_', ' ')} ({better} is better)", fontsize=8.5)
        panel.grid(axis="x")
        panel.set_yticks(range(len(names)), names)
        panel.set(xlim=(low, high), ylim=(len(names) - 0.4, -0.6))
    return described(axes, descriptions.models(table, metrics))


def look_of(name: str, place: int) -> tuple[str, str]:
    """Return a model's colour and mark: the same in every picture."""
    rest = (INK, "h") if place % 2 else (OTHER, "X")
    return _LOOKS.get(name, rest)


_HIGH = 0.7
"""Average precision from which on a curve runs through the upper right."""
_LINES = ("-", "--", "-.", (0, (1, 1.2)), (0, (5, 1, 1, 1, 1, 1)))


def ranking(table: pd.DataFrame, scores: pd.DataFrame) -> Any:
    """ROC and precision-recall curves; `table` from ranking_curves, `scores` from score_models."""
    _, axes = plt.subplots(1, 2, figsize=(8.2, 3.9))
    values = scores.set_index(["model", "metric"])["value"]
    for place, (name, part) in enumerate(table.groupby("model", sort=False)):
        look = {"color": look_of(str(name), place)[0], "linestyle": _LINES[place % len(_LINES)]}
        auc, precision = values[name, "roc_auc"], values[name, "average_precision"]
        axes[0].plot(part["false_positive_rate"], part["recall"], label=f"{name} {auc:.3f}",
                     linewidth=1.6, **look)  # fmt: skip
        axes[1].plot(part["recall"], part["precision"], label=f"{name} {precision:.3f}",
                     linewidth=1.6, **look)  # fmt: skip
    base = float(table["precision"].iloc[-1])
    axes[0].plot([0, 1], [0, 1], color=QUIET, linewidth=1)
    axes[1].axhline(base, color=QUIET, linewidth=1)
    axes[1].annotate(f"by lot: {base:.0%}", (0.01, base), (0, 3), textcoords="offset points",
                     fontsize=8)  # fmt: skip
    axes[0].set(title="ROC curve, with the area under it", xlabel="false positive rate",
                ylabel="recall")  # fmt: skip
    axes[1].set(title="Precision by recall, with its average", xlabel="recall",
                ylabel="precision")  # fmt: skip
    for panel in axes:
        panel.set(xlim=(0, 1), ylim=(0, 1.02))
        panel.grid()
    axes[0].legend(loc="lower right", fontsize=8)
    is_high = values.xs("average_precision", level="metric").max() > _HIGH
    axes[1].legend(loc="lower left" if is_high else "upper right", fontsize=8)
    return described(axes, descriptions.ranking(table, scores))


def confusion(table: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Show counts and shares of each actual outcome; `table` from confusion_table."""
    ax = new_axes(ax, (4.6, 3.2))
    counts = table.to_numpy()
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    ax.imshow(shares, cmap="Blues", vmin=0, vmax=1.15, aspect="auto")
    deal = str(table.columns[1])
    words = [["rightly left", "false promise"], [f"missed {deal}", f"found {deal}"]]
    for i, j in np.ndindex(2, 2):
        color = "white" if shares[i, j] > 0.6 else _ON_LIGHT
        text = f"{counts[i, j]:,}\n{words[i][j]}\n{shares[i, j]:.0%} of row"
        ax.text(j, i, text, ha="center", va="center", color=color)
    ax.set_xticks([0, 1], table.columns)
    ax.set_yticks([0, 1], table.index)
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0)
    ax.set(title="Predicted and actual", xlabel="predicted (at 0.5)", ylabel="actual")
    return described(ax, descriptions.confusion(table))


def curves(*runs: MLPTraining) -> Any:
    """Loss and accuracy by epoch, training against validation; a row a network, on one scale."""
    size = (7.6, 0.5 + 2.4 * len(runs))
    _, axes = plt.subplots(len(runs), 2, figsize=size, sharex=True, sharey="col", squeeze=False)
    for row, run in zip(axes, runs, strict=True):
        for panel, what in zip(row, ("loss", "accuracy"), strict=True):
            epochs = run.curves["epoch"]
            panel.plot(epochs, run.curves[what], color=NO_DEAL, label="training")
            panel.plot(epochs, run.curves[f"val_{what}"], color=DEAL, linestyle="--",
                       label="validation")  # fmt: skip
            panel.set_title(f"{run.plan.name}: {what}")
            panel.grid()
    for panel in axes[-1]:
        panel.set_xlabel("epoch")
    axes[0, 0].legend()
    return described(axes, descriptions.curves(runs))


def gaps(table: pd.DataFrame) -> Any:
    """Training and validation loss by epoch for each network, all seeds; Regularisation.curves."""
    names = list(dict.fromkeys(table["network"]))
    _, axes = plt.subplots(1, len(names), figsize=(8.2, 2.9), sharey=True, squeeze=False)
    for panel, name in zip(axes[0], names, strict=True):
        part = table[table["network"] == name].groupby("epoch")
        for what, color, line in (("loss", NO_DEAL, "-"), ("val_loss", DEAL, "--")):
            mean, low, high = part[what].mean(), part[what].min(), part[what].max()
            label = "training" if what == "loss" else "validation"
            panel.plot(mean.index, mean, color=color, linestyle=line, label=label)
            panel.fill_between(mean.index, low, high, color=color, alpha=0.15, linewidth=0)
        panel.set_title(name, fontsize=9)
        panel.set_xlabel("epoch")
        panel.grid()
    axes[0, 0].set_ylabel("cross-entropy (band: all seeds)")
    axes[0, 0].legend()
    return described(axes, descriptions.gaps(table))
