"""Files as bytes, unpacked on the way where they are compressed; none may fill a disk or memory."""

from __future__ import annotations

import gzip
import io
import re
import shutil
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, cast

from durhampulse.exceptions import InputError
from durhampulse.files.bounds import require_proportion
from durhampulse.files.formats import READABLE, suffix_of

__all__ = ["open_bytes", "share_read", "unpack"]

_BUFFER = 1 << 20
_ABOUT = re.compile(r"(?i)(read.?me|licen[cs]e|terms|about|notes?|liesmich)\b")
"""What a text is called that speaks of the table beside it."""
_LEFT_FREE = 64 << 20
"""Bytes of the disk that unpacking leaves to others."""


def open_bytes(path: Path) -> BinaryIO:
    """Return a file's bytes from their beginning, unpacked if it ends in ``.gz``."""
    if path.suffix.lower() != ".gz":
        return path.open("rb")
    return cast("BinaryIO", io.BufferedReader(_Unpacked(path), _BUFFER))


def share_read(stream: BinaryIO, size: int) -> float:
    """Return how much of a file of some size has been read, 0 to 1."""
    raw = getattr(stream, "raw", None)
    place = raw.place() if isinstance(raw, _Unpacked) else stream.tell()
    return min(place / max(size, 1), 1.0)


class _Unpacked(io.RawIOBase):
    """The bytes that a gzip file stands for."""

    def __init__(self, path: Path) -> None:
        self._name = path.name
        self._size = path.stat().st_size
        self._packed = path.open("rb")
        self._file = gzip.GzipFile(fileobj=self._packed)
        self._unpacked = 0

    def readable(self) -> bool:
        return True

    def place(self) -> int:
        """Return how many of the packed bytes have been read."""
        return self._packed.tell()

    def readinto(self, buffer: Any) -> int:
        try:
            n = self._file.readinto(buffer)
        except (OSError, EOFError, zlib.error) as error:
            raise InputError(
                f"{self._name}: damaged, it cannot be unpacked ({error}).", "Fetch it again."
            ) from error
        self._unpacked += n
        require_proportion(self._name, self._unpacked, self._size)
        return n

    def close(self) -> None:
        self._file.close()
        self._packed.close()
        super().close()


def unpack(path: Path, folder: Path) -> tuple[Path, str, list[str]]:
    """Return the one table of a ZIP archive, unpacked into a folder.

    Returns
    -------
    target, name, others
        Where it is, what it is called in the archive, and the files beside it, which are no tables.

    Raises
    ------
    InputError
        If it holds no table or several, is encrypted or damaged, or unpacks to far more than it is.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            member, others = _only_table(path.name, archive)
            _require_room(path.name, member, folder)
            target = folder / f"table{''.join(PurePosixPath(member.filename).suffixes[-2:])}"
            with archive.open(member) as packed, target.open("xb") as copy:
                unpacked = 0
                while block := packed.read(_BUFFER):
                    unpacked += len(block)
                    require_proportion(path.name, unpacked, member.compress_size)
                    copy.write(block)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise InputError(
            f"{path.name}: not a readable archive ({str(error)[:120]}).", "Pack the table again."
        ) from error
    return target, member.filename, others


def _require_room(name: str, member: zipfile.ZipInfo, folder: Path) -> None:
    """Raise if what an archive says it holds does not fit; it is never unpacked to more."""
    if shutil.disk_usage(folder).free - member.file_size < _LEFT_FREE:
        raise InputError(
            f"{name}: there is no room to unpack its {member.file_size / 1e6:,.0f} MB.",
            "Make room on the disk, then read it again.",
        )


def _only_table(name: str, archive: zipfile.ZipFile) -> tuple[zipfile.ZipInfo, list[str]]:
    """Return the archive's only table, and other files apart from what a system leaves there."""
    members = [
        member
        for member in archive.infolist()
        if not member.is_dir()
        and not member.filename.startswith("__MACOSX/")
        and not PurePosixPath(member.filename).name.startswith(".")
    ]
    tables = [member for member in members if _may_be_table(member.filename)]
    if len(members) > 1 and len(tables) == 1:
        others = [member.filename for member in members if member is not tables[0]]
        members = tables
    else:
        others = []
    if len(members) != 1:
        names = ", ".join(f"'{member.filename[:60]}'" for member in members[:5])
        raise InputError(
            f"{name}: the archive holds {len(members)} files" + (f": {names}." if names else "."),
            "Unpack it and name the table.",
        )
    if members[0].flag_bits & 1:
        raise InputError(
            f"{name}: the archive asks for a password.", "Unpack it and name the table."
        )
    if members[0].filename.lower().endswith(".zip"):
        raise InputError(f"{name}: it holds another archive.", "Unpack that one.")
    return members[0], others


def _may_be_table(filename: str) -> bool:
    """Whether a file of an archive may be the table, by its ending and name."""
    path = PurePosixPath(filename)
    return suffix_of(Path(path.name)) in READABLE and not _ABOUT.match(path.name)
