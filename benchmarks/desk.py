"""The desk with a million creators, their handles and addresses: import, pages, plans, bulk.

In SQLite, and in PostgreSQL beside it.

Pages are asked for over HTTP on loopback: any sort, up to three filters, first pages and deep
ones. PostgreSQL is the one of the package `pgserver`, with memory as for a server of its own: its
default of 128 MB holds the smaller part of the indexes, and imports took up to four times as long.

With `DURHAMPULSE_FOLDER=DIR` the stores are kept there, and a later run takes them as they are.
"""

from __future__ import annotations

import os
import random
import re
import secrets
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from sqlalchemy import func, literal, select, update

from durhampulse.desk.campaigns import campaigns
from durhampulse.desk.campaigns.brief import Brief
from durhampulse.desk.campaigns.proposal import compute, propose
from durhampulse.desk.imports import intake
from durhampulse.desk.imports.undoing import ask_to_undo
from durhampulse.desk.people import people
from durhampulse.desk.people.sessions import SessionLimits, find_session, open_session
from durhampulse.desk.review.bulk import begin
from durhampulse.desk.review.decisions import REASONS, ReviewDecision, decide
from durhampulse.desk.server import open_desk
from durhampulse.desk.shortlist.lists import make_list
from durhampulse.desk.shortlist.selection import Selection, select_all
from durhampulse.desk.shortlist.view import SORTS, View
from durhampulse.desk.store.acts import undo_act
from durhampulse.desk.store.tables import bulk, creator, list_creator, person, run, upload
from durhampulse.desk.web.access import COOKIE
from durhampulse.desk.web.creators import BESIDE
from durhampulse.desk.web.state import Desk
from durhampulse.market.sampling import write_market

ROWS, PAGES = int(os.environ.get("DURHAMPULSE_ROWS", "1_000_000")), 120
SIZES = {"shared_buffers": "2GB", "max_wal_size": "8GB"}
BRIEFS: tuple[dict[str, Any], ...] = (
    {},
    {"budget": 100_000.0},
    {"budget": 100_000.0, "most_per_niche": 20},
    {"budget": 100_000.0, "aim": "views"},
)
FILTERS = {
    "band": ("yes", "maybe", "no"), "tier": ("nano", "micro", "mid", "macro", "mega"),
    "niche": ("Tech", "Beauty", "Pets"), "state": ("open", "approved"), "edge": ("1",),
    "flag": ("0", "2"), "min_followers": ("5000", "1000000"), "min_engagement": ("5%", "30%"),
    "search": ("1", "10", "99", "nobody", "@creator4711"),
}  # fmt: skip


def main() -> None:
    """Print what a desk with a long list takes for each of its tasks, for either database."""
    with filled_desks() as desks:
        for desk, folder, url in desks:
            browse(desk, folder, url)
            plan(desk)
            decide_all(desk)
            look_back(desk, folder, url)


@contextmanager
def filled_desks() -> Iterator[Iterator[tuple[Desk, Path, str]]]:
    """Open a desk with a million creators on either database, one after the other."""
    kept = os.environ.get("DURHAMPULSE_FOLDER")
    with ExitStack() as stack:
        new = Path(kept or stack.enter_context(tempfile.TemporaryDirectory(dir="/tmp")))
        new.mkdir(exist_ok=True)
        yield _filled(new, stack)


def _filled(folder: Path, stack: ExitStack) -> Iterator[tuple[Desk, Path, str]]:
    """Yield each desk with its list in place, its folder and the address of its store."""
    market = folder / "market.parquet"
    if not market.exists():
        write_list(market)
    for name, url in stores(folder, stack):
        desk = open_desk(url, files_in=folder)
        print(f"### {name}\n")
        with desk.store.reading() as db:
            creators = db.scalar(select(func.count()).select_from(creator)) or 0
        if creators < ROWS // 2:  # a new store holds the demo
            fill(desk, market)
        yield desk, folder, url
        desk.store.close()


