"""Recipes: how files of one shape were read, remembered for the next file of that shape.

A shape is the set of a file's headers, in any order.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, delete, select

from durhampulse.creators.options import ReadOptions
from durhampulse.desk.imports.choices import from_plain, table_choices
from durhampulse.desk.store import clock
from durhampulse.desk.store.audit import note
from durhampulse.desk.store.database import Store, insert_or
from durhampulse.desk.store.tables import recipe
from durhampulse.exceptions import DurhamPulseError
from durhampulse.files.cage import Cage
from durhampulse.files.stream import open_stream

__all__ = ["find_recipe", "forget", "recipe_of", "remember", "shape_of"]

_MOST_TRIED = 10
"""Ways to open a file, each by another sheet, header line or encoding."""


def shape_of(headers: Iterable[str]) -> str:
    """Return the shape of a file with these headers.

    Examples
    --------
    >>> shape_of(["Niche", "Followers"]) == shape_of(["Followers", "Niche"])
    True
    """
    return hashlib.sha256(json.dumps(sorted(headers)).encode()).hexdigest()


def remember(
    db: Connection, shape: str, options: dict[str, Any], *, file_name: str, by: str
) -> None:
    """Keep how a file was read, in place of what was kept of its shape before."""
    kept = {"options": options, "file_name": file_name, "by": by, "at": clock.now()}
    row = insert_or(db, recipe).values(shape=shape, **kept)
    db.execute(row.on_conflict_do_update(index_elements=["shape"], set_=kept))


def recipe_of(db: Connection, shape: str | None) -> Row[Any] | None:
    """Return the recipe of a shape; none where there is none, or it was forgotten."""
    return db.execute(select(recipe).where(recipe.c.shape == shape)).first()


def forget(db: Connection, shape: str, by: str) -> None:
    """Delete the recipe of a shape."""
    if db.execute(delete(recipe).where(recipe.c.shape == shape)).rowcount:
        note(db, by, "recipe forgotten", f"recipe {shape[:12]}")


def find_recipe(store: Store, path: Path, cage: Cage | None = None) -> Row[Any] | None:
    """Return the recipe by which a new file can be read; none if no such file was read before.

    The headers depend on sheet, header line and encoding, so the file is opened in each way in
    which one of the recipes opened its own: by a cage if one is given.
    """
    with store.reading() as db:
        rows = db.execute(select(recipe).order_by(recipe.c.at.desc())).all()
    ways: dict[str, list[Row[Any]]] = {}
    for row in rows:
        way = table_choices(from_plain(row.options))
        ways.setdefault(json.dumps(way, sort_keys=True), []).append(row)
    for place, alike in [*ways.items()][:_MOST_TRIED]:
        try:
            options = ReadOptions(**json.loads(place))
            shape = shape_of(open_stream(path, options, cage=cage).headers)
        except (DurhamPulseError, OSError):
            continue
        for row in alike:
            if row.shape == shape:
                return row
    return None
