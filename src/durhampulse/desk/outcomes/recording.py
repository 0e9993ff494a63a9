"""Outcomes: what happened with creators, how right people and model were, and what to learn from.

Reviewers' opinions are no outcomes and never become labels.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import Connection, Row, func, insert, select, update

from durhampulse.creators.cells import read_labels
from durhampulse.creators.schema import IDENTIFIER, LABEL, canonical_name, header_key
from durhampulse.decision.bands import BANDS
from durhampulse.desk.models.rules import Rules
from durhampulse.desk.store.audit import note, note_all
from durhampulse.desk.store.database import Store
from durhampulse.desk.store.tables import NUMBERS, TEXTS, creator, outcome, review
from durhampulse.evaluation.calibration import wilson_interval
from durhampulse.exceptions import InputError
from durhampulse.files.stream import open_stream
from durhampulse.files.tables import read_source
from durhampulse.irregularities import Ledger

__all__ = [
    "Recorded",
    "bands_since",
    "outcome_table",
    "override_table",
    "record",
    "record_file",
    "today",
    "withdraw",
]  # fmt: skip

_EARLIEST = date(2000, 1, 1)
_AT_ONCE = 500
_MOST_ROWS = 1_000_000
_POINT = re.compile(r"\d+\.0")
_DAY_HEADERS = {header_key(name) for name in ("Outcome_Date", "Date", "Day")}


@dataclass(frozen=True)
class Recorded:
    """What a file of outcomes came to.

    Attributes
    ----------
    kept
        Creators whose outcome is new, or other than before.
    unknown
        Identifiers that no stored creator has; the first few.
    n_unknown, n_blank
        How many those are, and how many rows had no outcome.
    """

    kept: int
    unknown: list[str]
    n_unknown: int
    n_blank: int


def record(store: Store, creator_id: int, *, deal: bool, on: date, by: str) -> None:
    """Keep what happened with one creator; an earlier outcome is marked as replaced.

    Raises
    ------
    InputError
        If there is no such creator, or the date cannot be.
    """
    _check_date(on)
    with store.writing() as db:
        if db.scalar(select(creator.c.id).where(creator.c.id == creator_id)) is None:
            raise InputError("There is no such creator.", "They may have been erased.")
        _keep(db, [(creator_id, deal, on)], by)


def withdraw(store: Store, creator_id: int, by: str) -> None:
    """Take back the outcome that stands, where it was recorded by mistake; the entry is kept.

    Raises
    ------
    InputError
        If no outcome of this creator stands.
    """
    standing = (outcome.c.creator_id == creator_id, outcome.c.replaced_at.is_(None))
    with store.writing() as db:
        taken = update(outcome).where(*standing).values(replaced_at=datetime.now(UTC))
        if not db.execute(taken).rowcount:
            raise InputError("No outcome of this creator stands.", "Reload the page.")
        note(db, by, "outcome withdrawn", f"creator {creator_id}")


def record_file(store: Store, path: Path, *, name: str, on: date, by: str) -> Recorded:
    """Keep the outcomes of a file with ``Influencer_ID`` and ``Sponsorship_Status``.

    Parameters
    ----------
    store, path, by
        Where, which file, and who brings it.
    name
        What its owner calls it.
    on
        The day of those outcomes that have none of their own in a column ``Outcome_Date``.

    Raises
    ------
    InputError
        If it cannot be read, or lacks one of the two.
    """
    _check_date(on)
    labels, blank = _read_labels(path, name, on)
    found = _find(store, labels)
    told = sorted((number, *labels[one]) for one, number in found.items())
    kept = 0
    for start in range(0, len(told), _AT_ONCE):  # others write in between
        with store.writing() as db:
            kept += _keep(db, told[start : start + _AT_ONCE], by)
    unknown = [one for one in labels if one not in found]
    with store.writing() as db:
        note(db, by, "outcomes recorded", name[:200], {"kept": kept, "unknown": len(unknown)})
    return Recorded(kept, unknown[:10], len(unknown), blank)


def _find(store: Store, names: Iterable[str]) -> dict[str, int]:
    """Give the creators that identifiers stand for.

    As written; else without the .0 a spreadsheet or data frame has added, or with it.
    """
    words = {name: name for name in names}
    shorter = {name[:-2]: name for name in words if _POINT.fullmatch(name)}
    longer = {f"{name}.0": name for name in words if name.isdecimal()}
    found: dict[str, int] = {}
    for attempt in (words, shorter, longer):
        asked = [one for one in attempt if attempt[one] not in found and one not in found]
        with store.reading() as db:
            for start in range(0, len(asked), _AT_ONCE):
                part = creator.c.external_id.in_(asked[start : start + _AT_ONCE])
                rows = db.execute(select(creator.c.external_id, creator.c.id).where(part))
                found.update({attempt[row.external_id]: row.id for row in rows})
    return found


def _read_labels(path: Path, name: str, on: date) -> tuple[dict[str, tuple[bool, date]], int]:
    """Give identifier to outcome and its day, and the number of rows without one."""
    # Parquet of a few kilobytes may stand for any number of rows.
    if path.suffix in (".parquet", ".pq") and (open_stream(path).n_rows or 0) > _MOST_ROWS:
        raise InputError(
            f"{name}: more than {_MOST_ROWS:,} rows.", "Record the outcomes in several files."
        )
    frame = read_source(path, Ledger()).frame
    headers = {canonical_name(str(header)): header for header in frame.columns}
    missing = [column for column in (IDENTIFIER, LABEL) if column not in headers]
    if missing:
        raise InputError(
            f"{name}: it has no {' and no '.join(missing)}.",
            "Name the columns Influencer_ID and Sponsorship_Status.",
        )
    names, cells = (frame[headers[column]] for column in (IDENTIFIER, LABEL))
    outcomes, _, unreadable = read_labels(cells)
    if unreadable.any():
        row = cells.index[unreadable][0]
        raise InputError(
            f"{name}, row {row}: {str(cells[row])[:60]!r} is neither a deal nor none.",
            "Write 1 or 0, Yes or No, or leave the cell empty where it is not known.",
        )
    words = names.astype("str").str.strip()
    known = words.notna() & ~np.isnan(outcomes)
    days = _read_days(frame, name, on)
    conflicts = pd.Series(outcomes[known]).groupby(words[known].to_numpy()).nunique()
    if (conflicts > 1).any():
        raise InputError(
            f"{name}: '{conflicts.idxmax()}' has a deal in one row and none in another.",
            "Keep the row that is true.",
        )
    rows = zip(words[known], outcomes[known] == 1, days[known], strict=True)
    return {str(one): (bool(deal), day) for one, deal, day in rows}, int((~known).sum())


def _read_days(frame: pd.DataFrame, name: str, on: date) -> pd.Series:
    """Give the day of each row's outcome."""
    header = next((one for one in frame.columns if header_key(str(one)) in _DAY_HEADERS), None)
    if header is None:
        return pd.Series(on, index=frame.index, dtype=object)
    cells = frame[header]
    days = pd.Series([_day(cell) for cell in cells], index=frame.index, dtype=object)
    for row in cells.index[cells.notna() & days.isna()][:1]:
        raise InputError(
            f"{name}, row {row}: {str(cells[row])[:60]!r} is no day.", "Write it as 2026-05-31."
        )
    wrong = [(row, day) for row, day in days.dropna().items() if not _EARLIEST <= day <= today()]
    for row, day in wrong[:1]:
        raise InputError(
            f"{name}, row {row}: an outcome cannot be of {day}.",
            "Name a day that has passed.",
        )
    return days.where(days.notna(), on)


