"""The tables of the store.

What follows from the thresholds (band, edge) or from the tiers is not stored, but for the band a
reviewer saw: it is a range of probabilities or followers, so moving a threshold changes no row.
Tables that are written by the million (`creator`, `score`, `staged`) carry no foreign keys: each
row is written by one statement that takes it from the table it points to, and checking a million of
them costs PostgreSQL half the import.
"""

from __future__ import annotations

from durhampulse.desk.store.tables.campaigns import (
    UNDELIVERED,
    campaign,
    campaign_candidate,
    campaign_creator,
    deliverable,
    proposal,
)
from durhampulse.desk.store.tables.columns import (
    CONTROL,
    LONGEST_ID,
    NUMBERS,
    TEXTS,
    Instant,
    metadata,
)
from durhampulse.desk.store.tables.creators import (
    DECIDED,
    DRAWN,
    HAS_NO_NUMBER,
    HAS_NO_PRECEDENT,
    HAS_NUMBER,
    HAS_PRECEDENT,
    LOTTERY,
    OUTCOME_STATES,
    PASSED,
    PLACE,
    PLACES,
    PROBED,
    PROBES,
    SCORE_HAS_NO_NUMBER,
    SCORE_HAS_NUMBER,
    SHOWN,
    STATES,
    UNSHOWN,
    WAITS,
    InBytes,
    creator,
    has_flags,
    outcome_is,
    replaced,
    score,
    search,
)
from durhampulse.desk.store.tables.hooks import UNSENT, delivery, hook
from durhampulse.desk.store.tables.imports import recipe, refused, staged, understood, upload
from durhampulse.desk.store.tables.models import kept_count, model, model_file, run, setting
from durhampulse.desk.store.tables.people import (
    api_key,
    attempt,
    audit,
    device,
    identity,
    link,
    objection,
    person,
    receipt,
    recovery_code,
    second_factor,
    session,
)
from durhampulse.desk.store.tables.reviews import (
    BLIND,
    DECISIONS,
    OWNED,
    REMINDS,
    REOPENS,
    SAMPLED,
    SINGLE,
    UNSEEN,
    act,
    claim,
    mention,
    opinion,
    outcome,
    outcome_file,
    outcome_rows,
    ownership,
    remark,
    reminder,
    review,
)
from durhampulse.desk.store.tables.rooms import room, room_card
from durhampulse.desk.store.tables.views import bulk, creator_list, list_creator, saved_view

__all__ = [
    "BLIND", "CONTROL", "DECIDED", "DECISIONS", "DRAWN", "HAS_NO_NUMBER", "HAS_NO_PRECEDENT",
    "HAS_NUMBER", "HAS_PRECEDENT", "LONGEST_ID", "LOTTERY", "NUMBERS", "OUTCOME_STATES", "OWNED",
    "PASSED", "PLACE", "PLACES", "PROBED", "PROBES", "REMINDS", "REOPENS", "SAMPLED",
    "SCORE_HAS_NO_NUMBER", "SCORE_HAS_NUMBER", "SHOWN", "SINGLE", "STATES", "TEXTS", "UNDELIVERED",
    "UNSEEN", "UNSENT", "UNSHOWN", "WAITS", "InBytes", "Instant", "act", "api_key", "attempt",
    "audit", "bulk", "campaign", "campaign_candidate", "campaign_creator", "claim", "creator",
    "creator_list", "deliverable", "delivery", "device", "has_flags", "hook", "identity",
    "kept_count", "link", "list_creator", "mention", "metadata", "model", "model_file", "objection",
    "opinion", "outcome", "outcome_file", "outcome_is", "outcome_rows", "ownership", "person",
    "proposal", "receipt", "recipe", "recovery_code", "refused", "remark", "reminder", "replaced",
    "review", "room", "room_card", "run", "saved_view", "score", "search", "second_factor",
    "session", "setting", "staged", "understood", "upload",
]  # fmt: skip
