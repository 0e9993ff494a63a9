"""Bounds on what a file may hold: how long a cell is, and how far the whole unpacks.

A packed file may say in a kilobyte what fills any memory: a dictionary that repeats one long text,
a run of a billion rows. What is read of it is measured as it comes.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from durhampulse.exceptions import InputError

__all__ = ["LONGEST_CELL", "has_lengths", "require_proportion", "require_short", "unpacked_bytes"]

LONGEST_CELL = 4 * 32_768
"""Bytes: a cell of Excel holds 32,767 characters, each of four bytes of UTF-8 at most."""
_MODERATE = 1 << 28
_MOST_TIMES = 200
"""A packed file beyond a moderate size must not unpack to more than so many times its own."""


def require_proportion(name: str, unpacked: int, packed: int) -> None:
    """Raise if a file unpacks to far more bytes than it has.

    Raises
    ------
    InputError
        Above 256 MiB and 200 times its size.
    """
    if unpacked > _MODERATE and unpacked > _MOST_TIMES * packed:
        raise InputError(
            f"{name}: it unpacks to more than {_MOST_TIMES} times its size.",
            "Write its table as a plain .csv and name that.",
        )


def require_short(name: str, batch: pa.RecordBatch, before: int) -> None:
    """Raise if a cell is longer than any of a table of creators should be.

    Parameters
    ----------
    name
        The file's, for messages.
    batch
        Some of its rows; text and bytes are measured, in dictionaries too.
    before
        Number of the row before the first.

    Raises
    ------
    InputError
        With the column of the first such cell.
    """
    for header, column in zip(batch.schema.names, batch.columns, strict=True):
        longest = _longest(column)
        if longest > LONGEST_CELL:
            raise InputError(
                f"{name}, column '{header[:80]}': after row {before:,} a cell of "
                f"{longest:,} bytes stands; {LONGEST_CELL:,} are the most.",
                "Leave such texts out, and write the file again.",
            )


def _longest(column: pa.Array) -> int:
    """Return the bytes of a column's longest text; 0 of one that holds none."""
    words = column.dictionary if pa.types.is_dictionary(column.type) else column
    if pa.types.is_fixed_size_binary(words.type):
        return int(words.type.byte_width) if len(words) else 0
    if not has_lengths(words.type):
        return 0
    return pc.max(pc.binary_length(words)).as_py() or 0


def has_lengths(kind: pa.DataType) -> bool:
    """Return whether the cells of a type are texts or bytes, of any length each."""
    texts = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    return bool(texts or pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def unpacked_bytes(batch: pa.RecordBatch) -> int:
    """Return the bytes of a batch with every cell written out, as whoever reads it may do.

    Examples
    --------
    >>> words = pa.array(["abcd"] * 3).dictionary_encode()
    >>> unpacked_bytes(pa.record_batch({"a": words, "b": pa.array([1, 2, 3])}))
    36
    """
    total = 0
    for column in batch.columns:
        if pa.types.is_dictionary(column.type) and has_lengths(column.type.value_type):
            lengths = pc.binary_length(column.dictionary).take(column.indices)
            total += pc.sum(lengths).as_py() or 0
        else:
            total += column.nbytes
    return total
