"""Raw cells to numbers, levels and outcomes: the only place where a cell is interpreted.

A cell is read by itself. What a column's cells mean together, its decimal sign, its unit, the
spelling of its levels, is learned elsewhere (:mod:`durhampulse.creators.rules`) and handed in.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from durhampulse.creators.amounts import same_currency
from durhampulse.creators.block import Levels
from durhampulse.creators.counted import without_words
from durhampulse.creators.numbers import DecimalSign, NumberKind, Parsed, parse_number
from durhampulse.creators.text import NoTextError, as_text, holds_bytes, is_number, is_text
from durhampulse.creators.words import NULL_WORDS, folded

__all__ = [
    "MISSING_COUNTS",
    "LevelCells",
    "NumberCells",
    "distinct_words",
    "level_codes",
    "read_levels",
    "read_number_words",
    "read_numbers",
    "spelled_levels",
]

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

MISSING_COUNTS = (-1, -9, -99, -999, -9999)
"""Codes that stand for a missing count, as statistics programs and questionnaires write them."""
_PLAIN = re.compile(r"-?(\d+\.?\d*|\.\d+)")


@dataclass(frozen=True, kw_only=True)
class NumberCells:
    """A column of numbers with what was noticed on the way; arrays of shape (n_rows,).

    Attributes
    ----------
    values
        The numbers; NaN where missing, unreadable or unclear. Cells with a percent sign are
        divided by 100.
    percent, formatted, null_word, stray_space
        Which cells had a percent sign, separators or suffixes, a word for nothing, blanks around.
    currency, at_least, sized
        Which cells had the sign or code of a currency; a plus behind, as in ``15K+``; a letter or
        word for their size.
    worded
        Which cells had a word for what they count, such as followers.
    unreadable
        Which cells are no number.
    unclear
        Which cells are one number or another: nothing tells the decimal sign or what a word of
        size means, the cell is a range, in another currency than the column's, or counts
        something else.
    """

    values: Floats
    percent: Mask
    formatted: Mask
    null_word: Mask
    stray_space: Mask
    currency: Mask
    at_least: Mask
    sized: Mask
    worded: Mask
    unreadable: Mask
    unclear: Mask


@dataclass(frozen=True)
class LevelCells:
    """A column of levels with what was noticed on the way; arrays of shape (n_rows,)."""

    levels: Levels
    null_word: Mask
    stray_space: Mask
    respelled: Mask


def read_numbers(
    cells: pa.Array,
    kind: NumberKind = "any",
    decimal: DecimalSign | None = None,
    currency: str = "",
    counts: str = "",
    units: Sequence[str] = (),
) -> NumberCells:
    """Return a column of numbers or text as numbers.

    Parameters
    ----------
    cells
        Shape (n_rows,); numbers, or text such as ``145,000``, ``1.2M``, ``6.8%`` or ``+18.2 %``.
    kind
        Of the column, as for :func:`.parse_number`.
    decimal, currency
        The column's decimal sign and currency, where they are known.
    counts
        What the column counts, where that is known.
    units
        Words behind its figures, where they are known.

    Raises
    ------
    NoTextError
        If the cells are of a type that is neither number nor text.

    Examples
    --------
    >>> import pyarrow as pa
    >>> read_numbers(pa.array(["145,000", "1.2M", "6.8%", "#VALOR!"]), decimal=".").values.tolist()
    [145000.0, 1200000.0, 0.068, nan]
    """
    n = len(cells)
    if pa.types.is_dictionary(cells.type) and is_number(cells.type.value_type):
        cells = cells.cast(cells.type.value_type)
    if is_number(cells.type) or pa.types.is_null(cells.type):
        values = cells.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
        return _without_codes(_plain_cells(values), kind)
    if not (is_text(cells.type) or holds_bytes(cells.type)):
        raise NoTextError(f"{cells.type} where numbers are needed")
    text = as_text(cells)
    signs = b"" if kind == "count" else b"-" if decimal == "," else b"-."
    odd = _odd_cells(text, signs)
    try:
        plain = pc.if_else(pa.array(~odd), text, None).cast(pa.float64())
    except pa.ArrowInvalid:  # such as 1.2.3, or a lone point
        odd, plain = text.is_valid().to_numpy(zero_copy_only=False), pa.nulls(n, pa.float64())
    values = plain.to_numpy(zero_copy_only=False)
    if not odd.any():
        return _plain_cells(values)
    values = values.copy()
    codes, words = distinct_words(text.filter(pa.array(odd)))
    read = read_number_words(words, kind, decimal, currency, counts, units)
    values[odd] = read.values[codes]
    flags = {name: _spread(odd, getattr(read, name), codes) for name in _FLAGS}
    return _without_codes(NumberCells(values=values, **flags), kind)


_FLAGS = (
    *("percent", "formatted", "null_word", "stray_space"),
    *("currency", "at_least", "sized", "worded", "unreadable", "unclear"),
)


def _plain_cells(values: Floats) -> NumberCells:
    return NumberCells(values=values, **dict.fromkeys(_FLAGS, np.zeros(len(values), dtype=bool)))


def _spread(where: Mask, flags: Mask, codes: npt.NDArray[np.intp]) -> Mask:
    """Return flags of distinct words by cell, false where there is none of these words."""
    spread = np.zeros(len(where), dtype=bool)
    if flags.any():
        spread[where] = flags[codes]
    return spread


def read_number_words(
    words: Sequence[str],
    kind: NumberKind,
    decimal: DecimalSign | None,
    currency: str = "",
    counts: str = "",
    units: Sequence[str] = (),
) -> NumberCells:
    """Return written numbers as numbers, one word at a time; arrays of shape (n_words,).

    Parameters
    ----------
    words
        The cells, blanks around them included.
    kind, decimal, currency, counts, units
        As for :func:`read_numbers`.
    """
    n = len(words)
    values, flags = np.full(n, np.nan), {name: np.zeros(n, dtype=bool) for name in _FLAGS}
    for at, raw in enumerate(words):
        word = raw.strip()
        flags["stray_space"][at] = word != raw
        if word.casefold() in NULL_WORDS:
            flags["null_word"][at] = word != ""
            continue
        number = _parsed(word, kind, decimal)
        if units and not number.readable and (figure := without_words(word, units)):
            number = _parsed(figure, kind, decimal)
            flags["worded"][at] = number.readable
        value = number.value(decimal)
        if number.counted:
            flags["worded"][at] = True
            value = value if number.counted == counts else math.nan
        if number.currency or number.at_least:
            flags["currency"][at], flags["at_least"][at] = number.currency != "", number.at_least
            if number.currency and currency and not same_currency(number.currency, currency):
                value = math.nan
        values[at] = value
        flags["percent"][at] = number.percent
        flags["sized"][at] = number.sized
        flags["formatted"][at] = number.formatted or (number.ambiguous and value == number.comma)
        if math.isnan(value):
            flags["unclear" if number.readable else "unreadable"][at] = True
    return _without_codes(NumberCells(values=values, **flags), kind)


def _without_codes(read: NumberCells, kind: NumberKind) -> NumberCells:
    """Return counts without codes for missing ones, which are noted as words for nothing."""
    if kind != "count" or not np.fmin.reduce(read.values, initial=0.0) < 0:
        return read
    coded = np.isin(read.values, MISSING_COUNTS)
    values = np.where(coded, np.nan, read.values)
    return replace(read, values=values, null_word=read.null_word | coded)


def _parsed(word: str, kind: NumberKind, decimal: DecimalSign | None) -> Parsed:
    if kind != "count" and decimal != "," and _PLAIN.fullmatch(word):
        return Parsed(point=float(word), comma=float(word))
    return parse_number(word, kind)


def distinct_words(text: pa.Array) -> tuple[npt.NDArray[np.intp], list[str]]:
    """Return each cell's place among the distinct ones, -1 for null, and those."""
    encoded = text if pa.types.is_dictionary(text.type) else as_text(text).dictionary_encode()
    codes = pc.fill_null(encoded.indices.cast(pa.int64()), -1).to_numpy(zero_copy_only=False)
    words = as_text(encoded.dictionary)
    gone = words.is_null().to_numpy(zero_copy_only=False)
    if gone.any():  # a dictionary may hold null itself
        codes = np.append(np.where(gone, -1, np.arange(len(words))), -1)[codes]
    return codes.astype(np.intp, copy=False), [
        "" if word is None else word for word in words.to_pylist()
    ]


