"""Interval, missing precedent and band in SQL."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from durhampulse.decision.bands import ANSWERS
from durhampulse.export.program import Program
from durhampulse.export.sql.dialects import literal, number
from durhampulse.export.sql.stages import Stages, clipped
from durhampulse.features.precedent import Precedent
from durhampulse.models.interval import AT_MOST, FAR_DOWN, HIGH

__all__ = ["judge_row"]


def judge_row(
    program: Program,
    log_odds: str,
    wide: Sequence[str],
    refusal: str,
    stages: Stages,
) -> dict[str, str]:
    """Append the stages that judge a row, and return the columns of the answer by their names.

    Parameters
    ----------
    program
        The model.
    log_odds, wide
        The row's log-odds, and its figures within the reach of precedents.
    refusal
        Why the row is not scored.
    stages
        Where they are appended.
    """  # fmt: skip
    kind = _kind(program, wide, stages)
    stages.add({"o_0": f"exp({clipped(log_odds, '7e2')})", "o_1": refusal, "o_2": kind})
    stages.add({"o_3": "o_0 / (1e0 + o_0)"} | _widths(program, log_odds))
    low, high = _ends(program)
    yes, maybe, no, unlike = map(literal, ANSWERS)
    thresholds = program.thresholds
    band = (
        f"CASE WHEN o_2 > 0 THEN {unlike} WHEN o_3 >= {number(thresholds.yes_at)} THEN {yes} "
        f"WHEN o_3 >= {number(thresholds.review_at)} THEN {maybe} ELSE {no} END"
    )
    kinds = " ".join(f"WHEN {at} THEN {literal(kind)}" for at, kind in enumerate(program.kinds))
    answers = {
        "probability": "o_3",
        "low": f"CASE WHEN o_2 > 0 THEN 0e0 ELSE {low} END",
        "high": f"CASE WHEN o_2 > 0 THEN 1e0 ELSE {high} END",
    }
    answers = {name: f"CASE WHEN o_1 = '' THEN {text} END" for name, text in answers.items()}
    words = {
        "recommendation": "''" if program.refusal else band,
        "unlike": f"CASE o_2 {kinds} END",
    }
    answers |= {n: f"CASE WHEN o_1 = '' THEN {text} ELSE '' END" for n, text in words.items()}
    columns = {name: f"a_{at}" for at, name in enumerate([*answers, "refusal"])}
    stages.add(dict(zip(columns.values(), [*answers.values(), "o_1"], strict=True)))
    return columns


def _widths(program: Program, log_odds: str) -> dict[str, str]:
    """Return what a low and a high end are moved by; nothing where intervals have no width."""
    interval = program.interval
    if not interval.below:
        return {}
    at = {each.column: f"v_{i}" for i, each in enumerate(program.inputs)}
    unknown = " + ".join(
        f"CASE WHEN {at[column]} IS NULL THEN {number(reach**2)} ELSE 0e0 END"
        if column in at
        else number(reach**2)
        for column, reach in (interval.empties or {}).items()
    ) or "0e0"  # fmt: skip
    far = number(FAR_DOWN)
    upper = (
        f"{number(interval.above)} + CASE WHEN {log_odds} > 0e0 THEN {number(interval.rise)} * "
        f"{log_odds} WHEN {log_odds} < {far} THEN {number(interval.tail)} * ({far} - {log_odds}) "
        "ELSE 0e0 END"
    )
    stretch = (
        f"(1e0 + CASE WHEN {log_odds} > 0e0 THEN {number(interval.empty_rise)} * {log_odds} "
        "ELSE 0e0 END)"
    )
    below, fall, high = number(interval.below), number(interval.fall), number(HIGH)
    lower = (
        f"{below} - CASE WHEN {log_odds} > {high} THEN {fall} WHEN {log_odds} > 0e0 "
        f"THEN {fall} * ({log_odds} / {high}) ELSE 0e0 END"
    )
    return {
        "o_4": f"exp(sqrt(({lower}) * ({lower}) + {unknown}))",
        "o_5": f"exp(-sqrt(({upper}) * ({upper}) + {stretch} * {stretch} * ({unknown})))",
    }


def _ends(program: Program) -> tuple[str, str]:
    if not program.interval.below:
        return "o_3", "o_3"
    low, high = (f"o_3 / (o_3 + (1e0 - o_3) * {change})" for change in ("o_4", "o_5"))
    return f"CASE WHEN o_3 < {number(AT_MOST)} THEN 0e0 ELSE {low} END", high


def _kind(program: Program, wide: Sequence[str], stages: Stages) -> str:
    """Append what precedents need, and return the number of what has none."""
    precedent = program.precedent
    if precedent is None:
        return "0"
    at = {each.column: f"v_{i}" for i, each in enumerate(program.inputs)}
    numbers = {c: 2 + len(precedent.judged) + n for n, c in enumerate(precedent.levels)}
    new = [
        f"WHEN {at[c]} NOT IN ({', '.join(map(literal, known))}) THEN {numbers[c]}"
        for c, known in reversed([*precedent.levels.items()])
        if c in at and known
    ]
    if not precedent.judged:
        return f"CASE {' '.join(new)} ELSE 0 END" if new else "0"
    columns = [at[precedent.columns[place]] for place in precedent.judged]
    incomplete = " OR ".join(f"{column} IS NULL" for column in dict.fromkeys(columns))
    figures = [wide[place] for place in precedent.places]
    beyond = _beyond(precedent, columns, figures)
    together = _together(precedent, figures, stages)
    stages.add({"j_0": f"CASE WHEN {incomplete} THEN {beyond} ELSE {together} END"})
    return f"CASE {' '.join(new)} ELSE j_0 END" if new else "j_0"


def _beyond(precedent: Precedent, columns: Sequence[str], figures: Sequence[str]) -> str:
    """Return the last figure that is odd by itself, or beyond all that was learned from."""
    cases = []
    for n, (place, column) in reversed([*enumerate(zip(precedent.judged, columns, strict=True))]):
        span = precedent.spans[precedent.columns[place]]
        figure, ends = figures[place], (precedent.alone_low[n], precedent.alone_high[n])
        outside = f"{figure} < {number(ends[0])} OR {figure} > {number(ends[1])} OR "
        if span.low <= span.high:
            outside += f"{column} < {number(span.low)} OR {column} > {number(span.high)}"
        else:
            outside += f"{column} IS NOT NULL"
        cases.append(f"WHEN {outside} THEN {n + 2}")
    return f"CASE {' '.join(cases)} ELSE 0 END"


def _together(precedent: Precedent, figures: Sequence[str], stages: Stages) -> str:
    """Return what is odd among figures: the one farthest out, or 1 for all of them together."""
    stages.add({f"l_{n}": text for n, text in enumerate(_left(precedent, figures))})
    judged = range(len(precedent.judged))
    ends = [(number(precedent.low[n]), number(precedent.high[n])) for n in judged]
    stages.add(
        {
            f"d_{n}": f"CASE WHEN l_{n} > 0e0 THEN l_{n} / {high} ELSE l_{n} / {low} END"
            for n, (low, high) in enumerate(ends)
        }
        | {f"m_{n}": text for n, text in enumerate(_oddness(precedent, figures))}
    )
    outside = " OR ".join(f"l_{n} > {high} OR l_{n} < {low}" for n, (low, high) in enumerate(ends))
    farthest = " ".join(
        f"WHEN {' AND '.join(f'd_{n} >= d_{m}' for m in judged if m != n) or '1 = 1'} THEN {n + 2}"
        for n in judged
    )
    cut = number(float(np.float32(precedent.cut)))
    parts = range(len(precedent.mixture.offsets))
    rare = " AND ".join(f"m_{n} > {cut}" for n in parts) or "1 = 0"
    return f"CASE WHEN {outside} THEN CASE {farthest} ELSE 2 END WHEN {rare} THEN 1 ELSE 0 END"


def _left(precedent: Precedent, figures: Sequence[str]) -> list[str]:
    """Return what the lines leave of the judged figures."""
    texts = []
    for place, line in zip(precedent.judged, precedent.lines.astype(np.float32), strict=True):
        start, *slopes = line.tolist()
        terms = [f" - {number(s)} * {x}" for s, x in zip(slopes, figures, strict=True) if s]
        texts.append(f"{figures[place]} - ({number(start)}){''.join(terms)}")
    return [text.replace("- -", "+ ") for text in texts]


def _oddness(precedent: Precedent, figures: Sequence[str]) -> list[str]:
    """Return how odd the judged figures are under each Gaussian."""
    mixture, texts = precedent.mixture, []
    own = [figures[place] for place in precedent.judged]
    arrays = (mixture.means, mixture.factors, mixture.offsets)
    for mean, factor, offset in zip(*(a.tolist() for a in arrays), strict=True):
        squares = []
        for j in range(len(mean)):
            terms = [f"({x} - ({number(mean[i])})) * ({number(factor[i][j])})"
                     for i, x in enumerate(own[: j + 1])]  # fmt: skip
            squares.append(f"({' + '.join(terms)}) * ({' + '.join(terms)})")
        texts.append(f"({number(2 * offset)} + {' + '.join(squares)}) * 5e-1")
    return texts
