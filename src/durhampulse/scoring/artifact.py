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
from durhampulse.creators.table import Creators
from durhampulse.creators.text import whole_array
from durhampulse.decision.bands import Thresholds
from durhampulse.deferred import pd
from durhampulse.exceptions import ModelError
from durhampulse.features.encoding import Encoding
from durhampulse.features.neighbours import Neighbours
from durhampulse.features.peers import Peers
from durhampulse.features.precedent import Precedent
from durhampulse.features.profile import Profile, learn_profile
from durhampulse.files.cage import Cage
from durhampulse.files.shortage import shortage
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
from durhampulse.scoring.model import LoadedModel
from durhampulse.scoring.tableschema import table_schema
from durhampulse.scoring.trial import try_out

__all__ = ["read_model", "write_model"]

_PARITY = 1e-6


def write_model(  # noqa: PLR0913 - each is a part of the folder
    folder: Path,
    model: FittedModel,
    *,
    facts: Mapping[str, Any],
    card: str,
    peers: Peers,
    thresholds: Thresholds,
    background: pd.DataFrame,
    train: pd.DataFrame,
    creators: Creators,
    profile: Profile | None = None,
    neighbours: Neighbours | None = None,
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
    peers
        Whom a creator is compared with.
    thresholds
        Where the bands begin.
    background
        The rows that stand for unknown columns in explanations.
    train
        The training rows, by their row numbers in the source.
    creators
        The table they are of. Read from the source's own cells by the rules in the folder, as
        any later table is, each of them must score within 1e-6 of the model in memory.
    profile
        What the training rows look like, where `train` holds some of them only.
    neighbours
        Past creators with their outcomes.

    Raises
    ------
    ModelError
        If one does not.
    """
    folder.mkdir(parents=True)
    weights = model.weights
    if not isinstance(weights, StoredWeights):
        raise TypeError(f"{type(weights).__name__} is no kind of model that a folder may hold.")
    blob = save_arrays({k: np.ascontiguousarray(v) for k, v in weights.arrays().items()})
    (folder / WEIGHTS).write_bytes(blob)
    (folder / CARD).write_text(front_matter(model.name, facts) + card, encoding="utf-8")
    schema = table_schema(creators.rules.values(), model.encoding.columns)
    (folder / SCHEMA).write_text(_json(schema), encoding="utf-8")
    background.to_parquet(folder / BACKGROUND, index=False)
    if neighbours is not None:
        neighbours.rows.to_parquet(folder / NEIGHBOURS, index=False)
    manifest = {
        "format_version": FORMAT_VERSION,
        "name": model.name,
        "family": weights.family,
        "features": model.encoding.names,
        "encoding": model.encoding.to_dict(),
        "interval": model.interval.to_dict(),
        "precedent": model.precedent.to_dict() if model.precedent else None,
        "thresholds": asdict(thresholds),
        "peers": peers.to_dict(),
        "profile": (profile or learn_profile(train[model.encoding.columns])).to_dict(),
        "columns": [rule.to_dict() for rule in creators.rules.values()],
        **facts,
        "files": stated(folder, sorted(path.name for path in folder.iterdir())),
    }
    (folder / MANIFEST).write_text(_json(sealed(manifest)), encoding="utf-8")
    gap = _gap(read_model(folder), model, creators, train)
    if not gap <= _PARITY:
        raise ModelError(f"{folder}: the written model scores {gap:.2g} off the trained one.")


def _json(plain: Mapping[str, Any]) -> str:
    return json.dumps(plain, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _gap(loaded: LoadedModel, model: FittedModel, creators: Creators, train: pd.DataFrame) -> float:
    """Return how far a written model is off, on the source's own cells read as a scorer reads."""
    raw = creators.source
    columns = {name: loaded.rules[name].header for name in model.encoding.columns}
    cells = {name: whole_array(raw.cells[header]) for name, header in columns.items()}
    rules = {name: loaded.rules[name] for name in columns}
    reader = BlockReader(raw.name, rules, headers=columns)
    reader.settle(cells)
    rows = np.searchsorted(raw.rows, train.index.to_numpy())
    block = reader.read(cells).block.take(rows)
    gap = np.abs(loaded.model.predict_proba(block) - model.predict_proba(train))
    return float(gap.max(initial=0.0))


def read_model(
    folder: str | Path, *, cage: Cage | None = None, explains: bool = True
) -> LoadedModel:
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


def _loaded(manifest: Mapping[str, Any], blobs: Mapping[str, bytes]) -> LoadedModel:
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
    return LoadedModel(
        model=model,
        peers=peers,
        thresholds=Thresholds(**manifest["thresholds"]),
        profile=Profile.from_dict(manifest["profile"]),
        rules=_rules(manifest, encoding.numeric | {*peers.curves}),
        manifest=manifest,
    )


def _explaining(loaded: LoadedModel, blobs: Mapping[str, bytes], cage: Cage | None) -> LoadedModel:
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
