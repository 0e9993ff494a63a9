"""Outcomes that are recorded by file."""

from __future__ import annotations

from datetime import date

from sqlalchemy import select

from durhampulse.desk.outcomes.byfile import OutcomeSource, record_all
from durhampulse.desk.store.tables import creator

DAY = date(2026, 1, 31)


def record_rows(store, tmp_path, rows, on=DAY):
    """Record outcomes of creators by file: number to deal."""
    with store.reading() as db:
        names = dict(db.execute(select(creator.c.id, creator.c.external_id)).all())
    path = tmp_path / "outcomes.csv"
    lines = [f"{names[number]},{int(deal)}" for number, deal in rows.items()]
    path.write_text("\n".join(["id,deal", *lines]))
    source = OutcomeSource(path=path, name=path.name, on=on)
    return record_all(store, path.name, source.read(store), "ann").act
