"""The door through which every table file is opened."""

from __future__ import annotations

import pkgutil
from pathlib import Path
from typing import cast

from durhampulse.exceptions import InputError
from durhampulse.files.checks import require_file, require_path
from durhampulse.files.chunks import Chunk, Stream, StreamOptions, spans
from durhampulse.files.formats import FORMATS, READABLE, listed, suffix_of
from durhampulse.files.options import TableOptions

__all__ = ["Chunk", "Stream", "open_stream", "spans"]


def open_stream(
    path: str | Path,
    asked: TableOptions | None = None,
    *,
    name: str | None = None,
    row_groups: tuple[int, int] | None = None,
    strict: bool = False,
) -> Stream:
    """Return a file opened by its ending, one of `durhampulse.files.formats.READABLE`.

    Parameters
    ----------
    path
        The file.
    asked
        Which of its tables, and where it begins.
    name, row_groups, strict
        As in :class:`durhampulse.files.chunks.StreamOptions`.

    Raises
    ------
    InputError
        If it cannot be read as a table.
    """
    path = require_path(path)
    require_file(path)
    suffix = suffix_of(path)
    if suffix not in READABLE:
        raise InputError(f"{path.name}: '{suffix}' is not a known format.", f"Use {listed()}.")
    asked = asked or TableOptions()
    if asked.table is not None and not FORMATS[suffix].sheets:
        raise InputError(f"{path.name}: only a workbook has sheets.", "Leave --table out.")
    options = StreamOptions(asked=asked, name=name, row_groups=row_groups, strict=strict)
    kind = pkgutil.resolve_name(FORMATS[suffix].stream)
    return cast("Stream", kind(path, options))
