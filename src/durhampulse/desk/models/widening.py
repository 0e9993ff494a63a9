"""Scores of earlier versions, whose flags do not hold yet what empty cells could change."""

from __future__ import annotations

from sqlalchemy import Connection, or_, select, update

from durhampulse.desk.models.catalogue import Catalogue
from durhampulse.desk.store.database import Store
from durhampulse.desk.store.settings import read_setting, write_setting
from durhampulse.desk.store.tables import HAS_PRECEDENT, NUMBERS, TEXTS, creator
from durhampulse.scoring.record import STEP_UNIT

__all__ = ["widen_edges"]

_DONE = "edges widened"
_AT_ONCE = 2_000


def widen_edges(store: Store, catalogue: Catalogue) -> None:
    """Add the steps of empty cells to the flags of stored scores, once in the life of a store.

    It goes on where it was broken off: a creator whose flags hold steps is left alone.
    """
    with store.reading() as db:
        if read_setting(db, _DONE):
            return
    last: int | None = 0
    while last is not None:
        with store.writing(durable=False) as db:
            last = _widen(db, catalogue, last)
    with store.writing() as db:
        write_setting(db, _DONE, True)


def _widen(db: Connection, catalogue: Catalogue, after: int) -> int | None:
    """Widen the edges of the next creators by number; return the last, None when there is none."""
    c = creator.c
    lacks_some = or_(*(c[name].is_(None) for name in (*NUMBERS.values(), *TEXTS.values())),
                     c.extra.is_not(None))  # fmt: skip
    plain = (c.id > after, c.flags >= 0, HAS_PRECEDENT, c.probability.is_not(None), lacks_some)
    rows = db.execute(
        select(creator).where(*plain).order_by(c.id).limit(_AT_ONCE).with_for_update()
    ).all()
    if not rows:
        return None
    rules = catalogue.current(db)
    steps = rules.scorer.model.model.interval.steps(rules.block(rows))
    for row, wider in zip(rows, steps.tolist(), strict=True):
        if wider:
            flags = c.flags - STEP_UNIT * wider
            db.execute(update(creator).where(c.id == row.id).values(flags=flags))
    return int(rows[-1].id)
