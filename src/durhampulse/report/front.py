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


def opening(study: Study) -> Figure | None:
    """Return the picture above everything: the ranking with its bands, and what inviting finds.

    None where nothing is recommended.
    """
    if study.judged.verdict.refusal:
        return None
    part, outcome = study.e, study.b1.creators.outcome
    invited, deals, by_lot = _first_invited(part)
    table = part.table[["Rank", "Predicted Sponsorship", "Interval Low", "Interval High"]]
    return draw_figure(
        "front-ranking",
        f"Who comes first, and what inviting them finds: {deals:.0f} {outcome.deals} among the "
        f"first {invited:,}, {by_lot:.0f} at random",
        table.head(200),
        lambda: decisionplots.opening(
            part.table, part.gain, part.thresholds, invited=invited, outcome=outcome
        ),
    )
