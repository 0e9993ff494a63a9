"""Text that a spreadsheet would take for a formula, and its neutral spelling."""

from __future__ import annotations

import re

import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["as_before", "neutralised", "spreadsheet_safe"]

_STARTS = r"[=+\-@\t\r]"
_UNSAFE = rf"^'*{_STARTS}"
"""Text that gets an apostrophe: also what looks as if it had one already, so that all come back."""
_SAFE = re.compile(rf"'+{_STARTS}")


def spreadsheet_safe(cell: object) -> object:
    """Return a cell that no spreadsheet takes for a formula; what is no text, as it is."""
    return "'" + cell if isinstance(cell, str) and re.match(_UNSAFE, cell) else cell


def as_before(cell: str) -> str:
    """Return the text that :func:`spreadsheet_safe` was given.

    Examples
    --------
    >>> [as_before(spreadsheet_safe(text)) for text in ("@handle", "'@handle", "'tis")]
    ['@handle', "'@handle", "'tis"]
    """
    return cell[1:] if _SAFE.match(cell) else cell


def neutralised(column: pa.Array) -> pa.Array:
    """Return a column with :func:`spreadsheet_safe` applied to its text."""
    if not pa.types.is_string(column.type):
        return column
    unsafe = pc.match_substring_regex(column, _UNSAFE)
    if not pc.any(unsafe).as_py():
        return column
    return pc.if_else(unsafe, pc.binary_join_element_wise("'", column, ""), column)
