"""What a scoring run found: counts that add up over chunks, in words and as data."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from durhampulse.creators.block import Block
from durhampulse.creators.schema import NICHE
from durhampulse.decision.bands import ANSWERS
from durhampulse.decision.figures import quantity
from durhampulse.features.profile import DRIFT_WORDS
from durhampulse.scoring.record import Scores
from durhampulse.scoring.scorer import Scorer

__all__ = ["Summary", "has_too_few_precedents", "summarise"]

_UNLIKE, _FEWEST_UNLIKE = 0.05, 5
"""Share and number of creators without precedent from which a whole list is called unlike; of
fresh creators of the training market at most 1% are."""


def has_too_few_precedents(unlike: int, scored: int) -> bool:
    """Whether so many of the rows scored have no precedent that the whole list is called unlike."""
    return unlike >= max(_FEWEST_UNLIKE, _UNLIKE * scored)


@dataclass(kw_only=True)
class Summary:
    """Counts of a scoring run, or of a part of one.

    Attributes
    ----------
    rows, scored, refused
        Rows read, and what became of them; the first is the sum of the others.
    bands
        Rows by recommendation.
    unlike
        Rows without precedent, by what has none.
    flags
        Rows by flag; a row may carry several.
    flagged
        Rows with any flag.
    unreadable
        Cells that are no numbers though they should be, by column; they count as missing.
    drift
        Rows by bin of the training profile, for each column.
    first_refusal
        Why the first row that was refused was.
    notes
        What of the files was not read, in words.
    seconds
        How long it took.
    """

    rows: int = 0
    scored: int = 0
    refused: int = 0
    bands: Counter[str] = field(default_factory=Counter)
    unlike: Counter[str] = field(default_factory=Counter)
    flags: Counter[str] = field(default_factory=Counter)
    flagged: int = 0
    unreadable: Counter[str] = field(default_factory=Counter)
    drift: dict[str, npt.NDArray[np.int64]] = field(default_factory=dict)
    first_refusal: str = ""
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def add(self, other: Summary) -> None:
        """Take another part's counts in."""
        self.rows += other.rows
        self.scored += other.scored
        self.refused += other.refused
        self.flagged += other.flagged
        self.bands.update(other.bands)
        self.unlike.update(other.unlike)
        self.flags.update(other.flags)
        self.unreadable.update(other.unreadable)
        self.first_refusal = self.first_refusal or other.first_refusal
        self.notes += other.notes
        for column, counts in other.drift.items():
            self.drift[column] = self.drift.get(column, 0) + counts

    def drift_rows(self, scorer: Scorer) -> list[dict[str, Any]]:
        """Return how far the rows have moved from those of training, as :meth:`.Profile.drift`."""
        blank = scorer.model.profile.count(Block(0, {}))
        return scorer.model.profile.drift({**blank, **self.drift})

    @property
    def warning(self) -> str:
        """What is said above all counts where the list is unlike the training rows; else empty."""
        unlike = self.unlike.total()
        if not has_too_few_precedents(unlike, self.scored):
            return ""
        of = ((kind.removeprefix("no precedent for "), n) for kind, n in self.unlike.most_common(3))
        most = "; ".join(f"{name} {n:,}" for name, n in of)
        return (
            f"This list is unlike the creators the model learned from: {unlike / self.scored:.0%} "
            f"of them have no precedent ({most}). Check units, --map and where the list is "
            "from before any of its recommendations is used."
        )

    def to_dict(self, scorer: Scorer) -> dict[str, Any]:
        """Return the summary as plain data."""
        return {
            "rows": self.rows,
            "scored": self.scored,
            "refused": self.refused,
            "first_refusal": self.first_refusal,
            "bands": {band: self.bands[band] for band in ANSWERS},
            "no_recommendation": scorer.refusal,
            "unlike": dict(self.unlike),
            "unlike_list": self.warning,
            "flagged": self.flagged,
            "flags": dict(self.flags),
            "unreadable_cells": dict(self.unreadable),
            "drift": self.drift_rows(scorer),
            "notes": self.notes,
            "seconds": round(self.seconds, 3),
        }

    def text(self, scorer: Scorer) -> str:
        """Return the summary in words, a line each."""
        lines = [self.warning] if self.warning else []
        rows = quantity(self.rows, "row")
        lines.append(f"{rows}: {self.scored:,} scored, {self.refused:,} refused.")
        lines += [f"Refused, for example: {self.first_refusal}."] if self.refused else []
        lines += [f"{note}." for note in self.notes]
        drift = self._drift_lines(scorer)
        lines += drift  # above the counts that it makes doubtful
        if scorer.refusal:
            lines.append(f"Nothing is recommended; {scorer.refusal}.")
        else:
            bands = ", ".join(f"{a} {_count(self.bands[a], self.scored)}" for a in ANSWERS)
            lines.append(f"Recommendations: {bands}.")
        if self.flagged:
            most = "; ".join(f"{flag} {n:,}" for flag, n in self.flags.most_common())
            lines.append(f"Flagged {_count(self.flagged, self.scored)}: {most}.")
        if self.unreadable:
            cells = ", ".join(f"{name} {n:,}" for name, n in self.unreadable.most_common())
            lines.append(f"Cells that are no numbers, counted as missing: {cells}.")
        return "\n".join(lines if drift else [*lines, *self._steady_line(scorer)])

    def _steady_line(self, scorer: Scorer) -> list[str]:
        if not self.scored:
            return []
        most = max((row["psi"] for row in self.drift_rows(scorer)), default=math.nan)
        return [f"No drift: no column's population stability index is above {most:.2f}."]

    def _drift_lines(self, scorer: Scorer) -> list[str]:
        if not self.scored:
            return []
        rows = self.drift_rows(scorer)
        empty = [r["column"] for r in rows if r["missing"] == 1 and r["word"] != "steady"]
        rows = [row for row in rows if row["column"] not in empty]
        lines = [f"Drift: empty in every row: {', '.join(empty)}."] if empty else []
        lines += [
            f"Drift: {row['column']} is {row['word']} (population stability index "
            f"{row['psi']:.2f}; so called from {DRIFT_WORDS[row['word']]})."
            for row in rows
            if row["word"] != "steady"
        ]
        unseen = sum(row["unseen"] for row in rows if row["column"] == NICHE)
        if unseen > 0:
            lines.append(f"Niches not among those of training: {unseen:.1%} of rows.")
        return lines


def summarise(scorer: Scorer, block: Block, scores: Scores, refused: int) -> Summary:
    """Return one chunk's counts: the rows that were scored, and how many were refused."""
    # Few rows have a flag, and a comparison passes over all of them faster than counting does.
    raised, unlike = scores.flags[scores.flags > 0], scores.unlike[scores.unlike > 0]
    by_kind = np.bincount(unlike, minlength=1)
    flags = Counter(
        {
            name: int(carrying)
            for i, name in enumerate(scorer.model.peers.flag_names)
            if (carrying := np.count_nonzero(raised >> np.uint16(i) & np.uint16(1)))
        }
    )
    return Summary(
        rows=block.n_rows + refused,
        scored=block.n_rows,
        refused=refused,
        bands=Counter({a: int(np.count_nonzero(scores.band == i)) for i, a in enumerate(ANSWERS)}),
        unlike=Counter({scorer.kinds[i]: int(by_kind[i]) for i in np.flatnonzero(by_kind)}),
        flags=flags,
        flagged=len(raised),
        drift=scorer.model.profile.count(block),
    )


def _count(n: int, of: int) -> str:
    return f"{n:,} ({n / max(of, 1):.1%})"
