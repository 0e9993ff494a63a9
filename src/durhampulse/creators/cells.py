"""Text cells to numbers, labels and levels; a column is read as a whole."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from durhampulse.creators.words import NULL_WORDS, folded

__all__ = [
    "NULL_WORDS", "LevelCells", "NumberCells", "NumberKind", "NumberStyle", "folded", "learn_style",
    "read_labels", "read_levels", "read_numbers",
]  # fmt: skip

Mask = npt.NDArray[np.bool_]
NumberKind = Literal["count", "rate", "any"]

_MULTIPLIERS = {"": 1, "k": 10**3, "m": 10**6, "mn": 10**6, "b": 10**9, "bn": 10**9}
_NUMBER = re.compile(
    r"(?P<sign>[+\-\u2212]?)\s*(?P<digits>\d(?:[\d.,'\u2019\s]*\d)?|\.\d+)"
    r"\s*(?:(?P<suffix>[kmb]|mn|bn)|(?P<percent>%))?",
    re.IGNORECASE,
)
_LONGEST_NUMBER = 40
_THOUSANDS = re.compile(
    r"\d{1,3}(,\d{3})+(\.\d+)?|\d{1,3}(['\u2019\s]\d{3})+([.,]\d+)?|\d{1,3}(\.\d{3}){2,}"
)
_PLAIN = re.compile(r"\d+\.?\d*|\.\d+")
_COMMA = re.compile(r"\d+,\d+|\d{1,3}(\.\d{3})+,\d+")
_ONE_COMMA = re.compile(r"\d{1,3},\d{3}")
_ONE_DOT = re.compile(r"\d{1,3}\.\d{3}")
_DOTS = re.compile(r"\d{1,3}(\.\d{3})+(,\d+)?")

_YES = frozenset({"1", "yes", "y", "true", "t", "sponsored", "deal"})
_NO = frozenset({"0", "no", "n", "false", "f", "not sponsored", "no deal"})


@dataclass(frozen=True)
class NumberCells:
    """A column of numbers with what was noticed on the way; arrays of shape (n_rows,).

    Attributes
    ----------
    values
        The numbers; NaN where missing or unreadable. Cells with a percent sign are divided by 100.
    percent, formatted, null_word, stray_space, unreadable
        Which cells had a percent sign, separators or suffixes, a word for nothing, blanks around,
        or no readable number.
    decimal_comma
        Whether the comma is this column's decimal sign.
    mixed_commas
        A cell with a decimal comma and one with thousands commas, when both occur.
    """

    values: npt.NDArray[np.float64]
    percent: Mask
    formatted: Mask
    null_word: Mask
    stray_space: Mask
    unreadable: Mask
    decimal_comma: bool = False
    mixed_commas: tuple[str, str] | None = None


@dataclass(frozen=True)
class NumberStyle:
    """What the dots and commas of a column's numbers mean.

    Attributes
    ----------
    decimal_comma
        ``5,12`` is five and a bit.
    thousands_dots
        ``145.000`` is a hundred and forty-five thousand.
    """

    decimal_comma: bool = False
    thousands_dots: bool = False


@dataclass(frozen=True)
class LevelCells:
    """A column of levels; arrays of shape (n_rows,)."""

    values: pd.Series
    null_word: Mask
    stray_space: Mask
    respelled: Mask


def read_numbers(
    cells: pd.Series, kind: NumberKind = "any", style: NumberStyle | None = None
) -> NumberCells:
    """Read a column of text or numbers as numbers.

    Parameters
    ----------
    cells
        Shape (n_rows,); numbers, or text such as ``145,000``, ``1.2M``, ``6.8%`` or ``+18.2 %``.
    kind
        What a lone comma means: in a count ``145,000`` has thousands, in a rate ``5,125`` has
        decimals. So has ``145.000`` thousands in a count if all its dots are such. Otherwise the
        column's other cells decide.
    style
        What dots and commas mean, where it is known already; cells that contradict it are
        unreadable.

    Examples
    --------
    >>> import pandas as pd
    >>> read_numbers(pd.Series(["145,000", "1.2M", "6.8%", "#VALOR!"])).values.tolist()
    [145000.0, 1200000.0, 0.068, nan]
    """
    if pd.api.types.is_numeric_dtype(cells) and not pd.api.types.is_bool_dtype(cells):
        no = np.zeros(len(cells), dtype=bool)
        return NumberCells(cells.to_numpy(np.float64, na_value=np.nan), no, no, no, no, no)
    codes, words, stray = _unique_words(cells)
    plain = pd.to_numeric(pd.Series(words, dtype="str"), errors="coerce").to_numpy(np.float64)
    null = np.array([word.casefold() in NULL_WORDS for word in words], dtype=bool)
    numbers, percent, formatted = plain.copy(), np.zeros_like(null), np.zeros_like(null)
    odd = np.isnan(plain) & ~null
    found, mixed = learn_style(words, kind)
    decimal_comma, dots = (style or found).decimal_comma, (style or found).thousands_dots
    dotted = np.array([bool(_ONE_DOT.fullmatch(word)) for word in words], dtype=bool) & dots
    odd |= dotted
    words = [word.replace(".", "") if dot else word
             for word, dot in zip(words, dotted, strict=True)]  # fmt: skip
    for i in np.flatnonzero(odd):
        numbers[i], percent[i] = _parse(words[i], decimal_comma=decimal_comma)
        if percent[i] and kind == "count":
            numbers[i], percent[i] = np.nan, False
        plainly = not dotted[i] and _PLAIN.fullmatch(words[i].strip("%+- "))
        formatted[i] = not np.isnan(numbers[i]) and not plainly
    unreadable = np.isnan(numbers) & ~null
    here = codes >= 0

    def spread(flags: Mask) -> Mask:
        return np.asarray(here & np.append(flags, False)[codes])

    return NumberCells(
        values=np.append(numbers, np.nan)[codes],
        percent=spread(percent),
        formatted=spread(formatted),
        null_word=spread(null & np.array([word != "" for word in words], dtype=bool)),
        stray_space=stray,
        unreadable=spread(unreadable),
        decimal_comma=decimal_comma,
        mixed_commas=mixed,
    )


def learn_style(words: list[str], kind: NumberKind) -> tuple[NumberStyle, tuple[str, str] | None]:
    """Tell what dots and commas mean in a column, from its distinct cells.

    Returns
    -------
    style, mixed
        The style, and a cell with a decimal comma and one with thousands commas when both occur.
    """
    dotted = np.array(["." in word and word[-1:].isdigit() for word in words], dtype=bool)
    thousands = np.array([bool(_DOTS.fullmatch(word)) for word in words], dtype=bool)
    beyond_doubt = any(word.count(".") > 1 or "," in word
                       for word, one in zip(words, thousands, strict=True) if one)  # fmt: skip
    told = thousands.sum() >= 3 or beyond_doubt
    dots = kind == "count" and told and bool((thousands == dotted).all())
    decimal_comma, mixed = _comma_role([word for word in words if "," in word], kind)
    return NumberStyle(decimal_comma, dots), mixed


def read_levels(cells: pd.Series, known: dict[str, str] | None = None) -> LevelCells:
    """Read a column of categories; spellings of one level become its most frequent spelling.

    Parameters
    ----------
    cells
        Shape (n_rows,), text.
    known
        Lower-case spelling to level, for columns whose levels are fixed.

    Examples
    --------
    >>> import pandas as pd
    >>> read_levels(pd.Series(["Fashion", "fashion ", "Fashion", "N/A"])).values.tolist()
    ['Fashion', 'Fashion', 'Fashion', nan]
    """
    codes, words, stray = _unique_words(cells)
    counts = np.bincount(codes[codes >= 0], minlength=len(words))
    null = np.array([word.casefold() in NULL_WORDS for word in words], dtype=bool)
    chosen: dict[str, str] = dict(known or {})
    for i in sorted(range(len(words)), key=lambda i: (-counts[i], words[i])):
        chosen.setdefault(folded(words[i]), words[i])
    levels = [chosen[folded(word)] for word in words]
    respelled = np.array([a != b for a, b in zip(words, levels, strict=True)], dtype=bool) & ~null
    nullable = [None if gone else level for level, gone in zip(levels, null, strict=True)]
    here = codes >= 0
    return LevelCells(
        values=pd.Series(pd.array([*nullable, None], dtype="str")[codes], index=cells.index),
        null_word=here & np.append(null & np.array([w != "" for w in words], bool), False)[codes],
        stray_space=stray,
        respelled=here & np.append(respelled, False)[codes],
    )


def read_labels(cells: pd.Series) -> tuple[npt.NDArray[np.float64], Mask, Mask]:
    """Read outcomes: 1.0, 0.0, or NaN where unknown.

    Returns
    -------
    labels, worded, unreadable
        Shape (n_rows,) each: the outcome, whether it was a word, whether it could not be read.
    """
    codes, words, _ = _unique_words(cells)
    plain = [folded(word) for word in words]
    numbers = pd.to_numeric(pd.Series(plain, dtype="str"), errors="coerce").to_numpy(np.float64)
    numbers = np.where(np.isin(numbers, [0, 1]), numbers, np.nan)
    numbers[[word in _YES for word in plain]] = 1
    numbers[[word in _NO for word in plain]] = 0
    null = np.array([word in NULL_WORDS for word in plain], dtype=bool)
    worded = np.array([not word[:1].isdigit() for word in words], dtype=bool) & ~np.isnan(numbers)
    here = codes >= 0
    return (
        np.append(numbers, np.nan)[codes],
        here & np.append(worded, False)[codes],
        here & np.append(np.isnan(numbers) & ~null, False)[codes],
    )


def _unique_words(cells: pd.Series) -> tuple[npt.NDArray[np.intp], list[str], Mask]:
    """Give codes (-1 for null), the distinct stripped words, and which cells had blanks around."""
    text = cells.astype("str")
    stripped = text.str.strip()
    stray = (text.notna() & (text != stripped)).to_numpy(bool)
    codes, words = pd.factorize(stripped)
    return codes, [str(word) for word in words], stray


def _comma_role(words: list[str], kind: str) -> tuple[bool, tuple[str, str] | None]:
    """Tell whether a column's commas are decimal signs, from cells that allow one reading only."""
    decimal = thousands = None
    for word in words:
        match = _NUMBER.fullmatch(word) if len(word) <= _LONGEST_NUMBER else None
        if match is None or "," not in (digits := match["digits"]):
            continue
        either = bool(_ONE_COMMA.fullmatch(digits)) and digits[0] != "0"
        if _COMMA.fullmatch(digits) and (not either or kind == "rate"):
            decimal = decimal or word
        elif _THOUSANDS.fullmatch(digits) and (
            not either or (kind == "count" and not match["suffix"])
        ):
            thousands = thousands or word
    if decimal and thousands:
        return False, (decimal, thousands)
    return decimal is not None, None


def _parse(word: str, *, decimal_comma: bool) -> tuple[float, bool]:
    match = _NUMBER.fullmatch(word) if len(word) <= _LONGEST_NUMBER else None
    if match is None:
        return np.nan, False
    digits = match["digits"]
    if decimal_comma and _COMMA.fullmatch(digits):
        digits = digits.replace(".", "").replace(",", ".")
    elif _THOUSANDS.fullmatch(digits):
        if digits.count(".") > 1:
            digits = digits.replace(".", "")
        digits = re.sub(r"[,'\u2019\s]", "", digits)
    elif not _PLAIN.fullmatch(digits):
        return np.nan, False
    # Decimal, because 64.9 * 1e6 is not a whole number in binary.
    number = Decimal(digits) * _MULTIPLIERS[(match["suffix"] or "").lower()]
    number = -number if match["sign"] in ("-", "\u2212") else number
    return (float(number / 100), True) if match["percent"] else (float(number), False)
