"""What is wrong with a desk after an act, seen by a process that opens it anew."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import Column, select, text

from durhampulse.desk.imports.intake import clear_leftovers
from durhampulse.desk.imports.uploaded import clear_orphans
from durhampulse.desk.store.chain import verify
from durhampulse.desk.store.database import Store
from durhampulse.desk.store.tables import Instant, metadata, upload
from durhampulse.desk.store.traces import remove_waiting_traces
from tests.nth.stages import NUMBER, SHORTLIST, Running, copied, opened, running
from tests.nth.walk import End, unclear

VOLATILE = {"audit", "session", "attempt", "device", "link", "understood"}
"""Tables that say when and by which token, not what was done."""
Content = dict[str, list[tuple[object, ...]]]
GOOD = {
    "status": (200, 303, 422, 503, 507),
    "reads": (200,),
    "reads after": (200,),
    "signs in after": (303,),
    "worker lives": (True,),
}
"""What may be answered to the act, while calls fail, and when none fails any more."""


def content(store: Store) -> Content:
    """All that is stored, but for moments, places, numbers of tries and what is made by chance.

    Numbers of runs are left out too: that of one that was forgotten is not given again.
    """
    with store.reading() as db:
        return {
            table.name: [
                tuple(map(repr, row))
                for row in db.execute(
                    select(*filter(_is_what_was_done, table.c)).order_by(*table.primary_key.columns)
                )
            ]
            for table in metadata.sorted_tables
            if table.name not in VOLATILE
        }


def _is_what_was_done(column: Column[Any]) -> bool:
    if isinstance(column.type, Instant) or str(column) == "run.id":
        return False
    return column.name not in ("path", "run_id", "tries", "worker")


def differing(now: Content, then: Content, by_chance: set[tuple[str, int]]) -> set[str]:
    """Tables in which two contents differ, but for columns that differ by chance."""

    left, right = plain(now, by_chance), plain(then, by_chance)
    return {name for name in left if left[name] != right[name]}


def plain(rows: Content, by_chance: set[tuple[str, int]]) -> Content:
    """A content without columns that differ by chance."""
    return {
        name: [tuple(v for i, v in enumerate(row) if (name, i) not in by_chance) for row in table]
        for name, table in rows.items()
    }


def chance(left: Content, right: Content) -> set[tuple[str, int]]:
    """Columns that two runs of the same act fill otherwise."""
    return {
        (name, i)
        for name in left
        for a, b in zip(left[name], right[name], strict=True)
        for i, (x, y) in enumerate(zip(a, b, strict=True))
        if x != y
    }


class Check:
    """What is wrong with a desk after an act, seen by a process that opens it anew."""

    def __init__(
        self, stage: Path, steps: AbstractSet[str] = frozenset(),
        *, runs: bool = True, gone: str = "",
    ) -> None:  # fmt: skip
        self.stage, self.steps, self.runs, self.gone = stage, steps, runs, gone
        self.folder = Path(tempfile.mkdtemp(prefix=f"{stage.name}-", dir=stage.parent))
        self.state: Running | None = None
        self.before: Content = {}
        self.done: list[Content] = []
        self.by_chance: set[tuple[str, int]] = set()
        self.seen: set[str] = set()
        self.is_first, self.is_done, self.was_seen = True, False, False
        self.ended = ""

    def prepare(self, folder: Path) -> None:
        """Put the desk back to where it was; forks begin with one that is in use there."""
        fresh = self.folder.with_name(f"{self.folder.name}-fresh")
        if not self.before:
            copied(self.stage, folder)
            store = opened(folder)
            self.before = content(store)
            store.close()
            if self.runs:
                self.state = running(folder)
                for page in (SHORTLIST, f"/creators/{NUMBER}"):  # so that forks find both made
                    assert self.state[1].get(page).status_code == 200
                self.state[0].store.engine.dispose()
            shutil.copytree(folder, fresh)
        else:
            shutil.copytree(fresh, folder, dirs_exist_ok=True)
        self.is_first, self.is_done, self.was_seen = True, False, False

    def ready(self, folder: Path) -> Running | None:
        """The desk that an act is done at: one in use, and afterwards one that was started anew."""
        if self.is_done:
            return None
        if not self.is_first:
            return running(folder)
        assert self.state is not None
        self.state[1].get(SHORTLIST)  # opens a connection
        return self.state

    def __call__(self, folder: Path, end: End) -> list[str]:
        self.is_first = False
        if end.code:
            return [f"the process ended with {end.code}"]
        told = json.loads(end.output.splitlines()[-1])
        wrong = unclear(replace(end, code=told["exit"])) if "exit" in told else []
        wrong += [f"{name} answered {told[name]}" for name, good in GOOD.items()
                 if name in told and told[name] not in good]  # fmt: skip
        if end.fault is not None and end.fault.name == "read" and told["done"]:
            wrong = [w for w in wrong if w != "reads answered 503"]  # it was that page's own
        if end.fault is not None and end.fault.name == "memory":  # the page, or the client's own
            sending = "response already started" in end.errors
            wrong = [
                w for w in wrong if w != "reads answered 503" and not (sending and " 500" in w)
            ]
        if end.fault is not None and end.fault.name == "unlink" and not told["done"]:
            wrong.append("not done, since a file could not be deleted")
        old = time.time() - 3600
        for path in (folder / "desk.db.uploads").glob("*"):
            os.utime(path, (old, old))
        store = opened(folder)
        try:
            wrong += self._look(store, folder, told)
        finally:
            store.close()
        if self.is_done and self.gone:
            holding = [path for path in folder.rglob("*") if path.is_file()
                       and self.gone.encode() in path.read_bytes()]  # fmt: skip
            wrong += [f"{path.name} holds {self.gone}" for path in holding]
        return wrong

    def _look(self, store: Store, folder: Path, told: Mapping[str, Any]) -> list[str]:
        wrong = []
        with store.reading() as db:
            if problem := verify(db).problem:
                wrong.append(f"the chain: {problem}")
            if (state := db.scalar(text("PRAGMA integrity_check"))) != "ok":
                wrong.append(f"integrity: {state}")
        clear_orphans(store, folder / "desk.db.uploads")
        clear_leftovers(store)
        remove_waiting_traces(store)
        now = content(store)
        if len(self.done) < 2:  # nothing has failed yet
            if not told["done"]:
                wrong.append("not done, though nothing failed")
            self.done.append(now)
            if len(self.done) == 2:
                self.by_chance = chance(*self.done)
            return wrong
        lacking = differing(now, self.done[0], self.by_chance)
        changed = differing(now, self.before, self.by_chance)
        state = repr(sorted(plain(now, self.by_chance).items()))
        self.was_seen = not changed or state in self.seen
        self.seen.add(state)
        changed -= self.steps
        self.is_done = not lacking
        self.ended = "done" if told["done"] else "refused" if lacking else "done, told otherwise"
        if told["done"] and lacking:
            wrong.append(f"done, but not in {lacking}")
        elif lacking and changed:
            wrong.append(f"not done, but {changed} are changed")
        return wrong + self._files(store, folder)

    def _files(self, store: Store, folder: Path) -> list[str]:
        with store.reading() as db:
            waiting = upload.c.state.in_(("new", "checking", "checked", "applying"))
            known = {*db.scalars(select(upload.c.path).where(waiting))}
            known |= {*db.scalars(text("select path from outcome_file"))}
        there = {str(path) for path in (folder / "desk.db.uploads").glob("*")}
        missing = {path for path in known if path.startswith(str(folder))} - there
        return [f"{Path(path).name} is left over" for path in there - known] + [
            f"{Path(path).name} is gone" for path in missing
        ]
