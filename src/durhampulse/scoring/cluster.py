"""The scorer on a Dask cluster: the same rows and values, and nothing twice.

The inputs are cut into pieces: a row group or several of a Parquet file, other files whole. Each
piece is scored by :mod:`durhampulse.scoring.batch` and becomes one file, whose name is the piece's
number: a piece that is scored again, because a worker died, replaces its file with the same bytes.
The summary is written last; its presence says that the folder is complete. Where the scheduler
died, the same command begins again in the same folder; what it is to hold stands there until then.

Workers read the inputs and write the output themselves, so both must be reachable from all of them:
a shared folder, an object store as for one machine (``s3://bucket/folder``, ``gs://``, ``az://``),
or any address that fsspec knows. The model travels with the work.
"""

from __future__ import annotations

import csv
import io
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
from fsspec.implementations.arrow import ArrowFSWrapper

from durhampulse.creators.carried import CarriedKind
from durhampulse.creators.headers import require_headers
from durhampulse.creators.options import ReadOptions
from durhampulse.creators.schema import IDENTIFIER
from durhampulse.exceptions import InputError, OutputError
from durhampulse.files.cage import Cage
from durhampulse.files.formats import FORMATS, suffix_of
from durhampulse.files.formulas import spreadsheet_safe
from durhampulse.files.parquet import columns_of
from durhampulse.files.places import explained, find_in_store, is_elsewhere, open_store
from durhampulse.files.scratch import scratch_folder
from durhampulse.files.stream import open_stream, spans
from durhampulse.irregularities import Ledger
from durhampulse.scoring.batch import (
    REFUSED_HEADER,
    open_table,
    score_tables,
    scored_schema,
)
from durhampulse.scoring.provenance import provenance_of
from durhampulse.scoring.scorer import Scorer, load_model
from durhampulse.scoring.summary import Summary
from durhampulse.scoring.tables import of_text

__all__ = ["score_on_cluster"]

_ROWS_A_PIECE = 1_000_000
_PATIENCE = 30
_SUMMARY, _WANTED = "summary.json", "unfinished.json"


@dataclass(frozen=True, kw_only=True)
class _Piece:
    """A part of the input.

    Attributes
    ----------
    number
        Place among all pieces.
    url
        The file.
    row_groups
        Its row groups from first to before last; all of the file if not given.
    whole_numbers
        Whether identifiers are numbers, in all pieces alike.
    carried
        Columns that are carried along, in all pieces alike.
    """

    number: int
    url: str
    row_groups: tuple[int, int] | None
    whole_numbers: bool
    carried: Mapping[str, CarriedKind]


@dataclass(frozen=True)
class _Job:
    """What every piece needs to know."""

    model: Mapping[str, bytes]
    out: str
    options: ReadOptions

    def itself(self) -> _Job:
        """Return it, as what a task gives to those that need it."""
        return self


