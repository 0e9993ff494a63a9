"""What people decided, and what happened then."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Date,
    Double,
    ForeignKey,
    Index,
    String,
    Table,
    Text,
    false,
    literal_column,
)

from durhampulse.desk.store.tables.columns import Id, Instant, metadata, number

__all__ = [
    "BLIND",
    "DECISIONS",
    "OWNED",
    "REMINDS",
    "REOPENS",
    "SAMPLED",
    "SINGLE",
    "UNSEEN",
    "act",
    "claim",
    "mention",
    "opinion",
    "outcome",
    "outcome_file",
    "outcome_rows",
    "ownership",
    "remark",
    "reminder",
    "review",
]

DECISIONS = {
    "approve": "approved",
    "decline": "declined",
    "tentative": "tentative",
    "reopen": "open",
    "skip": None,
}
"""A reviewer's choice to the state it puts a creator in; a skip leaves the state."""

act = Table(
    "act", metadata, number(),
    Column("kind", String(20), nullable=False),
    Column("by", String(100), nullable=False),
    Column("at", Instant, nullable=False),
    Column("detail", JSON, nullable=False),
    Column("run_id", Id),
    Column("undone_by", String(100)),
    Column("undone_at", Instant),
)  # fmt: skip
claim = Table(
    "claim", metadata,
    Column("creator_id", ForeignKey("creator.id"), primary_key=True),
    Column("person_id", ForeignKey("person.id"), nullable=False, index=True),
    Column("why", String(20), nullable=False),
    Column("expires_at", Instant, nullable=False),
    sqlite_with_rowid=False,
)  # fmt: skip
review = Table(
    "review", metadata, number(),
    Column("creator_id", ForeignKey("creator.id"), nullable=False, index=True),
    Column("person_id", ForeignKey("person.id"), nullable=False),
    Column("decision", String(20), nullable=False),
    Column("reason", String(100), nullable=False),
    Column("note", Text, nullable=False),
    Column("probability", Double),
    Column("band", String(40), nullable=False),
    Column("why", String(20), nullable=False),
    Column("previous", String(20), nullable=False),
    Column("request", String(100), nullable=False, unique=True),
    Column("at", Instant, nullable=False),
    Column("undone_at", Instant),
    Column("act_id", Id, index=True),
    Column("claimed_at", Instant),
    Column("blind", Boolean, nullable=False, server_default=false()),
    sqlite_autoincrement=True,  # a page knows what it has seen by the latest number
)  # fmt: skip
SINGLE = review.c.act_id.is_(None)
"""Condition on reviews made one by one."""
SAMPLED = review.c.why == literal_column("'sample'")
"""Condition on reviews of creators drawn by lot from No."""
_STANDING = review.c.undone_at.is_(None)
for _name, _columns, _which in (
    ("single", ("id",), SINGLE),
    ("single_person_id", ("person_id", "at"), SINGLE),
    ("standing", ("person_id", "at"), _STANDING),
    ("sample", ("creator_id",), SAMPLED),
):
    Index(f"ix_review_{_name}", *(review.c[name] for name in _columns),
          sqlite_where=_which, postgresql_where=_which)  # fmt: skip
