"""Part E: the model that decides, its decisions, and what they are worth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from durhampulse.creators.schema import IDENTIFIER
from durhampulse.creators.table import Creators
from durhampulse.decision.bands import BANDS, NO_PRECEDENT, Thresholds, assign_bands
from durhampulse.decision.gaps import unscorable
from durhampulse.decision.promise import Promise, keep_promise
from durhampulse.decision.reasons import reason_table
from durhampulse.decision.shapley import draw_background, explain
from durhampulse.decision.table import decision_table
from durhampulse.decision.unlike import unlike_words
from durhampulse.evaluation.calibration import (
    band_hit_rates,
    calibration_errors,
    gain_curve,
    invitation_table,
    reliability,
)
from durhampulse.evaluation.groups import group_quality
from durhampulse.evaluation.metrics import compare_models, score_models
from durhampulse.evaluation.thresholds import threshold_sweep
from durhampulse.features.neighbours import Neighbours, learn_neighbours
from durhampulse.features.peers import Peers, learn_peers
from durhampulse.features.rates import learn_rates
from durhampulse.features.repeats import rows_to_decide
from durhampulse.models.champion import Champion, train_champion
from durhampulse.models.fitted import FittedModel
from durhampulse.study.learning import learning_curve
from durhampulse.study.lookalikes import lookalikes
from durhampulse.study.results import Comparison, Decision, Judgement, Preparation

__all__ = ["decide"]

Floats = npt.NDArray[np.float64]

_MOST_REASONS = 2_000
_MOST_MAYBES = 20_000
_PICTURED = 500


def decide(
    part: Preparation,
    comparison: Comparison,
    judged: Judgement,
    *,
    thresholds: Thresholds | None = None,
    promise: float | None = None,
    keep_identifiers: bool = False,
) -> Decision:
    """E: train the model that decides, decide, explain, and measure what the decisions are worth.

    Decisions are made for all creators that were not trained on: the test part, those without a
    known outcome, and those beyond the most that are trained and tested on. Their worth is
    measured on the test part, and beside it on the training part out of fold.
    """
    features, seed = part.creators.features, part.random_state
    chosen = train_champion(part.train, features, folds=comparison.out_of_fold, random_state=seed)
    model = chosen.model.with_precedent(part.train)
    y_prob, pooled = model.predict_proba(part.test), chosen.out_of_fold[model.name]
    promised, thresholds = _promised(part, model, pooled, promise, thresholds)
    (fresh, refused), peers = _to_decide(part, model), _usual(part, model)
    background = draw_background(part.train, model.encoding, random_state=seed)
    rows, sample = _to_explain(part, model, fresh, thresholds)
    explanation = explain(model, rows, background, random_state=seed)
    fresh_prob, unlike = model.predict_proba(fresh), unlike_words(model, fresh)
    decided = decision_table(
        fresh,
        fresh_prob,
        thresholds,
        peers=peers,
        interval=model.interval,
        reasons=reason_table(explanation, rows, peers),
        unlike=unlike,
        verdict=judged.verdict.refusal,
        carried={column: fresh[column] for column in part.creators.carried},
    )
    neighbours = _neighbours(part, model, keep_identifiers=keep_identifiers)
    alike = _alike(model, fresh, fresh_prob, thresholds, neighbours)
    return Decision(
        creators=part.creators,
        champion=model,
        thresholds=thresholds,
        promise=promised,
        **_chosen_over(part, chosen, comparison),
        table=decided,
        not_scored=_refused_rows(part.creators, refused),
        **_worth(part, model, y_prob, pooled, thresholds),
        explanation=replace(explanation, values=explanation.values.loc[sample]),
        peers=peers,
        background=background,
        neighbours=neighbours,
        alike=alike.assign(answer="") if judged.verdict.refusal else alike,
        **_calibrated(part, comparison, model.name, y_prob, pooled),
        learning=learning_curve(part, comparison),
    )


def _alike(
    model: FittedModel,
    fresh: pd.DataFrame,
    y_prob: Floats,
    thresholds: Thresholds,
    neighbours: Neighbours,
) -> pd.DataFrame:
    """Return the past creators most like the middle creator of each answer."""
    answers = assign_bands(y_prob, thresholds).mask(model.unlike(fresh) > 0, NO_PRECEDENT)
    return lookalikes(fresh, y_prob, answers, model.encoding, neighbours)


def _to_decide(part: Preparation, model: FittedModel) -> tuple[pd.DataFrame, pd.Series]:
    """Return the creators to decide on, and why others cannot be scored, empty for these."""
    fresh = rows_to_decide(part.creators.table, part.train.index, model.encoding.columns)
    refused = unscorable(fresh, model.encoding.columns)
    return fresh[refused == ""], refused


def _chosen_over(part: Preparation, chosen: Champion, comparison: Comparison) -> dict[str, Any]:
    """Return what the model was chosen over, how they compare out of fold, and what it cost."""
    own, baseline = chosen.out_of_fold[chosen.model.name], comparison.baseline
    others = chosen.out_of_fold[chosen.rival], comparison.out_of_fold[baseline].y_prob
    rival, known = (compare_models(part.y_train, own, p, groups=part.groups[0]) for p in others)
    return {
        "rival": chosen.rival,
        "tied": chosen.tied,
        "margin": rival,
        "over_baseline": known.assign(baseline=baseline),
        "cost": chosen.cost,
    }


def _promised(
    part: Preparation,
    model: FittedModel,
    pooled: Floats,
    share: float | None,
    thresholds: Thresholds | None,
) -> tuple[Promise | None, Thresholds]:
    """Return what is promised of *Yes*, if anything is, and where the bands begin.

    The promise is tested on the test part: nothing else is chosen on it, and the model that is
    shipped has not seen it. Out of fold other models predict, and their blend was chosen there.
    Creators without precedent are no *Yes*, so they are left out.
    """
    thresholds = thresholds or Thresholds()
    if share is None:
        return None, thresholds
    usual = model.unlike(part.test) == 0
    promise = keep_promise(
        part.y_test[usual],
        model.predict_proba(part.test[usual]),
        share,
        planned=pooled,
        groups=part.groups[1][usual],
        held_out=len(part.test) / (len(part.test) + len(part.train)),
    )
    return promise, promise.thresholds(thresholds)


def _neighbours(part: Preparation, model: FittedModel, *, keep_identifiers: bool) -> Neighbours:
    """Return the past creators that others are like."""
    return learn_neighbours(
        model.encoding,
        part.train,
        keep_identifiers=keep_identifiers,
        random_state=part.random_state,
    )


def _usual(part: Preparation, model: FittedModel) -> Peers:
    """Return what is usual for creators, and how often those alike got a deal."""
    rates = learn_rates(part.train, model.encoding.columns, part.creators.outcome.get)
    return replace(learn_peers(part.train), rates=rates)


def _worth(
    part: Preparation, model: FittedModel, y_prob: Floats, pooled: Floats, thresholds: Thresholds
) -> dict[str, Any]:
    """Return what decisions are worth, measured on the test part and on the training part."""
    y_train, y_test, (in_train, in_test) = part.y_train, part.y_test, part.groups
    tested, trained = (assign_bands(probability, thresholds) for probability in (y_prob, pooled))
    refused = (unscorable(part.test, model.encoding.columns) != "").to_numpy()
    unlike = (model.unlike(part.test) > 0) | refused
    tested = tested.mask(unlike, NO_PRECEDENT)
    listed = y_prob - unlike  # no Yes, and last in the list, whatever their probability
    at = (0.5, 0.6, 0.7, 0.8, 0.9, thresholds.review_at, thresholds.yes_at)
    rates = band_hit_rates(y_test, tested, BANDS, groups=in_test)
    means = pd.Series(y_prob).groupby(tested.to_numpy()).mean()
    return {
        "hit_rates": rates.assign(
            predicted=rates["band"].map(means).astype("float64"),
            recall=rates["deals"] / max(float(y_test.sum()), 1.0),
        ),
        "sweep": threshold_sweep(y_test, listed, at, groups=in_test),
        "pooled_hit_rates": band_hit_rates(y_train, trained, BANDS, groups=in_train),
        "reliability": reliability(y_test, y_prob, groups=in_test),
        "gain": gain_curve(y_test, listed),
        "invitations": invitation_table(y_test, listed, groups=in_test),
        "tested": score_models(y_test, {model.name: y_prob}, groups=in_test),
        "groups": group_quality(part.test, y_test, y_prob, yes_at=thresholds.yes_at),
    }


def _calibrated(
    part: Preparation, comparison: Comparison, name: str, y_prob: Floats, pooled: Floats
) -> dict[str, Any]:
    """Return what the probabilities of the classifiers and of the model that decides are worth."""
    probs, (trained, tested) = {**comparison.y_prob, name: y_prob}, part.groups
    folds = {model: fold.y_prob for model, fold in comparison.out_of_fold.items()}
    bins = {m: reliability(part.y_test, p, groups=tested) for m, p in probs.items()}
    errors = {
        "test part": calibration_errors(part.y_test, probs, groups=tested),
        "training part, out of fold": calibration_errors(
            part.y_train, {**folds, name: pooled}, groups=trained
        ),
    }
    return {
        "calibrations": _stacked(bins, "model"),
        "calibration_errors": _stacked(errors, "measured_on"),
    }


def _stacked(tables: Mapping[str, pd.DataFrame], name: str) -> pd.DataFrame:
    """Return tables one below the other, a column saying of what each is."""
    return pd.concat(tables, names=[name, None]).reset_index(name).reset_index(drop=True)


def _to_explain(
    part: Preparation, model: FittedModel, fresh: pd.DataFrame, thresholds: Thresholds
) -> tuple[pd.DataFrame, pd.Index]:
    """Return the rows that get reasons, and the sample among them that shows the whole picture."""
    y_prob = pd.Series(model.predict_proba(fresh), fresh.index)
    ranked = y_prob.sort_values(ascending=False).index[:_MOST_REASONS]
    between = y_prob[(y_prob >= thresholds.review_at) & (y_prob < thresholds.yes_at)]
    maybe = between.sort_values(ascending=False).index[:_MOST_MAYBES]
    tested = fresh.index.intersection(part.test.index)
    rng = np.random.default_rng(part.random_state)
    sample = pd.Index(rng.permutation(tested.to_numpy())[:_PICTURED]).sort_values()
    return fresh.loc[ranked.union(maybe).union(sample)], sample


def _refused_rows(creators: Creators, reasons: pd.Series) -> pd.DataFrame:
    """Return rows refused on reading and those that cannot be scored: row, identifier, reason."""
    reasons = reasons[reasons != ""]
    more = pd.DataFrame(
        {
            "Row": reasons.index,
            "Influencer ID": creators.table.loc[reasons.index, IDENTIFIER].to_numpy(),
            "Reason": reasons.to_numpy(),
        }
    )
    return pd.concat([creators.refused, more], ignore_index=True)
