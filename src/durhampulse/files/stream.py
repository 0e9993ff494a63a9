"""The door through which every table file is opened."""

from __future__ import annotations

import pkgutil
import shutil
import tempfile
import weakref
from pathlib import Path
from typing import cast

from durhampulse.exceptions import InputError
from durhampulse.files.cage import Cage, CagedStream
from durhampulse.files.checks import require_file, require_path
from durhampulse.files.chunks import Chunk, Stream, StreamOptions, spans
from durhampulse.files.formats import FORMATS, READABLE, Format, listed, suffix_of
from durhampulse.files.options import TableOptions
from durhampulse.files.packed import unpack
from durhampulse.irregularities import Irregularity

__all__ = ["Chunk", "Stream", "open_archive", "open_as", "open_stream", "spans"]


def open_stream(
    path: str | Path,
    asked: TableOptions | None = None,
    *,
    name: str | None = None,
    row_groups: tuple[int, int] | None = None,
    strict: bool = False,
    cage: Cage | None = None,
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
    cage
        The process that reads it, since it is foreign; this one if not given.

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
    _require_fitting(path.name, FORMATS[suffix], asked)
    options = StreamOptions(asked=asked, name=name, row_groups=row_groups, strict=strict)
    if suffix == ".zip":
        return open_archive(path, options, cage)
    return open_as(path, options) if cage is None else CagedStream(cage, path, options)


def open_as(path: Path, options: StreamOptions) -> Stream:
    """Return a file opened in this process, by its ending."""
    kind = pkgutil.resolve_name(FORMATS[suffix_of(path)].stream)
    return cast("Stream", kind(path, options))


def open_archive(path: Path, options: StreamOptions, cage: Cage | None = None) -> Stream:
    """Return the one table of an archive; what was unpacked goes when the stream does."""
    folder = tempfile.mkdtemp(prefix="durhampulse-")
    try:
        member, table, others = unpack(path, Path(folder))
        name = options.name or path.name
        asked, strict = options.asked, options.strict
        stream = open_stream(member, asked, name=name, strict=strict, cage=cage)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    shown = ", ".join(f"'{other[:60]}'" for other in others[:3])
    action = f"'{table}' is read of the archive, not {shown}"
    stream.around.note(Irregularity.OTHER_FILES, "", len(others), action)
    weakref.finalize(stream, shutil.rmtree, folder, ignore_errors=True)
    return stream


def _require_fitting(name: str, kind: Format, asked: TableOptions) -> None:
    """Raise if an option is meant for another kind of file."""
    for given, fits, problem, flag in (
        (asked.table, kind.sheets, "only a workbook has sheets", "--table"),
        (asked.encoding, kind.text, "only a text file has an encoding to name", "--encoding"),
        (asked.header_row, kind.headed, "its columns have their names", "--header-row"),
    ):
        if given is not None and not fits:
            raise InputError(f"{name}: {problem}.", f"Leave {flag} out.")
