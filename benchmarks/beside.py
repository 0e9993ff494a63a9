"""Half a million creators declined in one act while reviewers work beside it, with either database.

The desk is one process that serves ten reviewers over HTTP and does the act's work. They work half
a minute before it and until it ends; what they were answered is then compared with the store.
`DURHAMPULSE_FOLDER` is used as by `python -m benchmarks desk`.
"""

from __future__ import annotations

import time
from pathlib import Path

from benchmarks.desks.acts import act_row, decline_half, undo
from benchmarks.desks.lists import filled_desks
from benchmarks.desks.pages import served, sign_in
from benchmarks.desks.team import Record, Reviewer, compared, seated, started
from benchmarks.timing import spread
from durhampulse.decision.bands import Thresholds
from durhampulse.desk.models.catalogue import save_thresholds
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
    sessions = [sign_in(desk, f"Reviewer {n}") for n in range(REVIEWERS)]
    record, former = Record(), compared(url, Record())
    with served(folder, url) as (address, _):
        reviewers = seated(sessions, [address], record)
        before = waits(reviewers, record, BEFORE)
        start, beside = time.monotonic(), list[float]()
        number, selection = decline_half(desk, sign_in(desk, "Ann")[1])
        while (row := act_row(desk, number)).state == "waiting":
            beside += waits(reviewers, record, SLICE)
        took = time.monotonic() - start
    print(f"all that match, {selection.total:,} creators: {took:.0f} s, {row.done:,} decided, "
          f"{row.held} held, {row.changed} decided since")  # fmt: skip
    for what, seconds in (("before", before), ("beside", beside)):
        print(f"decisions of {REVIEWERS} reviewers {what} it: {spread(seconds)} "
              f"({len(seconds)})", flush=True)  # fmt: skip
    print(dict(record.counts))
    for what, n in compared(url, record).items():
        print(f"  {what}: {n - former[what]}")
    undo(desk, number)


def waits(reviewers: list[Reviewer], record: Record, seconds: float) -> list[float]:
    """Return the seconds that decisions took while reviewers work for so many seconds."""
    former = len(record.waits)
    for thread in started(reviewers, time.monotonic() + seconds, THINK):
        thread.join()
    return record.waits[former:]


if __name__ == "__main__":
    main()
