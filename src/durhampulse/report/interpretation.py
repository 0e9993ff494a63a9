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
from durhampulse.creators.words import listed
from durhampulse.decision.figures import quantity
from durhampulse.features.repeats import counted
from durhampulse.report.cells import p_text
from durhampulse.study.cleaning import missing_by_outcome, missing_cells
from durhampulse.study.results import (
    Comparison,
    Confusion,
    Decision,
    Exploration,
    Inspection,
    Judgement,
    Preparation,
)

__all__ = [
    "baseline_choice",
    "confusion",
    "decided_unit",
    "feature",
    "growth_unit",
    "inspection",
    "letters",
    "meaning",
    "nulls",
    "outcome_of",
    "plain",
    "preparation",
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
    kinds, left = ledger["code"].nunique(), len(creators.table)
    text = (
        f"The table holds {quantity(rows, 'row')} and {quantity(columns, 'column')}.{simulated} "
        f"The ledger names each kind of irregularity that was found ({kinds}), with its count, "
        "example rows, explanation and what was done. "
        f"{quantity(left, 'row')} {'remains' if left == 1 else 'remain'}"
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


def nulls(creators: Creators) -> str:
    """A1: how many cells are missing, why their counts differ, and whether it is by chance."""
    features = [role.column for role in creators.features]
    cells = creators.table[features].isna().sum()
    if not cells.sum():
        return "No feature has an empty cell."
    followed = missing_cells(creators).set_index("column")
    counts = followed.loc[followed.index.intersection(features)].sum()
    rows = int((creators.table[features].isna().sum(axis=1) > 0).sum())
    named = {
        "Empty cells of features in the file": counts["empty"],
        "others that hold no figure": counts["read_as_missing"],
        "in rows left out": counts["in_rows_left_out"],
        "so missing from the table": cells.sum(),
    }
    counted_cells = "; ".join(f"{name}: {n:,}" for name, n in named.items() if n)
    text = (
        f"{counted_cells}, in {rows:,} of {len(creators.table):,} rows, most in "
        f"{plain(cells.idxmax())} ({cells.max():,}). They stay empty here; in B1 they get values "
        "learned on the training part, beside a column that says so."
    )
    return f"{text} {_chance(missing_by_outcome(creators), outcome_of(creators))}".rstrip()


def _chance(table: pd.DataFrame, words: OutcomeWords) -> str:
    """Return whether an empty cell goes with the outcome."""
    if table.empty:
        return ""
    unlike = table[table["p_value"] <= _CERTAIN]
    if unlike.empty:
        row = table.iloc[int(table["p_value"].argmin())]
        return (
            f"Nothing says that they are other than chance: in no column do creators with an empty "
            f"cell and others differ beyond noise in their share of {words.deals} (the most in "
            f"{plain(row['column'])}, {row['deals_if_missing']:.0%} against "
            f"{row['deals_if_known']:.0%}, {p_text(row['p_value'])} after Holm)."
        )
    named = [
        f"{plain(row['column'])} ({row['deals_if_missing']:.0%} {words.deals} where it is empty, "
        f"{row['deals_if_known']:.0%} elsewhere, {p_text(row['p_value'])})"
        for _, row in unlike.iterrows()
    ]
    return (
        f"**An empty cell goes with the outcome**, beyond noise, in {listed(named)}. "
        "Ask how these cells came to be empty before relying on them."
    )


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
    moves = f"a typical creator then grows or shrinks by {typical:.2%} a month."
    if read.empty:
        return f"{plain(GROWTH)} was read by its percent signs: {moves}"
    unit = {"percent": "percentage"}.get(creators.units[GROWTH], creators.units[GROWTH])
    return (
        f"{plain(GROWTH)} is often described as a percentage while its examples look like 0.021, "
        "which as a percentage would be a growth of 0.021% a month. Here it was read as a "
        f"{unit}: {moves}"
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


def decided_unit(part: Decision) -> str:
    """Return what is decided on: a creator, or a row where some creators have several."""
    return "row" if part.table["Influencer ID"].duplicated().any() else "creator"


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
        f"{usual:.1%}: an accuracy is worth what it lies above that."
    )


def feature(part: Exploration) -> str:
    """A2: how the chosen feature goes with the outcome."""
    row = part.associations.set_index("feature").loc[part.feature]
    interval = f"{row['auc_low']:.2f} to {row['auc_high']:.2f}"
    alone = f"ROC AUC alone {row['auc']:.2f}, 95% interval {interval}"
    if row["p_value"] > _CERTAIN or row["auc_low"] <= 0.5:
        return (
            f"No feature goes with the outcome beyond chance: even the strongest, "
            f"{plain(part.feature)}, tells next to nothing ({alone}; {p_text(row['p_value'])})."
        )
    groups = part.by_group.sort_values("share")
    low, high = groups.iloc[0], groups.iloc[-1]
    is_number = pd.api.types.is_numeric_dtype(part.creators.table[part.feature])
    where = f"with {plain(part.feature)} of" if is_number else "in"
    return (
        f"**{plain(part.feature)}** tells most about the outcome: {alone}; {row['measure']} "
        f"{row['value']:.2f}, {p_text(row['p_value'])}. "
        f"Of the {part.creators.unit} {where} *{plain(high['group'])}*, {high['share']:.0%} "
        f"{outcome_of(part.creators).got}; {where} "
        f"*{plain(low['group'])}* it was {low['share']:.0%}. That is association, not "
        "cause: brands may look at something else that goes along with it. This ranks features "
        "taken alone; part E asks what each adds to the others, which may order them otherwise."
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
        f"{quantity(len(part.encoding.columns), 'feature')} became "
        f"{quantity(part.X_train.shape[1], 'column')} of numbers."
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
        "part E need good probabilities, and the test part had no say in the choice, here or later."
    )


def confusion(part: Confusion, judged: Judgement) -> str:
    """B3: the confusion matrix in two to three lines."""
    (right_no, false_yes), (missed, right_yes) = part.table.to_numpy().tolist()
    predicted, actual = false_yes + right_yes, missed + right_yes
    words, unit = outcome_of(judged.creators), judged.creators.unit
    total = right_no + false_yes + actual
    usual = max(actual, total - actual)
    always = words.deal if usual == actual else words.none
    always = always if words.own else f"*{always}*"
    text = (
        f"On the test part {part.model} called {right_yes + right_no:,} of {total:,} {unit} "
        f"rightly ({(right_yes + right_no) / total:.1%}; always saying {always} is right for "
        f"{usual / total:.1%}). It found {right_yes:,} of {actual:,} "
        f"{words.deals} and missed {missed:,}; "
    )
    if predicted == 0:
        nothing = f"nobody as {words.deal}" if words.own else "no deal at all"
        return text + f"it predicted {nothing}, so at 0.5 it is of no use for choosing."
    text += (
        f"of {predicted:,} {unit} it predicted {words.a_deal} for, {false_yes:,} {words.got_none}. "
    )
    if not judged.verdict.has_signal:
        return text + "As there is no signal in these data, these counts are chance."
    if missed == false_yes:
        return text + "At a threshold of 0.5 both errors are as frequent; another one trades them."
    wrong = f"expects {words.deal} of others" if words.own else "promises deals that do not come"
    more = f"misses {words.deals}" if missed > false_yes else wrong
    return text + f"At a threshold of 0.5 it more often {more}; a lower or higher one trades these."


def plain(text: object) -> str:
    """Return a name from the user's table so that it is not read as Markdown."""
    return re.sub(r"([\\`*_\[\]<>#|~$])", r"\\\1", str(text))
