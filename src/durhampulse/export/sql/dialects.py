"""The dialects of SQL, as far as a query needs to know them apart.

Sources: the manuals of DuckDB 1.4, PostgreSQL 17 and SQLite 3.45, BigQuery's and Snowflake's
references of functions.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

from durhampulse.exceptions import InputError
from durhampulse.export.forms import REGEX
from durhampulse.export.spellings import (
    BLANKS,
    COMMON,
    plain_characters,
    ranges,
    small_letters,
)
from durhampulse.export.sql.shapes import globs

__all__ = ["DIALECTS", "Dialect", "collapsed", "dialect_named", "literal", "number"]

_TEXT = re.compile(r"`(?:[^`\\]|\\.)*`|\"[^\"]*\"|'(?:[^']|'')*'")
_PATTERNS = {
    **REGEX,
    "exponent": r"[+-]?([0-9]*[.,]?[0-9]+|[0-9]+[.,])e[+-]?0?[0-9]{1,2}",
    "far exponent": r"[+-]?([0-9]*[.,]?[0-9]+|[0-9]+[.,])e[+-]?[1-9][0-9]{2}",
    "ascii": r"[ -~]*",
    "digit": r".*[0-9].*",
}
"""What a text in small letters has to match as a whole."""

_STEPS = 8
"""Steps in which SQLite replaces characters: its parser takes some 25 calls within calls."""
Steps = tuple[Callable[[str], str], ...]
Rows = Sequence[Sequence[str]]


def _by_formula(value: str) -> str:
    """Round to single precision by adding a number 2**29 times as large and taking it away."""
    far = f"(1.5e0 * power(2e0, floor(ln(abs({value})) / 0.6931471805599453e0) + 29e0))"
    return f"CASE WHEN {value} = 0e0 THEN 0e0 ELSE ({value} + {far}) - {far} END"


def _chr_text(codes: tuple[int, ...]) -> str:
    return "(" + " || ".join(f"chr({code})" for code in codes) + ")"


@cache
def _signs() -> Mapping[str, str]:
    """Return characters that are replaced in written numbers, those that stand for nothing last."""
    signs = {**plain_characters(), **small_letters()}
    return dict(sorted(signs.items(), key=lambda pair: (not pair[1], *pair)))


def _translated(characters: Callable[[tuple[int, ...]], str]) -> Callable[[str], str]:
    """Replace all characters; the last, which stand for nothing, pair with none."""

    def translated(text: str) -> str:
        blanks = tuple(ord(character) for character, sign in _signs().items() if sign == " ")
        others = "".join(character for character, sign in _signs().items() if sign != " ")
        signs = " " * len(blanks) + "".join(sign for sign in _signs().values() if sign != " ")
        return f"translate({text}, {characters(blanks)} || {literal(others)}, {literal(signs)})"

    return translated


def _values(name: str, columns: Sequence[str], rows: Rows) -> str:
    values = ", ".join(f"({', '.join(map(literal, row))})" for row in rows)
    return f"{name}({', '.join(columns)}) AS (\n  VALUES {values}\n)"


def _structs(name: str, columns: Sequence[str], rows: Rows) -> str:
    values = ", ".join(
        f"STRUCT({', '.join(f'{literal(v)} AS {c}' for c, v in zip(columns, row, strict=True))})"
        for row in rows
    )
    return f"{name} AS (\n  SELECT * FROM UNNEST([{values}])\n)"  # noqa: S608 - words are quoted


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """One dialect of SQL.

    Attributes
    ----------
    name
        As people name it.
    quote
        What stands around a name.
    text, double
        Its types for text and double precision.
    matches
        From a text's name and the regular expression to the condition that it matches as a whole.
    only
        From a text and characters, in ranges, to the condition that it holds no others.
    is_text
        From a column to the condition that it holds text.
    size
        From a text to its length in bytes of UTF-8.
    trimmed
        From a text and some characters to the text without them at either end.
    characters
        From their numbers to text of these characters.
    plain
        Steps from a text to it in the ASCII of :func:`.plain_characters` and with the letters of
        :func:`.small_letters`.
    not_plain
        From such a text to the condition that some of these characters are left in it.
    table
        From a name, its columns and rows of text to a part of a query that gives them as a table.
    number
        From a text to the number that it writes.
    single
        From a name of a number to it in single precision.
    once
        What keeps a part of a query from being computed for each use of it.
    guesses_few
        Whether it takes the rows of a deep query to be few, and then joins them without an index,
        each row with each.
    escapes
        Characters that have a backslash before them in text and, where :attr:`quote` is among
        them, in names; quotes that are not are doubled.
    """

    name: str
    quote: str = '"'
    text: str = "TEXT"
    double: str = "DOUBLE PRECISION"
    matches: Callable[[str, str], str]
    only: Callable[[str, str], str]
    is_text: Callable[[str], str]
    size: Callable[[str], str] = field(default=lambda text: f"octet_length({text})")
    trimmed: Callable[[str, str], str] = field(default=lambda text, some: f"trim({text}, {some})")
    characters: Callable[[tuple[int, ...]], str] = field(default=_chr_text)
    plain: Steps = field(default_factory=lambda: (_translated(_chr_text),))
    not_plain: Callable[[str], str] | None = None
    table: Callable[[str, Sequence[str], Rows], str] = field(default=_values)
    number: Callable[[str], str]
    single: Callable[[str], str] = field(default=_by_formula)
    once: str = "MATERIALIZED "
    guesses_few: bool = False
    escapes: str = ""

    @property
    def blanks(self) -> str:
        """Text of all blanks."""
        return self.characters(BLANKS)

    def named(self, name: str) -> str:
        """Return a name of the user's, quoted."""
        if self.quote in self.escapes:
            name = name.replace("\\", "\\\\").replace(self.quote, f"\\{self.quote}")
            return self.quote + name + self.quote
        return self.quote + name.replace(self.quote, 2 * self.quote) + self.quote

    def rewritten(self, query: str) -> str:
        """Return a query whose text is written as :func:`literal` does in the dialect's own way."""
        if not self.escapes:
            return query
        return _TEXT.sub(lambda match: self._escaped(match[0]), query)

    def _escaped(self, text: str) -> str:
        if not text.startswith("'"):
            return text
        inner = text[1:-1].replace("''", "'").replace("\\", "\\\\")
        inner = inner.replace("\n", "\\n").replace("\r", "\\r")  # BigQuery's text has one line
        quote = "\\'" if "'" in self.escapes else "''"
        return "'" + inner.replace("'", quote) + "'"

    def shaped(self, text: str, shape: str) -> str:
        """Return the condition that a text has a shape: one of :data:`.REGEX`, or another."""
        return f"({self.matches(text, shape)})"


