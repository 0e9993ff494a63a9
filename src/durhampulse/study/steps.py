"""The study's parts A to E, in the order in which the notebook and the command line call them.

Each function takes what earlier parts gave and gives a part of :mod:`durhampulse.study.results`.
Words about them come from :mod:`durhampulse.report.interpretation`, pictures from
:mod:`durhampulse.report.plots`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from durhampulse.creators.options import ReadOptions
from durhampulse.creators.reading import read_creators
from durhampulse.creators.schema import IDENTIFIER, LABEL
from durhampulse.creators.table import Creators
from durhampulse.decision.bands import BANDS, Thresholds, assign_bands, decision_table, unscorable
from durhampulse.decision.reasons import reason_table
from durhampulse.decision.shapley import draw_background, explain
from durhampulse.decision.unlike import unlike_words
from durhampulse.evaluation import judgement
from durhampulse.evaluation.calibration import (
    band_hit_rates,
    gain_curve,
    invitation_table,
    reliability,
)
from durhampulse.evaluation.drift import compare_splits
from durhampulse.evaluation.groups import group_quality
from durhampulse.evaluation.metrics import compare_models, confusion_table, log_loss, score_models
from durhampulse.exceptions import CannotJudgeError
from durhampulse.features.encoding import learn_encoding, split_creators
from durhampulse.features.peers import learn_peers
from durhampulse.features.repeats import rows_to_decide
from durhampulse.models.champion import train_champion
from durhampulse.models.classifiers import CLASSIFIERS
from durhampulse.models.fitted import FittedModel
from durhampulse.models.mlp import MLPTraining, NetworkPlan, train_mlp
from durhampulse.models.training import OutOfFold, classifier_learner, cross_validate
from durhampulse.models.weights import Weights
from durhampulse.study import exploration
from durhampulse.study.request import JudgeOptions
from durhampulse.study.results import (
    BaselineComparison,
    Comparison,
    Confusion,
    Decision,
    Exploration,
    Inspection,
    Judgement,
    Preparation,
    Regularisation,
    Study,
)

if TYPE_CHECKING:
    from durhampulse.evaluation.drift import Kind

__all__ = [
    "BASE_RATE", "MLP", "REGULARISED", "UNREGULARISED", "Study",
    "compare_classifiers", "compare_with_baseline", "decide", "explore", "judge",
    "load_and_inspect", "measure_regularisation", "prepare", "read_confusion", "train_network",
]  # fmt: skip

Floats = npt.NDArray[np.float64]

MLP = NetworkPlan("MLP", dropout=(0.3, 0.0))
REGULARISED = NetworkPlan("MLP with dropout and L2", dropout=(0.3, 0.3), l2=0.001)
UNREGULARISED = NetworkPlan("MLP without regularisation", dropout=(0.0, 0.0))
BASE_RATE = "Base rate alone"

_MOST_ROWS = 30_000
_MOST_REASONS = 2_000
_MOST_MAYBES = 20_000
_PICTURED = 500


def load_and_inspect(
    source: Any, options: ReadOptions | None = None, **keywords: Any
) -> Inspection:
    """A1: load a creators' table and look at it.

    Parameters
    ----------
    source
        As for :func:`durhampulse.read_creators`.
    options
        How to read it; or its fields as keywords.
    """
    creators = read_creators(source, options or ReadOptions(**keywords))
    return Inspection(
        creators=creators,
        shape=(creators.rows_read, creators.columns_read),
        columns=exploration.column_overview(creators),
        head=creators.table.head(),
        irregularities=creators.irregularities,
    )


def judge(
    creators: Creators,
    options: JudgeOptions | None = None,
    *,
    random_state: int = 0,
    **keywords: Any,
) -> Judgement:
    """Return the verdict on a table before any part is made of it.

    Parameters
    ----------
    options
        What to leave out and which splits to compare; or its fields as keywords.

    Raises
    ------
    CannotJudgeError
        If outcomes are missing or too few of one kind to learn from.
    """
    options = options or JudgeOptions(**keywords)
    if options.time in {role.column for role in creators.features}:
        reason = "a time of the past says nothing about those to come"
        creators = creators.without([options.time], reason)
    verdict = judgement.judge(creators, random_state=random_state)
    if gate := verdict.blocker:
        raise CannotJudgeError(
            f"{creators.source.name}: not ready. {gate.reason} ({gate.figure})",
            f"Add past outcomes; if another column holds them, name it: --map {LABEL}=HEADER.",
        )
    if options.drop_leaks:
        verdict, creators = judgement.drop_leaks(creators, random_state=random_state)
    splits = []
    asked: dict[Kind, str | None] = {"time": options.time, "group": options.group}
    for kind, column in asked.items():
        if column is not None:
            finding, scores = compare_splits(creators, column, kind, random_state=random_state)
            check = judgement.DRIFT.check(finding)
            verdict = replace(verdict, checks=(*verdict.checks, check))
            splits.append(scores)
    return Judgement(verdict, creators, pd.concat(splits) if splits else pd.DataFrame())


def explore(creators: Creators) -> Exploration:
    """A2: the target's distribution, and the features that go with it.

    Raises
    ------
    CannotJudgeError
        If no feature tells creators apart.
    """
    associations = exploration.associations(creators)
    if associations.empty:
        out = [role.column for role in creators.roles if role.role == "left out"]
        raise CannotJudgeError(
            f"{creators.source.name}: not ready. No feature holds two different values"
            + (f" once {', '.join(out)} is left out." if out else "."),
            "Add columns that tell creators apart.",
        )
    feature = exploration.surest(associations)
    return Exploration(
        creators=creators,
        target=exploration.target_distribution(creators.labelled, creators.outcome),
        associations=associations,
        feature=feature,
        by_group=exploration.outcome_by_group(creators, feature),
        histograms=exploration.outcome_histograms(creators),
        correlations=exploration.correlations(creators),
    )


def prepare(creators: Creators, *, random_state: int = 0) -> Preparation:
    """B1: split 80/20, encode and normalise; all that is learned comes from the training part."""
    parts = split_creators(creators.labelled, random_state=random_state)
    train, test = (
        part.sample(min(len(part), _MOST_ROWS), random_state=random_state).sort_index()
        for part in parts
    )
    left_out = len(creators.labelled) - len(train) - len(test)
    encoding = learn_encoding(train, creators.features)
    return Preparation(
        train=train,
        test=test,
        encoding=encoding,
        X_train=encoding.frame(train),
        X_test=encoding.frame(test),
        y_train=train[LABEL].to_numpy(np.float64),
        y_test=test[LABEL].to_numpy(np.float64),
        left_out=left_out,
        creators=creators,
        random_state=random_state,
    )


def compare_classifiers(part: Preparation) -> Comparison:
    """B2: cross-validate the classifiers, choose the baseline, score all once on the test part."""
    y_train, y_test, seed = part.y_train, part.y_test, part.random_state
    folds: dict[str, OutOfFold] = {}
    models: dict[str, FittedModel] = {}
    for name in CLASSIFIERS:
        learner = classifier_learner(name, seed)
        folds[name] = cross_validate(learner, part.train, part.creators.features, random_state=seed)
        weights = learner(part.X_train.to_numpy(), y_train)
        models[name] = FittedModel(name, part.encoding, weights)
    out_of_fold = {name: fold.y_prob for name, fold in folds.items()}
    y_prob = {name: _predict(model.weights, part.X_test) for name, model in models.items()}
    constant = {BASE_RATE: y_train.mean()}
    in_train, in_test = part.groups
    baseline, runner_up = sorted(models, key=lambda name: log_loss(y_train, out_of_fold[name]))[:2]
    return Comparison(
        cross_validated=score_models(
            y_train, {**_constants(constant, y_train), **out_of_fold}, groups=in_train
        ),
        tested=score_models(y_test, {**_constants(constant, y_test), **y_prob}, groups=in_test),
        out_of_fold=folds,
        y_prob=y_prob,
        models=models,
        baseline=baseline,
        runner_up=runner_up,
        margin=compare_models(
            y_train, out_of_fold[baseline], out_of_fold[runner_up], groups=in_train
        ),
    )


def _constants(constants: Mapping[str, float], y: Floats) -> dict[str, Floats]:
    return {name: np.full(len(y), value) for name, value in constants.items()}


def _predict(weights: Weights, X: pd.DataFrame) -> Floats:
    return weights.predict_proba(X.to_numpy())


def read_confusion(part: Preparation, comparison: Comparison) -> Confusion:
    """B3: count the baseline's hits and misses on the test part, at a probability of 0.5."""
    name = comparison.baseline
    names = part.creators.outcome.none, part.creators.outcome.deal
    return Confusion(name, confusion_table(part.y_test, comparison.y_prob[name], names=names))


