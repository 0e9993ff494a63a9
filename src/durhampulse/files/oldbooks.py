"""Workbooks of formats whose extent cannot be measured first: read by a process of their own.

Run as a program it writes a sheet to its output as lines of JSON, with no more memory than it is
given. A file made to fill any memory ends that process and nothing else.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

__all__ = ["cell_text", "read_apart"]

_MOST_MEMORY = 2 << 30
_MOST_CELLS = 16 << 20


def cell_text(cell: Any) -> str | None:
    """Return a cell as text; whole numbers without a point, as a spreadsheet shows them.

    Examples
    --------
    >>> [cell_text(cell) for cell in (None, "", "007", 3.0, 2.5, True)]
    [None, None, '007', '3', '2.5', 'True']
    """
    if cell is None or isinstance(cell, str):
        return cell or None
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell)


def read_apart(path: str, table: str | None) -> Iterator[Any]:
    """Yield a sheet's name and the names of all that hold anything; then its rows of text.

    Raises
    ------
    KeyError
        If there is no such sheet; with the names of those there are.
    MemoryError
        If reading took more memory than it is given.
    ValueError
        If the file is no workbook.
    """
    command = [sys.executable, "-P", __file__, path, *([table] if table is not None else [])]
    with (
        open(os.devnull, "rb") as nowhere,  # noqa: PTH123 - a reader in a cage may open none to write
        subprocess.Popen(  # noqa: S603 - this file, run by this Python
            command, stdout=subprocess.PIPE, stderr=nowhere
        ) as child,
    ):
        assert child.stdout is not None  # noqa: S101 - for the type checker
        try:
            ended = False
            for line in child.stdout:
                answer = json.loads(line)
                if "unknown" in answer:
                    raise KeyError(answer["unknown"])
                if "error" in answer:
                    raise ValueError(answer["error"])
                ended = "end" in answer
                if not ended:
                    yield answer.get("row", answer)
        finally:
            with contextlib.suppress(PermissionError):  # in a cage; it ends at its next line
                child.kill()
    if not ended:
        raise MemoryError


def main(path: str, table: str | None = None) -> None:
    """Write a sheet as lines of JSON."""
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (_MOST_MEMORY, _MOST_MEMORY))
    except ImportError:
        pass  # Windows has no such limit
    from python_calamine import CalamineError, CalamineWorkbook, SheetTypeEnum

    try:
        with CalamineWorkbook.from_path(path) as book:
            names = [s.name for s in book.sheets_metadata if s.typ is SheetTypeEnum.WorkSheet]
            name = table if table is not None else names[0]
            if name not in names:
                _say(unknown=names)
                return
            filled = [title for title in names if book.get_sheet_by_name(title).height]
            _say(sheet=name, filled=filled)
            sheet = book.get_sheet_by_name(name)
            if sheet.total_height * sheet.width > _MOST_CELLS:
                raise MemoryError
            for row in sheet.iter_rows():
                _say(row=[cell_text(cell) for cell in row])
    except (CalamineError, OSError, ValueError, IndexError) as error:
        _say(error=str(error))
        return
    _say(end=True)


def _say(**answer: object) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
