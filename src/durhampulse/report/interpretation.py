"""What the numbers of a run mean, in sentences.

Nothing here is fixed in advance: each sentence is chosen and filled by the tables of the run, and
says so when a difference is within noise or when there is nothing to find.
"""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from durhampulse.creators.outcome import OutcomeWords
from durhampulse.creators.schema import COLUMNS, GROWTH, IDENTIFIER, LABEL
from durhampulse.creators.table import Creators
from durhampulse.features.repeats import counted
from durhampulse.study.results import (
    BaselineComparison,
    Comparison,
    Confusion,
    Exploration,
    Inspection,
    Judgement,
    Preparation,
    Regularisation,
)

__all__ = [
    "baseline_choice",
    "cnn_filters",
    "cnn_images",
    "confusion",
    "deep_learning",
    "feature",
    "growth_unit",
    "inspection",
    "letters",
    "meaning",
    "outcome_of",
    "plain",
    "preparation",
    "regularisation",
    "target",
    "without_markup",
]  # fmt: skip

_CERTAIN = 0.05


def without_markup(text: str) -> str:
    """Return a sentence of this module as plain text, for a terminal."""
    return re.sub(r"\\(.)", r"\1", re.sub(r"(?<!\\)\*", "", text))


def inspection(part: Inspection) -> str:
    """A1: what was read and what stands out."""
    creators, (rows, columns) = part.creators, part.shape
    ledger = part.irregularities
    simulated = " **The data are simulated.**" if creators.source.simulated else ""
    features = [role.column for role in creators.features]
    missing = ledger[(ledger["code"] == "missing") & ledger["column"].isin(features)]
    cells = int(missing["count"].sum())
    text = f"The table holds {rows:,} rows and {columns} columns.{simulated} "
    if cells:
        worst = missing.sort_values("count").iloc[-1]
        text += (
            f"{cells:,} cells of features are empty, the most in {plain(worst['column'])} "
            f"({worst['count']:,}); empty cells stay empty here and are filled in B1 with values "
            "learned on the training part, with a column that says so. "
        )
    else:
        text += "No feature has an empty cell. "
    kinds = ledger["code"].nunique()
    text += (
        f"{kinds} kinds of irregularity were found; the ledger names each with its count, example "
        f"rows, explanation and what was done. {len(creators.table):,} rows remain"
    )
    if creators.unit == "rows":
        text += f", of {creators.table[IDENTIFIER].nunique():,} creators"
    dropped = rows - len(creators.table) - len(creators.refused)
    if dropped or len(creators.refused):
        text += f" ({dropped} dropped as duplicates, {len(creators.refused)} refused as impossible)"
    unlabelled = len(creators.unlabelled)
    if LABEL in creators.table and unlabelled:
        text += f"; {unlabelled:,} of them have no outcome yet and are scored only"
    absent = [plain(name) for name in COLUMNS if name not in creators.table]
    if absent:
        text += f". Of the standard columns it has no {', '.join(absent)}"
    return text + "."


def growth_unit(part: Inspection) -> str:
    """A1: how the growth rate's ambiguous unit was read; empty where there is no such rate."""
    creators = part.creators
    if GROWTH not in creators.table:
        return ""
    typical = creators.table[GROWTH].abs().median()
    if np.isnan(typical):
        return f"{plain(GROWTH)} is empty."
    ledger = part.irregularities
    read = ledger[(ledger["column"] == GROWTH) & (ledger["code"] == "unit")]
    how = "by its percent signs" if read.empty else f"as a {creators.units[GROWTH]}"
    return (
        f"{plain(GROWTH)} is often described as a percentage while its examples look like 0.021, "
        "which as a percentage would be a growth of 0.021% a month. Here it was read "
        f"{how}: a typical creator then grows or shrinks by {typical:.2%} a month."
    )


def letters(creators: Creators) -> str:
    """A1: which letters no font has for the pictures; empty where all have one."""
    from durhampulse.report.fonts import letters_without_font  # needs the library that draws

    missing = letters_without_font(creators)
    if not missing:
        return ""
    return f"No font on this machine has {plain(missing)}: in pictures boxes stand for them."


def outcome_of(creators: Creators) -> OutcomeWords:
    """Return what the outcomes are called, set apart where they are the table's."""
    return creators.outcome.marked(lambda word: f"*{plain(word)}*")


def meaning(creators: Creators) -> str:
    """A2: where the outcome stands and what it is called; empty where it is a sponsorship."""
    words = outcome_of(creators)
    if not words.own:
        return ""
    either = "" if words.deal == words.header else f": {words.deal} or {words.none}"
    return f"The outcome is what the column {words.header} says{either}."


def target(part: Exploration) -> str:
    """A2: how the outcomes are distributed."""
    share = part.target["share"].iloc[1]
    creators, usual = part.creators, max(share, 1 - share)
    return (
        f"{share:.1%} of {counted(creators.labelled)} {outcome_of(creators).got}. Calling every "
        f"{creators.unit[:-1]} by the more frequent outcome would already be right for "
        f"{usual:.1%}, so accuracy alone says little here."
    )


