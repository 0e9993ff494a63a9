"""What a partnership team should make of a study: the verdict and part E in sentences.

As in :mod:`durhampulse.report.interpretation`, every sentence is chosen and filled by the run's
numbers.
"""

from __future__ import annotations

import pandas as pd

from durhampulse.creators.outcome import SPONSORSHIP, OutcomeWords
from durhampulse.creators.schema import LABEL
from durhampulse.decision.bands import MAYBE, NO, YES
from durhampulse.evaluation.calibration import wilson_interval
from durhampulse.evaluation.groups import unlike_groups
from durhampulse.evaluation.verdict import Check
from durhampulse.models.champion import BLEND, SIMPLE
from durhampulse.report import interpretation
from durhampulse.report.interpretation import outcome_of, plain
from durhampulse.study.results import Decision, Exploration, Judgement

__all__ = [
    "alone_and_together",
    "calibration",
    "champion_choice",
    "decision",
    "explanation",
    "groups",
    "interaction",
    "limits",
    "lower_threshold",
    "more_rows",
    "verdict",
]

_FEW = 20
_FELT = 0.2
"""An effect in log-odds that moves a probability by about five points."""
_ALIKE = 0.3
"""Rank correlation from which on one feature says part of what another does."""
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
    sentences += [
        f"{_title(check)}: {plain(check.reason)} ({check.figure})" for check in judgement.concerns
    ]
    if judgement.dropped:
        sentences.append(f"Left out, as asked: {plain(', '.join(judgement.dropped))}.")
    elif judgement.leaks:
        sentences.append("Run the study with --drop-leaks to leave these columns out.")
    return sentences


def _title(check: Check) -> str:
    word = {"stop": "Stops it", "care": "Take care", "pass": "Fine"}[check.severity]
    return f"**{word}** ({check.code})"


def champion_choice(part: Decision) -> str:
    """E: which model decides and why."""
    row = part.margin.set_index("metric").loc["log_loss"]
    name = part.champion.name
    figures = (
        f"cross-validated log loss {row['first']:.4f} against {row['second']:.4f}, difference "
        f"{row['low']:+.4f} to {row['high']:+.4f}"
    )
    if part.tied and name == SIMPLE:
        return (
            f"**{name}** decides: the {BLEND.lower()} does not beat it beyond noise ({figures}), "
            "and of two equals the simpler one is taken."
        )
    chosen = f"**{name}** decides: it beats {part.rival[0].lower()}{part.rival[1:]} ({figures})."
    if not part.gap:
        return chosen
    return (
        f"{chosen} One small network has learned to say what the blend says; on the training part "
        f"its probabilities differ from the blend's by {100 * part.gap:.1f} points on average. "
        "Figures out of fold are the blend's, those of the test part the network's own."
    )


def decision(part: Decision, judged: Judgement) -> list[str]:
    """E: the report to the marketing team, a sentence or two for each question."""
    if judged.verdict.refusal:
        return [
            f"**Nothing is recommended.** The verdict on these data is *{judged.verdict.word}*: "
            f"{plain(judged.verdict.refusal.partition(': ')[2])}. The table below is therefore "
            "**not a recommendation**; its probabilities show what a model makes of such data."
        ]
    counts = part.table["Sponsorship Recommendation"].value_counts()
    yes, maybe, no = (int(counts.get(band, 0)) for band in (YES, MAYBE, NO))
    total = len(part.table)
    rates, pooled = _by_band(part.hit_rates), _by_band(part.pooled_hit_rates)
    edges = int((part.table["Edge"] != "").sum())
    invited, unit, words = part.invitations.iloc[1], _decided(part), outcome_of(part.creators)
    yes_worth, maybe_worth, no_worth = (
        _hit_rate(rates[band], pooled[band], words, part.creators.unit) for band in (YES, MAYBE, NO)
    )
    return [
        *_leak_warning(part, judged),
        f"**Whom to {'choose' if words.own else 'sponsor'}.** {yes:,} of {total:,} {unit} reach "
        f"{part.thresholds.yes_at:.0%} and are recommended. {yes_worth}{_thin(yes, total, part)}"
        f"{_meaning(judged)}",
        f"**Whom to look at.** {maybe:,} {unit} lie between {part.thresholds.review_at:.0%} and "
        f"{part.thresholds.yes_at:.0%} and wait for a person. "
        f"{maybe_worth}",
        f"**Whom to leave.** {no:,} {unit} stay below. {no_worth} "
        "A No is a recommendation, not a refusal.",
        *_unprecedented(total - yes - maybe - no, unit),
        _recall(part, words),
        f"**Who may be in another band.** The interval of {edges:,} {unit} "
        f"({edges / max(total, 1):.0%}) reaches far into the next band; they are marked *may be a "
        "Yes*, *may be a Maybe* or *may be a No*, and the band follows the rule all the same.",
        f"**What the ranking finds.** Of the {part.creators.unit} tested, inviting the first "
        f"{int(invited['invitations']):,} would have found {invited['deals_by_model']:.0f} "
        f"{words.deals}; as many invitations at random would find {invited['deals_at_random']:.0f} "
        f"({invited['lift']:.1f} times as many{_lift_range(invited)}).",
        f"**What it saves.** A person needs to open {total - no:,} of {total:,} profiles: "
        f"{yes:,} to consent to and {total - yes - no:,} to settle. {no / max(total, 1):.0%} need "
        "not be opened to be put in order, which is what makes onboarding faster.",
    ]


