"""The files of a model folder: which there are, how large each may be, whether each is whole.

The manifest carries size and SHA-256 of the other files, and the SHA-256 of itself. Hashes that
stand beside what they are of show damage; they say nothing about who made the folder.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from durhampulse.deferred import pd
from durhampulse.exceptions import ModelError
from durhampulse.files.cage import Cage
from durhampulse.files.fewrows import read_few

__all__ = [
    "BACKGROUND", "CARD", "FORMAT_VERSION", "MANIFEST", "NEIGHBOURS", "SCHEMA", "WEIGHTS",
    "read_files", "read_manifest", "read_rows", "sealed", "stated",
]  # fmt: skip

FORMAT_VERSION: Final = 3
_READ = (2, 3)
MANIFEST, WEIGHTS, CARD = "manifest.json", "weights.safetensors", "card.md"
BACKGROUND, NEIGHBOURS = "background.parquet", "neighbours.parquet"
SCHEMA = "schema.json"
_LARGEST: Mapping[str, int] = {
    MANIFEST: 8 << 20, WEIGHTS: 64 << 20, BACKGROUND: 16 << 20, NEIGHBOURS: 16 << 20, CARD: 1 << 20,
    SCHEMA: 8 << 20,
}  # fmt: skip
"""The only files that a folder may name, and the most bytes of each; 113 MiB together."""
_NEEDED = (WEIGHTS, BACKGROUND)
_SEAL = "sha256"


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return the manifest of a folder, of a known version, whole and in plain text.

    Raises
    ------
    ModelError
        If it is none.
    """
    path = folder / MANIFEST
    try:
        blob = _read(folder, MANIFEST)
    except FileNotFoundError as error:
        raise ModelError(f"{folder}: there is no {MANIFEST}.", "Name a model folder.") from error
    try:
        manifest = json.loads(blob.decode("utf-8"))
        digest = _digest(manifest) if isinstance(manifest, dict) else ""
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{path}: not JSON ({error}).", "Train the model again.") from error
    number = manifest.get("format_version") if isinstance(manifest, dict) else None
    if number not in _READ:
        raise ModelError(
            f"{path}: format {number!r}, but this version of DurhamPulse reads {FORMAT_VERSION}.",
            "Use the version that wrote it, or train again.",
        )
    if manifest.get(_SEAL, digest) != digest:  # earlier versions wrote none
        raise _altered(path, "it is not as it was written")
    return dict(manifest)


