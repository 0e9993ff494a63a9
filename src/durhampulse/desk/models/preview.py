"""What a change of model or thresholds would do: compared creator by creator, before it is made."""

from __future__ import annotations

import heapq
import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, func, literal, select, union_all

from durhampulse.creators.block import Block
from durhampulse.decision.bands import BANDS, NO_PRECEDENT
from durhampulse.desk.models.rules import Rules
from durhampulse.desk.store.tables import HAS_PRECEDENT, creator
from durhampulse.scoring.record import UNLIKE_BIT

__all__ = [
    "ALL_ANSWERS",
    "NONE",
    "Comparison",
    "Mover",
    "Preview",
    "bands_of",
    "basis_of",
    "threshold_moves",
]

NONE = "none"
ALL_ANSWERS = (*BANDS, NO_PRECEDENT, NONE)
"""What a creator may be: a band, without precedent, or without a score."""
_MOST_MOVERS = 12
_STEPS = np.linspace(-1.05, 1.05, 22)
"""Edges of the changes that are counted together, ten points each, the middle one around 0."""

Floats = npt.NDArray[np.float64]
Move = tuple[str, str, int]


@dataclass(frozen=True, kw_only=True)
class Mover:
    """A creator whose score moves far; named by the store's number alone.

    Attributes
    ----------
    id, before, after
        The creator, and their probability now and then.
    """

    id: int
    before: float
    after: float


@dataclass(frozen=True, kw_only=True)
class Preview:
    """What a change would do; plain data.

    Attributes
    ----------
    creators
        Compared; all of the list.
    risen, fallen
        Of those with a number before and after, how many move by a point of 100 or more.
    mean_change
        Of their probabilities; 0 where there are none.
    moves
        Band now, band then, and how many creators go from one to the other.
    movers
        Those who move farthest.
    changes
        How many move by about so many points of 100, from -100 to 100 by tens.
    """

    creators: int
    risen: int
    fallen: int
    mean_change: float
    moves: Sequence[Move]
    movers: Sequence[Mapping[str, Any]]
    changes: Sequence[int]

    @classmethod
    def of(cls, moves: Sequence[Move]) -> Preview:
        """Return the preview of a change that moves no score."""
        n = sum(n for _, _, n in moves)
        return cls(
            creators=n, risen=0, fallen=0, mean_change=0.0, moves=moves, movers=[], changes=[]
        )

    @property
    def crossing(self) -> int:
        """How many change their band."""
        return sum(n for before, after, n in self.moves if before != after)

    def count(self, before: str, after: str) -> int:
        """Return how many go from one band to another."""
        return sum(n for old, new, n in self.moves if (old, new) == (before, after))

    @property
    def bands(self) -> list[str]:
        """The bands that occur, in their order."""
        return [b for b in ALL_ANSWERS if any(b in (old, new) for old, new, _ in self.moves)]


def basis_of(rules: Rules) -> str:
    """Return a name for rules, by which it is seen that a preview was made under others."""
    return f"{rules.version} {rules.thresholds.yes_at} {rules.thresholds.review_at}"


def bands_of(rules: Rules, probability: Floats, flags: npt.NDArray[np.int64]) -> list[str]:
    """Return each creator's band by score and flags, as :meth:`.Rules.band` does for one."""
    at = np.full(len(probability), ALL_ANSWERS.index(NONE))
    for band, (low, high) in rules.band_ranges.items():
        at[(probability >= low) & (probability < high)] = ALL_ANSWERS.index(band)
    if not rules.scorer.refusal:
        unlike = (flags & UNLIKE_BIT > 0) & ~np.isnan(probability)
        at[unlike] = ALL_ANSWERS.index(NO_PRECEDENT)
    return [ALL_ANSWERS[i] for i in at.tolist()]