def feature(part: Exploration) -> str:
    """A2: how the chosen feature goes with the outcome."""
    row = part.associations.set_index("feature").loc[part.feature]
    if row["p_value"] > _CERTAIN or row["low"] <= 0 <= row["high"]:
        return (
            f"No feature goes with the outcome beyond chance: even the strongest, "
            f"{plain(part.feature)}, has a {row['measure']} of {row['value']:.2f} "
            f"(95% interval {row['low']:.2f} to {row['high']:.2f})."
        )
    groups = part.by_group.sort_values("share")
    low, high = groups.iloc[0], groups.iloc[-1]
    return (
        f"**{plain(part.feature)}** goes with the outcome most surely: {row['measure']} "
        f"{row['value']:.2f} (95% interval {row['low']:.2f} to {row['high']:.2f}). "
        f"Of the {part.creators.unit} in *{plain(high['group'])}*, {high['share']:.0%} "
        f"{outcome_of(part.creators).got}; in "
        f"*{plain(low['group'])}* it was {low['share']:.0%}. That is association, not "
        "cause: brands may look at something else that goes along with it."
    )


def preparation(part: Preparation) -> str:
    """B1: what the split and the encoding did."""
    tested = counted(part.test)
    if "rows" not in tested:
        tested = tested.removesuffix(" creators")
    text = (
        f"{counted(part.train)} to train on and {tested} to test on, with "
        f"{part.y_train.mean():.1%} and {part.y_test.mean():.1%} "
        f"{outcome_of(part.creators).deals}. "
        f"{len(part.encoding.columns)} features became {part.X_train.shape[1]} columns of numbers."
    )
    if part.left_out:
        text += (
            f" {part.left_out:,} further rows, drawn at random, were left out of both to keep the "
            "time in bounds; they are decided on like new creators."
        )
    return text


def _value(table: pd.DataFrame, model: str, metric: str) -> pd.Series:
    return table[(table["model"] == model) & (table["metric"] == metric)].iloc[0]


def baseline_choice(part: Comparison, judged: Judgement) -> str:
    """B2: which classifier is the baseline and why."""
    if not judged.verdict.has_signal:
        return (
            "**Nothing can be predicted from these data**, as the verdict says. "
            f"{part.baseline} has the lowest cross-validated log loss and serves as the baseline "
            "for form's sake; no decision should rest on it."
        )
    loss = _value(part.cross_validated, part.baseline, "log_loss")
    row = part.margin.set_index("metric").loc["log_loss"]
    beyond = row["high"] < 0
    second = (
        f"{abs(row['difference']):.3f} below {part.runner_up}, "
        f"{'beyond' if beyond else 'which is within'} the noise of the comparison"
    )
    return (
        f"**{part.baseline}** is the baseline. Its cross-validated log loss on the training part "
        f"is the lowest, {loss['value']:.3f}, {second}. Log loss decides because the thresholds of "
        "part E need good probabilities, and the test part had no say in the choice."
    )


def confusion(part: Confusion, judged: Judgement) -> str:
    """B3: the confusion matrix in two to three lines."""
    (right_no, false_yes), (missed, right_yes) = part.table.to_numpy().tolist()
    predicted, actual = false_yes + right_yes, missed + right_yes
    words, unit = outcome_of(judged.creators), judged.creators.unit
    text = (
        f"On the test part {part.model} called {right_yes + right_no:,} of "
        f"{part.table.to_numpy().sum():,} {unit} rightly. It found {right_yes} of {actual} "
        f"{words.deals} and missed {missed}; "
    )
    if predicted == 0:
        nothing = f"nobody as {words.deal}" if words.own else "no deal at all"
        return text + f"it predicted {nothing}, so at 0.5 it is of no use for choosing."
    text += f"of {predicted} {unit} it predicted {words.a_deal} for, {false_yes} {words.got_none}. "
    if not judged.verdict.has_signal:
        return text + "As there is no signal in these data, these counts are chance."
    if missed == false_yes:
        return text + "At a threshold of 0.5 both errors are as frequent; another one trades them."
    wrong = f"expects {words.deal} of others" if words.own else "promises deals that do not come"
    more = f"misses {words.deals}" if missed > false_yes else wrong
    return text + f"At a threshold of 0.5 it more often {more}; a lower or higher one trades these."


