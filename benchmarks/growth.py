"""A desk on PostgreSQL at a million creators and at more: what grows, and how.

The list grows in the store by imports. At each size pages, counts, searches, the queue and a
campaign are asked for one after the other, then 50 reviewers work for a while. Beside what waits
took stands what the processors did, of the desk and of PostgreSQL with its parallel workers, since
that does not depend on who else wants them.

`DURHAMPULSE_SIZES` (1_000_000,10_000_000) sets the sizes, `DURHAMPULSE_SECONDS` (60) how long the
reviewers work. With `DURHAMPULSE_FOLDER=DIR` the store is kept there, and a later run goes on where
its list ends. `DURHAMPULSE_COPIED=1` imports the first and the last million alone, with copies of
the first between them.
"""

from __future__ import annotations

import contextlib
import os
import random
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
from sqlalchemy import func, literal, select

from benchmarks import desk as benchmark
from benchmarks.copies import copy_import
from benchmarks.load import Record, people, put_in_place, spread
from durhampulse.decision.bands import Thresholds
from durhampulse.desk.campaigns import campaigns
from durhampulse.desk.campaigns.brief import Brief
from durhampulse.desk.campaigns.proposal import propose
from durhampulse.desk.models.catalogue import save_thresholds
from durhampulse.desk.people.people import Principal, add_person
from durhampulse.desk.people.sessions import SessionLimits, find_session, open_session
from durhampulse.desk.review.bulk import begin
from durhampulse.desk.review.decisions import REASONS
from durhampulse.desk.server import open_desk
from durhampulse.desk.shortlist.lists import make_list
from durhampulse.desk.shortlist.selection import select_all
from durhampulse.desk.shortlist.view import View
from durhampulse.desk.store.acts import undo_act
from durhampulse.desk.store.tables import bulk, creator, list_creator, run
from durhampulse.desk.web.state import Desk

SIZES = [
    int(size) for size in os.environ.get("DURHAMPULSE_SIZES", "1_000_000,10_000_000").split(",")
]
COPIED = os.environ.get("DURHAMPULSE_COPIED") == "1"
SECONDS = float(os.environ.get("DURHAMPULSE_SECONDS", "60"))
REVIEWERS, THINK, TIMES, DECISIONS = 50, 10.0, 5, 20
SHORT, MANY, MILLION = 1_000, 100_000, 1_000_000
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
    """Print what the desk's tasks take at each size of its list."""
    kept = os.environ.get("DURHAMPULSE_FOLDER")
    with ExitStack() as stack:
        folder = Path(kept or stack.enter_context(tempfile.TemporaryDirectory(dir="/tmp")))
        folder.mkdir(exist_ok=True)
        (url,) = [url for name, url in benchmark.stores(folder, stack) if name == "PostgreSQL"]
        for size in SIZES:
            for what, figure in measured(folder, url, size):
                print(f"{size:,}: {what}: {figure}; load {os.getloadavg()[0]:.0f}", flush=True)


def measured(folder: Path, url: str, size: int) -> Iterator[tuple[str, str]]:
    """Let the list grow to a size; yield what is done with it, and what that takes."""
    desk = open_desk(url, files_in=folder)
    watched = [os.getpid(), int((folder / "pg" / "postmaster.pid").read_text().split()[0])]
    yield from grown(desk, folder, size, watched)
    save_thresholds(desk.store, Thresholds(0.9, 0.05), "benchmark", desk.catalogue.current())
    brief = Brief(name="Spring", number=200)
    at = campaigns.make(desk.store, brief, "benchmark")
    took, cpu = costs(watched, lambda: propose(desk.store, desk.catalogue, at, "benchmark"))
    yield "a campaign of 200 proposed", f"{took:.1f} s, {cpu:.1f} s CPU"
    token, who = benchmark.signed_in(desk, "Ann")
    yield from zip(("an act on many", "its undo"), declined(desk, who, size, watched), strict=True)
    reviewers = sessions(desk, REVIEWERS)
    with benchmark.served(folder, url) as (address, ready):
        yield "start to ready", f"{ready:.1f} s"
        for what, path in {**PAGES, "the campaign": f"/campaigns/{at}"}.items():
            yield what, asked(watched, lambda path=path: benchmark.ask(address, path, token))
        yield "a decision", decided(address, token, who.csrf, size, watched)
        yield f"{REVIEWERS} reviewers", reviewed(address, reviewers)
    desk.store.close()


def grown(desk: Desk, folder: Path, size: int, watched: list[int]) -> Iterator[tuple[str, str]]:
    """Import lists as partners send them, a million at most in a file; then a short one."""
    done = select(func.coalesce(func.sum(run.c.creators), 0)).where(run.c.by == "benchmark")
    with desk.store.reading() as db:
        first = int(db.scalar(done) or 0)
    short = min(SHORT, size)
    if COPIED and first:
        upto = max(first, size - MILLION)
        copy_import(desk.store, first, upto, "benchmark")
        first = upto
        yield "copies instead of imports", f"up to {first:,}"
    while first < size:
        rows = min(MILLION, size - short - first) or short
        path = list_of(folder, first, rows)
        took, cpu = costs(watched, lambda path=path: put_in_place(desk, path))
        first += rows
        yield f"import of {rows:,} into {first - rows:,}", f"{took:.0f} s, {cpu:.1f} s CPU"


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


def asked(watched: list[int], ask: Callable[[], float], times: int = TIMES) -> str:
    """Return what a request takes: waiting in the middle of some, and the processors."""
    waits: list[float] = []
    _, work = costs(watched, lambda: waits.extend(ask() for _ in range(times)))
    return f"{1_000 * np.median(waits):.0f} ms, {1_000 * work / times:.0f} ms CPU"


def decided(address: str, token: str, csrf: str, size: int, watched: list[int]) -> str:
    """Return what a decision takes, without the page that follows it."""
    lot = random.Random(size)

    def decide() -> float:
        form = {"csrf": csrf, "decision": "approve", "reason": REASONS[0], "note": "",
                "request_name": secrets.token_hex(8), "seen": 2**62}  # fmt: skip
        return benchmark.ask(address, f"/creators/{lot.randint(1, size)}/decide", token, form)

    return asked(watched, decide, DECISIONS)


def declined(desk: Desk, who: Principal, size: int, watched: list[int]) -> Iterator[str]:
    """Decline creators all over the list in one act, and undo it; yield what either takes."""
    c, every = creator.c, max(1, size // MANY)
    with desk.store.writing() as db:
        number = make_list(db, f"Every {every}th {secrets.token_hex(4)}", "benchmark")
        some = select(literal(number), c.id).where(c.id % every == 0, c.state == "open")
        db.execute(list_creator.insert().from_select(["list_id", "creator_id"], some))
    with desk.store.reading() as db:
        selection = select_all(db, View(listed=str(number)), desk.catalogue.current(db))
    order = {"decision": "decline", "reason": REASONS[0], "note": ""}
    at = begin(desk.store, selection, "decide", order, secrets.token_hex(8), who)
    took, cpu = costs(watched, desk.worker.work)
    yield f"{selection.total:,} creators, {took:.0f} s, {cpu:.1f} s CPU"
    with desk.store.reading() as db:
        act = db.scalar(select(bulk.c.act_id).where(bulk.c.id == at)) or 0
    took, cpu = costs(watched, lambda: undo_act(desk.store, act, "Ann"))
    yield f"{took:.0f} s, {cpu:.1f} s CPU"


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