def train_network(
    part: Preparation, plan: NetworkPlan, *, random_state: int | None = None
) -> MLPTraining:
    """C2 and D1: train a network, a fifth of the training part held out to watch it."""
    seed = part.random_state if random_state is None else random_state
    X, y, groups = part.X_train.to_numpy(), part.y_train, part.groups[0]
    return train_mlp(X, y, plan, groups=groups, random_state=seed)


def compare_with_baseline(
    part: Preparation, comparison: Comparison, training: MLPTraining
) -> BaselineComparison:
    """C3: score the network and the baseline on the same test rows."""
    baseline = comparison.baseline
    y_prob = _predict(training.network, part.X_test)
    probs = {baseline: comparison.y_prob[baseline], training.plan.name: y_prob}
    return BaselineComparison(
        baseline,
        score_models(part.y_test, probs, groups=part.groups[1]),
        compare_models(part.y_test, y_prob, comparison.y_prob[baseline], groups=part.groups[1]),
    )


def measure_regularisation(
    part: Preparation, *trained: MLPTraining, seeds: tuple[int, ...] = (0, 1, 2)
) -> Regularisation:
    """D2: compare three networks over seeds; what was `trained` already is not trained again.

    All losses are binary cross-entropy without the L2 penalty and with dropout off.
    """
    done = {(run.plan.name, run.seed): run for run in trained}
    rows, curves = [], []
    for plan in (UNREGULARISED, MLP, REGULARISED):
        for offset in seeds:
            seed = part.random_state + offset
            run = done.get((plan.name, seed)) or train_network(part, plan, random_state=seed)
            rows.append(_regularisation_row(part, run))
            curves.append(run.curves.assign(network=plan.name, seed=seed))
    runs = pd.DataFrame(rows)
    numbers = runs.drop(columns="seed").groupby("network", sort=False)
    summary = numbers.agg(["mean", "std"])
    summary.columns = pd.Index(["_".join(column) for column in summary.columns])
    return Regularisation(runs, summary.reset_index(), pd.concat(curves, ignore_index=True))


