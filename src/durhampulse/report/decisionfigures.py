"""The report's pictures of part E, with the tables behind them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from durhampulse.creators.outcome import OutcomeWords
from durhampulse.report import decisionplots
from durhampulse.report.figures import Figure, draw_figure
from durhampulse.study.results import Study

__all__ = ["DecisionFigures", "decision_figures"]


@dataclass(frozen=True, kw_only=True)
class DecisionFigures:
    """The pictures of part E; those of groups may be missing."""

    bands: Figure
    reliability: Figure
    calibrations: Figure
    lookalikes: Figure
    gain: Figure
    importance: Figure
    dependence: Figure
    groups: list[Figure]


def decision_figures(study: Study) -> DecisionFigures:
    """Return the pictures of part E."""
    part, outcome = study.e, study.b1.creators.outcome
    importance = part.explanation.importance()
    dependence = part.explanation.dependence(study.b1.test)
    errors = part.calibration_errors
    tested = errors[errors["measured_on"] == "test part"]
    return DecisionFigures(
        bands=draw_figure(
            "e-bands", "Hit rate of each band", part.hit_rates,
            lambda: decisionplots.bands(part.hit_rates, outcome=outcome)),
        reliability=draw_figure(
            "e-reliability", f"Predicted and measured shares of {outcome.deals}", part.reliability,
            lambda: decisionplots.reliability(part.reliability, outcome=outcome)),
        calibrations=draw_figure(
            "e-calibrations", "Predicted and measured shares, model by model", part.calibrations,
            lambda: decisionplots.calibrations(part.calibrations, tested, outcome=outcome)),
        lookalikes=draw_figure(
            "e-lookalikes", "What became of the past creators most like a few",
            part.alike.astype({"creator": "str"}),
            lambda: decisionplots.lookalikes(part.alike, outcome=outcome)),
        gain=draw_figure(
            "e-gain", "What inviting the best first finds", part.invitations,
            lambda: decisionplots.gain(part.gain, outcome=outcome)),
        importance=draw_figure(
            "e-importance", "What the model goes by", importance,
            lambda: decisionplots.importance(importance)),
        dependence=draw_figure(
            "e-dependence", "Effect of each column over its values", dependence,
            lambda: decisionplots.dependence(dependence)),
        groups=_group_figures(part.groups, outcome),
    )  # fmt: skip


def _group_figures(groups: pd.DataFrame, outcome: OutcomeWords) -> list[Figure]:
    if groups.empty:
        return []
    title = f"Predicted and measured shares of {outcome.deals} by niche and tier"

    def draw() -> Any:
        return decisionplots.group_calibration(groups, outcome=outcome)

    return [draw_figure("e-groups", title, groups, draw)]
