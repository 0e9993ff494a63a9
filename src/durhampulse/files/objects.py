"""JSON: an array of objects, or an object a line, read as a table and written.

Numbers stay as they are written, so that whole ones of any size are exact, and columns may mix
numbers and text as they may in CSV.
"""

from __future__ import annotations

import io
import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
import pyarrow as pa

from durhampulse.exceptions import InputError
from durhampulse.files.chunks import CHUNK_ROWS, Chunk, Stream, StreamOptions
from durhampulse.files.encodings import decide_encoding, misfit
from durhampulse.files.headers import tidy, unique_headers
from durhampulse.files.packed import open_bytes, share_read
from durhampulse.irregularities import Irregularity

__all__ = ["ArrayStream", "LinesSink", "LinesStream"]

_LONGEST_LINE = 16 << 20
_LARGEST = 1 << 30
Row = tuple[int, dict[str, str | None]]


class _RowError(Exception):
    """What is wrong with one object."""


class _ObjectsStream(Stream):
    """Objects by their numbers; their keys, wherever they first come, are the headers."""

    def __init__(self, path: Path, options: StreamOptions) -> None:
        super().__init__(path, options)
        encoding = decide_encoding(self.name, partial(open_bytes, path), options.asked.encoding)
        self._encoding = encoding.name
        if encoding.samples:
            action = f"read as {encoding.name}: {', '.join(map(repr, encoding.samples))}"
            self.ledger.note(Irregularity.ENCODING, "", 1, action, values=encoding.samples)
        self._done = 0.0
        self._nested: Counter[str] = Counter()
        keys: dict[str, None] = {}
        for _, row in self._rows([]):
            keys |= dict.fromkeys(row)
        for key, n in self._nested.items():
            action = "lists and objects within objects are not read"
            self.ledger.note(Irregularity.NESTED, tidy(key), n, action)
        headers = unique_headers([tidy(key) for key in keys], self.ledger)
        self._keys = dict(zip(headers, keys, strict=True))
        self.headers = headers

    def read(self, headers: Sequence[str]) -> Iterator[Chunk]:
        """Yield some columns, chunk by chunk, blank rows too."""
        odd: list[tuple[int, str]] = []
        rows = self._rows(odd)
        while (part := [*islice(rows, CHUNK_ROWS)]) or odd:
            cells = {
                header: _texts([row.get(self._keys[header]) for _, row in part])
                for header in headers
            }
            numbers = np.array([number for number, _ in part], np.int64)
            yield Chunk(numbers, cells, [*odd], self._done)
            odd.clear()

    def _rows(self, odd: list[tuple[int, str]]) -> Iterator[Row]:
        """Yield the objects as rows of text; those that are none go to `odd`, or raise."""
        self._nested.clear()
        for number, value in self._values():
            try:
                yield number, self._flat(value() if callable(value) else value)
            except _RowError as error:
                if self.options.strict:
                    raise InputError(
                        f"{self.name}, {self._where(number)}: {error}.", "Correct it."
                    ) from error
                odd.append((number, str(error)))

    def _values(self) -> Iterator[tuple[int, Any]]:
        """Yield number and value, or what gives it and may raise."""
        raise NotImplementedError

    def _where(self, number: int) -> str:
        return f"object {number:,}"

    def _text(self) -> io.TextIOWrapper:
        return io.TextIOWrapper(open_bytes(self.path), encoding=self._encoding, newline="\n")

    def _flat(self, value: Any) -> dict[str, str | None]:
        """Return an object's values as text, those of objects within it under both names."""
        if not isinstance(value, dict):
            raise _RowError("this is no object")
        row: dict[str, str | None] = {}
        for key, cell in value.items():
            inner = cell if isinstance(cell, dict) else {"": cell}
            for name, item in inner.items():
                whole = f"{key}.{name}" if inner is cell else key
                if whole in row:
                    raise _RowError(f"the key '{whole[:60]}' comes twice")
                if isinstance(item, list | dict):
                    self._nested[whole] += 1
                else:
                    row[whole] = _cell(item)
        return row


