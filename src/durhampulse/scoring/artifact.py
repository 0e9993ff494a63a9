"""The model folder: a trained model as data, verified before it is used.

``manifest.json`` says what the model is and carries size and SHA-256 of the other files:
``weights.safetensors``, which holds arrays only, ``background.parquet``, some training rows without
identifiers for explanations, ``neighbours.parquet``, some with their outcomes, and ``card.md``.
Nothing in the folder is executed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow.lib import ArrowException
from safetensors import SafetensorError
from safetensors.numpy import load as load_arrays
from safetensors.numpy import save as save_arrays

from durhampulse.creators.block import Block, Levels
from durhampulse.creators.blockreader import BlockReader
from durhampulse.creators.rules import ColumnRule, rules_of_format_2
from durhampulse.creators.schema import LABEL
from durhampulse.creators.table import Creators
from durhampulse.creators.text import whole_array
from durhampulse.decision.bands import Thresholds
from durhampulse.decision.promise import Promise
from durhampulse.exceptions import DurhamPulseError, ModelError
from durhampulse.features.encoding import Encoding
from durhampulse.features.neighbours import Neighbours
from durhampulse.features.peers import Peers
from durhampulse.features.precedent import Precedent
from durhampulse.features.profile import Profile, learn_profile
from durhampulse.models.families import FAMILIES, StoredWeights
from durhampulse.models.fitted import FittedModel
from durhampulse.models.interval import Interval
from durhampulse.models.weights import sigmoid

__all__ = ["FORMAT_VERSION", "LoadedModel", "describe", "read_model", "write_model"]

FORMAT_VERSION = 3
_READ = (2, 3)
_MANIFEST, _WEIGHTS, _BACKGROUND = "manifest.json", "weights.safetensors", "background.parquet"
_NEIGHBOURS = "neighbours.parquet"
_LARGEST_MANIFEST = 8 << 20
_LARGEST_FILE = 64 << 20
_LARGEST_BACKGROUND = 10_000
_MOST_FEATURES = 10_000
_PARITY = 1e-6
_FOREIGN = (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError)


@dataclass(frozen=True, kw_only=True)
class LoadedModel:
    """A model read from its folder.

    Attributes
    ----------
    model
        Encoding, weights and width of intervals.
    peers
        Whom a creator is compared with.
    thresholds
        Where the bands begin.
    profile
        What the training rows looked like.
    rules
        How the cells of each column are read.
    background
        The rows that stand for unknown columns in explanations.
    manifest
        Everything the folder says about it.
    neighbours
        Past creators to compare others with; none in folders of an earlier version.
    """

    model: FittedModel
    peers: Peers
    thresholds: Thresholds
    profile: Profile
    rules: Mapping[str, ColumnRule]
    background: pd.DataFrame
    manifest: Mapping[str, Any]
    neighbours: Neighbours | None = None


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
        The model card, Markdown.
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
    (folder / _WEIGHTS).write_bytes(blob)
    (folder / "card.md").write_text(card, encoding="utf-8")
    background.to_parquet(folder / _BACKGROUND, index=False)
    if neighbours is not None:
        neighbours.rows.to_parquet(folder / _NEIGHBOURS, index=False)
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
        "files": {
            name: {"bytes": (folder / name).stat().st_size, "sha256": _sha256(folder / name)}
            for name in (_WEIGHTS, _BACKGROUND, "card.md", *([_NEIGHBOURS] if neighbours else []))
        },
    }
    text = json.dumps(manifest, indent=2, ensure_ascii=False, allow_nan=False)
    (folder / _MANIFEST).write_text(text + "\n", encoding="utf-8")
    gap = _gap(read_model(folder), model, creators, train)
    if not gap <= _PARITY:
        raise ModelError(f"{folder}: the written model scores {gap:.2g} off the trained one.")


def _gap(loaded: LoadedModel, model: FittedModel, creators: Creators, train: pd.DataFrame) -> float:
    """Return how far a written model is off, on the source's own cells read as a scorer reads."""
    raw = creators.source
    columns = {name: loaded.rules[name].header for name in model.encoding.columns}
    cells = {name: whole_array(raw.cells[header]) for name, header in columns.items()}
    reader = BlockReader(raw.name, {name: loaded.rules[name] for name in columns})
    reader.settle(cells)
    rows = np.searchsorted(raw.rows, train.index.to_numpy())
    block = reader.read(cells).block.take(rows)
    gap = np.abs(loaded.model.predict_proba(block) - model.predict_proba(train))
    return float(gap.max(initial=0.0))


