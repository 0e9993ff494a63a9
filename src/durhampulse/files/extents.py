"""How far a sheet of a workbook reaches, measured before it is loaded.

A reader that holds a sheet as one array makes room for every cell between its corners: two cells
far apart are a file of a kilobyte and fill any memory. So the cells' addresses are looked at first.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO
from xml.etree import ElementTree as ET

from durhampulse.exceptions import InputError
from durhampulse.files.bounds import require_proportion

__all__ = ["Extent", "holds_any", "measure", "require_moderate", "sheet_parts"]

_MOST_UNPACKED = 1 << 30
_MOST_CELLS = 16 << 20
"""As many as 16 columns of a million rows, which is all that a sheet of Excel can have."""
_SMALL = 4_000_000
_SPARSEST = 64
_MOST_DIGITS, _MOST_LETTERS = 10, 7
"""Of a row's number and a column's name that fit into 32 bits, whatever Excel allows."""
_BLOCK = 4 << 20
_TOP = 1 << 20
"""Bytes in which a sheet that is not read shows whether it holds anything."""

_NAME = rb"<(?:\w+:)?"
_CELL = re.compile(_NAME + rb"c[\s>/]")
_REFERENCE = re.compile(rb"""\sr\s*=\s*["']([A-Z]+)([0-9]+)["']""")
_ROW_NUMBER = re.compile(rb"""\sr\s*=\s*["']([0-9]+)["']""")
_ROW = re.compile(_NAME + rb"row[\s>/]")
_VALUE = re.compile(_NAME + rb"(?:v|is)>")
_FORMULA = _NAME + rb"f\b[^>]*(?:/>|>[^<]*</(?:\w+:)?f>)\s*"
_EMPTY_VALUE = rb"(?:" + _NAME + rb"v\s*/>|" + _NAME + rb"v>\s*</(?:\w+:)?v>)"
_NO_RESULT = re.compile(
    _NAME + rb"c\b([^>]*)>\s*" + _FORMULA + _EMPTY_VALUE + rb"?\s*</(?:\w+:)?c>"
)


@dataclass
class Extent:
    """A sheet's size.

    Attributes
    ----------
    rows, columns
        Of its last row and column, or more.
    cells
        Number of cells that are there.
    unsolved
        Number of formulas whose result is not stored.
    """

    rows: int = 0
    columns: int = 0
    cells: int = 0
    unsolved: int = 0

    @property
    def moderate(self) -> bool:
        """Whether an array of all cells between the corners is a reasonable size for the file."""
        area = self.rows * self.columns
        if max(area, self.cells) > _MOST_CELLS:
            return False
        return area <= _SMALL or area <= _SPARSEST * self.cells


def measure(path: Path, part: str) -> Extent:
    """Return how far a sheet of an ``.xlsx`` file reaches.

    Parameters
    ----------
    path
        The workbook.
    part
        The sheet's member of the archive, as in :func:`sheet_parts`.

    Raises
    ------
    InputError
        If the sheet reaches further than memory should.
    """
    with zipfile.ZipFile(path) as book:
        with book.open(part) as sheet:
            extent = _scan(sheet, exact=False)
        if not extent.moderate and extent.cells <= _MOST_CELLS:
            with book.open(part) as sheet:
                extent = _scan(sheet, exact=True)
    _require_extent(path.name, extent)
    return extent


def _require_extent(name: str, extent: Extent) -> None:
    """Raise if a sheet reaches further than memory should."""
    if extent.cells > _MOST_CELLS:
        raise InputError(
            f"{name}: more than {_MOST_CELLS:,} cells are not read from a workbook.",
            "Save the table as .csv or .parquet.",
        )
    if not extent.moderate:
        raise InputError(
            f"{name}: a table of {extent.columns:,} columns and {extent.rows:,} rows, of which "
            f"{extent.cells:,} cells are filled, is more than is read from a workbook "
            f"({_MOST_CELLS:,} cells, and not nearly all of them empty).",
            "Delete what stands far from the table, or save it as .csv or .parquet.",
        )


def require_moderate(path: Path) -> None:
    """Raise if a workbook would unpack to more than memory should hold, or twice to one name."""
    try:
        with zipfile.ZipFile(path) as book:
            parts = book.infolist()
    except (zipfile.BadZipFile, OSError):
        return  # the reader reports the fault
    unpacked = sum(part.file_size for part in parts)
    if unpacked > _MOST_UNPACKED:
        raise InputError(
            f"{path.name}: the workbook unpacks to {unpacked / 1e9:.1f} GB.",
            "Save the table as .csv or .parquet.",
        )
    for part in parts:
        require_proportion(path.name, part.file_size, part.compress_size)
    if len({part.filename.casefold() for part in parts}) < len(parts):
        raise InputError(
            f"{path.name}: not a readable workbook (it holds two parts of one name).",
            "Save it again.",
        )


def sheet_parts(path: Path) -> dict[str, str]:
    """Return a sheet's name to its member of an ``.xlsx`` archive, in their order.

    Raises
    ------
    KeyError, StopIteration, ValueError, zipfile.BadZipFile, SyntaxError
        If it is no workbook, or one that two readers may understand in two ways.
    """
    with zipfile.ZipFile(path) as book:
        top = _links(book, PurePosixPath("_rels/.rels"), "officeDocument")
        place = PurePosixPath("/", next(iter(top.values())))
        links = _links(book, place.parent / "_rels" / f"{place.name}.rels", "worksheet")
        # expat expands no entities beyond reason, and looks nothing up outside.
        root = ET.fromstring(book.read(str(place)[1:]))  # noqa: S314
    sheets = [element for element in root.iter() if element.tag.rpartition("}")[2] == "sheet"]
    linked = [
        (sheet.get("name", ""), links.get(value))
        for sheet in sheets
        for key, value in sheet.attrib.items()
        if key.endswith("}id")
    ]
    parts = {name: str(place.parent / target)[1:] for name, target in linked if target}
    if not parts or len(parts) < sum(target is not None for _, target in linked):
        raise ValueError("no sheet, or two sheets of one name")
    return parts


def _links(book: zipfile.ZipFile, part: PurePosixPath, kind: str) -> dict[str, str]:
    """Return the relations of a kind that a part of an archive lists: identifier to target."""
    root = ET.fromstring(book.read(str(part).lstrip("/")))  # noqa: S314 - as above
    names = [link.get("Id", "") for link in root]
    links = {
        link.get("Id", ""): link.get("Target", "")
        for link in root
        if link.get("Type", "").rpartition("/")[2] == kind
    }
    if len({*names}) < len(names) or any(".." in target for target in links.values()):
        raise ValueError("its parts refer to each other in an unusual way")
    return links


def holds_any(path: Path, part: str) -> bool:
    """Return whether a sheet of an ``.xlsx`` file shows a value near its top."""
    with zipfile.ZipFile(path) as book, book.open(part) as sheet:
        return _VALUE.search(sheet.read(_TOP)) is not None


def _scan(sheet: IO[bytes], *, exact: bool) -> Extent:
    extent, tags, reach = Extent(), 0, 0
    for block in _blocks(sheet):
        # Unusual white space around attributes: the fast count does not hold, match each cell.
        odd = any(mark in block for mark in (b"\n", b"\r", b"\t", b" =", b"= ", b"='"))
        cells = len(_CELL.findall(block)) if odd else _count(block)
        if extent.cells + cells > _MOST_CELLS:  # enough to know, before addresses are looked at
            extent.cells += cells
            return extent
        tags += block.count(b"<row") + block.count(b":row")
        if exact or odd or block.count(b' r="') < cells:
            rows, columns = _addresses(block, cells, reach + tags)
        else:
            rows, columns = _bounds(block)
        reach = max(reach, rows)
        if not cells:
            continue
        extent.rows, extent.columns = max(extent.rows, rows), max(extent.columns, columns)
        extent.cells += cells
        if b"<f" in block or b":f" in block:
            extent.unsolved += sum(b't="str"' not in c for c in _NO_RESULT.findall(block))
    return extent


def _blocks(sheet: IO[bytes]) -> Iterator[bytes]:
    """Yield a sheet's XML in pieces of whole rows."""
    rest = b""
    while piece := sheet.read(_BLOCK):
        rest += piece
        cut = rest.rfind(b"row>") + len(b"row>")
        if cut >= len(b"row>"):
            yield rest[:cut]
            rest = rest[cut:]
    yield rest


def _count(block: bytes) -> int:
    tags = (b"<c ", b"<c>", b"<c/", *((b":c ", b":c>", b":c/") if b":c" in block else ()))
    return sum(map(block.count, tags))


def _bounds(block: bytes) -> tuple[int, int]:
    """Return a row and a column that no address exceeds, by its number of digits."""
    digits, letters = 2, 1
    while digits < _MOST_DIGITS and re.search(rb' r="[A-Z]*[0-9]{%d}' % (digits + 1), block):
        digits += 1
    while letters < _MOST_LETTERS and re.search(rb' r="[A-Z]{%d}' % (letters + 1), block):
        letters += 1
    return 10**digits - 1, _place(b"Z" * letters)


def _addresses(block: bytes, cells: int, before: int) -> tuple[int, int]:
    """Return the last row and column of all addresses.

    Cells without one come after all others: as many columns on as there are cells in a row, and
    `before` rows on, which is no less than the number of the last row up to here.
    """
    addresses = _REFERENCE.findall(block)
    rows = max(map(int, {row for _, row in addresses}), default=0)
    columns = max(map(_place, {letters for letters, _ in addresses}), default=0)
    if len(addresses) < cells or not cells:
        rows = max([rows, *map(int, _ROW_NUMBER.findall(block))]) + before
        columns += max(len(_CELL.findall(row)) for row in _ROW.split(block))
    return rows, columns


def _place(letters: bytes) -> int:
    """Return a column's number.

    Examples
    --------
    >>> [_place(letters) for letters in (b"A", b"Z", b"AA", b"XFD")]
    [1, 26, 27, 16384]
    """
    place = 0
    for letter in letters:
        place = 26 * place + letter - ord("A") + 1
    return place
