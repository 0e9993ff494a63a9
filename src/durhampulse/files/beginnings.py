"""Where a table begins: which of its first rows holds the headers, and what stands around it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from durhampulse.exceptions import InputError
from durhampulse.files.headers import SCALE, is_figure, require_header
from durhampulse.files.options import TableOptions
from durhampulse.irregularities import Irregularity, Ledger

__all__ = ["LOOKED_AT", "Beginning", "find_beginning", "weight"]

_FIRST_ROWS = 10
_MOST_DESCRIBED = 3
_LINE = re.compile(r":?[-=+]{2,}:?(?:[ +|]+:?[-=]{2,}:?)*\+?")
LOOKED_AT = _FIRST_ROWS + 4
"""Rows of a table that tell where it begins, if no row is named."""

Row = tuple[int, list[str]]
_UNIT = re.compile(
    r"[(\[]?(?:in )?(?:(?:%|percent)(?: ?(?:/|per) ?(?:month|week|day))?|percentage"
    r"|fraction|ratio|#|no\.?|nr\.?|n|count|number|integer|int"
    r"|float|decimal|text|string|category|date|url|usd|eur|gbp|[$\u20ac\u00a3]|0/1|1/0|yes/no"
    r"|boolean|per month|monthly|per post)[)\]]?",
    re.IGNORECASE,
)
_SCALE = re.compile(rf"[(\[]?(?:in )?{SCALE}[)\]]?", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Beginning:
    """Where a table begins.

    Attributes
    ----------
    headers
        The headers, in their order; empty where a column has none.
    row
        Number of the row that holds them, and after which the table begins, as a spreadsheet
        counts; of two rows of headers the upper one.
    last
        Number of the last row before the table's own: of a second line of headers or of units.
    titles
        Number and text of the rows above that hold something else.
    blank
        Numbers of the rows above that hold nothing.
    joined, units
        Whether the headers stand in two rows, and whether a row of units follows.
    described
        How many rows follow that describe the headers, or draw a line.
    """

    headers: list[str]
    row: int
    last: int
    titles: tuple[tuple[int, str], ...] = ()
    blank: tuple[int, ...] = ()
    joined: bool = False
    units: bool = False
    described: int = 0

    def note(self, ledger: Ledger) -> None:
        """Note what is passed over, and what is put together."""
        numbers, texts = [n for n, _ in self.titles], [text for _, text in self.titles]
        action = f"the headers are in row {self.row}; what stands above is not read"
        ledger.note(
            Irregularity.TITLE_ROW, "", len(self.titles), action, rows=numbers, values=texts
        )
        action = f"rows {self.row} and {self.row + 1} are read as one header"
        ledger.note(Irregularity.TWO_HEADER_ROWS, "", int(self.joined), action, rows=[self.row])
        action = "the row is not read; the numbers themselves tell their units"
        ledger.note(Irregularity.UNITS_ROW, "", int(self.units), action, rows=[self.last])
        first = self.last - self.described + 1
        rows = [*range(first, self.last + 1)]
        which = f"row {first}" if first == self.last else f"rows {first} to {self.last}"
        action = f"{which} under the headers: not read"
        ledger.note(Irregularity.DESCRIBED, "", self.described, action, rows=rows)


def find_beginning(name: str, rows: Sequence[Row], asked: TableOptions) -> Beginning:
    """Return where a table begins.

    The first row that holds anything has the headers, unless a later one within the first ten
    names more known columns: at least two of them, or one where the first fills at most half of
    its columns and names none.

    Parameters
    ----------
    name
        The file's, for messages.
    rows
        Its first rows: number and cells.
    asked
        Whether a row is named, and what names a column.

    Raises
    ------
    InputError
        If the row named is not there, or a title or figures stand where the headers should.
    """
    filled = [row for row in rows if any(row[1])]
    if asked.header_row is not None:
        header = next((row for row in filled if row[0] == asked.header_row), None)
        if header is None:
            raise InputError(
                f"{name}: row {asked.header_row} holds no headers.",
                "Name the row that does, as a spreadsheet counts: --header-row N.",
            )
    elif filled:
        header = _best(filled, asked)
        _require(name, header, filled, asked)
    else:
        number = rows[0][0]
        return Beginning(headers=rows[0][1], row=number, last=number)
    return _around(header, rows)


def weight(rows: Sequence[Row], asked: TableOptions) -> tuple[int, int]:
    """Return how much of a table some rows look: known columns of one row, cells of the first."""
    filled = [cells for _, cells in rows if any(cells)]
    first = filled[0] if filled else next((cells for _, cells in rows), [])
    if asked.header_row is not None:
        first = next((cells for number, cells in rows if number == asked.header_row), [])
    named = max((_named(cells, asked) for cells in filled[:_FIRST_ROWS]), default=0)
    return named, len(first)


def _best(filled: Sequence[Row], asked: TableOptions) -> Row:
    first = filled[0]
    early = [row for row in filled if row[0] <= max(_FIRST_ROWS, first[0])]
    best = max(early, key=lambda row: _named(row[1], asked))
    n_first, n_best = (sum(map(bool, row[1])) for row in (first, best))
    named = _named(first[1], asked)
    # A title, or a line such as "Period; May", fills few of the columns that the headers do.
    sparse = 2 * n_first <= n_best and (n_first == 1 or not named)
    least = 0 if sparse else max(1, named)
    return best if _named(best[1], asked) > least else first


def _named(cells: Sequence[str], asked: TableOptions) -> int:
    """Return how many columns a row names; a row of figures names none."""
    if 2 * sum(map(is_figure, cells)) > sum(map(bool, cells)):
        return 0
    return sum(map(asked.names_column, {cell for cell in cells if cell}))


def _require(name: str, header: Row, filled: Sequence[Row], asked: TableOptions) -> None:
    """Raise if the row holds a title or figures."""
    number, cells = header
    later = [row for row in filled if row[0] > number]
    widths = [sum(map(bool, row)) for _, row in later]
    widest = later[widths.index(max(widths))][0] if widths else number
    require_header(name, number, cells, widths[:LOOKED_AT], guess=widest)
    figures = [cell for cell in cells if is_figure(cell)]
    n = sum(map(bool, cells))
    if not _named(cells, asked) and len(figures) >= 2 and 3 * len(figures) >= n:
        raise InputError(
            f"{name}, row {number}: {figures[0][:40]!r} is a figure, and stands where the headers "
            "should be.",
            f"Add a line of headers above; or, if these are headers, --header-row {number}.",
        )


def _around(header: Row, rows: Sequence[Row]) -> Beginning:
    """Return the beginning with what belongs to its header from the rows above and below."""
    number, cells = header
    above = [row for row in rows if row[0] < number]
    below = [row for row in rows if row[0] > number]
    titles = [(n, next(filter(None, row))) for n, row in above if any(row)]
    joined, last = _two_rows(cells, below), number
    if joined:
        cells, last = _joined(cells, below.pop(0)[1]), number + 1
    elif titles and titles[-1][0] == number - 1:
        grouped = _grouped(above[-1][1], cells)
        joined = grouped != cells
        if joined:
            cells, number = grouped, number - 1
            titles.pop()
    described = _described(below)
    units = not described and bool(below) and _is_units(below[0])
    if units:
        cells = _with_sizes(cells, below[0][1])
    return Beginning(
        headers=cells,
        row=number,
        last=last + units + described,
        titles=tuple(titles),
        blank=tuple(n for n, row in above if not any(row)),
        joined=joined,
        units=units,
        described=described,
    )


def _described(below: Sequence[Row]) -> int:
    """Return how many rows describe the headers: a line as of Markdown, or what a survey adds.

    Qualtrics writes the text of each question in a second row, and its number as JSON in a third.
    """
    for place, (_, cells) in enumerate(below[:_MOST_DESCRIBED]):
        filled = [cell for cell in cells if cell]
        if filled and all(cell.startswith('{"ImportId"') for cell in filled):
            return place + 1
    filled = [cell for cell in below[0][1] if cell] if below else []
    return int(bool(filled) and all(map(_LINE.fullmatch, filled)))


def _two_rows(upper: Sequence[str], below: Sequence[Row]) -> bool:
    """Return whether the next row completes the headers: names below the gaps, figures below it."""
    if len(below) < 2 or all(upper):
        return False
    lower, data = below[0][1], below[1][1]
    width = min(len(upper), len(lower))
    fills_gap = any(low and not up for up, low in zip(upper, lower, strict=False))
    under_gaps = all(lower[i] == "" or not all(upper[i : i + 2]) for i in range(width))
    words = not any(map(is_figure, lower))
    return fills_gap and under_gaps and words and any(map(is_figure, data))


def _joined(upper: Sequence[str], lower: Sequence[str]) -> list[str]:
    """Return two rows of headers as one; the upper one's cells reach over the gaps beside them.

    Examples
    --------
    >>> _joined(["ID", "Engagement", "", "Niche"], ["", "Rate", "Count", ""])
    ['ID', 'Engagement Rate', 'Engagement Count', 'Niche']
    """
    headers, over = [], ""
    for i, up in enumerate(upper):
        low = lower[i] if i < len(lower) else ""
        over = up or (over if low else "")
        headers.append(f"{over} {low}".strip())
    return headers


def _grouped(groups: Sequence[str], cells: list[str]) -> list[str]:
    """Return headers of which those that come again carry the name of the group above them.

    A gap has the name right above it, as a cell that is merged over both rows leaves it.
    """
    twice = {cell for cell in cells if cell and cells.count(cell) > 1}
    if sum(map(bool, groups)) < 2:
        return cells
    over, headers = "", []
    for i, cell in enumerate(cells):
        above = groups[i] if i < len(groups) else ""
        over = above or over
        headers.append(f"{over} {cell}" if cell in twice and over else cell or above)
    return headers


def _is_units(row: Row) -> bool:
    """Return whether a row says in which units the columns are."""
    filled = [cell for cell in row[1] if cell]
    return bool(filled) and all(_UNIT.fullmatch(c) or _SCALE.fullmatch(c) for c in filled)


def _with_sizes(headers: Sequence[str], units: Sequence[str]) -> list[str]:
    """Return headers with the size of their figures, where the row below them says one.

    Examples
    --------
    >>> _with_sizes(["ID", "Followers", "ER"], ["", "k", "%"])
    ['ID', 'Followers (k)', 'ER']
    """
    sizes = [*units, *[""] * (len(headers) - len(units))]
    return [
        f"{header} ({size.strip('()[]')})" if header and _SCALE.fullmatch(size) else header
        for header, size in zip(headers, sizes, strict=False)
    ]
