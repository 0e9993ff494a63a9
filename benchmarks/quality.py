"""How good and how honest the probabilities are, over draws of the simulated market.

Each draw is a study in small: 4,000 creators to train on and 1,000 to test, with 20,000 fresh ones
whose true probabilities are known. Logistic regression, random forest, LightGBM and CatBoost learn
from the same 4,000, in their default settings; CatBoost and LightGBM from raw columns with native
categories. Each finished draw is kept in `benchmarks/quality.csv`, so that a stopped run goes on
where it was.
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pandas as pd

from durhampulse.creators.roles import Role
from durhampulse.creators.schema import COLUMNS, IDENTIFIER, LABEL
from durhampulse.evaluation.metrics import score_models
from durhampulse.features.encoding import Encoding, learn_encoding
from durhampulse.market.market import ceiling, draw_creators
from durhampulse.models.champion import BLEND, Champion, train_champion
from durhampulse.models.weights import log_odds, sigmoid

DRAWS, TRAIN, TEST, FRESH = 40, 4_000, 1_000, 20_000
KEPT = Path(__file__).with_suffix(".csv")
BANDS = {"No": (0.0, 0.6), "Maybe": (0.6, 0.8), "Yes": (0.8, 1.01)}


def main() -> None:
    done = pd.read_csv(KEPT) if KEPT.exists() else pd.DataFrame()
    for draw in range(DRAWS):
        if done.empty or draw not in set(done["draw"]):
            done = pd.concat([done, pd.DataFrame([{"draw": draw, **measure(draw)}])])
            done.to_csv(KEPT, index=False)
            print(f"draw {draw} done", flush=True)
    report(done)


def report(done: pd.DataFrame) -> None:
    print(f"\n{len(done)} draws; mean and standard deviation over draws")
    table = done.drop(columns=["draw", "chosen"]).agg(["mean", "std"]).T
    yardstick = table.loc["excess CatBoost", "mean"]
    excess = table[table.index.str.startswith("excess ")].copy()
    excess["of CatBoost's"] = excess["mean"] / yardstick
    print("\nexcess log loss over the optimum\n" + excess.round(4).to_string())
    print("\nthe champion\n" + table[~table.index.str.startswith("excess ")].round(4).to_string())
    print(f"\nblend chosen in {np.mean(done['chosen'] == BLEND):.0%} of draws")
    print(f"own 95% interval of log loss held in {done['interval held'].sum():.0f} of {len(done)}")


def measure(draw: int) -> dict[str, object]:
    creators, y_prob = draw_creators(TRAIN + TEST + FRESH, np.random.default_rng(10_000 + draw))
    creators.insert(0, IDENTIFIER, np.arange(len(creators)))
    train, test, fresh = np.split(np.arange(len(creators)), [TRAIN, TRAIN + TEST])
    train, test, fresh = (creators.iloc[rows] for rows in (train, test, fresh))
    p, y = y_prob[TRAIN + TEST :], fresh[LABEL].to_numpy(float)
    start = time.perf_counter()
    champion = train_champion(train, features(), random_state=draw)
    seconds = time.perf_counter() - start
    q = champion.model.predict_proba(fresh)
    best = ceiling(p).log_loss
    taught = champion.blend or champion.model.weights
    blend = taught.predict_proba(champion.model.encoding.transform(fresh))
    rivals = {
        "champion": q,
        "champion before distillation": blend,
        **others(train, fresh, draw),
        **calibrated(champion, train, fresh),
    }
    found = {f"excess {name}": expected_log_loss(p, one) - best for name, one in rivals.items()}
    tested = champion.model.predict_proba(test)
    own = score_models(test[LABEL].to_numpy(float), {"": tested}).set_index("metric")
    low, high = own.loc["log_loss", ["low", "high"]]
    return {
        **found,
        "cost of distillation": champion.cost,
        "chosen": champion.model.name,
        "interval held": float(low <= expected_log_loss(p, q) <= high),
        "ECE, outcomes": ece(y, q),
        "ECE, true probabilities": ece(p, q),
        **coverage(p, q, champion.model.half_width),
        **{f"hit rate {b}": y[(q >= lo) & (q < hi)].mean() for b, (lo, hi) in BANDS.items()},
        **{f"share {b}": np.mean((q >= lo) & (q < hi)) for b, (lo, hi) in BANDS.items()},
        "seconds": seconds,
    }


def coverage(p: np.ndarray, q: np.ndarray, half_width: float) -> dict[str, float]:
    inside = np.abs(log_odds(p) - log_odds(q)) <= half_width
    bands = {f"covered {b}": inside[(q >= lo) & (q < hi)].mean() for b, (lo, hi) in BANDS.items()}
    return {"covered": inside.mean(), **bands, "half width": half_width}


def others(train: pd.DataFrame, fresh: pd.DataFrame, seed: int) -> dict[str, np.ndarray]:
    from catboost import CatBoostClassifier
    from lightgbm import LGBMClassifier
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression

    y, out = train[LABEL].to_numpy(int), [IDENTIFIER, LABEL]
    raw, raw_fresh = train.drop(columns=out), fresh.drop(columns=out)
    native = [frame.astype({"Niche": "category", "Video_Quality": "category"})
              for frame in (raw, raw_fresh)]  # fmt: skip
    plain = Encoding(tuple(c for c in learn_encoding(train, features()).codes
                           if type(c).__name__ != "RelativeCode"))  # fmt: skip
    X, X_fresh = plain.transform(train), plain.transform(fresh)
    boosting = CatBoostClassifier(
        cat_features=["Niche", "Video_Quality"], random_seed=seed, thread_count=2, verbose=0,
        allow_writing_files=False,
    )  # fmt: skip
    light = LGBMClassifier(random_state=seed, n_jobs=1, verbose=-1)
    forest = RandomForestClassifier(random_state=seed, n_jobs=2)
    linear = LogisticRegression(max_iter=1_000)
    found = {
        "logistic regression": linear.fit(X, y).predict_proba(X_fresh),
        "random forest": forest.fit(X, y).predict_proba(X_fresh),
        "LightGBM": light.fit(native[0], y).predict_proba(native[1]),
        "CatBoost": boosting.fit(raw, y).predict_proba(raw_fresh),
    }
    return {name: y_prob[:, 1] for name, y_prob in found.items()}


def calibrated(
    champion: Champion, train: pd.DataFrame, fresh: pd.DataFrame
) -> dict[str, np.ndarray]:
    """The champion's probabilities after a further calibration learned out of fold."""
    from sklearn.isotonic import IsotonicRegression
    from sklearn.linear_model import LogisticRegression

    y = train[LABEL].to_numpy(float)
    p, q = champion.out_of_fold[champion.model.name], champion.model.predict_proba(fresh)
    isotonic = IsotonicRegression(out_of_bounds="clip").fit(p, y).predict(q)
    pairs = [np.column_stack([np.log(one), -np.log1p(-one)]) for one in (p, q)]
    beta = LogisticRegression(C=1e6).fit(pairs[0], y).predict_proba(pairs[1])[:, 1]
    platt = LogisticRegression(C=1e6).fit(log_odds(p)[:, None], y)
    return {
        "champion + Platt": platt.predict_proba(log_odds(q)[:, None])[:, 1],
        "champion + beta": beta,
        "champion + isotonic": isotonic,
        "champion + Venn-Abers": venn_abers(p, y, q),
    }


