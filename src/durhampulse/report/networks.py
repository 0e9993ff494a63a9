"""What the numbers of parts C and D mean, in sentences.

As in :mod:`durhampulse.report.interpretation`, each sentence is chosen and filled by the tables of
the run.
"""

from __future__ import annotations

import pandas as pd

from durhampulse.creators.words import listed
from durhampulse.models.cnn import PICTURES, REACHES, SIDE
from durhampulse.report.cells import p_text
from durhampulse.study.results import BaselineComparison, Comparison, Judgement, Regularisation

__all__ = ["cnn_filters", "cnn_images", "deep_learning", "gain", "regularisation"]

_CERTAIN = 0.05


def deep_learning(part: BaselineComparison, comparison: Comparison, judged: Judgement) -> str:
    """C3: whether deep learning improved results, and why, in two to three sentences."""
    rows = part.difference.set_index("metric")
    losses = part.by_seed[part.by_seed["metric"] == "log_loss"]["difference"]
    figures = (
        f"Over {len(part.runs)} trainings {_change('accuracy', rows)}, {_change('f1', rows)} and "
        f"{_change('log_loss', rows)}, training by training {losses.min():+.4f} to "
        f"{losses.max():+.4f}."
    )
    question = "**Did deep learning improve results?**"
    better = [str(name) for name, row in rows.iterrows() if gain(str(name), row) > 0]
    worse = [str(name) for name, row in rows.iterrows() if gain(str(name), row) < 0]
    if not judged.verdict.has_signal:
        verdict = "No, and nothing could: there is no signal to learn."
        why = f"What differs from {part.baseline} is how much of the noise each has learned."
    elif better and not worse:
        verdict = f"Yes, in {_metrics(better)}, beyond noise."
        why = (
            f"Its hidden layers bend and combine the features smoothly, which {part.baseline} does "
            "not, and that shape seems to fit these data."
        )
    elif worse and not better:
        verdict = f"No: it is worse in {_metrics(worse)}, beyond noise."
        why = _why_worse(part, len(comparison.out_of_fold[part.baseline].y_prob))
    elif better:
        verdict = f"In part: better in {_metrics(better)}, worse in {_metrics(worse)}."
        why = "The two models trade one kind of error for another."
    else:
        n_features = len(comparison.models[part.baseline].encoding.columns)
        verdict = f"Not measurably: no difference from {part.baseline} is beyond noise."
        why = (
            f"In a table of {n_features} features both find about the same structure; learning "
            "features from pictures or text, a network's strength, has nothing to work on here."
        )
    return f"{question} {verdict} {figures} {why}"


def _why_worse(part: BaselineComparison, n_train: int) -> str:
    """Return what the network's own curves say of why it does worse."""
    last = pd.DataFrame([run.curves.iloc[-1] for run in part.runs])
    best = [
        int(run.curves["epoch"].iloc[int(run.curves["val_loss"].argmin())]) for run in part.runs
    ]
    if (last["val_loss"] > last["loss"]).all():
        return (
            f"It overfits: after {int(last['epoch'].iloc[0])} epochs its log loss is "
            f"{last['loss'].mean():.3f} on the rows it learned from and "
            f"{last['val_loss'].mean():.3f} on those it kept to watch itself, lowest after "
            f"{_span(min(best), max(best))}."
        )
    return (
        f"It does not overfit, so {part.baseline} may need fewer examples: the network learns from "
        f"four fifths of {n_train:,} rows."
    )


def _span(low: int, high: int) -> str:
    return f"{low}" if low == high else f"{low} to {high}"


def _change(metric: str, rows: pd.DataFrame) -> str:
    """Return a score of both and the interval of its difference, in words."""
    row = rows.loc[metric]
    return (
        f"{_metrics([metric])} is {row['first']:.3f} against {row['second']:.3f} "
        f"({row['low']:+.4f} to {row['high']:+.4f})"
    )


