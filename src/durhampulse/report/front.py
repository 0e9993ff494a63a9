"""The report's first page: a picture and figures that a manager reads in ten seconds."""

from __future__ import annotations

from durhampulse.decision.bands import NO, YES
from durhampulse.report import decisionplots
from durhampulse.report.figures import Figure, draw_figure
from durhampulse.study.results import Decision, Study

__all__ = ["facts", "opening"]

_INVITED = 100


def facts(study: Study) -> list[tuple[str, str]]:
    """Return the tiles: what each says, and its figure."""
    part, words = study.e, study.b1.creators.outcome
    if study.judged.verdict.refusal:
        return [("These data are", study.judged.verdict.word), ("Recommended", "nobody")]
    counts = part.table["Sponsorship Recommendation"].value_counts()
    yes = int(counts.get(YES, 0))
    invited, deals, by_lot = _first_invited(part)
    missed = part.hit_rates.set_index("band")["deals"][NO] / part.gain["found"].iloc[-1]
    whom = f"Creators to {'choose' if words.own else 'sponsor'}"
    return [
        (whom, f"{yes:,}"),
        ("To review", f"{len(part.table) - yes - int(counts.get(NO, 0)):,}"),
        (f"{words.deals[0].upper()}{words.deals[1:]} found by inviting the first {invited:,}",
         f"{deals:.0f}, not {by_lot:.0f}"),
        (f"Of 100 {words.deals}, missed by the bands", f"{100 * missed:.0f}"),
    ]  # fmt: skip


def _first_invited(part: Decision) -> tuple[int, float, float]:
    """Return a number of invitations, the deals found by probability, and those found by lot."""
    deals = part.gain["found"]
    invited = min(_INVITED, len(deals))
    return invited, float(deals.iloc[invited - 1]), invited * float(deals.iloc[-1]) / len(deals)


def opening(study: Study) -> list[Figure]:
    """Return the pictures above everything: the ranking with its bands, and what inviting finds.

    No picture where nothing is recommended.
    """
    if study.judged.verdict.refusal:
        return []
    part, outcome = study.e, study.b1.creators.outcome
    invited, deals, by_lot = _first_invited(part)
    table = part.table[["Rank", "Predicted Sponsorship", "Interval Low", "Interval High"]]
    return [
        draw_figure(
            "front-ranking",
            "Who comes first, and in which band",
            table.head(200),
            lambda: decisionplots.front_ranking(part.table, part.thresholds, outcome=outcome),
        ),
        draw_figure(
            "front-finding",
            f"What inviting the first {invited:,} finds: {deals:.0f} {outcome.deals}, "
            f"{by_lot:.0f} at random",
            part.invitations,
            lambda: decisionplots.front_finding(part.gain, invited, outcome=outcome),
        ),
    ]
