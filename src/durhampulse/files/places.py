"""Tables that do not lie on this machine: standard input and output, and object stores.

What comes from there is copied to a temporary file first, since a table is looked at more than
once; what goes there is written here and sent when it is complete.
"""

from __future__ import annotations

import glob
import gzip
import os
import shutil
import sys
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from durhampulse.exceptions import InputError, OutputError
from durhampulse.files.checks import require_path
from durhampulse.files.scratch import scratch_folder

if TYPE_CHECKING:
    from pyarrow.fs import FileSystem

__all__ = [
    "STANDARD",
    "copied",
    "delivered",
    "explained",
    "find_files",
    "find_in_store",
    "is_elsewhere",
    "open_store",
]

STANDARD = "-"
"""Names standard input among inputs, and standard output as an output."""

_AZURE = ("az", "abfs", "abfss")
_STORES = ("s3", "gs", "gcs", *_AZURE)
_BLOCK = 4 << 20
_MAGIC = {
    b"PAR1": ".parquet",
    b"ARROW1": ".arrow",
    b"\xff\xff\xff\xff": ".arrow",
    b"\xd0\xcf\x11\xe0": ".xls",
}
"""First bytes of the files of a format that are no text and no archive."""
_PARTS = {"xl/workbook.xml": ".xlsx", "xl/workbook.bin": ".xlsb", "content.xml": ".ods"}
"""Member of an archive to the workbook that it makes it."""


def is_elsewhere(source: object) -> bool:
    """Return whether a source is standard input, or lies in an object store.

    Examples
    --------
    >>> [is_elsewhere(source) for source in ("-", "s3://bucket/a.csv", "a.csv", "sqlite:///a.db")]
    [True, True, False, False]
    """
    if not isinstance(source, str):
        return False
    scheme, separator, _ = source.partition("://")
    return source == STANDARD or bool(separator and scheme.casefold() in _STORES)


@contextmanager
def copied(source: str) -> Iterator[Path]:
    """Yield a copy of one table from elsewhere; it is removed at the end.

    Raises
    ------
    InputError
        If there is none, or several.
    """
    with scratch_folder() as folder:
        paths = _copies(source, Path(folder))
        if len(paths) > 1:
            raise InputError(f"{source}: {len(paths)} files match.", "Name one of them.")
        yield paths[0]


def _copies(source: str, folder: Path) -> list[Path]:
    """Return copies in a folder of the table, or the tables that a pattern matches, by name."""
    if source == STANDARD:
        return [_spooled(folder)]
    with explained(source, InputError):
        system, files = _stored(source)
        copied_to = []
        for number, file in enumerate(files):
            target = folder / str(number) / PurePosixPath(file).name
            target.parent.mkdir()
            # Without "compression" Arrow would unpack what ends in .gz.
            with system.open_input_stream(file, compression=None) as stored, target.open("xb") as f:
                shutil.copyfileobj(stored, f, _BLOCK)
            copied_to.append(target)
    return copied_to


def _stored(address: str) -> tuple[FileSystem, list[str]]:
    """Return an address's store, and the files in it that a path or a pattern names, sorted."""
    system, path = open_store(address)
    if not (files := _matching(system, path)):
        raise InputError(f"{address}: {_missing(system, path)}.", "Check the address.")
    return system, files


def find_in_store(address: str) -> list[str]:
    """Return the addresses of the files that an object store's path or pattern names, sorted.

    Raises
    ------
    InputError
        If there is none.
    """
    scheme, _, path = address.partition("://")
    with explained(address, InputError):
        _, files = _stored(address)
    bucket = path.partition("/")[0]  # an account that it names is no part of the files' paths
    return [f"{scheme}://{bucket}/{file.partition('/')[2]}" for file in files]


def find_files(inputs: Sequence[str | Path], folder: Path) -> list[Path]:
    """Return the files that names and patterns stand for, in their order; patterns sorted.

    Parameters
    ----------
    inputs
        Names and patterns, on this machine or in an object store, and ``-`` for standard input.
    folder
        Where to put copies of what is not on this machine.

    Raises
    ------
    InputError
        If a pattern matches nothing.
    """
    paths: list[Path] = []
    for number, pattern in enumerate(inputs):
        if is_elsewhere(pattern):
            (place := folder / f"input-{number}").mkdir()
            paths += _copies(str(pattern), place)
            continue
        require_path(pattern)
        if Path(pattern).exists() or not glob.has_magic(str(pattern)):
            paths.append(Path(pattern))
            continue
        matched = sorted(Path(name) for name in glob.glob(str(pattern), recursive=True))  # noqa: PTH207
        if not matched:
            raise InputError(f"{pattern}: no file matches.", "Check the pattern.")
        paths += [path for path in matched if path.is_file()]
    return paths