def _regularisation_row(part: Preparation, run: MLPTraining) -> dict[str, object]:
    y_prob = _predict(run.network, part.X_test)
    confusion = confusion_table(part.y_test, y_prob).to_numpy()
    last = run.curves.iloc[-1]
    return {
        "network": run.plan.name,
        "seed": run.seed,
        "train_loss": float(last["loss"]),
        "val_loss": float(last["val_loss"]),
        "gap": float(last["val_loss"] - last["loss"]),
        "best_epoch": int(run.curves["val_loss"].to_numpy().argmin()) + 1,
        "test_loss": log_loss(part.y_test, y_prob),
        "test_accuracy": float(np.trace(confusion) / confusion.sum()),
        "test_f1": float(2 * confusion[1, 1] / max(confusion[1].sum() + confusion[:, 1].sum(), 1)),
    }


def decide(
    part: Preparation,
    comparison: Comparison,
    judged: Judgement,
    *,
    thresholds: Thresholds | None = None,
) -> Decision:
    """E: train the model that decides, decide, explain, and measure what the decisions are worth.

    Decisions are made for all creators that were not trained on: the test part, those without a
    known outcome, and those beyond the most that are trained and tested on. Their worth is
    measured on the test part, and beside it on the training part out of fold.
    """
    thresholds = thresholds or Thresholds()
    features, seed = part.creators.features, part.random_state
    chosen = train_champion(part.train, features, folds=comparison.out_of_fold, random_state=seed)
    model, out_of_fold = chosen.model.with_precedent(part.train), chosen.out_of_fold
    y_prob, peers = model.predict_proba(part.test), learn_peers(part.train)
    fresh = rows_to_decide(part.creators.table, part.train.index, model.encoding.columns)
    refused = unscorable(fresh, model.encoding.columns)
    fresh = fresh[refused == ""]
    background = draw_background(part.train, model.encoding, random_state=seed)
    rows, sample = _to_explain(part, model, fresh, thresholds)
    explanation = explain(model, rows, background, random_state=seed)
    decided = decision_table(
        fresh,
        model.predict_proba(fresh),
        thresholds,
        peers=peers,
        interval=model.interval,
        reasons=reason_table(explanation, rows, peers),
        unlike=unlike_words(model, fresh),
        verdict=judged.verdict.refusal,
        carried={column: fresh[column] for column in part.creators.carried},
    )
    champion_prob = out_of_fold[model.name]
    return Decision(
        creators=part.creators,
        champion=model,
        thresholds=thresholds,
        rival=chosen.rival,
        tied=chosen.tied,
        margin=compare_models(
            part.y_train, champion_prob, out_of_fold[chosen.rival], groups=part.groups[0]
        ),
        gap=chosen.gap,
        table=decided,
        not_scored=_refused_rows(part.creators, refused),
        **_worth(part, model, y_prob, champion_prob, thresholds),
        explanation=replace(explanation, values=explanation.values.loc[sample]),
        peers=peers,
        background=background,
    )


