"""Why rows of an import were refused: each reason once, with its count and its first rows."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, case, func, select

from durhampulse.desk.store.tables import refused

__all__ = ["Refused", "reason_of_repeated", "reasons_of"]

_REPEATED = "the creator stands in row "
_FIRST = 3
_MOST_REASONS = 10


@dataclass(frozen=True, slots=True)
class Refused:
    """Rows refused for one reason.

    Attributes
    ----------
    reason
        Why, in words.
    count
        How many.
    rows
        The numbers of the first of them.
    """

    reason: str
    count: int
    rows: tuple[int, ...]


def reason_of_repeated(row: int) -> str:
    """Return the reason for refusing a row whose creator has an earlier one."""
    return f"{_REPEATED}{row} already"


def reasons_of(db: Connection, number: int) -> list[Refused]:
    """Return an upload's reasons, the most frequent first, those beyond ten together at the end."""
    r = refused.c
    is_repeated = r.reason.startswith(_REPEATED, autoescape=True)
    reason = case((is_repeated, "the creator stands in an earlier row already"), else_=r.reason)
    rows = select(reason.label("reason"), r.row).where(r.upload_id == number).subquery().c
    many = func.count()
    grouped = select(rows.reason, many.label("many"), func.sum(many).over().label("total"))
    grouped = grouped.group_by(rows.reason).order_by(many.desc(), func.min(rows.row))
    groups = db.execute(grouped.limit(_MOST_REASONS)).all()
    place = func.row_number().over(partition_by=rows.reason, order_by=rows.row).label("place")
    common = rows.reason.in_([group.reason for group in groups])
    placed = select(rows.reason, rows.row, place).where(common).subquery().c
    first: dict[str, list[int]] = {}
    chosen = select(placed.reason, placed.row).where(placed.place <= _FIRST).order_by(placed.row)
    for name, row in db.execute(chosen):
        first.setdefault(name, []).append(row)
    reasons = [Refused(group.reason, group.many, tuple(first[group.reason])) for group in groups]
    others = groups[0].total - sum(group.many for group in groups) if groups else 0
    return [*reasons, Refused("other reasons", int(others), ())] if others else reasons
