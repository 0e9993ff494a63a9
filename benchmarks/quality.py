"""How good and how honest the probabilities are: on simulated markets and on real tables.

On each market of `benchmarks/markets.py` a draw is a study in small: 4,000 creators to train on,
20,000 fresh ones whose true probabilities are known. Real tables are those that scikit-learn
ships and, where `DURHAMPULSE_TABLES` names a folder, the CSV files in it: of each draw a fifth is
held out. CatBoost in its default settings, LightGBM with regularisation, logistic regression on
splines and the mean of the three learn from the same rows, the first two from native categories.

Each finished draw is kept in `benchmarks/quality.csv`, so that a stopped run goes on where it was.
`python -m benchmarks.quality 4` makes four draws of each instead of 20.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.kept import KeptRows
from benchmarks.markets import MARKETS
from durhampulse.creators.block import Block
from durhampulse.creators.reading import read_creators
from durhampulse.creators.roles import Role
from durhampulse.creators.schema import COLUMNS, IDENTIFIER, LABEL
from durhampulse.exceptions import InputError
from durhampulse.features.encoding import learn_encoding, split_creators
from durhampulse.market.market import ceiling
from durhampulse.models.champion import Champion, train_champion
from durhampulse.models.splines import fit_splines
from durhampulse.models.weights import log_odds, sigmoid

DRAWS, TRAIN, FRESH = 20, 4_000, 20_000
REAL_DRAWS, MOST_ROWS = 5, 10_000
KEPT = Path(__file__).with_suffix(".csv")
BANDS = {"No": (0.0, 0.6), "Maybe": (0.6, 0.8), "Yes": (0.8, 1.01), "below .05": (0.0, 0.05)}
YARDSTICK, OURS = "CatBoost", "DurhamPulse"
Features = tuple[Role, ...]


def main() -> None:
    """Measure the draws that are not kept yet, and print what all of them give."""
    draws = int(sys.argv[1]) if sys.argv[1:2] and sys.argv[1].isdigit() else DRAWS
    done = KeptRows(KEPT, "table", "draw")
    for name, draw, work in tasks(draws):
        if (name, draw) not in done:
            done.add({"table": name, "draw": draw, **work()})
            print(f"{name}, draw {draw}: done", flush=True)
    report(done.table)


def tasks(draws: int) -> Iterator[tuple[str, int, partial[dict[str, object]]]]:
    """Yield the table, the number and the work of each draw."""
    real = real_tables()
    for draw in range(draws):
        for name in MARKETS:
            yield name, draw, partial(measure_market, name, draw)
        for name, (table, roles) in real.items() if draw < REAL_DRAWS else ():
            yield name, draw, partial(measure_real, table, roles, draw)


def measure_market(market: str, draw: int) -> dict[str, object]:
    """Return the figures of a draw of a market, whose true probabilities are known."""
    table, y_prob = MARKETS[market](TRAIN + FRESH, np.random.default_rng(10_000 + draw))
    table.insert(0, IDENTIFIER, np.arange(len(table)))
    train, fresh, p = table[:TRAIN], table[TRAIN:], y_prob[TRAIN:]
    champion, seconds = timed(train, features(), draw)
    q, best = champion.model.predict_proba(fresh), ceiling(p).log_loss
    taught = champion.blend or champion.model.weights
    answers = {
        OURS: q,
        "its blend": taught.predict_proba(champion.model.encoding.transform(fresh)),
        **others(train, fresh, features(), draw),
    }
    y = fresh[LABEL].to_numpy(float)
    return {
        **{f"excess {name}": expected_log_loss(p, other) - best for name, other in answers.items()},
        **about(champion, seconds),
        "ECE, outcomes": ece(y, q),
        "ECE, true probabilities": ece(p, q),
        **coverage(champion, fresh, p, q),
        **{f"hit rate {b}": y[(q >= lo) & (q < hi)].mean() for b, (lo, hi) in BANDS.items()},
    }


def measure_real(table: pd.DataFrame, roles: Features, draw: int) -> dict[str, object]:
    """Return the figures of a split of a real table: losses beside each rival's."""
    train, test = split_creators(table, random_state=draw)
    champion, seconds = timed(train, roles, draw)
    y, q = test[LABEL].to_numpy(float), champion.model.predict_proba(test)
    ours = losses(y, q)
    rivals = others(train, test, roles, draw)
    row: dict[str, object] = {"loss DurhamPulse": ours.mean(), "rows": len(train)}
    for name, other in rivals.items():
        more = ours - losses(y, other)
        row[f"loss {name}"] = losses(y, other).mean()
        row[f"more than {name}"] = more.mean()
        row[f"error of {name}"] = more.std(ddof=1) / np.sqrt(len(y))
    return {**row, **about(champion, seconds), "ECE, outcomes": ece(y, q)}


