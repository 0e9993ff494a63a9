"""What the model of part E is worth and goes by, in sentences chosen by the run's numbers."""

from __future__ import annotations

from math import comb

import pandas as pd

from durhampulse.creators.schema import LABEL
from durhampulse.creators.words import listed
from durhampulse.decision.figures import threshold_text
from durhampulse.evaluation.groups import unlike_groups
from durhampulse.models.champion import DISTILLED, SIMPLE
from durhampulse.report.interpretation import outcome_of, plain
from durhampulse.study.results import Comparison, Decision, Exploration, Judgement

__all__ = [
    "alone_and_together", "calibration", "calibrations", "champion_choice", "explanation",
    "groups", "interaction", "lower_threshold", "more_rows",
]  # fmt: skip

_ALIKE = 0.3
"""Rank correlation from which on one feature says part of what another does."""
_NEAR = 0.05
_CERTAIN = 0.05
_SEEN = 0.0001
"""A change of the log loss that its last figure shows."""
_ONCE = 0.05
"""Share of true probabilities outside their 95% interval."""
_FELT = 0.2
"""An effect in log-odds that moves a probability by about five points."""


def champion_choice(part: Decision) -> str:
    """E: which model decides and why."""
    row = part.margin.set_index("metric").loc["log_loss"]
    name, beside = part.champion.name, _beside_baseline(part)
    is_refused = (part.table["Sponsorship Recommendation"] == "").all()
    decides = "would decide" if is_refused else "decides"
    if part.tied and name == SIMPLE:
        return (
            f"**{name}** {decides}: {part.rival.lower()} does not beat it beyond noise "
            f"(cross-validated log loss {row['second']:.4f} against {row['first']:.4f}, difference "
            f"{-row['high']:+.4f} to {-row['low']:+.4f}), and of two equals the simpler one is "
            f"taken. {beside}"
        )
    figures = (
        f"cross-validated log loss {row['first']:.4f} against {row['second']:.4f}, difference "
        f"{row['low']:+.4f} to {row['high']:+.4f}"
    )
    chosen = f"**{name}** {decides}: it beats {part.rival[0].lower()}{part.rival[1:]} ({figures})."
    chosen = f"{chosen} {beside}"
    if name == SIMPLE:
        return chosen
    taught = "the blend says" if name == DISTILLED else "its networks say, beside its trees"
    return (
        f"{chosen} One small network has learned to say what {taught}, which changed the log loss "
        f"by {_change(part.cost)} on rows that neither had seen. All figures are those of the "
        "model that decides, or out of fold of models made in the same way."
    )


def _beside_baseline(part: Decision) -> str:
    row = part.over_baseline.set_index("metric").loc["log_loss"]
    how = "better" if row["high"] < 0 else "worse" if row["low"] > 0 else "as good within noise"
    return (
        f"Beside the baseline of part B ({row['baseline']}, {row['second']:.4f}) it is {how} "
        f"({row['low']:+.4f} to {row['high']:+.4f})."
    )


def _change(cost: float) -> str:
    return f"{cost:+.4f}" if abs(cost) >= _SEEN else f"less than {_SEEN:g}"


def calibration(part: Decision) -> str:
    """E: whether predicted and measured shares agree."""
    table = part.reliability
    outside = table[(table["predicted"] < table["low"]) | (table["predicted"] > table["high"])]
    gap = (table["measured"] - table["predicted"]).abs()
    size = table.get("rows", table["creators"])
    mean_gap = float((gap * size).sum() / size.sum())
    return (
        f"In ten groups of equal size the measured share of {outcome_of(part.creators).deals} "
        f"differs from the predicted one by {100 * mean_gap:.1f} percentage points on average; "
        f"{_outside(len(outside), len(table))}."
    )


def _outside(outside: int, groups: int) -> str:
    if not outside:
        return f"none of {groups} groups lies outside its 95% interval"
    chance = _by_chance(outside, groups)
    margin = ": read the probabilities with a margin" if chance < _ONCE else ""
    return (
        f"outside its 95% interval lies that of {outside} of {groups} groups; chance alone puts as "
        f"many or more there in {100 * chance:.2g}% of studies{margin}"
    )


def _by_chance(outside: int, groups: int) -> float:
    """Return how likely so many or more of some true shares lie outside their 95% intervals."""
    return sum(
        comb(groups, k) * _ONCE**k * (1 - _ONCE) ** (groups - k) for k in range(outside, groups + 1)
    )


