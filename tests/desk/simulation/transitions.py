"""What may change from one committed state to the next, and by whose doing."""

from __future__ import annotations

import json
from dataclasses import dataclass

from tests.desk.simulation.observer import STATES, Snapshot, check_chain, check_state, require


@dataclass(frozen=True, kw_only=True)
class Op:
    """What somebody asked for.

    Attributes
    ----------
    kind
        "decide", "many", "undo", "undo act", "claim", "release", "erase", "confirm", "undo import",
        "bulk", "activate" or "work".
    person
        Who; none of a worker.
    creator, choice, request
        Of a decision.
    seen, queued
        How many commits there were when the page was made, and whether it was the queue's.
    """

    kind: str
    person: int | None = None
    creator: int | None = None
    choice: str = ""
    request: str = ""
    seen: int | None = None
    queued: bool = False


class Checker:
    """Holds the last committed state, and checks the next against it.

    Attributes
    ----------
    state
        The last one.
    requests
        All requests that were ever recorded, to the number of the review.
    commits, bulk_seen
        How many there were, and of those when all that match were selected.
    erased
        Creators of each erasure: none ever comes back.
    """

    def __init__(self, observer, state: Snapshot) -> None:
        self._observer, self.state = observer, state
        check_state(state)
        self._head = check_chain("0" * 64, 0, state.audit)
        self.requests = {review.request: review.id for review in state.reviews.values()}
        self.erased: set[str] = set()
        self.commits = self.bulk_seen = 0
        self._born: dict[str, int] = {}
        self._former: dict[int, dict] = {}
        self._brought: dict[int, dict] = {}

    def committed(self, op: Op, now: str) -> None:
        """Check the state that a commit has left, at a moment as the store writes it."""
        before, after = self.state, self._observer.look()
        self.state, self.commits = after, self.commits + 1
        self._head = check_chain(*self._head, after.audit)
        check_state(after)
        new = [after.reviews[n] for n in after.reviews.keys() - before.reviews.keys()]
        for review in new:
            self._check_decision(before, after, review, op, now)
            self.requests[review.request], self._born[review.request] = review.id, self.commits
        _check_noted(after, new)
        _check_kept(before, after, op)
        _check_claims(before, after, new, op, now)
        self._check_list(before, after, op)

    def _check_decision(self, before, after, review, op: Op, now: str) -> None:
        """Check that a decision was allowed where it was committed."""
        creator = before.creators.get(review.creator)
        require(creator is not None, "decided of nobody", review)
        require(review.previous == creator.state, f"decided of one who was {creator.state}", review)
        holder, until = before.claims.get(review.creator, (review.person, ""))
        require(
            holder == review.person or until <= now, f"person {holder} holds the creator", review
        )
        others = [r for r in before.reviews.values() if r.creator == review.creator and r.stands]
        seen = op.seen
        if op.kind == "work":
            seen = self.bulk_seen
        if seen is not None:
            newer = [
                r for r in others if self._born[r.request] > seen and r.person != review.person
            ]
            require(not newer, "a stale page has overwritten a newer decision", (newer, review))
        if op.queued and holder != review.person:
            require(creator.state == "open", "an expired claim has overwritten a decision", review)
        if op.kind == "decide":
            given = (review.person, review.creator, review.decision, review.request)
            require(
                given == (op.person, op.creator, op.choice, op.request), "another decision", review
            )

    def _check_list(self, before: Snapshot, after: Snapshot, op: Op) -> None:
        done = changed_to(before, after, "applying", "done")
        undone = changed_to(before, after, "undoing", "undone")
        names = {c.name: c for c in after.creators.values()}
        former = {c.name: c for c in before.creators.values()}
        for upload in done:
            self._check_import(before, after, upload, former, names)
        for upload in undone:
            self._check_undo(before, upload, former, names)
        gone, come = former.keys() - names.keys(), names.keys() - former.keys()
        if op.kind == "erase":
            self.erased |= gone
        require(not gone or op.kind == "erase" or bool(undone), "creators vanished", gone)
        require(not come or bool(done), "creators came by no import", come)
        require(not self.erased & names.keys(), "erased, and there again", self.erased)

    def _check_import(self, before, after, upload, former, names) -> None:
        run = max(n for n, (_, _, of) in after.runs.items() if of == upload)
        staged = before.staged[upload]
        require(upload not in after.staged, "staged rows stay", upload)
        for name, followers in staged.items():
            creator = names.get(name)
            whole = creator is not None and (creator.run, creator.followers) == (run, followers)
            require(whole, f"import {upload} is not whole", (name, creator))
        self._former[run] = {name: former.get(name) for name in staged}
        self._brought[run] = staged

    def _check_undo(self, before, upload, former, names) -> None:
        run = max(n for n, (_, _, of) in before.runs.items() if of == upload)
        kept = self._former.pop(run)
        for name, as_it_was in kept.items():
            if name in former and former[name].run == run:
                creator = names.get(name)
                if as_it_was is not None:
                    same = creator is not None and creator.followers == as_it_was.followers
                    if before.runs[as_it_was.run][0] == before.settings["active_model"]:
                        same = same and creator.run == as_it_was.run
                    require(same, "the undo of an import leaves another creator", creator)
        for later in self._former.values():  # whose undo leads to the list before both
            for name, creator in later.items():
                # An activation since has changed the run, and no figure.
                if creator is not None and creator.followers == self._brought[run].get(name):
                    later[name] = kept.get(name)


def changed_to(before: Snapshot, after: Snapshot, former: str, state: str) -> list[int]:
    """Give the uploads that have come from one state to another."""
    moved = after.uploads.items() - before.uploads.items()
    return [n for n, now in moved if now == state and before.uploads[n] == former]


def _check_noted(after, new) -> None:
    """Check that decisions and entries of the audit log come together."""
    bulk = {act for _, _, act, _, _ in after.bulks.values()}
    alone = {r.id: (r.decision, f"creator {r.creator}") for r in new if r.act not in bulk}
    noted = {json.loads(detail)["review"]: (act, subject)
             for _, _, _, act, subject, detail, _ in after.audit if act in (*STATES, "skip")}  # fmt: skip
    require(alone == noted, "reviews and audit log differ", (alone, noted))


def _check_kept(before, after, op: Op) -> None:
    """Check that no review is lost or altered."""
    for number, review in before.reviews.items():
        now = after.reviews.get(number)
        if now is None:
            require(review.creator not in after.creators, "a review is lost", review)
        elif now != review:
            undone = review.undone_at is None and now == review._replace(undone_at=now.undone_at)
            require(undone, "a review was altered", (review, now))
            newer = [r for r in before.reviews.values()
                     if r.creator == now.creator and r.id > now.id and r.stands]  # fmt: skip
            require(op.kind != "undo" or not newer, "undone under a newer decision", (now, newer))


def _check_claims(before, after, new, op: Op, now: str) -> None:
    """Check that no claim is taken from whoever holds it, or given on somebody decided."""
    deciders = {(review.creator, review.person) for review in new}
    for number, (person, until) in before.claims.items():
        same = after.claims.get(number, (None, ""))[0] == person
        if until > now and not same and number in after.creators:
            own = op.person == person or (number, person) in deciders
            require(own, f"the claim of {person} was taken", (number, until, now, op))
    for number, (person, until) in after.claims.items():
        if before.claims.get(number) != (person, until):
            creator = after.creators[number]
            open_ = creator.state == "open" and creator.deal is None
            require(open_ or op.kind == "undo", "a claim on one who is decided", creator)
