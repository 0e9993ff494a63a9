"""Reviewers at work on one list while its database restarts: nothing lost, nothing doubled.

Each reviewer asks for the queue's page over HTTP, thinks, sends the decision under the name that
the page gave it, and sends it again, to another desk where there is one, until it is answered. The
store is then read by its own driver and compared with what was answered.

50 reviewers with PostgreSQL, which is restarted as after a crash every 5 minutes, then 20 with two
desks on one SQLite file, half an hour each. `python -m benchmarks.load --minutes 5` takes less.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.desk.servers import find_tool, own_server

from benchmarks.desks.lists import put_in_place
from benchmarks.desks.pages import served, sign_in
from benchmarks.desks.team import Record, compared, seated, started
from benchmarks.timing import spread
from durhampulse.decision.bands import Thresholds
from durhampulse.desk.models.catalogue import save_thresholds
from durhampulse.desk.people.people import Principal
from durhampulse.desk.server import open_desk
from durhampulse.market.sampling import write_market


def main(options: Sequence[str] = ()) -> None:
    """Print what reviewers waited for while a store restarts, and what was lost."""
    asked = options_of(options)
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        folder = Path(name)
        market = folder / "market.parquet"
        write_market(market, asked.rows, seed=5)
        if "postgresql" in asked.stores and (tool := find_tool()) is not None:
            with own_server(tool) as (url, restart):
                run("PostgreSQL", url, market, asked, reviewers=50, desks=1, restart=restart)
        if "sqlite" in asked.stores:
            url = f"sqlite:///{folder / 'desk.db'}"
            run("SQLite", url, market, asked, reviewers=20, desks=2)


def options_of(options: Sequence[str]) -> argparse.Namespace:
    """Return the options of the command."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--every", type=float, default=5, help="minutes between restarts")
    parser.add_argument("--think", type=float, default=1, help="seconds before a decision")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--stores", nargs="+", default=["postgresql", "sqlite"])
    return parser.parse_args(options)


def run(
    name: str, url: str, market: Path, asked: argparse.Namespace, *, reviewers: int, desks: int,
    restart: Callable[[], object] | None = None,
) -> None:  # fmt: skip
    """Print what reviewers at work for a while waited for, and what was lost.

    Parameters
    ----------
    name, url
        The database's, and the address of a new store.
    market
        The list that is imported.
    asked
        The command's options.
    reviewers, desks
        How many of each.
    restart
        Restarts the database, where that is tried.
    """
    sessions = filled(url, market, reviewers)
    record, load = Record(), os.getloadavg()[0]
    with contextlib.ExitStack() as stack:
        addresses = [stack.enter_context(served(market.parent, url))[0] for _ in range(desks)]
        until = time.monotonic() + 60 * asked.minutes
        threads = started(seated(sessions, addresses, record), until, asked.think)
        restarts = 0
        while restart and time.monotonic() + 60 * asked.every < until:
            time.sleep(60 * asked.every)
            restart()
            restarts += 1
        for thread in threads:
            thread.join()
    print(
        f"{name}: {reviewers} reviewers, {desks} desk(s), {asked.minutes:g} minutes, "
        f"{restarts} restarts; {len(record.kept):,} decisions answered, "
        f"{spread(record.waits)}; {len(record.pages):,} pages, {spread(record.pages)}; load of "
        f"the machine {load:.1f} before, {os.getloadavg()[0]:.1f} after; {dict(record.counts)}"
    )
    for what, n in compared(url, record).items():
        print(f"  {what}: {n}")


def filled(url: str, market: Path, reviewers: int) -> list[tuple[str, Principal]]:
    """Import the list into a new store; return the sessions of so many reviewers."""
    desk = open_desk(url, files_in=market.parent)
    path = market.with_name("list.parquet")
    path.write_bytes(market.read_bytes())
    put_in_place(desk, path)
    rules = desk.catalogue.current()
    save_thresholds(desk.store, Thresholds(0.9, 0.05), "benchmark", rules)  # a long queue
    sessions = [sign_in(desk, f"Reviewer {i}") for i in range(reviewers)]
    desk.store.close()
    return sessions


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
