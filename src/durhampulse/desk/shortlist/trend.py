"""The trend of a score: how it has moved since the same model scored the creator before.

Two scores of one model differ only where the creator's figures do: what the model does not know of
a creator errs alike in both. So the change needs no interval of its own, but has to matter to
whoever reads it. It is called rising or falling from 5 points on, a quarter of the usual distance
between the thresholds; below that, where the score has left the range that was called likely
before, by a point at least: near 0 and 1 ranges are narrow, and few points are much. Two models
disagree about the same figures, and are never compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from sqlalchemy import Connection, Select, exists, select

from durhampulse.decision.figures import percent
from durhampulse.desk.store.tables import creator, run, score
from durhampulse.scoring.record import UNLIKE_BIT

__all__ = ["Trend", "trends"]

_MATTERS: Final = 0.05
_SHOWN: Final = 0.01
"""What the pages' figures show of a change."""
_ROUNDING: Final = 1e-9


@dataclass(frozen=True)
class Trend:
    """How a score has moved.

    Attributes
    ----------
    word
        What the change is called.
    before
        The score before, of the same model; None where only another model has scored the creator.
    """

    word: Literal["rising", "falling", "steady", "another model before"]
    before: float | None

    @property
    def moves(self) -> bool:
        """Whether it rises or falls."""
        return self.word in ("rising", "falling")

    @property
    def text(self) -> str:
        """The change in words.

        Examples
        --------
        >>> Trend("rising", 0.612).text, Trend("steady", 0.5).text
        ('rising from 61%', 'steady')
        """
        return f"{self.word} from {percent(self.before, 0)}" if self.moves else self.word

    @classmethod
    def between(cls, before: float, low: float, high: float, now: float) -> Trend:
        """Return the trend from a score with its likely range to the score of now.

        Examples
        --------
        >>> Trend.between(0.61, 0.45, 0.75, 0.66).word, Trend.between(0.61, 0.45, 0.75, 0.65).word
        ('rising', 'steady')
        >>> Trend.between(0.97, 0.95, 0.99, 0.94).word
        'falling'
        """
        change = abs(now - before) + _ROUNDING
        is_seen = change >= _MATTERS or (change >= _SHOWN and not low <= now <= high)
        return cls("steady" if not is_seen else "rising" if now > before else "falling", before)


def trends(db: Connection, version: str, numbers: Sequence[int]) -> dict[int, Trend]:
    """Return the trend of each of some creators who have a score and were scored before.

    Who had no number then, or has none now, is left out, as is everybody scored once.

    Parameters
    ----------
    db
        The store.
    version
        Of the active model, by which all creators are scored.
    numbers
        The creators'.
    """
    moved: dict[int, Trend] = {}
    for row in db.execute(_scores(version, numbers)):
        if not _has_number(row.probability, row.flags):
            continue
        if row.former is None:
            moved[row.id] = Trend("another model before", None)
        elif _has_number(row.before, row.former_flags):
            moved[row.id] = Trend.between(row.before, row.low, row.high, row.probability)
    return moved


def _has_number(probability: float | None, flags: int) -> bool:
    return probability is not None and flags < UNLIKE_BIT


def _scores(version: str, numbers: Sequence[int]) -> Select[Any]:
    """Return the query of scores with those of the same model before, of whoever was scored before.

    A model's run may be numbered before an import that it follows, but not before one of its own.
    Runs are looked up in a list, not joined, by their number plus 0: so SQLite begins with the
    creators and goes through the scores of each, not through those of each run.
    """
    c, s = creator.c, score.c
    applied = select(run.c.id).where(run.c.applied_at.is_not(None))
    of_model = applied.where(run.c.model_version == version)
    own, number = s.creator_id == c.id, s.run_id + 0
    earlier = select(s.run_id).where(own, s.run_id < c.run_id, number.in_(of_model))
    former = earlier.order_by(s.run_id.desc()).limit(1)
    before = exists().where(own, s.run_id != c.run_id, number.in_(applied))
    latest = (
        select(c.id, c.probability, c.flags, former.scalar_subquery().label("former"))
        .where(c.id.in_(numbers), before)
        .subquery()
    )
    old = (s.creator_id == latest.c.id) & (s.run_id == latest.c.former)
    return select(
        *latest.c, s.probability.label("before"), s.low, s.high, s.flags.label("former_flags")
    ).select_from(latest.outerjoin(score, old))
