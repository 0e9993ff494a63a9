"""Does a "no" mean that somebody looked? A check of the verdict."""

from __future__ import annotations

import re

import pandas as pd

from durhampulse.creators.comparisons import find_comparison
from durhampulse.creators.considered import is_truth_word
from durhampulse.creators.labels import EMPTY, word_counts
from durhampulse.creators.schema import LABEL
from durhampulse.creators.table import Creators
from durhampulse.creators.words import folded
from durhampulse.evaluation.evidence import Evidence
from durhampulse.evaluation.verdict import Finding

__all__ = ["check_unlooked"]

_MOST_SHOWN = 6
_LOOKED = frozenset(
    {"considered", "reviewed", "contacted", "approached", "shortlisted", "screened", "vetted"}
    | {"assessed", "evaluated", "pitched", "invited", "processed", "geprüft", "kontaktiert"}
)
"""Words of headers that say that somebody looked at a creator."""


def check_unlooked(evidence: Evidence) -> Finding:
    """Return whether a "no" is known to be one.

    No table shows by itself that nobody looked: a perfect calibration plot hides it, since the
    creators it is measured on were overlooked too. So the usual table, where nothing says who was
    looked at, passes with the reason, and part E shows what it would change. Care is asked for
    where the table itself holds a sign: a column that seems to tell, outcomes of which one alone
    is named, so that every other word counts as the other, or empty cells that count as none.
    """
    creators = evidence.creators
    outcome = creators.outcome
    for role in creators.roles:
        if role.role == "considered":
            looked_at = int((creators.table[role.column] == 1).sum())
            figure = f"{looked_at:,} of {len(creators.table):,} creators looked at"
            return Finding("pass", figure, "Only these are learned from and tested on.")
    labels = creators.labelled[LABEL]
    figure = f"{int((labels == 0).sum()):,} {outcome.none}"
    doubt = f"'{outcome.none}' may mean that nobody looked"
    if columns := _telling_columns(creators):
        reason = (
            f"{doubt}, and {columns[0]} seems to say at whom somebody did: --considered "
            f"'{columns[0]}' learns from these alone."
        )
        return Finding("care", figure, reason, columns)
    if len(words := _words_for_none(creators)) > 1:
        reason = (
            f"{doubt}: {', '.join(map(repr, words[:_MOST_SHOWN]))} all count as none. Name those "
            "that do mean none with --no-deal-is; any other is then not known."
        )
        return Finding("care", figure, reason, (LABEL,))
    rule = creators.rules.get(LABEL)
    if rule is not None and EMPTY in rule.no_deal:
        reason = (
            f"{doubt}: an empty cell counts as none. If a column says who was looked at, "
            "--considered COLUMN learns from these alone."
        )
        return Finding("care", figure, reason, (LABEL,))
    reason = (
        f"{doubt}: nothing here tells. If a column does, --considered COLUMN learns from those "
        "looked at alone; part E shows what it would change."
    )
    return Finding("pass", figure, reason)


def _telling_columns(creators: Creators) -> tuple[str, ...]:
    """Return the columns of truth words whose headers say that somebody looked."""
    return tuple(
        role.column
        for role in creators.roles
        if role.role in ("feature", "unused", "left out")
        and _LOOKED & set(_words(role.column))
        and _tells_apart(creators.table[role.column])
    )


def _words_for_none(creators: Creators) -> list[str]:
    """Return the outcome's words that count as none only because they are no deal."""
    rule, cells = creators.rules.get(LABEL), creators.source.cells
    if rule is None or not rule.insisted or rule.no_deal or rule.header not in cells.column_names:
        return []
    if any(find_comparison(word, [rule.header]) is not None for word in rule.deal):
        return []
    deal = {folded(word) for word in rule.deal}
    return [word for word in word_counts(cells[rule.header]) if folded(word) not in deal]


def _words(header: str) -> list[str]:
    return re.sub(r"(?<=[a-z])(?=[A-Z])|[\W_]+", " ", header).casefold().split()


def _tells_apart(cells: pd.Series) -> bool:
    levels = cells.dropna().unique()
    return len(levels) == 2 and all(is_truth_word(_plain(level)) for level in levels)


def _plain(level: object) -> str:
    return f"{level:g}" if isinstance(level, float) else str(level)