def read_model(folder: str | Path) -> LoadedModel:
    """Read and verify a model folder.

    Raises
    ------
    ModelError
        If a file is missing, a link, too large, altered, or not of a model this version knows.
    """
    folder = Path(folder)
    manifest = _read_manifest(folder)
    try:
        blobs = {
            str(n): _read_file(folder, str(n), entry) for n, entry in manifest["files"].items()
        }
        arrays = load_arrays(blobs[_WEIGHTS])
        model = FittedModel(
            str(manifest["name"]),
            Encoding.from_dict(manifest["encoding"]),
            FAMILIES[manifest["family"]].from_arrays(arrays),
            _interval(manifest),
            precedent=_precedent(manifest.get("precedent")),
        )
        peers = Peers.from_dict(manifest["peers"])
        loaded = LoadedModel(
            model=model,
            peers=peers,
            thresholds=Thresholds(**manifest["thresholds"]),
            profile=Profile(**manifest["profile"]),
            rules=_rules(manifest, model.encoding.numeric | {*peers.curves}),
            background=_read_rows(blobs[_BACKGROUND]),
            manifest=manifest,
            neighbours=Neighbours(_read_rows(blobs[_NEIGHBOURS])) if _NEIGHBOURS in blobs else None,
        )
        _try_out(loaded)
    except (*_FOREIGN, SafetensorError, ArrowException, DurhamPulseError) as error:
        if isinstance(error, ModelError):
            raise
        raise ModelError(
            f"{folder}: the folder does not describe a model ({type(error).__name__}: {error}).",
            "Train it again.",
        ) from error
    return loaded


def _rules(manifest: Mapping[str, Any], numeric: set[str]) -> dict[str, ColumnRule]:
    if manifest["format_version"] == 2:
        levels = manifest["profile"]["levels"]
        return rules_of_format_2(numeric, levels, manifest.get("units", {}))
    rules = [ColumnRule.from_dict(fields) for fields in manifest["columns"]]
    return {rule.column: rule for rule in rules}


def describe(model: LoadedModel) -> str:
    """Return in some lines what a model is, how good it is and what it needs."""
    manifest = model.manifest
    quality = {row["metric"]: row for row in manifest.get("quality", [])}
    rows, verdict = manifest.get("rows", {}), manifest.get("verdict", {})
    lines = [
        f"{manifest['name']}, from {rows.get('train', 0):,} creators of "
        f"{manifest.get('provenance', {}).get('source', 'an unnamed table')}"
        + (" (simulated)" if manifest.get("provenance", {}).get("simulated") else ""),
        f"Verdict on its data: {verdict.get('word', 'none')}",
        f"Columns: {', '.join(model.model.encoding.columns)}",
        _bands_line(model),
        f"90% interval: about {model.model.half_width:.2f} in log-odds either way",
    ]
    for metric, name in (("roc_auc", "ROC AUC"), ("log_loss", "Log loss")):
        if metric in quality:
            row = quality[metric]
            lines.append(f"{name} {row['value']:.3f} ({row['low']:.3f} to {row['high']:.3f})")
    weights = model.model.weights
    size = (
        sum(array.size for array in weights.arrays().values())
        if isinstance(weights, StoredWeights)
        else 0
    )
    lines.append(
        f"{size:,} weights; written by DurhamPulse "
        f"{manifest.get('versions', {}).get('durhampulse', 'of unknown version')}"
    )
    return "\n".join(lines)


def _bands_line(model: LoadedModel) -> str:
    """Return from where the bands begin; nobody is *Yes* where none could be promised."""
    review = f"Maybe (manual review) from {model.thresholds.review_at:.4g}"
    promise = model.manifest.get("promise")
    if promise and not Promise(**promise).is_kept:
        return f"{review}. {Promise(**promise).text()}"
    return f"Yes from {model.thresholds.yes_at:.4g}, {review}"


