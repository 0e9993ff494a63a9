"""What the verdict says of tables whose truth is known: shuffled, leaking and clean ones.

100 tables with outcomes dealt out at random, 20 with each kind of planted leak, 100 clean ones,
5,000 simulated rows each. Every finished table is kept in `benchmarks/verdicts.csv`.
"""

from __future__ import annotations

import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from durhampulse.creators.reading import read_creators
from durhampulse.creators.schema import IDENTIFIER, LABEL
from durhampulse.evaluation.judgement import judge
from durhampulse.market.sampling import simulate_market

ROWS = 5_000
KEPT = Path(__file__).with_suffix(".csv")
Plant = Callable[[pd.DataFrame, np.ndarray, np.random.Generator], pd.DataFrame]


def main() -> None:
    done = pd.read_csv(KEPT) if KEPT.exists() else pd.DataFrame(columns=["kind", "seed"])
    have = set(zip(done["kind"], done["seed"], strict=True))
    for kind, plant, seeds in tables():
        for seed in range(seeds):
            if (kind, seed) not in have:
                row = {"kind": kind, "seed": seed, **look(plant, seed)}
                done = pd.concat([done, pd.DataFrame([row])])
                done.to_csv(KEPT, index=False)
        print(f"{kind} done", flush=True)
    summary = done.groupby("kind", sort=False).agg(
        tables=("seed", "size"), ready=("word", lambda w: (w == "ready").sum()),
        care=("word", lambda w: (w == "use with care").sum()),
        not_ready=("word", lambda w: (w == "not ready").sum()),
        no_signal=("no_signal", "sum"), named=("named", "sum"), seconds=("seconds", "mean"),
    )  # fmt: skip
    print(summary.round(2).to_string())


def tables() -> Iterator[tuple[str, Plant, int]]:
    yield "shuffled", shuffle, 100
    for plant in (copy, number, fee, date, views, order, prefix, twins):
        yield f"leak: {plant.__name__}", plant, 20
    yield "clean", lambda table, _y, _rng: table, 100


def look(plant: Plant, seed: int) -> dict[str, object]:
    table = simulate_market(ROWS, seed=20_000 + seed).table.drop_duplicates(IDENTIFIER)
    planted = plant(table, table[LABEL].to_numpy(int), np.random.default_rng(seed))
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        path = Path(folder, "creators.csv")
        planted.to_csv(path, index=False)
        creators = read_creators(path)
        start = time.perf_counter()
        verdict = judge(creators)
    seconds = time.perf_counter() - start
    touched = {column for check in verdict.concerns for column in check.columns}
    expected = {"views": "Avg_Views_per_Post", "order": IDENTIFIER, "prefix": IDENTIFIER}
    column = expected.get(plant.__name__, "planted")
    codes = {check.code for check in verdict.concerns}
    return {
        "word": verdict.word,
        "no_signal": not verdict.has_signal,
        "named": column in touched or (plant is twins and "leak-copies" in codes),
        "seconds": seconds,
    }


def shuffle(table: pd.DataFrame, y: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
    return table.assign(**{LABEL: rng.permutation(y)})


def copy(table: pd.DataFrame, y: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
    return table.assign(planted=np.where(rng.random(len(y)) < 0.01, 1 - y, y))


def number(table: pd.DataFrame, y: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
    return table.assign(planted=8 * y + rng.normal(size=len(y)))


def fee(table: pd.DataFrame, y: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
    known = (y == 1) & (rng.random(len(y)) < 0.6)
    return table.assign(planted=np.where(known, rng.lognormal(6, 1, len(y)).round(), np.nan))


def date(table: pd.DataFrame, y: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
    days = pd.Timestamp("2026-01-01") + pd.to_timedelta(rng.integers(0, 300, len(y)), "D")
    signed = pd.Series(days.strftime("%Y-%m-%d"), table.index)
    return table.assign(planted=signed.where(y == 1))


def views(table: pd.DataFrame, y: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
    rise = np.where(y == 1, rng.lognormal(1.8, 0.3, len(y)), 1)
    return table.assign(Avg_Views_per_Post=(table["Avg_Views_per_Post"].astype(float) * rise))


def order(table: pd.DataFrame, y: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
    place = np.argsort(np.argsort(-y + 0.3 * rng.random(len(y))))
    return table.assign(**{IDENTIFIER: place})


def prefix(table: pd.DataFrame, y: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
    numbers = rng.permutation(len(y)).astype(str)
    return table.assign(**{IDENTIFIER: np.char.add(np.where(y == 1, "P", "A"), numbers)})


def twins(table: pd.DataFrame, _y: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
    again = table.sample(len(table) // 10, random_state=int(rng.integers(10**6)))
    return pd.concat([table, again.assign(**{IDENTIFIER: 10**7 + np.arange(len(again))})])


if __name__ == "__main__":
    main()
