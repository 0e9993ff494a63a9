"""What the desk goes by at a moment: the active model and the thresholds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from durhampulse.creators.block import Block
from durhampulse.creators.schema import IDENTIFIER
from durhampulse.decision.bands import BANDS, MAYBE, YES, Thresholds, on_edge
from durhampulse.decision.reasons import reason_table
from durhampulse.decision.shapley import explain
from durhampulse.desk.store.tables import NUMBERS, TEXTS
from durhampulse.models.weights import sigmoid
from durhampulse.scoring.scorer import Scorer

__all__ = ["Range", "Rules", "stored_frame"]

Range = tuple[float, float]
"""From the first to below the second."""

_TOP = 2.0  # above every probability


@dataclass(frozen=True)
class Rules:
    """The active model with the desk's own thresholds.

    Attributes
    ----------
    version
        The model's, as in the store.
    scorer
        The model; its thresholds are the desk's.
    simulated
        Whether it learned from simulated data.
    """

    version: str
    scorer: Scorer
    simulated: bool

    @classmethod
    def of(cls, version: str, scorer: Scorer, thresholds: Thresholds | None) -> Rules:
        """Put a model to work with thresholds of the desk's, or its own."""
        if thresholds:
            scorer = Scorer(replace(scorer.model, thresholds=thresholds))
        provenance = scorer.model.manifest.get("provenance", {})
        return cls(version, scorer, bool(provenance.get("simulated")))

    @property
    def thresholds(self) -> Thresholds:
        """Where the bands begin."""
        return self.scorer.model.thresholds

    @property
    def tiers(self) -> list[str]:
        """Names of the tiers, from the smallest."""
        return [*self.scorer.model.peers.tiers]

    @property
    def flag_names(self) -> tuple[str, ...]:
        """What the bits of a creator's flags say, from the lowest."""
        return self.scorer.model.peers.flag_names

    def band(self, probability: float | None) -> str:
        """Give a probability's band; empty where nothing is recommended."""
        if probability is None or self.scorer.refusal:
            return ""
        at = self.thresholds
        return YES if probability >= at.yes_at else BANDS[1 + (probability < at.review_at)]

    def band_range(self, band: str) -> Range:
        """Give the probabilities of a band; none of them where nothing is recommended."""
        if self.scorer.refusal:
            return _TOP, _TOP
        at = self.thresholds
        ranges = {YES: (at.yes_at, _TOP), MAYBE: (at.review_at, at.yes_at)}
        return ranges.get(band, (-1.0, at.review_at))

    @cached_property
    def edge_ranges(self) -> list[Range]:
        """Give the probabilities that have a good chance to belong to another band."""
        if self.scorer.refusal:
            return []
        logits = np.linspace(-12, 12, 24_001)
        edge = on_edge(logits, self.scorer.model.model.half_width, self.thresholds)
        turns = np.flatnonzero(np.diff(np.r_[False, edge, False].astype(int)))
        ends = np.r_[sigmoid(logits), _TOP][turns]
        return [(float(low), float(high)) for low, high in ends.reshape(-1, 2)]

    def on_edge(self, probability: float | None) -> bool:
        """Tell whether another band is not unlikely."""
        return probability is not None and any(a <= probability < b for a, b in self.edge_ranges)

    def tier_range(self, tier: str) -> Range:
        """Give the followers of a tier."""
        starts = [*self.scorer.model.peers.tiers.values(), float("inf")]
        at = self.tiers.index(tier)
        return starts[at], starts[at + 1]

    def tier(self, followers: float | None) -> str:
        """Give a creator's tier."""
        if followers is None:
            return ""
        return next((t for t in reversed(self.tiers) if followers >= self.tier_range(t)[0]), "")

    def flags(self, bits: int) -> list[str]:
        """Say what stands out about a creator."""
        return [name for i, name in enumerate(self.flag_names) if bits >> i & 1]

    def reasons(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Give ``Reasons For`` and ``Reasons Against`` of some creators."""
        model = self.scorer.model
        found = explain(model.model, frame.drop(columns=IDENTIFIER), model.background)
        return reason_table(found, frame, model.peers)

    def block(self, rows: Sequence[object]) -> Block:
        """Give stored creators as the model sees them."""
        return Block.of(stored_frame(self.scorer, rows))


def stored_frame(scorer: Scorer, rows: Sequence[object]) -> pd.DataFrame:
    """Give stored creators as a creators' table with the columns a model looks at.

    Parameters
    ----------
    scorer
        The model.
    rows
        With the columns of the table `creator` as attributes.
    """
    columns: dict[str, object] = {IDENTIFIER: [row.external_id for row in rows]}  # type: ignore[attr-defined]
    for name in scorer.seen:
        stored = NUMBERS.get(name) or TEXTS.get(name)
        values = [
            getattr(row, stored) if stored else (row.extra or {}).get(name)  # type: ignore[attr-defined]
            for row in rows
        ]
        kind = "float64" if name in scorer.numeric else "str"
        columns[name] = pd.Series(values, dtype=kind)
    return pd.DataFrame(columns)
