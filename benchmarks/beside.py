"""Half a million creators declined in one act while reviewers work beside it, with either database.

The desk is one process that serves ten reviewers over HTTP and does the act's work. They work half
a minute before it and until it ends; what they were answered is then compared with the store.
`DURHAMPULSE_FOLDER` is used as by `python -m benchmarks desk`.
"""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import Row, select

from benchmarks.desk import filled_desks, order_all, served, signed_in
from benchmarks.load import Record, Reviewer, check
from durhampulse.decision.bands import Thresholds
from durhampulse.desk.models.catalogue import save_thresholds
from durhampulse.desk.store.acts import undo_act
from durhampulse.desk.store.tables import bulk
from durhampulse.desk.web.state import Desk

REVIEWERS, THINK, BEFORE, SLICE = 10, 0.5, 30.0, 2.0


def main() -> None:
    """Print what reviewers wait for beside an act on many, for either database."""
    with filled_desks() as desks:
        for desk, folder, url in desks:
            work_beside(desk, folder, url)


def work_beside(desk: Desk, folder: Path, url: str) -> None:
    """Print what reviewers wait for before an act on all that match, and beside it."""
    save_thresholds(desk.store, Thresholds(0.9, 0.05), "benchmark", desk.catalogue.current())
    sessions = [signed_in(desk, f"Reviewer {n}") for n in range(REVIEWERS)]
    with served(folder, url) as (address, _):
        reviewers = [
            Reviewer(number=who.id, cookie=token, csrf=who.csrf, addresses=[address],
                     record=Record())
            for token, who in sessions
        ]  # fmt: skip
        former = check(url, Record())
        review(reviewers, BEFORE)
        before = answered(reviewers)
        start = time.monotonic()
        number, selection = order_all(desk)
        while (row := state_of(desk, number)).state == "waiting":
            review(reviewers, SLICE)
        took = time.monotonic() - start
        beside = answered(reviewers)
    print(f"all that match, {selection.total:,} creators: {took:.0f} s, {row.done:,} decided, "
          f"{row.held} held, {row.changed} decided since")  # fmt: skip
    for what, waits in (("before", before), ("beside", beside)):
        p50, p99, most = 1_000 * np.quantile(waits, [0.5, 0.99, 1.0])
        print(f"decisions of {REVIEWERS} reviewers {what} it: p50 {p50:.0f} ms, p99 {p99:.0f} ms, "
              f"most {most:.0f} ms ({len(waits)})", flush=True)  # fmt: skip
    everything = Record()
    for reviewer in reviewers:
        everything.kept |= reviewer.record.kept
        everything.sent |= reviewer.record.sent
        everything.counts += reviewer.record.counts
    print(dict(everything.counts))
    for what, n in check(url, everything).items():
        print(f"  {what}: {n - former[what]}")
    undo_act(desk.store, row.act_id, "Ann")


def review(reviewers: list[Reviewer], seconds: float) -> None:
    """Let reviewers decide for so many seconds."""
    until = time.monotonic() + seconds
    threads = [threading.Thread(target=one.work, args=(until, THINK)) for one in reviewers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def answered(reviewers: list[Reviewer]) -> list[float]:
    """Take the seconds that decisions took since the last call."""
    waits = [wait for one in reviewers for wait in one.record.waits]
    for one in reviewers:
        one.record.waits.clear()
    return waits


def state_of(desk: Desk, number: int) -> Row[Any]:
    """Return the row of an act on many."""
    with desk.store.reading() as db:
        return db.execute(select(bulk).where(bulk.c.id == number)).one()


if __name__ == "__main__":
    main()