def write_list(path: Path, rows: int = ROWS, first: int = 0) -> None:
    """Write a list as partners send it: figures, and five columns that say who a creator is."""
    write_market(path, rows, seed=5 + first)
    table = pq.read_table(path)
    numbers = pc.cast(pa.array(range(first, first + len(table))), pa.string())
    columns = {
        "Handle": pc.binary_join_element_wise("@creator", numbers, ""),
        "Email": pc.binary_join_element_wise("c", numbers, "@mail.example", ""),
        "Profile URL": pc.binary_join_element_wise("https://video.example/", numbers, ""),
        "Country": pa.array(np.resize(["DE", "FR", "US", "BR", "IN"], len(table))),
        "Rate": numbers,
    }  # fmt: skip
    for header, texts in columns.items():
        table = table.append_column(header, texts)
    pq.write_table(table, path)


def stores(folder: Path, stack: ExitStack) -> Iterator[tuple[str, str]]:
    """Yield the name and address of each kind of store; PostgreSQL where it is installed."""
    yield "SQLite", f"sqlite:///{folder / 'desk.db'}"
    try:
        import pgserver
    except ImportError:
        print("PostgreSQL: the package pgserver is not here")
        return
    server = pgserver.get_server(folder / "pg", cleanup_mode="stop")
    server.psql("".join(f"ALTER SYSTEM SET {name} = '{size}';" for name, size in SIZES.items()))
    server.cleanup()  # and start again with them
    server = pgserver.get_server(folder / "pg", cleanup_mode="stop")
    stack.callback(server.cleanup)
    yield "PostgreSQL", server.get_uri().replace("postgresql://", "postgresql+psycopg://")


def fill(desk: Desk, market: Path) -> None:
    """Import the list twice: as new, and as stored already."""
    for what in ("new", "stored already"):
        path = market.with_name("list.parquet")
        path.write_bytes(market.read_bytes())
        with desk.store.writing() as db:
            intake.begin(db, path, path.name, "benchmark", state="checking")
        seconds = {"check": timed(desk.worker.work)}
        with desk.store.writing() as db:
            waiting = upload.update().where(upload.c.state == "checked")
            db.execute(waiting.values(state="applying"))
        seconds["put in place"] = timed(desk.worker.work)
        with desk.store.reading() as db:
            n = db.scalar(select(func.count()).select_from(creator))
        parts = ", ".join(f"{name} {took:.1f} s" for name, took in seconds.items())
        print(f"import of {ROWS:,} rows, {what}: {sum(seconds.values()):.1f} s ({parts}); "
              f"{n:,} stored", flush=True)  # fmt: skip

    with desk.store.reading() as db:
        number = db.scalar(select(func.max(upload.c.id))) or 0
    ask_to_undo(desk.store, number, "benchmark")
    print(f"undo of the second import: {timed(desk.worker.work):.1f} s", flush=True)


def plan(desk: Desk) -> None:
    """Propose sets of creators whose own fees rise with their views."""
    with desk.store.writing() as db:
        db.execute(update(creator).values(fee=0.01 * creator.c.avg_views * (1 + creator.c.lottery)))
    for limits in BRIEFS:
        brief = Brief(name="Benchmark", number=200, **limits)
        seconds, cpu = timed_cpu(lambda brief=brief: compute(desk.store, desk.catalogue, brief))
        print(f"proposal {limits}: {seconds:.1f} s, {cpu:.1f} s CPU", flush=True)


def timed_cpu(work: Callable[[], object]) -> tuple[float, float]:
    """Return seconds, and CPU seconds of this process, which are all of it with SQLite."""
    start = time.process_time()
    return timed(work), time.process_time() - start