def sealed(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Return a manifest that carries the SHA-256 of all else it says."""
    plain = json.loads(json.dumps(manifest, allow_nan=False))
    return {**plain, _SEAL: _digest(plain)}


def _digest(manifest: Mapping[str, Any]) -> str:
    """Return the SHA-256 of what a manifest says, its own left out; its layout does not matter.

    Raises
    ------
    ValueError
        If it holds a number without end, or text that is none.
    """
    sealed = {name: part for name, part in manifest.items() if name != _SEAL}
    text = json.dumps(
        sealed, sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":")
    )
    if "\\u0000" in text:
        raise ValueError("a null character")
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def stated(files: Mapping[str, bytes]) -> dict[str, dict[str, Any]]:
    """Return size and SHA-256 of a folder's files, by name, as its manifest states them."""
    return {
        name: {"bytes": len(blob), "sha256": hashlib.sha256(blob).hexdigest()}
        for name, blob in sorted(files.items())
    }


def read_files(folder: Path, manifest: Mapping[str, Any]) -> dict[str, bytes]:
    """Return the files that a manifest vouches for, each read once; no other is looked at.

    Raises
    ------
    ModelError
        If one of them is of another name, a link, too large or not what the manifest states, or
        one that a model needs is not among them.
    """
    files = manifest.get("files")
    path = folder / MANIFEST
    if not isinstance(files, dict):
        raise ModelError(f"{path}: files is not of the form of a model.", "Train it again.")
    if other := sorted(files.keys() - (_LARGEST.keys() - {MANIFEST})):
        raise ModelError(
            f"{path}: '{other[0][:60]}' is no file of a model folder.", "Train the model again."
        )
    for name in _NEEDED:
        if name not in files:
            raise ModelError(f"{path}: it does not vouch for {name}.", "Train the model again.")
    return {name: _read_stated(folder, name, entry) for name, entry in files.items()}


def _read_stated(folder: Path, name: str, entry: Mapping[str, Any]) -> bytes:
    try:
        blob = _read(folder, name)
    except FileNotFoundError as error:
        raise ModelError(f"{folder}: '{name}' is not there.", "Restore the folder.") from error
    digest = hashlib.sha256(blob).hexdigest()
    if (len(blob), digest) != (entry.get("bytes"), entry.get("sha256")):
        raise _altered(folder / name, "the file is not the one the manifest was written for")
    return blob


def _altered(path: Path, how: str) -> ModelError:
    return ModelError(
        f"{path}: {how}.",
        "It was damaged or altered: restore the folder or train the model again.",
    )


def _read(folder: Path, name: str) -> bytes:
    """Return a file's bytes, never more than it may have.

    Raises
    ------
    FileNotFoundError
        If there is none.
    ModelError
        If it is a link or no file, too large, or the system does not give it.
    """
    path, limit = folder / name, _LARGEST[name]
    try:
        if path.is_symlink() or (path.exists() and not path.is_file()):
            raise ModelError(f"{folder}: '{name}' is a link or no file.", "Train it again.")
        with path.open("rb") as stream:
            blob = stream.read(limit + 1)
    except FileNotFoundError:
        raise
    except NotADirectoryError as error:
        raise ModelError(f"{folder}: not a folder.", "Name a model folder.") from error
    except OSError as error:
        raise ModelError(f"{path}: {error.strerror or error}.", "Try again.") from error
    if len(blob) > limit:
        raise ModelError(
            f"{path}: larger than the {limit >> 20} MiB that it may have.",
            "Train the model again.",
        )
    return blob


def read_rows(
    blob: bytes,
    numeric: Collection[str],
    texts: Collection[str],
    either: Collection[str] = (),
    *,
    cage: Cage | None = None,
) -> pd.DataFrame:
    """Return training rows, shape (n_rows, n_columns): numbers, and text as text.

    Parameters
    ----------
    blob
        A Parquet file.
    numeric, texts
        The columns to read; others are passed over.
    either
        Columns of numbers or text that need not be there.
    cage
        The process that reads the file, since it is foreign; this one if not given.

    Raises
    ------
    InputError
        If there are no rows or too many, or their cells take too much room.
    ValueError
        If a column is missing or of another kind.
    """
    read = read_few if cage is None else cage.few_rows
    cells = read(blob, numeric, {*texts, *either})
    if lacking := sorted({*numeric, *texts} - {*cells.column_names}):
        raise ValueError(f"training rows lack the column {lacking[0]}")
    return pd.DataFrame(
        {
            name: _series(name, column, number=name not in texts, text=name not in numeric)
            for name, column in zip(cells.column_names, cells.columns, strict=True)
        }
    )


def _series(name: str, cells: pa.ChunkedArray, *, number: bool, text: bool) -> pd.Series:
    """Return a column, which may be one of numbers or text, or either."""
    kind = cells.type.value_type if pa.types.is_dictionary(cells.type) else cells.type
    if pa.types.is_null(kind):
        return pd.Series(pd.array([None] * len(cells), "str" if text else "float64"))
    if text and (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        return pd.Series(pd.array(cells.to_pylist(), "str"))
    if number and (pa.types.is_floating(kind) or pa.types.is_integer(kind)):
        return pd.Series(cells.to_pandas())
    raise ValueError(f"training rows whose column {name} holds {kind}")
