"""Tables to files that open safely, with their provenance.

A file appears under its name when it is complete, and not before.
"""

from __future__ import annotations

import errno
import json
import os
import pkgutil
import re
import shutil
import stat
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Protocol, TypeVar, cast

import pyarrow as pa

from durhampulse.deferred import pd
from durhampulse.exceptions import OutputError
from durhampulse.files.formats import FORMATS, WRITABLE, listed, suffix_of
from durhampulse.files.formulas import spreadsheet_safe
from durhampulse.files.shortage import lacks_memory

__all__ = [
    "Sink",
    "check_output",
    "finished",
    "is_running",
    "open_sink",
    "replacing",
    "write_csv",
    "write_provenance",
    "write_xlsx",
]

_EXCEL_SHOWN = 100_000


class Sink(Protocol):
    """A file being written, a batch of rows at a time."""

    def write(self, batch: pa.RecordBatch) -> None:
        """Append rows."""
        ...

    def close(self) -> None:
        """Finish the file."""
        ...

    def abandon(self) -> None:
        """Let go of the file, whatever state it is in."""
        ...


SinkType = TypeVar("SinkType", bound=Sink)


def check_output(path: Path) -> None:
    """Raise unless a table can be written there, before any work is done.

    Raises
    ------
    OutputError
        If the format is not known or the folder cannot be written to.
    """
    suffix = suffix_of(path)
    if suffix not in WRITABLE:
        raise OutputError(f"{path.name}: '{suffix}' cannot be written.", f"Use {listed(WRITABLE)}.")
    target = _target(path)
    if target.is_dir():
        raise OutputError(f"{path}: this is a folder.", "Name a file.")
    folder = target.parent
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        raise OutputError(f"{folder}: no folder that can be written to.", "Choose another place.")


def _target(path: Path) -> Path:
    """Return the file that a path leads to: a link is written through, never replaced."""
    try:
        target = path.resolve()
    except (OSError, RuntimeError):  # a loop of links, before Python 3.13
        target = path
    if target.is_symlink():
        raise OutputError(f"{path}: the link leads nowhere.", "Choose another place.")
    return target


@contextmanager
def replacing(path: Path, *beside: Path) -> Iterator[list[Path]]:
    """Yield names to write to, in place of `path` and the files that explain it.

    All are moved when all went well, the table last, so that it never stands unexplained; else all
    are removed, and what was moved already is put back. A name that nothing was written to, its
    file removed, removes what it stands for. A file that is replaced keeps its mode, and new ones
    beside it take the same.

    Raises
    ------
    MemoryError
        If there is not enough memory.
    OutputError
        If the system would not write them.
    """
    try:
        with ExitStack() as stack:
            targets = [_target(output) for output in (path, *beside)]
            mode = _mode(targets[0])
            parts = [stack.enter_context(_part(target, mode)) for target in targets]
            yield parts
            for part in filter(Path.exists, parts):
                with part.open("rb") as stream:
                    os.fsync(stream.fileno())
            _move([*zip(parts, targets, strict=True)])
    except OSError as error:
        if lacks_memory(error):
            raise MemoryError from error
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        raise OutputError(
            f"{path}: {error.strerror or error}.",
            "Make room and run it again." if full else "Choose another place.",
        ) from error


def _move(pairs: Sequence[tuple[Path, Path]]) -> None:
    """Move new files to their places, the last first; all or none, save where the process ends."""
    with ExitStack() as kept, ExitStack() as undo:
        for part, target in reversed(pairs):
            former = part.with_suffix(".former.part")
            kept.callback(_remove, former)
            if _copy(target, former):
                undo.callback(former.replace, target)
            else:
                undo.callback(target.unlink, missing_ok=True)
            if part.exists():
                part.replace(target)
            else:
                target.unlink(missing_ok=True)
        undo.pop_all()


def _copy(path: Path, copy: Path) -> bool:
    """Link a file to a second name, or copy it; return whether it exists."""
    try:
        copy.hardlink_to(path)
    except FileNotFoundError:
        return False
    except OSError:
        shutil.copy2(path, copy)
    return True


