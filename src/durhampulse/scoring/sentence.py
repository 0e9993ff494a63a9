"""The decision about one creator in a sentence or two, to say aloud."""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import ceil, floor, log10

import numpy as np
import pandas as pd

from durhampulse.creators.outcome import outcome_words
from durhampulse.creators.schema import COLUMNS, LABEL, NICHE
from durhampulse.decision.bands import MAYBE, NO, NO_PRECEDENT, YES, assign_bands
from durhampulse.decision.figures import axis_text, figure_text
from durhampulse.decision.phrases import group_words, phrase
from durhampulse.decision.promise import NO_YES_AT
from durhampulse.scoring.account import Account
from durhampulse.scoring.model import StoredModel

__all__ = ["sentence_of"]

_SLIGHT = 0.01
"""Of the probability, below which an effect is not worth a sentence."""
_STEPS = 61
_OF_PEERS = re.compile(r"(higher|lower) than (\d+)% of")


def sentence_of(
    loaded: StoredModel,
    row: pd.DataFrame,
    account: Account,
    *,
    deal: bool | None = None,
    alike: tuple[int, int] | None = None,
) -> str:
    """Return what a manager would say of a creator, with the numbers it rests on.

    How many of 100 such creators got a deal is the calibrated probability, cut to a whole number
    so that it never contradicts its band; its range is widened. The strongest figure is that of
    the largest Shapley value. A figure that would change the answer was tried on the model, with
    all others as they are, and everything beyond it within the reach of peers too.

    Parameters
    ----------
    loaded
        The model.
    row
        The creator, shape (1, any).
    account
        Of :func:`~durhampulse.scoring.account.account_of`.
    deal
        The outcome, where it is known.
    alike
        How many of the past creators most like this one got a deal, and of how many; by default
        those of the account.
    """
    words = outcome_words(loaded.rules.get(LABEL))
    known = "" if deal is None else f"The outcome is known: {words.a_deal if deal else words.none}."
    if account.refusal:
        return _joined(known, f"Nothing is recommended: {account.refusal.rstrip('.')}.")
    if account.recommendation == NO_PRECEDENT:
        odd = f": {account.unlike[0]}" if account.unlike else ""
        return _joined(known, f"The model has learned from nobody like this{odd}. "
                       "No number counts here, so a person decides.")  # fmt: skip
    if alike is None:
        alike = sum(bool(past["deal"]) for past in account.alike), len(account.alike)
    deals, of = alike
    peers = f"Of the {of} most alike {deals} {words.got}." if of else ""
    return _joined(
        known,
        _share(account, words.got),
        *_strongest(loaded, row, account),
        peers,
        _turning(loaded, row, account),
        f"Not known: {', '.join(account.not_known)}." if account.not_known else "",
    )


def _joined(*sentences: str) -> str:
    return " ".join(filter(None, sentences))


def _share(account: Account, got: str) -> str:
    """Return how many of 100 such creators got a deal, beside what is usual."""
    share = floor(100 * account.probability + 1e-9)
    low, high = floor(100 * account.low + 1e-9), ceil(100 * account.high - 1e-9)
    count = str(share) if share else "fewer than 1"
    usual = f", where {floor(100 * account.usual)} is usual" if account.usual else ""
    return f"Of 100 creators like this one {count} {got} (most likely {low} to {high}){usual}."


def _strongest(loaded: StoredModel, row: pd.DataFrame, account: Account) -> list[str]:
    """Return what lifts a creator, what holds them back, or both where they are in between."""
    lifts = _named(loaded, row, account.shares, 1)
    holds = _named(loaded, row, account.shares, -1)
    sentences = {
        1: f"What lifts this one is {lifts}." if lifts else "No figure lifts this one.",
        -1: f"What holds this one back is {holds}." if holds else "No figure holds this one back.",
    }
    signs = {YES: (1,), NO: (-1,)}.get(account.recommendation, (1, -1))
    return [sentences[sign] for sign in signs]


