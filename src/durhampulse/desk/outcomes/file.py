"""A file of outcomes: identifiers, outcomes and days, read as in every other file."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from durhampulse.creators.identifiers import canonical_identifiers
from durhampulse.creators.labels import read_labels, refuse_unreadable
from durhampulse.creators.options import ReadOptions
from durhampulse.creators.rules import ColumnRule
from durhampulse.creators.schema import IDENTIFIER, LABEL, canonical_name, header_key
from durhampulse.creators.text import NoTextError, whole_array
from durhampulse.desk.imports.choices import label_rule
from durhampulse.exceptions import InputError
from durhampulse.files.stream import open_stream
from durhampulse.files.tables import RawTable, read_source
from durhampulse.irregularities import Ledger

__all__ = ["EARLIEST", "OutcomeFile", "read_outcomes", "today"]

EARLIEST = date(2000, 1, 1)
_MOST_ROWS = 1_000_000
_DAY_HEADERS = {header_key(name) for name in ("Outcome_Date", "Date", "Day")}


@dataclass(frozen=True)
class OutcomeFile:
    """What a file of outcomes holds.

    Attributes
    ----------
    outcomes
        Identifier to outcome and day; the last row of a creator counts.
    n_blank
        Rows without an identifier or an outcome.
    """

    outcomes: dict[str, tuple[bool, date]]
    n_blank: int


def read_outcomes(
    path: Path,
    *,
    name: str,
    on: date,
    rule: ColumnRule | None = None,
    options: ReadOptions | None = None,
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

    Raises
    ------
    InputError
        If it cannot be read, lacks one of the two columns, or contradicts itself.
    """
    # Parquet of a few kilobytes may unpack to any number of rows.
    if path.suffix in (".parquet", ".pq") and (open_stream(path).n_rows or 0) > _MOST_ROWS:
        raise InputError(
            f"{name}: more than {_MOST_ROWS:,} rows.", "Record the outcomes in several files."
        )
    options = options or ReadOptions()
    raw = read_source(path, Ledger(), options)
    cells = {header: whole_array(raw.cells[header]) for header in raw.cells.column_names}
    identifiers, labels = _required(cells, name, rule, options)
    rule = label_rule(options, labels) or rule
    names = _identifiers(cells[identifiers], name)
    deals = _deals(cells[labels], raw, name, rule)
    days = _days(cells, raw, name, on)
    outcomes: dict[str, tuple[bool, date]] = {}
    for identifier, deal, day in zip(names, deals, days, strict=True):
        if identifier is None or deal is None:
            continue
        if outcomes.get(identifier, (deal,))[0] != deal:
            raise InputError(
                f"{name}: '{identifier[:60]}' has a deal in one row and none in another.",
                "Keep the row that is true.",
            )
        outcomes[identifier] = (deal, day)
    blank = sum(n is None or deal is None for n, deal in zip(names, deals, strict=True))
    return OutcomeFile(outcomes, blank)


def _required(
    cells: dict[str, pa.Array], name: str, rule: ColumnRule | None, options: ReadOptions
) -> tuple[str, str]:
    """Return the headers of identifiers and outcomes: as asked, as in the study, as recognised."""
    headers = {canonical_name(header): header for header in cells}
    if rule is not None and rule.header in cells:
        headers[LABEL] = rule.header
    for column in (IDENTIFIER, LABEL):
        if header := options.columns.get(column):
            if header not in cells:
                raise InputError(
                    f"{name}: no column '{header}'.", f"The columns are {', '.join(cells)}."
                )
            headers[column] = header
    missing = [column for column in (IDENTIFIER, LABEL) if column not in headers]
    if missing:
        raise InputError(
            f"{name}: it has no {' and no '.join(missing)}.",
            "Name the columns Influencer_ID and Sponsorship_Status, or say which they are.",
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


def _deals(cells: pa.Array, raw: RawTable, name: str, rule: ColumnRule | None) -> list[bool | None]:
    """Return each row's outcome, None where it is not known."""
    try:
        labels = read_labels(cells, rule)
    except NoTextError as error:
        raise InputError(
            f"{name}, column {LABEL}: it holds {error}.", "Write 1 or 0, Yes or No."
        ) from error
    refuse_unreadable(f"{name}, column {LABEL}", labels, cells, raw.rows)
    return [None if label != label else bool(label) for label in labels.values]  # noqa: PLR0124 - NaN


def _days(cells: dict[str, pa.Array], raw: RawTable, name: str, on: date) -> list[date]:
    """Return the day of each row's outcome."""
    header = next((header for header in cells if header_key(header) in _DAY_HEADERS), None)
    if header is None:
        return [on] * len(raw.rows)
    return [
        on if _is_blank(cell) else _day(cell, f"{name}, row {row}")
        for cell, row in zip(cells[header].to_pylist(), raw.rows, strict=True)
    ]


def _is_blank(cell: Any) -> bool:
    return cell is None or not str(cell).strip()


def _day(cell: Any, where: str) -> date:
    try:
        day = datetime.fromisoformat(str(cell).strip()).date()
    except ValueError as error:
        raise InputError(
            f"{where}: {str(cell)[:60]!r} is no day.", "Write it as 2026-05-31."
        ) from error
    if not EARLIEST <= day <= today():
        raise InputError(f"{where}: an outcome cannot be of {day}.", "Name a day that has passed.")
    return day


def today() -> date:
    """Return the day it is where the desk runs."""
    return datetime.now().astimezone().date()