def timed(work: Callable[[], object]) -> float:
    """Return the seconds that work takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def browse(desk: Desk, folder: Path, url: str) -> None:
    """Print what the pages of a served desk take."""
    token, _ = signed_in(desk, "Ann")
    with served(folder, url) as (address, ready):
        first = ask(address, "/shortlist", token)
        print(f"start to ready {ready:.1f} s, then the first page {first:.3f} s")
        lot = random.Random(0)
        queries = [query(lot) for _ in range(PAGES)]
        report("rows of a page", [ask(address, f"/shortlist?{q}", token) for q in queries])
        report("the same again", [ask(address, f"/shortlist?{q}", token) for q in queries])
        report("counts and totals", [ask(address, f"/shortlist/totals?{q}", token)
                                     for q in ["", *queries[:40]]])  # fmt: skip
        report("counts beside the filters", [ask(address, f"/shortlist/facets?{q}", token)
                                             for q in ["", *queries[:20]]])  # fmt: skip
        report("rows of an import's list", [ask(address, f"/shortlist?list=import-1&{q}", token)
                                            for q in queries[:40]])  # fmt: skip
        for part in ("c", "q", "zz", "99", "creator", "@creator4711", "c4711@mail", "nobody"):
            searches = [f"?search={part}&sort={sort}" for sort in SORTS]
            report(f"search {part!r}", [ask(address, f"/shortlist{q}", token) for q in searches])
            for what in ("totals", "facets"):
                report(
                    f"{what} of {part!r}", [ask(address, f"/shortlist/{what}{searches[0]}", token)]
                )
        report("the queue's next creator", [ask(address, "/queue", token) for _ in range(20)])


def signed_in(desk: Desk, name: str) -> tuple[str, people.Principal]:
    """Return the cookie of a reviewer's session and whose it is; they are made where missing."""
    limits = SessionLimits(hours=24)
    with desk.store.writing() as db:
        number = db.scalar(select(person.c.id).where(person.c.name == name))
        number = number or people.add_person(db, name, "reviewer", "benchmark")
        token = open_session(db, number, limits)
        who = find_session(db, token, limits)
    assert who is not None
    return token, who


