"""A chunk of an upload as rows of the table `staged`, and the summary of all chunks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Connection, func, or_, select

from durhampulse.creators.block import Levels
from durhampulse.creators.identifiers import canonical_identifier
from durhampulse.decision.bands import NO_PRECEDENT
from durhampulse.desk.imports.carried import carried_cells
from durhampulse.desk.imports.fees import Fees, fee_column, read_fees
from durhampulse.desk.models.rules import Rules
from durhampulse.desk.people.objections import Objections
from durhampulse.desk.store.search import search_text
from durhampulse.desk.store.tables import LONGEST_ID, NUMBERS, TEXTS, has_flags, staged
from durhampulse.scoring.chunks import Scored
from durhampulse.scoring.record import UNLIKE_BIT
from durhampulse.scoring.summary import Summary

__all__ = [
    "Refusal",
    "accepted_rows",
    "counts_of",
    "fees_of",
    "import_summary",
    "staged_columns",
    "storable_name",
]

_UNPRINTABLE = "[\\x00-\\x1f\\x7f]"
_SCORES = {"probability": "y_prob", "low": "low", "high": "high", "flags": "stored_flags"}
"""Column of `staged` to attribute of the scores."""


@dataclass(frozen=True)
class Refusal:
    """A row that is not stored.

    Attributes
    ----------
    row
        Its number in the file.
    external_id
        Its identifier, as far as it can be stored.
    reason
        Why it is refused.
    """

    row: int
    external_id: str
    reason: str


def accepted_rows(
    names: pa.Array, objections: Objections
) -> tuple[np.ndarray[Any, np.dtype[np.bool_]], list[str]]:
    """Return which rows can be stored, and the reason for each of the others.

    Parameters
    ----------
    names
        Canonical identifiers, shape (n_rows,).
    objections
        Who must be left out.

    Returns
    -------
    accepted, reasons
        Both of shape (n_rows,); the reason is empty where a row is accepted.
    """
    unprintable = pc.fill_null(pc.match_substring_regex(names, _UNPRINTABLE), False).to_pylist()
    reasons = []
    for name, odd in zip(names.to_pylist(), unprintable, strict=True):
        if not name:
            reasons.append("the row has no Influencer_ID")
        elif odd or len(name) > LONGEST_ID:
            reasons.append(
                f"the Influencer_ID has over {LONGEST_ID} characters, or unprintable ones"
            )
        elif objections.hold(name):
            reasons.append("this creator has objected to being scored")
        else:
            reasons.append("")
    return np.array([not reason for reason in reasons], dtype=bool), reasons


def staged_columns(
    scored: Scored,
    kinds: Mapping[str, str],
    names: pa.Array,
    rows: np.ndarray[Any, Any],
    fees: Fees,
) -> dict[str, Sequence[Any]]:
    """Return the columns of the table `staged` for some rows of a chunk.

    Columns that the store has none for stand together in `extra`.

    Parameters
    ----------
    scored
        The chunk.
    kinds
        Header to what it tells of a creator, of the columns that are carried along.
    names
        Canonical identifiers of the chunk, shape (n_rows,).
    rows
        Places of the rows.
    fees
        Of those rows, from :func:`fees_of`.
    """
    block, scores = scored.block.take(rows), scored.scores.take(rows)
    words = names.take(pa.array(rows)).to_pylist()
    kept_as = {**NUMBERS, **TEXTS}
    columns: dict[str, Sequence[Any]] = {stored: [None] * len(rows) for stored in kept_as.values()}
    extra: dict[str, list[Any]] = {}
    for column, values in block.columns.items():
        if column in kept_as:
            columns[kept_as[column]] = _plain(values)
        else:
            extra[column] = _plain(values)
    columns["external_id"] = words
    carried = {header: cells.take(pa.array(rows)) for header, cells in scored.carried.items()}
    columns["name"], columns["carried"] = carried_cells(kinds, carried, words)
    columns["search"] = [
        search_text(*known)
        for known in zip(words, columns["name"], columns["carried"], strict=True)
    ]
    columns["fee"], columns["currency"] = fees.amounts, fees.currencies
    columns["extra"] = [
        dict(zip(extra, cells, strict=True)) for cells in zip(*extra.values(), strict=True)
    ] or [None] * len(rows)
    columns |= {stored: getattr(scores, name).tolist() for stored, name in _SCORES.items()}
    # A hash of the identifier, so nobody can influence which of the No are drawn for review.
    lots = pd.util.hash_array(np.array(words, dtype=object)) / 2.0**64
    columns["lottery"] = lots.tolist()
    return columns


def fees_of(scored: Scored, kinds: Mapping[str, str], rows: np.ndarray[Any, Any]) -> Fees:
    """Return the fees of some rows of a chunk; none where no column of the file holds fees."""
    header = fee_column(kinds)
    if header is None:
        return Fees([None] * len(rows), [None] * len(rows), 0)
    return read_fees(header, scored.carried[header].take(pa.array(rows)))


def _plain(values: np.ndarray[Any, Any] | Levels) -> list[Any]:
    """Return a column as plain Python values, None where missing."""
    if isinstance(values, Levels):
        clean = [name.replace("\0", "\ufffd")[:LONGEST_ID] for name in values.names]
        named = [*clean, None]
        return [named[code] for code in values.codes.tolist()]
    return [None if value != value else value for value in values.tolist()]  # noqa: PLR0124 - NaN


def storable_name(name: object) -> str:
    """Return a refused row's identifier as it can be stored, whatever it holds."""
    text = str(name or "")
    return (canonical_identifier(text) or text.strip()).replace("\0", "\ufffd")[:LONGEST_ID]