def _read_manifest(folder: Path) -> dict[str, Any]:
    path = folder / _MANIFEST
    if path.is_symlink() or not path.is_file():
        raise ModelError(f"{folder}: there is no {_MANIFEST}.", "Name a model folder.")
    if path.stat().st_size > _LARGEST_MANIFEST:
        raise ModelError(f"{path}: larger than any manifest.", "Train the model again.")
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"), parse_constant=_no_number)
    except (ValueError, RecursionError, OSError) as error:
        raise ModelError(f"{path}: not JSON ({error}).", "Train the model again.") from error
    number = manifest.get("format_version") if isinstance(manifest, dict) else None
    if number not in _READ:
        raise ModelError(
            f"{path}: format {number!r}, but this version of DurhamPulse reads {FORMAT_VERSION}.",
            "Use the version that wrote it, or train again.",
        )
    parts = ("files", "provenance", "rows", "thresholds", "units", "verdict", "versions")
    wrong = [part for part in parts if not isinstance(manifest.get(part, {}), dict)]
    if not isinstance(manifest.get("quality", []), list) or wrong:
        raise ModelError(
            f"{path}: {', '.join(wrong) or 'quality'} is not of the form of a model.",
            "Train the model again.",
        )
    for name in (_WEIGHTS, _BACKGROUND):
        if name not in manifest.get("files", {}):
            raise ModelError(f"{path}: it does not vouch for {name}.", "Train the model again.")
    return dict(manifest)


def _no_number(word: str) -> float:
    raise ValueError(f"{word} is no number")


def _read_file(folder: Path, name: str, entry: Mapping[str, Any]) -> bytes:
    """Read a file once, and vouch for what was read."""
    path = folder / name
    if Path(name).name != name or path.is_symlink() or not path.is_file():
        raise ModelError(f"{folder}: '{name}' is not a file in this folder.", "Train again.")
    try:
        size = path.stat().st_size
        blob = path.read_bytes() if size <= min(_LARGEST_FILE, int(entry["bytes"])) else b""
    except OSError as error:  # removed between the check and the read
        raise ModelError(f"{path}: {error.strerror}.", "Try again.") from error
    if size > _LARGEST_FILE or int(entry["bytes"]) > _LARGEST_FILE:
        raise ModelError(
            f"{path}: larger than the {_LARGEST_FILE >> 20} MiB that any part of a model takes.",
            "Train the model again.",
        )
    if len(blob) != entry["bytes"] or hashlib.sha256(blob).hexdigest() != entry["sha256"]:
        raise ModelError(
            f"{path}: the file is not the one the manifest was written for.",
            "It was damaged or altered: restore the folder or train the model again.",
        )
    return blob


def _read_rows(blob: bytes) -> pd.DataFrame:
    """Read training rows; a small file may hold many, so they are counted first."""
    file = pq.ParquetFile(pa.BufferReader(blob))
    groups = [file.metadata.row_group(i).total_byte_size for i in range(file.num_row_groups)]
    if file.metadata.num_rows > _LARGEST_BACKGROUND or sum(groups) > _LARGEST_FILE:
        raise ValueError(f"{file.metadata.num_rows:,} training rows")
    frame: pd.DataFrame = file.read().to_pandas()
    return frame


def _precedent(plain: Mapping[str, Any] | None) -> Precedent | None:
    """Return what a manifest says of precedents; one of an earlier version says nothing."""
    return None if plain is None else Precedent.from_dict(plain)


def _interval(manifest: Mapping[str, Any]) -> Interval:
    """Return the widths of intervals; an earlier version had the same for all rows."""
    width = manifest.get("half_width", 0.0)
    plain = {"below": width, "above": width, "rise": 0.0, "empties": {}}
    return Interval.from_dict(manifest.get("interval", plain))


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _try_out(loaded: LoadedModel) -> None:
    """Use each part on some rows: what does not fit together shows here, not at first use."""
    encoding = loaded.model.encoding
    columns = encoding.columns
    if len(encoding.names) > _MOST_FEATURES:
        raise ValueError(f"{len(encoding.names):,} encoded columns")
    tried = np.array([np.nan, 0.0, 0.05, 1e9])
    nothing = Levels(np.full(len(tried), -1), ())
    rows = Block(len(tried), {c: tried if c in encoding.numeric else nothing for c in columns})
    with np.errstate(all="ignore"):  # the result is checked below
        y_prob = sigmoid(loaded.model.look(rows)[0])
    if y_prob.shape != tried.shape or not np.all((y_prob >= 0) & (y_prob <= 1)):
        raise ValueError("the weights give no probability")
    if promise := loaded.manifest.get("promise"):
        Promise(**promise).text()
    loaded.peers.flag_bits(rows)
    loaded.profile.drift(loaded.profile.count(rows))
    if any(loaded.rules[c].numeric != (c in encoding.numeric) for c in columns):
        raise ValueError("a column's rule is not of the kind that the encoding needs")
    if set(columns) - set(loaded.background.columns):
        raise ValueError("the background rows lack a column")
    if loaded.neighbours is not None:
        outcomes = loaded.neighbours.nearest(encoding, loaded.background.head(1))[LABEL]
        if not outcomes.isin([0, 1]).all():
            raise ValueError("the rows to compare with have other outcomes than two")
