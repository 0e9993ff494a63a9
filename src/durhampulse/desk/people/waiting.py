"""Files that wait to be put in place: which of them hold a creator, and their removal."""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from xml.sax.saxutils import escape

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Connection, delete, select, update

from durhampulse.creators.identifiers import canonical_identifiers
from durhampulse.creators.schema import IDENTIFIER, canonical_name
from durhampulse.desk.people.cases import any_case
from durhampulse.desk.store import clock
from durhampulse.desk.store.tables import outcome_file, refused, staged, understood, upload
from durhampulse.exceptions import DurhamPulseError
from durhampulse.files.cage import Cage
from durhampulse.files.options import TableOptions
from durhampulse.files.stream import Stream, open_stream

__all__ = ["WaitingFile", "files_holding", "files_waiting", "remove_waiting"]

_WAITING = ("new", "checking", "checked", "applying")
_ENCODINGS = ("utf-8", "utf-16-le", "latin-1")
_UNREADABLE = (
    *(DurhamPulseError, OSError, MemoryError, pa.ArrowException),
    *(zipfile.BadZipFile, zlib.error, EOFError, RuntimeError),  # the last of an encrypted zip
)


@dataclass(frozen=True, kw_only=True)
class WaitingFile:
    """A file that waits.

    Attributes
    ----------
    kind, number
        "import" or "outcomes", and its number.
    name
        What its owner calls it.
    path
        Where it lies.
    options
        How it is to be read, as plain data.
    """

    kind: str
    number: int
    name: str
    path: Path
    options: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.name} ({self.kind} {self.number})"


def files_holding(
    files: Iterable[WaitingFile], names: Sequence[str], words: Sequence[str]
) -> list[WaitingFile]:
    """Return those files that hold a creator, or cannot be read, so that nobody knows.

    Parameters
    ----------
    files
        The files that wait.
    names
        The forms of the creator's identifier: a cell that is one of them holds the creator, in
        the column of identifiers where there is one and the identifier is a number.
    words
        What else tells who they are: whatever contains one of them holds the creator.
    """
    return [file for file in files if _holds(file, names, words)]


def files_waiting(db: Connection) -> list[WaitingFile]:
    """Return the files that wait to be put in place, or to be recorded."""
    imports = db.execute(select(upload).where(upload.c.state.in_(_WAITING))).all()
    outcomes = db.execute(select(outcome_file)).all()
    return [
        *(_file("import", row) for row in imports),
        *(_file("outcomes", row) for row in outcomes),
    ]


def _file(kind: str, row: Any) -> WaitingFile:
    return WaitingFile(
        kind=kind, number=row.id, name=row.file_name, path=Path(row.path), options=row.options or {}
    )


def _holds(file: WaitingFile, names: Sequence[str], words: Sequence[str]) -> bool:
    if not file.path.exists():
        return False
    try:
        return _content_holds(file.path, words) or _cells_hold(file, names, words)
    except _UNREADABLE:
        return True


def _content_holds(path: Path, words: Sequence[str]) -> bool:
    """Whether a file contains a word as it stands, or zipped as the parts of a workbook are."""
    forms = {form for word in words for form in (word, escape(word))}
    codes = {form.encode(code, "replace") for form in forms for code in _ENCODINGS}
    if not codes:
        return False
    pattern = re.compile(b"|".join(map(re.escape, sorted(codes))), re.IGNORECASE)
    longest = max(map(len, codes))
    if not zipfile.is_zipfile(path):
        with path.open("rb") as content:
            return _stream_holds(content, pattern, longest)
    with zipfile.ZipFile(path) as archive:
        for part in archive.infolist():
            with archive.open(part) as content:
                if _stream_holds(content, pattern, longest):
                    return True
    return False


def _stream_holds(content: IO[bytes], pattern: re.Pattern[bytes], longest: int) -> bool:
    tail = b""
    while block := content.read(1 << 20):
        if pattern.search(tail + block):
            return True
        tail = block[-longest:]
    return False


def _cells_hold(file: WaitingFile, names: Sequence[str], words: Sequence[str]) -> bool:
    """Whether a cell of the table that would be read is the creator, or contains a word."""
    asked = {name: file.options.get(name) for name in ("table", "encoding", "header_row")}
    with Cage() as cage:
        return _table_holds(
            open_stream(file.path, TableOptions(**asked), cage=cage), file, names, words
        )


def _table_holds(
    stream: Stream, file: WaitingFile, names: Sequence[str], words: Sequence[str]
) -> bool:
    chosen = file.options.get("columns", {}).get(IDENTIFIER)
    keys = {h for h in stream.headers if h == chosen or canonical_name(h) == IDENTIFIER}
    numbered = all(name.isdecimal() for name in names[:1])
    whole = pa.array(sorted(names))
    part = any_case(words)
    for chunk in stream.chunks(stream.headers):
        for header, cells in chunk.cells.items():
            text = canonical_identifiers(cells)
            is_key = header in keys or not (keys and numbered)
            if is_key and pc.any(pc.is_in(text, whole)).as_py():
                return True
            if part and pc.any(pc.match_substring_regex(text, part, ignore_case=True)).as_py():
                return True
    return False


def remove_waiting(db: Connection, files: Iterable[WaitingFile]) -> None:
    """Discard files that wait; they are to be deleted once that is committed."""
    now = clock.now()
    for file in files:
        if file.kind == "outcomes":
            db.execute(delete(outcome_file).where(outcome_file.c.id == file.number))
            continue
        db.execute(  # first: whoever stages rows of it holds this row, and stages no more after it
            update(upload)
            .where(upload.c.id == file.number, upload.c.state.in_(_WAITING))
            .values(state="discarded", finished_at=now)
        )
        for table in (staged, refused, understood):
            db.execute(delete(table).where(table.c.upload_id == file.number))