def gain(metric: str, row: pd.Series) -> int:
    """Return 1 for a gain, -1 for a loss and 0 for a difference within noise."""
    if row["low"] <= 0 <= row["high"] or row["p_value"] > _CERTAIN:
        return 0
    higher = row["low"] > 0
    return 1 if higher != (metric in ("log_loss", "brier")) else -1


def _metrics(names: list[str]) -> str:
    """Return metrics as a sentence lists them."""
    return listed([name.replace("_", " ").replace("f1", "F1") for name in names])


def regularisation(part: Regularisation, judged: Judgement) -> str:
    """D2: whether regularisation reduced overfitting, and how one knows, in two sentences."""
    none, old, new = part.summary["network"]
    gaps = part.runs.pivot(index="seed", columns="network", values="gap")
    closer, n = int((gaps[new] < gaps[old]).sum()), len(gaps)
    verdict = "Yes" if closer == n else "Not reliably: it depends on the seed" if closer else "No"
    if (gaps[none] <= 0).any():
        verdict = "There was none beyond chance"
    how = (
        f"the gap between validation and training loss goes from {gaps[old].mean():.4f} (C1) to "
        f"{gaps[new].mean():.4f} (D1), smaller in {closer} of {n} seeds, where a network without "
        f"either has {gaps[none].mean():.4f} ({gaps[none].min():+.4f} to {gaps[none].max():+.4f} "
        "by seed)."
    )
    rows = {str(row["metric"]): row for _, row in part.difference.iterrows()}
    gains = {metric: gain(metric, rows[metric]) for metric in ("log_loss", "f1")}
    effects = listed([_effect(metric, rows[metric]) for metric in gains])
    if not judged.verdict.has_signal:
        what = ", but without a signal there is only noise to learn"
    elif min(gains.values()) < 0 <= max(gains.values()) and (gaps[none] <= 0).any():
        what = ": it is held back where nothing was overfitted"
    elif max(gains.values()) <= 0 and min(gains.values()) < 0:
        what = ": it is held back more than it overfitted"
    else:
        what = ""
    return (
        f"**Did regularization reduce overfitting?** {verdict}: {how} "
        f"On unseen creators the new network's {effects}{what}."
    )


def _effect(metric: str, row: pd.Series) -> str:
    """Return in words whether a score gets better, with its difference and interval."""
    how = {1: "gets better", 0: "stays the same within noise", -1: "gets worse"}
    return (
        f"{_metrics([metric])} {how[gain(metric, row)]} ({row['difference']:+.4f}; "
        f"{row['low']:+.4f} to {row['high']:+.4f}, {p_text(row['p_value'])})"
    )


def cnn_images() -> str:
    """D3: which pictures would help and why. A thought experiment, so no numbers of the run."""
    return (
        f"I would use each creator's {PICTURES} most viewed thumbnails of the last month, "
        f"{SIDE} by {SIDE} pixels each on one sheet, because at that size they show what the table "
        "cannot: whether a face, a product or a brand's logo is there, whether words stand on the "
        "picture, and how it is lit and framed."
    )


def cnn_filters() -> str:
    """D3: what the filters of such a network would learn, as far as each layer sees."""
    seen = [f"{pixels} pixels" for pixels in REACHES]
    return (
        f"The first Conv2D layer sees {seen[0]} at a time and would learn edges, colour contrasts "
        f"and strokes of letters; the second and third ({seen[1]} and {seen[2]}) join them to "
        "textures and small shapes such as skin, fabric, an eye, letters of a caption or a logo; "
        f"the fourth and fifth ({seen[3]} and {seen[4]}, of {SIDE} that a thumbnail is wide) to "
        "things and arrangements: a face beside a product, a tidy studio or a crowded room, a "
        "game's interface. Where they stand does not matter, so the last maps are averaged, which "
        "tells how much of each the pictures hold."
    )
