"""Files to a scored file: streamed, in order, in constant memory, written whole or not at all."""

from __future__ import annotations

import json
import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import Any

import numpy as np
import pyarrow as pa

from durhampulse.creators.block import Block
from durhampulse.creators.blockreader import BlockReader
from durhampulse.creators.carried import CarriedKind
from durhampulse.creators.headers import Headers, require_headers
from durhampulse.creators.options import ReadOptions
from durhampulse.creators.schema import IDENTIFIER
from durhampulse.creators.text import as_text
from durhampulse.decision.table import carried_names
from durhampulse.exceptions import CannotJudgeError, InputError
from durhampulse.files.cage import Cage
from durhampulse.files.export import replacing
from durhampulse.files.places import delivered, find_files
from durhampulse.files.scratch import scratch_folder
from durhampulse.files.sheets import CARRIED_FIELD
from durhampulse.files.stream import Chunk, Stream, open_stream
from durhampulse.scoring.crm import CrmFormat, crm_format
from durhampulse.scoring.provenance import provenance_of
from durhampulse.scoring.ranking import Ranking
from durhampulse.scoring.record import Scores, score_columns, with_carried
from durhampulse.scoring.refusals import Refusal, RefusalFile, refusals_of
from durhampulse.scoring.scorer import Scorer
from durhampulse.scoring.summary import Summary, summarise
from durhampulse.scoring.tables import carried_text, exact_identifiers, fits_int64, of_text
from durhampulse.scoring.writeback import check_place, left_out, open_output, require_keys

__all__ = [
    "OpenTable",
    "Scored",
    "carried_along",
    "identifier_type",
    "open_table",
    "score_chunk",
    "score_files",
    "score_tables",
    "scored_schema",
]


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


@dataclass(frozen=True)
class OpenTable:
    """A file, and how its cells are to be read."""

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


def score_files(  # noqa: PLR0913 - each is an option of its own
    scorer: Scorer,
    inputs: Sequence[str | Path],
    out: str | Path,
    options: ReadOptions | None = None,
    *,
    top: int | None = None,
    reasons: bool = False,
    crm: str = "",
    cage: Cage | None = None,
    progress: Callable[[int, float], object] = lambda _rows, _done: None,
    **keywords: Any,
) -> Summary:
    """Score files into one file, and return the counts.

    Every row is kept, in the order of the files and their rows, except those that cannot be
    scored: they are written to ``OUT.refused.csv`` with the reason. Provenance and summary stand
    beside it in ``OUT.provenance.json``.

    Parameters
    ----------
    scorer
        From :func:`durhampulse.load_model`.
    inputs
        Files of the formats in `durhampulse.files.formats.READABLE`, and glob patterns.
    out
        A file of a format in `durhampulse.files.formats.WRITABLE`; replaced once the new one is
        complete.
    options
        How to read the files. Its fields as keywords count before it.
    top
        Keep only the most probable creators, ranked.
    reasons
        Add the reasons for and against each creator; a few hundred creators a second.
    crm
        Of `CRM_FORMATS`: write what this customer system imports, into a ``.csv`` file or, where
        its limits ask for several, a ``.zip``.
    cage
        The process that reads the files, since they are foreign; this one if not given.
    progress
        Called with the number of rows scored and the share of the work done, both in all.

    Raises
    ------
    InputError
        If a file cannot be read, or contradicts what the model learned from.
    CannotJudgeError
        If no row of the files could be scored; an earlier result stays.
    OutputError
        If the result cannot be written.
    """
    options = replace(options or ReadOptions(), **keywords)
    with delivered(out) as place, scratch_folder() as folder:
        form = crm_format(crm) if crm else None
        check_place(place, form)
        files = find_files(inputs, Path(folder))
        if any(place.absolute() == path.absolute() for path in files):
            raise InputError(f"{out}: it is both input and output.", "Write to another file.")
        tables = [open_table(scorer, path, options, cage=cage) for path in files]
        _require_named(tables, options)
        require_keys(form, [t.stream.name for t in tables if IDENTIFIER not in t.columns])
        schema = scored_schema(identifier_type(tables), carried_along(tables))
        ranking = Ranking(scorer, schema, top, reasons=reasons)
        return _write_scored(scorer, tables, place, ranking, schema, progress, form)


