"""Files to a scored file: streamed, in order, in constant memory, written whole or not at all."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path, PurePath
from typing import Any

import pyarrow as pa

from durhampulse.creators.headers import require_headers
from durhampulse.creators.options import ReadOptions
from durhampulse.creators.schema import IDENTIFIER
from durhampulse.exceptions import CannotJudgeError, InputError
from durhampulse.files.cage import Cage
from durhampulse.files.export import replacing
from durhampulse.files.places import delivered, find_files
from durhampulse.files.scratch import scratch_folder
from durhampulse.scoring.chunks import (
    OpenTable,
    carried_along,
    identifier_type,
    open_table,
    score_tables,
    scored_schema,
)
from durhampulse.scoring.crm import CrmFormat, crm_format
from durhampulse.scoring.provenance import provenance_of
from durhampulse.scoring.ranking import Ranking
from durhampulse.scoring.refusals import RefusalFile
from durhampulse.scoring.scorer import Scorer
from durhampulse.scoring.summary import Summary
from durhampulse.scoring.writeback import check_place, left_out, open_output, require_keys

__all__ = ["score_files"]


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
        if place.exists() and any(path.exists() and place.samefile(path) for path in files):
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


def _require_named(tables: Sequence[OpenTable], options: ReadOptions) -> None:
    """Raise unless each column to keep or drop is in one of the files."""
    headers = [*dict.fromkeys(header for table in tables for header in table.stream.headers)]
    if tables:
        require_headers(", ".join(table.stream.name for table in tables[:3]), headers, options)
