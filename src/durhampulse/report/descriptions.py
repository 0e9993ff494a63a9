"""What pictures show, in words and the run's numbers, for those who do not see them.

Each function describes the picture of its name in :mod:`durhampulse.report.plots` or
:mod:`durhampulse.report.decisionplots`, from the same table.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from durhampulse.creators.outcome import OutcomeWords
from durhampulse.creators.words import listed
from durhampulse.decision.figures import axis_text, quantity

if TYPE_CHECKING:
    from durhampulse.models.mlp import MLPTraining

__all__ = [
    "associations", "bands", "calibrations", "confusion", "correlations", "curves", "dependence",
    "front_finding", "front_ranking", "gain", "gaps", "group_calibration", "groups", "histograms",
    "importance", "lookalikes", "models", "ranking", "reliability", "target",
]  # fmt: skip

_MOST = 12
"""How many bars, dots or lines are named; of more the first."""
_PAIRS = 3


def _each(texts: Iterable[str]) -> str:
    """Return what is said of each part, and how many parts nothing is said of."""
    texts = list(texts)
    more = [f"{len(texts) - _MOST:,} more"] if len(texts) > _MOST else []
    return "; ".join(texts[:_MOST] + more)


def target(table: pd.DataFrame) -> str:
    """Return the count and share of each outcome."""
    rows = zip(table["outcome"], table["creators"], table["share"], strict=True)
    return "Bars of creators by outcome: " + _each(
        f"{name} {n:,} ({share:.1%})" for name, n, share in rows
    )


def associations(table: pd.DataFrame) -> str:
    """Return each feature's ROC AUC with its interval, the strongest first."""
    rows = zip(table["feature"], table["auc"], table["auc_low"], table["auc_high"], strict=True)
    return "ROC AUC of each feature alone, dots with intervals: " + _each(
        f"{name} {auc:.2f} ({low:.2f} to {high:.2f})" for name, auc, low, high in rows
    )


def groups(table: pd.DataFrame, feature: str, outcome: OutcomeWords) -> str:
    """Return each group's share of deals with its interval."""
    rows = zip(table["group"], table["share"], table["low"], table["high"], strict=True)
    return f"Share of {outcome.deals} by {feature}, bars with intervals: " + _each(
        f"{name} {share:.0%} ({low:.0%} to {high:.0%})" for name, share, low, high in rows
    )


def histograms(table: pd.DataFrame) -> str:
    """Return below what about half of each outcome's creators lie, feature by feature."""
    texts = []
    for feature, part in table.groupby("feature", sort=False):
        halves = [
            f"{axis_text(str(feature), _half(rows))} ({outcome})"
            for outcome, rows in part.groupby("outcome", sort=False)
        ]
        texts.append(f"{feature} {listed(halves)}")
    return (
        "Distribution of each number by outcome, two outlines; half of the creators lie below "
        f"about: {_each(texts)}"
    )


def _half(rows: pd.DataFrame) -> float:
    """Return the end of the bin in which the sum of shares reaches a half."""
    return float(rows["right"].iloc[int(np.argmax(rows["share"].cumsum() >= 0.5))])


def correlations(table: pd.DataFrame) -> str:
    """Return the strongest correlations."""
    values, names = table.to_numpy(), table.columns
    pairs = [(values[i, j], names[i], names[j]) for i, j in combinations(range(len(table)), 2)]
    strongest = sorted(pairs, key=lambda pair: -abs(np.nan_to_num(pair[0])))[:_PAIRS]
    texts = [f"{a} and {b} {value:.2f}" for value, a, b in strongest]
    return f"Rank correlations of {len(table)} columns; the strongest: {_each(texts)}"


def models(table: pd.DataFrame, metrics: Sequence[str]) -> str:
    """Return the lowest and highest score of each metric, and whose they are."""
    texts = []
    for metric in metrics:
        part = table[table["metric"] == metric].sort_values("value")
        (low, worst), (high, best) = (
            (row["value"], row["model"]) for _, row in part.iloc[[0, -1]].iterrows()
        )
        texts.append(f"{metric.replace('_', ' ')} {low:.3f} ({worst}) to {high:.3f} ({best})")
    return "Scores on the test part, dots with intervals: " + _each(texts)


def ranking(table: pd.DataFrame, scores: pd.DataFrame) -> str:
    """Return the area under each model's ROC curve and its average precision."""
    values = scores.set_index(["metric", "model"])["value"]
    names = list(dict.fromkeys(table["model"]))
    areas, precisions = (
        _each(f"{name} {values[metric, name]:.3f}" for name in names)
        for metric in ("roc_auc", "average_precision")
    )
    return (
        f"ROC curves, the area under each: {areas}. Curves of precision by recall, the average of "
        f"each: {precisions}"
    )


def confusion(table: pd.DataFrame) -> str:
    """Return the four counts."""
    texts = [
        f"of {row.sum():,} {actual}, "
        + " and ".join(f"{n:,} predicted as {name}" for name, n in row.items())
        for actual, row in table.iterrows()
    ]
    return "Confusion matrix: " + _each(texts)


