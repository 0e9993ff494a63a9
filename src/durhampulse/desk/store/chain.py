"""The chain of the audit log: each entry holds a hash over itself and the hash of the one before.

Whoever changes, inserts or deletes an entry by SQL breaks the chain there, or has to rewrite all
that follows, which the heads that were noted elsewhere (on receipts, in exports) then contradict.

The hash is SHA-256 over the entry as JSON: keys in order, no blanks, ASCII, and the time in UTC
with microseconds.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC
from typing import Any, Final

from sqlalchemy import Connection, bindparam, func, insert, select, update

from durhampulse.desk.store.tables import audit, receipt, setting

__all__ = [
    "FIRST", "HEAD_SETTING", "Head", "Verification", "append", "entry_hash", "export_lines",
    "read_head", "verify",
]  # fmt: skip

FIRST: Final = "0" * 64
"""What stands for the hash before the first entry."""
HEAD_SETTING: Final = "audit_head"
_COLUMNS = ("id", "at", "who", "act", "subject", "detail")
_AT_ONCE = 5_000
_HEAD = select(setting.c.value).where(setting.c.name == HEAD_SETTING)
_LOCKED_HEAD = _HEAD.with_for_update()
_LAST = select(func.max(audit.c.id))
_ADD = insert(audit)
_MOVE_HEAD = update(setting).where(setting.c.name == HEAD_SETTING).values(value=bindparam("head"))


@dataclass(frozen=True)
class Head:
    """The latest entry: its number, 0 where there is none, and its hash."""

    entry: int
    hash: str


@dataclass(frozen=True, kw_only=True)
class Verification:
    """What became of a chain that was checked.

    Attributes
    ----------
    entries
        How many fit, from the first.
    head
        The latest of them.
    problem
        What is wrong with the next one; empty where the chain is whole.
    """

    entries: int
    head: Head
    problem: str


def entry_hash(before: str, entry: Mapping[str, Any]) -> str:
    """Return the hash of an entry that follows another.

    Parameters
    ----------
    before
        The hash of the one before.
    entry
        ``id, at, who, act, subject, detail``.
    """
    return hashlib.sha256(_canonical({**_plain(entry), "before": before}).encode()).hexdigest()


def _plain(entry: Mapping[str, Any]) -> dict[str, Any]:
    at = entry["at"].astimezone(UTC).isoformat(timespec="microseconds")
    return {**{name: entry[name] for name in _COLUMNS}, "at": at}


def _canonical(values: Mapping[str, Any]) -> str:
    return json.dumps(values, sort_keys=True, separators=(",", ":"))


def append(db: Connection, entries: Sequence[Mapping[str, Any]]) -> None:
    """Append entries to the log, the last thing a transaction does before it commits.

    Writers wait for each other from here to the commit (a row lock where the database has them),
    so that all processes write one chain; and since nothing is locked after it, none deadlocks.

    Parameters
    ----------
    db
        A connection in a transaction that writes.
    entries
        ``at, who, act, subject, detail`` each.
    """
    if not entries:
        return
    head = _lock_head(db)
    before, rows = head.hash, []
    last = db.scalar(_LAST) or 0  # beyond the head after an insert by SQL
    for number, entry in enumerate(entries, start=max(head.entry, last) + 1):
        detail = json.loads(json.dumps(entry["detail"]))  # as it is read back
        row = {**entry, "id": number, "detail": detail}
        before = entry_hash(before, row)
        rows.append({**row, "hash": before})
    db.execute(_ADD, rows)
    db.execute(_MOVE_HEAD, {"head": asdict(Head(rows[-1]["id"], before))})


def _lock_head(db: Connection) -> Head:
    return Head(**db.execute(_LOCKED_HEAD).scalar_one())


def read_head(db: Connection) -> Head:
    """Return the latest entry that is committed."""
    return Head(**db.execute(_HEAD).scalar_one())


def export_lines(db: Connection) -> Iterator[str]:
    """Yield the log as lines of JSON: what each hash is over, and the hash itself as ``hash``."""
    before = FIRST
    for row in _rows(db):
        yield _canonical({**_plain(row), "before": before, "hash": row["hash"]}) + "\n"
        before = row["hash"]


def _rows(db: Connection) -> Iterator[Mapping[str, Any]]:
    last = -1
    while rows := db.execute(
        select(audit).where(audit.c.id > last).order_by(audit.c.id).limit(_AT_ONCE)
    ).mappings().all():  # fmt: skip
        yield from (dict(row) for row in rows)
        last = rows[-1]["id"]


def verify(db: Connection, head: str = "") -> Verification:
    """Check the whole log against its hashes, its head, and the heads that receipts hold.

    Parameters
    ----------
    db
        A connection with one snapshot.
    head
        The hash of an entry that somebody noted, which must still be there; empty for none.
    """
    noted = _noted_heads(db)
    last, n, is_there = Head(0, FIRST), 0, not head
    for row in _rows(db):
        if row["hash"] != entry_hash(last.hash, row):
            return Verification(entries=n, head=last, problem=(
                f"Entry {row['id']} does not fit the one before it, {last.entry}: one of them was "
                "changed, or entries were inserted or deleted there."
            ))  # fmt: skip
        last, n = Head(row["id"], row["hash"]), n + 1
        is_there = is_there or row["hash"] == head
        noted.pop((last.entry, last.hash), None)
    return Verification(entries=n, head=last, problem=_problem_of(db, last, noted, is_there))


def _noted_heads(db: Connection) -> dict[tuple[int, str], int]:
    """Return the heads that receipts hold, to the number of a receipt."""
    rows = db.execute(select(receipt.c.id, receipt.c.detail).order_by(receipt.c.id.desc()))
    heads = {row.id: row.detail.get("head") for row in rows}
    return {(head["entry"], head["hash"]): number for number, head in heads.items() if head}


def _problem_of(
    db: Connection, last: Head, noted: Mapping[tuple[int, str], int], is_there: bool
) -> str:
    """Return what is wrong after the last entry fitted; empty where nothing is."""
    kept = read_head(db)
    if kept != last:
        return f"Entry {kept.entry} was written last, but the log ends with entry {last.entry}."
    missing = {head: number for head, number in noted.items() if head[0]}
    if missing:
        (entry, _), number = next(iter(missing.items()))
        return f"Entry {entry} is another than when receipt {number} was written."
    return "" if is_there else "No entry has the hash that was noted: the log was rewritten."
