"""Creators whose cells are written as people write them, for what a model is exported to."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

import numpy as np
import pandas as pd

from durhampulse.creators.cldr import currencies, sizes
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
    "Nicht verf\u00fcgbar", "\u041d\u0415 \u0423\u041a\u0410\u0417\u0410\u041d\u041e",
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


SIGNS = ("", "", "", "", "-", "+", "\u2212", "~", "--", "(", "%")
DIGITS = (
    "5", "145", "0.5", ".5", "5.", "1.234", "1,234", "1,23", "1.234.567", "1,234.5", "1.234,5", "12,34,567",
    "1 234", "1'234'567", "1 234,5", "01,234", "0", "1.2.3", "1,2,3", "1e5", "1,5e-3", "\u0661\u0662", "\uff15\uff10", "",
)  # fmt: skip
JUNK = (
    "about",
    "x1",
    "approx.",
    "pcs",
    "p.a.",
    "#",
    "/",
    "kk",
    "per post",
    "@",
    "na",
    "\u043e\u043a\u043e\u043b\u043e",
    "\u7d04",
)
BETWEEN = ("-", " - ", "\u2013", " to ", " TO ", "to", " bis ", "/", " ")
CITIES = (
    "Berlin",
    "S\u00e3o Paulo",
    "Z\u00fcrich",
    "New York",
    "\u0141\u00f3d\u017a",
    "K\u00f6ln",
    "\u6771\u4eac",
    "7",
)
"""Some of them no model has learned."""


def with_own_columns(table: pd.DataFrame, seed: int = 0, *, odd: float = 0.6) -> pd.DataFrame:
    """A table with further columns of text: figures, dollars, percentages with a comma, and towns.

    Of their cells a share is odd: drawn from what people may write, parts by themselves.
    """
    rng, rows = np.random.default_rng(seed), len(table)
    usual = {
        "Likes": [f"{number:.0f}" for number in rng.lognormal(6, 2, rows)],
        "Past_Deals": [f"{number:.0f}" for number in rng.poisson(3, rows)],
        "Ad_Spend": [f"${number:,.0f}" for number in rng.lognormal(6, 1.5, rows)],
        "Completion": [f"{100 * number:.1f}%".replace(".", ",") for number in rng.beta(4, 3, rows)],
        "City": rng.choice(CITIES[:4], rows).tolist(),
    }
    drawn = {
        column: [(written_town if column == "City" else written_amount)(rng) for _ in range(rows)]
        for column in usual
    }
    for column, cells in usual.items():
        is_odd = rng.random(rows) < odd
        table = table.assign(**{column: np.where(is_odd, drawn[column], cells)})
    return table.astype("str")


def written_amount(rng: np.random.Generator) -> str:
    """A cell that may be an amount: each part drawn by itself from all that there are."""
    if rng.random() < 0.1:
        return str(rng.choice(("", " ", "-", "n/a", "none", "N/A", "free", "on request")))
    cell = _end_of_range(rng)
    return cell + str(rng.choice(BETWEEN)) + _end_of_range(rng) if rng.random() < 0.15 else cell


def _end_of_range(rng: np.random.Generator) -> str:
    def some(words: Sequence[str], share: float) -> str:
        return str(words[rng.integers(len(words))]) if rng.random() < share else ""

    def cased(word: str) -> str:
        return str(rng.choice([word, word, word.upper(), word.lower(), word.title()]))

    signs, codes = [*currencies()], ("$", "\u20ac", "USD", "EUR", "US$", "kr", "\u00a3")
    number = (
        f"{rng.integers(1, 10 ** rng.integers(1, 7)):,}" if rng.random() < 0.4 else some(DIGITS, 1)
    )
    sign = some(SIGNS, 1)
    blank = str(rng.choice(["", "", " ", "\u00a0", "  "]))
    parts = [
        some(JUNK, 0.04),
        sign,
        cased(some(codes if rng.random() < 0.5 else signs, 0.4)),
        blank,
        some(SIGNS, 0.03),
        some([".", ","], 0.03),
        number,
        some(["", " ", "\u00a0"], 0.5),
        cased(some(["k", "m", "%", "mil", "bn"] if rng.random() < 0.5 else [*sizes()], 0.3)),
        some([" ", "\t"], 0.3),
        cased(some(codes if rng.random() < 0.5 else signs, 0.3)),
        some([" "], 0.1),
        some(JUNK, 0.06),
        some(["+", "-", " +", "."], 0.06),
        ")" if sign == "(" and rng.random() < 0.9 else "",
    ]
    return "".join(parts)


def written_town(rng: np.random.Generator) -> str:
    """A town as somebody writes it: letters of another case, width or form, blanks of all kinds."""
    town = str(rng.choice(CITIES))
    forms = (
        str.upper, str.lower, str.title, str.swapcase, " {} ".format, "{}.0".format, "{}\u00a0".format,
        lambda word: word.replace(" ", "  "), lambda word: word.replace(" ", "\t"),
        lambda word: word.replace(" ", "\u00a0"), lambda word: unicodedata.normalize("NFD", word),
        lambda word: "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in word),
        lambda _: "M\u00e1laga", lambda _: "\u4eac\u90fd", lambda _: "?", lambda _: "",
    )  # fmt: skip
    return forms[rng.integers(len(forms))](town)
