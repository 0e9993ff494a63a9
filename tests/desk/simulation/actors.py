"""Reviewers, importers and workers, and whoever kills processes."""

from __future__ import annotations

import itertools
import random

from sqlalchemy import func, select, update

from durhampulse.desk.imports import jobs
from durhampulse.desk.imports.undoing import ask_to_undo
from durhampulse.desk.imports.worker import Worker
from durhampulse.desk.models.catalogue import Catalogue
from durhampulse.desk.people.erasure import erase
from durhampulse.desk.people.people import Principal
from durhampulse.desk.review.bulk import begin
from durhampulse.desk.review.decisions import (
    REASONS,
    ReviewDecision,
    decide,
    decide_many,
    last_review,
)
from durhampulse.desk.review.queue import claim_next, progress, queue_counts, release
from durhampulse.desk.review.undoing import latest, undo
from durhampulse.desk.shortlist.pages import totals
from durhampulse.desk.shortlist.selection import select_all
from durhampulse.desk.shortlist.view import View
from durhampulse.desk.store.acts import undo_act
from durhampulse.desk.store.audit import note
from durhampulse.desk.store.database import AWAY
from durhampulse.desk.store.settings import read_setting
from durhampulse.desk.store.tables import creator, upload
from durhampulse.exceptions import InputError
from tests.desk.simulation.observer import STATES, require
from tests.desk.simulation.scheduler import Killed
from tests.desk.simulation.template import OTHER
from tests.desk.simulation.transitions import Op

TRIES = 12
FOR_WORKERS = ("confirm", "undo import", "bulk", "activate", "undo act")
CHOICES = ("approve", "decline", "tentative", "skip", "reopen")


class LostError(Exception):
    """No answer came: whoever asked does not know what became of it."""


def spawn_all(sim) -> None:
    """Add everybody."""
    left = itertools.count(1)
    clients = []

    def client(name, work):
        clients.append(name)

        def live():
            try:
                work()
            finally:
                clients.remove(name)

        sim.scheduler.spawn(name, live)

    for number in sim.people:
        client(f"reviewer {number}", lambda number=number: review(sim, number, left))
    client("importer", lambda: bring_in(sim))
    client("admin", lambda: administer(sim))
    client("killer", lambda: kill(sim))
    for process in sim.processes:
        sim.scheduler.spawn(f"worker {process.name}", lambda p=process: work(sim, p, clients))


def call(sim, op: Op, function):
    """Have one of the processes answer a request; `function` gets the process.

    Raises
    ------
    LostError
        If the request is lost, or its answer, or the process cannot answer.
    InputError
        If it refuses.
    """
    actor, process = sim.scheduler.current, sim.lot.choice(sim.processes)
    if sim.chance(sim.faults.request):
        raise LostError
    if sim.chance(sim.faults.late):
        sim.scheduler.sleep(sim.lot.expovariate(1 / 300))
    actor.op = op
    sim.enter(process)
    try:
        result = function(process)
    except (Killed, *AWAY) as error:
        raise LostError from error
    finally:
        sim.leave()
        actor.op, sim.asked = None, sim.asked + (op.kind in FOR_WORKERS)
    if sim.chance(sim.faults.answer):
        raise LostError
    sim.counts[op.kind] += 1
    return result


def insist(sim, op: Op, function):
    """Ask again, with the same request, until there is an answer."""
    for _ in range(TRIES):
        try:
            return call(sim, op, function)
        except LostError:
            sim.scheduler.sleep(sim.lot.expovariate(1 / 5))
    raise LostError


def review(sim, number: int, names) -> None:
    """Live a reviewer's day."""
    acts = (queue, queue, queue, browse, browse, tick, take_back, give_back)
    for _ in range(sim.rounds):
        sim.scheduler.sleep(sim.lot.expovariate(1 / 60))
        act = sim.lot.choice(acts)
        try:
            act(sim, number, names)
        except LostError:
            sim.counts["no answer"] += 1
        except InputError:
            sim.counts["refused"] += 1


def queue(sim, number: int, names) -> None:
    """Take the queue's next creator and decide, or go away without a word."""
    lot = random.Random(sim.lot.random())
    rules = sim.processes[0].catalogue
    op = Op(kind="claim", person=number)
    claimed = insist(sim, op, lambda p: claim_next(p.store, number, rules.current(), lot=lot))
    if claimed is None:
        return
    at, state = claimed.creator_id, sim.checker.state
    holder, until = state.claims.get(at, (number, ""))
    ended = claimed.until <= sim.scheduler.now  # the answer came late
    right = holder == number or until <= sim.moment or ended
    require(right, "a claim is held by two", (at, holder, number))
    sim.scheduler.sleep(sim.lot.choice((20, 60, 1000)))
    if sim.lot.random() < 0.8:
        send(sim, number, at, names, queued=True)


