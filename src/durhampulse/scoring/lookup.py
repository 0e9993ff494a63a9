"""One creator of a table, found by identifier and accounted for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from durhampulse.creators.identifiers import canonical_identifier, canonical_identifiers
from durhampulse.creators.options import ReadOptions
from durhampulse.exceptions import CannotJudgeError, InputError
from durhampulse.files.cage import Cage
from durhampulse.files.tables import RawTable, read_source
from durhampulse.irregularities import Ledger
from durhampulse.scoring.account import Account, account_of
from durhampulse.scoring.scorer import Scorer
from durhampulse.scoring.tables import TableCells

__all__ = ["accounts_of"]


def accounts_of(
    scorer: Scorer,
    source: str | Path,
    identifier: str,
    options: ReadOptions | None = None,
    *,
    cage: Cage | None = None,
    **keywords: Any,
) -> list[Account]:
    """Return the accounts of a creator of a table, one a row if several carry the identifier.

    Parameters
    ----------
    scorer
        The model; the table is read as it reads any table.
    source
        As for :func:`durhampulse.read_creators`.
    identifier
        The creator's Influencer_ID; ``row-7`` for row 7 of a table without one, as `score` counts.
    options
        How to read the source. Its fields as keywords count before it.
    cage
        As for :func:`durhampulse.read_creators`.

    Raises
    ------
    InputError
        If the table holds no such creator.
    CannotJudgeError
        If the creator's row cannot be scored.
    """
    options = replace(options or ReadOptions(), **keywords)
    raw = read_source(source, Ledger(), options, cage=cage)
    cells = scorer.read_table(raw.name, raw.cells, options, rows=raw.rows)
    rows = _rows_of(raw, cells, identifier)
    scores = scorer.compute(cells.block)
    reasons = scorer.reasons_not_to(cells.block, scores, cells.unclear)
    for row in rows:
        if row in reasons:
            raise CannotJudgeError(
                f"{raw.name}, row {raw.rows[row]}: not scored. {reasons[row]}.",
                "Correct the figure, or fill in what is missing.",
            )
    frame = scorer.frame(cells.identifiers, cells.block)
    return [
        account_of(
            scorer.model,
            frame.iloc[[row]].reset_index(drop=True),
            carried={header: text[row].as_py() for header, text in cells.carried.items()},
        )
        for row in rows
    ]


def _rows_of(raw: RawTable, cells: TableCells, identifier: str) -> list[int]:
    names = canonical_identifiers(cells.identifiers)
    wanted = canonical_identifier(identifier) or ""
    rows: list[int] = pc.indices_nonzero(pc.equal(names, pa.scalar(wanted))).to_pylist()
    if not rows:
        first = ", ".join(name for name in names[:3].to_pylist() if name)
        raise InputError(
            f"{raw.name}: no creator '{identifier}'.", f"Identifiers look like {first}."
        )
    return rows