def _odd_cells(text: pa.Array, signs: bytes) -> Mask:
    """Return which cells hold anything but digits and some signs, by their bytes."""
    n = len(text)
    odd = np.zeros(n, dtype=bool)
    _, offsets, data = text.buffers()
    if data is None or n == 0:
        return odd
    ends = np.frombuffer(offsets, np.int32)[text.offset : text.offset + n + 1]
    letters = np.frombuffer(data, np.uint8)[ends[0] : ends[-1]]
    unusual = letters - np.uint8(ord("0")) > 9  # those below "0" wrap around to above
    for sign in signs:
        unusual &= letters != sign
    where = np.flatnonzero(unusual) + ends[0]
    odd[np.searchsorted(ends, where, side="right") - 1] = True
    return np.asarray(odd & text.is_valid().to_numpy(zero_copy_only=False) | _blank(text, ends))


def _blank(text: pa.Array, ends: npt.NDArray[np.int32]) -> Mask:
    """Return which cells are text of no length, which no cast reads."""
    empty = ends[1:] == ends[:-1]
    if text.null_count and empty.any():
        empty &= text.is_valid().to_numpy(zero_copy_only=False)
    return np.asarray(empty)


def read_levels(cells: pa.Array, spelling: Mapping[str, str] | None = None) -> LevelCells:
    """Return a column of categories; all spellings of one level become one.

    Parameters
    ----------
    cells
        Shape (n_rows,), of any type that has text.
    spelling
        :func:`.folded` level to the level as it is spelled; others keep the most frequent
        spelling of the column.

    Raises
    ------
    NoTextError
        If the cells are of a type that has no text.

    Examples
    --------
    >>> import pyarrow as pa
    >>> cells = read_levels(pa.array(["Fashion", "fashion ", "Fashion", "N/A", "7.0"]))
    >>> cells.levels.codes.tolist(), cells.levels.names
    ([0, 0, 0, -1, 1], ('Fashion', '7.0'))
    """
    codes, raw = distinct_words(cells)
    counts = np.bincount(codes + 1, minlength=len(raw) + 1)[1:].tolist()
    spelled = spelled_levels(raw, counts, spelling or {})
    levels, words = level_codes(spelled), [word.strip() for word in raw]

    def mask(flags: Iterable[bool]) -> Mask:
        of_words = np.array([*flags, False], dtype=bool)
        return of_words[codes] if of_words.any() else np.zeros(len(codes), dtype=bool)

    cells_of = [*zip(words, raw, spelled, strict=True)]
    return LevelCells(
        Levels(np.append(levels.codes, -1)[codes], levels.names),
        mask(level is None and word != "" for word, _, level in cells_of),
        mask(word != cell for word, cell, _ in cells_of),
        mask(level not in (None, word) for word, _, level in cells_of),
    )


def spelled_levels(
    words: Sequence[str], counts: Sequence[int], spelling: Mapping[str, str]
) -> list[str | None]:
    """Return the level that each of some distinct words stands for, None for none.

    Parameters
    ----------
    words
        Distinct cells, blanks around them included.
    counts
        How many cells hold each; of several spellings of a level the most frequent is taken.
    spelling
        :func:`.folded` level to the level as it is spelled, where that is known.
    """
    levels: list[str | None] = [None] * len(words)
    chosen: dict[str, str] = {}
    for at in sorted(range(len(words)), key=lambda at: (-counts[at], words[at])):
        word = words[at].strip()
        if word.casefold() not in NULL_WORDS:
            key = folded(word)
            levels[at] = chosen.setdefault(key, spelling.get(key, word))
    return levels


def level_codes(levels: Sequence[str | None]) -> Levels:
    """Return levels by their place among the distinct ones, shape (n_levels,)."""
    place: dict[str | None, int] = {}
    for level in levels:
        if level is not None:
            place.setdefault(level, len(place))
    names = tuple(str(level) for level in place)
    return Levels(np.array([place.get(level, -1) for level in levels], dtype=np.intp), names)