def _worth(
    part: Preparation, model: FittedModel, y_prob: Floats, pooled: Floats, thresholds: Thresholds
) -> dict[str, pd.DataFrame]:
    """Return what decisions are worth, measured on the test part and on the training part."""
    y_train, y_test, (in_train, in_test) = part.y_train, part.y_test, part.groups
    tested, trained = (assign_bands(probability, thresholds) for probability in (y_prob, pooled))
    return {
        "hit_rates": band_hit_rates(y_test, tested, BANDS, groups=in_test),
        "pooled_hit_rates": band_hit_rates(y_train, trained, BANDS, groups=in_train),
        "reliability": reliability(y_test, y_prob, groups=in_test),
        "gain": gain_curve(y_test, y_prob),
        "invitations": invitation_table(y_test, y_prob, groups=in_test),
        "tested": score_models(y_test, {model.name: y_prob}, groups=in_test),
        "groups": group_quality(part.test, y_test, y_prob, yes_at=thresholds.yes_at),
    }


def _to_explain(
    part: Preparation, model: FittedModel, fresh: pd.DataFrame, thresholds: Thresholds
) -> tuple[pd.DataFrame, pd.Index]:
    """Choose the rows that get reasons, and among them the sample that shows the whole picture."""
    y_prob = pd.Series(model.predict_proba(fresh), fresh.index)
    ranked = y_prob.sort_values(ascending=False).index[:_MOST_REASONS]
    between = y_prob[(y_prob >= thresholds.review_at) & (y_prob < thresholds.yes_at)]
    maybe = between.sort_values(ascending=False).index[:_MOST_MAYBES]
    tested = fresh.index.intersection(part.test.index)
    rng = np.random.default_rng(part.random_state)
    sample = pd.Index(rng.permutation(tested.to_numpy())[:_PICTURED]).sort_values()
    return fresh.loc[ranked.union(maybe).union(sample)], sample


def _refused_rows(creators: Creators, reasons: pd.Series) -> pd.DataFrame:
    """Add rows that cannot be scored to those refused on reading: row, identifier, reason."""
    reasons = reasons[reasons != ""]
    more = pd.DataFrame(
        {
            "Row": reasons.index,
            "Influencer ID": creators.table.loc[reasons.index, IDENTIFIER].to_numpy(),
            "Reason": reasons.to_numpy(),
        }
    )
    return pd.concat([creators.refused, more], ignore_index=True)
