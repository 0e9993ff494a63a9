"""Rows of a written table that are no creators: headers again, sums, a second table below."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from durhampulse.files.footers import Footers
from durhampulse.files.headers import is_figure
from durhampulse.files.rows import Chunk
from durhampulse.irregularities import Irregularity, Ledger

__all__ = ["Sections"]

Mask = npt.NDArray[np.bool_]

_TOTALS = frozenset(
    {"total", "totals", "grand total", "subtotal", "sub-total", "sum", "average", "avg", "mean"}
    | {"summe", "gesamt", "gesamtsumme", "durchschnitt", "mittelwert", "somme", "moyenne"}
    | {"total g\u00e9n\u00e9ral", "total general", "suma", "promedio", "totale", "somma", "soma"}
    | {"totaal", "toplam", "razem", "celkem", "\u0438\u0442\u043e\u0433\u043e"}
    | {"\u0432\u0441\u0435\u0433\u043e", "\u5408\u8ba1", "\u603b\u8ba1", "\u5408\u8a08"}
    | {"\u7e3d\u8a08", "\ud569\uacc4", "\ucd1d\uacc4"}
)
"""Words that begin a row of sums or averages in spreadsheets, by language."""
_MOST_SUMS = 0.05
"""Share of a chunk's rows above which such a word is a value like any other."""
_MOST_KINDS = 3
"""Rows of sums and averages below a table however short, each with another word."""
_COUNTERS = {"", "#", "no", "no.", "nr", "nr.", "n\u00b0", "rank", "pos", "pos.", "lfd. nr."}
"""Headers of columns that count the rows: the word for a sum stands beside them."""
_LEAST_NAMED = 2


