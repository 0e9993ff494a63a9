"""A small Parquet file, given as its bytes: measured before it is laid out.

A small file may hold many rows or huge cells, so rows are counted before they are read, and text
is read as a dictionary whose cells are measured.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from durhampulse.exceptions import InputError

__all__ = ["read_few"]

_MOST_ROWS = 10_000
_MOST_BYTES = 64 << 20
"""Of the cells in memory."""
_CODECS = ("SNAPPY", "UNCOMPRESSED")
"""Those that model folders are written with; Snappy expands at most some twenty times."""


def read_few(blob: bytes, numeric: Collection[str], others: Collection[str]) -> pa.Table:
    """Return the named columns that a file has, in its order, shape (n_rows, n_columns).

    Parameters
    ----------
    blob
        A Parquet file.
    numeric
        Columns of numbers.
    others
        Columns that may hold text.

    Raises
    ------
    InputError
        If there are no rows or too many, or their cells take too much room.
    """
    facts = pq.read_metadata(pa.BufferReader(blob))
    _require_few(facts, len(numeric))
    names = facts.schema.to_arrow_schema().names
    file = pq.ParquetFile(
        pa.BufferReader(blob),
        read_dictionary=[name for name in names if name in others],
        page_checksum_verification=True,
    )
    columns: dict[str, pa.ChunkedArray] = {}
    left = _MOST_BYTES
    for name in names:
        if name in numeric or name in others:
            cells = file.read(columns=[name]).column(name)
            cells.validate(full=True)
            left -= _bytes(cells)
            if left < 0:
                raise InputError("Cells of training rows that take too much room.")
            columns[name] = cells
    return pa.table(columns)


def _require_few(facts: pq.FileMetaData, n_numeric: int) -> None:
    """Raise unless rows and packing are such as a folder is written with."""
    if not 0 < facts.num_rows <= _MOST_ROWS or facts.num_rows * n_numeric * 8 > _MOST_BYTES:
        raise InputError(f"{facts.num_rows:,} training rows.")
    groups = [facts.row_group(i) for i in range(facts.num_row_groups)]
    codecs = {group.column(i).compression for group in groups for i in range(group.num_columns)}
    if others := sorted(codecs - {*_CODECS}):
        raise InputError(f"Training rows packed by {', '.join(others)}.")


def _bytes(cells: pa.ChunkedArray) -> int:
    """Return the bytes of text once it is laid out; 0 for numbers."""
    total = 0
    for chunk in cells.chunks:
        if isinstance(chunk, pa.DictionaryArray) and len(chunk.dictionary):
            lengths = pc.binary_length(chunk.dictionary).to_numpy(zero_copy_only=False)
            total += int(lengths[chunk.indices.drop_null().to_numpy()].sum(dtype=np.int64))
    return total
