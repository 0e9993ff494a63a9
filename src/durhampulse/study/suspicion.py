"""Is the outcome predicted too well? Asked again of the best model that was trained."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from durhampulse.creators.schema import LABEL
from durhampulse.evaluation.judgement import TOO_GOOD
from durhampulse.evaluation.leaks import too_good
from durhampulse.evaluation.signal import column_strength
from durhampulse.study.results import Comparison, Judgement, Preparation

__all__ = ["ask_again"]


def ask_again(judged: Judgement, part: Preparation, comparison: Comparison) -> Judgement:
    """Return the judgement with `too-good` asked of the best classifier, cross-validated.

    A forest may see what the verdict's cheap models do not. The verdict stays as it is where they
    saw it too, or where no classifier does.
    """
    scores = comparison.cross_validated.query("metric == 'roc_auc'").set_index("model")["value"]
    best = str(scores.idxmax())
    y_train, (groups, _) = part.train[LABEL].to_numpy(np.float64), part.groups
    strengths = {
        role.column: column_strength(part.train[role.column], y_train, groups)
        for role in part.creators.features
    }
    event = part.creators.outcome.event
    model = f"the best classifier, {best[0].lower()}{best[1:]},"
    check = TOO_GOOD.check(too_good(float(scores[best]), model, strengths, event=event))
    was = {check.code: check for check in judged.verdict.checks}.get(TOO_GOOD.code)
    if check.severity == "pass" or (was is not None and was.severity != "pass"):
        return judged
    checks = tuple(check if old is was else old for old in judged.verdict.checks)
    return replace(judged, verdict=replace(judged.verdict, checks=checks))