class LinesStream(_ObjectsStream):
    """A file with an object on each line, compressed or not."""

    def _values(self) -> Iterator[tuple[int, Any]]:
        size = self.path.stat().st_size
        try:
            with self._text() as stream:
                lines = iter(partial(stream.readline, _LONGEST_LINE), "")
                for number, line in enumerate(lines, start=1):
                    if number % 4096 == 1:
                        self._done = share_read(cast("BinaryIO", stream.buffer), size)
                    if line.strip():
                        yield number, partial(_loads, line)
        except UnicodeDecodeError as error:
            raise misfit(self.name, partial(open_bytes, self.path), self._encoding) from error

    def _where(self, number: int) -> str:
        return f"line {number:,}"


class ArrayStream(LinesStream):
    """A file with an array of objects, or an object that holds one; lines of objects too."""

    def __init__(self, path: Path, options: StreamOptions) -> None:
        self._by_line = False
        super().__init__(path, options)

    def _values(self) -> Iterator[tuple[int, Any]]:
        if not self._by_line:
            objects = self._objects()
            if objects is not None:
                yield from enumerate(objects, start=1)
                return
            self._by_line = True
        yield from super()._values()

    def _objects(self) -> list[Any] | None:
        """Return the objects of the whole file; None if it holds one a line."""
        if self.path.stat().st_size > _LARGEST:
            raise InputError(
                f"{self.name}: more than a gigabyte is not read as one JSON value.",
                "Write an object a line, and call the file .jsonl.",
            )
        try:
            with self._text() as stream:
                value = _loads(stream.read())
        except UnicodeDecodeError as error:
            raise misfit(self.name, partial(open_bytes, self.path), self._encoding) from error
        except _RowError as error:
            if "Extra data" in str(error):
                return None
            raise InputError(f"{self.name}: {error}.", "Export the table again.") from error
        return self._table(value)

    def _table(self, value: Any) -> list[Any]:
        if isinstance(value, list):
            return value
        lists = {
            key: item
            for key, item in (value.items() if isinstance(value, dict) else ())
            if isinstance(item, list) and item and all(isinstance(row, dict) for row in item)
        }
        if len(lists) != 1:
            names = ", ".join(f"'{name[:40]}'" for name in lists) or "none"
            raise InputError(
                f"{self.name}: this is neither an array of objects nor an object with exactly one "
                f"(it has {names}).",
                'Write [{"Influencer_ID": ..., "Followers": ...}, ...].',
            )
        return next(iter(lists.values()))

    def _where(self, number: int) -> str:
        return super()._where(number) if self._by_line else f"object {number:,}"


def _loads(text: str) -> Any:
    try:
        return json.loads(
            text, parse_int=str, parse_float=str, parse_constant=str, object_pairs_hook=_object
        )
    except json.JSONDecodeError as error:
        raise _RowError(f"not JSON ({error.msg}, line {error.lineno})") from error
    except RecursionError as error:
        raise _RowError("too deeply nested") from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        twice = next(key for key, n in Counter(key for key, _ in pairs).items() if n > 1)
        raise _RowError(f"the key '{twice[:60]}' comes twice")
    return values


def _cell(item: Any) -> str | None:
    """Return a value as text; numbers come as they are written."""
    return None if item is None or item == "" else str(item)


def _texts(cells: Sequence[str | None]) -> pa.Array:
    try:
        return pa.array(cells, pa.string())
    except UnicodeEncodeError:  # half of a pair of surrogates is no letter
        whole = [c if c is None else c.encode("utf-8", "replace").decode() for c in cells]
        return pa.array(whole, pa.string())


class LinesSink:
    """A file with an object on each line."""

    def __init__(self, path: Path, schema: pa.Schema, _provenance: Mapping[str, object]) -> None:
        self._names = schema.names
        self._file = path.open("w", encoding="utf-8", newline="\n")

    def write(self, batch: pa.RecordBatch) -> None:
        """Append rows."""
        for row in batch.to_pylist():
            values = {name: _plain(value) for name, value in row.items()}
            self._file.write(json.dumps(values, ensure_ascii=False, default=str) + "\n")

    def close(self) -> None:
        """Finish the file."""
        self._file.close()

    abandon = close


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
