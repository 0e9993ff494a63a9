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
_AT_ONCE, _MANY = 2_000, 1_000


def widen_edges(store: Store, catalogue: Catalogue) -> None:
    """Add the steps of empty cells to the flags of stored scores, once in the life of a store.

    It goes on where it was broken off: a creator whose flags hold steps is left alone.
    """
    with store.reading() as db:
        if read_setting(db, _DONE):
            return
    last: int | None = 0
    widened = 0
    while last is not None:
        with store.writing(durable=False) as db:
            last, more = _widen(db, catalogue, last)
            widened += more
    with store.writing() as db:
        write_setting(db, _DONE, True)
    if widened > _MANY:  # PostgreSQL looks each changed row up until it is vacuumed
        store.tidy()


def _widen(db: Connection, catalogue: Catalogue, after: int) -> tuple[int | None, int]:
    """Widen the edges of the next creators by number.

    Returns
    -------
    tuple
        The last of them, None when there is none, and how many were widened.
    """
    c = creator.c
    lacks_some = or_(*(c[name].is_(None) for name in (*NUMBERS.values(), *TEXTS.values())),
                     c.extra.is_not(None))  # fmt: skip
    plain = (c.id > after, c.flags >= 0, HAS_PRECEDENT, c.probability.is_not(None), lacks_some)
    rows = db.execute(
        select(creator).where(*plain).order_by(c.id).limit(_AT_ONCE).with_for_update()
    ).all()
    if not rows:
        return None, 0
    rules = catalogue.current(db)
    steps = rules.scorer.model.model.interval.steps(rules.block(rows))
    for row, wider in zip(rows, steps.tolist(), strict=True):
        if wider:
            flags = c.flags - STEP_UNIT * wider
            db.execute(update(creator).where(c.id == row.id).values(flags=flags))
    return int(rows[-1].id), int((steps > 0).sum())