def browse(sim, number: int, names) -> None:
    """Look at a creator of the list, and decide by what the page showed."""
    page = insist(sim, Op(kind="look", person=number), lambda p: look(sim, p))
    at = sim.lot.choice([*sim.checker.state.creators])
    sim.scheduler.sleep(sim.lot.choice((2, 60)))
    send(sim, number, at, names, page=page)


def look(sim, process):
    """Give the latest review, and how many commits there were at most when it was read."""
    return read(process, last_review), sim.checker.commits


def read(process, function):
    """Give what a function reads."""
    with process.store.reading() as db:
        return function(db)


def send(sim, number: int, at: int, names, *, page=(None, None), queued=False) -> None:
    """Send a decision, two times at once where a button is pressed twice."""
    request = f"request {next(names):06d}"
    made = ReviewDecision(choice=sim.lot.choice(CHOICES), reason=REASONS[0], note="",
                          request=request, seen=page[0])  # fmt: skip
    op = Op(
        kind="decide",
        person=number,
        creator=at,
        choice=made.choice,
        request=request,
        seen=page[1],
        queued=queued,
    )

    def ask(process):
        rules = process.catalogue.current()
        return decide(process.store, at, number, made, rules, queued=queued)

    if sim.chance(sim.faults.twice):
        sim.scheduler.spawn(f"twin of {request}", lambda: twin(sim, op, ask))
    review_id, _ = insist(sim, op, ask)
    check_answer(sim, op, review_id)


def twin(sim, op: Op, ask) -> None:
    """Send a decision a second time."""
    try:
        check_answer(sim, op, call(sim, op, ask)[0])
    except (LostError, InputError):
        sim.counts["refused"] += 1


def check_answer(sim, op: Op, review_id: int) -> None:
    """Check that what was answered is committed, and is what was asked."""
    require(sim.checker.requests.get(op.request) == review_id, "answered and not committed", op)
    kept = sim.checker.state.reviews.get(review_id)
    if kept is None:
        require(op.creator not in sim.checker.state.creators, "a review is lost", op)


def tick(sim, number: int, names) -> None:
    """Decide about several at once, and undo it now and then."""
    page = insist(sim, Op(kind="look", person=number), lambda p: look(sim, p))
    at = sim.lot.sample([*sim.checker.state.creators], 3)
    sim.scheduler.sleep(sim.lot.choice((2, 60)))
    made = ReviewDecision(choice=sim.lot.choice(CHOICES[:3]), reason=REASONS[0], note="",
                          request=f"request {next(names):06d}", seen=page[0])  # fmt: skip
    op = Op(kind="many", person=number, request=made.request, seen=page[1])
    result = insist(
        sim, op, lambda p: decide_many(p.store, at, number, made, p.catalogue.current())
    )
    recorded = [n for r, n in sim.checker.requests.items() if r.startswith(f"{made.request}:")]
    left = [n for n in recorded if n in sim.checker.state.reviews]  # others erase meanwhile
    right = len(left) <= result.decided <= len(recorded)
    require(right, "answered and not committed", (op, result))
    if result.act is not None and sim.lot.random() < 0.5:
        sim.scheduler.sleep(30)
        op = Op(kind="undo act", person=number)
        done = insist(sim, op, lambda p: undo_act(p.store, result.act, f"Reviewer {number}"))
        acts = sim.checker.state.acts
        require(not done.done or acts[result.act][2] is not None, "undone and not so", done)


def take_back(sim, number: int, _names) -> None:
    """Undo the latest decision."""
    last = insist(
        sim, Op(kind="look", person=number), lambda p: read(p, lambda db: latest(db, number))
    )
    if last is None:
        return
    op = Op(kind="undo", person=number, creator=last.creator_id)
    insist(sim, op, lambda p: undo(p.store, number, last.id))
    kept = sim.checker.state.reviews.get(last.id)
    require(kept is None or kept.undone_at is not None, "undone and not so", last.id)


def give_back(sim, number: int, _names) -> None:
    """Give a creator back to the queue."""
    insist(sim, Op(kind="release", person=number), lambda p: release(p.store, number))


def bring_in(sim) -> None:
    """Put imports in place, and undo them."""
    numbers = [n for n, state in sim.checker.state.uploads.items() if state == "checked"]
    for number in [*numbers, *numbers]:
        sim.scheduler.sleep(sim.lot.expovariate(1 / 60))
        state = sim.checker.state.uploads[number]
        try:
            if state == "checked":
                op = Op(kind="confirm")
                insist(sim, op, lambda p, number=number: confirm(p, number))
            elif state == "done" and sim.lot.random() < 0.7:
                op = Op(kind="undo import")
                insist(sim, op, lambda p, number=number: ask_to_undo(p.store, number, "importer"))
        except (LostError, InputError):
            sim.counts["refused"] += 1