def timed(train: pd.DataFrame, roles: Features, draw: int) -> tuple[Champion, dict[str, float]]:
    """Return a champion trained on some rows, and the seconds that took by either clock."""
    wall, work = time.perf_counter(), time.process_time()
    champion = train_champion(train, roles, random_state=draw)
    return champion, {
        "seconds": time.perf_counter() - wall, "seconds of work": time.process_time() - work,
    }  # fmt: skip


def about(champion: Champion, seconds: dict[str, float]) -> dict[str, object]:
    """Return which family was chosen, what its distillation costs, and the seconds."""
    model = champion.model
    return {"chosen": model.name, "cost of distillation": champion.cost, **seconds}


def coverage(
    champion: Champion, fresh: pd.DataFrame, p: np.ndarray, q: np.ndarray
) -> dict[str, float]:
    """Return the share of true probabilities inside the intervals, by band.

    Parameters
    ----------
    champion
        Whose intervals.
    fresh
        Creators that it has not learned from.
    p, q
        Their true and predicted probabilities, shape (n_fresh,) each.
    """
    model = champion.model
    low, high = model.interval.ends(log_odds(q), Block.of(fresh[model.encoding.columns]))
    inside = (low <= p) & (p <= high)
    parts = {name: (q >= lo) & (q < hi) for name, (lo, hi) in BANDS.items()}
    incomplete = fresh[model.encoding.columns].isna().any(axis=1).to_numpy()
    parts |= {"all": np.ones(len(p), bool), "with an empty cell": incomplete}
    return {f"covered {name}": inside[rows].mean() for name, rows in parts.items() if rows.any()}


def others(
    train: pd.DataFrame, fresh: pd.DataFrame, roles: Features, seed: int
) -> dict[str, np.ndarray]:
    """Return the rivals' probabilities for fresh creators, shape (n_fresh,), by name.

    Parameters
    ----------
    train, fresh
        Creators with outcomes to learn from, and those to predict.
    roles
        The columns to learn from.
    seed
        Of what is random in the rivals.
    """
    y, columns = train[LABEL].to_numpy(int), [role.column for role in roles]
    levels = [c for c in columns if not pd.api.types.is_numeric_dtype(train[c])]
    known, asked = train[columns], fresh[columns]
    encoding = learn_encoding(train, roles)
    splines = fit_splines(encoding.transform(train), y.astype(float))
    rivals = {
        YARDSTICK: in_catboost(known, y, asked, levels, seed),
        "LightGBM, regularised": in_lightgbm(known, y, asked, levels, seed),
        "splines": splines.predict_proba(encoding.transform(fresh)),
    }
    mean = sigmoid(np.mean([log_odds(q) for q in rivals.values()], axis=0))
    return {**rivals, "mean of the three": mean}


def in_catboost(
    train: pd.DataFrame, y: np.ndarray, fresh: pd.DataFrame, levels: list[str], seed: int
) -> np.ndarray:
    """Return CatBoost's probabilities in its default settings, shape (n_fresh,)."""
    from catboost import CatBoostClassifier

    known, asked = (
        frame.assign(**{c: frame[c].astype(object).fillna("none") for c in levels})
        for frame in (train, fresh)
    )
    model = CatBoostClassifier(
        cat_features=levels, random_seed=seed, thread_count=2, verbose=0,
        allow_writing_files=False,
    )  # fmt: skip
    return model.fit(known, y).predict_proba(asked)[:, 1]


def in_lightgbm(
    train: pd.DataFrame, y: np.ndarray, fresh: pd.DataFrame, levels: list[str], seed: int
) -> np.ndarray:
    """Return the probabilities of LightGBM with regularisation, shape (n_fresh,)."""
    from lightgbm import LGBMClassifier

    kinds = {c: pd.CategoricalDtype(sorted(train[c].dropna().unique())) for c in levels}
    model = LGBMClassifier(
        n_estimators=400, learning_rate=0.03, num_leaves=15, min_child_samples=40, reg_lambda=10,
        subsample=0.8, subsample_freq=1, colsample_bytree=0.8, random_state=seed, n_jobs=2,
        verbose=-1,
    )  # fmt: skip
    return model.fit(train.astype(kinds), y).predict_proba(fresh.astype(kinds))[:, 1]


