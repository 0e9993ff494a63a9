"""Pictures: each function takes a table and, if wanted, axes, and gives the axes."""

from __future__ import annotations

import logging
import warnings
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from cycler import cycler
from matplotlib.ticker import FuncFormatter, LogFormatter

from durhampulse.creators.outcome import SPONSORSHIP, OutcomeWords
from durhampulse.decision.figures import axis_text, number_text
from durhampulse.report.fonts import MAIN_FONT, fallback_fonts

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "associations", "bands", "confusion", "correlations", "curves", "dependence", "gain", "gaps",
    "group_calibration", "groups", "histograms", "importance", "models",
    "reliability", "target", "use_style",
]  # fmt: skip

INK, QUIET, GRID = "#1c2430", "#68727f", "#dfe3e8"
DEAL, NO_DEAL, THIRD = "#c2591b", "#2f6fae", "#3f8a5c"
_ON_LIGHT = "#101418"  # on coloured cells, whatever the page
_MARKERS = "osD^vP"
_PERCENT = FuncFormatter(lambda share, _: f"{number_text(100 * share, 3)}%")

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


def _axes(ax: Axes | None, size: tuple[float, float] | None = None) -> Axes:
    return plt.subplots(figsize=size)[1] if ax is None else ax


def _errors(table: pd.DataFrame, value: str) -> np.ndarray:
    return np.stack([table[value] - table["low"], table["high"] - table[value]]).clip(0)


class _LogMarks(LogFormatter):
    """Marks between the powers of ten, where there is room for them."""

    def __init__(self, column: str) -> None:
        super().__init__()
        self._column = column

    def __call__(self, x: float, pos: int | None = None) -> str:
        return axis_text(self._column, x) if super().__call__(x, pos) else ""


def _mark_values(panel: Axes, column: str) -> None:
    """Write a column's values along an axis as people do: 35K rather than 3.5e4."""
    panel.xaxis.set_major_formatter(FuncFormatter(lambda value, _: axis_text(column, value)))
    if panel.get_xscale() == "log":
        panel.xaxis.set_minor_formatter(_LogMarks(column))


