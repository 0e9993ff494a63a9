"""The rules in force: the active model with the desk's thresholds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property

import pandas as pd

from durhampulse.creators.block import Block
from durhampulse.creators.outcome import OutcomeWords, outcome_words
from durhampulse.creators.schema import IDENTIFIER, LABEL
from durhampulse.decision.bands import BANDS, NO_PRECEDENT, Thresholds, may_be
from durhampulse.decision.promise import NO_YES_AT, Promise
from durhampulse.decision.reasons import reason_table
from durhampulse.decision.shapley import explain
from durhampulse.desk.models.edges import Edges, Range
from durhampulse.desk.store.tables import NUMBERS, TEXTS
from durhampulse.scoring.record import UNLIKE_BIT
from durhampulse.scoring.scorer import Scorer

__all__ = ["Range", "Rules", "stored_frame"]


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
        """Return the rules of a model with the desk's thresholds, or the model's own."""
        if thresholds:
            scorer = Scorer(replace(scorer.model, thresholds=thresholds))
        provenance = scorer.model.manifest.get("provenance", {})
        return cls(version, scorer, bool(provenance.get("simulated")))

    @property
    def thresholds(self) -> Thresholds:
        """Where the bands begin."""
        return self.scorer.model.thresholds

    @property
    def has_yes(self) -> bool:
        """Whether anybody can be marked *Yes*: nobody where a promise cannot be kept."""
        return self.thresholds.yes_at < NO_YES_AT

    @property
    def outcome(self) -> OutcomeWords:
        """What the model's outcomes are called."""
        return outcome_words(self.scorer.model.rules.get(LABEL))

    @property
    def promise(self) -> str:
        """What the study promised of Yes, in sentences; empty where nothing, or it was moved."""
        manifest = self.scorer.model.manifest
        facts = manifest.get("promise")
        if not facts or self.scorer.refusal or manifest["thresholds"] != asdict(self.thresholds):
            return ""
        return Promise(**facts).text(self.outcome)

    @property
    def tiers(self) -> list[str]:
        """Names of the tiers, from the smallest."""
        return [*self.scorer.model.peers.tiers]

    @property
    def flag_names(self) -> tuple[str, ...]:
        """What the bits of a creator's flags say, from the lowest."""
        return self.scorer.model.peers.flag_names

    def band(self, probability: float | None, flags: int = 0) -> str:
        """Return a creator's answer by stored score and flags; empty where there is none."""
        if probability is None:
            return ""
        if flags & UNLIKE_BIT and not self.scorer.refusal:
            return NO_PRECEDENT
        inside = (b for b, (low, high) in self.band_ranges.items() if low <= probability < high)
        return next(inside, "")

    @cached_property
    def band_ranges(self) -> dict[str, Range]:
        """Each band's probabilities, in the order of `BANDS`; none where nothing is recommended."""
        if self.scorer.refusal:
            return dict.fromkeys(BANDS, (0.0, 0.0))
        return self.thresholds.ranges()

    @cached_property
    def edges(self) -> Edges:
        """The probabilities that have a good chance to belong to another band."""
        return Edges(self.scorer.model.model.interval, self.thresholds)

    @property
    def edge_ranges(self) -> list[list[Range]]:
        """Those probabilities by the steps of stored flags; none where nothing is recommended."""
        return [[]] if self.scorer.refusal else self.edges.by_steps

    def on_edge(self, probability: float | None, flags: int = 0) -> bool:
        """Whether a creator has a good chance to belong to another band."""
        if probability is None or flags & UNLIKE_BIT or self.scorer.refusal:
            return False
        return self.edges.hold(probability, flags)

    def may_be(self, probability: float | None, flags: int = 0) -> str:
        """Return in which other band a creator may be; empty where that is unlikely."""
        if probability is None or not self.on_edge(probability, flags):
            return ""
        return may_be(probability, self.thresholds)

    def tier_range(self, tier: str) -> Range:
        """Return the followers of a tier."""
        starts = [*self.scorer.model.peers.tiers.values(), float("inf")]
        at = self.tiers.index(tier)
        return starts[at], starts[at + 1]

    def tier(self, followers: float | None) -> str:
        """Return the tier of a number of followers; empty where it is not known."""
        if followers is None:
            return ""
        return next((t for t in reversed(self.tiers) if followers >= self.tier_range(t)[0]), "")

    def flags(self, bits: int) -> list[str]:
        """Return the names of the flags that are set."""
        return [name for i, name in enumerate(self.flag_names) if bits >> i & 1]

    def reasons(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return ``Reasons For``, ``Reasons Against`` and ``Not Known`` of some creators."""
        model = self.scorer.model
        effects = explain(model.model, frame.drop(columns=IDENTIFIER), model.background)
        return reason_table(effects, frame, model.peers)

    def block(self, rows: Sequence[object]) -> Block:
        """Return stored creators as a block for the model."""
        return self.scorer.read_figures(stored_frame(self.scorer, rows))


def stored_frame(scorer: Scorer, rows: Sequence[object]) -> pd.DataFrame:
    """Return stored creators as a creators' table with the columns a model looks at.

    Parameters
    ----------
    scorer
        The model.
    rows
        With the columns of the table `creator` as attributes.
    """
    columns: dict[str, object] = {IDENTIFIER: [row.external_id for row in rows]}  # type: ignore[attr-defined]
    kept_as = {**NUMBERS, **TEXTS}
    for name in scorer.seen:
        values = [
            getattr(row, kept_as[name]) if name in kept_as else (row.extra or {}).get(name)  # type: ignore[attr-defined]
            for row in rows
        ]
        kind = "float64" if name in scorer.numeric else "str"
        columns[name] = pd.Series(values, dtype=kind)
    return pd.DataFrame(columns)
