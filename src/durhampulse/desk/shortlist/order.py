"""What orders the list, and the indexes that hold it: never a number that no page shows."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, String

from durhampulse.desk.shortlist.view import UNLIKE, View
from durhampulse.desk.store.tables import (
    HAS_NO_NUMBER,
    HAS_NUMBER,
    OUTCOME_STATES,
    PLACES,
    SCORE_HAS_NO_NUMBER,
    SCORE_HAS_NUMBER,
    creator,
)
from durhampulse.scoring.record import UNLIKE_BIT

__all__ = [
    "BY", "BY_NICHE", "BY_STATE", "LISTED_INDEXES", "SCORE_INDEXES", "WITHOUT_NUMBER", "apart",
    "number_of", "parts_of", "places_of",
]  # fmt: skip

BY = {name: f"ix_creator_by_{name}"
      for name in ("probability", "followers", "engagement_rate", "external_id")}  # fmt: skip
"""Column to the index by it."""
BY_NICHE, BY_STATE = "ix_creator_by_niche", "ix_creator_by_state"
"""The indexes by niche, or by what is known and decided of those who do not wait, the probability
that is shown and the number: of nothing else to filter by."""
WITHOUT_NUMBER = "ix_creator_without_number"
"""The index of those without precedent or probability, in the order in which they came."""

LISTED_INDEXES = (BY["probability"], HAS_NUMBER), (WITHOUT_NUMBER, HAS_NO_NUMBER)
SCORE_INDEXES = (
    ("ix_score_by_probability", SCORE_HAS_NUMBER),
    ("ix_score_without_number", SCORE_HAS_NO_NUMBER),
)
"""Indexes of the list and of all scores, with and without a number, and who is in them."""


def number_of(row: Any) -> float | None:
    """Return the probability that orders a creator; none where no page shows it."""
    shown: float | None = None if row.flags & UNLIKE_BIT else row.probability
    return shown


def apart(key: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return a column to be sorted by where it is not walked along its index.

    PostgreSQL, which takes no hints, would walk past all others to the few who match.
    """
    return key + ("" if isinstance(key.type, String) else 0)


def parts_of(view: View) -> list[tuple[bool, str, ColumnElement[bool]]]:
    """Return the parts of a walk: whether they have a value, their index, and who is in them.

    One in which nobody can have an answer that is asked for is left out.
    """
    index, own = BY[view.sort], creator.c[view.sort]
    if view.sort == "external_id":
        return [(True, index, own.is_not(None))]
    if view.sort != "probability":
        return [(True, index, own.is_not(None)), (False, index, own.is_(None))]
    with_number, without = (True, index, HAS_NUMBER), (False, WITHOUT_NUMBER, HAS_NO_NUMBER)
    if view.band:
        return [*([] if view.band == (UNLIKE,) else [with_number]),
                *([without] if UNLIKE in view.band else [])]  # fmt: skip
    return [with_number, without]


def places_of(view: View) -> list[int]:
    """Return where in `PLACES` a view's own choices leave anybody."""

    def may_be(shown: str) -> bool:
        if shown in OUTCOME_STATES and shown != "open":
            return not view.outcome or shown in view.outcome
        return (not view.state or shown in view.state) and "open" in (view.outcome or ("open",))

    return [place for place, shown in enumerate(PLACES) if may_be(shown)]