def _named(loaded: StoredModel, row: pd.DataFrame, effects: Mapping[str, float], sign: int) -> str:
    """Return the strongest known figure of one direction with what it was compared with."""
    known = {c: e for c, e in effects.items() if c in row and pd.notna(row[c].iloc[0])}
    column = max(known, key=lambda name: sign * known[name], default="")
    if not column or sign * known[column] < _SLIGHT:
        return ""
    peers, value = loaded.peers, row[column].iloc[0]
    place, whom = float("nan"), ""
    if column in peers.curves:
        place = float(peers.percentiles(row)[column].iloc[0])
        niche = row[NICHE].iloc[0] if NICHE in row else None
        whom = group_words(peers.groups(row)[column].iloc[0], peers.tier(row).iloc[0], niche)
    text = phrase(column, value, sign, peers=peers, place=place, whom=whom)
    return _OF_PEERS.sub(r"\1 than \2 of 100", text) or (
        f"{figure_text(column, value)}, together with the other figures"
    )


def _turning(loaded: StoredModel, row: pd.DataFrame, account: Account) -> str:
    """Return with which figures the answer would be another; empty where none was found."""
    if account.recommendation == YES:
        return _falling(loaded, row, account.shares)
    beyond = MAYBE if account.recommendation == NO else YES
    if beyond == YES and loaded.thresholds.yes_at >= NO_YES_AT:
        return ""
    if not account.changes:
        return f"Nothing within reach of such creators makes it a {_short(beyond)}."
    changed, figures = row.copy(), []
    for change in account.changes:
        column = str(change["column"])
        to = change["to"]
        value = to if isinstance(to, str) else _rounded(float(to), up=_rises(change))
        changed[column] = pd.Series([value], changed.index, dtype=row[column].dtype)
        figures.append(figure_text(column, value))
    reached = _bands(loaded, changed)[0]
    if reached == account.recommendation:
        return ""
    return f"With {' and '.join(figures)} it would be a {_short(reached)}."


def _rises(change: Mapping[str, object]) -> bool:
    before, after = change["from"], change["to"]
    return isinstance(after, str) or float(str(after)) > float(str(before))


def _falling(loaded: StoredModel, row: pd.DataFrame, effects: Mapping[str, float]) -> str:
    """Return below which value of the strongest figure a *Yes* would be none."""
    curves = loaded.peers.curves
    strong = sorted((c for c in effects if c in curves and effects[c] >= _SLIGHT),
                    key=lambda c: -effects[c])  # fmt: skip
    for column in strong:
        now = float(row[column].iloc[0])
        curve = curves[column][loaded.peers.groups(row)[column].iloc[0]]
        lowest = float(curve[1])
        if not lowest < now:
            continue
        values = np.linspace(lowest, now, _STEPS)
        tried = row.iloc[np.zeros(_STEPS, dtype=int)].reset_index(drop=True)
        tried[column] = values
        bands = _bands(loaded, tried)
        for other in (NO, MAYBE):
            outside = {NO: (NO,), MAYBE: (NO, MAYBE)}[other]
            lasting = np.cumprod([band in outside for band in bands]).astype(bool)
            if lasting.any():
                value = _rounded(float(values[lasting][-1]), up=False)
                if value >= lowest:
                    figure = f"{COLUMNS[column].short} below {axis_text(column, value)}"
                    return f"With {figure} it would be {_article(other)}."
    return ""


def _article(band: str) -> str:
    return "a No" if band == NO else "no Yes any more"


def _short(band: str) -> str:
    return band.partition(" (")[0]


def _bands(loaded: StoredModel, rows: pd.DataFrame) -> list[str]:
    bands: list[str] = assign_bands(loaded.model.predict_proba(rows), loaded.thresholds).tolist()
    return bands


def _rounded(value: float, *, up: bool) -> float:
    """Return a number with two digits, rounded onwards, so that what is said of it stays true.

    Examples
    --------
    >>> _rounded(0.0463, up=False), _rounded(12_345.0, up=True)
    (0.046, 13000.0)
    """
    if not value:
        return value
    digits = 1 - floor(log10(abs(value)))
    scaled = round(value * 10.0**digits, 6)
    return round((ceil(scaled) if up else floor(scaled)) / 10.0**digits, max(digits, 0))
