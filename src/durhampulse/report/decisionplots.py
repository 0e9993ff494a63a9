"""Pictures of part E: each function takes a table and, if wanted, axes, and gives the axes."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.patheffects import withStroke

from durhampulse.creators.outcome import SPONSORSHIP, OutcomeWords
from durhampulse.decision.bands import NO, NO_PRECEDENT, YES, Thresholds
from durhampulse.decision.figures import quantity
from durhampulse.report import descriptions
from durhampulse.report.lookalikes import called
from durhampulse.report.plots import (
    DEAL,
    INK,
    NO_DEAL,
    PAPER,
    PERCENT,
    QUIET,
    described,
    error_bars,
    look_of,
    mark_values,
    new_axes,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "bands", "calibrations", "dependence", "front_finding", "front_ranking", "gain",
    "group_calibration", "importance", "lookalikes", "reliability",
]  # fmt: skip

YES_GREEN, MAYBE_BLUE = "#2c8a57", "#3b74c4"
_MOST_POINTS = 400
_NO_ROOM = 0.1
"""Share of an axis below which no words have room between a point and its end."""


def front_ranking(
    table: pd.DataFrame, thresholds: Thresholds, *, outcome: OutcomeWords = SPONSORSHIP
) -> Axes:
    """Ranking with intervals over the bands, and how many creators each band holds.

    Parameters
    ----------
    table
        The decision table.
    thresholds
        Where the bands begin.
    """
    ax = new_axes(None, (5.1, 3.4))
    answers = table["Sponsorship Recommendation"].value_counts()
    yes, leave = int(answers.get(YES, 0)), int(answers.get(NO, 0))
    last = min(len(table), max(3 * (len(table) - leave), 60))
    # Those with an empty cell have a range of their own: the mean one is drawn, of creators with a
    # precedent, who stand first.
    ranges = ["Interval Low", "Interval High"]
    placed = table[table["Sponsorship Recommendation"] != NO_PRECEDENT]
    ranked = placed[["Rank", "Predicted Sponsorship", *ranges]].head(last).copy()
    window = max(25, len(ranked) // 12)
    ranked[ranges] = ranked[ranges].rolling(window, center=True, min_periods=1).mean()
    shown = ranked.iloc[np.unique(np.linspace(0, len(ranked) - 1, _MOST_POINTS).astype(int))]
    bounds = 0.0, thresholds.review_at, thresholds.yes_at, 1.0
    names = ["leave", "review", "choose" if outcome.own else "sponsor"]
    counts = leave, len(table) - leave - yes, yes
    colors = QUIET, MAYBE_BLUE, YES_GREEN
    zones = zip(pairwise(bounds), names, counts, colors, strict=True)
    for (low, high), name, n, color in zones:
        ax.axhspan(low, high, color=color, alpha=0.13, linewidth=0)
        ax.text(1.02, (low + high) / 2, f"{n:,}\nto {name}", transform=ax.get_yaxis_transform(),
                ha="left", va="center", fontsize=10.5, fontweight="bold", color=INK)  # fmt: skip
    ax.fill_between(shown["Rank"], shown["Interval Low"], shown["Interval High"], color=DEAL,
                    alpha=0.25, linewidth=0, label="likely range")  # fmt: skip
    ax.plot(shown["Rank"], shown["Predicted Sponsorship"], color=DEAL, linewidth=2.2)
    ax.set(
        xlim=(1, last), ylim=(0, 1), xlabel=f"creators, the most likely first (of {len(table):,})"
    )
    ax.xaxis.set_major_formatter("{x:,.0f}")
    ax.set_yticks([0, thresholds.review_at, thresholds.yes_at, 1])
    ax.yaxis.set_major_formatter(PERCENT)
    ax.set_title(f"How likely is {outcome.a_deal}?")
    ax.legend(loc="lower left")
    return described(ax, descriptions.front_ranking(ranked, dict(zip(names, counts, strict=True))))


def front_finding(
    curve: pd.DataFrame, invited: int, *, outcome: OutcomeWords = SPONSORSHIP
) -> Axes:
    """Deals found by the first invitations; `curve` from gain_curve, `invited` of them marked."""
    ax = new_axes(None, (4.1, 3.4))
    shown = curve[curve["k"] <= min(3 * invited, len(curve))]
    base = float(curve["found"].iloc[-1]) / len(curve)
    deals = float(curve["found"].iloc[invited - 1])
    ax.plot(shown["k"], shown["found"], color=DEAL, linewidth=2.2)
    ax.plot(shown["k"], base * shown["k"], color=QUIET, linestyle="--", linewidth=1.3)
    ax.vlines(invited, 0, deals, color=INK, linewidth=1)
    on_line = withStroke(linewidth=3, foreground=PAPER)
    for height, words in ((deals, "by this list"), (base * invited, "by lot")):
        low = height < _NO_ROOM * float(shown["found"].max())
        ax.plot([invited], [height], "o", color=INK, markersize=5)
        ax.annotate(f"{height:.0f} {words}", (invited, height), (7, 6 if low else -3),
                    textcoords="offset points", ha="left", va="bottom" if low else "top",
                    fontweight="bold", color=INK, path_effects=[on_line])  # fmt: skip
    ax.set(
        xlim=(0, float(shown["k"].max())),
        xlabel="creators invited",
        ylabel=f"{outcome.deals} found",
    )
    ax.set_ylim(bottom=0)
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter("{x:,.0f}")
    ax.set_title(f"{outcome.deals[0].upper()}{outcome.deals[1:]} among the first {invited:,}")
    ax.grid()
    text = descriptions.front_finding(invited, deals, base * invited, outcome)
    return described(ax, text)


def reliability(
    table: pd.DataFrame, ax: Axes | None = None, *, outcome: OutcomeWords = SPONSORSHIP
) -> Axes:
    """Measured against predicted shares; `table` from reliability."""
    ax = new_axes(ax, (4.6, 3.8))
    ax.plot([0, 1], [0, 1], color=QUIET, linewidth=1, label="perfect")
    ax.errorbar(table["predicted"], table["measured"], yerr=error_bars(table, "measured"),
                fmt="o", color=DEAL, capsize=2.5, label="measured, 95% interval")  # fmt: skip
    ax.set(xlim=(0, 1), ylim=(0, 1), xlabel="predicted probability",
           ylabel=f"share {outcome.with_deal}")  # fmt: skip
    ax.set_title("Do the probabilities hold?")
    ax.grid()
    ax.legend(loc="upper left")
    return described(ax, descriptions.reliability(table, outcome))


def calibrations(
    table: pd.DataFrame, errors: pd.DataFrame, *, outcome: OutcomeWords = SPONSORSHIP
) -> Any:
    """Measured against predicted shares, a panel a model; `errors` from calibration_errors."""
    names = list(dict.fromkeys(table["model"]))
    rows = -(-len(names) // 2)
    _, axes = plt.subplots(rows, 2, figsize=(7.4, 3.1 * rows), sharex=True, sharey=True,
                           squeeze=False)  # fmt: skip
    errors = errors.set_index("model")
    for place, (panel, name) in enumerate(zip(axes.ravel(), names, strict=False)):
        part, row = table[table["model"] == name], errors.loc[name]
        color = INK if place == len(names) - 1 else look_of(name, place)[0]
        panel.plot([0, 1], [0, 1], color=QUIET, linewidth=1)
        panel.errorbar(part["predicted"], part["measured"], yerr=error_bars(part, "measured"),
                       fmt="o-", linewidth=1, markersize=4, color=color, capsize=2)  # fmt: skip
        panel.set_title(name, fontsize=9)
        low = f"{row['low']:.1%} to" if row["low"] else "at most"
        text = (
            f"off by {row['calibration_error']:.1%} on average\n"
            f"({low} {row['high']:.1%}; by chance {row['by_chance']:.1%})"
        )
        panel.text(0.03, 0.97, text, transform=panel.transAxes, va="top", fontsize=8)
        panel.grid()
    for panel in axes.ravel()[len(names) :]:
        panel.set_axis_off()
    axes[0, 0].set(xlim=(0, 1), ylim=(0, 1.02))
    for panel in axes[-1]:
        panel.set_xlabel("predicted probability")
    for panel in axes[:, 0]:
        panel.set_ylabel(f"share {outcome.with_deal}")
    return described(axes, descriptions.calibrations(errors.reset_index()))


def lookalikes(
    table: pd.DataFrame, ax: Axes | None = None, *, outcome: OutcomeWords = SPONSORSHIP
) -> Axes:
    """Show what became of the past creators most like a few; `table` from lookalikes."""
    rows = table.groupby("creator", sort=False)
    ax = new_axes(ax, (7.6, 1.2 + 0.42 * len(rows)))
    labels = []
    for at, (creator, part) in enumerate(rows):
        for has_deal, face in ((1, DEAL), (0, "none")):
            here = part[part["deal"] == has_deal]
            ax.scatter(here["place"], np.full(len(here), at), s=95, marker="s", facecolors=face,
                       edgecolors=DEAL if has_deal else QUIET, linewidths=1.2)  # fmt: skip
        ax.text(part["place"].max() + 0.8, at, f"{part['deal'].sum()} of {len(part)}",
                va="center", fontweight="bold")  # fmt: skip
        labels.append(f"{creator}: {called(part.iloc[0])}")
    ax.set_yticks(range(len(labels)), labels)
    most = int(table["place"].max())
    ax.set_xticks([1, most], ["most like", "less"])
    ax.set(xlim=(0.3, most + 2.6), ylim=(len(labels) - 0.4, -0.6))
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0)
    ax.set_title(f"Past creators most like them (filled: {outcome.got})")
    return described(ax, descriptions.lookalikes(table, outcome))


def bands(
    table: pd.DataFrame, ax: Axes | None = None, *, outcome: OutcomeWords = SPONSORSHIP
) -> Axes:
    """Measured hit rate of each band; `table` from band_hit_rates."""
    ax = new_axes(ax, (6.4, 2.3))
    at = np.arange(len(table))
    ax.barh(at, table["hit_rate"].fillna(0), color=DEAL, alpha=0.85, height=0.6)
    known = table["creators"].to_numpy() > 0
    rows = table[known]
    ax.errorbar(rows["hit_rate"], at[known], xerr=error_bars(rows, "hit_rate"), fmt="none",
                color=INK, capsize=3, linewidth=1)  # fmt: skip
    labels = [
        f"{b}\n({quantity(n, 'creator')})"
        for b, n in zip(table["band"], table["creators"], strict=True)
    ]
    ax.set_yticks(at, labels)
    ax.invert_yaxis()
    ax.set_xlim(0, 1)
    ax.xaxis.set_major_formatter(PERCENT)
    ax.set(title=f"Of each band, how many {outcome.got}", xlabel="measured on the test part")
    return described(ax, descriptions.bands(table, outcome))


def gain(
    table: pd.DataFrame, ax: Axes | None = None, *, outcome: OutcomeWords = SPONSORSHIP
) -> Axes:
    """Deals found against invitations sent; `table` from gain_curve."""
    ax = new_axes(ax, (5.2, 3.6))
    thin = table.iloc[np.unique(np.linspace(0, len(table) - 1, 400).astype(int))]
    ax.plot(thin["share"], thin["gain"], color=DEAL, label="by probability")
    ax.plot([0, 1], [0, 1], color=QUIET, linestyle="--", linewidth=1, label="at random")
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(PERCENT)
    label = f"{outcome.deals} found"
    title = f"{label[0].upper()}{label[1:]} by inviting the best first"
    ax.set(title=title, xlabel="creators invited", ylabel=label, xlim=(0, 1), ylim=(0, 1.02))
    ax.grid()
    ax.legend()
    return described(ax, descriptions.gain(table, outcome))


def importance(table: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Mean absolute Shapley value of each column; `table` from Explanation.importance."""
    ax = new_axes(ax, (6.4, 0.9 + 0.27 * len(table)))
    bars = ax.barh(table["feature"], table["mean_abs"], color=NO_DEAL, height=0.62)
    ax.bar_label(bars, fmt="%.2f", padding=4)
    ax.set_xlim(0, table["mean_abs"].max() * 1.15)
    ax.invert_yaxis()
    ax.set(
        title="What the model goes by",
        xlabel="mean absolute effect, log-odds (0.2: about five points)",
    )
    return described(ax, descriptions.importance(table))


