"""Does a column give the answer away? Each function makes one check of the verdict."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from durhampulse.creators import Creators
from durhampulse.creators.schema import COLUMNS, IDENTIFIER, LABEL
from durhampulse.evaluation.signal import Signal, column_strength
from durhampulse.evaluation.verdict import Check, Outcome

__all__ = [
    "check_columns", "check_copies", "check_dominant", "check_filled", "check_identifier",
    "check_too_good", "column_strengths", "copied_rows", "may_follow_a_deal",
]  # fmt: skip

Floats = npt.NDArray[np.float64]
Strengths = Mapping[str, tuple[float, float]]

_CERTAIN_AUC, _CERTAIN_EXPLAINED = 0.99, 0.70
_SUSPICIOUS_AUC = 0.90
_TOO_GOOD = 0.95
_DOMINANT_FROM, _DOMINANT_DROP = 0.88, 0.05
_TELLING_ID = 0.75
_FEWEST_FILLED = 10
_BY_CHANCE = 1e-6
_COPIES = 0.01


def column_strengths(creators: Creators) -> dict[str, tuple[float, float]]:
    """Measure each feature alone: ROC AUC and share of deviance explained, out of half."""
    labelled = creators.labelled
    y_true = labelled[LABEL].to_numpy(np.float64)
    return {r.column: column_strength(labelled[r.column], y_true) for r in creators.features}


def check_columns(strengths: Strengths) -> Check:
    """Check whether one column alone all but tells the answer."""
    certain = [
        name
        for name, (auc, explained) in strengths.items()
        if auc >= _CERTAIN_AUC or explained >= _CERTAIN_EXPLAINED
    ]
    suspects = [n for n, (auc, _) in strengths.items() if auc >= _SUSPICIOUS_AUC]
    strongest = max(strengths, key=lambda name: strengths[name][0])
    figure = f"highest ROC AUC of one column {strengths[strongest][0]:.3f} ({strongest})"
    if certain:
        reason = (
            f"{_listed(certain)} alone all but {_verb(certain, 'tell')} who got a deal: written "
            "after the deal or copied from it."
        )
        return Check("leak-column", "stop", figure, reason, tuple(certain))
    if suspects:
        reason = (
            f"{_listed(suspects)} alone {_verb(suspects, 'tell')} more than choices made by people "
            "usually allow; check when and from what it was written."
        )
        return Check("leak-column", "care", figure, reason, tuple(suspects))
    return Check("leak-column", "pass", figure, "No column alone tells the answer.")


def check_filled(creators: Creators) -> Check:
    """Check whether a column is filled, or empty, for creators of one outcome only."""
    labelled = creators.labelled
    deal = labelled[LABEL].to_numpy() == 1
    certain, suspects = [], []
    for role in creators.roles:
        filled = labelled[role.column].notna().to_numpy(bool)
        if role.role in ("label", "identifier", "left out"):
            continue
        if filled.all() or not _unequal(filled, deal):
            continue
        if not filled[deal].any() or not filled[~deal].any():
            certain.append(role.column)
        elif filled[deal].all() or filled[~deal].all():
            suspects.append(role.column)
    if certain:
        reason = (
            f"{_listed(certain)} {_verb(certain, 'is')} filled for creators of one outcome only."
        )
        return Check("leak-filled", "stop", f"{len(certain)} such columns", reason, tuple(certain))
    if suspects:
        reason = (
            f"{_listed(suspects)} {_verb(suspects, 'is')} empty for creators of one outcome only."
        )
        return Check(
            "leak-filled", "care", f"{len(suspects)} such columns", reason, tuple(suspects)
        )
    reason = "Where cells are empty, they are so for both outcomes."
    return Check("leak-filled", "pass", "no such column", reason)


def _unequal(filled: npt.NDArray[np.bool_], deal: npt.NDArray[np.bool_]) -> bool:
    """Tell whether filling and outcome go together beyond chance (Fisher's exact test)."""
    from scipy.stats import fisher_exact

    if min(filled.sum(), (~filled).sum()) < _FEWEST_FILLED:
        return False
    counts = pd.crosstab(filled, deal).to_numpy()
    return counts.shape == (2, 2) and bool(fisher_exact(counts).pvalue < _BY_CHANCE)


def check_dominant(whole: Signal, without: Mapping[str, float]) -> Check:
    """Check whether a column that a deal itself may change carries the answer alone.

    Parameters
    ----------
    whole
        Of all features.
    without
        ROC AUC of the features without each column that a deal may change; empty where
        the whole is not good enough to ask.
    """
    suspects = [name for name, auc in without.items() if whole.roc_auc - auc >= _DOMINANT_DROP]
    if not suspects:
        reason = "No column that a deal may change carries the answer alone."
        return Check("leak-dominant", "pass", f"ROC AUC of all columns {whole.roc_auc:.3f}", reason)
    worst = min(suspects, key=lambda name: without[name])
    figure = f"ROC AUC {whole.roc_auc:.3f}, without {worst} {without[worst]:.3f}"
    reason = (
        f"{_listed(suspects)} may have risen because of the deal: most of what can be predicted "
        "rests on it. Use figures from before the deal."
    )
    return Check("leak-dominant", "care", figure, reason, tuple(suspects))


def may_follow_a_deal(creators: Creators, roc_auc: float) -> list[str]:
    """Name the features a deal may change, where the prediction is good enough to ask."""
    if roc_auc < _DOMINANT_FROM:
        return []
    settled = {column.name for column in COLUMNS.values() if column.before_deal}
    return [role.column for role in creators.features if role.column not in settled]


def check_copies(creators: Creators) -> Check:
    """Check whether creators stand in the table several times under different identifiers."""
    copies = copied_rows(creators)
    share = len(copies) / len(creators.labelled)
    figure = f"{len(copies):,} rows, {share:.1%}"
    if share < _COPIES:
        reason = "Hardly any creator stands in the table under several identifiers."
        return Check("leak-copies", "pass", figure, reason)
    reason = (
        "These rows equal an earlier one in every feature but carry another identifier; on both "
        "sides of a split they flatter the scores."
    )
    return Check("leak-copies", "care", figure, reason)


def copied_rows(creators: Creators) -> pd.Index:
    """Give the labelled rows that equal an earlier creator's in every feature.

    Only where at least two features are fine enough that equality is no coincidence.
    """
    labelled = creators.labelled
    columns = [role.column for role in creators.features]
    fine = [c for c in columns if labelled[c].nunique() > 0.2 * max(labelled[c].count(), 1)]
    known = labelled[fine].notna().sum(axis=1) >= 2
    if len(fine) < 2:
        return labelled.index[:0]
    once = labelled[known].drop_duplicates([IDENTIFIER])
    return once.index[once.duplicated([*columns, LABEL])]


def check_identifier(creators: Creators) -> Check:
    """Check whether the identifiers' order or beginning tells the answer."""
    labelled = creators.labelled
    y_true = labelled[LABEL].to_numpy(np.float64)
    text = labelled[IDENTIFIER].astype("str")
    order = pd.to_numeric(text.str.extract(r"(\d{1,15})$")[0], errors="coerce")
    start = text.str.extract(r"^(\D{1,12})")[0]
    found = {
        what: column_strength(part, y_true)[0]
        for what, part in (("order", order), ("beginning", start))
        if part.nunique() >= 2 and (what == "order" or part.nunique() <= 50)
    }
    what = max(found, key=lambda name: found[name], default="order")
    auc = found.get(what, 0.5)
    outcome: Outcome = "care" if auc >= _TELLING_ID else "pass"
    reason = (
        f"The {what} of {IDENTIFIER} tells who got a deal, so the table was put together after "
        "the outcome. It is not learned from, but other columns may carry the same trace."
        if outcome == "care"
        else "Identifiers do not tell the answer."
    )
    columns = (IDENTIFIER,) if outcome == "care" else ()
    return Check("identifier", outcome, f"ROC AUC of the {what} {auc:.3f}", reason, columns)


def check_too_good(strengths: Strengths, whole: Signal) -> Check:
    """Check whether the outcome can be predicted better than people's choices usually allow."""
    figure = f"ROC AUC of a cheap model {whole.roc_auc:.3f}"
    if whole.roc_auc <= _TOO_GOOD:
        return Check("too-good", "pass", figure, "The prediction is not suspiciously good.")
    ranked = sorted(strengths, key=lambda name: -strengths[name][0])
    suspects = [name for name in ranked if strengths[name][0] >= _SUSPICIOUS_AUC] or ranked[:1]
    reason = (
        "Choices made by people are seldom this predictable: audit the table for columns written "
        f"after the deal. First suspects: {_listed(suspects)}."
    )
    return Check("too-good", "care", figure, reason, tuple(suspects))


def _listed(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names)


def _verb(names: list[str], verb: str) -> str:
    one, many = {"tell": ("tells", "tell"), "is": ("is", "are")}[verb]
    return many if names[1:] else one