def real_tables() -> dict[str, tuple[pd.DataFrame, Features]]:
    """Return tables with outcomes by name, at most 10,000 rows of each."""
    from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits

    tables = {}
    for name, load, deal in (
        ("breast cancer", load_breast_cancer, lambda y: y == 1),
        ("diabetes", load_diabetes, lambda y: y > np.median(y)),
        ("digits, even", load_digits, lambda y: y % 2 == 0),
    ):
        data = load()
        frame = pd.DataFrame(data.data, columns=[f"x{i}" for i in range(data.data.shape[1])])
        roles = tuple(Role(c, "feature", "numeric", "") for c in frame)
        frame = frame.assign(**{IDENTIFIER: np.arange(len(frame)), LABEL: deal(data.target) * 1.0})
        tables[name] = frame, roles
    folder = os.environ.get("DURHAMPULSE_TABLES")
    for path in sorted(Path(folder).glob("*.csv")) if folder else ():
        try:
            creators = read_creators(path)
        except InputError:
            continue
        if len(creators.labelled) >= TRAIN:
            some = creators.labelled
            some = some.sample(min(len(some), MOST_ROWS), random_state=0)
            tables[path.stem] = some, tuple(creators.features)
    return tables


def report(done: pd.DataFrame) -> None:
    """Print a table for each market and some lines for each real table."""
    for name in MARKETS:
        part = done[done["table"] == name].dropna(axis=1, how="all")
        if part.empty:
            continue
        print(f"\n{name}: {len(part)} draws, chosen {dict(part['chosen'].value_counts())}")
        excess = part.filter(like="excess ").rename(columns=lambda c: c.removeprefix("excess "))
        table = excess.agg(["mean", "std"]).T
        table["of CatBoost's"] = excess.div(excess[YARDSTICK], axis=0).mean()
        print(table.round(4).to_string())
        rest = part.drop(columns=[c for c in part if c.startswith("excess ")])
        print(rest.drop(columns=["table", "draw", "chosen"]).agg(["mean", "min", "max"]).T.round(4)
              .to_string())  # fmt: skip
    for name, part in done[~done["table"].isin(list(MARKETS))].groupby("table"):
        print(f"\n{name}: {len(part)} draws, chosen {dict(part['chosen'].value_counts())}, "
              f"log loss {part['loss DurhamPulse'].mean():.4f}, "
              f"ECE {part['ECE, outcomes'].mean():.4f}, "
              f"cost {part['cost of distillation'].mean():+.4f}, "
              f"{part['seconds of work'].mean():.0f} s of work")  # fmt: skip
        for rival in [c.removeprefix("more than ") for c in part if c.startswith("more than ")]:
            error = np.sqrt(np.mean(part[f"error of {rival}"] ** 2))
            print(f"  {part[f'more than {rival}'].mean():+.4f} ± {error:.4f} beside {rival} "
                  f"({part[f'loss {rival}'].mean():.4f})")  # fmt: skip


def ece(target: np.ndarray, q: np.ndarray, bins: int = 10) -> float:
    """Return the expected calibration error in bins of equal count, against any target."""
    parts = np.array_split(np.argsort(q, kind="stable"), bins)
    return float(np.mean([abs(target[part].mean() - q[part].mean()) for part in parts]))


def features() -> Features:
    """Return the roles of the standard columns that a model learns from."""
    kinds = {"count": "numeric", "rate": "numeric", "category": "levels", "quality": "quality"}
    return tuple(
        Role(c.name, "feature", kinds[c.kind], "") for c in COLUMNS.values() if c.kind in kinds
    )


def losses(y: np.ndarray, q: np.ndarray) -> np.ndarray:
    """Return the log loss of each row, natural logarithms, shape (n,)."""
    q = np.clip(q, 1e-12, 1 - 1e-12)
    return -(y * np.log(q) + (1 - y) * np.log1p(-q))


def expected_log_loss(p: np.ndarray, q: np.ndarray) -> float:
    """Return the log loss that predictions q have on average where p is true."""
    return float(losses(p, q).mean())


if __name__ == "__main__":
    main()
