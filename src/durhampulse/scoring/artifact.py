"""The model folder: a trained model as data, verified before it is used.

``manifest.json`` says what the model is and carries size and SHA-256 of the other files:
``weights.safetensors``, which holds arrays only, ``background.parquet``, some training rows without
identifiers for explanations, ``card.md``, ``neighbours.parquet``, some rows with their outcomes,
and ``schema.json``, what a table has to hold. Folders of earlier versions lack the last one or two.
Nothing in the folder is executed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load as load_arrays
from safetensors.numpy import save as save_arrays

from durhampulse.creators.blockreader import BlockReader
from durhampulse.creators.rules import ColumnRule, rules_of_format_2
from durhampulse.creators.schema import IDENTIFIER, LABEL
from durhampulse.creators.text import whole_array
from durhampulse.decision.bands import Thresholds
from durhampulse.deferred import pd
from durhampulse.exceptions import ModelError
from durhampulse.features.encoding import Encoding
from durhampulse.features.neighbours import Neighbours
from durhampulse.features.peers import Peers
from durhampulse.features.precedent import Precedent
from durhampulse.features.profile import Profile
from durhampulse.files.cage import Cage
from durhampulse.files.shortage import shortage
from durhampulse.files.tables import RawTable
from durhampulse.models.families import FAMILIES, StoredWeights
from durhampulse.models.fitted import FittedModel
from durhampulse.models.interval import Interval
from durhampulse.scoring.card import front_matter
from durhampulse.scoring.folder import (
    BACKGROUND,
    CARD,
    FORMAT_VERSION,
    MANIFEST,
    NEIGHBOURS,
    SCHEMA,
    WEIGHTS,
    read_files,
    read_manifest,
    read_rows,
    sealed,
    stated,
)
from durhampulse.scoring.manifest import require_form
from durhampulse.scoring.model import StoredModel
from durhampulse.scoring.tableschema import table_schema
from durhampulse.scoring.trial import try_out

__all__ = ["read_model", "write_model"]

_PARITY = 1e-6


def write_model(
    folder: Path,
    model: StoredModel,
    *,
    facts: Mapping[str, Any],
    card: str,
    train: pd.DataFrame,
    source: RawTable,
) -> None:
    """Write a model folder and prove that what was written scores like what was trained.

    Parameters
    ----------
    folder
        A folder that does not exist yet.
    model
        The model to write.
    facts
        Units, quality figures and whatever else the manifest should say.
    card
        The model card, Markdown; what registries read is put before it.
    train
        Training rows, by their row numbers in the source.
    source
        The cells they come from. Read by the rules in the folder, as any later table is, each row
        must score within 1e-6 of the model in memory.

    Raises
    ------
    ModelError
        If one does not.
    """
    weights = model.model.weights
    if not isinstance(weights, StoredWeights):
        raise TypeError(f"{type(weights).__name__} is no kind of model that a folder may hold.")
    files = _files(model, weights, card=front_matter(model.model.name, facts) + card)
    manifest = {**_description(model, weights), **facts, "files": stated(files)}
    folder.mkdir(parents=True)
    for name, blob in {**files, MANIFEST: _json(sealed(manifest))}.items():
        (folder / name).write_bytes(blob)
    gap = _gap(read_model(folder), model.model, train, source)
    if not gap <= _PARITY:
        raise ModelError(f"{folder}: the written model scores {gap:.2g} off the trained one.")


def _files(model: StoredModel, weights: StoredWeights, *, card: str) -> dict[str, bytes]:
    """Return the files of a folder by name, but for its manifest."""
    files = {
        WEIGHTS: save_arrays({k: np.ascontiguousarray(v) for k, v in weights.arrays().items()}),
        CARD: card.encode("utf-8"),
        SCHEMA: _json(table_schema(model.rules.values(), model.model.encoding.columns)),
        BACKGROUND: model.background.to_parquet(index=False),
    }
    if model.neighbours is not None:
        files[NEIGHBOURS] = model.neighbours.rows.to_parquet(index=False)
    return files


def _description(model: StoredModel, weights: StoredWeights) -> dict[str, Any]:
    """Return what a manifest says of the model; :func:`_loaded` reads it."""
    fitted = model.model
    return {
        "format_version": FORMAT_VERSION,
        "name": fitted.name,
        "family": weights.family,
        "features": fitted.encoding.names,
        "encoding": fitted.encoding.to_dict(),
        "interval": fitted.interval.to_dict(),
        "precedent": fitted.precedent.to_dict() if fitted.precedent else None,
        "thresholds": asdict(model.thresholds),
        "peers": model.peers.to_dict(),
        "profile": model.profile.to_dict(),
        "columns": [rule.to_dict() for rule in model.rules.values()],
    }


def _json(plain: Mapping[str, Any]) -> bytes:
    text = json.dumps(plain, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    return text.encode("utf-8")


def _gap(written: StoredModel, trained: FittedModel, train: pd.DataFrame, raw: RawTable) -> float:
    """Return how far a written model is off, on the source's own cells read as a scorer reads."""
    columns = {name: written.rules[name].header for name in trained.encoding.columns}
    cells = {name: whole_array(raw.cells[header]) for name, header in columns.items()}
    rules = {name: written.rules[name] for name in columns}
    reader = BlockReader(raw.name, rules, headers=columns)
    reader.settle(cells)
    rows = np.searchsorted(raw.rows, train.index.to_numpy())
    block = reader.read(cells).block.take(rows)
    gap = np.abs(written.model.predict_proba(block) - trained.predict_proba(train))
    return float(gap.max(initial=0.0))


