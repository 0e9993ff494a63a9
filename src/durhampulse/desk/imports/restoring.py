"""One step of the undo of an import: some of its creators get back what it replaced, or go again.

Nothing depends on the order of the steps, or on what people do between them: each creator is told
by their own rows to be as the import left them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Row,
    Select,
    Text,
    and_,
    cast,
    delete,
    exists,
    func,
    or_,
    select,
    true,
    tuple_,
    update,
)

from durhampulse.desk.models.catalogue import score_again
from durhampulse.desk.models.rules import Rules
from durhampulse.desk.store import clock
from durhampulse.desk.store.bulk import numbers_in
from durhampulse.desk.store.former import FORMER_COLUMNS
from durhampulse.desk.store.ordering import renew_order
from durhampulse.desk.store.search import refresh_search
from durhampulse.desk.store.tables import (
    UNSENT,
    act,
    campaign_candidate,
    claim,
    creator,
    delivery,
    list_creator,
    metadata,
    person,
    replaced,
    review,
    run,
    score,
)

__all__ = ["COUNTS", "Ground", "changes_nobody", "count_all", "restore_some"]

COUNTS = ("restored", "removed", "kept", "decided")
"""What is counted of an undo, as attributes of `UndoneImport`."""
_REFERRING = [
    (table, column)
    for table in metadata.sorted_tables
    for column in table.columns
    if (
        table is not campaign_candidate  # nobody chose them
        and any(key.column is creator.c.id for key in column.foreign_keys)
    )
    or column is list_creator.c.creator_id
]
"""Tables whose rows speak of a creator, with the column that says of which."""


@dataclass(frozen=True, kw_only=True)
class Ground:
    """What the undo of an import goes by.

    Attributes
    ----------
    run_id, since
        The import's run, and when it was put in place.
    models
        Runs of the models activated since.
    model_run
        The run of the model activated last; none where the first one still decides.
    by
        Who undoes it: whom they look at themselves goes too.
    """

    run_id: int
    since: datetime
    models: Sequence[int]
    model_run: int | None
    by: str

    @classmethod
    def of(cls, db: Connection, row: Row[Any], by: str) -> Ground:
        """Return the ground of an import's act, as things are now, for whoever undoes it."""
        taken = select(run.c.id).where(run.c.kind == "model", run.c.applied_at.is_not(None))
        last = db.scalar(taken.order_by(run.c.applied_at.desc()).limit(1))
        models = list(db.scalars(taken.where(run.c.applied_at > row.at)))
        return cls(run_id=row.run_id, since=row.at, models=models, model_run=last, by=by)

    @property
    def unchanged(self) -> ColumnElement[bool]:
        """Condition that a creator has the figures the import brought.

        A model that was activated since has scored them anew and changed no figure: there the
        scores that each run left behind tell which import was the last.
        """
        plain = creator.c.run_id == self.run_id
        if not self.models:
            return plain
        undone = select(act.c.run_id).where(act.c.undone_at.is_not(None), act.c.run_id.is_not(None))
        later = select(run.c.id).where(
            run.c.kind == "import", run.c.applied_at.is_not(None), run.c.id > self.run_id,
            run.c.id.not_in(undone),
        )  # fmt: skip
        scored = exists().where(score.c.creator_id == creator.c.id)
        again = scored.where(score.c.run_id.in_(later))
        by_model = creator.c.run_id.in_(self.models) & scored.where(score.c.run_id == self.run_id)
        return or_(plain, by_model & ~again)

    @property
    def replaced(self) -> ColumnElement[bool]:
        """Condition that a creator was stored before the import."""
        r = replaced.c
        return exists().where(r.creator_id == creator.c.id, r.run_id == self.run_id)

    @property
    def decided(self) -> ColumnElement[bool]:
        """Condition that somebody has decided about a creator since."""
        return exists().where(
            review.c.creator_id == creator.c.id, review.c.at >= self.since,
            review.c.undone_at.is_(None), review.c.decision != "skip",
        )  # fmt: skip

    @property
    def spoken_of(self) -> ColumnElement[bool]:
        """Condition that anything refers to a creator that keeps them.

        A claim that has ended or is one's own keeps nobody; nor does a review that was undone, or
        a message about it that other programs have had: these go with the creator.
        """
        own = select(person.c.id).where(person.c.name == self.by)
        counts: dict[FromClause, ColumnElement[bool]] = {
            claim: (claim.c.expires_at > clock.now()) & claim.c.person_id.not_in(own),
            review: review.c.undone_at.is_(None),
            delivery: UNSENT,
        }
        return or_(
            *(
                exists().where(column == creator.c.id, counts.get(table, true()))
                for table, column in _REFERRING
            )
        )


def count_all(db: Connection, ground: Ground) -> dict[str, int]:
    """Return `COUNTS` of the undo as a whole, if it were done now."""

    def count(*conditions: ColumnElement[bool]) -> int:
        counted = select(func.count()).select_from(creator)
        return db.scalar(counted.where(ground.unchanged, *conditions)) or 0

    brought, spoken = count(~ground.replaced), count(~ground.replaced, ground.spoken_of)
    return {
        "restored": count(ground.replaced),
        "removed": brought - spoken,
        "kept": spoken,
        "decided": count(ground.replaced, ground.decided),
    }


