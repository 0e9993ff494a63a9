"""Decisions as reviewers make them, and what they leave."""

from __future__ import annotations

import random
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import select

from durhampulse.desk.review.decisions import (
    REASONS,
    ReviewDecision,
    decide,
)
from durhampulse.desk.review.queue import claim_next
from durhampulse.desk.store.tables import creator


def decision_of(choice="approve", request=None, **changes):
    """Give a decision that is sent for the first time, unless its request is named."""
    fields = {"reason": REASONS[0], "note": "", **changes}
    return ReviewDecision(
        choice=choice, request=request or f"{random.getrandbits(64):016x}", **fields
    )


def state_of(store, number):
    """Give a creator's state."""
    with store.reading() as db:
        return db.scalar(select(creator.c.state).where(creator.c.id == number))


def review_at_once(store, rules, people, each):
    """Let reviewers work through the queue side by side; give what each was shown."""
    before: Counter[int] = Counter()
    lock = threading.Lock()
    kept = []

    def work(person):
        lot = random.Random(person)
        for _ in range(each):
            claimed = claim_next(store, person, rules, lot=lot)
            if claimed is None:
                return
            number = claimed.creator_id
            with lock:
                before[number] += 1
                assert before[number] == 1, "a creator was shown to two"
            decision = decision_of(lot.choice(["approve", "decline", "tentative"]))
            review_id, new = decide(store, number, person, decision, rules)
            assert new
            with lock:
                kept.append((review_id, number, person, decision))

    with ThreadPoolExecutor(len(people)) as pool:
        list(pool.map(work, people))
    return kept
