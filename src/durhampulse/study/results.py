"""What each part of a study gives: frozen sets of tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from durhampulse.creators.table import Creators
from durhampulse.decision.bands import Thresholds
from durhampulse.decision.promise import Promise
from durhampulse.decision.shapley import Explanation
from durhampulse.evaluation.verdict import Verdict
from durhampulse.features.encoding import Encoding
from durhampulse.features.neighbours import Neighbours
from durhampulse.features.peers import Peers
from durhampulse.features.repeats import Codes, creator_codes
from durhampulse.models.fitted import FittedModel
from durhampulse.models.mlp import MLPTraining
from durhampulse.models.training import OutOfFold

__all__ = [
    "BaselineComparison", "Comparison", "Confusion", "Decision", "Exploration", "Inspection",
    "Judgement", "Preparation", "Regularisation", "Study",
]  # fmt: skip

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Inspection:
    """A1: the table as read."""

    creators: Creators
    shape: tuple[int, int]
    columns: pd.DataFrame
    head: pd.DataFrame
    irregularities: pd.DataFrame


@dataclass(frozen=True)
class Judgement:
    """The verdict on the table, before any model is made of it.

    Attributes
    ----------
    verdict
        What the checks say.
    creators
        The table, without what was left out.
    splits
        Scores under a random split and the one asked for; empty if none was.
    """

    verdict: Verdict
    creators: Creators
    splits: pd.DataFrame


@dataclass(frozen=True, kw_only=True)
class Exploration:
    """A2: the target and what goes with it; ``feature`` is the one explained."""

    creators: Creators
    target: pd.DataFrame
    associations: pd.DataFrame
    feature: str
    by_group: pd.DataFrame
    histograms: pd.DataFrame
    correlations: pd.DataFrame


@dataclass(frozen=True, kw_only=True)
class Preparation:
    """B1: the two parts, and the training part's encoding applied to both.

    ``left_out`` counts rows beyond the most that are trained or tested on.
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

    @property
    def groups(self) -> tuple[Codes, Codes]:
        """The creators of the rows trained on and of those tested on."""
        return creator_codes(self.train), creator_codes(self.test)


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """B2: classifiers cross-validated on the training part, then scored once on the test part.

    Attributes
    ----------
    cross_validated, tested
        ``model, metric, value, low, high``.
    out_of_fold
        Cross-validation of the training rows, by model.
    y_prob
        Probabilities of the test rows, by model.
    models
        Fitted on the whole training part, by name.
    baseline
        The model with the lowest cross-validated log loss.
    margin
        Its comparison with the runner-up on the training rows, out of fold.
    runner_up
        The second best.
    curves
        How each ranks the test rows, from ranking_curves.
    """

    cross_validated: pd.DataFrame
    tested: pd.DataFrame
    out_of_fold: Mapping[str, OutOfFold]
    y_prob: Mapping[str, Floats]
    models: Mapping[str, FittedModel]
    baseline: str
    runner_up: str
    margin: pd.DataFrame
    curves: pd.DataFrame


@dataclass(frozen=True)
class Confusion:
    """B3: the baseline's confusion matrix on the test part."""

    model: str
    table: pd.DataFrame


@dataclass(frozen=True, kw_only=True)
class BaselineComparison:
    """C3: the MLP against the baseline on the same test rows.

    Attributes
    ----------
    baseline
        The baseline's name.
    tested
        Scores of the network of C2 and of the baseline.
    difference
        ``metric, first, second, difference, low, high, p_value``: the network, on average over
        its seeds, less the baseline.
    by_seed
        The same for each ``seed``.
    runs
        The networks, that of C2 first.
    curves
        How the network of C2 and the classifiers of B2 rank the test rows, from ranking_curves.
    scores
        Their scores there.
    """

    baseline: str
    tested: pd.DataFrame
    difference: pd.DataFrame
    by_seed: pd.DataFrame
    runs: tuple[MLPTraining, ...]
    curves: pd.DataFrame
    scores: pd.DataFrame


@dataclass(frozen=True, kw_only=True)
class Regularisation:
    """D2: networks without, with some and with more regularisation, over several seeds.

    Attributes
    ----------
    runs
        One row a network and seed: ``network, seed, train_loss, val_loss, gap, best_epoch,
        test_loss, test_accuracy, test_f1``.
    summary
        Mean and standard deviation over the seeds.
    difference
        ``metric, first, second, difference, low, high, p_value`` on the test part: the network
        with dropout and L2 less that of C1, seed by seed.
    curves
        ``network, seed, epoch, loss, val_loss``.
    """

    runs: pd.DataFrame
    summary: pd.DataFrame
    difference: pd.DataFrame
    curves: pd.DataFrame


@dataclass(frozen=True, kw_only=True)
class Decision:
    """E: what the marketing team gets.

    Attributes
    ----------
    creators
        The table, without what was left out.
    champion
        The model that decides.
    promise
        What was promised of *Yes*; None where nothing was.
    rival, tied, margin
        What it was chosen over, whether the two differ by no more than noise, and their
        comparison out of fold.
    over_baseline
        Its comparison out of fold with the ``baseline`` of B2.
    cost
        What distilling it added to the log loss, out of fold; 0 for a model not distilled.
    table
        The decision table over all creators not trained on.
    not_scored
        Rows that are not judged: row, identifier, reason.
    hit_rates, pooled_hit_rates
        What the bands are worth: on the test part, with the mean probability predicted and the
        share of all deals that is found, and on the training part out of fold.
    sweep
        What other thresholds would give, on the test part.
    reliability, gain, invitations
        What probabilities and ranking are worth, measured on the test part.
    tested
        The champion's scores on the test part.
    groups
        Its quality by niche and tier there.
    explanation
        Shapley values of up to 500 creators of the test part, drawn at random.
    peers
        Whom a creator is compared with.
    background
        The training rows that stand for unknown columns in explanations.
    neighbours
        Past creators to compare others with.
    learning
        How models get better with more creators to learn from.
    alike
        One creator of each answer beside the past creators most like it, from lookalikes.
    calibrations
        Predicted and measured shares of the classifiers and the champion, on the test part.
    calibration_errors
        How far off they are, ``measured_on`` the test part and the training part out of fold.
    """

    creators: Creators
    champion: FittedModel
    thresholds: Thresholds
    promise: Promise | None = None
    rival: str
    tied: bool
    margin: pd.DataFrame
    over_baseline: pd.DataFrame
    cost: float
    table: pd.DataFrame
    not_scored: pd.DataFrame
    hit_rates: pd.DataFrame
    pooled_hit_rates: pd.DataFrame
    sweep: pd.DataFrame
    reliability: pd.DataFrame
    gain: pd.DataFrame
    invitations: pd.DataFrame
    tested: pd.DataFrame
    groups: pd.DataFrame
    explanation: Explanation
    peers: Peers
    background: pd.DataFrame
    neighbours: Neighbours
    learning: pd.DataFrame
    alike: pd.DataFrame
    calibrations: pd.DataFrame
    calibration_errors: pd.DataFrame


@dataclass(frozen=True, kw_only=True)
class Study:
    """All parts of one study."""

    a1: Inspection
    judged: Judgement
    a2: Exploration
    b1: Preparation
    b2: Comparison
    b3: Confusion
    c2: MLPTraining
    c3: BaselineComparison
    d1: MLPTraining
    d2: Regularisation
    e: Decision
