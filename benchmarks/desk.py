"""The desk with a million creators, their handles and addresses: import, pages, plans, bulk.

In SQLite, and in PostgreSQL beside it.

Pages are asked for over HTTP on loopback: any sort, up to three filters, first pages and deep
ones. `DURHAMPULSE_ROWS` sets how many creators there are.

With `DURHAMPULSE_FOLDER=DIR` the stores are kept there, and a later run takes them as they are.
"""

from __future__ import annotations

import random
import secrets
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import func, select, update

from benchmarks.desks.acts import decline_half, list_creators, undo
from benchmarks.desks.lists import ROWS, filled_desks
from benchmarks.desks.pages import Visitor, served, sign_in
from benchmarks.timing import costs, elapsed, spread
from durhampulse.desk.campaigns import campaigns
from durhampulse.desk.campaigns.brief import Brief
from durhampulse.desk.campaigns.proposal import compute, propose
from durhampulse.desk.review.decisions import REASONS, ReviewDecision, decide
from durhampulse.desk.shortlist.view import SORTS
from durhampulse.desk.store.tables import creator, run
from durhampulse.desk.web.state import Desk

PAGES, STARTS = 120, 4
PAUSE = 1.0
"""Seconds between the pages of a person, who reads them."""
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


SEARCHES = ("c", "q", "zz", "99", "creator", "@creator4711", "c4711@mail", "nobody")


def main() -> None:
    """Print what a desk with a long list takes for each of its tasks, for either database."""
    with filled_desks() as desks:
        for desk, folder, url in desks:
            browse(desk, folder, url)
            plan(desk)
            decide_all(desk)
            look_back(desk, folder, url)


@contextmanager
def visited(desk: Desk, folder: Path, url: str) -> Iterator[Visitor]:
    """Serve a desk; yield a reviewer at its pages."""
    cookie, who = sign_in(desk, "Ann")
    with served(folder, url) as (address, ready):
        print(f"start to ready {ready:.1f} s")
        yield Visitor(address=address, cookie=cookie, csrf=who.csrf)


def browse(desk: Desk, folder: Path, url: str) -> None:
    """Print what the pages of a list, its counts and searches take."""
    lot = random.Random(0)
    queries, others = ([query(lot) for _ in range(PAGES)] for _ in range(2))
    some = [
        f"creator={'&creator='.join(map(str, lot.sample(range(1, ROWS), 32)))}" for _ in range(40)
    ]
    firsts: list[float] = []
    for _ in range(STARTS - 1):
        with visited(desk, folder, url) as ann:
            firsts.append(ann.ask("/shortlist"))
    with visited(desk, folder, url) as ann:
        report("the first request after a start", [*firsts, ann.ask("/shortlist")])
        for what, path, asked, pause in (
            ("a page for the first time", "/shortlist?", queries, PAUSE),
            ("the same again", "/shortlist?", queries, 0.0),
            ("others, one at once after the other", "/shortlist?", others, 0.0),
            ("reasons further down a page", "/shortlist/reasons?", some, PAUSE),
            ("counts and totals", "/shortlist/totals?", ["", *queries[:40]], 0.0),
            ("counts beside the filters", "/shortlist/facets?", ["", *queries[:20]], 0.0),
            ("an import's list", "/shortlist?list=import-1&", queries[:40], PAUSE),
            ("the queue's next creator", "/queue", [""] * 20, 0.0),
        ):
            waits = [ann.ask(path + q, after=pause) for q in asked]
            report(what, waits)
            print(f"  the slowest: {path}{asked[waits.index(max(waits))]}")
        for part in SEARCHES:
            report(f"search {part!r}", [
                ann.ask(f"/shortlist?search={part}&sort={sort}", after=PAUSE) for sort in SORTS
            ])  # fmt: skip
            for what in ("totals", "facets"):
                path = f"/shortlist/{what}?search={part}&sort={next(iter(SORTS))}"
                report(f"{what} of {part!r}", [ann.ask(path)])


