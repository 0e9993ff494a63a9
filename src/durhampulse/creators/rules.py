"""How the cells of one column are read: learned once, at training, and applied ever after."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from durhampulse.creators.block import Levels
from durhampulse.creators.carried import CARRIED_KINDS, CarriedKind
from durhampulse.creators.cells import (
    MISSING_COUNTS,
    LevelCells,
    NumberCells,
    distinct_words,
    level_codes,
    read_levels,
    read_number_words,
    read_numbers,
    spelled_levels,
)
from durhampulse.creators.counted import COUNTED, common_words, without_words
from durhampulse.creators.numbers import (
    DecimalSign,
    NumberKind,
    currencies,
    learn_decimal,
    parse_number,
)
from durhampulse.creators.schema import COLUMNS, QUALITY_LEVELS
from durhampulse.creators.text import is_number
from durhampulse.creators.units import Unit
from durhampulse.creators.words import NULL_WORDS, folded
from durhampulse.deferred import pd

__all__ = [
    "ColumnRule",
    "RuleKind",
    "learn_level_rule",
    "learn_number_rule",
    "level_series",
    "plain_rule",
    "rules_of_format_2",
    "standard_kind",
]

RuleKind = Literal[
    "count", "rate", "any", "levels", "quality", "identifier", "label", "carried", "dropped"
]

_MOST_LEVELS = 10_000
_DECIMALS = 14
_WORDS = ("levels", "words", "deal", "no_deal")


@dataclass(frozen=True, kw_only=True)
class ColumnRule:
    """How one column's cells are read; plain data.

    Attributes
    ----------
    column
        The column's name in a creators' table.
    kind
        What its cells are: ``count``, ``rate`` or ``any`` number, ``levels`` or the ordered levels
        of ``quality``, ``identifier`` or ``label``; ``carried`` text, or ``dropped`` by a person.
    header
        The header it came from.
    decimal
        The decimal sign its cells proved; None where they did not.
    currency
        The sign or code of the currency of its amounts; empty where they bear none.
    unit
        The unit of a rate's cells without a percent sign.
    size
        What the header multiplied its figures by: 1,000 where it says thousands.
    insisted
        Whether a person has said the unit, or the outcome's words: later tables are not
        questioned about it.
    words
        The forms of the word that stands behind most of its own figures, such as posts, in small
        letters; standard columns know theirs.
    levels
        Its levels as spelled in training, the most frequent first.
    carries
        What a carried column tells of a creator.
    deal, no_deal
        Of a label: the words that mean a deal and those that mean none, or the comparison of its
        figures, such as ``Conversions>0``. Where a person named no word for none, every other
        filled cell is none.
    """

    column: str
    kind: RuleKind
    header: str = ""
    decimal: DecimalSign | None = None
    currency: str = ""
    unit: Unit = "fraction"
    size: int = 1
    insisted: bool = False
    words: tuple[str, ...] = ()
    levels: tuple[str, ...] = ()
    carries: CarriedKind | None = None
    deal: tuple[str, ...] = ()
    no_deal: tuple[str, ...] = ()

    @property
    def numeric(self) -> bool:
        """Whether the column holds numbers."""
        return self.kind in ("count", "rate", "any")

    @property
    def number_kind(self) -> NumberKind:
        """The kind of its numbers."""
        return self.kind if self.kind in ("count", "rate") else "any"

    @cached_property
    def spelling(self) -> Mapping[str, str]:
        """Folded level to the level as the column spells it."""
        spellings = {folded(level): level for level in reversed(self.levels)}
        return spellings | QUALITY_LEVELS if self.kind == "quality" else spellings

    def read_numbers(self, cells: pa.Array, elsewhere: DecimalSign | None = None) -> NumberCells:
        """Return the column's numbers as written, rates in their own unit.

        Parameters
        ----------
        cells
            Shape (n_rows,), as found.
        elsewhere
            The decimal sign that the table's other cells prove. The column's own comes first;
            where neither is known, figures of the kind ``any`` are read as English writes them.
            A point before three digits of a count is no decimal sign because others are: it
            stays unclear.
        """
        return self.read_signed(cells, self._decimal(elsewhere))

    def read_signed(self, cells: pa.Array, decimal: DecimalSign | None) -> NumberCells:
        """Return the column's numbers as :meth:`read_numbers`, with that decimal sign."""
        return read_numbers(
            cells, self.number_kind, decimal, self.currency, self._counts, self.words
        )

    def read_number_words(
        self, words: Sequence[str], elsewhere: DecimalSign | None = None
    ) -> NumberCells:
        """Return written numbers as :meth:`read_numbers` reads them, shape (n_words,)."""
        decimal = self._decimal(elsewhere)
        return read_number_words(
            words, self.number_kind, decimal, self.currency, self._counts, self.words
        )

    @property
    def _counts(self) -> str:
        return COUNTED.get(self.column, "")

    def _decimal(self, elsewhere: DecimalSign | None) -> DecimalSign | None:
        if elsewhere == "." and self.kind == "count":
            elsewhere = None
        return self.decimal or elsewhere or ("." if self.kind == "any" else None)

    def read_levels(self, cells: pa.Array) -> LevelCells:
        """Return the column's levels, spelled as in training."""
        return read_levels(cells, self.spelling)

    def read_level_words(self, words: Sequence[str | None]) -> Levels:
        """Return levels as :meth:`read_levels` reads them, shape (n_words,)."""
        distinct = [word for word in dict.fromkeys(words) if word is not None]
        levels = spelled_levels(distinct, [0] * len(distinct), self.spelling)
        spelled = dict(zip(distinct, levels, strict=True))
        return level_codes([None if word is None else spelled[word] for word in words])

    def to_fractions(
        self, numbers: NumberCells, unit: Unit | None = None
    ) -> npt.NDArray[np.float64]:
        """Return numbers with rates as fractions, codes for missing ones as NaN, shape (n_rows,).

        Parameters
        ----------
        numbers
            From :meth:`read_numbers`.
        unit
            Of the cells without a percent sign, where it is not the column's own.
        """
        if self.kind != "rate":
            return numbers.values
        unit, values = unit or self.unit, numbers.values
        if unit == "percent":
            # Rounded, since 8.84 / 100 is 0.08839999999999999 in binary.
            values = np.where(numbers.percent, values, np.round(values / 100, _DECIMALS))
        codes = self.missing_codes(unit)
        if codes and bool((values <= codes[0]).any()):
            return np.where(np.isin(values, codes), np.nan, values)
        return values

    def missing_codes(self, unit: Unit | None = None) -> tuple[float, ...]:
        """Return the figures, rates as fractions, that stand for a missing one; the largest first.

        A code such as -99 stands for a missing count. As a rate it does where it cannot be true.

        Parameters
        ----------
        unit
            Of a rate's cells without a percent sign, where it is not the column's own.

        Examples
        --------
        >>> ColumnRule(column="Growth_Rate", kind="rate").missing_codes()
        (-9.0, -99.0, -999.0, -9999.0)
        >>> ColumnRule(column="Growth_Rate", kind="rate").missing_codes("percent")
        (-9.99, -99.99)
        """
        if self.kind == "count":
            return MISSING_COUNTS
        if self.kind != "rate" or self.column not in COLUMNS:
            return ()
        by = 100 if (unit or self.unit) == "percent" else 1
        least = COLUMNS[self.column].possible[0]
        return tuple(code / by for code in MISSING_COUNTS if code / by < least)

    def to_dict(self) -> dict[str, Any]:
        """Return the rule as plain data."""
        words = {name: list(getattr(self, name)[:_MOST_LEVELS]) for name in _WORDS}
        return {**asdict(self), **words}

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> ColumnRule:
        """Rebuild a rule from :meth:`to_dict`.

        Raises
        ------
        ValueError
            If it is no rule.

        Examples
        --------
        >>> rule = ColumnRule(column="Niche", kind="levels", levels=("Tech",))
        >>> ColumnRule.from_dict(rule.to_dict()) == rule
        True
        """
        rule = cls(**{**fields, **{name: tuple(map(str, fields.get(name, ()))) for name in _WORDS}})
        texts = all(isinstance(value, str) for value in (rule.column, rule.header, rule.currency))
        choices = {
            "kind": get_args(RuleKind),
            "decimal": (None, *get_args(DecimalSign)),
            "unit": get_args(Unit),
            "insisted": (True, False),
            "carries": (None, *CARRIED_KINDS),
        }
        texts = texts and isinstance(rule.size, int) and rule.size >= 1
        if not texts or any(getattr(rule, name) not in values for name, values in choices.items()):
            raise ValueError(f"{fields!r} is no rule of a column")
        return rule


