"""What each part of a study gives: frozen sets of tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from durhampulse.creators import Creators
from durhampulse.decision import Thresholds
from durhampulse.features import Encoding
from durhampulse.models.fitted import FittedModel
from durhampulse.models.mlp import MLPTraining

__all__ = [
    "BaselineComparison", "Comparison", "Confusion", "Decision", "Exploration", "Inspection",
    "Preparation", "Regularisation", "Study",
]  # fmt: skip

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Inspection:
    """A1: the table as read."""

    creators: Creators
    shape: tuple[int, int]
    columns: pd.DataFrame
    head: pd.DataFrame
    irregularities: pd.DataFrame


@dataclass(frozen=True)
class Exploration:
    """A2: the target and what goes with it; ``feature`` is the one explained."""

    target: pd.DataFrame
    associations: pd.DataFrame
    feature: str
    by_group: pd.DataFrame
    histograms: pd.DataFrame
    correlations: pd.DataFrame


@dataclass(frozen=True)
class Preparation:
    """B1: the two parts, and the training part's encoding applied to both.

    ``left_out`` counts training rows beyond the most that are trained on.
    """

    train: pd.DataFrame
    test: pd.DataFrame
    encoding: Encoding
    X_train: pd.DataFrame
    X_test: pd.DataFrame
    y_train: Floats
    y_test: Floats
    left_out: int
    creators: Creators
    random_state: int


@dataclass(frozen=True)
class Comparison:
    """B2: classifiers cross-validated on the training part, then scored once on the test part.

    Attributes
    ----------
    cross_validated, tested
        ``model, metric, value, low, high``.
    out_of_fold, y_prob
        Probabilities by model, for the training and the test rows.
    models
        Fitted on the whole training part, by name.
    baseline
        The model with the lowest cross-validated log loss.
    margin
        Its comparison with the runner-up on the training rows, out of fold.
    runner_up
        The second best.
    signal
        ROC AUC of the baseline out of fold, with its 99 % interval.
    """

    cross_validated: pd.DataFrame
    tested: pd.DataFrame
    out_of_fold: Mapping[str, Floats]
    y_prob: Mapping[str, Floats]
    models: Mapping[str, FittedModel]
    baseline: str
    runner_up: str
    margin: pd.DataFrame
    signal: tuple[float, float, float]

    @property
    def has_signal(self) -> bool:
        """Whether the baseline ranks creators better than chance, at the 1 % level."""
        return self.signal[1] > 0.5


@dataclass(frozen=True)
class Confusion:
    """B3: the baseline's confusion matrix on the test part."""

    model: str
    table: pd.DataFrame


@dataclass(frozen=True)
class BaselineComparison:
    """C3: the MLP against the baseline on the same test rows."""

    baseline: str
    tested: pd.DataFrame
    difference: pd.DataFrame


@dataclass(frozen=True)
class Regularisation:
    """D2: networks without, with some and with more regularisation, over several seeds.

    Attributes
    ----------
    runs
        One row a network and seed: ``network, seed, train_loss, val_loss, gap, best_epoch,
        test_loss, test_accuracy, test_f1``.
    summary
        Mean and standard deviation over the seeds.
    curves
        ``network, seed, epoch, loss, val_loss``.
    """

    runs: pd.DataFrame
    summary: pd.DataFrame
    curves: pd.DataFrame


@dataclass(frozen=True)
class Decision:
    """E: what the marketing team gets.

    Attributes
    ----------
    champion
        The model that decides: the better of baseline and MLP by cross-validated log loss.
    rival, margin
        The other of the two, and the comparison out of fold that chose between them.
    table
        The decision table over test part and unlabelled creators.
    hit_rates, reliability, gain, invitations
        What the bands and the ranking are worth, measured on the test part.
    tested
        The champion's scores on the test part.
    """

    champion: FittedModel
    thresholds: Thresholds
    rival: str
    margin: pd.DataFrame
    table: pd.DataFrame
    hit_rates: pd.DataFrame
    reliability: pd.DataFrame
    gain: pd.DataFrame
    invitations: pd.DataFrame
    tested: pd.DataFrame


@dataclass(frozen=True)
class Study:
    """All parts of one study."""

    a1: Inspection
    a2: Exploration
    b1: Preparation
    b2: Comparison
    b3: Confusion
    c2: MLPTraining
    c3: BaselineComparison
    d1: MLPTraining
    d2: Regularisation
    e: Decision
