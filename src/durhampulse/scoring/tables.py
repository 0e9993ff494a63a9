"""A table as a model sees it, and what is given back of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from durhampulse.creators.block import Block
from durhampulse.creators.headers import Headers
from durhampulse.creators.identifiers import canonical_identifiers, refuse_rounded
from durhampulse.creators.schema import IDENTIFIER
from durhampulse.creators.text import NoTextError, as_text, holds_bytes
from durhampulse.exceptions import InputError

__all__ = ["TableCells", "carried_text", "exact_identifiers", "fits_int64", "of_text"]


@dataclass(frozen=True, kw_only=True)
class TableCells:
    """A table in memory as a model sees it.

    Attributes
    ----------
    identifiers
        As they are told apart, shape (n_rows,).
    block
        The rows.
    unclear
        Row, from 0, and reason of rows with a cell that may be one number or another.
    headers
        Which columns were read, which the table lacks and which are carried along.
    carried
        Header to text as found, of the columns that are carried along.
    """

    identifiers: pa.Array
    block: Block
    unclear: Mapping[int, str]
    headers: Headers
    carried: dict[str, pa.Array]


def fits_int64(kind: pa.DataType) -> bool:
    """Whether the cells of a type are whole numbers that Arrow's int64 holds, each of them."""
    return bool(pa.types.is_integer(kind)) and kind != pa.uint64()


def exact_identifiers(
    name: str, cells: pa.Array, rows: npt.NDArray[np.int64] | None = None
) -> pa.Array:
    """Return identifiers as they are told apart: integers as they are, all else canonical text.

    Parameters
    ----------
    name
        The table's name, for messages.
    cells, rows
        The identifiers as found, and the numbers of their rows; from 1 if not given.

    Raises
    ------
    InputError
        If the cells are of a type that has no text, or a spreadsheet has rounded one of them.
    """
    if fits_int64(cells.type):
        return cells
    try:
        text = as_text(cells)
        numbers = np.arange(1, len(cells) + 1) if rows is None else rows
        refuse_rounded(f"{name}, column {IDENTIFIER}", text, numbers)
        return canonical_identifiers(cells)
    except NoTextError as error:
        raise InputError(
            f"{name}, column {IDENTIFIER}: it holds {error}.", "Convert it to text."
        ) from error


def of_text(headers: Headers, types: Mapping[str, pa.DataType], keep: Sequence[str]) -> Headers:
    """Return headers without carried columns of lists or pictures' bytes, which have no text.

    Parameters
    ----------
    headers
        Of one table.
    types
        Header to the type of its cells, of the carried columns.
    keep
        Headers that a person has asked for: what they hold is said where it is read.
    """
    carried = {
        header: kind
        for header, kind in headers.carried.items()
        if header in keep
        or not (
            pa.types.is_nested(types[header]) or (kind == "picture" and holds_bytes(types[header]))
        )
    }
    return replace(headers, carried=carried)


def carried_text(name: str, header: str, cells: pa.Array) -> pa.Array:
    """Return a carried column's cells as text, as found.

    Raises
    ------
    InputError
        If the cells are of a type that has no text.
    """
    try:
        return as_text(cells)
    except NoTextError as error:
        raise InputError(
            f"{name}, column {header}: it holds {error}.", f"Leave it out: --drop '{header}'."
        ) from error
