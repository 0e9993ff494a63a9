"""Every committed state of a store, read by a driver of its own and checked against the one before.

Nothing here calls the desk: what a state must be follows from the tables alone.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections import Counter
from dataclasses import dataclass
from typing import NamedTuple

STATES = {"approve": "approved", "decline": "declined", "tentative": "tentative", "reopen": "open"}


class Violation(BaseException):
    """The desk has broken a promise; no error, so that nothing in the desk handles it as one."""


class Review(NamedTuple):
    """A row of the table of that name."""

    id: int
    creator: int
    person: int
    decision: str
    request: str
    previous: str
    undone_at: str | None
    act: int | None
    claimed_at: str | None

    @property
    def stands(self):
        """Whether it sets its creator's state."""
        return self.undone_at is None and self.decision in STATES


class Creator(NamedTuple):
    """A row of the table of that name."""

    id: int
    name: str
    state: str
    deal: int | None
    run: int
    probability: float | None
    followers: float | None
    niche: str | None


@dataclass(kw_only=True)
class Snapshot:
    """A committed state."""

    reviews: dict
    creators: dict
    claims: dict
    uploads: dict
    staged: dict
    runs: dict
    bulks: dict
    acts: dict
    settings: dict
    searched: set
    audit: list


class Observer:
    """Reads a SQLite store beside the desk."""

    def __init__(self, path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._last = 0

    def close(self) -> None:
        self._db.close()

    def look(self) -> Snapshot:
        """Give the state there is, with the entries of the audit log since the last look."""
        read = self._read
        read("BEGIN")
        reviews = read("SELECT id, creator_id, person_id, decision, request, previous, undone_at,"
                       " act_id, claimed_at FROM review ORDER BY id")  # fmt: skip
        creators = read("SELECT id, external_id, state, deal, run_id, probability, followers, niche"
                        " FROM creator")  # fmt: skip
        audit = read(f"SELECT id, at, who, act, subject, detail, hash FROM audit"
                     f" WHERE id > {self._last} ORDER BY id")  # fmt: skip
        self._last = audit[-1][0] if audit else self._last
        staged: dict = {}
        for upload, name, followers in read("SELECT upload_id, external_id, followers FROM staged"):
            staged.setdefault(upload, {})[name] = followers
        snapshot = Snapshot(
            reviews={row[0]: Review(*row) for row in reviews},
            creators={row[0]: Creator(*row) for row in creators},
            claims={c: (p, e) for c, p, e in read("SELECT creator_id, person_id, expires_at"
                                                  " FROM claim")},
            uploads=dict(read("SELECT id, state FROM upload")),
            staged=staged,
            runs={row[0]: row[1:] for row in read("SELECT id, model_version, kind, upload_id"
                                                  " FROM run")},
            bulks={row[0]: row[1:] for row in read("SELECT id, state, done, act_id, person_id,"
                                                   " selection FROM bulk")},
            acts={row[0]: row[1:] for row in read("SELECT id, kind, undone_by, undone_at FROM act")},
            settings={k: json.loads(v) for k, v in read("SELECT name, value FROM setting WHERE name"
                                                        " IN ('active_model', 'niches')")},
            searched={n for (n,) in read("SELECT creator_id FROM search")},
            audit=audit,
        )  # fmt: skip
        read("COMMIT")
        return snapshot

    def _read(self, query):
        return self._db.execute(query).fetchall()


def check_state(state: Snapshot) -> None:
    """Check what holds of any committed state."""
    standing: dict[int, str] = {}
    for review in state.reviews.values():
        require(review.creator in state.creators, "a review is of nobody", review)
        if review.stands:
            standing[review.creator] = STATES[review.decision]
    active = state.settings["active_model"]
    for creator in state.creators.values():
        due = standing.get(creator.id, "open")
        require(creator.state == due, f"a state is not that of the last decision, {due}", creator)
        version = state.runs[creator.run][0]
        require(version == active, f"scored by {version}, and {active} is active", creator)
    require(state.claims.keys() <= state.creators.keys(), "a claim is on nobody", state.claims)
    require(state.searched == state.creators.keys(), "searches know other creators", state.searched)
    niches = Counter(c.niche for c in state.creators.values() if c.niche is not None)
    due = [name for name, _ in sorted(niches.items(), key=lambda item: (-item[1], item[0]))]
    require(state.settings["niches"] == due, "niches are counted otherwise", due)
    held = Counter((r.creator, r.person, r.claimed_at) for r in state.reviews.values()
                   if r.claimed_at and r.decision in STATES)  # fmt: skip
    twice = [claim for claim, n in held.items() if n > 1]
    require(not twice, "decided twice by one claim", twice)


def check_chain(head: str, last: int, entries: list) -> tuple[str, int]:
    """Check new entries of the audit log against the head before; give the new head.

    The form of what is hashed is the one documented: JSON with sorted keys, no blanks, ASCII.
    """
    for number, at, who, act, subject, detail, kept in entries:
        require(number == last + 1, "an entry of the audit log is missing", number)
        moment = at.replace(" ", "T") + ("+00:00" if "." in at else ".000000+00:00")
        plain = {"id": number, "at": moment, "who": who, "act": act, "subject": subject,
                 "detail": json.loads(detail), "before": head}  # fmt: skip
        text = json.dumps(plain, sort_keys=True, separators=(",", ":"))
        head, last = hashlib.sha256(text.encode()).hexdigest(), number
        require(head == kept, "an entry does not fit the one before it", number)
    return head, last


def require(holds: bool, problem: str, what: object) -> None:
    """Raise where something does not hold."""
    if not holds:
        raise Violation(f"{problem}: {what}")
