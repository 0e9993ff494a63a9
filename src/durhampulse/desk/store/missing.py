"""Rows that are asked for by their number, and the error where there is none."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, Table, select

from durhampulse.exceptions import InputError

__all__ = ["MissingError", "numbered_row"]


class MissingError(InputError):
    """There is nothing of a number: it was deleted, or never was."""


def numbered_row(
    db: Connection, table: Table, number: int, problem: str, way_out: str, *, lock: bool = False
) -> Row[Any]:
    """Return the row of a number, with its row lock if asked for.

    Parameters
    ----------
    db, table, number
        Where it is, and which.
    problem, way_out
        What an error says.

    Raises
    ------
    MissingError
        If there is none.
    """
    query = select(table).where(table.c.id == number)
    row = db.execute(query.with_for_update() if lock else query).first()
    if row is None:
        raise MissingError(problem, way_out)
    return row
