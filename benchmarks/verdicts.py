"""What the verdict says of tables whose truth is known: without signal, leaking and clean ones.

2,400 rows each, of a market whose columns tell much (ROC AUC .83), of one whose columns tell little
(.60), of one with three rows a creator, and of one honest column among noise. Leaks are planted in
two weak tables for each strong one and each of several rows. `VERDICT_TABLES` sets how many tables
there are of each kind (40), `VERDICT_SEED` where their seeds begin. Every finished table is kept in
`benchmarks/verdicts.csv`, so that a stopped run goes on where it was.
"""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.kept import KeptRows
from durhampulse.creators.reading import read_creators
from durhampulse.creators.schema import (
    ENGAGEMENT,
    FOLLOWERS,
    GROWTH,
    IDENTIFIER,
    LABEL,
    NICHE,
    VIEWS,
)
from durhampulse.evaluation.judgement import judge
from durhampulse.features.repeats import creator_codes, permuted_within
from durhampulse.market.market import draw_creators

ROWS = 2_400
TABLES = int(os.environ.get("VERDICT_TABLES", "40"))
FIRST = int(os.environ.get("VERDICT_SEED", "30000"))
KEPT = Path(__file__).with_suffix(".csv")
Rng = np.random.Generator
Plant = Callable[[pd.DataFrame, np.ndarray, Rng], pd.DataFrame]
Market = Callable[[Rng], pd.DataFrame]


# Markets whose columns are honest.


def strong(rng: Rng) -> pd.DataFrame:
    """Return creators whose columns tell much of the outcome."""
    table, _ = draw_creators(ROWS, rng)
    return named(table, np.arange(ROWS), rng)


def weak(rng: Rng) -> pd.DataFrame:
    """Return creators whose columns tell little of the outcome."""
    table, y_prob = draw_creators(ROWS, rng)
    log_odds = np.log(y_prob / (1 - y_prob))
    less = 0.26 * (log_odds - log_odds.mean()) - 1.05
    table[LABEL] = (rng.random(ROWS) < 1 / (1 + np.exp(-less))).astype(int)
    return named(table, np.arange(ROWS), rng)