def changes_nobody(db: Connection, ground: Ground) -> bool:
    """Whether the undo of an import would neither give back nor remove any creator now."""
    imported = select(score.c.creator_id).where(score.c.run_id == ground.run_id)
    changed = select(creator.c.id).where(
        creator.c.id.in_(imported), ground.unchanged, ground.replaced | ~ground.spoken_of
    )
    return db.scalar(changed.limit(1)) is None


def restore_some(
    db: Connection, ground: Ground, rules: Rules, after: int, size: int
) -> tuple[int, dict[str, int]]:
    """Undo the next creators of an import by number; return the last number, and `COUNTS`.

    The number is 0 when there was none.
    """
    next_ones = select(score.c.creator_id).where(
        score.c.run_id == ground.run_id, score.c.creator_id > after
    )
    numbers = list(db.scalars(next_ones.order_by(score.c.creator_id).limit(size)))
    if not numbers:
        return 0, dict.fromkeys(COUNTS, 0)
    c = creator.c
    here = select(c.id).where(c.id.in_(numbers_in(db, numbers)))
    # Row locks in id order, as of whoever else changes creators: nobody waits for each other.
    db.execute(here.order_by(c.id).with_for_update()).all()
    mine = here.where(ground.unchanged)
    restored = list(db.scalars(mine.where(ground.replaced)))
    decided = list(db.scalars(mine.where(ground.replaced, ground.decided)))
    brought = list(db.scalars(mine.where(~ground.replaced)))
    removed = list(db.scalars(mine.where(~ground.replaced, ~ground.spoken_of)))
    _give_back(db, ground, rules, restored)
    _remove(db, removed)
    _hand_down(db, ground.run_id, numbers)
    counts = {"restored": len(restored), "removed": len(removed),
              "kept": len(brought) - len(removed), "decided": len(decided)}  # fmt: skip
    return numbers[-1], counts


def _give_back(db: Connection, ground: Ground, rules: Rules, numbers: Sequence[int]) -> None:
    """Restore the creators that an import replaced, with scores of the model in force."""
    if not numbers:
        return
    these = creator.c.id.in_(numbers_in(db, numbers))
    of_run = and_(replaced.c.creator_id == creator.c.id, replaced.c.run_id == ground.run_id)
    renamed = db.scalars(_called_otherwise(of_run).where(these)).all()
    former = {name: replaced.c[name] for name in FORMER_COLUMNS}
    restored = update(creator).where(these, of_run)
    db.execute(restored.values(**former, run_id=replaced.c.former_run_id))
    scores = score.c.creator_id.in_(numbers_in(db, numbers))
    db.execute(delete(score).where(score.c.run_id == ground.run_id, scores))
    if ground.model_run is not None:
        others = select(run.c.id).where(run.c.model_version != rules.version)
        stale = these if ground.models else these & creator.c.run_id.in_(others)
        those = db.scalars(select(creator.c.id).where(stale)).all()
        score_again(db, rules.scorer, ground.model_run, those)
    refresh_search(db, renamed)
    renew_order(db)


def _remove(db: Connection, numbers: Sequence[int]) -> None:
    """Delete creators whom an import brought and of whom nothing speaks, with what goes along."""
    if not numbers:
        return
    tables = (claim, score, campaign_candidate, delivery, review)
    for column in (*(table.c.creator_id for table in tables), creator.c.id):
        db.execute(delete(column.table).where(column.in_(numbers_in(db, numbers))))
    refresh_search(db, numbers)


def _hand_down(db: Connection, run_id: int, numbers: Sequence[int]) -> None:
    """Hand what an import replaced down to the next one that replaced its rows, and forget it.

    So the undo of that one leads to the list before both.
    """
    r, mine = replaced.c, replaced.alias()
    these = r.creator_id.in_(numbers_in(db, numbers))
    first = select(r.creator_id, func.min(r.run_id)).where(these, r.run_id > run_id)
    later = tuple_(r.creator_id, r.run_id).in_(first.group_by(r.creator_id))
    same = and_(mine.c.run_id == run_id, mine.c.creator_id == r.creator_id)
    db.execute(delete(replaced).where(later, ~exists().where(same)))
    former = {name: mine.c[name] for name in (*FORMER_COLUMNS, "former_run_id")}
    db.execute(update(replaced).where(later, same).values(former))
    db.execute(delete(replaced).where(r.run_id == run_id, these))


def _called_otherwise(of_run: ColumnElement[bool]) -> Select[int]:
    """Return the query of the creators whom an import has called by another name."""
    r, c = replaced.c, creator.c
    texts = ((r.name, c.name), (r.carried, c.carried))
    changed = (cast(before, Text).is_distinct_from(cast(now, Text)) for before, now in texts)
    return select(c.id).join(replaced, of_run).where(or_(*changed))