def order_all(desk: Desk) -> tuple[int, Selection]:
    """Register that the smaller half of the list is declined; return its number and the set."""
    with desk.store.reading() as db:
        rules = desk.catalogue.current(db)
        sizes = select(creator.c.followers).where(creator.c.followers.is_not(None))
        middle = db.scalar(sizes.order_by(creator.c.followers).offset(ROWS // 2).limit(1)) or 0.0
        selection = select_all(db, View(max_followers=middle), rules)
    order = {"decision": "decline", "reason": REASONS[0], "note": ""}
    _, ann = signed_in(desk, "Ann")
    return begin(desk.store, selection, "decide", order, secrets.token_hex(8), ann), selection


def decide_all(desk: Desk) -> None:
    """Decline half of the list in one act, with a reviewer at work beside it."""
    number, selection = order_all(desk)
    rules = desk.catalogue.current()
    _, ben = signed_in(desk, "Ben")
    waits: list[float] = []
    done = threading.Event()

    def review() -> None:
        lot = random.Random(0)
        while not done.wait(0.05):
            made = ReviewDecision(
                choice="approve", reason=REASONS[0], note="", request=secrets.token_hex(8)
            )
            at = lot.randint(1, ROWS)
            start = time.perf_counter()
            decide(desk.store, at, ben.id, made, rules)
            waits.append(time.perf_counter() - start)

    reviewer = threading.Thread(target=review)
    reviewer.start()
    took, cpu = timed_cpu(desk.worker.work)
    done.set()
    reviewer.join()
    report("decisions of a reviewer beside it", waits)
    print(
        f"all that match, {selection.total:,} creators: {took:.1f} s, {cpu:.1f} s CPU", flush=True
    )
    with desk.store.reading() as db:
        act_id = db.scalar(select(bulk.c.act_id).where(bulk.c.id == number)) or 0
    took, cpu = timed_cpu(lambda: undo_act(desk.store, act_id, "Ann"))
    print(f"undo of it: {took:.1f} s, {cpu:.1f} s CPU", flush=True)


def look_back(desk: Desk, folder: Path, url: str) -> None:
    """Look at what came of half a million decisions, at a campaign, and at a list in its order."""
    with desk.store.writing() as db:
        number = make_list(db, f"The least probable {secrets.token_hex(4)}", "benchmark")
        p = creator.c.probability
        least = select(literal(number), creator.c.id).order_by(p.nulls_first()).limit(ROWS // 2)
        db.execute(list_creator.insert().from_select(["list_id", "creator_id"], least))
    desk.store.tidy()
    at = campaigns.make(desk.store, Brief(name="Spring", number=200), "benchmark")
    took = timed(lambda: propose(desk.store, desk.catalogue, at, "benchmark"))
    print(f"a campaign of 200 proposed: {took:.1f} s")
    token, ann = signed_in(desk, "Ann")
    with desk.store.reading() as db:
        last = db.scalar(select(func.max(run.c.id)).where(run.c.applied_at.is_not(None)))
    with served(folder, url) as (address, _):
        for path in ("/pipeline", "/pipeline?days=30", "/acts", "/outcomes", f"/campaigns/{at}",
                     f"/campaigns/{at}?search=creator4711", f"/shortlist?list={number}",
                     f"/shortlist?list={number}&order=asc",
                     f"/shortlist/totals?list={number}", f"/shortlist/facets?list={number}",
                     "/shortlist?sort=niche", "/shortlist?sort=state&state=approved",
                     "/then", "/then?page=900", f"/then?run={last}",
                     "/then?day=2001-01-01"):  # fmt: skip
            report(path, [ask(address, path, token) for _ in range(5)])
        for asked in ("", "?wait=true", "?at=3"):
            path = f"/campaigns/{at}/frontier{asked}"
            report(path, [ask(address, path, token)])
        decide_apart(address, token, ann.csrf)


def decide_apart(address: str, token: str, csrf: str) -> None:
    """Decide about creators one by one, as the panel beside the list does."""
    lot, waits = random.Random(1), []
    for _ in range(200):
        form = {"csrf": csrf, "decision": "approve", "reason": REASONS[0], "note": "",
                "request_name": secrets.token_hex(8), "seen": 2**62}  # fmt: skip
        path = f"/creators/{lot.randint(1, ROWS // 2)}/decide"
        waits.append(ask(address, path, token, form))
    report("a decision beside the list", waits)


def query(lot: random.Random) -> str:
    """Return the query of a list in some order, with up to three filters."""
    chosen = lot.sample([*FILTERS], lot.randint(0, 3))
    pairs = [f"{name}={lot.choice(FILTERS[name]).replace('%', '%25')}" for name in chosen]
    return "&".join(
        [f"sort={lot.choice([*SORTS])}", f"order={lot.choice(['asc', 'desc'])}", *pairs]
    )


def ask(address: str, path: str, token: str, form: dict[str, Any] | None = None) -> float:
    """Return the seconds until the answer to a request, or a form, was read."""
    headers = {"cookie": f"{COOKIE}={token}", **({BESIDE: "1"} if form else {})}
    body = urllib.parse.urlencode(form).encode() if form else None
    request = urllib.request.Request(address + path, body, headers)
    start = time.perf_counter()
    with urllib.request.urlopen(request) as answer:
        answer.read()
    return time.perf_counter() - start


def report(what: str, seconds: list[float]) -> None:
    """Print the median, the 95th percentile and the most of some seconds."""
    p50, p95, most = 1_000 * np.quantile(seconds, [0.5, 0.95, 1.0])
    print(f"{what}: p50 {p50:.0f} ms, p95 {p95:.0f} ms, most {most:.0f} ms "
          f"({len(seconds)} requests)", flush=True)  # fmt: skip


@contextmanager
def served(folder: Path, url: str) -> Iterator[tuple[str, float]]:
    """Serve a store; yield the address and the seconds until it was ready."""
    command = [sys.executable, "-c", "from durhampulse.cli import main; main()", "desk", "--port",
               "0", "--store", url]  # fmt: skip
    start = time.perf_counter()
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True)
    lines: list[str] = []
    reader = threading.Thread(target=lambda: lines.extend(iter(process.stdout.readline, "")))
    reader.start()
    try:
        while not (found := re.search(r"Desk: (http\S+)/\n", "".join(lines))):
            time.sleep(0.01)
        while not answers(found[1]):
            time.sleep(0.01)
        yield found[1], time.perf_counter() - start
    finally:
        process.terminate()
        process.wait()
        reader.join()


def answers(address: str) -> bool:
    """Whether a desk answers at an address."""
    try:
        return bool(urllib.request.urlopen(address + "/healthz", timeout=1).read())
    except OSError:
        return False


if __name__ == "__main__":
    main()