REOPENS = review.c.decision == literal_column("'reopen'")
"""Condition on reviews, written out so that an index of few rows serves it."""
Index("ix_review_reopened", review.c.creator_id, sqlite_where=REOPENS, postgresql_where=REOPENS)
BLIND = review.c.blind.is_(True)
"""Condition on reviews made without the model's number."""
Index("ix_review_blind", review.c.id, sqlite_where=BLIND, postgresql_where=BLIND)
opinion = Table(
    "opinion", metadata, number(),
    Column("creator_id", ForeignKey("creator.id"), nullable=False, unique=True),
    Column("person_id", ForeignKey("person.id"), nullable=False, index=True),
    Column("verdict", String(20), nullable=False),
    Column("probability", Double),
    Column("band", String(40), nullable=False),
    Column("at", Instant, nullable=False),
)  # fmt: skip
"""What a second reviewer says of a creator whom another decided blind; one for each."""
outcome = Table(
    "outcome", metadata, number(),
    Column("creator_id", ForeignKey("creator.id"), nullable=False, index=True),
    Column("deal", Boolean, nullable=False),
    Column("on", Date, nullable=False),
    Column("figures", JSON, nullable=False),
    Column("probability", Double),
    Column("by", String(100), nullable=False),
    Column("at", Instant, nullable=False),
    Column("replaced_at", Instant),
    Column("undone_at", Instant),
    Column("act_id", Id, index=True),
)  # fmt: skip
outcome_file = Table(
    "outcome_file", metadata, number(),
    Column("file_name", String(300), nullable=False),
    Column("path", Text, nullable=False),
    Column("on", Date, nullable=False),
    Column("options", JSON(none_as_null=True)),
    Column("by", String(100), nullable=False),
    Column("created_at", Instant, nullable=False),
    sqlite_autoincrement=True,  # an address that records a file never comes to mean another
)  # fmt: skip
outcome_rows = Table(
    "outcome_rows", metadata,
    Column("outcome_file_id", ForeignKey("outcome_file.id", ondelete="CASCADE"), primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("content", JSON, nullable=False),
)  # fmt: skip
remark = Table(
    "remark", metadata, number(),
    Column("creator_id", ForeignKey("creator.id"), nullable=False, index=True),
    Column("text", Text, nullable=False),
    Column("by", String(100), nullable=False),
    Column("at", Instant, nullable=False),
    sqlite_autoincrement=True,  # a form that marks a note as seen never comes to mean another
)  # fmt: skip
mention = Table(
    "mention", metadata,
    Column("remark_id", ForeignKey("remark.id"), primary_key=True),
    Column("person_id", ForeignKey("person.id"), primary_key=True),
    Column("creator_id", ForeignKey("creator.id"), nullable=False, index=True),
    Column("seen_at", Instant),
)  # fmt: skip
"""Whom of the desk a remark names."""
UNSEEN = mention.c.seen_at.is_(None)
"""Condition on mentions that wait for whom they name."""
Index("ix_mention_unseen", mention.c.person_id, sqlite_where=UNSEEN, postgresql_where=UNSEEN)
ownership = Table(
    "ownership", metadata, number(),
    Column("creator_id", ForeignKey("creator.id"), nullable=False, index=True),
    Column("person_id", ForeignKey("person.id")),
    Column("remind_on", Date),
    Column("text", String(300), nullable=False),
    Column("by", String(100), nullable=False),
    Column("at", Instant, nullable=False),
    Column("replaced_at", Instant),
    Column("undone_at", Instant),
    Column("act_id", Id, index=True),
    sqlite_autoincrement=True,  # what is kept of an owner's creators goes by the latest number
)  # fmt: skip
"""Who looks after a creator from then on, and the day on which to look again; none for nobody."""
reminder = Table(
    "reminder", metadata, number(),
    Column("creator_id", ForeignKey("creator.id"), nullable=False, index=True),
    Column("person_id", ForeignKey("person.id"), nullable=False),
    Column("remind_on", Date),
    Column("text", String(300), nullable=False),
    Column("at", Instant, nullable=False),
    sqlite_autoincrement=True,  # an address that undoes never comes to mean another
)  # fmt: skip
"""A day on which somebody looks at a creator again, for themselves; none once they are done."""
REMINDS = reminder.c.remind_on.is_not(None)
"""Condition on reminders of one's own that wait."""
Index("ix_reminder_waiting", reminder.c.person_id, reminder.c.remind_on,
      sqlite_where=REMINDS, postgresql_where=REMINDS)  # fmt: skip
OWNED = ownership.c.replaced_at.is_(None)
"""Condition on what stands of owners and reminders: one row for each creator who ever had one."""
_REMINDS = OWNED & ownership.c.remind_on.is_not(None)
_UNDONE = ownership.c.undone_at.is_not(None)
Index("ix_ownership_standing", ownership.c.creator_id, unique=True,
      sqlite_where=OWNED, postgresql_where=OWNED)  # fmt: skip
for _name, _columns, _which in (
    ("owner", ("person_id", "creator_id"), OWNED),
    ("reminder", ("person_id", "remind_on"), _REMINDS),
    ("undone", ("id",), _UNDONE),
):
    Index(f"ix_ownership_{_name}", *(ownership.c[name] for name in _columns),
          sqlite_where=_which, postgresql_where=_which)  # fmt: skip
