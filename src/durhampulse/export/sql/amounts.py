"""What stands around the digits of a number in SQL: a currency, a word for its size, or both."""

from __future__ import annotations

from collections.abc import Iterable

from durhampulse.export.program import Program
from durhampulse.export.spellings import SHORT, currencies_shared, currency_words, size_words
from durhampulse.export.sql.dialects import Dialect, literal
from durhampulse.export.sql.stages import MOST_JOINS, Ends, Stages, of_end, of_ends

__all__ = ["look_up_amounts", "words_tables"]

_JOINS = (
    "LEFT JOIN dp_words AS *_words_# ON *_words_#.word = *_size_#",
    "LEFT JOIN dp_currencies AS *_before_# ON *_before_#.word = *_mark_#",
    "LEFT JOIN dp_currencies AS *_behind_# ON *_behind_#.word = *_code_#",
    "LEFT JOIN dp_shared AS *_shared_# ON *_shared_#.before = *_before_#.currency "
    "AND *_shared_#.behind = *_behind_#.currency",
)
_MEANING = {
    "word": "*_words_#.word",
    "power": "*_words_#.power",
    "currency": "CASE WHEN *_before_#.currency = '' THEN *_behind_#.currency "
    "WHEN *_behind_#.currency IN ('', *_before_#.currency) THEN *_before_#.currency "
    "ELSE *_shared_#.currency END",
}
"""Of a side ``*`` of column ``#``."""


def words_tables(program: Program, dialect: Dialect) -> list[str]:
    """Return the tables of words that a program needs, as parts of a query."""
    kinds = {each.rule.kind for each in program.inputs if each.rule.numeric}
    if not kinds:
        return []
    powers = [("", ""), *((word, f"e{power}") for word, power in size_words().items())]
    tables = [dialect.table("dp_words", ("word", "power"), powers)]
    if "any" in kinds:
        words = [("", ""), *currency_words().items()]
        lists = [_listed({*size_words()} - {"%"}), _listed(currency_words())]
        pairs = [*currencies_shared()]
        tables.append(dialect.table("dp_currencies", ("word", "currency"), words))
        tables.append(dialect.table("dp_lists", ("sizes", "currencies"), [lists]))
        tables.append(dialect.table("dp_shared", ("before", "behind", "currency"), pairs))
    return tables


def _listed(words: Iterable[str]) -> str:
    return f"|{'|'.join(sorted(words))}|"


def _is_in(words: str, text: str) -> str:
    """Return the condition that a text is one of the words of a list of the table ``dp_lists``."""
    return f"replace(lists.{words}, '|' || {text} || '|', '') <> lists.{words}"


def look_up_amounts(ends: Ends, stages: Stages) -> None:
    """Append what the words before and behind digits say of amounts.

    Afterwards ``left_word_3`` and ``left_power_3`` are the word for a size and the power of ten
    that it stands for, and ``left_currency_3`` is the currency: empty text for none, NULL for what
    is none.

    Parameters
    ----------
    ends
        Those of amounts: ``left_mark_3`` is what stands before the digits, ``left_tail_3`` what
        stands behind.
    stages
        Of the query.
    """
    stages.add(of_ends({"cut": _cut()}, ends), ["CROSS JOIN dp_lists AS lists"])
    size = "lower(rtrim(substr(*_tail_#, 1, length(*_tail_#) - *_cut_#), ' '))"
    code = "substr(*_tail_#, length(*_tail_#) - *_cut_# + 1)"
    stages.add(of_ends({"size": size, "code": code}, ends))
    most = MOST_JOINS // len(_JOINS)
    for some in (ends[first : first + most] for first in range(0, len(ends), most)):
        joins = [of_end(join, side, at) for side, at in some for join in _JOINS]
        stages.add(of_ends(_MEANING, some), joins)


def _cut() -> str:
    """Return how many letters of a tail are a currency; NULL where it is none and no size.

    A currency alone comes first, then the longest word for a size with a currency behind.
    """
    tail = "*_tail_#"
    short = ", ".join(map(literal, SHORT))
    cases = [
        (f"lower({tail}) IN ({short})", "0"),
        (f"{tail} LIKE '%|%'", "NULL"),
        (_is_in("sizes", f"lower({tail})"), "0"),
        (_is_in("currencies", tail), f"length({tail})"),
    ]
    for letters in range(1, 1 + max(map(len, currency_words()))):
        sign = f"substr({tail}, length({tail}) - {letters - 1})"
        size = f"lower(rtrim(substr({tail}, 1, length({tail}) - {letters}), ' '))"
        both = f"{_is_in('currencies', sign)} AND {_is_in('sizes', size)}"
        cases.append((f"length({tail}) > {letters} AND {both}", f"{letters}"))
    return "CASE " + " ".join(f"WHEN {when} THEN {value}" for when, value in cases) + " END"