def venn_abers(p: np.ndarray, y: np.ndarray, q: np.ndarray, points: int = 100) -> np.ndarray:
    """Merge of the two isotonic fits with the new row as a deal and as none (Vovk 2012)."""
    from sklearn.isotonic import IsotonicRegression

    at = np.quantile(q, np.linspace(0, 1, points))
    merged = []
    for one in at:
        zero_or_one = [
            IsotonicRegression(out_of_bounds="clip")
            .fit(np.append(p, one), np.append(y, label))
            .predict([one])[0]
            for label in (0.0, 1.0)
        ]
        merged.append(zero_or_one[1] / (1 - zero_or_one[0] + zero_or_one[1]))
    return sigmoid(np.interp(log_odds(q), log_odds(at), log_odds(np.array(merged))))


def ece(target: np.ndarray, q: np.ndarray, bins: int = 10) -> float:
    parts = np.array_split(np.argsort(q, kind="stable"), bins)
    return float(np.mean([abs(target[part].mean() - q[part].mean()) for part in parts]))


def features() -> tuple[Role, ...]:
    kinds = {"count": "numeric", "rate": "numeric", "category": "levels", "quality": "quality"}
    return tuple(
        Role(c.name, "feature", kinds[c.kind], "") for c in COLUMNS.values() if c.kind in kinds
    )


def expected_log_loss(p: np.ndarray, q: np.ndarray) -> float:
    q = np.clip(q, 1e-12, 1 - 1e-12)
    return float(-np.mean(p * np.log(q) + (1 - p) * np.log1p(-q)))


if __name__ == "__main__":
    main()
