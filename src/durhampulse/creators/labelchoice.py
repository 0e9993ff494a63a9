"""Which column says what happened: the one named, the one that holds the words, or a clear one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from durhampulse.creators.comparisons import compares, named_column
from durhampulse.creators.dealwords import (
    OUTCOME_HEADERS,
    VAGUE_HEADERS,
    deal_word,
    is_outcome_header,
    tells_deal,
    trade_word,
)
from durhampulse.creators.labels import EMPTY, suggested_options, word_counts
from durhampulse.creators.options import ReadOptions
from durhampulse.creators.schema import LABEL
from durhampulse.creators.words import folded
from durhampulse.exceptions import InputError
from durhampulse.files.tables import RawTable
from durhampulse.irregularities import Irregularity, Ledger

__all__ = ["LabelChoice", "choose_label", "name_label"]

_MOST_WORDS = 12
_FIRST_CELLS = 2_000
"""Cells that are looked at to see whether a column holds words for outcomes."""


@dataclass(frozen=True, kw_only=True)
class LabelChoice:
    """Which column holds the outcome, and what was said about its cells.

    Attributes
    ----------
    header
        The column; none where no column is known to hold outcomes.
    deal, no_deal
        The words, or the comparison of its numbers, that were named for either outcome.
    proposed
        Whether nobody has named the column, and its header and words were found to be clear.
    held_back
        Header of a column whose words may be outcomes to why it is not learned from.
    """

    header: str | None
    deal: tuple[str, ...] = ()
    no_deal: tuple[str, ...] = ()
    proposed: bool = False
    held_back: Mapping[str, str] = field(default_factory=dict)


def name_label(
    raw: RawTable, named: Mapping[str, str], options: ReadOptions, ledger: Ledger
) -> tuple[dict[str, str], LabelChoice]:
    """Return header to standard column, the column of outcomes among them, and how it was chosen.

    Raises
    ------
    InputError
        As for :func:`choose_label`.
    """
    words = options.deal_is, options.no_deal_is
    choice = choose_label(raw.name, raw.cells, named, *words, asked=options.columns.get(LABEL))
    if choice.header is None or named.get(choice.header) == LABEL:
        return dict(named), choice
    action = f"'{choice.header}' read as {LABEL}"
    if choice.proposed:
        action += f", as its header and words are clear; else --map {LABEL}=HEADER"
    ledger.note(Irregularity.RENAMED_COLUMN, LABEL, 1, action)
    others = {header: column for header, column in named.items() if column != LABEL}
    return {**others, choice.header: LABEL}, choice


def choose_label(
    name: str,
    cells: pa.Table,
    named: Mapping[str, str],
    deal: Sequence[str] = (),
    no_deal: Sequence[str] = (),
    *,
    asked: str | None = None,
) -> LabelChoice:
    """Return the column of outcomes: the one named, the one that holds the words, or a clear one.

    Parameters
    ----------
    name
        The source's, for messages.
    cells
        The table, as found.
    named
        Header to standard column.
    deal, no_deal
        What ``--deal-is`` and ``--no-deal-is`` name.
    asked
        The header that was asked for as the outcome; empty says that there is none.

    Raises
    ------
    InputError
        If the words stand in no column or in several, or the options contradict each other.
    """
    header = next((h for h, standard in named.items() if standard == LABEL), None)
    free = [h for h in cells.column_names if h not in named]
    if deal or no_deal:
        header, words = _named_label(name, cells, free, (*deal, *no_deal), asked or header)
        if not deal and set(words) != {EMPTY}:
            raise InputError(
                f"--no-deal-is {no_deal[0]}: which words mean a deal?", "Name them with --deal-is."
            )
        free = [h for h in free if h != header]
        held = _told_afterwards(cells, free)
        return LabelChoice(
            header=header, deal=words[: len(deal)], no_deal=words[len(deal) :], held_back=held
        )
    if header is not None or asked == "":
        return LabelChoice(header=header, held_back=_told_afterwards(cells, free) if header else {})
    clear, unclear = _proposals(cells, free)
    if len(clear) == 1 and not unclear:
        held = _told_afterwards(cells, [h for h in free if h != clear[0]])
        return LabelChoice(header=clear[0], proposed=True, held_back=held)
    return LabelChoice(header=None, held_back={h: _question(h, cells) for h in (*clear, *unclear)})


def _question(header: str, cells: pa.Table) -> str:
    options = suggested_options(word_counts(cells[header]))
    return f"its words may say what happened: if so, --map {LABEL}='{header}' {options}"


def _named_label(
    name: str, cells: pa.Table, free: Sequence[str], words: Sequence[str], header: str | None
) -> tuple[str, tuple[str, ...]]:
    """Return the column of outcomes and its words, of which some may name the column."""
    choices = []
    for text in words:
        column, word = named_column(text, cells.column_names)
        if column is None and compares(text) and not _holders([text], cells, cells.column_names):
            shown = ", ".join(map(repr, cells.column_names[:20]))
            raise InputError(
                f"--deal-is '{text}': no column stands before the comparison.",
                f"The columns of {name} are {shown}.",
            )
        choices.append((column, word))
    columns = {column for column, _ in choices if column is not None}
    if len(columns) > 1:
        shown = " and ".join(map(repr, sorted(columns)))
        raise InputError(f"{shown} cannot both be the outcome.", "Name one column.")
    texts = tuple(word for _, word in choices)
    return columns.pop() if columns else header or _holder(name, texts, cells, free), texts


def _holder(name: str, words: Sequence[str], cells: pa.Table, free: Sequence[str]) -> str:
    """Return the one column that holds all words."""
    if set(words) == {EMPTY}:
        raise InputError(
            f"{name}: empty cells of which column mean none?",
            f"Name the column: --map {LABEL}=HEADER.",
        )
    holders = _holders(words, cells, free)
    if len(holders) == 1:
        return holders[0]
    shown = " and ".join(map(repr, words))
    if not holders:
        raise InputError(
            f"{name}: {shown} stands in no column that could be the outcome.",
            f"Write it as the table does, and name the column: --map {LABEL}=HEADER.",
        )
    raise InputError(
        f"{name}: {shown} stands in {' and in '.join(map(repr, holders))}.",
        f"Say which of them is the outcome: --map {LABEL}='{holders[0]}'.",
    )


def _holders(words: Sequence[str], cells: pa.Table, headers: Sequence[str]) -> list[str]:
    wanted = {folded(word) for word in words} - {EMPTY}
    return [h for h in headers if wanted <= {folded(word) for word in word_counts(cells[h])}]


def _proposals(cells: pa.Table, free: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the columns that say clearly what happened, and those whose words may say it."""
    clear, unclear = [], []
    for header in free:
        vague, meant = (is_outcome_header(header, s) for s in (VAGUE_HEADERS, OUTCOME_HEADERS))
        words = word_counts(cells[header].slice(0, _FIRST_CELLS))
        if len(words) > _MOST_WORDS or not words:
            continue
        if vague or meant:
            words = word_counts(cells[header])
        trade, means = [trade_word(w) for w in words], [deal_word(w) for w in words]
        both = {True, False} <= set(means) and None not in means
        if (meant and both) or (vague and both and None not in trade):
            clear.append(header)
        elif ((vague or meant) and True in trade) or {True, False} <= set(trade):
            unclear.append(header)
    return clear, unclear


def _told_afterwards(cells: pa.Table, free: Sequence[str]) -> dict[str, str]:
    """Return what is known only afterwards: a stage of the same deal, say, or its value."""
    reason = "its words say what came of a deal, which is known only afterwards"
    outcomes = (h for h in free if is_outcome_header(h, VAGUE_HEADERS | OUTCOME_HEADERS))
    worded = {
        h: reason
        for h in outcomes
        if {True, False} <= {trade_word(word) for word in word_counts(cells[h])}
    }
    figures = (
        "its header speaks of a deal, which is known only afterwards; --feature COLUMN decides"
    )
    return {h: figures for h in free if tells_deal(h)} | worded