def curves(runs: Sequence[MLPTraining]) -> str:
    """Return where each network's losses and accuracies begin and end."""
    texts = []
    for run in runs:
        first, last = run.curves.iloc[0], run.curves.iloc[-1]
        ways = [
            f"{words} from {first[name]:.3f} to {last[name]:.3f}"
            for name, words in (
                ("loss", "training loss"), ("val_loss", "validation loss"),
                ("accuracy", "training accuracy"), ("val_accuracy", "validation accuracy"),
            )
        ]  # fmt: skip
        epochs = f"epochs {first['epoch']:.0f} to {last['epoch']:.0f}"
        texts.append(f"{run.plan.name}, {epochs}, {', '.join(ways)}")
    return "Loss and accuracy by epoch, lines: " + _each(texts)


def gaps(table: pd.DataFrame) -> str:
    """Return each network's losses after the last epoch, on average over the seeds."""
    last = table[table["epoch"] == table["epoch"].max()]
    means = last.groupby("network", sort=False)[["loss", "val_loss"]].mean()
    return "Loss by epoch, lines with bands of all seeds; means after the last: " + _each(
        f"{name} {row['loss']:.3f} (training) and {row['val_loss']:.3f} (validation)"
        for name, row in means.iterrows()
    )


def front_ranking(ranked: pd.DataFrame, counts: Mapping[str, int]) -> str:
    """Return how many creators each zone holds, and between what the line drawn falls."""
    p = ranked["Predicted Sponsorship"]
    zones = listed([f"{n:,} to {name}" for name, n in counts.items()])
    return (
        f"Probabilities with likely ranges, a falling line over three zones: {zones}; the first "
        f"{quantity(len(ranked), 'creator')} from {p.iloc[0]:.2f} to {p.iloc[-1]:.2f}"
    )


def front_finding(invited: int, deals: float, by_lot: float, outcome: OutcomeWords) -> str:
    """Return what the first invitations find, and what as many at random would."""
    return (
        f"Two rising lines, {outcome.deals} found by number of invitations: the first {invited:,} "
        f"of this list hold {deals:.0f}, as many drawn by lot {by_lot:.0f}"
    )


def reliability(table: pd.DataFrame, outcome: OutcomeWords) -> str:
    """Return the predicted and the measured share of each part."""
    rows = zip(table["predicted"], table["measured"], strict=True)
    return f"Predicted and measured share {outcome.with_deal}, dots along a diagonal: " + _each(
        f"{predicted:.0%} and {measured:.0%}" for predicted, measured in rows
    )


def calibrations(errors: pd.DataFrame) -> str:
    """Return how far off each model is on average."""
    return (
        "Predicted and measured shares of each model, dots along a diagonal; off on average: "
        + _each(
            f"{name} by {error:.1%}"
            for name, error in zip(errors["model"], errors["calibration_error"], strict=True)
        )
    )


def lookalikes(table: pd.DataFrame, outcome: OutcomeWords) -> str:
    """Return how many of the creators most like each had a deal."""
    return f"Past creators most like a few, squares, filled if they {outcome.got}: " + _each(
        f"creator {name} ({str(part['answer'].iloc[0]).partition(' (')[0] or 'no answer'}) "
        f"{part['deal'].sum()} of {len(part)}"
        for name, part in table.groupby("creator", sort=False)
    )


def bands(table: pd.DataFrame, outcome: OutcomeWords) -> str:
    """Return each band's hit rate with its interval."""
    return f"Of each band, how many {outcome.got}, bars with intervals: " + _each(
        f"{row['band']}, {row['hit_rate']:.0%} of {row['creators']:,} ({row['low']:.0%} to "
        f"{row['high']:.0%})"
        if row["creators"]
        else f"{row['band']}, nobody"
        for _, row in table.iterrows()
    )


def gain(table: pd.DataFrame, outcome: OutcomeWords) -> str:
    """Return the share of deals that the first tenth, fifth and half hold."""
    shares = {
        share: float(np.interp(share, table["share"], table["gain"])) for share in (0.1, 0.2, 0.5)
    }
    return f"Share of {outcome.deals} found by inviting the best first, a line: " + _each(
        f"{found:.0%} by the first {share:.0%}" for share, found in shares.items()
    )


def importance(table: pd.DataFrame) -> str:
    """Return each column's mean effect, the strongest first."""
    rows = zip(table["feature"], table["mean_abs"], strict=True)
    return "Mean effect of each column on the log-odds, bars: " + _each(
        f"{name} {value:.2f}" for name, value in rows
    )


def dependence(table: pd.DataFrame, names: Sequence[str]) -> str:
    """Return each column's effect at both ends: of its figures, or of its levels by effect."""
    texts = []
    for name in names:
        ends = [
            f"{row['effect']:+.1f} at "
            + (str(row["value"]) if pd.isna(row["x"]) else axis_text(name, row["x"]))
            for _, row in table[table["feature"] == name].iloc[[0, -1]].iterrows()
        ]
        texts.append(f"{name} {' to '.join(ends)}")
    return "Effect of each column on the log-odds, a line or dots: " + _each(texts)


def group_calibration(table: pd.DataFrame, outcome: OutcomeWords) -> str:
    """Return each group's predicted and measured share."""
    rows = zip(table["group"], table["predicted"], table["measured"], strict=True)
    return (
        f"Predicted and measured share {outcome.with_deal} by group, diamonds and dots: "
        + _each(f"{name} {predicted:.0%} and {measured:.0%}" for name, predicted, measured in rows)
    )
