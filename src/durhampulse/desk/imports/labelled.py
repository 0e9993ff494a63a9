"""The outcomes that a list holds: counted while it is checked, left to wait once it is in place.

An import records none of them. Where a person has asked for them, the file is kept as a file of
outcomes, which shows what it would record and records nothing before that is confirmed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import numpy as np
from sqlalchemy import Connection, Row, select

from durhampulse.creators.labels import read_labels
from durhampulse.creators.options import ReadOptions
from durhampulse.creators.rules import ColumnRule
from durhampulse.creators.schema import LABEL
from durhampulse.creators.text import NoTextError
from durhampulse.desk.imports.choices import label_rule
from durhampulse.desk.store import clock
from durhampulse.desk.store.audit import note
from durhampulse.desk.store.bulk import insert_one
from durhampulse.desk.store.tables import creator, outcome, outcome_file
from durhampulse.exceptions import InputError
from durhampulse.files.stream import Chunk

__all__ = [
    "LARGEST", "LabelColumn", "known_outcomes", "leave_outcomes", "waiting_outcomes", "with_asked",
]  # fmt: skip

LARGEST: Final = 64 << 20
"""Bytes up to which a file of outcomes is taken: it is read whole."""
_MOST_ROWS: Final = 1_000_000
_SHOWN: Final = 10
_AT_ONCE: Final = 500
_COUNTS: Final = ("deals", "none", "other", "unclear")


@dataclass(frozen=True, kw_only=True)
class LabelColumn:
    """The column of a list that holds outcomes.

    Attributes
    ----------
    header
        As in the file.
    rule
        How its words are read; none where those that are clear by themselves are.
    """

    header: str
    rule: ColumnRule | None

    @classmethod
    def of(
        cls, options: ReadOptions, headers: Sequence[str], learned: ColumnRule | None
    ) -> LabelColumn | None:
        """Return the column that a person has seen as the outcome's; None where there is none.

        Parameters
        ----------
        options
            How the file is read, with every column named.
        headers
            All of the file's.
        learned
            How the active model's table names its outcomes.
        """
        header = options.columns.get(LABEL)
        if not header or header not in headers:
            return None
        return cls(header=header, rule=label_rule(options, header) or learned)

    def count(
        self, chunk: Chunk, names: Sequence[str | None], known: Mapping[str, bool]
    ) -> dict[str, Any]:
        """Return a chunk's rows with a deal, without one, and with a cell that says neither.

        Parameters
        ----------
        chunk
            Some rows of the file.
        names
            Their canonical identifiers.
        known
            Identifier to outcome, from :func:`known_outcomes`: those are counted that differ.
        """
        try:
            labels = read_labels(chunk.cells[self.header], self.rule)
        except NoTextError:
            n = len(chunk.rows)
            return {"deals": 0, "none": 0, "other": 0, "unclear": n, "unclear_rows": []}
        pairs = zip(names, labels.values.tolist(), strict=True)
        return {
            "other": sum(
                known.get(name or "", label) != label for name, label in pairs if label in (0, 1)
            ),
            "deals": int((labels.values == 1).sum()),
            "none": int((labels.values == 0).sum()),
            "unclear": int(labels.unreadable.sum()),
            "unclear_rows": chunk.rows[np.flatnonzero(labels.unreadable)[:_SHOWN]].tolist(),
        }

    def summary(self, parts: Sequence[dict[str, Any]], *, n_bytes: int) -> dict[str, Any]:
        """Return what is said of the outcomes before the import is confirmed, as plain data.

        Parameters
        ----------
        parts
            From :meth:`count`, one for each chunk.
        n_bytes
            Size of the file.
        """
        totals = {name: sum(part[name] for part in parts) for name in _COUNTS}
        known = totals["deals"] + totals["none"]
        small = n_bytes <= LARGEST and known + totals["unclear"] <= _MOST_ROWS
        rows = [row for part in parts for row in part["unclear_rows"]][:_SHOWN]
        return {
            "header": self.header, **totals, "unclear_rows": rows,
            "small": small, "offered": small and known > totals["unclear"],
        }  # fmt: skip


def known_outcomes(db: Connection, names: Sequence[str | None]) -> dict[str, bool]:
    """Return the outcomes that stand of some identifiers."""
    if db.scalar(select(outcome.c.id).limit(1)) is None:
        return {}
    c, known = creator.c, dict[str, bool]()
    for start in range(0, len(names), _AT_ONCE):
        some = [name for name in names[start : start + _AT_ONCE] if name]
        rows = select(c.external_id, c.deal).where(c.external_id.in_(some), c.deal.is_not(None))
        known |= {row.external_id: row.deal for row in db.execute(rows)}
    return known


def with_asked(summary: Mapping[str, Any], asked: Mapping[str, str] | None) -> dict[str, Any]:
    """Return the summary of a checked import with who asks for its outcomes.

    Parameters
    ----------
    summary
        As it stands.
    asked
        ``by`` whom, and the day that outcomes without one of their own count as of (``on``); None
        where nobody asks.

    Raises
    ------
    InputError
        If somebody asks and the file cannot be taken as one of outcomes.
    """
    outcomes = summary.get("outcomes")
    if asked and not (outcomes and outcomes["offered"]):
        raise InputError(
            "The outcomes of this file cannot be taken over.", "Record them under Outcomes.",
            "outcomes",
        )  # fmt: skip
    return {**summary, "outcomes": {**outcomes, "asked": asked} if outcomes else outcomes}


def leave_outcomes(db: Connection, row: Row[Any]) -> bool:
    """Let the file of an import wait as a file of outcomes where somebody has asked for that.

    Returns
    -------
    bool
        Whether it waits, so that the file stays.
    """
    asked = (row.summary.get("outcomes") or {}).get("asked")
    if not asked:
        return False
    number = insert_one(
        db, outcome_file, file_name=row.file_name, path=row.path, options=row.options,
        on=date.fromisoformat(asked["on"]), by=asked["by"], created_at=clock.now(),
    )  # fmt: skip
    note(db, asked["by"], "outcomes uploaded", f"outcomes {number}", {"upload": row.id})
    return True


def waiting_outcomes(db: Connection, row: Row[Any]) -> int | None:
    """Return the number of the file of outcomes that an import left; None once it is gone."""
    return db.scalar(select(outcome_file.c.id).where(outcome_file.c.path == row.path))
