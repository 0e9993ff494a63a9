"""What is understood of an upload: worked out once for each way of reading it, and stored.

It is worked out in a cage when a reviewer uploads a file or changes how it is read, and by the
worker where it is missing: after a change of model, or where a check gave the file back. A page
only shows it, so opening one reads no file.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select

from durhampulse.creators.options import ReadOptions
from durhampulse.desk.imports.choices import digest_of, from_plain, to_plain
from durhampulse.desk.imports.preview import FileColumn, Preview, preview
from durhampulse.desk.imports.problems import Problem
from durhampulse.desk.models.catalogue import Catalogue
from durhampulse.desk.models.rules import Rules
from durhampulse.desk.store.database import AWAY, Store, insert_or
from durhampulse.desk.store.tables import understood, upload
from durhampulse.exceptions import InputError
from durhampulse.files.cage import Cage
from durhampulse.files.formats import FORMATS, suffix_of

__all__ = ["is_understood", "keep_understood", "understand", "understand_next", "understood_of"]

_log = logging.getLogger("durhampulse")
_AT_ONCE = threading.BoundedSemaphore(2)
"""How many files this process lets be read at once, whoever sends them."""


def understood_of(db: Connection, row: Any, version: str) -> Preview | None:
    """Return what is understood of an upload as it is to be read; none if nothing is yet.

    Parameters
    ----------
    db
        The store.
    row
        The upload's row.
    version
        The model's that will score it.
    """
    digest = digest_of(from_plain(row.options), version)
    mine = understood.c.upload_id == row.id, understood.c.digest == digest
    facts = db.scalar(select(understood.c.facts).where(*mine))
    return None if facts is None else _preview(facts, row.path)


def is_understood(db: Connection, number: int, options: ReadOptions, version: str) -> bool:
    """Return whether something is understood of an upload when it is read so."""
    digest = digest_of(options, version)
    mine = understood.c.upload_id == number, understood.c.digest == digest
    return db.execute(select(understood.c.digest).where(*mine)).first() is not None


def understand(rules: Rules, path: Path, name: str, options: ReadOptions) -> Preview:
    """Return what is understood of a file, which a cage reads.

    Parameters
    ----------
    rules
        Whose model will score it.
    path, name
        Where it lies, and what its owner calls it.
    options
        How it is to be read.
    """
    with _AT_ONCE, Cage() as cage:
        return preview(rules.scorer, path, name, options, cage=cage)


def keep_understood(
    db: Connection, number: int, options: ReadOptions, version: str, shown: Preview
) -> None:
    """Store what is understood of an upload when it is read so, while it waits to be checked."""
    state = select(upload.c.state).where(upload.c.id == number).with_for_update()
    if db.scalar(state) != "new":
        return
    values: dict[str, Any] = {
        "upload_id": number, "digest": digest_of(options, version), "version": version,
    }  # fmt: skip
    into = insert_or(db, understood).values(**values, facts=_facts(shown))
    db.execute(into.on_conflict_do_nothing())


def understand_next(store: Store, catalogue: Catalogue, without: set[int]) -> bool:
    """Work out what is understood of an upload that has nothing yet; return whether one waited.

    Parameters
    ----------
    store, catalogue
        Where the uploads and the model are.
    without
        Numbers of uploads that are left alone; one that fails here is added.
    """
    with store.reading() as db:
        try:
            rules = catalogue.current(db)
        except InputError:  # no model yet
            return False
        row = next((row for row in _new(db, rules.version) if row.id not in without), None)
    if row is None:
        return False
    options = from_plain(row.options)
    try:
        shown = understand(rules, Path(row.path), row.file_name, options)
        with store.writing() as db:
            keep_understood(db, row.id, options, rules.version, shown)
    except AWAY:
        raise
    except Exception:  # noqa: BLE001 - logged; the worker goes on with others' uploads
        _log.exception("Upload %s could not be looked at.", row.id)
        without.add(row.id)
    return True


def _new(db: Connection, version: str) -> Iterator[Any]:
    """Yield the uploads that wait to be checked and are not understood as they are to be read."""
    mine = understood.c.version == version, upload.c.state == "new"
    there = select(understood.c.upload_id, understood.c.digest).join(upload).where(*mine)
    known = {(number, digest) for number, digest in db.execute(there)}
    for row in db.execute(
        select(upload).where(upload.c.state == "new").order_by(upload.c.id)
    ).all():
        if (row.id, digest_of(from_plain(row.options), version)) not in known:
            yield row


def _facts(shown: Preview) -> dict[str, Any]:
    """Return a preview as JSON holds it; the format follows from the file's name."""
    return {
        "options": to_plain(shown.options),
        "sheets": shown.sheets,
        "columns": [asdict(column) for column in shown.columns],
        "usual_units": dict(shown.usual_units),
        "irregularities": shown.irregularities,
        "looked_through": shown.looked_through,
        "notes": shown.notes,
        "problem": None if shown.problem is None else asdict(shown.problem),
    }


def _preview(facts: Mapping[str, Any], path: str) -> Preview:
    columns = [
        FileColumn(**{**column, "raw": tuple(column["raw"]), "read": tuple(column["read"])})
        for column in facts["columns"]
    ]
    problem = facts["problem"]
    return Preview(
        options=from_plain(facts["options"]),
        sheets=facts["sheets"],
        format=FORMATS[suffix_of(path)],
        columns=columns,
        usual_units=facts["usual_units"],
        irregularities=facts["irregularities"],
        looked_through=facts["looked_through"],
        notes=facts["notes"],
        problem=None if problem is None else Problem(**problem),
    )