def counts_of(summary: Summary, extra: int, fees: Fees) -> dict[str, Any]:
    """Return a chunk's counts as plain data; drift as counts, which add up over chunks.

    Parameters
    ----------
    summary
        The scorer's.
    extra
        How many of the scored rows cannot be stored.
    fees
        Of the others.
    """
    return {
        "rows": summary.rows,
        "scored": summary.scored - extra,
        "refused": summary.refused + extra,
        "unreadable": dict(summary.unreadable),
        "drift": {name: counts.tolist() for name, counts in summary.drift.items()},
        "fees": len(fees.amounts) - fees.amounts.count(None),
        "unclear_fees": fees.unclear,
    }


def import_summary(
    db: Connection,
    number: int,
    rules: Rules,
    parts: list[dict[str, Any]],
    counts: Mapping[str, int],
) -> dict[str, Any]:
    """Return the summary of a check, which people see before they confirm.

    Parameters
    ----------
    db, number, rules
        The store, the upload, and the model that scored it.
    parts
        From :func:`counts_of`, one for each chunk.
    counts
        ``creators`` staged, those of them ``known``, and rows refused because they came ``twice``.
    """
    drift: dict[str, Any] = {}
    unreadable: dict[str, int] = {}
    for part in parts:
        for name, bins in part["drift"].items():
            drift[name] = drift.get(name, 0) + np.array(bins)
        for name, n in part["unreadable"].items():
            unreadable[name] = unreadable.get(name, 0) + n
    profile = rules.scorer.model.profile
    blank = profile.count(rules.block([]))
    probability, mine = staged.c.probability, staged.c.upload_id == number
    unlike = staged.c.flags >= UNLIKE_BIT
    flagged = or_(unlike, has_flags(staged))
    bands = {
        band: db.scalar(
            select(func.count()).where(mine, ~unlike, probability >= low, probability < high)
        )
        for band, (low, high) in rules.band_ranges.items()
    }
    if not rules.scorer.refusal:
        bands[NO_PRECEDENT] = db.scalar(select(func.count()).where(mine, unlike))
    return {
        **counts,
        "rows": sum(part["rows"] for part in parts),
        "refused": sum(part["refused"] for part in parts) + counts["twice"],
        "flagged": db.scalar(select(func.count()).where(mine, flagged)) or 0,
        "unreadable": unreadable,
        **{name: sum(part.get(name, 0) for part in parts) for name in ("fees", "unclear_fees")},
        "bands": bands,
        "drift": profile.drift({**blank, **drift}),
    }
