"""What was read of a file of outcomes that waits: kept, so that opening its page reads no file."""

from __future__ import annotations

import hashlib
import json
from datetime import date
from typing import Any

from sqlalchemy import Connection, select

from durhampulse.creators.rules import ColumnRule
from durhampulse.desk.outcomes.file import OutcomeFile, RefusedRow
from durhampulse.desk.store.database import insert_or
from durhampulse.desk.store.tables import outcome_rows

__all__ = ["keep_rows", "kept_rows"]


def keep_rows(db: Connection, number: int, rule: ColumnRule | None, file: OutcomeFile) -> None:
    """Keep what was read of a file, in place of what was before.

    Parameters
    ----------
    db
        A connection that writes.
    number
        The file's.
    rule
        By which outcomes were read: another model may have another.
    file
        What was read.
    """
    content = {
        "outcomes": [[name, deal, on.isoformat()] for name, (deal, on) in file.outcomes.items()],
        "n_blank": file.n_blank,
        "refused": [[row.row, row.reason] for row in file.refused],
    }
    changed = {"digest": _digest(rule), "content": content}
    into = insert_or(db, outcome_rows).values(outcome_file_id=number, **changed)
    db.execute(into.on_conflict_do_update(index_elements=["outcome_file_id"], set_=changed))


def kept_rows(db: Connection, number: int, rule: ColumnRule | None) -> OutcomeFile | None:
    """Return what was read of a file by a rule; None where nothing is kept."""
    r = outcome_rows.c
    content: dict[str, Any] | None = db.scalar(
        select(r.content).where(r.outcome_file_id == number, r.digest == _digest(rule))
    )
    if content is None:
        return None
    return OutcomeFile(
        {name: (deal, date.fromisoformat(on)) for name, deal, on in content["outcomes"]},
        content["n_blank"],
        [RefusedRow(row, reason) for row, reason in content["refused"]],
    )


def _digest(rule: ColumnRule | None) -> str:
    plain = None if rule is None else rule.to_dict()
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()
