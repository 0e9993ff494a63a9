"""The scorer on a Dask cluster: the same rows and values, and nothing twice.

The inputs are cut into pieces: a row group or several of a Parquet file, other files whole. Each
piece is scored by :mod:`durhampulse.scoring.chunks` and becomes one file, whose name is the piece's
number: a piece that is scored again, because a worker died, replaces its file with the same bytes.
The summary is written last; its presence says that the folder is complete. Where the scheduler
died, the same command begins again in the same folder; what it is to hold stands there until then.

Workers read the inputs and write the output themselves, so both must be reachable from all of them:
a shared folder, an object store as for one machine (``s3://bucket/folder``, ``gs://``, ``az://``),
or any address that fsspec knows. The model travels with the work.
"""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, NamedTuple

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
from fsspec.implementations.arrow import ArrowFSWrapper

from durhampulse.creators.carried import CarriedKind
from durhampulse.creators.headers import Headers, require_headers
from durhampulse.creators.options import ReadOptions
from durhampulse.creators.schema import IDENTIFIER
from durhampulse.exceptions import InputError, OutputError
from durhampulse.files.cage import Cage
from durhampulse.files.formats import FORMATS, suffix_of
from durhampulse.files.parquet import columns_of, open_writer
from durhampulse.files.places import explained, find_in_store, is_elsewhere, open_store
from durhampulse.files.scratch import scratch_folder
from durhampulse.files.stream import open_stream, spans
from durhampulse.irregularities import Ledger
from durhampulse.scoring.chunks import open_table, score_tables, scored_schema
from durhampulse.scoring.provenance import provenance_of
from durhampulse.scoring.refusals import RefusalFile
from durhampulse.scoring.scorer import Scorer, load_model
from durhampulse.scoring.summary import Summary
from durhampulse.scoring.tables import fits_int64, of_text

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["score_on_cluster"]

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
    """

    number: int
    url: str
    row_groups: tuple[int, int] | None


@dataclass(frozen=True, kw_only=True)
class _Job:
    """What is the same for every piece.

    Attributes
    ----------
    model
        The files of the model's folder.
    out
        The folder to write to.
    options
        How the inputs are read.
    schema
        Columns of the output.
    """

    model: Mapping[str, bytes]
    out: str
    options: ReadOptions
    schema: pa.Schema

    def itself(self) -> _Job:
        """Return it, as what a task gives to those that need it."""
        return self


def score_on_cluster(  # noqa: PLR0913 - what is scored, where to, and how the cluster is asked
    model: str | Path,
    inputs: Sequence[str],
    out: str,
    options: ReadOptions | None = None,
    *,
    scheduler: str,
    cage: Cage | None = None,
    progress: Callable[[int, float], object] = lambda _rows, _done: None,
    rows_a_piece: int = 1_000_000,
    patience: float = 30,
    **keywords: Any,
) -> Summary:
    """Score files into a folder of Parquet files on a cluster, and return the counts.

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
    rows_a_piece
        About so many rows of a Parquet file are one task; its row groups are never cut.
    patience
        So many seconds the scheduler has for an answer.

    Raises
    ------
    InputError
        If a file cannot be read, or contradicts what the model learned from.
    OutputError
        If the folder is not empty, or the cluster cannot be reached.
    """
    from distributed import CancelledError, Client

    start, scorer = time.perf_counter(), load_model(model, cage=cage)
    files = _files(inputs)
    options = replace(options or ReadOptions(), **keywords)
    wanted = _wanted(scorer, files, options, rows_a_piece)
    fs, folder = _require_free(out, wanted)
    pieces, schema = _cut(scorer, files, options, rows_a_piece)
    job = _Job(model=_read_folder(Path(model)), out=_absolute(out), options=options, schema=schema)
    try:
        client = Client(scheduler, timeout=patience)
    except (OSError, TimeoutError) as error:
        raise OutputError(f"{scheduler}: no scheduler answers.", "Check the address.") from error
    _put(f"{job.out}/{_WANTED}", wanted)
    try:
        with client:
            total = _score_pieces(client, job, pieces, progress)
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


def _wanted(scorer: Scorer, files: Sequence[str], options: ReadOptions, rows_a_piece: int) -> bytes:
    """Return what a folder is to hold: by which model, of which files, how read and how cut."""
    about = {"model": scorer.model.manifest["files"], "files": files, "options": repr(options)}
    return json.dumps({**about, "rows a piece": rows_a_piece}).encode()


def _require_free(out: str, wanted: bytes) -> tuple[Any, str]:
    """Return an output's file system and path; raise if it holds what another command wrote."""
    with explained(out, OutputError):
        fs, folder = _opened(_absolute(out))
        if fs.exists(folder) and fs.ls(folder) and _written(fs, f"{folder}/{_WANTED}") != wanted:
            raise OutputError(f"{out}: it is there already and not empty.", "Name a new folder.")
    return fs, folder


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