def collapsed(text: str) -> str:
    """Return text with one blank between words."""
    for _ in range(4):
        text = f"replace({text}, '  ', ' ')"
    return text


def literal(text: str) -> str:
    """Return text as SQL writes it."""
    return "'" + text.replace("'", "''") + "'"


def number(value: float) -> str:
    """Return a number as SQL writes one of double precision, not a decimal."""
    text = repr(float(value))
    return text if "e" in text else f"{text}e0"


def _regex(template: str) -> Callable[[str, str], str]:
    return lambda text, shape: template.format(text, literal(_PATTERNS[shape]))


def _sqlite_characters(codes: tuple[int, ...]) -> str:
    return f"char({', '.join(map(str, codes))})"


def _replaced(step: int) -> Callable[[str], str]:
    """Replace single characters, those of one of :data:`_STEPS` steps."""

    def replaced(text: str) -> str:
        for character in (*COMMON, *small_letters())[step::_STEPS]:
            sign = literal(_signs()[character])
            text = f"replace({text}, {_named_in_sqlite(character)}, {sign})"
        return text

    return replaced


def _named_in_sqlite(character: str) -> str:
    return literal(character) if character.isprintable() else _sqlite_characters((ord(character),))


def _codes(codes: tuple[int, ...]) -> str:
    return f"code_points_to_string([{', '.join(map(str, codes))}])"