def score_on_cluster(
    model: str | Path,
    inputs: Sequence[str],
    out: str,
    options: ReadOptions | None = None,
    *,
    scheduler: str,
    cage: Cage | None = None,
    progress: Callable[[int, float], object] = lambda _rows, _done: None,
    **keywords: Any,
) -> Summary:
    """Score files into a folder of Parquet files, on the workers of a cluster.

    Parameters
    ----------
    model
        A model folder.
    inputs
        Files, patterns and addresses.
    out
        A folder, as a path or an address; it must not exist or be empty.
    scheduler
        Address of the cluster's scheduler, such as ``tcp://10.0.0.1:8786``.
    cage
        As for :func:`durhampulse.scoring.scorer.load_model`; workers read the model in their own.
    options, progress
        As for :func:`durhampulse.scoring.batch.score_files`.

    Raises
    ------
    InputError
        If a file cannot be read, or contradicts what the model learned from.
    OutputError
        If the folder is not empty, or the cluster cannot be reached.
    """
    from distributed import CancelledError, Client, as_completed

    start, scorer = time.perf_counter(), load_model(model, cage=cage)
    files = _files(inputs)
    options = options or ReadOptions(**keywords)
    wanted = _wanted(scorer, files, options)
    with explained(out, OutputError):
        fs, folder = _opened(_absolute(out))
        if fs.exists(folder) and fs.ls(folder) and _written(fs, f"{folder}/{_WANTED}") != wanted:
            raise OutputError(f"{out}: it is there already and not empty.", "Name a new folder.")
    pieces = _cut(scorer, files, options)
    folder_bytes = _read_folder(Path(model))
    job = _Job(folder_bytes, _absolute(out), options)
    try:
        client = Client(scheduler, timeout=_PATIENCE)
    except (OSError, TimeoutError) as error:
        raise OutputError(f"{scheduler}: no scheduler answers.", "Check the address.") from error
    _put(f"{job.out}/{_WANTED}", wanted)
    total = Summary()
    try:
        with client:
            # A task, not scattered data: whichever worker dies, the scheduler can send it again.
            there = client.submit(_Job.itself, job, retries=2, pure=False)
            futures = client.map(_score_piece, pieces, [there] * len(pieces), retries=2, pure=False)
            for done, future in enumerate(as_completed(futures), start=1):
                total.add(future.result())
                progress(total.rows, done / len(pieces))
                future.release()
    except CancelledError as error:
        raise OutputError(
            f"{scheduler}: the scheduler ended before all was scored.",
            "Start it and run the same command again: it begins anew in the same folder.",
        ) from error
    total.seconds = time.perf_counter() - start
    about = provenance_of(scorer, [PurePosixPath(url) for url in files])
    text = json.dumps({**about, **total.to_dict(scorer)}, indent=2, ensure_ascii=False)
    _put(f"{job.out}/{_SUMMARY}", text.encode() + b"\n")
    fs.rm_file(f"{folder}/{_WANTED}")
    return total


def _wanted(scorer: Scorer, files: Sequence[str], options: ReadOptions) -> bytes:
    """Return what a folder is to hold: by which model, of which files, and how they are read."""
    model = scorer.model.manifest["files"]
    return json.dumps({"model": model, "files": files, "options": repr(options)}).encode()


def _written(fs: Any, path: str) -> bytes:
    """Return a file's bytes; none where there is no such file."""
    return bytes(fs.cat_file(path)) if fs.exists(path) else b""


def _files(inputs: Sequence[str]) -> list[str]:
    """Return the addresses that names and patterns stand for, in their order; patterns sorted."""
    addresses: list[str] = []
    for pattern in inputs:
        if is_elsewhere(pattern):
            addresses += find_in_store(pattern)
            continue
        _opened(address := _absolute(str(pattern)))
        files = sorted(file.full_name for file in fsspec.open_files(address))
        if not files:
            raise InputError(f"{pattern}: no file matches.", "Check the pattern.")
        addresses += files
    return addresses


def _opened(address: str) -> tuple[Any, str]:
    """Return the file system of an address, and the path in it."""
    if is_elsewhere(address):
        system, path = open_store(address)
        return ArrowFSWrapper(system, skip_instance_cache=True), path
    try:
        fs, path = fsspec.core.url_to_fs(address)
    except (ImportError, ValueError) as error:  # a package that lacks, a scheme nobody knows
        raise InputError(f"{address}: {error}.", "Install it, or check the address.") from error
    return fs, path


def _absolute(address: str) -> str:
    """Return a path as workers see it; an address as it is."""
    return (address if "://" in address else str(Path(address).absolute())).rstrip("/")