def read_model(
    folder: str | Path, *, cage: Cage | None = None, explains: bool = True
) -> StoredModel:
    """Return the model of a folder, read and verified.

    Parameters
    ----------
    folder
        The folder.
    cage
        The process that reads its tables, where the folder is foreign; this one if not given.
    explains
        Read and try what explanations need, too.

    Raises
    ------
    ModelError
        If a file is missing, a link, too large, altered, or not of a model this version knows.
    """
    folder = Path(folder)
    try:
        manifest = read_manifest(folder)
        blobs = read_files(folder, manifest)
        loaded = _loaded(manifest, blobs)
        if explains:
            loaded = _explaining(loaded, blobs, cage)
        try_out(loaded)
    except ModelError:
        raise
    except Exception as error:  # a foreign folder may fail in any way
        raise _unread(folder, error) from error
    return loaded


def _unread(folder: Path, error: Exception) -> ModelError:
    """Return why a folder cannot be read: too little of something here, or the folder itself.

    Arrow raises an `OSError` without a number for a file that is no Parquet.
    """
    if problem := shortage(error):
        way_out = "End other programs, or read it on a machine with more memory."
        if isinstance(error, OSError):
            way_out = "Free room on the disk, or see whether it fails; then try again."
        return ModelError(f"{folder}: it cannot be read now. {problem}", way_out)
    if isinstance(error, OSError) and error.errno is not None:
        return ModelError(f"{folder}: it cannot be read now: {error.strerror}.", "Try again.")
    what = f"{type(error).__name__}: {error}"
    return ModelError(
        f"{folder}: the folder does not describe a model ({what}).", "Train it again."
    )


def _loaded(manifest: Mapping[str, Any], blobs: Mapping[str, bytes]) -> StoredModel:
    """Return a model made of a folder's parts, for scores alone."""
    require_form(manifest)
    encoding = Encoding.from_dict(manifest["encoding"])
    model = FittedModel(
        name=manifest["name"],
        encoding=encoding,
        weights=FAMILIES[manifest["family"]].from_arrays(load_arrays(blobs[WEIGHTS])),
        interval=_interval(manifest),
        precedent=_precedent(manifest.get("precedent")),
    )
    peers = Peers.from_dict(manifest["peers"])
    return StoredModel(
        model=model,
        peers=peers,
        thresholds=Thresholds(**manifest["thresholds"]),
        profile=Profile.from_dict(manifest["profile"]),
        rules=_rules(manifest, encoding.numeric | {*peers.curves}),
        manifest=manifest,
    )


def _explaining(loaded: StoredModel, blobs: Mapping[str, bytes], cage: Cage | None) -> StoredModel:
    """Return a model with the rows that its explanations compare with."""
    numeric = loaded.model.encoding.numeric
    texts = [column for column in loaded.model.encoding.columns if column not in numeric]
    return replace(
        loaded,
        background_rows=read_rows(blobs[BACKGROUND], numeric, texts, cage=cage),
        neighbours=_neighbours(blobs.get(NEIGHBOURS), numeric, texts, cage),
    )


def _rules(manifest: Mapping[str, Any], numeric: set[str]) -> dict[str, ColumnRule]:
    if manifest["format_version"] == 2:
        levels = manifest["profile"]["levels"]
        return rules_of_format_2(numeric, levels, manifest.get("units", {}))
    rules = [ColumnRule.from_dict(fields) for fields in manifest["columns"]]
    return {rule.column: rule for rule in rules}


def _precedent(plain: Mapping[str, Any] | None) -> Precedent | None:
    """Return what a manifest says of precedents; one of an earlier version says nothing."""
    return None if plain is None else Precedent.from_dict(plain)


def _interval(manifest: Mapping[str, Any]) -> Interval:
    """Return the widths of intervals; an earlier version had the same for all rows."""
    width = manifest.get("half_width", 0.0)
    plain = {"below": width, "above": width, "rise": 0.0, "empties": {}}
    return Interval.from_dict(manifest.get("interval", plain))


def _neighbours(
    blob: bytes | None, numeric: set[str], texts: Sequence[str], cage: Cage | None
) -> Neighbours | None:
    """Return the past creators to compare others with; folders of an earlier version have none."""
    if blob is None:
        return None
    rows = read_rows(blob, {*numeric, LABEL}, texts, either=(IDENTIFIER,), cage=cage)
    return Neighbours(rows)
