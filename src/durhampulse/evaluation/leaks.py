"""Does a column give the answer away? Each function is one check of the verdict."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from durhampulse.creators.schema import IDENTIFIER, LABEL
from durhampulse.creators.table import Creators
from durhampulse.evaluation.evidence import Evidence
from durhampulse.evaluation.signal import column_strength
from durhampulse.evaluation.verdict import Finding

__all__ = [
    "check_columns",
    "check_copies",
    "check_dominant",
    "check_filled",
    "check_identifier",
    "check_too_good",
    "copied_rows",
]

_CERTAIN_AUC, _CERTAIN_EXPLAINED = 0.99, 0.70
_SUSPICIOUS_AUC = 0.90
_TOO_GOOD = 0.95
_DOMINANT_DROP = 0.05
_TELLING_ID = 0.75
_FEWEST_FILLED = 10
_BY_CHANCE = 1e-6
_COPIES = 0.01


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
            f"{_listed(certain)} alone all but {_verb(certain, 'tell')} who "
            f"{evidence.creators.outcome.got}: written after the outcome or copied from it."
        )
        return Finding("stop", figure, reason, tuple(certain))
    if suspects:
        reason = (
            f"{_listed(suspects)} alone {_verb(suspects, 'tell')} more than choices made by people "
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
        if filled.all() or not _unequal(filled, deal, labelled[IDENTIFIER]):
            continue
        if not filled[deal].any() or not filled[~deal].any():
            certain.append(role.column)
        elif filled[deal].all() or filled[~deal].all():
            suspects.append(role.column)
    if certain:
        reason = (
            f"{_listed(certain)} {_verb(certain, 'is')} filled for creators of one outcome only."
        )
        return Finding("stop", f"{len(certain)} such columns", reason, tuple(certain))
    if suspects:
        reason = (
            f"{_listed(suspects)} {_verb(suspects, 'is')} empty for creators of one outcome only."
        )
        return Finding("care", f"{len(suspects)} such columns", reason, tuple(suspects))
    reason = "Where cells are empty, they are so for both outcomes."
    return Finding("pass", "no such column", reason)


def _unequal(
    filled: npt.NDArray[np.bool_], deal: npt.NDArray[np.bool_], identifiers: pd.Series
) -> bool:
    """Whether filling and outcome go together beyond chance (Fisher's exact test).

    A creator's rows of one kind count once.
    """
    from scipy.stats import fisher_exact

    kinds = pd.DataFrame({"creator": identifiers.to_numpy(), "filled": filled, "deal": deal})
    once = kinds.drop_duplicates()
    filled, deal = once["filled"].to_numpy(), once["deal"].to_numpy()
    if min(filled.sum(), (~filled).sum()) < _FEWEST_FILLED:
        return False
    counts = pd.crosstab(filled, deal).to_numpy()
    return counts.shape == (2, 2) and bool(fisher_exact(counts).pvalue < _BY_CHANCE)


def check_dominant(evidence: Evidence) -> Finding:
    """Check whether a column that a deal itself may change carries the answer alone."""
    whole, without, event = evidence.signal, evidence.without, evidence.creators.outcome.event
    suspects = [name for name, auc in without.items() if whole.roc_auc - auc >= _DOMINANT_DROP]
    if not suspects:
        reason = f"No column that {event} may change carries the answer alone."
        return Finding("pass", f"ROC AUC of all columns {whole.roc_auc:.3f}", reason)
    worst = min(suspects, key=lambda name: without[name])
    figure = f"ROC AUC {whole.roc_auc:.3f}, without {worst} {without[worst]:.3f}"
    reason = (
        f"{_listed(suspects)} may have risen because of {event}: most of what can be predicted "
        f"rests on it. Use figures from before {event}."
    )
    return Finding("care", figure, reason, tuple(suspects))


def check_copies(evidence: Evidence) -> Finding:
    """Check whether creators stand in the table several times under different identifiers."""
    creators = evidence.creators
    copies = copied_rows(creators)
    copied = creators.table.loc[copies, IDENTIFIER].nunique()
    share = copied / creators.labelled[IDENTIFIER].nunique()
    figure = f"{len(copies):,} rows, {share:.1%}"
    if share < _COPIES:
        reason = "Hardly any creator stands in the table under several identifiers."
        return Finding("pass", figure, reason)
    reason = (
        "These rows equal an earlier one in every feature but carry another identifier; on both "
        "sides of a split they flatter the scores."
    )
    return Finding("care", figure, reason)


def copied_rows(creators: Creators) -> pd.Index:
    """Return the labelled rows that equal an earlier creator's in every feature.

    Only where at least two features are fine enough that equality is no coincidence.
    """
    labelled = creators.labelled
    columns = [role.column for role in creators.features]
    fine = [c for c in columns if labelled[c].nunique() > 0.2 * max(labelled[c].count(), 1)]
    comparable = labelled[fine].notna().sum(axis=1) >= 2
    if len(fine) < 2:
        return labelled.index[:0]
    once = labelled[comparable].drop_duplicates([IDENTIFIER])
    copied = once.loc[once.duplicated([*columns, LABEL]), IDENTIFIER]
    return labelled.index[labelled[IDENTIFIER].isin(copied)]


def check_identifier(evidence: Evidence) -> Finding:
    """Check whether the identifiers' order or beginning tells the answer."""
    labelled = evidence.sample.labelled
    y_true = labelled[LABEL].to_numpy(np.float64)
    text = labelled[IDENTIFIER].astype("str")
    order = pd.to_numeric(text.str.extract(r"(\d{1,15})$")[0], errors="coerce")
    start = text.str.extract(r"^(\D{1,12})")[0]
    aucs = {
        part: column_strength(values, y_true, evidence.groups)[0]
        for part, values in (("order", order), ("beginning", start))
        if values.nunique() >= 2 and (part == "order" or values.nunique() <= 50)
    }
    part = max(aucs, key=lambda name: aucs[name], default="order")
    auc = aucs.get(part, 0.5)
    if not evidence.is_identified:  # the table has row numbers for identifiers
        reason = "The table has no identifiers."
        if auc >= _TELLING_ID:
            reason += " The rows are sorted by outcome; their order is not learned from."
        return Finding("pass", f"ROC AUC of the rows' order {auc:.3f}", reason)
    figure = f"ROC AUC of the {part} {auc:.3f}"
    if auc < _TELLING_ID:
        return Finding("pass", figure, "Identifiers do not tell the answer.")
    reason = (
        f"The {part} of {IDENTIFIER} tells who {evidence.creators.outcome.got}, so the table was "
        "put together after the outcome. It is not learned from, but other columns may carry the "
        "same trace."
    )
    return Finding("care", figure, reason, (IDENTIFIER,))


def check_too_good(evidence: Evidence) -> Finding:
    """Check whether the outcome can be predicted better than people's choices usually allow."""
    strengths, whole = evidence.strengths, evidence.signal
    figure = f"ROC AUC of a cheap model {whole.roc_auc:.3f}"
    if whole.roc_auc <= _TOO_GOOD:
        return Finding("pass", figure, "The prediction is not suspiciously good.")
    ranked = sorted(strengths, key=lambda name: -strengths[name][0])
    suspects = [name for name in ranked if strengths[name][0] >= _SUSPICIOUS_AUC] or ranked[:1]
    reason = (
        "Choices made by people are seldom this predictable: audit the table for columns written "
        f"after {evidence.creators.outcome.event}. First suspects: {_listed(suspects)}."
    )
    return Finding("care", figure, reason, tuple(suspects))


def _listed(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names)


def _verb(names: list[str], verb: str) -> str:
    singular, plural = {"tell": ("tells", "tell"), "is": ("is", "are")}[verb]
    return plural if names[1:] else singular