class _Input(NamedTuple):
    """A file's headers, those that are read, the type of its identifiers, and its parts."""

    headers: list[str]
    known: Headers
    identifiers: pa.DataType
    row_groups: list[tuple[int, int] | None]


def _cut(
    scorer: Scorer, files: list[str], options: ReadOptions, rows_a_piece: int
) -> tuple[list[_Piece], pa.Schema]:
    """Return the pieces of the input, and the output's columns."""
    inputs: dict[str, _Input] = {}
    for url in files:
        if FORMATS.get(suffix_of(url)) is FORMATS[".parquet"]:
            inputs[url] = _parquet_input(scorer, url, options, rows_a_piece)
        else:
            inputs[url] = _other_input(scorer, url, options)
    headers = dict.fromkeys(header for file in inputs.values() for header in file.headers)
    require_headers(files[0], headers, options)
    numbers = all(fits_int64(file.identifiers) for file in inputs.values())
    carried: dict[str, CarriedKind] = {}
    for file in inputs.values():
        carried |= file.known.carried
    parts = [(url, groups) for url in files for groups in inputs[url].row_groups]
    pieces = [_Piece(number=i, url=url, row_groups=groups) for i, (url, groups) in enumerate(parts)]
    return pieces, scored_schema(pa.int64() if numbers else pa.string(), carried)


def _parquet_input(scorer: Scorer, url: str, options: ReadOptions, rows_a_piece: int) -> _Input:
    with _readable(url) as stream:
        file = pq.ParquetFile(stream)
        fields = columns_of(url, file.schema_arrow, Ledger())
        sizes = [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)]
    known = scorer.headers(url, [*fields], options)
    types = {header: fields[header].type for header in known.carried}
    known = of_text(known, types, options.keep)
    name = known.columns.get(IDENTIFIER)
    identifiers = fields[name].type if name else pa.null()
    return _Input([*fields], known, identifiers, [*spans(sizes, rows_a_piece)])


def _other_input(scorer: Scorer, url: str, options: ReadOptions) -> _Input:
    with _on_disk(url) as path:
        headers = open_stream(path, options, name=PurePosixPath(url).name).headers
    return _Input(headers, scorer.headers(url, headers, options), pa.string(), [None])


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


def _score_pieces(
    client: Client, job: _Job, pieces: Sequence[_Piece], progress: Callable[[int, float], object]
) -> Summary:
    """Return the counts of all pieces, each scored by whichever worker is free."""
    from distributed import as_completed

    total = Summary()
    # A task, not scattered data: whichever worker dies, the scheduler can send it again.
    there = client.submit(_Job.itself, job, retries=2, pure=False)
    futures = client.map(_score_piece, pieces, [there] * len(pieces), retries=2, pure=False)
    for done, future in enumerate(as_completed(futures), start=1):
        total.add(future.result())
        progress(total.rows, done / len(pieces))
        future.release()
    return total


def _score_piece(piece: _Piece, job: _Job) -> Summary:
    """Score one piece, on a worker, and return its counts."""
    scorer = _scorer(tuple(sorted(job.model.items())))
    with _on_disk(piece.url) as path:
        name = PurePosixPath(piece.url).name
        table = open_table(scorer, path, job.options, name=name, row_groups=piece.row_groups)
        total = Summary()
        scored_rows, refused = io.BytesIO(), io.StringIO(newline="")
        refusals = RefusalFile(refused)
        with open_writer(scored_rows, job.schema, store_schema=False) as writer:
            for scored, _ in score_tables(scorer, [table], job.schema, workers=1):
                writer.write_batch(scored.batch)
                refusals.write(scored.refused)
                total.add(scored.summary)
        total.notes = table.notes
    if total.refused:
        _put(f"{job.out}/refused/part-{piece.number:05}.csv", refused.getvalue().encode())
    _put(f"{job.out}/part-{piece.number:05}.parquet", scored_rows.getvalue())
    return total


@lru_cache(maxsize=2)
def _scorer(files: tuple[tuple[str, bytes], ...]) -> Scorer:
    """Return the model that travelled with the work; it is verified here as everywhere."""
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
    fs.makedirs(path.rpartition("/")[0], exist_ok=True)
    with fs.transaction, fs.open(path, "wb") as stream:
        stream.write(blob)
