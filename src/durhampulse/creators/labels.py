"""Which cells of the outcome's column mean a deal, which none, and which are not known."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from durhampulse.creators.cells import distinct_words
from durhampulse.creators.comparisons import Comparison, find_comparison
from durhampulse.creators.dealwords import deal_word, denies_deal, trade_word
from durhampulse.creators.rules import ColumnRule, learn_number_rule
from durhampulse.creators.schema import LABEL
from durhampulse.creators.text import NoTextError, as_text, is_number, whole_array
from durhampulse.creators.words import NULL_WORDS, folded
from durhampulse.exceptions import InputError

__all__ = [
    "EMPTY",
    "LabelCells",
    "blank_cells",
    "learn_label",
    "read_labels",
    "refuse_unreadable",
    "suggested_options",
    "word_counts",
]

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

EMPTY = ""
"""What ``--no-deal-is ''`` names: a cell that holds nothing, as a box that is not ticked.

Named alone it makes every filled cell a deal, but for one that says no by itself and for a zero.
"""
_MOST_SHOWN = 12
"""Words of a column that a message lists."""


@dataclass(frozen=True)
class LabelCells:
    """Outcomes with what was noticed on the way; arrays of shape (n_rows,).

    Attributes
    ----------
    values
        1.0 for a deal, 0.0 for none, NaN where it is not known.
    worded
        Which cells were words.
    unreadable
        Which cells say nothing that is understood.
    """

    values: Floats
    worded: Mask
    unreadable: Mask


def learn_label(
    name: str,
    header: str,
    cells: pa.Array,
    deal: Sequence[str] = (),
    no_deal: Sequence[str] = (),
) -> ColumnRule:
    """Return the rule of a label: which of its words mean a deal, and which none.

    Raises
    ------
    InputError
        If a word that was named does not occur, or is named for both outcomes; if none is named and
        the header says no deal above a yes and a no.
    """
    rule = ColumnRule(column=LABEL, kind="label", header=header)
    counts = word_counts(cells)
    if deal or no_deal:
        rule = replace(rule, insisted=True, deal=tuple(deal), no_deal=tuple(no_deal))
        blank = {EMPTY} if blank_cells(cells).any() else set()
        present = {folded(word) for word in counts} | blank
        _require_words(f"{name}, column {header}", rule, counts, present)
        return rule
    words = [[word for word in counts if deal_word(word) is means] for means in (True, False)]
    clear, none = (tuple(some[:_MOST_SHOWN]) for some in words)
    if clear and none and denies_deal(header) and all(trade_word(word) is None for word in counts):
        yes, no = _quoted(clear[0]), _quoted(none[0])
        raise InputError(
            f"{name}, column {header}: it names the lack of a deal, so {yes} may mean none.",
            f"Say which words mean what: --deal-is {no} --no-deal-is {yes}, or the reverse.",
        )
    return replace(rule, deal=clear, no_deal=none)


def _require_words(
    where: str, rule: ColumnRule, counts: Mapping[str, int], present: Collection[str]
) -> None:
    if both := {folded(w) for w in rule.deal} & {folded(w) for w in rule.no_deal}:
        raise InputError(f"'{both.pop()}' is named as a deal and as none.", "Name it once.")
    words = (*rule.deal, *rule.no_deal)
    filled = [[w for w in some if w != EMPTY] for some in (rule.deal, rule.no_deal)]
    compared = [find_comparison(w, [rule.header]) is not None for some in filled for w in some]
    if any(compared):
        if not all(compared) or max(map(len, filled)) > 1:
            raise InputError(
                f"{where}: its outcomes are named by words and by figures.",
                "Give one comparison with --deal-is, and at most one with --no-deal-is.",
            )
        return
    for word in words:
        if folded(word) not in present:
            raise InputError(
                f"{where}: no cell is '{word}'. It holds {_shown(counts)}.",
                "Write it as the column does.",
            )


def read_labels(cells: pa.Array, rule: ColumnRule | None = None) -> LabelCells:
    """Return outcomes by the words of their rule, else by words that are clear by themselves.

    Where a rule names words for a deal alone, every other filled cell is none; where it names
    both, a cell with another word is not known; where it names empty cells alone as none, every
    filled cell is a deal that is neither a clear no nor a zero.

    Raises
    ------
    NoTextError
        If the cells are of a type that has no text.

    Examples
    --------
    >>> import pyarrow as pa
    >>> read_labels(pa.array(["Won", "lost", "1", None, "perhaps"])).values.tolist()
    [1.0, 0.0, 1.0, nan, nan]
    """
    if rule is not None and rule.insisted:
        return _by_rule(cells, rule)
    codes, raw = distinct_words(cells)
    meanings = [None if _is_null(word) else deal_word(word) for word in raw]
    return _spread(codes, raw, meanings, [m is None for m in meanings])


def refuse_unreadable(
    where: str, labels: LabelCells, cells: pa.Array, rows: npt.NDArray[np.int64]
) -> None:
    """Raise if a cell says nothing that is understood, with all words and the option to add.

    Parameters
    ----------
    where
        Source and column, for the message.
    rows
        Numbers of the rows, shape (n_rows,).
    """
    if not labels.unreadable.any():
        return
    at, counts = int(np.argmax(labels.unreadable)), word_counts(cells)
    figures = learn_number_rule("", cells).read_numbers(cells)
    header, values = where.rpartition("column ")[2], figures.values[np.isfinite(figures.values)]
    blank = bool(blank_cells(cells).any())
    worded = figures.unreadable.any() or figures.unclear.any() or not values.size
    if worded and blank and len(counts) == 1:
        way_out = f"Say which words mean what: --deal-is {_quoted(next(iter(counts)))}"
    elif worded:
        way_out = f"Say which words mean what: {suggested_options(counts)}; other words then "
        way_out += "count as not known"
        if blank and all(deal_word(word) is None for word in counts):
            way_out += ". If every filled cell is a deal, as a date of signing, and every empty "
            way_out += "one none: --no-deal-is '' alone"
    elif values.min() > 0 and not blank:  # codes, as 1 for yes and 2 for no
        first, second = [*map(_quoted, counts), "NUMBER"][:2]
        way_out = f"Say which figures mean what: --deal-is {first} --no-deal-is {second}, or the "
        way_out += "reverse; others then count as not known"
    else:
        way_out = f'Say which figures are deals, for example --deal-is "{header}>0"'
    if blank and "--no-deal-is ''" not in way_out:
        way_out += "; if empty cells mean none, add --no-deal-is ''"
    raise InputError(
        f"{where}, row {rows[at]}: {str(cells[at].as_py()).strip()[:60]!r} is neither a deal nor "
        f"none. It holds {_shown(counts)}.",
        f"{way_out}.",
    )


def _by_rule(cells: pa.Array, rule: ColumnRule) -> LabelCells:
    comparison = find_comparison(rule.deal[0], [rule.header]) if len(rule.deal) == 1 else None
    if comparison is not None:
        return _by_numbers(cells, rule, comparison)
    codes, raw = distinct_words(cells)
    if not rule.deal:
        return _spread(codes, raw, _filled_meanings(raw), [False] * len(raw), 0.0)
    deal, none = ({folded(word) for word in words} for words in (rule.deal, rule.no_deal))
    meanings: list[bool | None] = []
    for word in raw:
        key = folded(word)
        other = False if not none and not _is_null(word) else None
        meanings.append(True if key in deal else False if key in none else other)
    return _spread(codes, raw, meanings, [False] * len(raw), 0.0 if EMPTY in none else np.nan)


def _filled_meanings(words: Sequence[str]) -> list[bool | None]:
    """Return whether each word means a deal where empty cells alone are named, as none."""
    cells = pa.array(words, pa.string())
    figures = learn_number_rule("", cells).read_numbers(cells)
    denied = [
        folded(word) == EMPTY or deal_word(word) is False or figure <= 0
        for word, figure in zip(words, figures.values.tolist(), strict=True)
    ]
    return [
        False if no else None if _is_null(word) else True
        for word, no in zip(words, denied, strict=True)
    ]


def _by_numbers(cells: pa.Array, rule: ColumnRule, deal: Comparison) -> LabelCells:
    numbers = learn_number_rule("", cells).read_numbers(cells)
    values = numbers.values
    labels = np.where(deal.holds(values), 1.0, 0.0)
    none = next((find_comparison(w, [rule.header]) for w in rule.no_deal if w != EMPTY), None)
    if none is not None:
        labels[(labels == 0) & ~none.holds(values)] = np.nan
    labels[np.isnan(values)] = np.nan
    if EMPTY in rule.no_deal:
        labels[blank_cells(cells)] = 0.0
    return LabelCells(labels, np.zeros(len(labels), dtype=bool), numbers.unreadable)


def _spread(
    codes: npt.NDArray[np.intp],
    raw: Sequence[str],
    meanings: Sequence[bool | None],
    unclear: Sequence[bool],
    empty: float = np.nan,
) -> LabelCells:
    values = np.array([*(np.nan if m is None else float(m) for m in meanings), empty])
    worded = [
        meaning is not None and not word.strip()[:1].isdigit()
        for word, meaning in zip(raw, meanings, strict=True)
    ]
    unreadable = [odd and not _is_null(word) for word, odd in zip(raw, unclear, strict=True)]
    return LabelCells(
        values[codes],
        np.array([*worded, False], dtype=bool)[codes],
        np.array([*unreadable, False], dtype=bool)[codes],
    )


def word_counts(cells: pa.Array | pa.ChunkedArray) -> dict[str, int]:
    """Return each distinct word of a column and how many cells hold it, the most frequent first.

    A column of a type that has no text has no words.
    """
    column = whole_array(cells) if isinstance(cells, pa.ChunkedArray) else cells
    try:
        codes, raw = distinct_words(column)
    except NoTextError:
        return {}
    number = np.bincount(codes[codes >= 0], minlength=len(raw)).tolist()
    counts: Counter[str] = Counter()
    spelled: dict[str, str] = {}
    for n, word in sorted(zip(number, raw, strict=True), key=lambda pair: (-pair[0], pair[1])):
        if n and not _is_null(word):
            counts[spelled.setdefault(folded(word), word.strip())] += n
    return dict(counts.most_common())


def blank_cells(cells: pa.Array) -> Mask:
    """Return which cells hold nothing, not even a word for nothing."""
    if is_number(cells.type):
        return np.asarray(cells.is_null().to_numpy(zero_copy_only=False))
    blank = pc.equal(pc.utf8_trim_whitespace(as_text(cells)), EMPTY)
    return np.asarray(pc.fill_null(blank, True).to_numpy(zero_copy_only=False))


def _is_null(word: str) -> bool:
    return folded(word) in NULL_WORDS


def _shown(counts: Mapping[str, int]) -> str:
    some = [*counts.items()][:_MOST_SHOWN]
    text = ", ".join(f"'{word[:40]}' ({n:,})" for word, n in some)
    more = len(counts) - len(some)
    return f"{text} and {more:,} more" if more > 0 else text


def suggested_options(counts: Mapping[str, int]) -> str:
    """Return the options that name a column's words, those that are clear in their place.

    Examples
    --------
    >>> suggested_options({"Contacted": 5, "Won": 2})
    '--deal-is Won --no-deal-is WORD'
    """
    parts = [
        f"{option} {_quoted(word)}"
        for option, outcome in (("--deal-is", True), ("--no-deal-is", False))
        for word in [*counts][:_MOST_SHOWN]
        if deal_word(word) is outcome
    ]
    if not any(part.startswith("--deal-is") for part in parts):
        parts.insert(0, "--deal-is WORD")
    if not any(part.startswith("--no-deal-is") for part in parts):
        parts.append("--no-deal-is WORD")
    return " ".join(parts)


def _quoted(word: str) -> str:
    return f"'{word}'" if re.search(r"[^\w.-]", word) else word
