"""The check of an upload: its rows are scored into the table `staged`, beside the list.

Each chunk's rows are written in the transaction that counts the chunk as done, so an interrupted
check resumes at the next chunk.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from sqlalchemy import Connection, Row, delete, func, select, update

from durhampulse.creators.identifiers import canonical_identifiers
from durhampulse.creators.schema import IDENTIFIER, LABEL
from durhampulse.decision.bands import NO_PRECEDENT
from durhampulse.desk.imports.choices import from_plain
from durhampulse.desk.imports.fees import fee_column
from durhampulse.desk.imports.jobs import Job, LeaseLostError, extend_lease, keep_lease
from durhampulse.desk.imports.labelled import LabelColumn, known_outcomes
from durhampulse.desk.imports.recipes import shape_of
from durhampulse.desk.imports.refusals import reason_of_repeated
from durhampulse.desk.imports.staging import (
    Refusal,
    accepted_rows,
    counts_of,
    fees_of,
    import_summary,
    staged_columns,
    storable_name,
)
from durhampulse.desk.models.catalogue import Catalogue
from durhampulse.desk.models.rules import Rules
from durhampulse.desk.models.unlikeness import typical_figures, unlikeness
from durhampulse.desk.people.objections import Objections
from durhampulse.desk.store.bulk import insert_rows
from durhampulse.desk.store.database import Store
from durhampulse.desk.store.tables import creator, refused, run, staged, upload
from durhampulse.exceptions import InputError
from durhampulse.files.cage import Cage
from durhampulse.files.stream import Chunk
from durhampulse.scoring.chunks import OpenTable, Scored, open_table, score_chunk, scored_schema

__all__ = ["check", "known_now"]

_AT_ONCE = 500


def check(store: Store, catalogue: Catalogue, job: Job, stop: threading.Event) -> None:
    """Score an upload's rows beside the list, from the chunk where an earlier check stopped.

    Raises
    ------
    LeaseLostError
        If another worker has the upload, or it was discarded, or `stop` was set.
    InputError
        If the file holds no creators that can be read.
    """
    with keep_lease(store, job), Cage() as cage:
        _check(store, catalogue, job, stop, cage)


def _check(store: Store, catalogue: Catalogue, job: Job, stop: threading.Event, cage: Cage) -> None:
    with store.reading() as db:
        row = db.execute(select(upload).where(upload.c.id == job.id)).one()
        rules = catalogue.current(db)
        objections = Objections.read(db)
    options = from_plain(row.options)
    table = open_table(rules.scorer, Path(row.path), options, name=row.file_name, cage=cage)
    if IDENTIFIER not in table.columns:
        raise InputError(
            f"{row.file_name}: no column names the creators.",
            "Choose the column that holds Influencer_ID.",
        )
    resumed = row.model_version == rules.version
    parts = list((row.summary or {}).get("parts", [])) if resumed else []
    learned = rules.scorer.model.rules.get(LABEL)
    under_way = _Check(
        store=store, job=job, rules=rules, table=table, objections=objections, parts=parts,
        labels=LabelColumn.of(options, table.stream.headers, learned),
    )  # fmt: skip
    if not resumed:
        under_way.restart()
    for at, chunk in enumerate(table.stream.chunks(under_way.wanted)):
        if stop.is_set():
            raise LeaseLostError(job.id)
        if not resumed or at >= row.chunks_done:
            under_way.stage_chunk(chunk, at)
    under_way.finish()


@dataclass(frozen=True, kw_only=True)
class _Check:
    """A check under way.

    Attributes
    ----------
    store, job, rules
        Where it is written, the lease, and the model that scores.
    table
        The file.
    objections
        Who must be left out.
    parts
        Counts of the chunks done, as plain data: an interrupted check adds to them.
    labels
        The column of outcomes; none where the file has none.
    """

    store: Store
    job: Job
    rules: Rules
    table: OpenTable
    objections: Objections
    parts: list[dict[str, Any]]
    labels: LabelColumn | None

    @property
    def wanted(self) -> list[str]:
        """The headers that are read."""
        labels = [self.labels.header] if self.labels else []
        return [*dict.fromkeys([*self.table.wanted, *labels])]

    def restart(self) -> None:
        """Delete what an earlier check has staged, and count from zero."""
        with self.store.writing() as db:
            extend_lease(
                db, self.job, chunks_done=0, progress=0.0, model_version=self.rules.version,
                problem=None, way_out=None, summary=None,
                shape=shape_of(self.table.stream.headers),
            )  # fmt: skip
            for table in (staged, refused):
                db.execute(delete(table).where(table.c.upload_id == self.job.id))

    def stage_chunk(self, chunk: Chunk, at: int) -> None:
        """Score a chunk and write its rows, in one transaction with the progress."""
        scored = score_chunk(
            self.rules.scorer,
            self.table,
            chunk,
            scored_schema(pa.string(), self.table.headers.carried),
        )
        columns, refusals = self._sort_out(scored, chunk)
        with self.store.writing() as db:
            summary = {"parts": self.parts}
            extend_lease(
                db, self.job, chunks_done=at + 1, progress=chunk.done, summary=summary, tries=0
            )
            insert_rows(db, staged, columns)
            _insert_refusals(db, self.job.id, refusals)

    def _sort_out(self, scored: Scored, chunk: Chunk) -> tuple[dict[str, Any], list[Refusal]]:
        """Return a chunk's columns for `staged`, and its rows that are refused."""
        unscored = [row for _, row, _, _ in scored.refused]
        rows = chunk.rows[~np.isin(chunk.rows, unscored)]
        names = canonical_identifiers(scored.batch["Influencer ID"])
        accepted, reasons = accepted_rows(names, self.objections)
        refusals = [
            Refusal(row, storable_name(name), reason) for _, row, name, reason in scored.refused
        ]
        refusals += [
            Refusal(int(row), storable_name(name), reason)
            for row, name, reason in zip(rows.tolist(), names.to_pylist(), reasons, strict=True)
            if reason
        ]
        n, stored, kinds = int(accepted.sum()), np.flatnonzero(accepted), self.table.headers.carried
        fees = fees_of(scored, kinds, stored)
        counts = counts_of(scored.summary, len(reasons) - n, fees)
        self.parts.append(counts | self._labels(chunk))
        columns = {
            "upload_id": [self.job.id] * n,
            "row": rows[accepted].tolist(),
            **staged_columns(scored, kinds, names, stored, fees),
        }
        return columns, refusals

    def _labels(self, chunk: Chunk) -> dict[str, Any]:
        """Return the counts of a chunk's outcomes; none where the file has no column of them."""
        if self.labels is None:
            return {}
        names = canonical_identifiers(chunk.cells[self.table.columns[IDENTIFIER]]).to_pylist()
        with self.store.reading() as db:
            known = known_outcomes(db, names)
        return {"outcomes": self.labels.count(chunk, names, known)}

    def finish(self) -> None:
        """Refuse rows whose creator has an earlier row, and keep the summary of the check."""
        with self.store.writing() as db:
            db.exec_driver_sql("ANALYZE staged")  # or the planner takes the table for empty
            repeated = _refuse_repeated(db, self.job.id)
            staged_rows = _count_staged(db, self.job.id)
            if not staged_rows and not self.parts:
                raise InputError("There is a header, but no row.", "Add creators' rows.")
            counts = {
                "creators": staged_rows,
                "known": _count_known(db, self.job.id),
                "twice": repeated,
            }
            summary = import_summary(db, self.job.id, self.rules, self.parts, counts)
            summary["notes"] = self.table.notes
            summary["carried"] = dict(self.table.headers.carried)
            summary["unlike"] = self._unlike(db, summary)
            summary["fee_column"] = fee_column(self.table.headers.carried)
            summary["outcomes"] = self._outcomes()
            extend_lease(db, self.job, progress=1.0, summary=summary)
            db.execute(
                update(upload)
                .where(upload.c.id == self.job.id)
                .values(state="checked", lease_until=None, tries=0)
            )

    def _outcomes(self) -> dict[str, Any] | None:
        """Return how many outcomes the file holds; None too where an earlier version began."""
        parts = [part["outcomes"] for part in self.parts if "outcomes" in part]
        if self.labels is None or len(parts) < len(self.parts):
            return None
        return self.labels.summary(parts, n_bytes=self.table.stream.path.stat().st_size)

    def _unlike(self, db: Connection, summary: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return in what the list is unlike the training rows, as plain data."""
        mine = staged.c.upload_id == self.job.id
        names = [str(row["column"]) for row in summary["drift"]]
        unlike = unlikeness(
            self.rules, summary["drift"], typical_figures(db, staged, mine, names),
            creators=summary["creators"],
            without_precedent=summary["bands"].get(NO_PRECEDENT, 0),
        )  # fmt: skip
        return asdict(unlike) if unlike else None


def _insert_refusals(db: Connection, number: int, refusals: list[Refusal]) -> None:
    insert_rows(
        db,
        refused,
        {
            "upload_id": [number] * len(refusals),
            "row": [refusal.row for refusal in refusals],
            "external_id": [refusal.external_id for refusal in refusals],
            "reason": [refusal.reason for refusal in refusals],
        },
    )


def _refuse_repeated(db: Connection, number: int) -> int:
    """Move rows whose creator has an earlier row to `refused`; return their number."""
    s = staged.c
    window: dict[str, Any] = {"partition_by": s.external_id, "order_by": s.id}
    place = func.row_number().over(**window).label("place")
    first = func.first_value(s.row).over(**window).label("first")
    numbered = (
        select(s.id, s.row, s.external_id, place, first).where(s.upload_id == number).subquery()
    )
    repeated = db.execute(select(numbered).where(numbered.c.place > 1)).all()
    refusals = [
        Refusal(row.row, row.external_id, reason_of_repeated(row.first)) for row in repeated
    ]
    _insert_refusals(db, number, refusals)
    for start in range(0, len(repeated), _AT_ONCE):
        ids = [row.id for row in repeated[start : start + _AT_ONCE]]
        db.execute(delete(staged).where(s.id.in_(ids)))
    return len(repeated)


def _count_staged(db: Connection, number: int) -> int:
    return db.scalar(select(func.count()).where(staged.c.upload_id == number)) or 0


def _count_known(db: Connection, number: int) -> int:
    """Return how many of an upload's creators are stored already."""
    both = staged.join(creator, creator.c.external_id == staged.c.external_id)
    counted = select(func.count()).select_from(both).where(staged.c.upload_id == number)
    return db.scalar(counted) or 0


def known_now(db: Connection, row: Row[Any]) -> int:
    """Return how many of a checked upload's creators are stored, counted anew if need be.

    The count of the check is stale where another import was put in place since.
    """
    since = run.c.applied_at > row.created_at
    others = select(run.c.id).where(run.c.kind == "import", since).limit(1)
    summary: Mapping[str, Any] = row.summary
    known: int = summary["known"]
    return known if db.scalar(others) is None else _count_known(db, row.id)
