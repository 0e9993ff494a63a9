"""A fitted estimator as a model folder."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from durhampulse.creators.blockreader import BlockReader, impossible_rows
from durhampulse.creators.rules import ColumnRule
from durhampulse.creators.text import whole_array
from durhampulse.decision.bands import Thresholds
from durhampulse.decision.shapley import draw_background
from durhampulse.exceptions import InputError, OutputError
from durhampulse.files.folders import replacing_folder
from durhampulse.files.tables import table_of
from durhampulse.scoring.artifact import write_model
from durhampulse.scoring.model import StoredModel
from durhampulse.scoring.provenance import made_with

if TYPE_CHECKING:
    from durhampulse.models.estimator import SponsorshipClassifier

__all__ = ["save_model"]

_SOURCE = "a table in Python"


def save_model(
    estimator: SponsorshipClassifier, folder: str | Path, *, thresholds: Thresholds | None = None
) -> None:
    """Write a fitted estimator as a model folder: data only, where pickle would be code.

    The folder is as a study writes it, but for the verdict and the figures of quality: an
    estimator judges no table and holds no rows back to measure with. Up to 2,000 of the training
    rows are scored with what was written; each must score as with the estimator, within 1e-6.

    Parameters
    ----------
    estimator
        Fitted on creators' tables. What its second class is called, a deal is in the folder.
    folder
        A folder that does not exist yet; it appears whole or not at all.
    thresholds
        Where the bands begin; Yes from 80% and Maybe from 60% if not given.

    Raises
    ------
    InputError
        If the estimator is not fitted.
    OutputError
        If the folder exists, or cannot be written.
    ModelError
        If what was written does not score as the estimator does.
    """
    if not hasattr(estimator, "model_"):
        raise InputError("The estimator has not learned yet.", "Fit it first: estimator.fit(X, y).")
    folder = Path(folder).resolve()
    if folder.exists():
        raise OutputError(f"{folder}: there is something of this name.", "Choose another folder.")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: {error.strerror}.", "Choose another folder.") from error
    with replacing_folder(folder) as staging:
        _write(estimator, staging, thresholds or Thresholds())


def _write(estimator: SponsorshipClassifier, folder: Path, thresholds: Thresholds) -> None:
    sample, columns = estimator.sample_, estimator.model_.encoding.columns
    rules = {c: replace(estimator.rules_[c], header=c) for c in columns}
    cells = _scorable(sample.cells, rules)
    table = estimator.read_cells(cells)
    table.index = np.arange(1, len(table) + 1)
    facts = _facts(estimator, rules)
    model = StoredModel(
        model=estimator.model_,
        peers=sample.peers,
        thresholds=thresholds,
        profile=sample.profile,
        rules=rules,
        background_rows=draw_background(table, estimator.model_.encoding),
    )
    write_model(
        folder,
        model,
        facts=facts,
        card=_card(estimator, facts, thresholds),
        train=table,
        source=table_of(cells, _SOURCE),
    )


def _scorable(cells: pa.Table, rules: dict[str, ColumnRule]) -> pa.Table:
    """Return the rows that a scorer does not refuse: those with clear and possible figures."""
    columns = {name: whole_array(cells[name]) for name in rules}
    reader = BlockReader(_SOURCE, rules)
    reader.settle(columns)
    read = reader.read(columns)
    refused = {*read.unclear, *impossible_rows(read.block)}
    return cells.filter(pa.array([row not in refused for row in range(len(cells))], pa.bool_()))


def _facts(estimator: SponsorshipClassifier, rules: dict[str, ColumnRule]) -> dict[str, Any]:
    return {
        "provenance": {
            "source": _SOURCE,
            "simulated": False,
            "model": estimator.model_.name,
            "classes": [str(name) for name in estimator.classes_],
            "written": datetime.now(UTC).isoformat(timespec="seconds"),
        },
        "units": {name: rule.unit for name, rule in rules.items() if rule.kind == "rate"},
        "rows": {"train": estimator.sample_.n_rows, "test": 0},
        "base_rate": estimator.sample_.base_rate,
        "random_state": _plain_seed(estimator.random_state),
        "verdict": {"word": "not judged", "refusal": "", "dropped": [], "checks": []},
        "quality": [],
        "versions": made_with(),
    }


def _plain_seed(seed: object) -> int | None:
    """Return a seed as JSON holds it: NumPy's numbers as such, None for a generator or none."""
    return int(seed) if isinstance(seed, Integral) else None


def _card(estimator: SponsorshipClassifier, facts: dict[str, Any], thresholds: Thresholds) -> str:
    no_deal, deal = facts["provenance"]["classes"]
    versions = "\n".join(f"- {name} {number}" for name, number in facts["versions"].items())
    return f"""# {estimator.model_.name}: who gets the sponsorship deal?

A fitted `SponsorshipClassifier`, written from Python.

- It learned from {facts["rows"]["train"]:,} rows, {facts["base_rate"]:.1%} of them with the outcome
  `{deal}`, which counts as a deal; `{no_deal}` counts as none.
- Columns: {", ".join(estimator.model_.encoding.columns)}.
- *Yes* from {thresholds.yes_at}, *Maybe (manual review)* from {thresholds.review_at}.

## Can it be relied on?

Nobody has said: the table it learned from was not judged, so that a column may leak the answer, and
no row was held back to measure its probabilities with. `durhampulse.judge(table)` and
`sklearn.model_selection.cross_val_score` tell; `durhampulse study` does both.

## What it is made of

{versions}
"""