def standard_kind(column: str) -> RuleKind | None:
    """Return the kind of a standard column's cells; None for other columns."""
    if column not in COLUMNS:
        return None
    kind = COLUMNS[column].kind
    return "levels" if kind == "category" else kind


def plain_rule(column: str) -> ColumnRule:
    """Return the rule of a column that no table was learned from."""
    return ColumnRule(column=column, kind=standard_kind(column) or "any", header=column)


def learn_number_rule(column: str, cells: pa.Array, header: str = "") -> ColumnRule:
    """Return the rule of a column of numbers, its unit not yet known.

    Raises
    ------
    NoTextError
        If the cells are of a type that is neither number nor text.
    """
    rule = ColumnRule(column=column, kind=standard_kind(column) or "any", header=header or column)
    if is_number(cells.type):
        return rule
    words = [word.strip() for word in distinct_words(cells)[1]]
    signs = currencies(words) if rule.kind == "any" else []
    if rule.kind == "any":
        rule = replace(rule, words=_words_behind(words))
        words = [without_words(word, rule.words) or word for word in words]
    decimal = learn_decimal(words, rule.number_kind)
    return replace(rule, decimal=decimal, currency=signs[0] if len(signs) == 1 else "")


def _words_behind(cells: Sequence[str]) -> tuple[str, ...]:
    """Return the forms of the word behind most figures of a column that is no standard one."""
    filled = [cell for cell in cells if cell.casefold() not in NULL_WORDS]
    worded = [cell for cell in filled if cell[-1].isalpha() or cell[-1] == "."]
    if len(worded) <= 0.5 * len(filled):
        return ()
    unread = sum(not parse_number(cell, "any").readable for cell in worded)
    return common_words(filled) if unread > 0.5 * len(filled) else ()