def several(rng: Rng) -> pd.DataFrame:
    """Return creators of three rows each, whose figures differ by a few percent."""
    table, y_prob = draw_creators(ROWS // 3, rng)
    creators = np.repeat(np.arange(ROWS // 3), 3)
    rows = table.iloc[creators].reset_index(drop=True)
    for column in (FOLLOWERS, VIEWS):
        rows[column] = (rows[column] * rng.lognormal(0, 0.05, ROWS)).round()
    rows[ENGAGEMENT] = (rows[ENGAGEMENT] * rng.lognormal(0, 0.05, ROWS)).round(4)
    rows[LABEL] = (rng.random(ROWS) < y_prob[creators]).astype(int)
    return named(rows, creators, rng)


def lone(rng: Rng) -> pd.DataFrame:
    """Return creators with one honest column of a ROC AUC of .65 to .76 among eight of noise."""
    y = (rng.random(ROWS) < 0.3).astype(int)
    columns = {f"noise_{i}": rng.normal(size=ROWS) for i in range(8)}
    honest = rng.uniform(0.55, 1.0) * y + rng.normal(size=ROWS)
    followers = rng.lognormal(10, 1, ROWS).round()
    return named(
        pd.DataFrame({FOLLOWERS: followers, "honest": honest, **columns, LABEL: y}),
        np.arange(ROWS),
        rng,
    )


def named(table: pd.DataFrame, creators: np.ndarray, rng: Rng) -> pd.DataFrame:
    """Give creators random identifiers, which sort and end as they like."""
    letters = rng.choice([*"abcdefgh"], (creators.max() + 1, 2))
    numbers = rng.permutation(10 * (creators.max() + 1))[: creators.max() + 1]
    names = [f"{a}{number}{b}" for (a, b), number in zip(letters, numbers, strict=True)]
    table.insert(0, IDENTIFIER, np.array(names)[creators])
    return table


# Leaks.


def score(auc: float) -> Plant:
    """Return the plant of a score whose ROC AUC for the outcome is given."""
    from scipy.stats import norm

    def plant(table: pd.DataFrame, y: np.ndarray, rng: Rng) -> pd.DataFrame:
        return table.assign(planted=np.sqrt(2) * norm.ppf(auc) * y + rng.normal(size=len(y)))

    return plant


def share(of_deals: float, of_others: float, kind: str) -> Plant:
    """Return the plant of a cell that a share of the deals has, and a share of the others.

    Parameters
    ----------
    of_deals, of_others
        The two shares.
    kind
        ``flag``, ``figure`` (else 0), ``level`` (else another) or ``filled`` (else empty).
    """

    def plant(table: pd.DataFrame, y: np.ndarray, rng: Rng) -> pd.DataFrame:
        has = rng.random(len(y)) < np.where(y == 1, of_deals, of_others)
        amounts = rng.lognormal(6, 1, len(y)).round()
        values = {
            "flag": has.astype(int),
            "figure": np.where(has, amounts, 0),
            "filled": np.where(has, amounts, np.nan),
            "level": np.where(has, "contract", rng.choice(["lead", "contacted", "new"], len(y))),
        }
        return table.assign(planted=values[kind])

    return plant


def rejected(table: pd.DataFrame, y: np.ndarray, rng: Rng) -> pd.DataFrame:
    """Return the table with a level that half of the others have, and no deal."""
    has = (y == 0) & (rng.random(len(y)) < 0.5)
    return table.assign(planted=np.where(has, "closed", rng.choice(["mail", "call"], len(y))))


def copy(table: pd.DataFrame, y: np.ndarray, rng: Rng) -> pd.DataFrame:
    """Return the table with a copy of the outcome, wrong in one row of a hundred."""
    return table.assign(planted=np.where(rng.random(len(y)) < 0.01, 1 - y, y))


def date(table: pd.DataFrame, y: np.ndarray, rng: Rng) -> pd.DataFrame:
    """Return the table with a date that deals alone have."""
    days = pd.Timestamp("2026-01-01") + pd.to_timedelta(rng.integers(0, 300, len(y)), "D")
    signed = pd.Series(days.strftime("%Y-%m-%d"), table.index)
    return table.assign(planted=signed.where(y == 1))


def views(table: pd.DataFrame, y: np.ndarray, rng: Rng) -> pd.DataFrame:
    """Return the table with views that rose after the deals."""
    rise = np.where(y == 1, rng.lognormal(2.2, 0.3, len(y)), 1)
    return table.assign(**{VIEWS: (table[VIEWS].astype(float) * rise).round()})


def agency(table: pd.DataFrame, y: np.ndarray, rng: Rng) -> pd.DataFrame:
    """Return the table with the share of deals in random groups of five."""
    group = rng.permutation(len(y)) // 5
    return table.assign(planted=pd.Series(y).groupby(group).transform("mean").to_numpy())


def months(table: pd.DataFrame, y: np.ndarray, rng: Rng) -> pd.DataFrame:
    """Return the table with the rounded share of deals in niche and month, alike but for chance."""
    group = table[NICHE].astype(str) + rng.integers(1, 7, len(y)).astype(str)
    rate = pd.Series(y, table.index).groupby(group).transform("mean")
    return table.assign(planted=rate.round(3))


def ordered(table: pd.DataFrame, y: np.ndarray, rng: Rng) -> pd.DataFrame:
    """Return the table with identifiers that number the deals first."""
    place = np.argsort(np.argsort(-y + 0.3 * rng.random(len(y))))
    return table.assign(**{IDENTIFIER: place})


def ending(letters: str, digits: bool = False) -> Plant:
    """Return the plant of identifiers whose end tells the outcome.

    Parameters
    ----------
    letters
        The last letter of deals and that of others.
    digits
        Whether even and odd numbers tell instead.
    """

    def plant(table: pd.DataFrame, y: np.ndarray, rng: Rng) -> pd.DataFrame:
        numbers = rng.permutation(len(y))
        if digits:
            return table.assign(**{IDENTIFIER: 2 * numbers + y})
        ends = np.where(y == 1, letters[0], letters[1])
        return table.assign(**{IDENTIFIER: np.char.add(numbers.astype(str), ends)})

    return plant


def prefix(table: pd.DataFrame, y: np.ndarray, rng: Rng) -> pd.DataFrame:
    """Return the table with identifiers whose first letter tells the outcome."""
    numbers = rng.permutation(len(y)).astype(str)
    return table.assign(**{IDENTIFIER: np.char.add(np.where(y == 1, "P", "A"), numbers)})


def sorted_rows(table: pd.DataFrame, y: np.ndarray, _rng: Rng) -> pd.DataFrame:
    """Return the table with the deals' rows first."""
    return table.iloc[np.argsort(-y, kind="stable")]


def copies(jitter: float, of: float = 0.25) -> Plant:
    """Return the plant of creators that stand there once more under another identifier.

    Parameters
    ----------
    jitter
        By what share each figure of a copy is off, as a standard deviation.
    of
        The share of creators with a copy.
    """

    def plant(table: pd.DataFrame, _y: np.ndarray, rng: Rng) -> pd.DataFrame:
        names = table[IDENTIFIER].unique()
        again = table[table[IDENTIFIER].isin(rng.permutation(names)[: int(of * len(names))])]
        again = again.assign(**{IDENTIFIER: again[IDENTIFIER] + "-2"})
        for column in (FOLLOWERS, VIEWS, ENGAGEMENT, GROWTH) if jitter else ():
            moved = again[column] * (1 + jitter * rng.normal(size=len(again)))
            again[column] = moved.round(4 if column in (ENGAGEMENT, GROWTH) else 0)
        return pd.concat([table, again])

    return plant


# No signal.


def shuffled(table: pd.DataFrame, y: np.ndarray, rng: Rng) -> pd.DataFrame:
    """Return the table with outcomes dealt out anew, creator by creator."""
    return table.assign(**{LABEL: permuted_within(y.astype(float), creator_codes(table), rng)})


def shuffled_copies(jitter: float) -> Plant:
    """Return the plant of outcomes dealt out anew, then copies of a quarter."""

    def plant(table: pd.DataFrame, y: np.ndarray, rng: Rng) -> pd.DataFrame:
        return copies(jitter)(shuffled(table, y, rng), y, rng)

    return plant


def crowd(table: pd.DataFrame, y: np.ndarray, rng: Rng) -> pd.DataFrame:
    """Return four hundred creators with forty more columns of noise, outcomes dealt out anew."""
    few = table.head(400)
    more = pd.DataFrame(rng.normal(size=(len(few), 40)), few.index).add_prefix("noise ")
    return shuffled(pd.concat([few, more], axis=1), y[:400], rng)


def untouched(table: pd.DataFrame, _y: np.ndarray, _rng: Rng) -> pd.DataFrame:
    """Return the table as it is."""
    return table


@dataclass(frozen=True, kw_only=True)
class Kind:
    """Tables of one kind: what is planted, where, and the columns or checks that name it."""

    name: str
    plant: Plant
    names: frozenset[str] = frozenset({"planted"})
    markets: tuple[Market, ...] = (weak, strong, weak, several)


def leaks() -> list[Kind]:
    """Return the kinds of tables with a planted leak."""
    own, by_copies = frozenset({IDENTIFIER}), frozenset({"leak-copies"})
    once = (weak, strong)  # an identifier of every row of its own
    return [
        *(Kind(name=f"score of AUC {auc}", plant=score(auc)) for auc in (0.97, 0.86, 0.80)),
        Kind(name="copy of the outcome", plant=copy),
        Kind(name="flag 50% : 1%", plant=share(0.5, 0.01, "flag")),
        Kind(name="flag 50% : never", plant=share(0.5, 0, "flag")),
        Kind(name="stage 40% : never", plant=share(0.4, 0, "level")),
        Kind(name="closed, half of the others", plant=rejected),
        Kind(name="fee 0 but for 60% of deals", plant=share(0.6, 0, "figure")),
        Kind(name="fee empty but for 60% of deals", plant=share(0.6, 0, "filled")),
        Kind(name="filled 60% : 5%", plant=share(0.6, 0.05, "filled")),
        Kind(name="date of the deal", plant=date),
        Kind(name="views after the deal", plant=views, names=frozenset({VIEWS})),
        Kind(name="share of groups of five", plant=agency),
        Kind(name="share of niche and month", plant=months),
        Kind(name="identifiers in order", plant=ordered, names=own, markets=once),
        Kind(name="identifier begins", plant=prefix, names=own, markets=once),
        Kind(name="identifier ends in a letter", plant=ending("xy"), names=own, markets=once),
        Kind(name="identifier even or odd", plant=ending("", True), names=own, markets=once),
        Kind(name="rows sorted by outcome", plant=sorted_rows, names=frozenset({"sorted"})),
        Kind(name="copies, exact", plant=copies(0, 0.1), names=by_copies),
        Kind(name="copies, 1% off", plant=copies(0.01), names=by_copies),
        Kind(name="copies, 2% off", plant=copies(0.02), names=by_copies),
    ]


def kinds() -> list[Kind]:
    """Return all kinds: those that leak, clean ones and those without signal."""
    clean = [
        Kind(name=f"clean: {market.__name__}", plant=untouched, markets=(market,))
        for market in (weak, strong, several, lone)
    ]
    noise = [
        Kind(name="noise", plant=shuffled, markets=(strong,)),
        Kind(name="noise: several rows", plant=shuffled, markets=(several,)),
        Kind(name="noise: copies 1% off", plant=shuffled_copies(0.01), markets=(strong,)),
        Kind(name="noise: many columns", plant=crowd, markets=(strong,)),
    ]
    return [*leaks(), *clean, *noise]


def main() -> None:
    """Judge the tables that are not kept yet, and print what all verdicts say."""
    done = KeptRows(KEPT, "kind", "seed")
    for seed in range(FIRST, FIRST + TABLES):
        for kind in kinds():
            if (kind.name, seed) not in done:
                done.add({"kind": kind.name, "seed": seed, **look(kind, seed)})
        print(f"seed {seed} done", flush=True)
    report(done.table)


def report(done: pd.DataFrame) -> None:
    """Print for each kind the verdicts, and how often what was planted is named."""
    innocent = {"signal", "rows", "unlooked"}
    done["alarmed"] = [bool({*codes.split()} - innocent) for codes in done["codes"].fillna("")]
    done = done.set_index("kind").loc[[kind.name for kind in kinds()]].reset_index()
    summary = done.groupby("kind", sort=False).agg(
        tables=("seed", "size"), ready=("word", lambda w: (w == "ready").sum()),
        care=("word", lambda w: (w == "use with care").sum()),
        not_ready=("word", lambda w: (w == "not ready").sum()),
        no_signal=("no_signal", "sum"), named=("named", "sum"), alarmed=("alarmed", "sum"),
        seconds=("seconds", "mean"),
    )  # fmt: skip
    print(summary.round(2).to_string())


def look(kind: Kind, seed: int) -> dict[str, object]:
    """Return the row of one table of a kind: what its verdict says, and the seconds it took."""
    rng = np.random.default_rng((seed, len(kind.name), *kind.name.encode()))
    market = kind.markets[seed % len(kind.markets)]
    table = market(rng)
    planted = kind.plant(table, table[LABEL].to_numpy(int), rng)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        creators = read_creators(planted)
        start = time.perf_counter()
        verdict = judge(creators)
    seconds = time.perf_counter() - start
    named = {check.code for check in verdict.concerns}
    named |= {column for check in verdict.concerns for column in check.columns}
    named |= {"sorted" for check in verdict.checks if "a sorted table" in check.reason}
    return {
        "market": market.__name__,
        "word": verdict.word,
        "no_signal": not verdict.has_signal,
        "named": bool(kind.names & named),
        "codes": " ".join(check.code for check in verdict.concerns),
        "seconds": seconds,
    }


if __name__ == "__main__":
    main()
