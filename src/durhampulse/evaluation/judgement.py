"""The verdict on a table, before anything is trained on it.

:data:`CHECKS` lists what is looked at. A new check is a function from :class:`Evidence` to
:class:`Finding` and one entry of that list.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace

import pandas as pd

from durhampulse.creators.dealwords import deal_word, denies_deal, names_deal
from durhampulse.creators.labels import blank_cells, word_counts
from durhampulse.creators.schema import IDENTIFIER, LABEL
from durhampulse.creators.table import Creators
from durhampulse.creators.text import whole_array
from durhampulse.evaluation import identifiers, leaks, purity
from durhampulse.evaluation.evidence import Evidence
from durhampulse.evaluation.unlooked import check_unlooked
from durhampulse.evaluation.verdict import Check, Finding, Severity, Verdict
from durhampulse.features.repeats import counted, creator_names
from durhampulse.irregularities import Irregularity

__all__ = ["CHECKS", "DRIFT", "FEWEST_OF_A_CLASS", "TOO_GOOD", "CheckSpec", "drop_leaks", "judge"]

FEWEST_OF_A_CLASS = 40
"""Fewest creators of either outcome; the same as in Dynamics 365 lead scoring."""
_ENOUGH_OF_A_CLASS = 120
_LEVEL = 0.01
_WEAK = 0.60


@dataclass(frozen=True, kw_only=True)
class CheckSpec:
    """One check of the verdict.

    Attributes
    ----------
    code
        Stable name, as it stands in reports and model folders.
    question
        What it asks, for people.
    function
        Makes the check; none where it is made only when somebody asks for it.
    is_leak, is_gate, is_signal
        As for :class:`durhampulse.evaluation.verdict.Check`. Behind a gate that stops, no further
        check is made.
    copies
        Rows that ``--drop-leaks`` leaves out where the check does not pass.
    """

    code: str
    question: str
    function: Callable[[Evidence], Finding] | None = None
    is_leak: bool = False
    is_gate: bool = False
    is_signal: bool = False
    copies: Callable[[Creators], pd.Index] | None = None

    def check(self, finding: Finding) -> Check:
        """Return a finding under the name of this check."""
        return Check(
            code=self.code,
            is_leak=self.is_leak,
            is_gate=self.is_gate,
            is_signal=self.is_signal,
            **asdict(finding),
        )


def judge(creators: Creators, *, random_state: int = 0) -> Verdict:
    """Return whether a table can be judged; at most 20,000 of its labelled rows are looked at.

    Parameters
    ----------
    creators
        The table, read.
    random_state
        Of the rows drawn, the permutations and the halves.

    Returns
    -------
    Verdict
        Only with the checks up to the gate that stops, if one does.
    """
    evidence = Evidence(creators, random_state=random_state)
    checks: list[Check] = []
    for spec in CHECKS:
        if spec.function is not None:
            checks.append(spec.check(spec.function(evidence)))
            if Verdict(tuple(checks)).blocker:
                break
    return Verdict(tuple(checks))


def drop_leaks(creators: Creators, *, random_state: int = 0) -> tuple[Verdict, Creators]:
    """Return the verdict on a table without what leaks the answer or is suspected to.

    Returns
    -------
    verdict, creators
        The verdict on the rest, with the names of what was left out.
    """
    dropped: list[str] = []
    verdict = judge(creators, random_state=random_state)
    while columns := [name for name in verdict.leaks if name not in dropped]:
        creators = creators.without(columns, "it leaks the answer, or is suspected to")
        dropped += columns
        verdict = judge(creators, random_state=random_state)
    concerns = {check.code for check in verdict.concerns}
    for spec in CHECKS:
        if spec.copies is not None and spec.code in concerns:
            rows = spec.copies(creators)
            creators = creators.with_table(creators.table.drop(index=rows))
            dropped.append(f"{len(rows):,} copied rows")
            verdict = judge(creators, random_state=random_state)
    return replace(verdict, dropped=tuple(dropped)), creators


def _check_target(evidence: Evidence) -> Finding:
    creators = evidence.creators
    if LABEL not in creators.table:
        reason = f"There is no column {LABEL}, so there is no outcome to learn from."
        reason += "".join(
            f" {role.column}: {role.reason}." for role in creators.roles if LABEL in role.reason
        )
        reason += "".join(f" '{name}' holds a yes and a no." for name in _yes_and_no(creators))
        reason += "".join(
            f" '{name}' may say it: {options}." for name, options in _naming_a_deal(creators)
        )
        return Finding("stop", "no outcomes", reason, (LABEL,))
    outcomes = creators.labelled[LABEL]
    figure = (
        f"{len(outcomes):,} outcomes known, {outcomes.mean():.1%} {creators.outcome.deals}"
        if len(outcomes)
        else "none"
    )
    if outcomes.nunique() < 2:
        reason = f"{LABEL} holds one outcome only, or none."
        unknown, rule = len(creators.unlabelled), creators.rules.get(LABEL)
        deal = rule.deal if rule else ()
        if unknown and len(deal) == 1 and (outcomes == 1).any():
            options = f"--deal-is {shlex.quote(deal[0])} --no-deal-is ''"
            reason += f" If {unknown:,} cells are empty because there was no deal: {options}."
        return Finding("stop", figure, reason, (LABEL,))
    return Finding("pass", figure, "Both outcomes are there.")


def _yes_and_no(creators: Creators) -> list[str]:
    """Return the features of two levels, a yes and a no."""
    rules = [rule for role in creators.features if (rule := creators.rules.get(role.column))]
    return [
        rule.column
        for rule in rules
        if len(rule.levels) == 2 and {deal_word(level) for level in rule.levels} == {True, False}
    ]


def _naming_a_deal(creators: Creators) -> list[tuple[str, str]]:
    """Return columns whose headers speak of a deal, and the options that make them the outcome."""
    ways, cells = [], creators.source.cells
    for role in creators.roles:
        name = role.column
        if role.role not in ("feature", "unused") or name not in cells.column_names:
            continue
        if LABEL in role.reason or denies_deal(name) or not names_deal(name):
            continue
        words = word_counts(cells[name])
        blank = bool(words) and blank_cells(whole_array(cells[name])).any()
        empty = " --no-deal-is ''" if blank else ""
        if role.role == "feature" and pd.api.types.is_numeric_dtype(creators.table[name]):
            ways.append((name, f"--deal-is {shlex.quote(f'{name}>0')}{empty}"))
        elif blank and False not in map(deal_word, words):
            ways.append((name, f"--map {shlex.quote(f'{LABEL}={name}')}{empty}"))
    return ways


def _check_rows(evidence: Evidence) -> Finding:
    # A creator of many rows, or of copies, is one example, and of both outcomes one of either.
    labelled, outcome = evidence.creators.labelled, evidence.creators.outcome
    names = creator_names(labelled)
    deals, others = (names[labelled[LABEL] == value].nunique() for value in (1, 0))
    figure = f"{deals:,} creators with {outcome.a_deal}, {others:,} without"
    if labelled[IDENTIFIER].nunique() < len(labelled):
        figure += f"; {counted(labelled)}"
    fewest = min(deals, others)
    if fewest < FEWEST_OF_A_CLASS:
        reason = f"There are too few: at least {FEWEST_OF_A_CLASS} of either are needed."
        return Finding("stop", figure, reason)
    if fewest < _ENOUGH_OF_A_CLASS:
        reason = f"Fewer than {_ENOUGH_OF_A_CLASS} of one kind: all figures are uncertain."
        return Finding("care", figure, reason)
    return Finding("pass", figure, "There are enough of either.")


def _check_signal(evidence: Evidence) -> Finding:
    if not evidence.strengths:
        return Finding("stop", "0 features", "No column tells creators apart.")
    signal = evidence.signal
    figure = (
        f"highest ROC AUC of cheap models {signal.roc_auc:.3f}, 99% of "
        f"{signal.permutations} permutations below {signal.chance:.3f} (p = {signal.p_value:.3f})"
    )
    if signal.p_value > _LEVEL:
        reason = "No signal: the outcome cannot be predicted better than by chance."
        roles = evidence.creators.roles
        if texts := [role.column for role in roles if role.reason.startswith("free text")]:
            reason += f" Not looked at, because free text is not learned from: {', '.join(texts)}."
        return Finding("stop", figure, reason)
    if signal.roc_auc < _WEAK:
        reason = "Weak signal: better than chance, but not by much."
        return Finding("care", figure, reason)
    return Finding("pass", figure, "The features say something about the outcome.")


def _check_protected(evidence: Evidence) -> Finding:
    creators, reasons = evidence.creators, []
    names = tuple(role.column for role in creators.roles if role.role == "protected")
    noted = creators.irregularities
    doubtful = {*noted.loc[noted["code"] == Irregularity.PROTECTED, "column"]}
    allowed = tuple(role.column for role in creators.features if role.column in doubtful)
    if allowed:
        reasons.append(
            f"{', '.join(allowed)}: learned from, as --allow asks, though the law may protect it."
        )
    if names:
        reasons.append(
            f"{', '.join(names)}: not learned from, but other columns may stand in for it; compare "
            "the groups before acting."
        )
    reason = " ".join(reasons) or "No column looks like a protected attribute."
    severity: Severity = "care" if reasons else "pass"
    return Finding(severity, f"{len(names + allowed)} such columns", reason, names + allowed)


TOO_GOOD = CheckSpec(
    code="too-good",
    question="a ROC AUC above .95, now or of the best model trained? Then it names the suspects",
    function=leaks.check_too_good,
    is_leak=True,
)
"""Asked again once models are trained: :func:`durhampulse.study.ask_again`."""

DRIFT = CheckSpec(
    code="drift",
    question="with `--time` or `--group`: are later creators, or new groups, predicted as well?",
)
"""Made by :func:`durhampulse.study.judge`, once for each split asked for."""

CHECKS: tuple[CheckSpec, ...] = (
    CheckSpec(
        code="target",
        question="are outcomes of both kinds there?",
        function=_check_target,
        is_gate=True,
    ),
    CheckSpec(
        code="rows",
        question="at least 40 creators of either outcome?",
        function=_check_rows,
        is_gate=True,
    ),
    CheckSpec(
        code="signal",
        question="do cheap models beat themselves on permuted outcomes, at the 1% level?",
        function=_check_signal,
        is_signal=True,
    ),
    CheckSpec(
        code="leak-column",
        question="does a column alone tell the answer?",
        function=leaks.check_columns,
        is_leak=True,
    ),
    CheckSpec(
        code="leak-filled",
        question="is a column filled for one outcome only?",
        function=leaks.check_filled,
        is_leak=True,
    ),
    CheckSpec(
        code="leak-pure",
        question="does a level, a flag or a figure above 0 occur with one outcome only?",
        function=purity.check_pure,
        is_leak=True,
    ),
    CheckSpec(
        code="leak-share",
        question="is a figure the outcome's share within groups?",
        function=purity.check_shares,
        is_leak=True,
    ),
    CheckSpec(
        code="leak-dominant",
        question="does one column carry most of what can be predicted?",
        function=leaks.check_dominant,
        is_leak=True,
    ),
    CheckSpec(
        code="leak-copies",
        question="do creators stand in the table under several identifiers, equal or nearly so?",
        function=identifiers.check_copies,
        is_leak=True,
        copies=identifiers.copied_rows,
    ),
    CheckSpec(
        code="identifier",
        question="do identifiers (order, beginning, ending) tell the answer?",
        function=identifiers.check_identifier,
    ),
    TOO_GOOD,
    CheckSpec(
        code="unlooked",
        question="does a *no* mean that somebody looked?",
        function=check_unlooked,
    ),
    CheckSpec(
        code="protected",
        question="gender, age and the like: never learned from, and pointed out",
        function=_check_protected,
    ),
    DRIFT,
)
"""All checks, in the order in which they are made."""
