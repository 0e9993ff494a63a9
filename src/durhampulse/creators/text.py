"""Cells of any Arrow type as text, written in one way whatever the type."""

from __future__ import annotations

from functools import cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

__all__ = [
    "NoTextError",
    "as_text",
    "holds_bytes",
    "is_number",
    "is_text",
    "plain_text",
    "whole_array",
]


class NoTextError(ValueError):
    """Cells of a type that has no text, such as lists, or bytes that are not UTF-8."""


def plain_text(text: str) -> str:
    """Return text without halves of characters, which Python and JSON can hold and Arrow cannot."""
    return text.encode("utf-8", "replace").decode("utf-8")


def as_text(cells: pa.Array) -> pa.Array:
    """Return cells as text, null where they are null.

    Whole numbers are written without a point and without an exponent, whether they are stored as
    integers, floats or decimals: ``7``, ``7.0`` and ``Decimal("7.00")`` are all ``"7"``. Bytes are
    UTF-8.

    Parameters
    ----------
    cells
        Shape (n_rows,), of any type.

    Raises
    ------
    NoTextError
        If the type has no text.

    Examples
    --------
    >>> as_text(pa.array([7.0, None, 7.5, 1e16])).to_pylist()
    ['7', None, '7.5', '10000000000000000']
    >>> as_text(pa.array([b"Fashion", None])).to_pylist()
    ['Fashion', None]
    """
    kind = cells.type
    if pa.types.is_string(kind):
        return cells
    if pa.types.is_dictionary(kind):
        return as_text(cells.dictionary).take(cells.indices)
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        distinct = cells.dictionary_encode()
        words = [_plain(value) for value in distinct.dictionary.to_numpy(zero_copy_only=False)]
        return pa.array(words, pa.string()).take(distinct.indices)
    if pa.types.is_boolean(kind):
        return pc.if_else(cells, "True", "False")
    if pa.types.is_nested(kind):
        raise NoTextError(f"{kind}, not text")
    try:
        return cells.cast(pa.string())
    except pa.ArrowException as error:
        raise NoTextError(f"{kind} that is not text") from error


def _plain(value: object) -> str | None:
    """Return a number's shortest text without an exponent, None for NaN."""
    if isinstance(value, float | np.floating):
        return None if np.isnan(value) else np.format_float_positional(value, trim="-")
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def whole_array(column: pa.ChunkedArray) -> pa.Array:
    """Return a column's cells as one array."""
    whole = column.combine_chunks()
    return whole if isinstance(whole, pa.Array) else pa.concat_arrays(whole.chunks)


@cache
def is_text(kind: pa.DataType) -> bool:
    """Whether cells of a type are text, dictionary-encoded or not."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    )


@cache
def holds_bytes(kind: pa.DataType) -> bool:
    """Whether cells of a type are bytes, which may be text."""
    return bool(
        pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
        or pa.types.is_fixed_size_binary(kind)
        or pa.types.is_binary_view(kind)
    )


@cache
def is_number(kind: pa.DataType) -> bool:
    """Whether cells of a type are numbers; truth values are not."""
    return bool(
        pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    )