def _cut(scorer: Scorer, files: list[str], options: ReadOptions) -> list[_Piece]:
    """Cut the input into pieces of about a million rows; look into each file on the way."""
    parts: list[tuple[str, tuple[int, int] | None]] = []
    numbers, headers, carried = True, dict[str, None](), dict[str, CarriedKind]()
    for url in files:
        if FORMATS.get(suffix_of(url)) is not FORMATS[".parquet"]:
            parts.append((url, None))
            numbers = False
            with _on_disk(url) as path:
                there = open_stream(path, options, name=PurePosixPath(url).name).headers
            known = scorer.headers(url, there, options)
        else:
            with _readable(url) as stream:
                file = pq.ParquetFile(stream)
                fields = columns_of(url, file.schema_arrow, Ledger())
                there, known = [*fields], scorer.headers(url, [*fields], options)
                types = {header: fields[header].type for header in known.carried}
                known = of_text(known, types, options.keep)
                name = known.columns.get(IDENTIFIER)
                kind = fields[name].type if name else pa.null()
                numbers &= pa.types.is_integer(kind) and kind != pa.uint64()
                sizes = [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)]
                parts += [(url, groups) for groups in spans(sizes, _ROWS_A_PIECE)]
        headers |= dict.fromkeys(there)
        carried = {**carried, **known.carried}
    require_headers(files[0], headers, options)
    return [
        _Piece(number=i, url=url, row_groups=groups, whole_numbers=numbers, carried=carried)
        for i, (url, groups) in enumerate(parts)
    ]


@contextmanager
def _readable(url: str) -> Iterator[Any]:
    try:
        fs, path = _opened(url)
        with fs.open(path, "rb") as stream:
            yield stream
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(f"{url}: cannot be read ({error}).", "Check the file.") from error


def _read_folder(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def _score_piece(piece: _Piece, job: _Job) -> Summary:
    """Score one piece, on a worker."""
    scorer = _scorer(tuple(sorted(job.model.items())))
    with _on_disk(piece.url) as path:
        name = PurePosixPath(piece.url).name
        table = open_table(
            scorer,
            path,
            job.options,
            name=name,
            row_groups=piece.row_groups,
        )
        kind = pa.int64() if piece.whole_numbers else pa.string()
        schema, total = scored_schema(kind, piece.carried), Summary()
        scored_rows, refused = io.BytesIO(), io.StringIO(newline="")
        rows = csv.writer(refused)
        rows.writerow(REFUSED_HEADER)
        with pq.ParquetWriter(
            scored_rows, schema, store_schema=False, write_page_checksum=True
        ) as writer:
            for scored, _ in score_tables(scorer, [table], schema, workers=1):
                writer.write_batch(scored.batch)
                rows.writerows(map(spreadsheet_safe, row) for row in scored.refused)
                total.add(scored.summary)
        total.notes = table.notes
    if total.refused:
        _put(f"{job.out}/refused/part-{piece.number:05}.csv", refused.getvalue().encode())
    _put(f"{job.out}/part-{piece.number:05}.parquet", scored_rows.getvalue())
    return total


@lru_cache(maxsize=2)
def _scorer(files: tuple[tuple[str, bytes], ...]) -> Scorer:
    """Load the model that travelled with the work; it is verified here as everywhere."""
    with scratch_folder() as folder, Cage() as cage:
        for name, blob in files:
            Path(folder, name).write_bytes(blob)
        return load_model(folder, cage=cage)


@contextmanager
def _on_disk(url: str) -> Iterator[Path]:
    """Return a file as a local one; fetched whole if it is elsewhere."""
    if "://" not in url or url.startswith("file://"):
        yield Path(url.removeprefix("file://"))
        return
    fs, remote = _opened(url)
    with scratch_folder() as folder:
        path = Path(folder, PurePosixPath(remote).name)
        with explained(url, InputError):
            fs.get_file(remote, str(path))
        yield path


def _put(url: str, blob: bytes) -> None:
    """Write a file that appears whole or not at all."""
    fs, path = _opened(url)
    if isinstance(fs, ArrowFSWrapper):  # a store's file is there once it is complete
        with explained(url, OutputError):
            fs.pipe_file(path, blob)
        return
    fs.makedirs(fs._parent(path), exist_ok=True)  # noqa: SLF001 - fsspec has no public name for it
    with fs.transaction, fs.open(path, "wb") as stream:
        stream.write(blob)
