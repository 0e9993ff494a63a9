"""A model with all that its folder holds, and what can be said of it in some lines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from durhampulse.creators.rules import ColumnRule
from durhampulse.decision.bands import Thresholds
from durhampulse.decision.promise import Promise
from durhampulse.deferred import pd
from durhampulse.features.neighbours import Neighbours
from durhampulse.features.peers import Peers
from durhampulse.features.profile import Profile
from durhampulse.models.families import StoredWeights
from durhampulse.models.fitted import FittedModel
from durhampulse.models.interval import Interval
from durhampulse.models.weights import sigmoid
from durhampulse.scoring.folder import WEIGHTS

__all__ = ["StoredModel", "describe"]


@dataclass(frozen=True, kw_only=True)
class StoredModel:
    """A model with all that its folder holds.

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
    manifest
        Everything the folder says about it; empty until it is written.
    background_rows
        See `background`; none of a model that was read for scores alone.
    neighbours
        Past creators to compare others with; none in folders of an earlier version, and none of a
        model that was read for scores alone.
    """

    model: FittedModel
    peers: Peers
    thresholds: Thresholds
    profile: Profile
    rules: Mapping[str, ColumnRule]
    manifest: Mapping[str, Any] = field(default_factory=dict)
    background_rows: pd.DataFrame | None = None
    neighbours: Neighbours | None = None

    @property
    def weights_sha256(self) -> str:
        """Hash of the weights, hexadecimal."""
        return str(self.manifest["files"][WEIGHTS]["sha256"])

    @property
    def version(self) -> str:
        """What it is called where models follow one another: the hash's first 12 digits."""
        return self.weights_sha256[:12]

    @property
    def background(self) -> pd.DataFrame:
        """The rows that stand for unknown columns in explanations."""
        if self.background_rows is None:
            raise RuntimeError("a model that was read for scores alone explains nothing")
        return self.background_rows


def describe(model: StoredModel) -> str:
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
        _interval_line(model.model.interval),
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


def _interval_line(interval: Interval) -> str:
    """Return how far the interval of even chances reaches: log-odds of 0, less and more a width."""
    low, high = sigmoid(np.array([-interval.below, interval.above])).tolist()
    return f"90% interval of an even chance: {low:.0%} to {high:.0%}"


def _bands_line(model: StoredModel) -> str:
    """Return from where the bands begin; nobody is *Yes* where none could be promised."""
    review = f"Maybe (manual review) from {model.thresholds.review_at:.4g}"
    promise = model.manifest.get("promise")
    if promise and not Promise(**promise).is_kept:
        return f"{review}. {Promise(**promise).text()}"
    return f"Yes from {model.thresholds.yes_at:.4g}, {review}"