@contextmanager
def _part(target: Path, mode: int | None) -> Iterator[Path]:
    """Yield a new, empty file beside another, readable by those who could read the other."""
    _clear_left_over(target)
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    mode = mode if (former := _mode(target)) is None else former
    try:
        part.touch(mode=0o600 if mode is not None else 0o666)
        if mode is not None:
            part.chmod(mode)
        yield part
    finally:
        _remove(part)


def _remove(path: Path) -> None:
    """Remove a file that is not needed; one that stays is removed by the next run."""
    with suppress(OSError):
        path.unlink(missing_ok=True)


def _mode(path: Path) -> int | None:
    with suppress(FileNotFoundError):
        return stat.S_IMODE(path.stat().st_mode)
    return None


def _clear_left_over(path: Path) -> None:
    """Remove what runs left behind that were killed while they wrote this file."""
    mine = re.compile(re.escape(f".{path.name}.") + r"(\d+)(?:\.former)?\.part")
    for part in path.parent.iterdir():
        match = mine.fullmatch(part.name)
        if match and os.name == "posix" and not is_running(int(match[1])):
            _remove(part)


def is_running(pid: int) -> bool:
    """Whether a process of this number runs, of whoever."""
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return True


def open_sink(
    path: Path, suffix: str, schema: pa.Schema, provenance: Mapping[str, object]
) -> AbstractContextManager[Sink]:
    """Return a file of the format that `suffix` names; finished at the end, or let go of."""
    kind = pkgutil.resolve_name(FORMATS[suffix].sink)
    return finished(cast("Sink", kind(path, schema, provenance)))


@contextmanager
def finished(sink: SinkType) -> Iterator[SinkType]:
    """Yield a file being written; finished at the end, or let go of."""
    try:
        yield sink
    except BaseException:
        with suppress(OSError, pa.ArrowException):
            sink.abandon()
        raise
    sink.close()


def write_csv(table: pd.DataFrame, path: Path) -> None:
    """Write plain numbers, and text that no spreadsheet takes for a formula.

    Lines end as RFC 4180 has them, by which a cell with a carriage return is quoted too: bare it
    would end the row.
    """
    text = table.select_dtypes(["object", "str"]).columns
    safe = table.assign(**{name: table[name].map(spreadsheet_safe) for name in text})
    safe.rename(columns=spreadsheet_safe).to_csv(path, index=False, lineterminator="\r\n")


def write_provenance(path: Path, provenance: Mapping[str, object]) -> None:
    """Write where a file came from, beside it: ``FILE.provenance.json``."""
    text = json.dumps(provenance, indent=2, ensure_ascii=False)
    path.with_name(path.name + ".provenance.json").write_text(text + "\n", encoding="utf-8")


def write_xlsx(
    table: pd.DataFrame,
    path: Path,
    provenance: Mapping[str, object],
    *,
    linked: Collection[str] = (),
) -> None:
    """Write a workbook: native numbers with formats, and a sheet that says where they came from.

    The first 100,000 rows, which spreadsheets still open with ease; where there are more, the
    second sheet says how many stand in the CSV only.

    Parameters
    ----------
    table, path, provenance
        What to write, where, and where it came from.
    linked
        Columns whose web and e-mail addresses become links.
    """
    from durhampulse.files.sheets import CARRIED_FIELD, SheetSink

    if len(table) > _EXCEL_SHOWN:
        provenance = {**provenance, "rows left out here": len(table) - _EXCEL_SHOWN}
    marks = {name: {CARRIED_FIELD: b""} if name in linked else None for name in table.columns}
    fields = [pa.field(str(name), pa.null(), metadata=mark) for name, mark in marks.items()]
    schema = pa.schema(fields)
    shown = table.head(_EXCEL_SHOWN).astype(object)
    with finished(SheetSink(path, schema, provenance)) as sink:
        sink.append(shown.where(shown.notna(), None).itertuples(index=False))
