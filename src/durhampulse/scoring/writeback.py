"""Scored creators as files that a customer system imports, within its limits."""

from __future__ import annotations

import csv
import datetime as dt
import io
import zipfile
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from durhampulse.exceptions import InputError, OutputError
from durhampulse.files.export import Sink, check_output, finished, open_sink
from durhampulse.files.formats import suffix_of
from durhampulse.files.sheets import CARRIED_FIELD
from durhampulse.scoring.crm import CrmFormat, safe_key

__all__ = [
    "CrmSink", "check_place", "left_out", "open_output", "require_keys", "unpacked",
]  # fmt: skip

_DECLINED = "declined"
_READ = (
    "Influencer ID", "Predicted Sponsorship", "Interval Low", "Interval High",
    "Sponsorship Recommendation", "Review",
)  # fmt: skip


class CrmSink:
    """A ``.csv`` file, or a ``.zip`` of as many as the system's limits ask for.

    Left out are creators that were declined, those without an identifier, and those whose
    identifier a spreadsheet would run as a formula: :attr:`notes` counts them.

    Parameters
    ----------
    form
        What the system wants.
    path
        Where to write.
    schema
        Columns of a scored file; those of e-mails are known by their metadata.
    provenance
        Of the file: its ``model`` and when it was ``written``.
    packed
        Whether the file is a ``.zip``.
    """

    def __init__(
        self, form: CrmFormat, path: Path, schema: pa.Schema, provenance: Mapping[str, Any],
        *, packed: bool,
    ) -> None:  # fmt: skip
        self._form, self._packed = form, packed
        self._model = str(provenance["model"])
        self._on = dt.date.fromisoformat(str(provenance["written"])[:10])
        self._emails = [
            field.name for field in schema if (field.metadata or {}).get(CARRIED_FIELD) == b"email"
        ]
        self._read = [name for name in _READ if name in schema.names]
        self._archive = zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) if packed else None
        self._path, self._parts, self._left = path, 0, Counter[str]()
        self._file: IO[bytes] | None = None
        self._begin()

    @property
    def notes(self) -> list[str]:
        """Whom the file leaves out, in words."""
        return [f"Left out of the file for {self._form.name}: {n:,} {why}"
                for why, n in self._left.items()]  # fmt: skip

    def write(self, batch: pa.RecordBatch) -> None:
        """Append rows."""
        table = pa.Table.from_batches([batch])
        emails = [table[name].to_pylist() for name in self._emails]
        columns = {name: table[name].to_pylist() for name in self._read}
        for at in range(len(batch)):
            row = {name: cells[at] for name, cells in columns.items()}
            row["Email"] = next((cells[at] for cells in emails if cells[at]), "")
            if why := _why_not(row):
                self._left[why] += 1
            else:
                self._append(self._form.cells(row, self._model, self._on))

    def close(self) -> None:
        """Finish the file."""
        for stream in (self._file, self._archive):
            if stream is not None:
                stream.close()

    abandon = close

    def _append(self, cells: list[str]) -> None:
        line = self._line(cells).encode("utf-8")
        rows, size = self._rows + 1, self._size + len(line)
        if rows > self._form.most_rows or size > self._form.most_bytes:
            self._begin()
        self._write(line)

    def _begin(self) -> None:
        """Begin a file, the first or one beside it."""
        form = self._form
        if self._file is not None:
            if self._archive is None:
                raise InputError(
                    f"{form.name} takes {form.most_rows - 1:,} creators and "
                    f"{form.most_bytes // 1_000_000} MB a file, and these are more.",
                    "Write a .zip, which holds several files, or fewer creators (--top).",
                )
            self._file.close()
        self._parts += 1
        name = f"{form.name.lower().replace(' ', '-')}-{self._parts}.csv"
        self._file = self._archive.open(name, "w") if self._archive else self._path.open("wb")
        self._rows = self._size = 0
        self._write(self._line([*form.headers.values()]).encode(form.encoding))

    def _line(self, cells: list[str]) -> str:
        text = io.StringIO()
        csv.writer(text).writerow(cells)  # by whose line end a carriage return in a cell is quoted
        return text.getvalue().removesuffix("\r\n") + self._form.line_end

    def _write(self, line: bytes) -> None:
        assert self._file is not None  # noqa: S101 - for the type checker
        self._file.write(line)
        self._rows, self._size = self._rows + 1, self._size + len(line)


def _why_not(row: Mapping[str, Any]) -> str:
    """Return why a creator is left out; empty text for the others."""
    key = row["Influencer ID"]
    if row.get("Review") == _DECLINED:
        return "declined by a reviewer"
    if key is None or str(key) == "":
        return "without an identifier"
    return "" if safe_key(str(key)) else "whose identifier a spreadsheet would run as a formula"


def open_output(
    path: Path, place: Path, schema: pa.Schema, about: Mapping[str, Any], form: CrmFormat | None
) -> AbstractContextManager[Sink]:
    """Return a file to write for a place: of a format of ours, or of a customer system."""
    suffix = suffix_of(place)
    if form is None:
        return open_sink(path, suffix, schema, about)
    return finished(CrmSink(form, path, schema, about, packed=suffix == ".zip"))


def left_out(sink: Sink) -> list[str]:
    """Return whom a file leaves out, in words; nobody of a format of ours."""
    return sink.notes if isinstance(sink, CrmSink) else []


def check_place(place: Path, form: CrmFormat | None) -> None:
    """Raise unless a table can be written there, before any work is done."""
    if form is not None and suffix_of(place) not in (".csv", ".zip"):
        raise OutputError(f"{place.name}: {form.name} imports no such file.", "Use .csv or .zip.")
    check_output(place.with_suffix(".csv") if form else place)


def require_keys(form: CrmFormat | None, without: Sequence[str]) -> None:
    """Raise where a customer system would have to find records of tables without identifiers."""
    if form is not None and without:
        raise InputError(
            f"{without[0]}: no column tells creators apart, and {form.name} finds records by one.",
            "Name it with --id.",
        )


def unpacked(path: Path) -> Path:
    """Return the only file of an archive, under the archive's name; else the archive."""
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        if len(names) > 1:
            return path
        alone = path.with_suffix(".csv")
        alone.write_bytes(archive.read(names[0]))
    return alone
