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

import os
import random
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import func, select

from benchmarks.desks.acts import decline_all, list_creators, undo
from benchmarks.desks.copies import copy_import
from benchmarks.desks.lists import kept_folder, put_in_place, stores, write_list
from benchmarks.desks.pages import Visitor, served, sign_in
from benchmarks.desks.team import Record, seated, started
from benchmarks.timing import costs, processor_seconds_of, spread
from durhampulse.decision.bands import Thresholds
from durhampulse.desk.campaigns import campaigns
from durhampulse.desk.campaigns.brief import Brief
from durhampulse.desk.campaigns.proposal import propose
from durhampulse.desk.models.catalogue import save_thresholds
from durhampulse.desk.people.people import Principal
from durhampulse.desk.server import open_desk
from durhampulse.desk.shortlist.view import View
from durhampulse.desk.store.tables import creator, run
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


Processor = Callable[[], float]


def main() -> None:
    """Print what the desk's tasks take at each size of its list."""
    with ExitStack() as stack:
        folder = kept_folder(stack)
        (url,) = [url for name, url in stores(folder, stack) if name == "PostgreSQL"]
        for size in SIZES:
            for what, figure in measured(folder, url, size):
                print(f"{size:,}: {what}: {figure}; load {os.getloadavg()[0]:.0f}", flush=True)


def measured(folder: Path, url: str, size: int) -> Iterator[tuple[str, str]]:
    """Let the list grow to a size; yield what is done with it, and what that takes."""
    desk = open_desk(url, files_in=folder)
    watched = [os.getpid(), int((folder / "pg" / "postmaster.pid").read_text().split()[0])]
    processor = partial(processor_seconds_of, watched)
    yield from grown(desk, folder, size, processor)
    save_thresholds(desk.store, Thresholds(0.9, 0.05), "benchmark", desk.catalogue.current())
    at = campaigns.make(desk.store, Brief(name="Spring", number=200), "benchmark")
    took, cpu = costs(lambda: propose(desk.store, desk.catalogue, at, "benchmark"), processor)
    yield "a campaign of 200 proposed", f"{took:.1f} s, {cpu:.1f} s CPU"
    yield from declined(desk, sign_in(desk, "Ann")[1], size, processor)
    sessions = [sign_in(desk, secrets.token_hex(8)) for _ in range(REVIEWERS)]
    cookie, who = sign_in(desk, "Ann")
    with served(folder, url) as (address, ready):
        yield "start to ready", f"{ready:.1f} s"
        ann = Visitor(address=address, cookie=cookie, csrf=who.csrf)
        for what, path in {**PAGES, "the campaign": f"/campaigns/{at}"}.items():
            yield what, asked(partial(ann.ask, path), processor)
        yield "a decision", decided(ann, size, processor)
        yield f"{REVIEWERS} reviewers", reviewed(address, sessions)
    desk.store.close()


def grown(desk: Desk, folder: Path, size: int, processor: Processor) -> Iterator[tuple[str, str]]:
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
        took, cpu = costs(partial(put_in_place, desk, path), processor)
        first += rows
        yield f"import of {rows:,} into {first - rows:,}", f"{took:.0f} s, {cpu:.1f} s CPU"


def list_of(folder: Path, first: int, rows: int) -> Path:
    """Write a list whose creators no other list has; return its path."""
    path = folder / "list.parquet"
    write_list(path, rows, first)
    table = pq.read_table(path)
    numbers = pa.array(np.arange(first, first + rows))
    at = table.column_names.index("Influencer_ID")
    pq.write_table(table.set_column(at, "Influencer_ID", numbers), path)
    return path


def asked(ask: Callable[[], float], processor: Processor, times: int = TIMES) -> str:
    """Return what a request takes: the median wait of some, and the processors' time of one."""
    waits: list[float] = []
    _, cpu = costs(lambda: waits.extend(ask() for _ in range(times)), processor)
    return f"{1_000 * np.median(waits):.0f} ms, {1_000 * cpu / times:.0f} ms CPU"


def declined(
    desk: Desk, who: Principal, size: int, processor: Processor
) -> Iterator[tuple[str, str]]:
    """Decline creators all over the list in one act, and undo it; yield what either takes."""
    c, every = creator.c, max(1, size // MANY)
    some = select(c.id).where(c.id % every == 0, c.state == "open")
    number = list_creators(desk, f"Every {every}th", some)
    act, selection = decline_all(desk, View(listed=str(number)), who)
    took, cpu = costs(desk.worker.work, processor)
    yield "an act on many", f"{selection.total:,} creators, {took:.0f} s, {cpu:.1f} s CPU"
    took, cpu = costs(lambda: undo(desk, act), processor)
    yield "its undo", f"{took:.0f} s, {cpu:.1f} s CPU"


def decided(visitor: Visitor, size: int, processor: Processor) -> str:
    """Return what a decision takes, without the page that follows it."""
    lot = random.Random(size)
    return asked(lambda: visitor.approve(lot.randint(1, size)), processor, DECISIONS)


def reviewed(address: str, sessions: list[tuple[str, Principal]]) -> str:
    """Return what reviewers at work together wait for pages and decisions."""
    record, until = Record(), time.monotonic() + SECONDS
    for thread in started(seated(sessions, [address], record), until, THINK):
        thread.join()
    odd = f", {dict(record.counts)}" if record.counts else ""
    return (
        f"{len(record.kept):,} decisions, {spread(record.waits)}; "
        f"{len(record.pages):,} pages, {spread(record.pages)}{odd}"
    )