def _day(cell: object) -> date | None:
    try:
        return datetime.fromisoformat(str(cell).strip()).date()
    except ValueError:
        return None


def today() -> date:
    """Give the day it is where the desk runs."""
    return datetime.now().astimezone().date()


def _check_date(on: date) -> None:
    if not _EARLIEST <= on <= today():
        raise InputError(f"{on}: an outcome cannot be of that day.", "Name a day that has passed.")


def _keep(db: Connection, told: Iterable[tuple[int, bool, date]], by: str) -> int:
    """Keep outcomes that are new or other than before, with the figures of today."""
    now, said = datetime.now(UTC), {number: (deal, on) for number, deal, on in told}
    # Locked in one order: two outcomes of a creator cannot both stand, two files never both wait.
    whom = select(creator).where(creator.c.id.in_(said)).order_by(creator.c.id)
    rows = db.execute(whom.with_for_update()).all()
    o, stands = outcome.c, outcome.c.replaced_at.is_(None)
    before = {
        number: (deal, on)
        for number, deal, on in db.execute(
            select(o.creator_id, o.deal, o.on).where(o.creator_id.in_(said), stands)
        )
    }
    new = [row for row in rows if before.get(row.id) != said[row.id]]
    if not new:
        return 0
    gone = update(outcome).where(o.creator_id.in_([row.id for row in new]), stands)
    db.execute(gone.values(replaced_at=now))
    values = [
        {"creator_id": row.id, "deal": said[row.id][0], "on": said[row.id][1],
         "probability": row.probability, "figures": _figures(row), "by": by, "at": now}
        for row in new
    ]  # fmt: skip
    db.execute(insert(outcome), values)
    note_all(db, by, "outcome", {
        f"creator {one['creator_id']}": {"deal": one["deal"], "on": one["on"].isoformat()}
        for one in values
    })  # fmt: skip
    return len(new)


