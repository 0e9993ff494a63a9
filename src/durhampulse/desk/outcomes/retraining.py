"""Retraining: the original table with the desk's outcomes, and the new model against the old."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from sqlalchemy import select, update

from durhampulse.creators.identifiers import canonical_identifier
from durhampulse.creators.options import ReadOptions
from durhampulse.creators.reading import read_creators
from durhampulse.creators.schema import IDENTIFIER, LABEL
from durhampulse.creators.units import Unit
from durhampulse.desk.models.catalogue import Catalogue, add_model
from durhampulse.desk.outcomes.recording import outcome_table
from durhampulse.desk.store.audit import note
from durhampulse.desk.store.database import Store
from durhampulse.desk.store.tables import model
from durhampulse.evaluation.metrics import compare_models
from durhampulse.exceptions import InputError
from durhampulse.scoring.scorer import load_model

__all__ = ["Lessons", "add_retrained", "write_lessons"]

_FEWEST = 50


@dataclass(frozen=True)
class Lessons:
    """A table to learn from.

    Attributes
    ----------
    path
        Where it was written.
    units
        Of its rate columns.
    original, outcomes
        How many rows come from either; an outcome of the desk replaces an original row of the
        same creator.
    """

    path: Path
    units: dict[str, Unit]
    original: int
    outcomes: int


def write_lessons(
    store: Store,
    source: str,
    folder: Path,
    options: ReadOptions | None = None,
) -> Lessons:
    """Write the original table and the desk's outcomes as one; return where and how many.

    Parameters
    ----------
    store
        Where the outcomes are.
    source, options
        The original table, and how it is read.
    folder
        Where both are written.

    Raises
    ------
    InputError
        If no outcome is recorded, or the original cannot be read.
    """
    with store.reading() as db:
        outcomes = outcome_table(db)
    if outcomes.empty:
        raise InputError(
            "The store holds no outcome yet.", "Record some on the desk, or leave out --store."
        )
    creators = read_creators(source, options)
    table = creators.table
    if LABEL not in table:
        raise InputError(f"{source}: it has no {LABEL}.", "Name the table the model came from.")
    replaced = (
        table[IDENTIFIER]
        .map(canonical_identifier)
        .isin(outcomes[IDENTIFIER].map(canonical_identifier))
    )
    for role in creators.roles:
        if role.role == "considered":  # whoever has an outcome was looked at
            outcomes[role.column] = 1.0
    both = pd.concat([table[~replaced], outcomes], ignore_index=True)
    both = both[[*table.columns, *(c for c in both.columns if c not in table.columns)]]
    path = folder / "creators-and-outcomes.csv"
    both.to_csv(path, index=False, lineterminator="\r\n")  # so that a bare \r is quoted
    if creators.source.simulated:
        provenance = {"simulated": True, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
        path.with_name(path.name + ".provenance.json").write_text(json.dumps(provenance), "utf-8")
    fractions: dict[str, Unit] = dict.fromkeys(creators.units, "fraction")
    return Lessons(path, fractions, int((~replaced).sum()), len(outcomes))


def add_retrained(store: Store, study_folder: Path, by: str) -> dict[str, Any]:
    """Add a study's model to the store beside the active one; return how they compare.

    Those are outcomes recorded after the active model was added, of creators the new one did not
    learn from: neither has seen them. Nothing is activated.

    Returns
    -------
    dict
        ``version``, and ``compared``: ``version, rows, difference, low, high`` of the log loss, new
        less old; the last three none where there are fewer than 50 rows.
    """
    catalogue = Catalogue(store)
    old = catalogue.current()
    new = load_model(study_folder / "model")
    decided = pd.read_csv(study_folder / "decisions.csv", dtype="str")["Influencer ID"]
    fresh = {canonical_identifier(name) for name in decided.dropna()}
    with store.reading() as db:
        added = db.scalar(select(model.c.added_at).where(model.c.version == old.version))
        rows = outcome_table(db, since=added)
    rows = rows[rows[IDENTIFIER].map(canonical_identifier).isin(fresh)] if len(rows) else rows
    compared: dict[str, Any] = {"version": old.version, "rows": len(rows),
                                "difference": None, "low": None, "high": None}  # fmt: skip
    if len(rows) >= _FEWEST:
        y_true = rows[LABEL].to_numpy(float)
        figures = rows.drop(columns=LABEL)
        y_new, y_old = (scorer.predict_proba(figures) for scorer in (new, old.scorer))
        comparison = compare_models(y_true, y_new, y_old, metrics=("log_loss",)).iloc[0]
        compared |= {name: float(comparison[name]) for name in ("difference", "low", "high")}
    version = add_model(store, study_folder / "model", by)
    with store.writing() as db:
        db.execute(update(model).where(model.c.version == version).values(compared=compared))
        note(db, by, "model compared", version, compared)
    return {"version": version, "compared": compared}
