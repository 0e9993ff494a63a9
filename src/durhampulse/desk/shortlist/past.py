"""The scores of a moment of the past: all, and a page of them found in an index.

A million scores of which a later import has brought others are not gone through for a page: those
above a probability are looked up one by one.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import product
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Double,
    Row,
    Select,
    Subquery,
    case,
    cast,
    func,
    literal,
    null,
    select,
    union_all,
)

from durhampulse.desk.shortlist.order import LISTED_INDEXES, SCORE_INDEXES, number_of
from durhampulse.desk.store.tables import creator, run, score

__all__ = ["PAGE", "Past", "first_scores"]

PAGE: Final = 50


@dataclass(frozen=True)
class Past:
    """The scores of a moment: of whom no later run has scored those of the list, else earlier ones.

    Attributes
    ----------
    earlier, later
        The runs put in place by that moment, in that order, and since.
    without
        Creators left out.
    """

    earlier: Sequence[int]
    later: Sequence[int]
    without: Collection[int]

    @classmethod
    def of(cls, db: Connection, at: datetime, without: Collection[int]) -> Past:
        """Return what is known of a moment."""
        applied = select(run.c.id).where(run.c.applied_at.is_not(None))
        in_order = applied.where(run.c.applied_at <= at).order_by(run.c.applied_at, run.c.id)
        later = db.scalars(applied.where(run.c.applied_at > at)).all()
        return cls(db.scalars(in_order).all(), later, without)

    def _place(self, own: ColumnElement[Any]) -> ColumnElement[Any]:
        """Return the place of a score's run in the order in which the runs were put in place.

        That is the run's number, but for a model's: it may be prepared before an import, and put
        in place after it.
        """
        places: dict[int, float] = {}
        highest = 0
        for n, number in enumerate(self.earlier, 1):
            if number < highest:
                places[number] = highest + n / (len(self.earlier) + 1)
            highest = max(highest, number)
        return case(places, value=own, else_=own) if places else own

    def parts(self, db: Connection) -> list[Select[Any]]:
        """Return the scores of whom no later run has scored, and those of the others."""
        c, s = creator.c, score.c
        if not self.earlier:
            return []
        if not self.later:
            return [self._listed]
        since = select(s.creator_id).where(s.run_id.in_(self.later))
        runs = select(s.creator_id, func.max(self._place(s.run_id)).label("place")).group_by(
            s.creator_id
        )
        runs = runs.where(s.creator_id.not_in(self.without))
        last = runs.where(s.run_id.in_(self.earlier), s.creator_id.in_(since)).subquery()
        both = (s.creator_id == last.c.creator_id) & (self._place(s.run_id) == last.c.place)
        former = select(s.creator_id.label("id"), s.probability, s.low, s.high, s.flags)
        # Each looks up another way: SQLite puts numbers into a table, PostgreSQL joins.
        lite = db.dialect.name == "sqlite"
        untouched = c.id.not_in(since) if lite else ~since.where(s.creator_id == c.id).exists()
        return [self._listed.where(untouched), former.join(last, both)]

    @property
    def _listed(self) -> Select[Any]:
        c = creator.c
        listed = select(c.id, c.probability, c.low, c.high, c.flags)
        return listed.where(c.id.not_in(self.without))

    def _keys(self) -> list[Select[Any]]:
        """Return queries of the keys of all scores of the moment, looked up score by score.

        Of the list where nothing has changed it since. Else those of the latest earlier run, which
        no other had replaced by then, and those of the others.
        """
        if not self.later:
            return [select(creator.c.id).where(creator.c.id.not_in(self.without))]
        s, others = score.c, score.alias()
        *before, last = self.earlier
        former = select(s.creator_id.label("id"), s.run_id).where(s.creator_id.not_in(self.without))
        replacing = others.c.creator_id == s.creator_id, others.c.run_id.in_(self.earlier)
        beyond = self._place(others.c.run_id) > self._place(s.run_id)
        replaced = select(literal(1)).select_from(others).where(*replacing, beyond).exists()
        of_last = former.where(s.run_id == last)
        return [of_last, former.where(s.run_id.in_(before), ~replaced)] if before else [of_last]

    def firsts(self, most: int, least: float | None) -> list[Select[Any]]:
        """Return queries of the first keys: from the least on, then of whom has no number.

        Only indexes are read: what else a score holds is looked up for those of a page.
        """
        if not self.earlier:
            return []
        table, indexes = (score, SCORE_INDEXES) if self.later else (creator, LISTED_INDEXES)
        parts = []
        for (index, holds), keys in product(indexes, self._keys()):
            number, p = keys.selected_columns.id, table.c.probability
            by_number = index.endswith("probability")
            part = keys.add_columns((p if by_number else cast(null(), Double)).label("shown"))
            part = part.where(holds).with_hint(table, f"INDEXED BY {index}", "sqlite")
            if by_number and least is not None:
                part = part.where(p >= least)
            order = (p.desc(), number.desc()) if by_number else (number.desc(),)
            parts.append(select(part.order_by(*order).limit(most).subquery()))
        return parts

    def scores_of(self, page: Subquery) -> Select[Any]:
        """Return the query of the scores with the keys of a page."""
        if not self.later:
            return self._listed.join(page, page.c.id == creator.c.id)
        s = score.c
        scores = select(s.creator_id.label("id"), s.probability, s.low, s.high, s.flags)
        return scores.join(page, (page.c.id == s.creator_id) & (page.c.run_id == s.run_id))

    def least(self, db: Connection, place: int) -> float | None:
        """Return the probability that has a place in the largest of the earlier runs."""
        if not (self.earlier and self.later):
            return None
        sizes = select(run.c.id).where(run.c.id.in_(self.earlier))
        largest = db.scalar(sizes.order_by(run.c.creators.desc(), run.c.id.desc()).limit(1))
        (index, holds), _ = SCORE_INDEXES
        s = select(score.c.probability).where(score.c.run_id == largest, holds)
        s = s.with_hint(score, f"INDEXED BY {index}", "sqlite")
        p: float | None = db.scalar(s.order_by(score.c.probability.desc()).offset(place).limit(1))
        return p


def first_scores(db: Connection, past: Past, page: int) -> Sequence[Row[Any]]:
    """Return the scores of a page, and one more where there are others.

    Those with a number are looked for above a probability, and above a lower one while too few are.
    """
    most = PAGE * (page + 1) + 1
    place = 2 * most
    while True:
        least = past.least(db, place)
        firsts = past.firsts(most, least)
        if not firsts:
            return []
        s = union_all(*firsts).subquery()
        ranked = select(s).order_by(s.c.shown.desc().nulls_last(), s.c.id.desc())
        keys = ranked.limit(PAGE + 1).offset(PAGE * page).subquery()
        order = keys.c.shown.desc().nulls_last(), keys.c.id.desc()
        rows = db.execute(past.scores_of(keys).order_by(*order)).all()
        if least is None or (len(rows) > PAGE and number_of(rows[-1]) is not None):
            return rows
        place *= 4
