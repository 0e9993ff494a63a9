"""Outcomes by file: what a file would record, and the act that records them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from sqlalchemy import Connection, delete, select

from durhampulse.creators.options import ReadOptions
from durhampulse.creators.rules import ColumnRule
from durhampulse.desk.imports.choices import from_plain
from durhampulse.desk.imports.recipes import find_recipe
from durhampulse.desk.outcomes.file import OutcomeFile, RefusedRow, check_day, read_outcomes
from durhampulse.desk.outcomes.recording import insert_outcomes
from durhampulse.desk.store.acts import begin_act, change_act, find_act
from durhampulse.desk.store.audit import note
from durhampulse.desk.store.database import Store
from durhampulse.desk.store.identifiers import find_numbers
from durhampulse.desk.store.tables import outcome, outcome_file
from durhampulse.exceptions import InputError
from durhampulse.files.cage import Cage

__all__ = ["OutcomeSource", "Preview", "Recorded", "preview_of", "record_all"]

_AT_ONCE = 500
_SHOWN = 10


@dataclass(frozen=True, kw_only=True)
class OutcomeSource:
    """A file of outcomes, and how it is read.

    Attributes
    ----------
    path, name
        Where it lies, and what its owner calls it.
    on
        The day of those outcomes that have none of their own in a column ``Outcome_Date``.
    rule
        How the active model's table names its outcomes.
    options
        How the file is to be read; as a recipe says where it has the shape of one, if not given.
    """

    path: Path
    name: str
    on: date
    rule: ColumnRule | None = None
    options: ReadOptions | None = None

    def read(self, store: Store) -> OutcomeFile:
        """Return what the file holds.

        Raises
        ------
        InputError
            If it cannot be read, or lacks one of the two columns.
        """
        check_day(self.on)
        options = self.options
        with Cage() as cage:
            if options is None and (recipe := find_recipe(store, self.path, cage)) is not None:
                options = from_plain(recipe.options)
            return read_outcomes(
                self.path, name=self.name, on=self.on, rule=self.rule, options=options, cage=cage
            )


@dataclass(frozen=True, kw_only=True)
class Preview:
    """What a file of outcomes would record.

    Attributes
    ----------
    new, changed, same
        Creators without an outcome so far, with another one, and with just this one.
    unknown
        Identifiers that no stored creator has; the first few.
    n_unknown, n_blank
        How many those are, and how many rows had no outcome.
    refused
        Rows that cannot be read.
    """

    new: int
    changed: int
    same: int
    unknown: list[str]
    n_unknown: int
    n_blank: int
    refused: list[RefusedRow]


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """Counts of a file of outcomes that was recorded.

    Attributes
    ----------
    kept
        Creators whose outcome is new, or other than before.
    unknown, n_unknown, n_blank, refused
        As of :class:`Preview`.
    act
        The act by which all are undone; none where nothing was new.
    """

    kept: int
    unknown: list[str]
    n_unknown: int
    n_blank: int
    refused: list[RefusedRow]
    act: int | None


def preview_of(store: Store, file: OutcomeFile) -> Preview:
    """Return what the content of a file would record now; nothing is changed."""
    with store.reading() as db:
        numbers = find_numbers(db, file.outcomes)
        known = _known(db, [*numbers.values()])
    coming = {number: file.outcomes[name] for name, number in numbers.items()}
    same = sum(known.get(number) == made for number, made in coming.items())
    unknown = [name for name in file.outcomes if name not in numbers]
    return Preview(
        new=len(coming.keys() - known.keys()),
        changed=len(coming.keys() & known.keys()) - same,
        same=same,
        unknown=unknown[:_SHOWN],
        n_unknown=len(unknown),
        n_blank=file.n_blank,
        refused=file.refused,
    )


def _known(db: Connection, numbers: list[int]) -> dict[int, tuple[bool, date]]:
    """Return the outcomes that stand, of some creators."""
    known: dict[int, tuple[bool, date]] = {}
    o = outcome.c
    for start in range(0, len(numbers), _AT_ONCE):
        some = o.creator_id.in_(numbers[start : start + _AT_ONCE])
        rows = db.execute(select(o.creator_id, o.deal, o.on).where(some, o.replaced_at.is_(None)))
        known |= {row.creator_id: (row.deal, row.on) for row in rows}
    return known


def record_all(
    store: Store, name: str, file: OutcomeFile, by: str, *, waiting: int | None = None
) -> Recorded:
    """Record the outcomes of a file, as one act; return how many are new, unknown or blank.

    Parameters
    ----------
    store
        Where to.
    name, file
        What its owner calls the file, and what it holds.
    by
        Who records them.
    waiting
        Number of the file that waits: it does no longer, once all is recorded.
    """
    with store.reading() as db:
        numbers = find_numbers(db, file.outcomes)
    unknown = [name for name in file.outcomes if name not in numbers]

    def finish(db: Connection, kept: int, act_id: int | None) -> None:
        counts = {"kept": kept, "unknown": len(unknown), "refused": len(file.refused)}
        note(db, by, "outcomes recorded", f"act {act_id}" if act_id else "none new", counts)
        db.execute(delete(outcome_file).where(outcome_file.c.id == waiting))

    kept, act_id = _record(store, name, file.outcomes, numbers, by, finish)
    return Recorded(
        kept=kept,
        unknown=unknown[:_SHOWN],
        n_unknown=len(unknown),
        n_blank=file.n_blank,
        refused=file.refused,
        act=act_id,
    )


def _record(
    store: Store,
    name: str,
    outcomes: Mapping[str, tuple[bool, date]],
    numbers: Mapping[str, int],
    by: str,
    finish: Callable[[Connection, int, int | None], object],
) -> tuple[int, int | None]:
    """Record outcomes some at a time, so that others can write; return how many, and their act.

    What ends it happens with the last of them, whole or not at all.
    """
    rows = sorted((number, *outcomes[identifier]) for identifier, number in numbers.items())
    kept, act_id = 0, None
    for start in range(0, max(len(rows), 1), _AT_ONCE):
        with store.writing() as db:
            some = rows[start : start + _AT_ONCE]
            if act_id is not None:
                _require_wanted(db, act_id)
            elif _is_new(db, some):
                act_id = begin_act(db, "outcomes", by, {"file": name[:200], "creators": 0})
            if act_id is not None:
                kept += insert_outcomes(db, some, by, act_id)
                change_act(db, act_id, creators=kept)
            if start + _AT_ONCE >= len(rows):
                finish(db, kept, act_id)
    return kept, act_id


def _require_wanted(db: Connection, act_id: int) -> None:
    """Raise if somebody undoes an act while it goes on; its row is locked, as by the undo, first.

    Raises
    ------
    InputError
        If somebody does; nothing more of it may be recorded then.
    """
    row = find_act(db, act_id, lock=True)
    if row.undone_by is not None:
        problem = f"{row.undone_by} has undone this file while it was recorded."
        raise InputError(problem, "Nothing of it stays: record it again, or discard it.")


def _is_new(db: Connection, rows: list[tuple[int, bool, date]]) -> bool:
    known = _known(db, [number for number, _, _ in rows])
    return any(known.get(number) != (deal, on) for number, deal, on in rows)
