"""Names of models for people: by the day on which each was made."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from durhampulse.desk.store.clock import day_text
from durhampulse.desk.store.tables import model, model_file

__all__ = ["model_names", "written_at"]


def model_names(db: Connection) -> dict[str, str]:
    """Return what people call each model of the store, by its version.

    It is the day on which the model was written, or added where its folder does not say; of two of
    one day the one that was added later has a number, so that no name ever changes.
    """
    query = (
        select(model.c.version, model.c.added_at, model_file.c.content)
        .join(model_file, model_file.c.version == model.c.version)
        .where(model_file.c.name == "manifest.json")
        .order_by(model.c.added_at, model.c.version)
    )
    names: dict[str, str] = {}
    of_day: Counter[str] = Counter()
    for row in db.execute(query):
        name = f"model of {day_text(written_at(json.loads(row.content)) or row.added_at)}"
        of_day[name] += 1
        names[row.version] = name if of_day[name] == 1 else f"{name} ({of_day[name]})"
    return names


def written_at(manifest: Mapping[str, Any]) -> datetime | None:
    """Return when a model was written; None where its folder does not say."""
    text = str(manifest.get("provenance", {}).get("written", ""))
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