def _figures(row: Row[Any]) -> dict[str, Any]:
    figures = {name: getattr(row, kept_as) for name, kept_as in {**NUMBERS, **TEXTS}.items()}
    return {**figures, **(row.extra or {})}


def outcome_table(db: Connection, since: datetime | None = None) -> pd.DataFrame:
    """Give the outcomes that stand, as a creators' table to learn from.

    Figures are those of the day each outcome was recorded; with `since`, only those recorded then
    or later.
    """
    wanted = (
        select(creator.c.external_id, outcome.c.deal, outcome.c.figures)
        .join(creator, creator.c.id == outcome.c.creator_id)
        .where(outcome.c.replaced_at.is_(None))
        .order_by(outcome.c.id)
    )
    if since is not None:
        wanted = wanted.where(outcome.c.at >= since)
    rows = [
        {IDENTIFIER: name, **figures, LABEL: int(deal)}
        for name, deal, figures in db.execute(wanted)
    ]
    return pd.DataFrame(rows)


def override_table(db: Connection) -> pd.DataFrame:
    """Say how often people went another way than the model, and who was right.

    Returns
    -------
    DataFrame
        One row for each band and decision that occurs: ``band, decision, reviews, known, deals``;
        `known` counts those whose outcome is known. Undone and skipped reviews are left out.
    """
    r, o = review.c, outcome.c
    joined = review.outerjoin(outcome, (o.creator_id == r.creator_id) & o.replaced_at.is_(None))
    counted = (
        select(r.band, r.decision, func.count(), func.count(o.id),
               func.count().filter(o.deal.is_(True)))
        .select_from(joined)
        .where(r.undone_at.is_(None), r.decision != "skip")
        .group_by(r.band, r.decision)
    )  # fmt: skip
    columns = ["band", "decision", "reviews", "known", "deals"]
    table = pd.DataFrame([tuple(row) for row in db.execute(counted)], columns=columns)
    order = table["band"].map({band: i for i, band in enumerate(BANDS)})
    return table.assign(order=order).sort_values(["order", "decision"]).drop(columns="order")


def bands_since(db: Connection, rules: Rules) -> pd.DataFrame:
    """Give each band's hit rate among the outcomes recorded at the desk.

    Returns
    -------
    DataFrame
        ``band, creators, deals, hit_rate, low, high``, with 95% Wilson intervals; the band is
        the one at the time of the outcome, by the thresholds of today.
    """
    rows = []
    for band, (low, high) in rules.band_ranges.items():
        within = (outcome.c.probability >= low, outcome.c.probability < high)
        n, deals = db.execute(
            select(func.count(), func.count().filter(outcome.c.deal.is_(True)))
            .where(outcome.c.replaced_at.is_(None), *within)
        ).one()  # fmt: skip
        ends = wilson_interval(deals, n) if n else (None, None)
        rows.append((band, n, deals, deals / n if n else None, *ends))
    return pd.DataFrame(rows, columns=["band", "creators", "deals", "hit_rate", "low", "high"])
