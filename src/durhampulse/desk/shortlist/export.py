"""The list as a file: a scored file's columns and the desk's own, with its provenance."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from sqlalchemy import Connection

from durhampulse.creators.block import Block
from durhampulse.creators.carried import CarriedKind
from durhampulse.creators.schema import ENGAGEMENT, FOLLOWERS
from durhampulse.decision.bands import ANSWERS
from durhampulse.desk.models.rules import Rules
from durhampulse.desk.shortlist.history import LastReview, last_remarks, last_reviews
from durhampulse.desk.shortlist.owners import Care, care_of
from durhampulse.desk.shortlist.reasons import TopReasons
from durhampulse.desk.shortlist.trend import trends
from durhampulse.scoring.chunks import scored_schema
from durhampulse.scoring.crm import CrmFormat
from durhampulse.scoring.provenance import stamped
from durhampulse.scoring.record import NO_BAND, UNLIKE_BIT, Scores, score_columns, with_carried
from durhampulse.scoring.writeback import open_output

__all__ = ["provenance_of", "write_list"]

_MOST_EXPLAINED = 5_000
_OWN = pa.schema(
    [
        ("Niche", pa.string()),
        ("Tier", pa.string()),
        ("Edge", pa.bool_()),
        ("Top Reason", pa.string()),
        ("Review", pa.string()),
        ("Reviewer", pa.string()),
        ("Reason", pa.string()),
        ("Review Note", pa.string()),
        ("Latest Note", pa.string()),
        ("Outcome", pa.string()),
        ("Growth Rate", pa.float64()),
        ("Average Views", pa.float64()),
        ("Fee Amount", pa.float64()),
        ("Fee Currency", pa.string()),
        ("Trend", pa.string()),
        ("Owner", pa.string()),
        ("Remind On", pa.date32()),
        ("Reminder", pa.string()),
    ]
)
"""What the desk adds to the columns of every scored file."""


def write_list(  # noqa: PLR0913 - what is written, and what is said of it
    path: Path,
    parts: Iterable[Sequence[Any]],
    rules: Rules,
    reasons: TopReasons,
    *,
    about: str,
    by: str,
    carried: Mapping[str, CarriedKind] | None = None,
    db: Connection | None = None,
    added: pa.Table | None = None,
    facts: Mapping[str, Any] | None = None,
    form: CrmFormat | None = None,
) -> int:
    """Return how many creators were written to a file, or a ``.zip`` of what a system imports.

    Reasons are computed for up to 5,000 creators; for more they would take minutes.

    Parameters
    ----------
    path
        Where to write.
    parts
        Rows of the table `creator`, some at a time.
    rules, reasons
        The model and thresholds in force, and the cache of its reasons.
    about, by
        The view's query, and who asked.
    carried
        The list's carried columns: header to what it tells. Those that none of up to 5,000 creators
        has are left out.
    db
        Where decisions and notes are read from; without it their columns stay empty.
    added
        Columns that come last, a row for each creator of the only part.
    facts
        What the provenance says beside its own, or in place of it.
    form
        Of the customer system; declined creators are left out for it.
    """
    parts, head, n = iter(parts), [], 0
    while n <= _MOST_EXPLAINED and (rows := next(parts, None)) is not None:
        head.append(rows)
        n += len(rows)
    few = n <= _MOST_EXPLAINED
    explained = few and form is None
    coverage = "given" if explained else f"left out, as of more than {_MOST_EXPLAINED:,} creators"
    provenance = {**provenance_of(rules, about=about, by=by), "top_reasons": coverage}
    provenance |= dict(facts or {})
    kinds = _present(carried or {}, head) if few else dict(carried or {})
    own = _schema(kinds)
    schema = own if added is None else pa.schema([*own, *_beside(own, added.schema)])
    written = 0
    with open_output(path, path, schema, provenance, form) as sink:
        for rows in chain(head, parts):
            written += len(rows)
            texts = reasons.of(rules, rows) if explained else [None] * len(rows)
            columns = {**_scored(rows, rules, kinds), **_of_desk(rows, rules, texts, db)}
            arrays = [columns[name] for name in own.names]
            arrays += [] if added is None else added.combine_chunks().to_batches()[0].columns
            sink.write(pa.record_batch(arrays, schema=schema))
    return written


def _present(
    carried: Mapping[str, CarriedKind], parts: Iterable[Sequence[Any]]
) -> dict[str, CarriedKind]:
    """Return the carried columns that some creators have."""
    present = {header for rows in parts for row in rows for _, header, _ in row.carried or ()}
    return {header: kind for header, kind in carried.items() if header in present}


def _named(header: str) -> str:
    """Return a carried column's header, told apart from the desk's own."""
    return f"{header} (as found)" if header in _OWN.names else header


def _schema(kinds: Mapping[str, CarriedKind]) -> pa.Schema:
    scored = scored_schema(pa.string(), {_named(header): kind for header, kind in kinds.items()})
    return pa.schema([*scored, *_OWN])


def provenance_of(rules: Rules, *, about: str, by: str) -> dict[str, Any]:
    """Return where a list comes from; a CSV has no room for it, the other formats carry it."""
    facts = {
        "model": rules.version,
        "trained_on_simulated_data": rules.simulated,
        "view": about,
        "exported_by": by,
    }
    return stamped(facts, rules.thresholds)


def _beside(own: pa.Schema, added: pa.Schema) -> list[pa.Field]:
    """Return added columns, told apart from those of the list."""
    return [
        field.with_name(f"{field.name} (campaign)") if field.name in own.names else field
        for field in added
    ]


def _without_sign(reason: str) -> str:
    """Return a reason without the sign that a spreadsheet could take for a formula's."""
    return reason.replace("+ ", "for: ", 1).replace("\u2212 ", "against: ", 1)


