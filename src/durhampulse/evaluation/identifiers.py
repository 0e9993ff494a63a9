"""Do identifiers, or the order of the rows, tell the answer; are creators there twice?"""

from __future__ import annotations

import numpy as np
import pandas as pd

from durhampulse.creators.schema import IDENTIFIER, LABEL
from durhampulse.creators.table import Creators
from durhampulse.evaluation.evidence import Evidence
from durhampulse.evaluation.signal import column_strength
from durhampulse.evaluation.verdict import Finding
from durhampulse.features.copies import kept_together
from durhampulse.features.repeats import creator_names

__all__ = ["check_copies", "check_identifier", "copied_rows"]

_TELLING = 0.75
_MOST_PARTS = 50
_COPIES = 0.02


def check_copies(evidence: Evidence) -> Finding:
    """Check whether creators stand in the table several times under different identifiers."""
    creators = evidence.creators
    copies = _renamed(creators)
    copied = creators.table.loc[copies, IDENTIFIER].nunique()
    share = copied / creators.labelled[IDENTIFIER].nunique()
    figure = f"{len(copies):,} rows, {share:.1%}"
    if share < _COPIES:
        reason = "Hardly any creator stands in the table under several identifiers" + (
            "; those who do count as one." if copied else "."
        )
        return Finding("pass", figure, reason)
    reason = (
        "These rows equal those of an earlier creator, or nearly so, but carry another identifier; "
        "they count as that creator's and stay on one side of every split."
    )
    return Finding("care", figure, reason)


def copied_rows(creators: Creators) -> pd.Index:
    """Return the labelled rows of creators who repeat an earlier one's figures, or nearly so."""
    return _renamed(kept_together(creators))


def _renamed(creators: Creators) -> pd.Index:
    labelled = creators.labelled
    return labelled.index[creator_names(labelled) != labelled[IDENTIFIER]]


def check_identifier(evidence: Evidence) -> Finding:
    """Check whether the identifiers' order, beginning or ending tells the answer."""
    labelled, groups = evidence.sample.labelled, evidence.groups
    y_true = labelled[LABEL].to_numpy(np.float64)
    rows = column_strength(pd.Series(np.arange(len(labelled))), y_true, groups)[0]
    aucs = {
        part: column_strength(values, y_true, groups)[0]
        for part, values in _parts(labelled[IDENTIFIER].astype("str")).items()
        if values.nunique() >= 2 and (part == "order" or values.nunique() <= _MOST_PARTS)
    }
    part = max(aucs, key=lambda name: aucs[name], default="order")
    auc = aucs.get(part, 0.5)
    is_sorted = (
        " A row's place tells its outcome, as in a sorted table; it is not learned from, but where "
        "two tables were put together, other columns may tell which was which."
        if rows >= _TELLING
        else ""
    )
    if not evidence.is_identified:  # the table has row numbers for identifiers
        figure = f"ROC AUC of the rows' order {rows:.3f}"
        return Finding("pass", figure, f"The table has no identifiers.{is_sorted}")
    figure = f"ROC AUC of the {part} {auc:.3f}, of the rows' order {rows:.3f}"
    if auc < _TELLING:
        return Finding("pass", figure, f"Identifiers do not tell the answer.{is_sorted}")
    reason = (
        f"The {part} of {IDENTIFIER} tells who {evidence.creators.outcome.got}: identifiers given "
        "after the outcome do, and so do tables put together from lists that differ in it. It is "
        f"not learned from, but other columns may carry the same trace.{is_sorted}"
    )
    return Finding("care", figure, reason, (IDENTIFIER,))


def _parts(names: pd.Series) -> dict[str, pd.Series]:
    """Return what may tell of identifiers: their number's order, their beginning and ending."""
    letters = names.str.extract(r"(\D{1,12})$")[0]
    return {
        "order": pd.to_numeric(names.str.extract(r"(\d{1,15})$")[0], errors="coerce"),
        "beginning": names.str.extract(r"^(\D{1,12})")[0],
        "ending": letters.fillna(names.str[-1:]),
    }
