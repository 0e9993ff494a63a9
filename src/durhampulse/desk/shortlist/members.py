"""Who stands in a list: one made by hand, that of an import, or that of a campaign."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, Select, func, literal, select

from durhampulse.desk.store.tables import creator, list_creator, proposal, run, score

__all__ = ["has_few", "is_member", "members"]

_FEW = 20_000


def members(name: str) -> Select[int]:
    """Return the query of the numbers of a list's creators.

    Parameters
    ----------
    name
        As in a view.
    """
    kind, _, number = name.rpartition("-")
    at = int(number)
    if kind == "import":
        return select(score.c.creator_id).where(score.c.run_id.in_(_runs(at)))
    if kind == "campaign":
        return select(proposal.c.creator_id).where(proposal.c.campaign_id == at)
    return select(list_creator.c.creator_id).where(list_creator.c.list_id == at)


def _runs(upload: int) -> Select[int]:
    return select(run.c.id).where(
        run.c.upload_id == upload, run.c.kind == "import", run.c.applied_at.is_not(None)
    )


def is_member(name: str) -> ColumnElement[bool]:
    """Return the condition that a creator stands in a list, looked up creator by creator.

    For walks along an index that stop early, and for parts of the list: as a scalar query no
    planner turns it into a join.
    """
    query = members(name)
    (column,) = query.selected_columns
    there = query.where(column == creator.c.id).with_only_columns(literal(1)).limit(1)
    return there.scalar_subquery().is_not(None)


def has_few(db: Connection, name: str) -> bool:
    """Whether a list is so short that its creators are sorted faster than found in an index."""
    some = members(name).limit(_FEW + 1).subquery()
    return (db.scalar(select(func.count()).select_from(some)) or 0) <= _FEW