def target(table: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Bars of the outcomes, with count and share; `table` from target_distribution."""
    ax = _axes(ax, (6.4, 2.2))
    bars = ax.barh(table["outcome"], table["creators"], color=[NO_DEAL, DEAL], height=0.62)
    labels = [f"{n:,} ({s:.1%})" for n, s in zip(table["creators"], table["share"], strict=True)]
    ax.bar_label(bars, labels, padding=5)
    ax.set_xlim(0, table["creators"].max() * 1.22)
    ax.set(title="Creators by outcome", xlabel="creators")
    ax.invert_yaxis()
    return ax


def associations(table: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Dots with intervals, one a feature; `table` from associations."""
    ax = _axes(ax, (7.2, 0.9 + 0.38 * len(table)))
    at = np.arange(len(table))
    kinds = list(dict.fromkeys(table["measure"]))
    for i, kind in enumerate(kinds):
        here = (table["measure"] == kind).to_numpy()
        rows = table[here]
        ax.errorbar(
            rows["value"], at[here], xerr=_errors(rows, "value"),
            fmt=_MARKERS[i], color=(NO_DEAL, DEAL)[i % 2], capsize=3, label=kind,
        )  # fmt: skip
    ax.axvline(0, color=QUIET, linewidth=1)
    ax.set_yticks(at, table["feature"])
    ax.invert_yaxis()
    ax.grid(axis="x")
    ax.margins(y=0.12)
    ax.legend(loc="best")
    ax.set(title="Association with the outcome, 95% interval", xlabel="strength")
    return ax


def groups(
    table: pd.DataFrame,
    feature: str,
    ax: Axes | None = None,
    *,
    outcome: OutcomeWords = SPONSORSHIP,
) -> Axes:
    """Share of deals by group with intervals; `table` from outcome_by_group."""
    ax = _axes(ax, (7.2, 1.0 + 0.27 * len(table)))
    at = np.arange(len(table))
    ax.barh(at, table["share"], color=DEAL, alpha=0.85, height=0.66)
    errors = _errors(table, "share")
    ax.errorbar(table["share"], at, xerr=errors, fmt="none", color=INK, capsize=2.5, linewidth=1)
    ax.set_yticks(at, table["group"])
    ax.invert_yaxis()
    ax.xaxis.set_major_formatter(_PERCENT)
    title = f"Share of {outcome.deals} by {feature}, 95% interval"
    ax.set(title=title, xlabel=f"creators {outcome.with_deal}")
    return ax


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
        _mark_values(panel, feature)
        panel.set_title(feature)
        panel.yaxis.set_major_formatter(_PERCENT)
        panel.set_ylim(bottom=0)
    for panel in panels[len(features) :]:
        panel.set_axis_off()
    panels[0].legend()
    return axes


def correlations(table: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Heat map with the numbers written in; `table` from correlations."""
    n = len(table)
    ax = _axes(ax, (2.6 + 0.75 * n, 1.4 + 0.5 * n))
    values = table.to_numpy()
    ax.imshow(values, cmap="RdBu_r", vmin=-1, vmax=1, aspect="auto")
    for i, j in np.ndindex(n, n):
        color = "white" if abs(values[i, j]) > 0.6 else _ON_LIGHT
        ax.text(j, i, f"{values[i, j]:.2f}", ha="center", va="center", color=color)
    ax.set_xticks(range(n), table.columns, rotation=25, ha="right", rotation_mode="anchor")
    ax.set_yticks(range(n), table.index)
    ax.spines[:].set_visible(False)
    ax.set_title("Rank correlations (Spearman)")
    return ax


def models(
    table: pd.DataFrame,
    metrics: tuple[str, ...] = ("accuracy", "precision", "recall", "f1", "roc_auc", "log_loss"),
) -> Any:
    """Scores with intervals, one panel a metric; `table` from score_models."""
    names = list(dict.fromkeys(table["model"]))
    columns = min(3, len(metrics))
    rows = -(-len(metrics) // columns)
    size = (7.6, rows * (0.8 + 0.29 * len(names)))
    _, axes = plt.subplots(rows, columns, figsize=size, sharey=True, squeeze=False)
    at = np.arange(len(names))
    for panel, metric in zip(axes.ravel(), metrics, strict=False):
        part = table[table["metric"] == metric].set_index("model").loc[names]
        for i in range(len(names)):
            row = part.iloc[[i]]
            panel.errorbar(row["value"], [i], xerr=_errors(row, "value"), fmt=_MARKERS[i % 6],
                           color=(QUIET, NO_DEAL, THIRD, DEAL)[i % 4], capsize=3)  # fmt: skip
        better = "lower" if metric in ("log_loss", "brier") else "higher"
        panel.set_title(f"{metric.replace('_', ' ')} ({better} is better)", fontsize=8.5)
        panel.grid(axis="x")
        panel.set_yticks(at, names)
        panel.margins(y=0.2)
    axes[0, 0].invert_yaxis()
    return axes


def confusion(table: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Show counts and shares of each actual outcome; `table` from confusion_table."""
    ax = _axes(ax, (4.6, 3.2))
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
    ax.set(xlabel="predicted (at 0.5)", ylabel="actual")
    return ax


def curves(table: pd.DataFrame, title: str) -> Any:
    """Loss and accuracy by epoch, training against validation; `table` of MLPTraining.curves."""
    _, axes = plt.subplots(1, 2, figsize=(7.6, 2.9))
    for panel, what in zip(axes, ("loss", "accuracy"), strict=True):
        panel.plot(table["epoch"], table[what], color=NO_DEAL, label="training")
        panel.plot(table["epoch"], table[f"val_{what}"], color=DEAL, linestyle="--",
                   label="validation")  # fmt: skip
        panel.set(xlabel="epoch", title=f"{title}: {what}")
        panel.grid()
    axes[0].legend()
    return axes


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
    axes[0, 0].set_ylabel("cross-entropy")
    axes[0, 0].legend()
    return axes


def reliability(
    table: pd.DataFrame, ax: Axes | None = None, *, outcome: OutcomeWords = SPONSORSHIP
) -> Axes:
    """Measured against predicted shares; `table` from reliability."""
    ax = _axes(ax, (4.6, 3.8))
    ax.plot([0, 1], [0, 1], color=QUIET, linewidth=1, label="perfect")
    ax.errorbar(table["predicted"], table["measured"], yerr=_errors(table, "measured"),
                fmt="o", color=DEAL, capsize=2.5, label="measured, 95% interval")  # fmt: skip
    ax.set(xlim=(0, 1), ylim=(0, 1), xlabel="predicted probability",
           ylabel=f"share {outcome.with_deal}")  # fmt: skip
    ax.set_title("Do the probabilities hold?")
    ax.grid()
    ax.legend(loc="upper left")
    return ax


def bands(
    table: pd.DataFrame, ax: Axes | None = None, *, outcome: OutcomeWords = SPONSORSHIP
) -> Axes:
    """Measured hit rate of each band; `table` from band_hit_rates."""
    ax = _axes(ax, (6.4, 2.3))
    at = np.arange(len(table))
    ax.barh(at, table["hit_rate"].fillna(0), color=DEAL, alpha=0.85, height=0.6)
    known = table["creators"].to_numpy() > 0
    rows = table[known]
    ax.errorbar(rows["hit_rate"], at[known], xerr=_errors(rows, "hit_rate"), fmt="none",
                color=INK, capsize=3, linewidth=1)  # fmt: skip
    labels = [
        f"{b}\n({n:,} creators)" for b, n in zip(table["band"], table["creators"], strict=True)
    ]
    ax.set_yticks(at, labels)
    ax.invert_yaxis()
    ax.set_xlim(0, 1)
    ax.xaxis.set_major_formatter(_PERCENT)
    ax.set(title=f"Of each band, how many {outcome.got}", xlabel="measured on the test part")
    return ax


def gain(
    table: pd.DataFrame, ax: Axes | None = None, *, outcome: OutcomeWords = SPONSORSHIP
) -> Axes:
    """Deals found against invitations sent; `table` from gain_curve."""
    ax = _axes(ax, (5.2, 3.6))
    thin = table.iloc[np.unique(np.linspace(0, len(table) - 1, 400).astype(int))]
    ax.plot(thin["share"], thin["gain"], color=DEAL, label="by probability")
    ax.plot([0, 1], [0, 1], color=QUIET, linestyle="--", linewidth=1, label="at random")
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(_PERCENT)
    label = f"{outcome.deals} found"
    title = f"{label[0].upper()}{label[1:]} by inviting the best first"
    ax.set(title=title, xlabel="creators invited", ylabel=label)
    ax.grid()
    ax.legend()
    return ax


def importance(table: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Mean absolute Shapley value of each column; `table` from Explanation.importance."""
    ax = _axes(ax, (6.4, 0.9 + 0.27 * len(table)))
    bars = ax.barh(table["feature"], table["mean_abs"], color=NO_DEAL, height=0.62)
    ax.bar_label(bars, fmt="%.2f", padding=4)
    ax.set_xlim(0, table["mean_abs"].max() * 1.15)
    ax.invert_yaxis()
    ax.set(title="What the model goes by", xlabel="mean absolute effect, log-odds")
    return ax


def dependence(table: pd.DataFrame, features: int = 6) -> Any:
    """Effect of each column over its values, one panel each; `table` from dependence."""
    names = list(dict.fromkeys(table["feature"]))[:features]
    columns = min(2, len(names))
    rows = -(-len(names) // columns)
    _, axes = plt.subplots(rows, columns, figsize=(7.8, 2.5 * rows), squeeze=False)
    panels = axes.ravel()
    for panel, name in zip(panels, names, strict=False):
        part = table[table["feature"] == name]
        if part["x"].notna().all():
            panel.fill_between(part["x"], part["low"], part["high"], color=DEAL, alpha=0.15, lw=0)
            panel.plot(part["x"], part["effect"], color=DEAL, marker="o", markersize=3)
            if part["x"].min() > 0 and part["x"].max() > 20 * part["x"].min():
                panel.set_xscale("log")
            _mark_values(panel, name)
            panel.axhline(0, color=QUIET, linewidth=1)
            panel.set_ylabel("effect, log-odds")
        else:
            at = np.arange(len(part))
            panel.errorbar(part["effect"], at, xerr=_errors(part, "effect"), fmt="o", color=DEAL,
                           markersize=3.5, capsize=2, linewidth=1)  # fmt: skip
            panel.axvline(0, color=QUIET, linewidth=1)
            panel.set_yticks(at, part["value"], fontsize=7.5)
            panel.invert_yaxis()
            panel.set_xlabel("effect, log-odds")
        panel.set_title(name)
        panel.grid()
    for panel in panels[len(names) :]:
        panel.set_axis_off()
    return axes


def group_calibration(
    table: pd.DataFrame, ax: Axes | None = None, *, outcome: OutcomeWords = SPONSORSHIP
) -> Axes:
    """Predicted and measured shares of deals by niche and tier; `table` from group_quality."""
    ax = _axes(ax, (7.2, 1.0 + 0.24 * len(table)))
    at = np.arange(len(table))
    ax.errorbar(table["measured"], at, xerr=_errors(table, "measured"), fmt="o", color=DEAL,
                capsize=2.5, label="measured, 95% interval")  # fmt: skip
    ax.scatter(table["predicted"], at, marker="D", color=NO_DEAL, zorder=3, label="predicted")
    labels = [f"{g} ({n:,})" for g, n in zip(table["group"], table["creators"], strict=True)]
    ax.set_yticks(at, labels)
    ax.invert_yaxis()
    ax.xaxis.set_major_formatter(_PERCENT)
    ax.grid(axis="x")
    ax.legend()
    xlabel = f"creators {outcome.with_deal}"
    ax.set(title="Do the probabilities hold for each group?", xlabel=xlabel)
    return ax