def confirm(process, number: int) -> None:
    """Confirm an import, as its page does."""
    with process.store.writing() as db:
        checked = update(upload).where(upload.c.id == number, upload.c.state == "checked")
        values = {"state": "applying", "lease_until": None}
        if not db.execute(checked.values(**values)).rowcount:
            raise InputError("This import has moved on.", "Reload the page.")
        note(db, "importer", "import confirmed", f"upload {number}")


def administer(sim) -> None:
    """Activate a model, decide about all that match, erase somebody, in some order."""
    acts = [switch_model, decide_all, forget]
    sim.lot.shuffle(acts)
    for act in acts[: sim.lot.randint(1, 3)]:
        sim.scheduler.sleep(sim.lot.expovariate(1 / 90))
        try:
            act(sim)
        except (LostError, InputError):
            sim.counts["refused"] += 1


def switch_model(sim) -> None:
    """Have a worker activate another model."""
    call(sim, Op(kind="activate"), lambda p: p.worker.activate(OTHER, "admin"))


def decide_all(sim) -> None:
    """Begin a decision about all that a view matches."""
    process = sim.lot.choice(sim.processes)

    def select_them(db):
        return select_all(db, View(state=("open",)), process.catalogue.current(db))

    selection = insist(sim, Op(kind="look"), lambda p: read(p, select_them))
    sim.checker.bulk_seen = sim.checker.commits
    sim.scheduler.sleep(20)
    order = {"decision": "decline", "reason": REASONS[0], "note": ""}
    who = Principal(sim.people[0], "Reviewer 0", "reviewer")
    op = Op(kind="bulk", person=who.id)
    insist(sim, op, lambda p: begin(p.store, selection, "decide", order, "all of them", who))


def forget(sim) -> None:
    """Erase a creator, who may object to coming back."""
    name = sim.lot.choice([c.name for c in sim.checker.state.creators.values()])
    objects = sim.lot.random() < 0.5
    insist(sim, Op(kind="erase"), lambda p: erase(p.store, name, "admin", objects=objects))
    there = {creator.name for creator in sim.checker.state.creators.values()}
    require(name not in there, "erased and still there", name)
    sim.checker.erased.add(name)  # who had gone with an undone import does not come back either


def kill(sim) -> None:
    """Kill processes now and then."""
    for _ in range(sim.faults.kills):
        sim.scheduler.sleep(sim.lot.expovariate(1 / 120))
        sim.lot.choice(sim.processes).kills += 1


def work(sim, process, clients) -> None:
    """Work for a process until nobody asks any more and nothing waits; a killed one starts again."""
    idle = 0  # looks for work in vain after the last client went
    while idle < 2:
        sim.calm = not clients
        sim.enter(process)
        try:
            busy = process.worker.work()
        except Killed:
            process.worker, busy = Worker(process.store, process.catalogue), True
        except AWAY:
            busy = True
        finally:
            sim.leave()
        idle = idle + 1 if sim.calm and not busy else 0
        if not busy:
            pause(sim, clients)


def pause(sim, clients) -> None:
    """Wait for work; a server polls twice a second, which would take long."""
    asked = sim.asked
    if clients:
        sim.scheduler.sleep(600, lambda: not clients or sim.asked != asked)
    else:
        sim.scheduler.sleep(21)  # by then leases have ended


def check_again(store, catalogue: Catalogue, job, _stop) -> None:
    """Stand in for the check of an import: its rows are read and scored in the template alone."""
    with store.reading() as db:
        version = catalogue.current(db).version
    with store.writing() as db:
        jobs.extend_lease(db, job, state="checked", model_version=version)


def check_counts(sim) -> None:
    """Check what pages count against the tables."""
    state, rules = sim.checker.state, sim.processes[0].catalogue.current()
    with sim.processes[1].store.reading() as db:
        version = read_setting(db, "active_model")
        sums, counts = (
            totals(db, View(), rules),
            progress(db, sim.people[0], queue_counts(db, rules)),
        )
        creators = db.scalar(select(func.count()).select_from(creator))
    require(version == rules.version, "another model is active", version)
    require(sums.creators == creators == len(state.creators), "another sum", sums.creators)
    decided = sum(c.state != "open" for c in state.creators.values())
    require(counts.decided == decided, "another count of decided", (counts.decided, decided))
    others = sum(p != sim.people[0] and until > sim.moment for p, until in state.claims.values())
    require(counts.others == others, "another count of claims", (counts.others, others))
    require(set(STATES.values()) >= {c.state for c in state.creators.values()}, "state", "")
