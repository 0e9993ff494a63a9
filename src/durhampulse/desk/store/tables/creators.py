"""The list: its creators, the texts they are found by, and the scores they had."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Double,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    literal_column,
)

from durhampulse.desk.store.tables.columns import Id, figures, metadata, number
from durhampulse.scoring.record import UNLIKE_BIT

__all__ = [
    "HAS_NO_PRECEDENT",
    "HAS_PRECEDENT",
    "OUTCOME_STATES",
    "STATES",
    "creator",
    "outcome_is",
    "replaced",
    "score",
    "search",
]

STATES = ("open", "approved", "declined", "tentative")
"""What people have decided about a creator."""
OUTCOME_STATES = {"deal": True, "none": False, "open": None}
"""What is known of a creator's outcome, to the value of the column `deal`."""

creator = Table(
    "creator", metadata, number(), *figures(),
    Column("state", String(20), nullable=False),
    Column("deal", Boolean),
    Column("run_id", Id, nullable=False),
    UniqueConstraint("external_id"),
    sqlite_autoincrement=True,  # a number stands in the audit log and never names somebody else
)  # fmt: skip
_COVER = (
    "external_id",
    "followers",
    "engagement_rate",
    "probability",
    "niche",
    "state",
    "deal",
    "flags",
)
for _name in ("probability", "followers", "engagement_rate", "external_id"):
    # Each carries all that can be filtered by, so that a page is found without touching the table.
    _more = ("low", "high") if _name == "probability" else ()  # for the totals
    _rest = [creator.c[name] for name in (*_COVER, *_more) if name != _name]
    Index(f"ix_creator_by_{_name}", creator.c[_name], creator.c.id, *_rest)
Index("ix_creator_queue", creator.c.state, creator.c.deal, creator.c.probability,
      creator.c.lottery, creator.c.id)  # fmt: skip
HAS_PRECEDENT = creator.c.flags < literal_column(str(UNLIKE_BIT))
HAS_NO_PRECEDENT = creator.c.flags >= literal_column(str(UNLIKE_BIT))
"""Conditions on creators, written out so that an index of few rows serves them."""
Index("ix_creator_unlike", creator.c.state, creator.c.deal, creator.c.id,
      sqlite_where=HAS_NO_PRECEDENT, postgresql_where=HAS_NO_PRECEDENT)  # fmt: skip
Index("ix_creator_lottery", creator.c.state, creator.c.deal, creator.c.lottery,
      creator.c.probability)  # fmt: skip
score = Table(
    "score", metadata,
    Column("creator_id", Id, primary_key=True),
    Column("run_id", Id, primary_key=True),
    Column("probability", Double),
    Column("low", Double),
    Column("high", Double),
    Column("flags", Integer, nullable=False),
    Index("ix_score_run_id_creator_id", "run_id", "creator_id"),  # the creators of an import
    sqlite_with_rowid=False,
)  # fmt: skip
search = Table(
    "search", metadata,
    Column("creator_id", Id, primary_key=True, autoincrement=False),
    Column("text", Text().with_variant(Text(collation="C"), "postgresql"), nullable=False),
)  # fmt: skip

replaced = Table(
    "replaced_creator", metadata,
    Column("creator_id", Id, primary_key=True),
    Column("run_id", Id, primary_key=True),
    Column("former_run_id", Id, nullable=False),
    *(column for column in figures() if column.name != "external_id"),
    sqlite_with_rowid=False,
)  # fmt: skip
"""Creators as they were before the import of a run, whose own run was another then."""


def outcome_is(state: str) -> ColumnElement[bool]:
    """Return the condition that a creator's outcome is a key of `OUTCOME_STATES`."""
    return creator.c.deal.is_(OUTCOME_STATES[state])
