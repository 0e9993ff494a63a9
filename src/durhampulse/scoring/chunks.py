"""Chunks of opened files, scored: what a chunk becomes, and the columns of the result."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from durhampulse.creators.block import Block
from durhampulse.creators.blockreader import BlockReader
from durhampulse.creators.carried import TELLING_KINDS, CarriedKind
from durhampulse.creators.headers import Headers
from durhampulse.creators.options import ReadOptions
from durhampulse.creators.schema import IDENTIFIER
from durhampulse.creators.text import as_text
from durhampulse.decision.table import carried_names
from durhampulse.files.cage import Cage
from durhampulse.files.parquet import DISTINCT_FIELD
from durhampulse.files.sheets import CARRIED_FIELD
from durhampulse.files.stream import Chunk, Stream, open_stream
from durhampulse.scoring.record import Scores, score_columns
from durhampulse.scoring.refusals import Refusal, refusals_of
from durhampulse.scoring.scorer import Scorer
from durhampulse.scoring.summary import Summary, summarise
from durhampulse.scoring.tables import carried_text, exact_identifiers, fits_int64, of_text

__all__ = [
    "OpenTable",
    "Scored",
    "carried_along",
    "identifier_type",
    "open_table",
    "score_chunk",
    "score_tables",
    "scored_schema",
]

_HEADER = b"header"
"""Key of a carried column's header: its name depends on the headers of all files together."""


@dataclass(frozen=True)
class OpenTable:
    """A file, and how its cells are to be read.

    Attributes
    ----------
    stream
        Its cells, in chunks.
    headers
        Which of its headers are read, and as what.
    reader
        What reads the model's columns, with the file's way to write numbers.
    """

    stream: Stream
    headers: Headers
    reader: BlockReader

    @property
    def columns(self) -> dict[str, str]:
        """Column to the header that holds it."""
        return self.headers.columns

    @property
    def wanted(self) -> list[str]:
        """The headers that are read, those carried along among them."""
        return [*self.columns.values(), *self.headers.carried]

    @property
    def notes(self) -> list[str]:
        """What is not read of the file, and what it lacks, in words."""
        return [*self.headers.notes(self.stream.name), *self.stream.notes]


def open_table(
    scorer: Scorer,
    path: Path,
    options: ReadOptions,
    *,
    name: str | None = None,
    row_groups: tuple[int, int] | None = None,
    cage: Cage | None = None,
) -> OpenTable:
    """Return a file, opened, with the model's columns and how it writes its numbers."""
    stream = open_stream(path, options, name=name, row_groups=row_groups, cage=cage)
    headers = scorer.headers(stream.name, stream.headers, options)
    types = dict(zip(headers.carried, stream.types([*headers.carried]), strict=True))
    headers = of_text(headers, types, options.keep)
    reader = scorer.reader(stream.name, units=options.units, headers=headers.columns)
    wanted = {column: header for column, header in headers.columns.items() if column != IDENTIFIER}
    first = next(stream.chunks([*wanted.values()]), None)
    if first is not None:
        reader.settle({column: first.cells[header] for column, header in wanted.items()})
    return OpenTable(stream, headers, reader)


def carried_along(tables: Iterable[OpenTable]) -> dict[str, CarriedKind]:
    """Return the carried columns of all files, in the order in which they first appear."""
    carried: dict[str, CarriedKind] = {}
    for table in tables:
        for header, kind in table.headers.carried.items():
            carried.setdefault(header, kind)
    return carried


def identifier_type(tables: Sequence[OpenTable]) -> pa.DataType:
    """Return the type of identifiers: numbers if all files hold such, else text."""
    kinds = {
        table.stream.types([table.columns[IDENTIFIER]])[0]
        for table in tables
        if IDENTIFIER in table.columns
    }
    named = all(IDENTIFIER in table.columns for table in tables)
    return pa.int64() if named and all(map(fits_int64, kinds)) else pa.string()


def scored_schema(
    identifiers: pa.DataType, carried: Mapping[str, CarriedKind] | None = None
) -> pa.Schema:
    """Return the columns of a scored file.

    Parameters
    ----------
    identifiers
        Their type.
    carried
        Header to what it tells of a creator, of the columns that are carried along: they stand
        after the identifier, and their fields say so.
    """
    words = pa.dictionary(pa.int32(), pa.string())
    names = carried_names(carried or {})
    return pa.schema(
        [
            pa.field("Influencer ID", identifiers, metadata={DISTINCT_FIELD: b""}),
            *(
                _carried_field(names[header], header, kind)
                for header, kind in (carried or {}).items()
            ),
            ("Predicted Sponsorship", pa.float64()),
            ("Follower Count", pa.int64()),
            ("Engagement Rate", pa.float64()),
            ("Sponsorship Recommendation", pa.dictionary(pa.int8(), pa.string())),
            ("Interval Low", pa.float64()),
            ("Interval High", pa.float64()),
            ("Flags", words),
        ]
    )