@dataclass(kw_only=True)
class Comparison:
    """Counts of a comparison under way, some creators at a time.

    Attributes
    ----------
    old, new
        The rules in force, and those that would be.
    """

    old: Rules
    new: Rules
    _creators: int = 0
    _scored: int = 0
    _risen: int = 0
    _fallen: int = 0
    _change: float = 0.0
    _moves: Counter[tuple[str, str]] = field(default_factory=Counter)
    _drift: dict[str, Any] = field(default_factory=dict)
    _movers: list[Mover] = field(default_factory=list)
    _changes: npt.NDArray[np.int64] = field(
        default_factory=lambda: np.zeros(len(_STEPS) - 1, np.int64)
    )

    def add(self, rows: Sequence[Any], block: Block, columns: Mapping[str, Sequence[Any]]) -> None:
        """Count some creators.

        Parameters
        ----------
        rows
            As stored, with the scores in force.
        block
            Their figures as the new model sees them.
        columns
            ``probability`` and ``flags`` as they would be, in the same order.
        """
        before = np.array([row.probability for row in rows], np.float64)
        after = np.array(columns["probability"], np.float64)
        flags = np.array([row.flags for row in rows], np.int64)
        was = bands_of(self.old, before, flags)
        will = bands_of(self.new, after, np.array(columns["flags"], np.int64))
        self._creators += len(rows)
        for name, bins in self.new.scorer.model.profile.count(block).items():
            self._drift[name] = self._drift.get(name, 0) + bins
        self._moves.update(zip(was, will, strict=True))
        shown = [NO_PRECEDENT not in move for move in zip(was, will, strict=True)]
        change = np.where(shown, after - before, np.nan)
        known = np.flatnonzero(~np.isnan(change))
        self._scored += len(known)
        self._risen += int((change[known] >= 0.01).sum())
        self._fallen += int((change[known] <= -0.01).sum())
        self._change += float(change[known].sum())
        self._changes += np.histogram(change[known], _STEPS)[0]
        far = known[np.argsort(-np.abs(change[known]))[:_MOST_MOVERS]]
        movers = [Mover(id=rows[i].id, before=before[i], after=after[i]) for i in far.tolist()]
        self._movers = heapq.nlargest(
            _MOST_MOVERS,
            [*self._movers, *movers],
            key=lambda mover: abs(mover.after - mover.before),
        )

    def drift(self) -> list[dict[str, Any]]:
        """Return how far the list is from the new model's training rows, as records."""
        profile = self.new.scorer.model.profile
        blank = profile.count(self.new.block([]))
        return profile.drift({**blank, **self._drift})

    def to_plain(self) -> dict[str, Any]:
        """Return the comparison as plain data, with the rules it was made under."""
        return {"facts": asdict(self.done()), "basis": basis_of(self.old)}

    def done(self) -> Preview:
        """Return the comparison of all creators counted."""
        return Preview(
            creators=self._creators,
            risen=self._risen,
            fallen=self._fallen,
            mean_change=self._change / max(self._scored, 1),
            moves=[(*move, n) for move, n in self._moves.most_common()],
            movers=[
                {"id": mover.id, "before": float(mover.before), "after": float(mover.after)}
                for mover in self._movers
            ],
            changes=self._changes.tolist(),
        )


def threshold_moves(db: Connection, old: Rules, new: Rules) -> list[Move]:
    """Return how many creators go from band to band where only the thresholds move."""
    pairs = [*old.band_ranges.values(), *new.band_ranges.values()]
    ranges = [*itertools.pairwise(sorted({end for pair in pairs for end in pair}))]
    p = creator.c.probability
    each = [
        select(literal(low), func.count()).select_from(creator)
        .where(HAS_PRECEDENT, p >= low, p < high)
        .with_hint(creator, "INDEXED BY ix_creator_by_probability", "sqlite")
        for low, high in ranges
    ]  # fmt: skip
    moves: Counter[tuple[str, str]] = Counter()
    for low, n in db.execute(union_all(*each)):  # each range by the index, side by side
        moves[old.band(low), new.band(low)] += n
    return [(*move, n) for move, n in moves.most_common() if n]