def _float(text: str) -> str:
    return f"CAST(CAST({text} AS REAL) AS DOUBLE PRECISION)"


DIALECTS = {
    "duckdb": Dialect(
        name="DuckDB",
        text="VARCHAR",
        double="DOUBLE",
        matches=_regex("regexp_full_match({}, {})"),
        only=lambda text, some: f"regexp_full_match({text}, {literal(f'[{some}]*')})",
        is_text=lambda column: f"typeof({column}) = 'VARCHAR'",
        size=lambda text: f"strlen({text})",
        number=lambda text: f"TRY_CAST({text} AS DOUBLE)",
        single=lambda value: f"CAST(CAST({value} AS FLOAT) AS DOUBLE)",
    ),
    "postgres": Dialect(
        name="PostgreSQL",
        matches=lambda text, shape: f"{text} ~ {literal(f'^(?:{_PATTERNS[shape]})$')}",
        only=lambda text, some: f"{text} ~ {literal(f'^[{some}]*$')}",
        is_text=lambda column: (
            f"CAST(pg_typeof({column}) AS TEXT) IN ('text', 'character varying', 'character')"
        ),
        trimmed=lambda text, some: f"btrim({text}, {some})",
        number=lambda text: f"CAST({text} AS DOUBLE PRECISION)",
        single=_float,
    ),
    "sqlite": Dialect(
        name="SQLite",
        double="REAL",
        matches=globs,
        only=lambda text, some: f"{text} NOT GLOB {literal(f'*[^{some}]*')}",
        is_text=lambda column: f"typeof({column}) = 'text'",
        size=lambda text: f"length(CAST({text} AS BLOB))",
        characters=_sqlite_characters,
        guesses_few=True,
        plain=tuple(map(_replaced, range(_STEPS))),
        not_plain=lambda text: f"{text} GLOB '*[{ranges({*plain_characters()} - {*COMMON})}]*'",
        number=lambda text: f"CAST({text} AS REAL)",
    ),
    "bigquery": Dialect(
        name="BigQuery",
        quote="`",
        text="STRING",
        double="FLOAT64",
        matches=lambda text, shape: (
            f"regexp_contains({text}, {literal(f'^(?:{_PATTERNS[shape]})$')})"
        ),
        only=lambda text, some: f"regexp_contains({text}, {literal(f'^[{some}]*$')})",
        is_text=lambda column: f"starts_with(to_json_string({column}), '\"')",
        escapes="\\'`",
        size=lambda text: f"byte_length({text})",
        characters=_codes,
        plain=(_translated(_codes),),
        table=_structs,
        number=lambda text: f"SAFE_CAST({text} AS FLOAT64)",
        once="",
    ),
    "snowflake": Dialect(
        name="Snowflake",
        text="VARCHAR",
        double="DOUBLE",
        matches=_regex("regexp_like({}, {})"),
        only=lambda text, some: f"regexp_like({text}, {literal(f'[{some}]*')})",
        is_text=lambda column: f"typeof(to_variant({column})) = 'VARCHAR'",
        table=lambda *parts: _values(*parts).replace("VALUES", "SELECT * FROM VALUES", 1),
        number=lambda text: f"TRY_TO_DOUBLE({text})",
        escapes="\\",
        once="",
    ),
}
"""By the name an option takes."""


def dialect_named(name: str) -> Dialect:
    """Return a dialect.

    Raises
    ------
    InputError
        If there is none of that name.
    """
    if name not in DIALECTS:
        raise InputError(
            f"--dialect {name}: no such dialect.", f"Use one of {', '.join(DIALECTS)}."
        )
    return DIALECTS[name]
