"""From a source to the creators' table, with every irregularity on record.

What a column is, its kind, decimal sign, unit and levels, is learned here once, and kept as a
:class:`.ColumnRule` by which every later table is read.
"""

from __future__ import annotations

import shlex
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from durhampulse.creators.claims import claims_that_agree
from durhampulse.creators.columnreader import ColumnReader
from durhampulse.creators.considered import keep_considered
from durhampulse.creators.frames import raw_cells
from durhampulse.creators.headers import (
    name_columns,
    nearest_header,
    require_extra,
    require_figures,
    require_headers,
)
from durhampulse.creators.identity import unique_candidate, unique_instead
from durhampulse.creators.labelchoice import name_label
from durhampulse.creators.options import ReadOptions
from durhampulse.creators.outcomefile import join_outcomes
from durhampulse.creators.protected import require_settled
from durhampulse.creators.roles import role_of_standard
from durhampulse.creators.rows import (
    complete_identifiers,
    note_views,
    refuse_impossible,
    settle_duplicates,
)
from durhampulse.creators.schema import COLUMNS, IDENTIFIER
from durhampulse.creators.table import Creators
from durhampulse.creators.units import Unit
from durhampulse.exceptions import InputError
from durhampulse.files.cage import Cage
from durhampulse.files.tables import read_source, table_of
from durhampulse.irregularities import Irregularity, Ledger

__all__ = ["read_creators"]

_MISSPELT = 0.9
"""Likeness to a column's name of a header that is most likely it."""


def read_creators(
    source: Any,
    options: ReadOptions | None = None,
    *,
    usual_units: Mapping[str, Unit] | None = None,
    cage: Cage | None = None,
    **keywords: Any,
) -> Creators:
    """Return a creators' table, with everything odd about it written down.

    Parameters
    ----------
    source
        A ``.csv``, ``.tsv``, ``.xlsx`` or ``.parquet`` file, a SQLAlchemy address, or a pandas,
        polars or Arrow table.
    options
        How to read it. Its fields as keywords count before it:
        ``columns={"Followers": "subs"}``.
    usual_units
        Rate column to its usual unit: for columns whose own numbers do not tell.
    cage
        The process that reads files, since they are foreign; this one if not given.

    Raises
    ------
    InputError
        If the source cannot be read as one table, two headers claim one standard column, a
        rate column's unit is mixed or cannot be told, or a count may be one number or another.
    """
    options = replace(options or ReadOptions(), **keywords)
    ledger = Ledger()
    if isinstance(source, str | Path):
        raw = read_source(source, ledger, options, cage=cage)
    else:
        raw = table_of(raw_cells(source), "the table")
    if options.outcomes is not None:
        raw, options = join_outcomes(raw, options, ledger, cage)
    reader = ColumnReader(raw, ledger, options, usual_units or {})
    require_headers(raw.name, raw.cells.column_names, options)
    require_settled(raw.name, raw.cells.column_names, options.protect, options.allow)
    headers = [header for header in raw.cells.column_names if header not in options.drop]
    asked = options.asked()
    named = name_columns(raw.name, headers, asked, ledger)
    cells = raw.cells.select(headers)
    named, reader.label = name_label(replace(raw, cells=cells), named, options, ledger)
    named = claims_that_agree(cells, named, asked.values(), ledger)
    own = {*options.protect, *filter(None, [options.considered])}
    named = {header: name for header, name in named.items() if header not in own}
    if IDENTIFIER not in asked:
        named = _with_identifier(cells, named, own, ledger)
    require_figures(raw.name, headers, named, ledger)
    require_extra(raw.name, named, options)
    reader.weigh(named)
    for header in headers:
        reader.read(header, named.get(header))
    for header in dict.fromkeys(options.drop):
        reader.leave_out(header)
    return _settled(reader)


def _with_identifier(
    cells: pa.Table, named: Mapping[str, str], own: Collection[str], ledger: Ledger
) -> dict[str, str]:
    """Return header to standard column, with the column that tells creators apart.

    One whose header is a name's, and that repeats, gives way to one that does not.
    """
    given = next((header for header, column in named.items() if column == IDENTIFIER), None)
    others = {header: column for header, column in named.items() if header != given}
    if given is None:
        return others | _proposed_identifier(cells, {*others, *own}, ledger)
    other = None if given == IDENTIFIER else unique_instead(cells, given, {*others, *own})
    if other is None:
        return dict(named)
    action = f"'{other}' read as {IDENTIFIER}, since cells of '{given}' are empty or alike; "
    action += f"--id '{given}' reads rows of one creator as such"
    ledger.note(Irregularity.PROPOSED_ID, IDENTIFIER, 1, action)
    return others | {other: IDENTIFIER}


def _proposed_identifier(cells: pa.Table, taken: Collection[str], ledger: Ledger) -> dict[str, str]:
    """Return header to `IDENTIFIER` where a column of another name tells creators apart."""
    header, candidates = unique_candidate(cells, taken)
    if header is not None:
        action = f"'{header}' read as {IDENTIFIER}; --id COLUMN decides"
        ledger.note(Irregularity.PROPOSED_ID, IDENTIFIER, 1, action)
        return {header: IDENTIFIER}
    if candidates:
        action = (
            f"not read as {IDENTIFIER}, since cells of '{candidates[0]}' are empty or alike; "
            f"--id '{candidates[0]}' reads rows of one creator as such"
        )
        ledger.note(Irregularity.PROPOSED_ID, candidates[0], 1, action)
    return {}


def _settled(reader: ColumnReader) -> Creators:
    """Return the columns read as one table, once what concerns whole rows is settled."""
    raw, ledger = reader.raw, reader.ledger
    for name in COLUMNS:
        if name not in reader.values:
            action = "row numbers are used" if name == IDENTIFIER else "done without"
            if near := nearest_header(name, reader.roles, _MISSPELT):
                action += f"; '{near}' may be meant: --map {name}={shlex.quote(near)}"
            ledger.note(Irregularity.MISSING_COLUMN, name, 1, action)
    table = pd.DataFrame(reader.values)
    identified = IDENTIFIER in table
    table[IDENTIFIER] = complete_identifiers(table, ledger)
    extra = [name for name in table if name not in COLUMNS]
    table = table[[*(name for name in COLUMNS if name in table), *extra]]
    table, refused = refuse_impossible(table, ledger)
    if table.empty:
        raise InputError(
            f"{raw.name}: no row can be used; the first: {refused['Reason'].iloc[0]}.",
            "Check the columns named, and --map.",
        )
    if reader.considered is not None:
        table = keep_considered(table, reader.considered, ledger)
    note_views(table, ledger)
    if identified:
        table = settle_duplicates(table, ledger, keep_copies=raw.outcomes is not None)
    roles = tuple(reader.roles.get(c) or role_of_standard(c, table[c]) for c in table.columns)
    return Creators(
        table=table,
        roles=roles,
        rules=reader.rules,
        irregularities=ledger.frame(),
        refused=refused,
        source=raw,
        rows_read=raw.cells.num_rows,
        columns_read=raw.cells.num_columns,
    )