def query(lot: random.Random) -> str:
    """Return the query of a list in some order, with up to three filters."""
    chosen = lot.sample([*FILTERS], lot.randint(0, 3))
    pairs = [f"{name}={lot.choice(FILTERS[name]).replace('%', '%25')}" for name in chosen]
    return "&".join(
        [f"sort={lot.choice([*SORTS])}", f"order={lot.choice(['asc', 'desc'])}", *pairs]
    )


def plan(desk: Desk) -> None:
    """Propose sets of creators whose own fees rise with their views; print what each takes."""
    with desk.store.writing() as db:
        db.execute(update(creator).values(fee=0.01 * creator.c.avg_views * (1 + creator.c.lottery)))
    for limits in BRIEFS:
        brief = Brief(name="Benchmark", number=200, **limits)
        seconds, cpu = costs(partial(compute, desk.store, desk.catalogue, brief))
        print(f"proposal {limits}: {seconds:.1f} s, {cpu:.1f} s CPU", flush=True)


def decide_all(desk: Desk) -> None:
    """Decline half of the list in one act with a reviewer beside it; print what either takes."""
    number, selection = decline_half(desk, sign_in(desk, "Ann")[1])
    waits: list[float] = []
    done = threading.Event()
    reviewer = threading.Thread(target=lambda: waits.extend(decisions(desk, done)))
    reviewer.start()
    took, cpu = costs(desk.worker.work)
    done.set()
    reviewer.join()
    report("decisions of a reviewer beside it", waits)
    print(
        f"all that match, {selection.total:,} creators: {took:.1f} s, {cpu:.1f} s CPU", flush=True
    )
    took, cpu = costs(lambda: undo(desk, number))
    print(f"undo of it: {took:.1f} s, {cpu:.1f} s CPU", flush=True)


def decisions(desk: Desk, done: threading.Event) -> Iterator[float]:
    """Yield the seconds of decisions about random creators, 50 ms apart, until all is done."""
    lot, rules, (_, ben) = random.Random(0), desk.catalogue.current(), sign_in(desk, "Ben")
    while not done.wait(0.05):
        made = ReviewDecision(
            choice="approve", reason=REASONS[0], note="", request=secrets.token_hex(8)
        )
        at = lot.randint(1, ROWS // 2)  # of a million rows some are no creators
        yield elapsed(partial(decide, desk.store, at, ben.id, made, rules))


def look_back(desk: Desk, folder: Path, url: str) -> None:
    """Print what pages take after half a million decisions, of a campaign and of a list by hand."""
    least = select(creator.c.id).order_by(creator.c.probability.nulls_first()).limit(ROWS // 2)
    number = list_creators(desk, "The least probable", least)
    desk.store.tidy()
    at = campaigns.make(desk.store, Brief(name="Spring", number=200), "benchmark")
    took = elapsed(lambda: propose(desk.store, desk.catalogue, at, "benchmark"))
    print(f"a campaign of 200 proposed: {took:.1f} s")
    with desk.store.reading() as db:
        last = db.scalar(select(func.max(run.c.id)).where(run.c.applied_at.is_not(None)))
    with visited(desk, folder, url) as ann:
        for path in ("/pipeline", "/pipeline?days=30", "/acts", "/outcomes", f"/campaigns/{at}",
                     f"/campaigns/{at}?search=creator4711", f"/shortlist?list={number}",
                     f"/shortlist?list={number}&order=asc",
                     f"/shortlist/totals?list={number}", f"/shortlist/facets?list={number}",
                     "/shortlist?sort=niche", "/shortlist?sort=state&state=approved",
                     "/then", "/then?page=900", f"/then?run={last}",
                     "/then?day=2001-01-01"):  # fmt: skip
            report(path, [ann.ask(path) for _ in range(5)])
        for asked in ("", "?wait=true", "?at=3"):
            path = f"/campaigns/{at}/frontier{asked}"
            report(path, [ann.ask(path)])
        lot = random.Random(1)
        waits = [ann.approve(lot.randint(1, ROWS // 2)) for _ in range(200)]
        report("a decision beside the list", waits)


def report(what: str, seconds: Sequence[float]) -> None:
    """Print the percentiles of some seconds."""
    print(f"{what}: {spread(seconds)} ({len(seconds)} requests)", flush=True)


if __name__ == "__main__":
    main()