def _carried_field(name: str, header: str, kind: CarriedKind) -> pa.Field:
    metadata: dict[str | bytes, str | bytes] = {CARRIED_FIELD: kind, _HEADER: header}
    if kind in TELLING_KINDS:
        metadata[DISTINCT_FIELD] = b""
    return pa.field(name, pa.string(), metadata=metadata)


@dataclass(frozen=True, kw_only=True)
class Scored:
    """A chunk's rows once they are scored.

    Attributes
    ----------
    batch
        The scored rows, in their order.
    carried
        Header to text as found of the same rows, of the columns that are carried along.
    block, scores
        The same rows as the model saw them, and what it says of them, uncut.
    refused
        The others.
    summary
        The chunk's counts.
    """

    batch: pa.RecordBatch
    carried: dict[str, pa.Array]
    block: Block
    scores: Scores
    refused: list[Refusal]
    summary: Summary


def score_tables(
    scorer: Scorer, tables: list[OpenTable], schema: pa.Schema, *, workers: int | None = None
) -> Iterator[tuple[Scored, float]]:
    """Yield chunks scored on all cores, in order, each with the share of the work done."""
    sizes = np.array([table.stream.path.stat().st_size for table in tables], dtype=float)
    before = np.concatenate([[0.0], np.cumsum(sizes)]) / sizes.sum()
    workers = workers or os.cpu_count() or 1
    waiting: deque[tuple[Future[Scored], float]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        try:
            for number, table in enumerate(tables):
                share = sizes[number] / sizes.sum()
                for chunk in table.stream.chunks(table.wanted):
                    future = pool.submit(score_chunk, scorer, table, chunk, schema)
                    waiting.append((future, before[number] + share * chunk.done))
                    if len(waiting) > workers + 1:  # none is idle while one is taken over
                        future, done = waiting.popleft()
                        yield future.result(), done
            while waiting:
                future, done = waiting.popleft()
                yield future.result(), done
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def score_chunk(scorer: Scorer, table: OpenTable, chunk: Chunk, schema: pa.Schema) -> Scored:
    """Return one chunk, scored, of a table that :func:`open_table` has settled."""
    cells = {column: chunk.cells[header] for column, header in table.columns.items()}
    identifiers = _identifiers(table, cells.pop(IDENTIFIER, None), chunk, schema)
    name = table.stream.name
    carried = {h: carried_text(name, h, chunk.cells[h]) for h in table.headers.carried}
    first_row = int(chunk.rows[0]) if len(chunk.rows) else 1
    read = table.reader.read(cells, first_row)
    block, scores = read.block, scorer.compute(read.block)
    reasons = scorer.reasons_not_to(block, scores, read.unclear)
    refused = [*refusals_of(name, chunk, identifiers, reasons)]
    if reasons:
        keep = np.setdiff1d(np.arange(block.n_rows), [*reasons])
        rows = pa.array(keep)
        identifiers, block, scores = identifiers.take(rows), block.take(keep), scores.take(keep)
        carried = {header: text.take(rows) for header, text in carried.items()}
    absent = table.headers.absent
    scored = score_columns(
        scorer.model.peers, identifiers, block, scores, absent, kinds=scorer.kinds
    )
    batch = pa.record_batch(
        [_column(scored, carried, field, block.n_rows) for field in schema], schema=schema
    )
    summary = summarise(scorer, block, scores, len(refused))
    summary.unreadable.update(read.unreadable)
    summary.first_refusal = refused[0].reason if refused else ""
    return Scored(
        batch=batch,
        carried=carried,
        block=block,
        scores=scores,
        refused=refused,
        summary=summary,
    )


def _column(
    scored: Mapping[str, pa.Array], carried: Mapping[str, pa.Array], field: pa.Field, n_rows: int
) -> pa.Array:
    """Return a column of a scored file; empty where only other files have it."""
    header = (field.metadata or {}).get(_HEADER)
    column = scored.get(field.name) if header is None else carried.get(header.decode())
    return pa.nulls(n_rows, field.type) if column is None else column


def _identifiers(
    table: OpenTable, cells: pa.Array | None, chunk: Chunk, schema: pa.Schema
) -> pa.Array:
    if cells is None:
        return pa.array([f"row-{row}" for row in chunk.rows], pa.string())
    kind = schema.field("Influencer ID").type
    if pa.types.is_integer(kind):
        return cells.cast(kind)
    return as_text(exact_identifiers(table.stream.name, cells, chunk.rows))
