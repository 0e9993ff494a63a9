"""Creators whose cells are written as people write them, for what a model is exported to."""

from __future__ import annotations

import numpy as np
import pandas as pd

from durhampulse.creators.schema import LABEL
from durhampulse.market.sampling import simulate_market

COUNTS = (
    "{:,.0f}", " {:.0f} ", "{:.0f}.0", "+{:.0f}", "{:.1f}", "{:.3e}", "{k:.1f}K", "{k:.2f} k",
    "{m:.2f}M", "{m:.4f}m", "{k:.3f}", "-{:.0f}", "{:.0f}%", "n/a", "", "unknown", "1,2,3",
    "{:.0f} people", "~{:.0f}", "10-20k", "{m:.3f} mn", "{k:.0f}\u00a0K", "12e99",
)  # fmt: skip
"""Formats of a count; k and m are it in thousands and millions."""
RATES = (
    "{p:.2f}%", "{p:.1f} %", "{:.6f}", "{:.2e}", "+{:.4f}", ".0{n:.0f}", "-{:.3f}", "NULL", "-",
    "none yet", "{:.5f} ", "\t{:.4f}", "{:.4f}x", "{p:.3f}%",
)  # fmt: skip
"""Formats of a rate; p is it in percent, n a digit."""
WORDS = (
    "{}", "{u}", "{l}", " {} ", "{}\t", "{l} ", "?", "", "Yodelling", "  Cat   Care ", "{}s", "N/A",
    "{u}\u00a0",
)  # fmt: skip
"""Formats of a level; u and l are it in capitals and small letters."""


def messy_creators(rows: int, seed: int = 0) -> pd.DataFrame:
    """Text cells of simulated creators, about every third written oddly, some figures extreme."""
    rng = np.random.default_rng(seed)
    table = simulate_market(rows, seed=seed).table.drop(columns=LABEL)
    text = {"Influencer_ID": table["Influencer_ID"].astype("str")}
    for column, formats in (
        ("Followers", COUNTS),
        ("Engagement_Rate", RATES),
        ("Growth_Rate", RATES),
        ("Niche", WORDS),
        ("Video_Quality", WORDS),
        ("Avg_Views_per_Post", COUNTS),
    ):
        odd = rng.random(rows) < 0.3
        picks = rng.integers(0, len(formats), rows)
        values = table[column].astype(object).where(table[column].notna(), None).tolist()
        if formats is not WORDS:
            far = np.where(rng.random(rows) < 0.02, 10.0 ** rng.integers(-2, 4, rows), 1.0)
            values = [_times(value, by) for value, by in zip(values, far, strict=True)]
        text[column] = [
            _cell(value, formats[pick] if is_odd else None)
            for value, pick, is_odd in zip(values, picks, odd, strict=True)
        ]
    return pd.DataFrame(text, dtype="str")


def _times(value: object, by: float) -> object:
    """A number times another; what is none stays as it is."""
    try:
        return float(str(value)) * by
    except ValueError:
        return None if value is None else str(value)


def _cell(value: object, form: str | None) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        plain = form is None or form not in WORDS
        return value if plain else form.format(value, u=value.upper(), l=value.lower())
    number = float(str(value))
    if form is None:
        return f"{number:.6g}" if abs(number) < 1_000 else f"{number:.0f}"
    return form.format(number, k=number / 1e3, m=number / 1e6, p=100 * number, n=number * 100 % 9)
