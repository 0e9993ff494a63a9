"""A file of outcomes: identifiers, outcomes and days, read as in every other file."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from durhampulse.creators.identifiers import canonical_identifiers
from durhampulse.creators.identity import identifier_candidates
from durhampulse.creators.labels import read_labels, refuse_unreadable
from durhampulse.creators.options import ReadOptions
from durhampulse.creators.rules import ColumnRule
from durhampulse.creators.schema import IDENTIFIER, LABEL, canonical_name, header_key
from durhampulse.creators.text import NoTextError, whole_array
from durhampulse.desk.imports.choices import label_rule
from durhampulse.desk.store import clock
from durhampulse.exceptions import InputError
from durhampulse.files.cage import Cage
from durhampulse.files.stream import open_stream
from durhampulse.files.tables import RawTable, read_source
from durhampulse.irregularities import Ledger

__all__ = [
    "EARLIEST",
    "OutcomeFile",
    "RefusedRow",
    "check_day",
    "read_day",
    "read_outcomes",
]

EARLIEST = date(2000, 1, 1)
_MOST_ROWS = 1_000_000
_DAY_HEADERS = [header_key(name) for name in ("Outcome_Date", "Date", "Day")]


@dataclass(frozen=True)
class RefusedRow:
    """A row of which nothing is recorded: its number in the file, and the reason."""

    row: int
    reason: str


@dataclass(frozen=True)
class OutcomeFile:
    """What a file of outcomes holds.

    Attributes
    ----------
    outcomes
        Identifier to outcome and day; the last row of a creator counts.
    n_blank
        Rows without an identifier or an outcome.
    refused
        Rows that cannot be read, and all rows of creators who have a deal in one and none in
        another.
    """

    outcomes: dict[str, tuple[bool, date]]
    n_blank: int
    refused: list[RefusedRow]


def read_outcomes(
    path: Path,
    *,
    name: str,
    on: date,
    rule: ColumnRule | None = None,
    options: ReadOptions | None = None,
    cage: Cage | None = None,
) -> OutcomeFile:
    """Return the outcomes of a file with ``Influencer_ID`` and ``Sponsorship_Status``.

    Parameters
    ----------
    path, name
        Where it lies, and what its owner calls it.
    on
        The day of those outcomes that have none of their own in a column ``Outcome_Date``.
    rule
        How the active model's table names its outcomes; else words that are clear are read.
    options
        How the file is to be read.
    cage
        The process that reads it, since it is foreign; this one if not given.

    Raises
    ------
    InputError
        If it cannot be read, lacks one of the two columns, or hardly says what the outcomes are.
    """
    # Parquet of a few kilobytes may unpack to any number of rows.
    packed = path.suffix in (".parquet", ".pq")
    if packed and (open_stream(path, cage=cage).n_rows or 0) > _MOST_ROWS:
        raise InputError(
            f"{name}: more than {_MOST_ROWS:,} rows.", "Record the outcomes in several files."
        )
    options = options or ReadOptions()
    raw = read_source(path, Ledger(), options, cage=cage)
    cells = {header: whole_array(raw.cells[header]) for header in raw.cells.column_names}
    identifiers, labels = _required(cells, name, rule, options)
    rule = label_rule(options, labels) or rule
    names = _identifiers(cells[identifiers], name)
    deals = _deals(cells[labels], raw, name, rule)
    days = _days(cells, len(raw.rows), on)
    return _sort_out(raw.rows.tolist(), names, deals, days)


def _sort_out(
    rows: list[int],
    names: list[str | None],
    deals: list[bool | str | None],
    days: list[date | str],
) -> OutcomeFile:
    """Return what rows say; a text in place of an outcome or a day is why it cannot be read."""
    deals_of: dict[str, set[bool]] = {}
    for identifier, deal in zip(names, deals, strict=True):
        if identifier is not None and isinstance(deal, bool):
            deals_of.setdefault(identifier, set()).add(deal)
    outcomes: dict[str, tuple[bool, date]] = {}
    refused: list[RefusedRow] = []
    blank = 0
    for row, identifier, deal, day in zip(rows, names, deals, days, strict=True):
        if identifier is None or deal is None:
            blank += 1
        elif isinstance(deal, str) or isinstance(day, str):
            refused.append(RefusedRow(row, deal if isinstance(deal, str) else str(day)))
        elif len(deals_of[identifier]) > 1:
            reason = f"'{identifier[:60]}' has a deal in one row and none in another"
            refused.append(RefusedRow(row, reason))
        else:
            outcomes[identifier] = (deal, day)
    return OutcomeFile(outcomes, blank, refused)


def _required(
    cells: dict[str, pa.Array], name: str, rule: ColumnRule | None, options: ReadOptions
) -> tuple[str, str]:
    """Return the headers of identifiers and outcomes: as asked, as in the study, as recognised.

    Of several that are recognised as one column, the one of exactly its name is it.
    """
    recognised = {
        column: [header for header in cells if canonical_name(header) == column]
        for column in (IDENTIFIER, LABEL)
    }
    headers = {column: named[0] for column, named in recognised.items() if named}
    headers |= {column: column for column in recognised if column in cells}
    others = identifier_candidates(header for header in cells if not canonical_name(header))
    if others:  # as an import takes a handle where nothing else names creators
        headers.setdefault(IDENTIFIER, others[0])
    if rule is not None and rule.header in cells:
        headers[LABEL] = rule.header
    certain = (IDENTIFIER, LABEL, rule and rule.header)
    for column, named in recognised.items():
        if header := options.columns.get(column):
            if header not in cells:
                problem = f"{name}: no column '{header}'."
                columns = f"The columns are {', '.join(cells)}."
                raise InputError(problem, columns, f"column {column}")
            headers[column] = header
        elif len(named) > 1 and headers[column] not in certain:
            both = " and ".join(f"'{header}'" for header in named)
            problem = f"{name}: {both} are all {column}."
            raise InputError(problem, "Say which of them is.", f"column {column}")
    missing = [column for column in recognised if column not in headers]
    if missing:
        raise InputError(
            f"{name}: it has no {' and no '.join(missing)}.",
            "Name the columns Influencer_ID and Sponsorship_Status, or say which they are.",
            f"column {missing[0]}",
        )
    return headers[IDENTIFIER], headers[LABEL]


def _identifiers(cells: pa.Array, name: str) -> list[str | None]:
    try:
        names: list[str | None] = canonical_identifiers(cells).to_pylist()
    except NoTextError as error:
        raise InputError(
            f"{name}, column {IDENTIFIER}: it holds {error}.", "Convert it to text."
        ) from error
    return names


def _deals(
    cells: pa.Array, raw: RawTable, name: str, rule: ColumnRule | None
) -> list[bool | str | None]:
    """Return each row's outcome, None where it is not known, or why it cannot be read.

    Raises
    ------
    InputError
        If no more outcomes can be read than not: then their words are others.
    """
    try:
        labels = read_labels(cells, rule)
    except NoTextError as error:
        raise InputError(
            f"{name}, column {LABEL}: it holds {error}.", "Write 1 or 0, Yes or No."
        ) from error
    if labels.unreadable.any() and labels.unreadable.sum() >= np.isfinite(labels.values).sum():
        refuse_unreadable(f"{name}, column {LABEL}", labels, cells, raw.rows)
    deals: list[bool | str | None] = [
        None if label != label else bool(label)  # noqa: PLR0124 - NaN
        for label in labels.values
    ]
    for at in np.flatnonzero(labels.unreadable).tolist():
        deals[at] = f"{str(cells[at].as_py()).strip()[:60]!r} is neither a deal nor none"
    return deals


def _days(cells: dict[str, pa.Array], n: int, on: date) -> list[date | str]:
    """Return the day of each row's outcome, or why it is none."""
    days = [header for header in cells if header_key(header) in _DAY_HEADERS]
    header = min(days, key=lambda day: _DAY_HEADERS.index(header_key(day)), default=None)
    if header is None:
        return [on] * n
    return [on if _is_blank(cell) else _day(cell) for cell in cells[header].to_pylist()]


def _is_blank(cell: Any) -> bool:
    return cell is None or not str(cell).strip()


def _day(cell: Any) -> date | str:
    try:
        day = datetime.fromisoformat(str(cell).strip()).date()
    except ValueError:
        return f"{str(cell)[:60]!r} is no day such as 2026-05-31"
    return day if EARLIEST <= day <= clock.today() else f"an outcome cannot be of {day}"


def read_day(text: str) -> date:
    """Return the day that somebody wrote for outcomes.

    Raises
    ------
    InputError
        If it is none, or nothing can have happened on it.
    """
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise InputError("The day is none.", "Write it as 2026-05-31.", "on") from error
    check_day(day)
    return day


def check_day(on: date) -> None:
    """Raise InputError if nothing can have happened on a day yet, or so long ago."""
    if not EARLIEST <= on <= clock.today():
        raise InputError(
            f"{on}: an outcome cannot be of that day.", "Name a day that has passed.", "on"
        )