def calibrations(part: Decision, comparison: Comparison) -> str:
    """E: whose probabilities are off, and why log loss chooses the baseline."""
    errors = part.calibration_errors[part.calibration_errors["measured_on"] != "test part"]
    off = errors[errors["low"] > 0].sort_values("calibration_error", ascending=False)
    rows = errors.set_index("model")
    texts = [
        f"{name} by {row['calibration_error']:.1%} "
        f"({f'{low:.1%} to' if (low := row['low']) else 'at most'} {row['high']:.1%})"
        for name, row in rows.iterrows()
    ]
    text = (
        "Out of fold on the training part, where more creators are, probabilities are off by this "
        f"much on average (expected calibration error, 95% interval): {'; '.join(texts)}. True "
        f"probabilities would show {_percents(rows['by_chance'])} by chance. "
    )
    if off.empty:
        return f"{text}None is off beyond chance."
    names = listed([plain(name) for name in off["model"]])
    scores = comparison.cross_validated.set_index(["model", "metric"])["value"].unstack()
    text += f"**Off beyond chance: {names}.**"
    worst = str(off["model"].iloc[0])
    if worst not in scores.index or worst == comparison.baseline:
        return text
    mine, rival = scores.loc[worst], scores.loc[comparison.baseline]
    return (
        f"{text} Log loss, which chooses the baseline, counts that ({worst} "
        f"{mine['log_loss']:.3f}, {comparison.baseline} {rival['log_loss']:.3f}); ROC AUC looks at "
        f"the order alone ({mine['roc_auc']:.3f} and {rival['roc_auc']:.3f})."
    )


def _percents(shares: pd.Series) -> str:
    low, high = f"{shares.min():.1%}", f"{shares.max():.1%}"
    return low if low == high else f"{low} to {high}"


def lower_threshold(part: Decision) -> str:
    """E: what choosing from a lower probability on would give; empty where nobody is chosen."""
    if (part.table["Sponsorship Recommendation"] == "").all():
        return ""
    rows = {float(row["from"]): row for _, row in part.sweep.iterrows()}
    now = part.thresholds.yes_at
    below = [at for at in rows if at < now - _NEAR]
    if not below or now not in rows:
        return ""
    row, present = rows[below[-1]], rows[now]
    size = "rows" if "rows" in row else "creators"
    words, unit = outcome_of(part.creators), part.creators.unit
    if not row[size]:
        return f"None of the {unit} tested reaches {threshold_text(below[-1])} either."
    return (
        f"A *Yes* from {threshold_text(below[-1])} on instead of {threshold_text(now)} would hold "
        f"{int(row[size]):,} of the {unit} tested instead of {int(present[size]):,}, and "
        f"{row['recall']:.0%} of all {words.deals} instead of {present['recall']:.0%}; "
        f"{row['hit_rate']:.0%} of them {words.got}"
        + (f" instead of {present['hit_rate']:.0%}." if present[size] else ".")
    )


def more_rows(part: Decision, judged: Judgement) -> str:
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
    if not judged.verdict.has_signal:
        return (
            f"**Would more past outcomes help?** Not more of this kind: there is no "
            f"signal to find. {how}, which is no more than learning less of the noise."
        )
    if last["high"] < 0:
        return f"**Would more past outcomes help?** Yes. {how}, and nothing says that it ends here."
    return f"**Would more past outcomes help?** Hardly measurably. {how}, within noise."


def explanation(part: Decision, judged: Judgement) -> str:
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
        f"The model goes most by {listed(names)}: the first moves log-odds by "
        f"{importance['mean_abs'].iloc[0]:.2f} on average, where {_FELT:g} is about five points of "
        f"an even chance. These are Shapley values of {len(shapley.values):,} {part.creators.unit} "
        f"of the test part, {how}. They say what goes with {outcome_of(part.creators).a_deal} in "
        "the model's eyes, not what causes it."
        + ("" if judged.verdict.has_signal else " Without a signal in the data that is noise.")
    )


def alone_and_together(exploration: Exploration, part: Decision) -> str:
    """E: why the model may rank features otherwise than A2 does."""
    strength = exploration.associations
    beyond = (strength["p_value"] <= _CERTAIN) & (strength["auc_low"] > 0.5)
    telling = {str(name) for name in strength.loc[beyond, "feature"]}
    if not telling:
        return (
            "Alone no feature tells anything beyond chance (A2): what the model goes by is several "
            "together, or chance."
        )
    alone = strength["feature"].tolist()
    together = [name for name in part.explanation.importance()["feature"] if name in alone]
    alone = [name for name in alone if name in together]
    falls = {name: together.index(name) - alone.index(name) for name in alone if name in telling}
    rho = exploration.correlations.drop(index=LABEL, columns=LABEL, errors="ignore")
    fallen = max(falls, key=lambda name: (falls[name], name in rho), default="")
    if falls.get(fallen, 0) < 1:
        return "No feature that tells something alone (A2) falls behind in the model."
    order = f"Alone {plain(alone[0])} tells most (A2), in the model {plain(together[0])}"
    if alone[0] == together[0]:
        order = f"{plain(alone[0])} comes first both alone (A2) and in the model"
    text = (
        f"{order}. {plain(fallen)} falls from place {alone.index(fallen) + 1} to "
        f"{together.index(fallen) + 1}"
    )
    others = rho[fallen].drop(index=fallen).abs() if fallen in rho else pd.Series(dtype="float64")
    if others.empty or others.max() < _ALIKE:
        return f"{text}: it adds less to the others than it tells by itself."
    other = str(others.idxmax())
    return (
        f"{text}: it goes along with {plain(other)} (rank correlation "
        f"{float(rho[fallen][other]):.2f}), so beside it there is less left to say."
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