def dependence(table: pd.DataFrame, features: int = 6) -> Any:
    """Effect of each column over its values, one panel each; `table` from dependence."""
    names = list(dict.fromkeys(table["feature"]))[:features]
    columns = min(2, len(names))
    rows = -(-len(names) // columns)
    _, axes = plt.subplots(rows, columns, figsize=(7.8, 2.5 * rows), squeeze=False)
    panels = axes.ravel()
    shown = table[table["feature"].isin(names)]
    ends = 1.08 * shown["low"].min(), 1.08 * shown["high"].max()  # on one scale, to be compared
    for panel, name in zip(panels, names, strict=False):
        part = table[table["feature"] == name]
        if part["x"].notna().all():
            panel.fill_between(part["x"], part["low"], part["high"], color=DEAL, alpha=0.15, lw=0)
            panel.plot(part["x"], part["effect"], color=DEAL, marker="o", markersize=3)
            if part["x"].min() > 0 and part["x"].max() > 20 * part["x"].min():
                panel.set_xscale("log")
            mark_values(panel, name)
            panel.axhline(0, color=QUIET, linewidth=1)
            panel.set(ylabel="effect, log-odds", ylim=ends)
        else:
            at = np.arange(len(part))
            panel.errorbar(part["effect"], at, xerr=error_bars(part, "effect"), fmt="o", color=DEAL,
                           markersize=3.5, capsize=2, linewidth=1)  # fmt: skip
            panel.axvline(0, color=QUIET, linewidth=1)
            panel.set_yticks(at, part["value"], fontsize=7.5)
            panel.invert_yaxis()
            panel.set(xlabel="effect, log-odds", xlim=ends)
        panel.set_title(name)
        panel.grid()
    for panel in panels[len(names) :]:
        panel.set_axis_off()
    return described(axes, descriptions.dependence(table, names))


def group_calibration(
    table: pd.DataFrame, ax: Axes | None = None, *, outcome: OutcomeWords = SPONSORSHIP
) -> Axes:
    """Predicted and measured shares of deals by niche and tier; `table` from group_quality."""
    ax = new_axes(ax, (8.2, 1.0 + 0.24 * len(table)))
    at = np.arange(len(table))
    ax.errorbar(table["measured"], at, xerr=error_bars(table, "measured"), fmt="o", color=DEAL,
                capsize=2.5, label="measured, 95% interval")  # fmt: skip
    ax.scatter(table["predicted"], at, marker="D", color=NO_DEAL, zorder=3, label="predicted")
    labels = [f"{g} ({n:,})" for g, n in zip(table["group"], table["creators"], strict=True)]
    ax.set_yticks(at, labels)
    ax.invert_yaxis()
    ax.xaxis.set_major_formatter(PERCENT)
    ax.grid(axis="x")
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
    xlabel = f"creators {outcome.with_deal}"
    ax.set(title="Do the probabilities hold for each group?", xlabel=xlabel)
    return described(ax, descriptions.group_calibration(table, outcome))
