"""Does a column give the answer away? Each function is one check of the verdict."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from durhampulse.creators.schema import LABEL
from durhampulse.creators.words import listed
from durhampulse.evaluation.evidence import Evidence, Strengths
from durhampulse.evaluation.verdict import Finding
from durhampulse.features.repeats import creator_names

__all__ = [
    "check_columns",
    "check_dominant",
    "check_filled",
    "check_too_good",
    "too_good",
]

_CERTAIN_AUC, _CERTAIN_EXPLAINED = 0.955, 0.70
_SUSPICIOUS_AUC = 0.90
_TOO_GOOD = 0.95
_DOMINANT_DROP, _ADDED = 0.05, 0.04
_FEWEST_FILLED = 10
_BY_CHANCE = 1e-6


def check_columns(evidence: Evidence) -> Finding:
    """Check whether one column alone all but tells the answer."""
    strengths = evidence.strengths
    if not strengths:
        return Finding("pass", "0 features", "No column alone tells the answer.")
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
            f"{listed(certain)} alone all but {_verb(certain, 'tell')} who "
            f"{evidence.creators.outcome.got}: usually that was written after the outcome or "
            "copied from it. Where it was known before, it may be honest, and then ranking by it "
            "needs no model. Either way, --drop-leaks judges by the other columns."
        )
        return Finding("stop", figure, reason, tuple(certain))
    if suspects:
        reason = (
            f"{listed(suspects)} alone {_verb(suspects, 'tell')} more than choices made by people "
            "usually allow; check when and from what it was written."
        )
        return Finding("care", figure, reason, tuple(suspects))
    return Finding("pass", figure, "No column alone tells the answer.")


def check_filled(evidence: Evidence) -> Finding:
    """Check whether a column is filled, or empty, for creators of one outcome only."""
    creators = evidence.creators
    labelled = creators.labelled
    deal = labelled[LABEL].to_numpy() == 1
    certain, suspects = [], []
    for role in creators.roles:
        filled = labelled[role.column].notna().to_numpy(bool)
        if role.role in ("label", "identifier", "carried", "left out"):
            continue
        if filled.all() or not _unequal(filled, deal, creator_names(labelled)):
            continue
        if not filled[deal].any() or not filled[~deal].any():
            certain.append(role.column)
        elif filled[deal].all() or filled[~deal].all():
            suspects.append(role.column)
    if certain:
        reason = (
            f"{listed(certain)} {_verb(certain, 'is')} filled for creators of one outcome only."
        )
        return Finding("stop", f"{len(certain)} such columns", reason, tuple(certain))
    if suspects:
        reason = (
            f"{listed(suspects)} {_verb(suspects, 'is')} empty for creators of one outcome only."
        )
        return Finding("care", f"{len(suspects)} such columns", reason, tuple(suspects))
    reason = "Where cells are empty, they are so for both outcomes."
    return Finding("pass", "no such column", reason)


def _unequal(filled: npt.NDArray[np.bool_], deal: npt.NDArray[np.bool_], names: pd.Series) -> bool:
    """Whether filling and outcome go together beyond chance (Fisher's exact test).

    A creator's rows of one kind count once.
    """
    from scipy.stats import fisher_exact

    kinds = pd.DataFrame({"creator": names.to_numpy(), "filled": filled, "deal": deal})
    once = kinds.drop_duplicates()
    filled, deal = once["filled"].to_numpy(), once["deal"].to_numpy()
    if min(filled.sum(), (~filled).sum()) < _FEWEST_FILLED:
        return False
    counts = pd.crosstab(filled, deal).to_numpy()
    return counts.shape == (2, 2) and bool(fisher_exact(counts).pvalue < _BY_CHANCE)


def check_dominant(evidence: Evidence) -> Finding:
    """Check whether one column carries most of what can be predicted."""
    whole, without = evidence.signal.roc_auc, evidence.without
    suspects = [
        name
        for name, auc in without.items()
        if whole - auc >= (_ADDED if evidence.is_strong_alone(name) else _DOMINANT_DROP)
    ]
    if not suspects:
        reason = "No column carries alone what the others together do not tell."
        return Finding("pass", f"ROC AUC of all columns {whole:.3f}", reason)
    worst = min(suspects, key=lambda name: without[name])
    figure = f"ROC AUC {whole:.3f}, without {worst} {without[worst]:.3f}"
    event = evidence.creators.outcome.event
    reason = (
        f"Most of what can be predicted rests on {listed(suspects)}: written after {event}, or "
        f"risen because of it? Use figures from before {event}."
    )
    return Finding("care", figure, reason, tuple(suspects))


def check_too_good(evidence: Evidence) -> Finding:
    """Check whether the outcome can be predicted better than people's choices usually allow."""
    auc, outcome = evidence.signal.roc_auc, evidence.creators.outcome
    return too_good(auc, "a cheap model", evidence.strengths, event=outcome.event)


def too_good(auc: float, model: str, strengths: Strengths, *, event: str) -> Finding:
    """Return whether a ROC AUC is higher than people's choices usually allow.

    Parameters
    ----------
    auc, model
        The ROC AUC of rows the model did not see, and which model it is.
    strengths
        Each feature alone: ROC AUC and share of deviance explained.
    event
        What a deal is called.
    """
    figure = f"ROC AUC of {model} {auc:.3f}"
    if auc <= _TOO_GOOD:
        return Finding("pass", figure, "The prediction is not suspiciously good.")
    ranked = sorted(strengths, key=lambda name: -strengths[name][0])
    suspects = [name for name in ranked if strengths[name][0] >= _SUSPICIOUS_AUC] or ranked[:1]
    reason = (
        "Choices made by people are seldom this predictable: audit the table for columns written "
        f"after {event}. First suspects: {listed(suspects)}."
    )
    return Finding("care", figure, reason, tuple(suspects))


def _verb(names: list[str], verb: str) -> str:
    singular, plural = {"tell": ("tells", "tell"), "is": ("is", "are")}[verb]
    return plural if names[1:] else singular
