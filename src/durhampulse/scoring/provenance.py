"""Where scores come from: what stands beside every file of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import PurePath
from typing import Any

from durhampulse.decision.bands import Thresholds
from durhampulse.scoring.scorer import Scorer

__all__ = ["made_with", "provenance_of", "stamped"]

_MADE_WITH = ("durhampulse", "catboost", "keras", "jax", "numpy", "pandas", "scikit-learn")


def provenance_of(scorer: Scorer, files: Sequence[PurePath]) -> dict[str, Any]:
    """Return where the scores of files come from: model, files, time and versions."""
    manifest = scorer.model.manifest
    facts = {
        "source": [path.name for path in files],
        "model": manifest["name"],
        "model_sha256": scorer.model.weights_sha256,
        "trained_on_simulated_data": bool(manifest.get("provenance", {}).get("simulated")),
        "verdict": str(manifest.get("verdict", {}).get("word", "")),
    }
    return stamped(facts, scorer.model.thresholds)


def made_with() -> dict[str, str]:
    """Return name and version of this package and of those that models are trained with."""
    return {name: version(name) for name in _MADE_WITH}


def stamped(facts: dict[str, Any], thresholds: Thresholds) -> dict[str, Any]:
    """Return facts with where the bands begin, the program's version and the time."""
    return {
        **facts,
        "yes_at": thresholds.yes_at,
        "review_at": thresholds.review_at,
        "durhampulse": version("durhampulse"),
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
    }