def deep_learning(part: BaselineComparison, comparison: Comparison, judged: Judgement) -> str:
    """C3: whether deep learning improved results, and why."""
    rows = part.difference.set_index("metric")
    loss, accuracy, f1 = rows.loc["log_loss"], rows.loc["accuracy"], rows.loc["f1"]
    figures = (
        f"Accuracy {accuracy['first']:.3f} against {accuracy['second']:.3f} "
        f"(McNemar p = {accuracy['p_value']:.2f}), F1 {f1['first']:.3f} against {f1['second']:.3f} "
        f"(difference {f1['low']:+.3f} to {f1['high']:+.3f}), log loss {loss['first']:.3f} against "
        f"{loss['second']:.3f} (difference {loss['low']:+.3f} to {loss['high']:+.3f})."
    )
    if not judged.verdict.has_signal:
        return (
            "**Did deep learning improve results?** No, and nothing could: there is no signal to "
            f"learn, so the differences from {part.baseline} are chance. {figures}"
        )
    better = [str(name) for name, row in rows.iterrows() if _gain(str(name), row) > 0]
    worse = [str(name) for name, row in rows.iterrows() if _gain(str(name), row) < 0]
    n_train = len(comparison.out_of_fold[part.baseline].y_prob)
    given = (
        f"{n_train:,} rows and {len(comparison.models[part.baseline].encoding.columns)} features"
    )
    if better and not worse:
        verdict = f"Yes, in {_listed(better)}, beyond the noise of this test part."
        why = (
            f"The hidden layers bend and combine the features smoothly, which {part.baseline} does "
            "not, and the smooth shape fits these data."
        )
    elif worse and not better:
        verdict = f"No: it is worse in {_listed(worse)}, beyond the noise of this test part."
        why = (
            f"With {given} of a table {part.baseline} needs fewer "
            "examples to find the same structure, and the network kept a fifth of them to watch."
        )
    elif better:
        verdict = f"In part: better in {_listed(better)}, worse in {_listed(worse)}."
        why = "The two models trade one kind of error for another."
    else:
        verdict = f"Not measurably: no difference from {part.baseline} is beyond noise."
        why = (
            f"On {given} of a table both find about the same "
            "structure; a network's strength, learning features from raw pictures or text, has "
            "nothing to work on here."
        )
    return f"**Did deep learning improve results?** {verdict} {figures} {why}"


def _gain(metric: str, row: pd.Series) -> int:
    """Return 1 for a gain, -1 for a loss and 0 for a difference within noise."""
    if row["low"] <= 0 <= row["high"] or row["p_value"] > _CERTAIN:
        return 0
    higher = row["low"] > 0
    return 1 if higher != (metric in ("log_loss", "brier")) else -1


def _listed(names: list[str]) -> str:
    words = [name.replace("_", " ").replace("f1", "F1") for name in names]
    return " and ".join([", ".join(words[:-1]), words[-1]] if words[1:] else words)


def plain(text: object) -> str:
    """Keep a name from the user's table from being read as Markdown."""
    return re.sub(r"([\\`*_\[\]<>#|~$])", r"\\\1", str(text))


def regularisation(part: Regularisation, judged: Judgement) -> str:
    """D2: whether regularisation reduced overfitting, and how one knows."""
    runs = part.runs.pivot(index="seed", columns="network")
    names = list(part.summary["network"])
    none, most = names[0], names[-1]
    gap, test = runs["gap"], runs["test_loss"]
    closer, n = int((gap[most] < gap[none]).sum()), len(gap)
    gaps = ", ".join(f"{gap[name].mean():.3f} ({name})" for name in names)
    tests = ", ".join(f"{test[name].mean():.3f}" for name in names)
    how = (
        f"The gap between validation and training loss at the last epoch, without the L2 penalty "
        f"and with dropout off, is {gaps} on average over {n} seeds, and smaller with dropout and "
        f"L2 than without regularisation in {closer} of {n}."
    )
    gained = int((test[most] < test[none]).sum())
    if closer == n and gained == n:
        verdict = "Yes."
        what = f"Unseen creators profit: test log loss goes {tests} in the same order."
    elif closer == n:
        verdict = "Yes, the gap narrowed,"
        how = how[0].lower() + how[1:]
        what = (
            f"But unseen creators profit in only {gained} of {n} seeds (test log loss {tests}), "
            "so less of the memory was harmful than the gap suggests."
        )
    elif closer == 0:
        verdict, what = "No.", f"Test log loss: {tests}."
    else:
        verdict, what = "Not reliably: it depends on the seed.", f"Test log loss: {tests}."
    if not judged.verdict.has_signal:
        what += " With no signal in the data all that can be learned is noise, and less is better."
    return f"**Did regularization reduce overfitting?** {verdict} {how} {what}"


def cnn_images() -> str:
    """D3: which pictures would help and why. A thought experiment, so no numbers."""
    return (
        "I would use a contact sheet of each creator's last twelve thumbnails or video stills, "
        "because it shows what the table cannot: lighting and framing, whether products and brands "
        "appear, and whether the style is consistent enough for a brand to recognise."
    )


def cnn_filters() -> str:
    """D3: what the filters of such a network would learn."""
    return (
        "The first Conv2D layer would learn edges, colour contrasts and text strokes; the second "
        "would join them to textures and shapes such as skin, fabric, screens, logos or the "
        "overlay captions of a thumbnail; the third to arrangements: a face beside a product, a "
        "cluttered room against a clean studio, a game's interface. These parts need not stand in "
        "one place, which is why the feature maps are averaged before the sigmoid."
    )
