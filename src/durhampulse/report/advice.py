"""What a partnership team should make of a study: the verdict and part E in sentences.

As in :mod:`durhampulse.report.interpretation`, every sentence is chosen and filled by the run's
numbers.
"""

from __future__ import annotations

import pandas as pd

from durhampulse.creators.outcome import SPONSORSHIP, OutcomeWords
from durhampulse.creators.words import listed
from durhampulse.decision.bands import MAYBE, NO, YES
from durhampulse.decision.figures import quantity, threshold_text
from durhampulse.evaluation.calibration import wilson_interval
from durhampulse.evaluation.judgement import TOO_GOOD
from durhampulse.evaluation.verdict import Check
from durhampulse.report import interpretation
from durhampulse.report.interpretation import decided_unit, outcome_of, plain
from durhampulse.study.results import Decision, Judgement

__all__ = [
    "decision",
    "limits",
    "rule",
    "too_good",
    "verdict",
]

_FEW = 20
_SUSPICIOUS_AUC = 0.95


def verdict(part: Judgement) -> list[str]:
    """Return whether the table can be judged, and what stands against it, a sentence each."""
    judgement = part.verdict
    meaning = {
        "ready": "Nothing in these data forbids a decision.",
        "use with care": "Decisions may rest on these data once the points below are understood.",
        "not ready": "No decision may rest on these data as they are; nothing is recommended.",
    }[judgement.word]
    sentences = [f"**Verdict: {judgement.word}.** {meaning}"]
    sentences += [_concern(check) for check in judgement.concerns]
    if judgement.dropped:
        sentences.append(f"Left out, as asked: {plain(', '.join(judgement.dropped))}.")
    elif judgement.leaks:
        sentences.append("Run the study with --drop-leaks to judge by the other columns.")
    return sentences


def too_good(part: Judgement) -> list[str]:
    """B2: what speaks against a prediction that is too good, where it is."""
    checks = [check for check in part.verdict.concerns if check.code == TOO_GOOD.code]
    return [_concern(check) for check in checks]


def _concern(check: Check) -> str:
    word = {"stop": "Stops it", "care": "Take care", "pass": "Fine"}[check.severity]
    return f"**{word}** ({check.code}): {plain(check.reason)} ({plain(check.figure)})"


def decision(part: Decision, judged: Judgement) -> list[str]:
    """E: the report to the marketing team, a sentence or two for each question."""
    if judged.verdict.refusal:
        return [
            f"**Nothing is recommended.** The verdict on these data is *{judged.verdict.word}*: "
            f"{plain(judged.verdict.refusal.partition(': ')[2])}. The decision table is "
            "therefore **not a recommendation**: it shows what a model makes of such data."
        ]
    counts = part.table["Sponsorship Recommendation"].value_counts()
    yes, maybe, no = (int(counts.get(band, 0)) for band in (YES, MAYBE, NO))
    total = len(part.table)
    rates, pooled = _by_band(part.hit_rates), _by_band(part.pooled_hit_rates)
    edges = int((part.table["Edge"] != "").sum())
    invited, unit, words = part.invitations.iloc[1], decided_unit(part), outcome_of(part.creators)
    yes_worth, maybe_worth, no_worth = (
        _hit_rate(rates[band], pooled[band], words, part.creators.unit) for band in (YES, MAYBE, NO)
    )
    return [
        *_leak_warning(part, judged),
        *_promised(part),
        f"**Whom to {'choose' if words.own else 'sponsor'}.** "
        f"{_recommended(yes, total, part, yes_worth)}{_thin(yes, total, part)}{_meaning(judged)}",
        f"**Whom to look at.** Between {threshold_text(part.thresholds.review_at)} and "
        f"{threshold_text(part.thresholds.yes_at)} a person decides: {quantity(maybe, unit)}. "
        f"{maybe_worth}",
        f"**Whom to leave.** Below that: {quantity(no, unit)}. {no_worth} "
        "A No is a recommendation, not a refusal.",
        *_unprecedented(total - yes - maybe - no, unit),
        _recall(part, words),
        f"**Who may be in another band.** For {quantity(edges, unit)} "
        f"({edges / max(total, 1):.0%}) the chance is a fifth or more that the next band is the "
        "true one; they are marked *may be a Yes* or *may be a Maybe*, and the band follows the "
        "rule all the same.",
        f"**What the ranking finds.** Of the {part.creators.unit} tested, inviting the first "
        f"{int(invited['invitations']):,} would have found {invited['deals_by_model']:.0f} "
        f"{words.deals}, {invited['lift']:.1f} times as many as the "
        f"{invited['deals_at_random']:.0f} that as many at random would{_lift_range(invited)}.",
        f"**What it saves.** A person needs to open {total - no:,} of {total:,} {_opened(part)}: "
        f"{yes:,} to consent to and {total - yes - no:,} to settle. {no / max(total, 1):.0%} need "
        "not be opened to be put in order, which is what makes onboarding faster.",
    ]


def rule(part: Decision, judged: Judgement) -> str:
    """E: how probabilities become bands, and what the table shows."""
    if judged.verdict.refusal:
        return "No band is given, since nothing is recommended; the most probable stand first."
    yes, review = map(threshold_text, (part.thresholds.yes_at, part.thresholds.review_at))
    first = f"A probability of {yes} or more is a *Yes*, from {review} on a person looks (*Maybe*)"
    if part.promise is not None and not part.promise.is_kept:
        first = f"Nobody is marked *Yes*; from {review} on a person looks (*Maybe*)"
    return f"{first}, below it is a *No*. Here stand the first of each band."


