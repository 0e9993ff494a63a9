"""What a campaign comes to, in words and figures that people read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor, isinf
from typing import Any

from durhampulse.creators.outcome import OutcomeWords
from durhampulse.desk.campaigns.brief import Brief
from durhampulse.desk.campaigns.candidates import REASONS
from durhampulse.desk.campaigns.value import Expectation, Outlook

__all__ = ["Line", "bound", "grounds", "left_out", "lines", "money"]

_LIMITS = {
    "budget": "the budget",
    "number": "the number of creators",
    "niches": "the most per niche",
}


@dataclass(frozen=True)
class Line:
    """A figure with its name, and what stands smaller beside it."""

    name: str
    value: str
    beside: str = ""


def money(amount: float | None, currency: str | None = "") -> str:
    r"""Return an amount as people write it.

    Examples
    --------
    >>> money(2500.0, "EUR"), money(0.02), ascii(money(None))
    ('2,500 EUR', '0.02', "'\\u2013'")
    """
    if amount is None or amount != amount:  # noqa: PLR0124 - NaN
        return "\u2013"
    digits = 0 if float(amount).is_integer() else 2
    return f"{amount:,.{digits}f}{' ' + currency if currency else ''}"


def _count(amount: float) -> str:
    return f"{amount:,.0f}".replace("-", "\u2212")


def _range(part: Expectation, digits: int = 0, *, scale: float = 1.0, sign: str = "") -> str:
    """Return an interval, widened to whole steps."""
    step = 10**digits
    low, high = floor(scale * part.low * step) / step, ceil(scale * part.high * step) / step
    ends = (f"{end:,.{digits}f}".replace("-", "\u2212") for end in (low, high))
    return " to ".join(f"{end}{sign}" for end in ends)


def lines(outlook: Outlook, brief: Brief, words: OutcomeWords) -> list[Line]:
    """Return what a set comes to, a line for each figure."""
    out = [
        Line("Creators", str(outlook.creators), f"of {brief.number}"),
        Line(
            f"{words.deals[:1].upper()}{words.deals[1:]} among creators like these in the past",
            f"{outlook.deals.expected:.1f}",
            _range(outlook.deals, 1),
        ),
    ]
    for name, part, unknown in (
        ("Views from these", outlook.views, outlook.without_views),
        ("Engagements from these", outlook.engagements, outlook.without_engagement),
    ):
        if unknown < outlook.counted:
            out.append(Line(name, _count(part.expected), _range(part)))
    if outlook.without_fee < outlook.creators:
        beside = [f"of {money(brief.budget, brief.currency)}"] if brief.budget is not None else []
        if outlook.without_fee:
            beside.append(f"without {outlook.without_fee} whose fee is not known")
        cost = money(outlook.cost, brief.currency)
        out.append(Line("Fees if all agree", cost, ", ".join(beside)))
    if outlook.spent:
        out.append(Line("Fees to expect", _count(outlook.spent.expected), _range(outlook.spent)))
    return [*out, *_worth(outlook)]


def _worth(outlook: Outlook) -> list[Line]:
    out = []
    if outlook.earned:
        out.append(Line("Return to expect", _count(outlook.earned.expected),
                        _range(outlook.earned)))  # fmt: skip
    if outlook.net:
        out.append(Line("Return less fees", _count(outlook.net.expected), _range(outlook.net)))
    if outlook.ratio and not isinf(outlook.ratio.high):
        ratio = f"{100 * outlook.ratio.expected:,.0f}%".replace("-", "\u2212")
        between = _range(outlook.ratio, scale=100.0, sign="%")
        out.append(Line("Return on investment", ratio, between))
    return out


def grounds(outlook: Outlook, brief: Brief, words: OutcomeWords) -> list[str]:
    """Return what the figures rest on, in sentences."""
    out = [
        f"Of creators like these so many got {words.deals} in the past; nobody has kept whether "
        "all were asked. The ranges hold 9 of 10 cases: chance for each creator, and an error of "
        "the model that is the same for all."
    ]
    if uncounted := outlook.creators - outlook.counted:
        out.append(f"{uncounted} of them {_are(uncounted)} not counted: the outcome is known, or "
                   "the model has never seen the like.")  # fmt: skip
    if outlook.without_views < outlook.counted or outlook.without_engagement < outlook.counted:
        out.append("Views are the average of a post, engagements followers times engagement rate, "
                   "each for one post of those who agree.")  # fmt: skip
    for n, what in ((outlook.without_views, "average views"),
                    (outlook.without_engagement, "an engagement rate")):  # fmt: skip
        if 0 < n < outlook.counted:
            out.append(f"{n} of them without {what} {_are(n)} counted as 0 there.")
    if outlook.spent:
        out.append("A fee counts as paid where there is a deal.")
    if 0 < (n := outlook.without_fee) < outlook.creators:
        so = "" if outlook.spent else ", so no return is compared with the cost"
        out.append(f"{n} of them {_are(n)} without a fee{so}. The fees are those of the others.")
    if brief.worth is not None:
        out.append(f"Each {brief.per} is worth {money(brief.worth, brief.currency)}, as "
                   "the brief says.")  # fmt: skip
    return out


def _are(n: int) -> str:
    return "is" if n == 1 else "are"


def bound(facts: Mapping[str, Any] | None) -> str:
    """Return which limits the set ran into when it was proposed, in sentences."""
    if not facts or "binding" not in facts or not facts.get("pool", {}).get("proposable", 1):
        return ""
    limits = [text for name, text in _LIMITS.items() if name in facts["binding"]]
    text = "No limit held the set back: nobody else would have added anything."
    if limits:
        text = f"What held the set back was {' and '.join(limits)}."
    if gap := facts.get("gap"):
        text += f" It is the best found in good time: another may bring {100 * gap:.2g}% more."
    return text


def left_out(facts: Mapping[str, Any] | None, brief: Brief, tiers: Sequence[str]) -> list[str]:
    """Return who could not be proposed, and how to mend it, in sentences."""
    counts = (facts or {}).get("pool", {})
    total = sum(counts.values())
    if not total:
        return []
    reasons = [f"{counts[name]:,} {text}" for name, text in REASONS.items() if counts.get(name)]
    able = counts.get("proposable", 0)
    out = [f"Of {total:,} creators in these niches and tiers {able:,} could be proposed."]
    if reasons:
        out[0] += f" Left out: {', '.join(reasons)}."
    if counts.get("foreign"):
        ours = f"in {brief.currency}" if brief.currency else "in no currency that was named"
        out.append(f"This campaign plans {ours}, and no exchange rate is made up: choose the "
                   "currency of their fees, or type a fee beside a name.")  # fmt: skip
    if counts.get("unpriced"):
        missing = [tier for tier in (brief.tiers or tiers) if tier not in brief.fees]
        out.append(f"To propose them too, name a fee for {', '.join(missing)} in the brief, or "
                   "import a list that holds their fees.")  # fmt: skip
    return out