def _unprecedented(n: int, unit: str) -> list[str]:
    if not n:
        return []
    return [
        f"**Whom the model cannot place.** {n:,} {unit} are unlike those it learned from; they get "
        "no band and go to a person first."
    ]


def _recall(part: Decision, words: OutcomeWords) -> str:
    """Return how the deals of the test part are spread over the bands."""
    rates = _by_band(part.hit_rates)
    shares = [f"{rates[band]['recall']:.0%} in *{band.partition(' ')[0]}*" for band in (MAYBE, YES)]
    return (
        f"**What the bands miss.** {rates[NO]['recall']:.0%} of all {words.deals} of the test part "
        f"({rates[NO]['deals']:,} of {part.hit_rates['deals'].sum():,}) sit in *No*, "
        f"{' and '.join(shares)}: a *No* is no verdict on a creator, and whoever has more places "
        "to fill goes down the ranking."
    )


def lower_threshold(part: Decision) -> str:
    """E: what choosing from a lower probability on would give; empty where none was tried."""
    rows = {str(row["from"]): row for _, row in part.sweep.iterrows()}
    now = f"{part.thresholds.yes_at:.0%}"
    below = [name for name in rows if name < now and name >= "50%"]
    if not below or not _size(rows[now]):
        return ""
    row, present = rows[below[-1]], rows[now]
    return (
        f"From {below[-1]} on instead of {now}, {_size(row):,} of the {part.creators.unit} tested "
        f"would be recommended instead of {_size(present):,}, {row['recall']:.0%} of all "
        f"{outcome_of(part.creators).deals} found instead of {present['recall']:.0%}, and "
        f"{row['hit_rate']:.0%} of those recommended right instead of {present['hit_rate']:.0%}."
    )


def more_rows(part: Decision) -> str:
    """E: whether more past outcomes would help; empty where too few parts were tried."""
    rows = part.learning[part.learning["model"] == part.learning["model"].iloc[-1]]
    if len(rows) < 2:
        return ""
    before, last = rows.iloc[-2], rows.iloc[-1]
    how = (
        f"From {before['rows']:,} to {last['rows']:,} {part.creators.unit} to learn from, log loss "
        f"of {str(last['model']).lower()} went from {before['log_loss']:.3f} to "
        f"{last['log_loss']:.3f} (difference {last['low']:+.3f} to {last['high']:+.3f})"
    )
    if last["high"] < 0:
        return f"**Would more past outcomes help?** Yes. {how}, and nothing says that it ends here."
    return f"**Would more past outcomes help?** Hardly measurably. {how}, within noise."


def alone_and_together(found: Exploration, part: Decision) -> str:
    """E: why the model may rank features otherwise than A2 does."""
    alone = found.associations["feature"].tolist()
    together = [name for name in part.explanation.importance()["feature"] if name in alone]
    alone = [name for name in alone if name in together]
    falls = {name: together.index(name) - alone.index(name) for name in alone}
    fallen = max(falls, key=lambda name: falls[name])
    if falls[fallen] < 1:
        return "The model ranks the features as A2 does, each taken alone."
    order = f"Alone {plain(alone[0])} tells most (A2), in the model {plain(together[0])}"
    if alone[0] == together[0]:
        order = f"{plain(alone[0])} comes first both alone (A2) and in the model"
    text = (
        f"{order}. {plain(fallen)} falls from place {alone.index(fallen) + 1} to "
        f"{together.index(fallen) + 1}"
    )
    rho = found.correlations.drop(index=LABEL, columns=LABEL, errors="ignore")
    others = rho[fallen].drop(index=fallen).abs() if fallen in rho else pd.Series(dtype="float64")
    if others.empty or others.max() < _ALIKE:
        return f"{text}: it adds less to the others than it tells by itself."
    other = str(others.idxmax())
    return (
        f"{text}: it goes along with {plain(other)} (rank correlation "
        f"{rho.loc[other, fallen]:.2f}), so beside it there is less left to say."
    )


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
    return f", 95% interval {low:.1f} to {high:.1f}"


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