def _write_scored(
    scorer: Scorer,
    tables: list[OpenTable],
    out: Path,
    ranking: Ranking,
    schema: pa.Schema,
    progress: Callable[[int, float], object],
    form: CrmFormat | None,
) -> Summary:
    """Write tables' scores into one file and what explains it beside it; return the counts."""
    files = [PurePath(table.stream.name) for table in tables]
    beside = [out.with_name(out.name + end) for end in (".refused.csv", ".provenance.json")]
    about = provenance_of(scorer, files)
    total, start = Summary(), time.perf_counter()
    with replacing(out, *beside) as (part, refused, note), ExitStack() as stack:
        sink = stack.enter_context(open_output(part, out, ranking.schema, about, form))
        with refused.open("w", newline="", encoding="utf-8") as stream:
            refusals = RefusalFile(stream)
            for scored, done in score_tables(scorer, tables, schema):
                total.add(scored.summary)
                refusals.write(scored.refused)
                for batch in ranking.take(scored.batch, scored.block, scored.scores.order):
                    sink.write(batch)
                progress(total.rows, done)
        _require_scored(total, out, files)
        for batch in ranking.finish():
            sink.write(batch)
        stack.close()
        total.notes = [note for table in tables for note in table.notes]
        total.notes += left_out(sink)
        total.seconds = time.perf_counter() - start
        provenance = json.dumps({**about, **total.to_dict(scorer)}, indent=2, ensure_ascii=False)
        note.write_text(provenance + "\n", encoding="utf-8")
        if not total.refused:
            refused.unlink()
    return total


def _require_scored(total: Summary, out: Path, files: Sequence[PurePath]) -> None:
    if not total.rows:
        names = ", ".join(path.name for path in files[:3])
        raise InputError(f"{names}: there is a header, but no row.", "Add creators' rows.")
    if not total.scored:
        raise CannotJudgeError(
            f"{out}: not written, since none of {total.rows:,} rows could be scored; the first: "
            f"{total.first_refusal}.",
            "Check the columns named, and --map.",
        )


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
    scored = with_carried(scored, carried)
    batch = pa.record_batch(
        [_column(scored, field, block.n_rows) for field in schema], schema=schema
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


def _column(scored: Mapping[str, pa.Array], field: pa.Field, n_rows: int) -> pa.Array:
    """Return a column of a scored file; empty where only other files have it."""
    column = scored.get(field.name)
    return pa.nulls(n_rows, field.type) if column is None else column


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
    reader = scorer.reader(stream.name, units=options.units)
    wanted = {column: header for column, header in headers.columns.items() if column != IDENTIFIER}
    first = next(stream.chunks([*wanted.values()]), None)
    if first is not None:
        reader.settle({column: first.cells[header] for column, header in wanted.items()})
    return OpenTable(stream, headers, reader)


def identifier_type(tables: Sequence[OpenTable]) -> pa.DataType:
    """Return the type of identifiers: numbers if all files hold such, else text."""
    kinds = {
        table.stream.types([table.columns[IDENTIFIER]])[0]
        for table in tables
        if IDENTIFIER in table.columns
    }
    named = all(IDENTIFIER in table.columns for table in tables)
    return pa.int64() if named and all(map(fits_int64, kinds)) else pa.string()


def carried_along(tables: Iterable[OpenTable]) -> dict[str, CarriedKind]:
    """Return the carried columns of all files, in the order in which they first appear."""
    carried: dict[str, CarriedKind] = {}
    for table in tables:
        for header, kind in table.headers.carried.items():
            carried.setdefault(header, kind)
    return carried


def _require_named(tables: Sequence[OpenTable], options: ReadOptions) -> None:
    """Raise unless each column to keep or drop is in one of the files."""
    headers = [*dict.fromkeys(header for table in tables for header in table.stream.headers)]
    if tables:
        require_headers(", ".join(table.stream.name for table in tables[:3]), headers, options)


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
            ("Influencer ID", identifiers),
            *(
                pa.field(names[header], pa.string(), metadata={CARRIED_FIELD: kind})
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


def _identifiers(
    table: OpenTable, cells: pa.Array | None, chunk: Chunk, schema: pa.Schema
) -> pa.Array:
    if cells is None:
        return pa.array([f"row-{row}" for row in chunk.rows], pa.string())
    kind = schema.field("Influencer ID").type
    if pa.types.is_integer(kind):
        return cells.cast(kind)
    return as_text(exact_identifiers(table.stream.name, cells))