def _scored(
    rows: Sequence[Any], rules: Rules, kinds: Mapping[str, CarriedKind]
) -> dict[str, pa.Array]:
    """Return stored scores as the columns of a scored file, null where there are none."""
    numbers = {
        name: np.array([getattr(row, name) for row in rows], dtype=float)
        for name in ("probability", "low", "high", "followers", "engagement_rate")
    }
    bands = [rules.band(row.probability, row.flags) for row in rows]
    flags = np.array([row.flags for row in rows], dtype=np.intp)
    scores = Scores(
        y_prob=numbers["probability"],
        low=numbers["low"],
        high=numbers["high"],
        band=np.array([ANSWERS.index(band) if band else NO_BAND for band in bands], dtype=np.int8),
        flags=(flags % UNLIKE_BIT).astype(np.uint16),
        empty=np.zeros(len(rows), dtype=np.intp),
        unlike=(flags >= UNLIKE_BIT).astype(np.int16),
        steps=np.zeros(len(rows), dtype=np.intp),
    )
    figures: dict[str, Any] = {
        FOLLOWERS: numbers["followers"],
        ENGAGEMENT: numbers["engagement_rate"],
    }
    identifiers = pa.array([row.external_id for row in rows], pa.string())
    block = Block(len(rows), figures)
    unlike = ("", "no precedent")
    scored = score_columns(rules.scorer.model.peers, identifiers, block, scores, kinds=unlike)
    floats = {name for name, column in scored.items() if pa.types.is_floating(column.type)}
    blanks = {name: pa.array(scored[name].to_numpy(False), from_pandas=True) for name in floats}
    carried_cells = [{header: text for _, header, text in row.carried or ()} for row in rows]
    carried = {
        _named(header): pa.array([cells.get(header) for cells in carried_cells], pa.string())
        for header in kinds
    }
    return with_carried({**scored, **blanks}, carried)


def _of_desk(
    rows: Sequence[Any], rules: Rules, reasons: Sequence[str | None], db: Connection | None
) -> dict[str, pa.Array]:
    """Return the columns that the desk adds."""
    numbers = [row.id for row in rows]
    reviews = last_reviews(db, numbers) if db else {}
    notes = last_remarks(db, numbers) if db else {}
    cares = care_of(db, numbers) if db else {}
    kept = [cares.get(number) or Care() for number in numbers]
    moved = trends(db, rules.version, numbers) if db else {}
    decided = [reviews.get(number) or LastReview("", "", "") for number in numbers]
    outcomes = {True: rules.outcome.deal, False: rules.outcome.none, None: None}
    cells: dict[str, list[Any]] = {
        "Niche": [row.niche for row in rows],
        "Tier": [rules.tier(row.followers) for row in rows],
        "Edge": [rules.on_edge(row.probability, row.flags) for row in rows],
        "Top Reason": [None if reason is None else _without_sign(reason) for reason in reasons],
        "Review": [row.state for row in rows],
        "Reviewer": [made.reviewer or None for made in decided],
        "Reason": [made.reason or None for made in decided],
        "Review Note": [made.note or None for made in decided],
        "Latest Note": [notes.get(number) for number in numbers],
        "Outcome": [outcomes[row.deal] for row in rows],
        "Growth Rate": [row.growth_rate for row in rows],
        "Average Views": [row.avg_views for row in rows],
        "Fee Amount": [row.fee for row in rows],
        "Fee Currency": [row.currency for row in rows],
        "Trend": [moved[number].text if number in moved else None for number in numbers],
        "Owner": [care.owner or None for care in kept],
        "Remind On": [care.remind_on for care in kept],
        "Reminder": [care.text or None for care in kept],
    }
    return {field.name: pa.array(cells[field.name], field.type) for field in _OWN}