def _decided(part: Decision) -> str:
    """Return what is decided on: creators, or rows where some have several."""
    return "rows" if part.table["Influencer ID"].duplicated().any() else "creators"


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
        text = f"The test part holds only {n} such {unit}, too few to say how many {many}."
    if _size(pooled) >= _FEW:
        text += (
            " Among those it learned from, each judged without itself: "
            f"{pooled['hit_rate']:.0%} of "
            f"{_size(pooled):,} ({pooled['low']:.0%} to {pooled['high']:.0%})."
        )
    return text


def _thin(yes: int, total: int, part: Decision) -> str:
    rates = part.hit_rates
    base = float(rates["deals"].sum() / rates.get("rows", rates["creators"]).sum())
    if yes >= 0.02 * total:
        return ""
    return (
        f" With {base:.0%} {outcome_of(part.creators).deals} overall, so few reaching "
        f"{part.thresholds.yes_at:.0%} is what honest probabilities look like; use the "
        "ranking to fill more places."
    )


def calibration(part: Decision) -> str:
    """E: whether predicted and measured shares agree."""
    table = part.reliability
    outside = table[(table["predicted"] < table["low"]) | (table["predicted"] > table["high"])]
    gap = (table["measured"] - table["predicted"]).abs()
    size = table.get("rows", table["creators"])
    mean_gap = float((gap * size).sum() / size.sum())
    if len(outside) <= 1:
        verdict_ = "no more than chance explains"
    else:
        verdict_ = "more than chance explains: read the probabilities with a margin"
    return (
        f"In ten groups of equal size the measured share of {outcome_of(part.creators).deals} "
        f"differs from the predicted one by {mean_gap:.1%} on average; {len(outside)} of "
        f"{len(table)} groups lie outside their 95% interval, {verdict_}."
    )


def explanation(part: Decision) -> str:
    """E: what the model goes by."""
    shapley = part.explanation
    importance = shapley.importance()
    names = [plain(name) for name in importance["feature"].head(3)]
    how = (
        "over all coalitions of columns, so the values are exact"
        if shapley.exact
        else "over drawn orders of columns, so the values are estimates"
    )
    return (
        f"The model goes most by {', '.join(names[:-1])}{' and ' if names[1:] else ''}{names[-1]} "
        f"(mean effect {importance['mean_abs'].iloc[0]:.2f} in log-odds for the first). Shapley "
        f"values of {len(shapley.values):,} {part.creators.unit} of the test part, {how}. They "
        f"say what goes with {outcome_of(part.creators).a_deal} in the model's eyes, not what "
        "causes it."
    )


def interaction(part: Decision, test: pd.DataFrame) -> str:
    """E: which value helps some and harms others, and what decides that; empty if none does.

    Parameters
    ----------
    part
        The decisions.
    test
        The test part, of which the explained creators are.
    """
    effects = part.explanation.values
    spread = part.explanation.dependence(test)
    spread = spread[(spread["low"] < -_FELT) & (spread["high"] > _FELT) & (spread["x"].isna())]
    if spread.empty:
        return ""
    row = spread.iloc[int((spread["high"] - spread["low"]).argmax())]
    rows = test.loc[effects.index]
    here = rows[rows[row["feature"]].astype("str") == row["value"]]
    numbers = here[[c for c in part.champion.encoding.numeric if c in here]]
    rho = numbers.corrwith(effects.loc[here.index, row["feature"]], method="spearman").dropna()
    text = (
        f"{plain(row['feature'])} *{plain(row['value'])}* helps some and harms others (effects of "
        f"{row['low']:+.1f} to {row['high']:+.1f} for the middle 80%)"
    )
    if rho.empty or rho.abs().max() < _ALIKE:
        return f"{text}: it works together with other figures."
    other = str(rho.abs().idxmax())
    return f"{text}: the {'more' if rho[other] > 0 else 'less'} {plain(other)}, the more it helps."


def groups(part: Decision) -> str:
    """E: whether some niche or tier is served worse."""
    unlike = unlike_groups(part.groups)
    if part.groups.empty:
        return "No niche or tier holds enough tested creators to be looked at alone."
    if unlike.empty:
        return (
            f"In none of {len(part.groups)} niches and tiers does the measured share of "
            f"{outcome_of(part.creators).deals} "
            "differ from the predicted one beyond noise."
        )
    names = [
        f"{plain(row['group'])} ({row['predicted']:.0%} predicted, {row['measured']:.0%} measured)"
        for _, row in unlike.iterrows()
    ]
    return f"**Off beyond noise**: {', '.join(names)}. Read probabilities there with a margin."


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