def learn_level_rule(column: str, cells: LevelCells, header: str = "") -> ColumnRule:
    """Return the rule of a column of levels, the most frequent level first."""
    levels = cells.levels
    counts = np.bincount(levels.codes[levels.codes >= 0], minlength=len(levels.names))
    order = sorted(range(len(counts)), key=lambda at: (-counts[at], levels.names[at]))
    return ColumnRule(
        column=column,
        kind=standard_kind(column) or "levels",
        header=header or column,
        levels=tuple(levels.names[at] for at in order),
    )


def level_series(levels: Levels) -> pd.Series:
    """Return levels as a column of text."""
    return pd.Series(pd.array([*levels.names, None], dtype="str")[levels.codes])


def rules_of_format_2(
    numeric: Collection[str], levels: Mapping[str, Sequence[str]], units: Mapping[str, Unit]
) -> dict[str, ColumnRule]:
    """Return the rules that a model folder of format 2 implies: it kept units and levels only."""
    numbers = {name: standard_kind(name) or "any" for name in sorted(numeric)}
    words = {name: standard_kind(name) or "levels" for name in levels if name not in numbers}
    return {
        name: ColumnRule(
            column=name,
            kind=kind,
            header=name,
            unit=units.get(name, "fraction"),
            levels=tuple(levels.get(name, ())),
        )
        for name, kind in {**numbers, **words}.items()
    }
