"""A desk on PostgreSQL at a million creators and at more: what grows, and how.

The list grows in the store by imports. At each size pages, counts, searches, the queue and a
campaign are asked for one after the other, then 50 reviewers work for a while. Beside what waits
took stands what the processors did, of the desk and of PostgreSQL with its parallel workers, since
that does not depend on who else wants them.

`DURHAMPULSE_SIZES` (1_000_000,10_000_000) sets the sizes, `DURHAMPULSE_SECONDS` (60) how long the
reviewers work.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks import desk as benchmark
from benchmarks.load import Record, people, put_in_place, spread
from durhampulse.decision.bands import Thresholds
from durhampulse.desk.campaigns import campaigns
from durhampulse.desk.campaigns.brief import Brief
from durhampulse.desk.campaigns.proposal import propose
from durhampulse.desk.models.catalogue import save_thresholds
from durhampulse.desk.people.people import add_person
from durhampulse.desk.people.sessions import SessionLimits, find_session, open_session
from durhampulse.desk.server import open_desk
from durhampulse.desk.web.state import Desk

SIZES = [
    int(size) for size in os.environ.get("DURHAMPULSE_SIZES", "1_000_000,10_000_000").split(",")
]
SECONDS = float(os.environ.get("DURHAMPULSE_SECONDS", "60"))
REVIEWERS, THINK, TIMES = 50, 10.0, 5
PAGES = {
    "first page": "/shortlist?sort=followers&order=asc",
    "a page of three filters": "/shortlist?sort=engagement_rate&tier=nano&niche=Tech&band=no",
    "a page of a search": "/shortlist?search=creator4711&sort=niche",
    "counts and totals": "/shortlist/totals?tier=nano",
    "counts beside the filters": "/shortlist/facets?tier=nano",
    "the queue's next creator": "/queue",
    "a creator": "/creators/4711",
    "pipeline": "/pipeline",
}


def main() -> None:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir="/tmp")))
        (url,) = [url for name, url in benchmark.stores(folder, stack) if name == "PostgreSQL"]
        for size in SIZES:
            for what, figure in measured(folder, url, size):
                print(f"{size:,}: {what}: {figure}; load {os.getloadavg()[0]:.0f}", flush=True)


def measured(folder: Path, url: str, size: int) -> Iterator[tuple[str, str]]:
    """Let the list grow to a size; yield what is done with it, and what that takes."""
    desk = open_desk(url, files_in=folder)
    watched = [os.getpid(), int((folder / "pg" / "postmaster.pid").read_text().split()[0])]
    before = max((0, *(other for other in SIZES if other < size)))
    first, took, cpu = before, 0.0, 0.0
    while first < size:  # as partners send them: a million at most in a file
        rows = min(1_000_000, size - first)
        path = list_of(folder, first, rows)
        seconds, work = costs(watched, lambda path=path: put_in_place(desk, path))
        first, took, cpu = first + rows, took + seconds, cpu + work
    yield f"import of {size - before:,}", f"{took:.0f} s, {cpu:.0f} s CPU"
    save_thresholds(desk.store, Thresholds(0.9, 0.05), "benchmark", desk.catalogue.current())
    brief = Brief(name="Spring", number=200)
    at = campaigns.make(desk.store, brief, "benchmark")
    took, cpu = costs(watched, lambda: propose(desk.store, desk.catalogue, at, "benchmark"))
    yield "a campaign of 200 proposed", f"{took:.1f} s, {cpu:.1f} s CPU"
    token, _ = benchmark.signed_in(desk, "Ann")
    reviewers = sessions(desk, REVIEWERS)
    with benchmark.served(folder, url) as (address, ready):
        yield "start to ready", f"{ready:.1f} s"
        for what, path in {**PAGES, "the campaign": f"/campaigns/{at}"}.items():
            yield what, asked(address, path, token, watched)
        yield f"{REVIEWERS} reviewers", reviewed(address, reviewers)
    desk.store.close()


def list_of(folder: Path, first: int, rows: int) -> Path:
    """Write a list whose creators no other list has."""
    path = folder / "list.parquet"
    benchmark.write_list(path, rows, first)
    table = pq.read_table(path)
    numbers = pa.array(np.arange(first, first + rows))
    at = table.column_names.index("Influencer_ID")
    pq.write_table(table.set_column(at, "Influencer_ID", numbers), path)
    return path


def sessions(desk: Desk, number: int) -> list[tuple[int, str, str]]:
    """Return new reviewers, each with the cookie and the token of a session."""
    limits, made = SessionLimits(hours=24), []
    with desk.store.writing() as db:
        for _ in range(number):
            person = add_person(db, secrets.token_hex(8), "reviewer", "benchmark")
            token = open_session(db, person, limits)
            session = find_session(db, token, limits)
            assert session is not None
            made.append((person, token, session.csrf))
    return made


def asked(address: str, path: str, token: str, watched: list[int]) -> str:
    """Return what a page takes: waiting in the middle of some requests, and the processors."""
    waits: list[float] = []
    _, work = costs(watched, lambda: waits.extend(
        benchmark.ask(address, path, token) for _ in range(TIMES)
    ))  # fmt: skip
    return f"{1_000 * np.median(waits):.0f} ms, {1_000 * work / TIMES:.0f} ms CPU"


def reviewed(address: str, reviewers: list[tuple[int, str, str]]) -> str:
    """Return what reviewers at work together wait for pages and decisions."""
    record, until = Record(), time.monotonic() + SECONDS
    threads = [
        threading.Thread(target=reviewer.work, args=(until, THINK), daemon=True)
        for reviewer in people(reviewers, [address], record)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    odd = f", {dict(record.counts)}" if record.counts else ""
    return (
        f"{len(record.kept):,} decisions, {spread(record.waits)}; "
        f"{len(record.pages):,} pages, {spread(record.pages)}{odd}"
    )


def costs(watched: list[int], work: Callable[[], object]) -> tuple[float, float]:
    """Return seconds, and those of the processors in some processes and all below them."""
    start, before = time.perf_counter(), processor(watched)
    work()
    return time.perf_counter() - start, processor(watched) - before


def processor(watched: list[int]) -> float:
    """Return the processors' seconds in some processes, those below them, and those that ended."""
    ticks, parents = dict[int, int](), dict[int, int]()
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it ended meanwhile
            fields = path.read_text().rpartition(")")[2].split()
            number = int(path.parent.name)
            parents[number], ticks[number] = int(fields[1]), sum(map(int, fields[11:15]))
    below = set(watched)
    while more := {number for number, parent in parents.items() if parent in below} - below:
        below |= more
    return sum(ticks.get(number, 0) for number in below) / os.sysconf("SC_CLK_TCK")
