"""The one form of an identifier, whatever file, form or request it comes from."""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from durhampulse.creators.text import as_text
from durhampulse.creators.words import NULL_WORDS
from durhampulse.exceptions import InputError
from durhampulse.files.formulas import as_before

__all__ = ["canonical_identifier", "canonical_identifiers", "is_rounded", "refuse_rounded"]

_ROUNDED = r"^\s*[1-9]([.,]\d+)?E\+\d{2,3}\s*$"
"""A long number as a spreadsheet shows and saves it: its last digits are lost."""

_POINT = re.compile(r"(\d+)\.0+")
_ZERO, _POINT_BYTE = ord("0"), ord(".")


def _odd_ends() -> npt.NDArray[np.bool_]:
    """Return by first and last byte which cells may have another form, or stand for nothing."""
    plain = np.zeros(256, dtype=bool)
    plain[[code for code in range(128) if chr(code).isalnum()]] = True
    odd = ~(plain[:, None] & plain)
    for word in filter(None, NULL_WORDS):
        for first in {word[0].lower(), word[0].upper()}:
            for last in {word[-1].lower(), word[-1].upper()}:
                odd[first.encode()[0], last.encode()[-1]] = True
    return odd


_ODD_ENDS = _odd_ends()


def canonical_identifier(value: object) -> str | None:
    """Return the canonical form of one identifier, None where it stands for nothing.

    Blanks around it, the ``.0`` that a float has gained and the apostrophe that an export has put
    before ``= + - @`` come off. Case, leading zeros and Unicode forms are left alone: they may
    tell creators apart.

    Raises
    ------
    NoTextError
        If the value is of a type that has no text.

    Examples
    --------
    >>> [canonical_identifier(value) for value in (1001, 1001.0, " 1001", "'@lena", "n/a")]
    ['1001', '1001', '1001', '@lena', None]
    """
    if isinstance(value, str):
        return _canonical(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)  # of any size
    text = as_text(pa.array([value]))[0].as_py()
    return None if text is None else _canonical(text)


def canonical_identifiers(cells: pa.Array) -> pa.Array:
    """Return the canonical forms of a column of identifiers as text, null where there is none.

    Parameters
    ----------
    cells
        Shape (n_rows,), of any type.

    Raises
    ------
    NoTextError
        If the cells are of a type that has no text.
    """
    text = as_text(cells)
    odd = _odd(text)
    if not odd.any():
        return text
    words = [None if word is None else _canonical(word) for word in text.filter(odd).to_pylist()]
    where = np.zeros(len(text), dtype=np.int64)
    where[odd] = np.arange(len(text), len(text) + len(words))
    where[~odd] = np.flatnonzero(~odd)
    return pa.concat_arrays([text, pa.array(words, pa.string())]).take(pa.array(where))


def refuse_rounded(where: str, text: pa.Array, rows: npt.NDArray[np.int64]) -> None:
    """Raise if a spreadsheet has rounded an identifier, which may then be several creators'.

    Parameters
    ----------
    where
        Source and column, for the message.
    text
        The identifiers as found, shape (n_rows,).
    rows
        Numbers of the rows, shape (n_rows,).
    """
    if not _holds_plus(text):  # a hundredth of the pattern's time
        return
    at = pc.index(pc.match_substring_regex(text, _ROUNDED), True).as_py()
    if at >= 0:
        raise InputError(
            f"{where}, row {rows[at]}: {text[at].as_py()!r} is a long number as a spreadsheet "
            "rounds it, so it may stand for several creators.",
            "Export it again with the column formatted as text, or name another column: "
            "--id COLUMN.",
        )


def _holds_plus(text: pa.Array) -> bool:
    """Return whether a plus stands in any cell, by their bytes."""
    _, offsets, data = text.buffers()
    if len(text) == 0 or data is None:
        return False
    ends = np.frombuffer(offsets, np.int32)[[text.offset, text.offset + len(text)]]
    return bool((np.frombuffer(data, np.uint8)[ends[0] : ends[1]] == ord("+")).any())


def is_rounded(value: object) -> bool:
    """Return whether an identifier is a long number as a spreadsheet rounds it.

    Examples
    --------
    >>> is_rounded("1.23E+15"), is_rounded("1230000000000017"), is_rounded("E+15")
    (True, False, False)
    """
    return isinstance(value, str) and re.match(_ROUNDED, value) is not None


def _canonical(text: str) -> str | None:
    text = as_before(text.strip()).strip()
    if text.casefold() in NULL_WORDS:
        return None
    whole = _POINT.fullmatch(text)
    return whole[1] if whole else text


def _odd(text: pa.Array) -> npt.NDArray[np.bool_]:
    """Return which cells may have another canonical form, by their first and last bytes."""
    n = len(text)
    odd = np.zeros(n, dtype=bool)
    _, offsets, data = text.buffers()
    if n == 0 or data is None:
        return odd
    ends = np.frombuffer(offsets, np.int32)[text.offset : text.offset + n + 1]
    letters = np.frombuffer(data, np.uint8)
    filled = ends[1:] > ends[:-1]
    first, last = letters[ends[:-1][filled]], letters[ends[1:][filled] - 1]
    before = letters[np.maximum(ends[1:][filled] - 2, 0)]
    pointed = (last == _ZERO) & ((before == _ZERO) | (before == _POINT_BYTE))  # as "1001.0" ends
    odd[filled] = _ODD_ENDS[first, last] | pointed
    odd[~filled] = True
    return np.asarray(odd & text.is_valid().to_numpy(zero_copy_only=False))
