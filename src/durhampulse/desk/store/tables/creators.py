"""The list: its creators, the texts they are found by, and the scores they had."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Double,
    FromClause,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    and_,
    case,
    func,
    literal_column,
    or_,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import Grouping
from sqlalchemy.sql.functions import FunctionElement

from durhampulse.desk.store.tables.columns import Id, figures, metadata, number
from durhampulse.scoring.record import UNLIKE_BIT

__all__ = [
    "DECIDED",
    "DRAWN",
    "HAS_NO_NUMBER",
    "HAS_NO_PRECEDENT",
    "HAS_NUMBER",
    "HAS_PRECEDENT",
    "LOTTERY",
    "OUTCOME_STATES",
    "PASSED",
    "PLACE",
    "PLACES",
    "PROBED",
    "PROBES",
    "SCORE_HAS_NO_NUMBER",
    "SCORE_HAS_NUMBER",
    "SHOWN",
    "STATES",
    "UNSHOWN",
    "WAITS",
    "InBytes",
    "creator",
    "has_flags",
    "outcome_is",
    "replaced",
    "score",
    "search",
]

STATES = ("open", "approved", "declined", "tentative")
"""What people have decided about a creator."""
LOTTERY = 0.05
"""Share of creators whom their lot brings into the queue, whatever the model says."""
OUTCOME_STATES = {"deal": True, "none": False, "open": None}
"""What is known of a creator's outcome, to the value of the column `deal`."""


class InBytes(FunctionElement[str]):
    """A text that is compared by its bytes, whatever the database's language: SQLite's own way."""

    type = String()
    inherit_cache = True
    name = "in_bytes"


@compiles(InBytes)
def _compile_in_bytes(element: InBytes, compiler: SQLCompiler, **options: Any) -> str:
    return f'{compiler.process(element.clauses, **options)} COLLATE "C"'


@compiles(InBytes, "sqlite")
def _compile_in_bytes_sqlite(element: InBytes, compiler: SQLCompiler, **options: Any) -> str:
    return compiler.process(element.clauses, **options)


creator = Table(
    "creator", metadata, number(), *figures(),
    Column("state", String(20), nullable=False),
    Column("deal", Boolean),
    Column("run_id", Id, nullable=False),
    UniqueConstraint("external_id"),
    sqlite_autoincrement=True,  # a number stands in the audit log and never names somebody else
)  # fmt: skip
_FILTERED = ("followers", "engagement_rate", "probability", "niche", "state", "deal", "flags")
_ADDED_UP = {"probability": ("low", "high"), "followers": ("avg_views", "fee", "currency")}
"""What totals and campaigns read of all creators, besides what can be filtered by."""
for _name in ("probability", "followers", "engagement_rate", "external_id"):
    # Each carries all that can be filtered by, so that a page is found without touching the table.
    # A change of state rewrites each, in places far apart: there are no more than pages need.
    _rest = [name for name in (*_FILTERED, *_ADDED_UP.get(_name, ())) if name != _name]
    Index(f"ix_creator_by_{_name}", *(creator.c[name] for name in (_name, "id", *_rest)))
HAS_PRECEDENT = creator.c.flags < literal_column(str(UNLIKE_BIT))
HAS_NO_PRECEDENT = creator.c.flags >= literal_column(str(UNLIKE_BIT))
HAS_NUMBER = and_(HAS_PRECEDENT, creator.c.probability.is_not(None))
HAS_NO_NUMBER = or_(HAS_NO_PRECEDENT, creator.c.probability.is_(None))
UNSHOWN = -1.0
_LAST = literal_column(str(UNSHOWN), Double)
SHOWN = case((HAS_PRECEDENT, func.coalesce(creator.c.probability, _LAST)), else_=_LAST)
"""The probability that pages show, `UNSHOWN` where they show none."""
Index("ix_creator_by_niche", InBytes(creator.c.niche), Grouping(SHOWN), creator.c.id)


def has_flags(creators: FromClause) -> ColumnElement[bool]:
    """Return the condition, written out for an index, that something stands out about creators."""
    raised = creators.c.flags.op("&")(literal_column(str(UNLIKE_BIT - 1)))
    return Grouping(raised) != literal_column("0")


Index(
    "ix_creator_flagged", creator.c.flags, creator.c.id,
    sqlite_where=has_flags(creator), postgresql_where=has_flags(creator),
)  # fmt: skip
WAITS = and_(creator.c.state == literal_column("'open'"), creator.c.deal.is_(None))
DRAWN = creator.c.lottery < literal_column(str(LOTTERY))
DECIDED = creator.c.state != literal_column("'open'")
"""Conditions on creators, written out so that indexes of few rows serve them: without precedent,
with a probability that pages show, not decided and without a known outcome, drawn by lot, decided.
"""
Index(
    "ix_creator_without_number", creator.c.id, *(creator.c[name] for name in _FILTERED),
    sqlite_where=HAS_NO_NUMBER, postgresql_where=HAS_NO_NUMBER,
)  # fmt: skip
for _name, _column, _which in (
    ("unlike", "id", and_(HAS_NO_PRECEDENT, WAITS)),
    ("lottery", "lottery", and_(DRAWN, WAITS)),
):
    Index(f"ix_creator_{_name}", creator.c[_column], sqlite_where=_which, postgresql_where=_which)
PROBES = 0.25, 0.3
"""From which lot to below which creators may stand for all: a lot comes of the identifier alone,
and no draw of the queue or of second opinions has these."""
PROBED = and_(
    creator.c.lottery >= literal_column(str(PROBES[0])),
    creator.c.lottery < literal_column(str(PROBES[1])),
)
Index(
    "ix_creator_probed", *(creator.c[name] for name in ("lottery", "id", *_FILTERED)),
    sqlite_where=PROBED, postgresql_where=PROBED,
)  # fmt: skip
PLACES = ("deal", "none", "approved", "tentative", "declined", "open")
"""What the list's last column shows, in its order: a known outcome, or else the state."""
_AT = [literal_column(str(_at), Integer) for _at in range(len(PLACES))]
PLACE = case(
    (creator.c.deal.is_(True), _AT[0]),
    (creator.c.deal.is_(False), _AT[1]),
    (creator.c.state == literal_column("'approved'"), _AT[2]),
    (creator.c.state == literal_column("'tentative'"), _AT[3]),
    (creator.c.state == literal_column("'declined'"), _AT[4]),
    else_=_AT[5],
)
"""Where in `PLACES` a creator is."""
PASSED = ~WAITS
"""Condition on creators who are decided, or whose outcome is known."""
Index(
    "ix_creator_by_state",
    Grouping(PLACE), Grouping(SHOWN), creator.c.id, creator.c.state, creator.c.deal,
    sqlite_where=PASSED, postgresql_where=PASSED,
)  # fmt: skip
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
_UNLIKE = score.c.flags >= literal_column(str(UNLIKE_BIT))
SCORE_HAS_NUMBER = and_(
    score.c.flags < literal_column(str(UNLIKE_BIT)), score.c.probability.is_not(None)
)
SCORE_HAS_NO_NUMBER = or_(_UNLIKE, score.c.probability.is_(None))
for _name, _columns, _which in (
    ("by_probability", ("run_id", "probability", "creator_id", "flags"), SCORE_HAS_NUMBER),
    ("without_number", ("creator_id", "run_id", "flags", "probability"), SCORE_HAS_NO_NUMBER),
):
    Index(f"ix_score_{_name}", *(score.c[name] for name in _columns),
          sqlite_where=_which, postgresql_where=_which)  # fmt: skip
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
