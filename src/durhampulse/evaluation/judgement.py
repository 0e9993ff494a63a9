"""The verdict on a table, before anything is trained on it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from durhampulse.creators import Creators
from durhampulse.creators.schema import IDENTIFIER, LABEL
from durhampulse.evaluation import leaks
from durhampulse.evaluation.signal import Signal, measure_signal
from durhampulse.evaluation.verdict import Check, Outcome, Verdict
from durhampulse.features.encoding import learn_encoding

__all__ = ["FEWEST_OF_A_CLASS", "drop_leaks", "judge"]

FEWEST_OF_A_CLASS = 40
"""Fewest creators of either outcome; the same as in Dynamics 365 lead scoring."""
_ENOUGH_OF_A_CLASS = 120
_MOST_ROWS = 20_000
_LEVEL = 0.01
_WEAK = 0.60


def judge(creators: Creators, *, random_state: int = 0) -> Verdict:
    """Check whether a table can be judged; at most 20,000 of its labelled rows are looked at.

    Parameters
    ----------
    creators
        The table, read.
    random_state
        Of the rows drawn, the permutations and the halves.

    Returns
    -------
    Verdict
        Only with the checks ``target`` and ``rows`` if they stop it.
    """
    first = [_check_target(creators), _check_rows(creators)]
    if any(check.outcome == "stop" for check in first):
        return Verdict(tuple(first))
    some = _some(creators, random_state)
    strengths = leaks.column_strengths(some)
    if not strengths:
        nothing = Check("signal", "stop", "0 features", "No column tells creators apart.")
        return Verdict((*first, nothing))
    whole = _signal(some, random_state=random_state)
    asked = leaks.may_follow_a_deal(some, whole.roc_auc)
    without = {
        name: _signal(some.without([name], ""), permutations=0, random_state=random_state).roc_auc
        for name in asked
    }
    return Verdict(
        (
            *first,
            _check_signal(whole),
            leaks.check_columns(strengths),
            leaks.check_filled(creators),
            leaks.check_dominant(whole, without),
            leaks.check_copies(creators),
            leaks.check_identifier(some),
            leaks.check_too_good(strengths, whole),
            _check_protected(creators),
        )
    )


def drop_leaks(creators: Creators, *, random_state: int = 0) -> tuple[Verdict, Creators]:
    """Judge a table, leave out what leaks the answer or is suspected to, and judge the rest.

    Returns
    -------
    verdict, creators
        The verdict on the rest, with the names of what was left out.
    """
    dropped: list[str] = []
    verdict = judge(creators, random_state=random_state)
    while found := [name for name in verdict.leaks if name not in dropped]:
        creators = creators.without(found, "it leaks the answer, or is suspected to")
        dropped += found
        verdict = judge(creators, random_state=random_state)
    if any(check.code == "leak-copies" and check.outcome != "pass" for check in verdict.checks):
        copies = leaks.copied_rows(creators)
        creators = creators.with_table(creators.table.drop(index=copies))
        dropped.append(f"{len(copies):,} copied rows")
        verdict = judge(creators, random_state=random_state)
    return replace(verdict, dropped=tuple(dropped)), creators


def _some(creators: Creators, random_state: int) -> Creators:
    labelled = creators.labelled
    if len(labelled) > _MOST_ROWS:
        labelled = labelled.sample(_MOST_ROWS, random_state=random_state).sort_index()
    return creators.with_table(labelled)


def _signal(creators: Creators, *, permutations: int = 299, random_state: int) -> Signal:
    labelled = creators.labelled
    X = learn_encoding(labelled, creators.features).transform(labelled)
    y_true = labelled[LABEL].to_numpy(np.float64)
    if X.shape[1] == 0:
        return Signal(0.5, 0.5, 1.0, permutations)
    return measure_signal(
        X, y_true, labelled[IDENTIFIER], permutations=permutations, random_state=random_state
    )


def _check_target(creators: Creators) -> Check:
    if LABEL not in creators.table:
        reason = f"There is no column {LABEL}, so there is no outcome to learn from."
        return Check("target", "stop", "no outcomes", reason, (LABEL,))
    known = creators.labelled[LABEL]
    figure = f"{len(known):,} outcomes known, {known.mean():.1%} deals" if len(known) else "none"
    if known.nunique() < 2:
        reason = f"{LABEL} holds one outcome only, or none."
        return Check("target", "stop", figure, reason, (LABEL,))
    return Check("target", "pass", figure, "Both outcomes are there.")


def _check_rows(creators: Creators) -> Check:
    known = creators.labelled
    # A creator of many rows is one example, as the split draws them.
    outcomes = known.groupby(IDENTIFIER)[LABEL].max() if LABEL in known else pd.Series(dtype=float)
    deals = int(outcomes.sum())
    figure = f"{deals:,} creators with a deal, {len(outcomes) - deals:,} without"
    fewest = min(deals, len(outcomes) - deals)
    if fewest < FEWEST_OF_A_CLASS:
        reason = f"There are too few: at least {FEWEST_OF_A_CLASS} of either are needed."
        return Check("rows", "stop", figure, reason)
    if fewest < _ENOUGH_OF_A_CLASS:
        reason = f"Fewer than {_ENOUGH_OF_A_CLASS} of one kind: all figures are uncertain."
        return Check("rows", "care", figure, reason)
    return Check("rows", "pass", figure, "There are enough of either.")


def _check_signal(found: Signal) -> Check:
    figure = (
        f"ROC AUC of a cheap model {found.roc_auc:.3f}, 99% of {found.permutations} permutations "
        f"below {found.chance:.3f} (p = {found.p_value:.3f})"
    )
    if found.p_value > _LEVEL:
        reason = "No signal: the outcome cannot be predicted better than by chance."
        return Check("signal", "stop", figure, reason)
    if found.roc_auc < _WEAK:
        reason = "Weak signal: better than chance, but not by much."
        return Check("signal", "care", figure, reason)
    return Check("signal", "pass", figure, "The features say something about the outcome.")


def _check_protected(creators: Creators) -> Check:
    found = tuple(role.column for role in creators.roles if role.role == "protected")
    outcome: Outcome = "care" if found else "pass"
    reason = (
        f"{', '.join(found)}: not learned from, but other columns may stand in for it; compare "
        "the groups before acting."
        if found
        else "No column looks like a protected attribute."
    )
    return Check("protected", outcome, f"{len(found)} such columns", reason, found)