@contextmanager
def delivered(out: str | Path) -> Iterator[Path]:
    """Yield where to write a table, and what explains it; it goes to its place at the end.

    Raises
    ------
    OutputError
        If it cannot be sent there.
    """
    if not is_elsewhere(out):
        yield Path(out)
        return
    with scratch_folder() as folder:
        if out == STANDARD:
            if sys.stdout is None:  # as it is where a command is started without one
                raise OutputError(f"{out}: standard output is closed.", "Name a file.")
            path = Path(folder, "standard-output.csv")
            yield path
            with path.open("rb") as file:
                shutil.copyfileobj(file, sys.stdout.buffer, _BLOCK)
            sys.stdout.buffer.flush()
            return
        address = str(out)
        with explained(address, OutputError):
            system, stored = open_store(address)
            if not _exists(system, stored.partition("/")[0]):
                raise OutputError(f"{address}: {_missing(system, stored)}.", "Check the address.")
        path = Path(folder, PurePosixPath(stored).name)
        yield path
        with explained(address, OutputError):
            _send(path, system, stored)


def _send(path: Path, system: FileSystem, stored: str) -> None:
    """Send a table after what explains it; an earlier explanation goes if there is none now."""
    parent = stored.rpartition("/")[0]
    refused = f"{stored}.refused.csv"
    for file in sorted(path.parent.iterdir(), key=lambda file: file == path):
        place = f"{parent}/{file.name}"
        with file.open("rb") as part, system.open_output_stream(place, compression=None) as target:
            shutil.copyfileobj(part, target, _BLOCK)
    if not path.with_name(path.name + ".refused.csv").exists() and _exists(system, refused):
        system.delete_file(refused)


def _spooled(folder: Path) -> Path:
    """Return standard input as a file whose ending says what it is."""
    if sys.stdin is None or sys.stdin.isatty():
        raise InputError(
            "-: nothing is sent to standard input.", "Send a table: durhampulse ... - < FILE."
        )
    path = folder / "standard-input"
    with path.open("xb") as copy:
        shutil.copyfileobj(sys.stdin.buffer, copy, _BLOCK)
    if not path.stat().st_size:
        raise InputError("-: standard input is empty.", "Send a table to it.")
    return path.rename(path.with_suffix(_suffix(path)))


def _suffix(path: Path) -> str:
    """Return the ending of the format whose marks a file bears; text is CSV if it is not JSON."""
    with path.open("rb") as file:
        head = file.read(1 << 16)
    if head.startswith(b"\x1f\x8b"):
        try:
            with gzip.open(path) as packed:
                inner = _text_suffix(packed.read(1 << 16))
        except (OSError, EOFError, zlib.error):
            inner = ".csv"  # its reader says what is wrong
        return f"{'.jsonl' if inner != '.csv' else inner}.gz"
    if head.startswith(b"PK\x03\x04"):
        try:
            with zipfile.ZipFile(path) as archive:
                names = {*archive.namelist()}
        except zipfile.BadZipFile:
            names = set()
        return next((suffix for part, suffix in _PARTS.items() if part in names), ".zip")
    known = next((suffix for magic, suffix in _MAGIC.items() if head.startswith(magic)), None)
    return known or _text_suffix(head)


def _text_suffix(head: bytes) -> str:
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.startswith(b"["):
        return ".json"
    if text.startswith(b"{"):
        first, _, rest = text.partition(b"\n")
        return ".jsonl" if first.rstrip().endswith(b"}") and rest.strip() else ".json"
    return ".csv"