def _unprecedented(n: int, unit: str) -> list[str]:
    if not n:
        return []
    return [
        f"**Whom the model cannot place.** Unlike those it learned from: {quantity(n, unit)}. They "
        "get no band and go to a person first."
    ]


def _recall(part: Decision, words: OutcomeWords) -> str:
    """Return how the deals of the test part are spread over the bands."""
    rates, deals = _by_band(part.hit_rates), round(part.gain["found"].iloc[-1])
    shares = [f"{rates[band]['recall']:.0%} in *{band.partition(' ')[0]}*" for band in (MAYBE, YES)]
    if left := deals - int(part.hit_rates["deals"].sum()):
        shares.append(f"{left / deals:.0%} where there is no precedent")
    return (
        f"**What the bands miss.** {rates[NO]['recall']:.0%} of all {words.deals} of the test part "
        f"({rates[NO]['deals']:,} of {deals:,}) sit in *No*, {listed(shares)}: a *No* is "
        "no verdict on a creator, and whoever has more places to fill goes down the ranking."
    )


def _recommended(yes: int, total: int, part: Decision, worth: str) -> str:
    if part.promise is not None and not part.promise.is_kept:
        return "Nobody is recommended; the best stand first all the same."
    at = threshold_text(part.thresholds.yes_at)
    return f"From {at} on: {yes:,} of {quantity(total, decided_unit(part))}. {worth}"


def _promised(part: Decision) -> list[str]:
    if part.promise is None:
        return []
    return [f"**What is promised.** {part.promise.text(outcome_of(part.creators))}"]


def _meaning(judged: Judgement) -> str:
    meaning = interpretation.meaning(judged.creators)
    return f" {meaning}" if meaning else ""


def _lift_range(invited: pd.Series) -> str:
    """Return the 95% interval of a lift, from that of the share of deals among the invited."""
    n, at_random = int(invited["invitations"]), float(invited["deals_at_random"])
    if not at_random:
        return ""
    effective, share = float(invited.get("effective", n)), round(invited["deals_by_model"]) / n
    ends = wilson_interval(share * effective, effective)
    low, high = (n * end / at_random for end in ends)
    return f" (95% interval {low:.1f} to {high:.1f})"


def _by_band(table: pd.DataFrame) -> dict[str, pd.Series]:
    return {str(row["band"]): row for _, row in table.iterrows()}


def _leak_warning(part: Decision, judged: Judgement) -> list[str]:
    auc = float(part.tested.set_index("metric")["value"]["roc_auc"])
    if auc <= _SUSPICIOUS_AUC or judged.verdict.leaks:
        return []
    event = part.creators.outcome.event
    return [
        f"**Too good?** A ROC AUC of {auc:.3f} is more than choices made by people usually allow. "
        f"Before anyone relies on it, check that no column was written after {event}, such as "
        "views that rose because of it.",
    ]


def _opened(part: Decision) -> str:
    return "profiles" if decided_unit(part) == "creator" else "rows"


def _size(row: pd.Series) -> int:
    return int(row.get("rows", row["creators"]))


def _hit_rate(row: pd.Series, pooled: pd.Series, words: OutcomeWords, unit: str) -> str:
    n = _size(row)
    if n >= _FEW:
        size = f"{n:,} rows of {row['creators']:,} creators" if unit == "rows" else f"{n:,}"
        text = (
            f"Measured on creators the model had not seen, {row['hit_rate']:.0%} of {size} in this "
            f"band {words.got} (likely {row['low']:.0%} to {row['high']:.0%}; "
            f"{row['predicted']:.0%} expected)."
        )
    else:
        many = f"end as {words.deal}" if words.own else "get a deal"
        such = quantity(n, f"such {unit[:-1]}")
        text = (
            f"The test part holds only {such}, too few to say how many {many}."
            if n
            else f"The test part holds no such {unit[:-1]}, so nothing was measured."
        )
    if _size(pooled) >= _FEW:
        text += (
            " Among those it learned from, each judged without itself: "
            f"{pooled['hit_rate']:.0%} of {_size(pooled):,}"
        )
        low, high = f"{pooled['low']:.0%}", f"{pooled['high']:.0%}"
        text += "." if low == high else f" ({low} to {high})."
    return text


def _thin(yes: int, total: int, part: Decision) -> str:
    rates = part.hit_rates
    base = float(rates["deals"].sum() / rates.get("rows", rates["creators"]).sum())
    if yes >= 0.02 * total or part.promise is not None:
        return ""
    return (
        f" Few reach {threshold_text(part.thresholds.yes_at)} where {base:.0%} are "
        f"{outcome_of(part.creators).deals} overall; use the ranking to fill more places."
    )


def limits(simulated: bool, words: OutcomeWords = SPONSORSHIP) -> list[str]:
    """E: what the table cannot say.

    Parameters
    ----------
    simulated
        Whether the data are.
    words
        What the outcomes are called, as :func:`.interpretation.outcome_of` gives them.
    """
    past = f"ended as {words.deal}" if words.own else "*got* a deal"
    sentences = [
        f"It predicts who {past} in the past, not who performs well for a brand.",
        "Past choices carry past preferences: who was overlooked then is rated low now.",
        f"A past {words.none if words.own else '*no deal*'} is a noisy label: many such creators "
        "were never considered.",
        "The figures describe creators like those in this table, at the time it was drawn.",
        "Nobody may be refused by it alone: a person decides (GDPR, Article 22).",
    ]
    if simulated:
        sentences.insert(0, "The data are simulated: the figures describe no real creator.")
    return sentences