class Sections:
    """What of a written table is passed over, as its rows go by.

    A second table is not read: its columns are others, so its rows would be taken for creators with
    wrong figures. The first is whole without it, so it is read, and the ledger says where it ends.

    Attributes
    ----------
    headers
        The table's headers by their names, and as they are written; empty where made up.
    repeated, totals
        Numbers of the rows that repeat the headers, and of those that sum others up.
    second
        Number and headers of the row at which another table begins, if one does.
    footers
        Lines below the table.
    """

    def __init__(self, headers: Mapping[str, str], names_column: Callable[[str], bool]) -> None:
        self.headers = headers
        self.repeated: set[int] = set()
        self.totals: set[int] = set()
        self.second: tuple[int, list[str]] | None = None
        self.footers = Footers()
        self._names_column = names_column
        self._first = next(iter(headers), "")
        named = (name for name, text in headers.items() if text.casefold() not in _COUNTERS)
        self._label = next(named, self._first)

    @property
    def _leading(self) -> list[str]:
        """The columns that tell sums: the first, and the next where that counts rows."""
        return [*dict.fromkeys([self._first, self._label])]

    def with_first(self, headers: Sequence[str]) -> list[str]:
        """Return some columns and those that tell sums, the first of them first."""
        return [*(name for name in self._leading if name not in headers), *headers]

    def take_misshapen(self, row: int, cells: Sequence[str]) -> bool:
        """Return whether a row of too few or many cells is no creator; it is counted then."""
        filled = [cell.strip() for cell in cells if cell.strip()]
        if self.second is not None and row > self.second[0]:
            return True
        if filled and filled[0].rstrip(": ").casefold() in _TOTALS:
            self.totals.add(row)
        elif self._names(filled) and {*filled} <= {*self.headers.values()}:
            self.repeated.add(row)
        elif self._names(filled):
            self.second = (row, filled)
        elif 2 * len(filled) <= len(self.headers):
            return self.footers.take(row, filled, misshapen=True)
        else:
            return False
        return True

    def below_blank(self, chunk: Chunk, blank: Sequence[int]) -> npt.NDArray[np.intp]:
        """Return the places of a chunk's rows that come right after a blank one.

        Parameters
        ----------
        chunk
            Some rows.
        blank
            Numbers of all blank rows up to its end, rising.
        """
        before = chunk.rows - 1
        near = blank[bisect_left(blank, before[0]) :] if len(before) else ()
        return np.flatnonzero(np.isin(before, near))

    def creators(self, chunk: Chunk, below_blank: Sequence[int]) -> Chunk:
        """Return a chunk without what is no creator.

        Parameters
        ----------
        chunk
            Some rows, as text.
        below_blank
            Places of those that come right after a blank row.
        """
        chunk = self._before_second(chunk, below_blank)
        gone = self._repeats(chunk.cells)
        self.repeated |= {*chunk.rows[gone].tolist()}
        sums = self._sums(chunk.cells)
        self.totals |= {*chunk.rows[sums].tolist()}
        gone |= sums
        gone[self.footers.among(self._first, chunk.cells, chunk.rows)] = True
        return chunk.take(np.flatnonzero(~gone), [*chunk.cells]) if gone.any() else chunk

    def note(self, ledger: Ledger) -> None:
        """Note what has been passed over."""
        for code, numbers, what in (
            (Irregularity.REPEATED_HEADER, self.repeated, "repeats the headers"),
            (Irregularity.TOTAL_ROW, self.totals, "sums others up"),
        ):
            rows = sorted(numbers)
            action = f"dropped what {what}: row {', '.join(map(str, rows[:3]))}"
            ledger.note(code, "", len(rows), action, rows=rows)
        lines = sorted(self.footers.rows)
        action = f"not read, since below the table: row {', '.join(map(str, lines[:3]))}"
        texts = self.footers.texts
        ledger.note(Irregularity.FOOTER, "", len(lines), action, rows=lines, values=texts)
        if self.second is not None:
            row, cells = self.second
            action = (
                f"another table begins in row {row} and is not read; save it as a file of its own"
            )
            ledger.note(Irregularity.SECOND_TABLE, "", 1, action, rows=[row], values=cells)

    def _before_second(self, chunk: Chunk, below_blank: Sequence[int]) -> Chunk:
        for place in below_blank if self.second is None else ():
            cells = [str(column[place].as_py() or "").strip() for column in chunk.cells.values()]
            filled = [cell for cell in cells if cell]
            if self._names(filled) and not {*filled} <= {*self.headers.values()}:
                self.second = (int(chunk.rows[place]), filled)
                break
        if self.second is None:
            return chunk
        end = self.second[0]
        odd = [(row, why) for row, why in chunk.misshapen if row < end]
        kept = np.flatnonzero(chunk.rows < end)
        return replace(chunk.take(kept, [*chunk.cells]), misshapen=odd)

    def _names(self, cells: Sequence[str]) -> bool:
        named = sum(map(self._names_column, {*cells}))
        return named >= _LEAST_NAMED and not any(map(is_figure, cells))

    def _repeats(self, cells: Mapping[str, pa.Array]) -> Mask:
        """Return which rows hold the headers, in all columns that have one."""
        n = len(next(iter(cells.values())))
        written = {header: self.headers[header] for header in cells if self.headers[header]}
        gone = np.full(n, len(written) >= _LEAST_NAMED)
        for header, text in written.items():
            if not gone.any():
                break
            gone &= _mask(pc.equal(cells[header], text))
        return gone

    def _sums(self, cells: Mapping[str, pa.Array]) -> Mask:
        gone = _mask(pc.is_in(cells[self._first], _sum_words()))
        if self._label != self._first and self._label in cells:
            gone |= _mask(pc.is_in(cells[self._label], _sum_words()))
        n = int(gone.sum())
        if n > max(1.0, _MOST_SUMS * len(gone)):  # a total and an average stand in a short table
            words = [
                cells[h].filter(pa.array(gone)).to_pylist() for h in self._leading if h in cells
            ]
            if n > _MOST_KINDS or len({*zip(*words, strict=True)}) < n:
                return np.zeros_like(gone)
        return gone


@cache
def _sum_words() -> pa.Array:
    """Return the words of sums as they are spelled, made late: the first array loads pandas."""
    return pa.array(
        sorted(
            f"{spelled}{end}"
            for word in _TOTALS
            for spelled in {word, word.capitalize(), word.title(), word.upper()}
            for end in ("", ":")
        )
    )


def _mask(column: pa.Array) -> Mask:
    mask: Mask = pc.fill_null(column, fill_value=False).to_numpy(zero_copy_only=False)
    return mask.copy()
