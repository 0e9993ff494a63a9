"""The process in a cage: reads files for :mod:`durhampulse.files.cage` and says what they hold.

It is started by it and by nothing else. Requests come on its input, pickled, from the process that
started it; answers go to its output: two sizes, JSON, and Arrow's bytes.
"""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa

from durhampulse.exceptions import InputError
from durhampulse.files.chunks import Chunk, Stream, StreamOptions
from durhampulse.files.fewrows import read_few
from durhampulse.files.stream import open_as
from durhampulse.files.syscalls import deny_system_calls
from durhampulse.files.workbooks import sheet_names

__all__ = ["Reader", "main", "serve"]

_MOST_MEMORY = 4 << 30
"""Bytes of address space."""
_MOST_SECONDS = 120
"""Of processor time for one request."""
Answer = tuple[dict[str, Any], bytes | memoryview]


class Reader:
    """The files that are open in the cage, and what is asked of them."""

    def __init__(self) -> None:
        self._streams: dict[int, Stream] = {}
        self._chunks: dict[int, Iterator[Chunk]] = {}
        self._given: dict[int, int] = {}
        self._ahead: dict[int, Answer | Exception] = {}

    def answer(self, act: str, number: int, *arguments: Any) -> Answer:
        """Return the answer to a request, and the bytes that go with it."""
        acts: dict[str, Callable[..., Answer]] = {
            "open": self._open, "types": self._types, "chunks": self._begin, "next": self._next,
            "sheets": self._sheets, "rows": self._few_rows,
        }  # fmt: skip
        return acts[act](number, *arguments)

    def read_ahead(self, act: str, number: int, *_: Any) -> None:
        """Make what the request after this one will ask for, while nobody waits for it.

        After the first chunk nothing is made: it may be all that is asked for, to see what a file
        is like.
        """
        if act == "next" and self._given[number] > 1 and number not in self._ahead:
            try:
                self._ahead[number] = self._following(number)
            except (InputError, MemoryError) as error:
                self._ahead[number] = error

    def _open(self, number: int, path: str, options: StreamOptions) -> Answer:
        stream = self._streams[number] = open_as(Path(path), options)
        about = {
            "headers": stream.headers,
            "unnamed": [*stream.unnamed],
            "n_rows": stream.n_rows,
            "entries": stream.noted().entries,
        }
        return about, b""

    def _sheets(self, _number: int, path: str) -> Answer:
        return {"sheets": sheet_names(Path(path))}, b""

    def _few_rows(self, _number: int, blob: bytes, numeric: list[str], others: list[str]) -> Answer:
        return {}, _streamed(read_few(blob, numeric, others))

    def _types(self, number: int, headers: list[str]) -> Answer:
        kinds = self._streams[number].types(headers)
        schema = pa.schema([(str(at), kind) for at, kind in enumerate(kinds)])
        return {}, schema.serialize().to_pybytes()

    def _begin(self, number: int, headers: list[str]) -> Answer:
        self._chunks[number] = self._streams[number].chunks(headers)
        self._given[number] = 0
        self._ahead.pop(number, None)
        return {}, b""

    def _next(self, number: int) -> Answer:
        self._given[number] += 1
        ahead = self._ahead.pop(number, None)
        if isinstance(ahead, Exception):
            raise ahead
        return ahead or self._following(number)

    def _following(self, number: int) -> Answer:
        """Return the chunk after those that were made, or that there is none."""
        stream = self._streams[number]
        chunk = next(self._chunks[number], None)
        if chunk is None:
            return {"end": True, "blank": stream.blank, "entries": stream.noted().entries}, b""
        answer = {"end": False, "misshapen": chunk.misshapen, "done": chunk.done}
        return answer, _packed(chunk)


def _packed(chunk: Chunk) -> memoryview:
    """Return a chunk's rows and cells as a stream of one batch."""
    columns = [pa.array(chunk.rows), *chunk.cells.values()]
    return _streamed(pa.record_batch(columns, names=[str(at) for at in range(len(columns))]))


def _streamed(cells: pa.RecordBatch | pa.Table) -> memoryview:
    """Return cells as Arrow's stream, measured before: growing it takes three times as long."""
    measure = pa.MockOutputStream()
    _write(cells, measure)
    blob = pa.allocate_buffer(measure.size())
    _write(cells, pa.FixedSizeBufferWriter(blob))
    return memoryview(blob)


def _write(cells: pa.RecordBatch | pa.Table, to: pa.NativeFile) -> None:
    with pa.ipc.new_stream(to, cells.schema) as writer:
        writer.write(cells)


def serve(requests: BinaryIO, answers: BinaryIO, before: Callable[[], object]) -> None:
    """Answer requests until there are no more.

    Parameters
    ----------
    requests, answers
        Where they come from, and where they go.
    before
        Called before each.
    """
    reader = Reader()
    while size := requests.read(8):
        request = pickle.loads(requests.read(int.from_bytes(size, "little")))  # noqa: S301 - ours
        before()
        try:
            answer, cells = reader.answer(*request)
        except InputError as error:
            answer, cells = {"problem": error.problem, "way_out": error.way_out}, b""
        except MemoryError:
            answer, cells = {"too_large": True}, b""
        blob = json.dumps(answer).encode()
        answers.write(len(blob).to_bytes(8, "little") + len(cells).to_bytes(8, "little") + blob)
        answers.write(cells)
        answers.flush()
        del cells  # else two chunks are held in memory at once
        reader.read_ahead(*request)


def _set_limits() -> None:
    """Set the limits that reading a file keeps within, as far as the system knows them.

    Linux has all of them, macOS no bound on memory that holds, Windows none.
    """
    with contextlib.suppress(OSError):  # the first to go where memory runs out
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
    try:
        import resource
    except ImportError:
        return
    for limit, most in (
        (resource.RLIMIT_AS, _MOST_MEMORY),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(limit, (most, most))


def _allow_time() -> None:
    """Let the next request take its share of processor time, and no more."""
    try:
        import resource
    except ImportError:
        return
    spent = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(spent.ru_utime + spent.ru_stime) + _MOST_SECONDS
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))


def main() -> None:
    """Answer requests on standard input, within limits."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # nothing else may speak there
    _set_limits()
    deny_system_calls()
    serve(sys.stdin.buffer, answers, _allow_time)