def open_store(address: str) -> tuple[FileSystem, str]:
    """Return the store of an address, opened with what the environment says, and the path in it."""
    from pyarrow import fs

    scheme, _, path = address.partition("://")
    scheme, env = scheme.casefold(), os.environ.get
    if scheme == "s3":
        endpoint = env("AWS_ENDPOINT_URL_S3") or env("AWS_ENDPOINT_URL")
        region = env("AWS_REGION") or env("AWS_DEFAULT_REGION")
        if not region and not endpoint:
            region = fs.resolve_s3_region(path.partition("/")[0])
        retries = fs.AwsStandardS3RetryStrategy(max_attempts=3)
        return (
            fs.S3FileSystem(
                region=region,
                endpoint_override=endpoint,
                connect_timeout=10,
                request_timeout=60,
                retry_strategy=retries,
            ),
            path,
        )
    if scheme in _AZURE:
        return _azure(path)
    options: dict[str, Any] = {"retry_time_limit": timedelta(seconds=60)}
    if emulator := env("STORAGE_EMULATOR_HOST"):
        scheme, separator, host = emulator.rpartition("://")
        options |= {
            "anonymous": True,
            "scheme": scheme if separator else "http",
            "endpoint_override": host,
        }
    return fs.GcsFileSystem(**options), path


def _azure(path: str) -> tuple[FileSystem, str]:
    """Return the Azure store of an address, and the path in it.

    The environment's connection string counts first, then the name and key of an account; an
    address of the form ``container@account.dfs.core.windows.net/path`` names its account.
    """
    from pyarrow import fs

    env = os.environ.get
    parts = dict(
        part.partition("=")[::2]
        for part in env("AZURE_STORAGE_CONNECTION_STRING", "").split(";")
        if part
    )
    account = parts.get("AccountName") or env("AZURE_STORAGE_ACCOUNT_NAME")
    account = account or env("AZURE_STORAGE_ACCOUNT")
    key = parts.get("AccountKey") or env("AZURE_STORAGE_ACCOUNT_KEY") or env("AZURE_STORAGE_KEY")
    container, at, host = path.partition("/")[0].partition("@")
    if at:
        account, path = host.partition(".")[0], f"{container}/{path.partition('/')[2]}"
    if not account:
        raise OSError("the environment names no AZURE_STORAGE_ACCOUNT_NAME")
    options: dict[str, Any] = {"account_name": account, "account_key": key}
    if blob := parts.get("BlobEndpoint"):
        tree = parts.get("DfsEndpoint") or blob.replace(".blob.", ".dfs.")
        for name, endpoint in (("blob", blob), ("dfs", tree)):
            scheme, _, host = endpoint.partition("://")
            options[f"{name}_storage_scheme"] = scheme
            options[f"{name}_storage_authority"] = host.partition("/")[0]
    return fs.AzureFileSystem(**options), path


def _matching(system: FileSystem, path: str) -> list[str]:
    """Return the files that a path or a pattern names, sorted; ``*`` stays within a folder."""
    from pyarrow import fs

    if not any(mark in path for mark in "*?["):
        return [path] if system.get_file_info(path).type == fs.FileType.File else []
    parts = path.split("/")
    base = [*parts[: next(i for i, part in enumerate(parts) if any(m in part for m in "*?["))]]
    selector = fs.FileSelector("/".join(base), recursive=True, allow_not_found=True)
    return sorted(
        info.path
        for info in system.get_file_info(selector)
        if info.type == fs.FileType.File and _matches(info.path, parts)
    )


def _matches(path: str, pattern: list[str]) -> bool:
    """Return whether a path matches a pattern.

    Examples
    --------
    >>> _matches("b/new/1.csv", ["b", "*", "*.csv"]), _matches("b/new/1.csv", ["b", "*.csv"])
    (True, False)
    """
    if "**" in pattern:
        return fnmatchcase(path, "/".join(pattern).replace("**/", "*"))
    parts = path.split("/")
    return len(parts) == len(pattern) and all(map(fnmatchcase, parts, pattern))


def _exists(system: FileSystem, path: str) -> bool:
    from pyarrow import fs

    return bool(system.get_file_info(path).type != fs.FileType.NotFound)


def _missing(system: FileSystem, path: str) -> str:
    bucket = path.partition("/")[0]
    return "no such file" if _exists(system, bucket) else f"no bucket is called '{bucket}'"


@contextmanager
def explained(address: str, kind: type[InputError | OutputError]) -> Iterator[None]:
    """Turn what a store's library says into one clear error."""
    try:
        yield
    except (pa.ArrowException, OSError, AttributeError) as error:
        words = str(error)
        denied = any(word in words for word in ("ACCESS_DENIED", "Forbidden", "403", "Credential"))
        way_out = "Check the address, and the credentials that the environment holds."
        raise kind(f"{address}: {'no access' if denied else _first(words)}.", way_out) from error


def _first(words: Any) -> str:
    return str(words).splitlines()[0][:200].rstrip(". ") if words else "cannot be reached"
