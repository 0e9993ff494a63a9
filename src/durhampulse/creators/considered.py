"""Whom somebody looked at: the only creators whose "no deal" says anything."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from durhampulse.creators.cells import distinct_words
from durhampulse.creators.dealwords import deal_word, trade_word
from durhampulse.creators.labels import word_counts
from durhampulse.creators.schema import LABEL
from durhampulse.creators.words import NULL_WORDS, folded
from durhampulse.exceptions import InputError
from durhampulse.irregularities import Irregularity, Ledger

__all__ = ["is_truth_word", "keep_considered", "read_considered"]

_MOST_SHOWN = 6


def read_considered(
    where: str, cells: pa.Array, rows: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """Return 1 for creators somebody looked at, 0 for the others, NaN for empty cells.

    Parameters
    ----------
    where
        Source and column, for the message.
    cells
        Yes and no in any language that outcomes are read in, 1 and 0, true and false; shape
        (n_rows,).
    rows
        Numbers of the rows, shape (n_rows,).

    Raises
    ------
    InputError
        If a cell says neither.

    Examples
    --------
    >>> read_considered("a table", pa.array(["yes", "No", None]), np.arange(3)).tolist()
    [1.0, 0.0, nan]
    """
    codes, words = distinct_words(cells)
    empty = [folded(word) in NULL_WORDS for word in words]
    clear = [nothing or is_truth_word(word) for word, nothing in zip(words, empty, strict=True)]
    unclear = ~np.array([*clear, True])[codes]
    if unclear.any():
        at = int(np.argmax(unclear))
        shown = ", ".join(f"'{word[:40]}'" for word in [*word_counts(cells)][:_MOST_SHOWN])
        raise InputError(
            f"{where}, row {rows[at]}: {str(cells[at].as_py()).strip()[:60]!r} does not say "
            f"whether somebody looked at the creator. It holds {shown}.",
            "Write 1 or 0, or yes or no, in this column, or leave out --considered.",
        )
    meanings = [
        np.nan if nothing else float(bool(deal_word(word)))
        for word, nothing in zip(words, empty, strict=True)
    ]
    return np.array([*meanings, np.nan])[codes]


def is_truth_word(word: str) -> bool:
    """Whether a word says yes or no, and is none of the trade's words for an outcome.

    Examples
    --------
    >>> [is_truth_word(word) for word in ("Yes", "0", "Declined", "2025-03-01")]
    [True, True, False, False]
    """
    return deal_word(word) is not None and trade_word(word) is None


def keep_considered(table: pd.DataFrame, column: str, ledger: Ledger) -> pd.DataFrame:
    """Return the table with the outcomes of those nobody looked at taken as not known.

    They are decided on like all others, and neither learned from nor tested on: whatever their
    outcome, so that what is left is no choice by outcome.
    """
    looked_at = table[column] == 1
    unknown = table.index[table[column].isna()]
    action = "not known whether anybody looked: taken as not looked at"
    ledger.note(Irregularity.CONSIDERED, column, len(unknown), action, rows=list(unknown))
    if LABEL not in table:
        return table
    gone = table.index[~looked_at & table[LABEL].notna()]
    deals = int(table.loc[gone, LABEL].sum())
    action = f"outcome not learned from, nobody looked at the creator; {deals:,} of these are deals"
    ledger.note(Irregularity.CONSIDERED, LABEL, len(gone), action, rows=list(gone))
    return table.assign(**{LABEL: table[LABEL].where(looked_at)})
