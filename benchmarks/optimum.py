"""How far the study's models stay from the best possible log loss, over draws of the market.

4,000 rows to train, 20,000 fresh ones to measure; the excess is over the true probabilities.
CatBoost with default parameters on raw columns is the yardstick. Each finished draw is kept in
`benchmarks/optimum.csv` beside this file, so that a stopped run goes on where it was.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from durhampulse import study
from durhampulse.creators.market import ceiling, draw_creators
from durhampulse.creators.roles import Role
from durhampulse.creators.schema import COLUMNS, IDENTIFIER, LABEL
from durhampulse.features import learn_encoding
from durhampulse.models.classifiers import CLASSIFIERS
from durhampulse.models.training import classifier_learner, mlp_learner

DRAWS, TRAIN, FRESH = 20, 4_000, 20_000
KEPT = Path(__file__).with_suffix(".csv")


def main() -> None:
    done = pd.read_csv(KEPT) if KEPT.exists() else pd.DataFrame()
    for draw in range(DRAWS):
        if done.empty or draw not in set(done["draw"]):
            done = pd.concat([done, pd.DataFrame([{"draw": draw, **excess_log_loss(draw)}])])
            done.to_csv(KEPT, index=False)
    table = done.drop(columns="draw").agg(["mean", "std"]).T
    table["ratio"] = table["mean"] / table.loc["CatBoost, default", "mean"]
    print(f"{len(done)} draws, excess log loss over the optimum")
    print(table.round(4).to_string())


def excess_log_loss(draw: int) -> dict[str, float]:
    creators, y_prob = draw_creators(TRAIN + FRESH, np.random.default_rng(10_000 + draw))
    creators.insert(0, IDENTIFIER, np.arange(len(creators)))
    train, fresh = creators[:TRAIN], creators[TRAIN:]
    p, y = y_prob[TRAIN:], train[LABEL].to_numpy(float)
    found = {"CatBoost, default": default_boosting(train, fresh, draw)}
    encoding = learn_encoding(train, features())
    X, X_fresh = encoding.transform(train), encoding.transform(fresh)
    learners = {name: classifier_learner(name, draw) for name in CLASSIFIERS}
    learners |= {plan.name: mlp_learner(plan, draw) for plan in (study.MLP, study.REGULARISED)}
    found |= {name: learn(X, y).predict_proba(X_fresh) for name, learn in learners.items()}
    best = ceiling(p).log_loss
    return {name: expected_log_loss(p, q) - best for name, q in found.items()}


def features() -> list[Role]:
    kinds = {"count": "numeric", "rate": "numeric", "category": "levels", "quality": "quality"}
    return [Role(c.name, "feature", kinds[c.kind], "") for c in COLUMNS.values() if c.kind in kinds]


def default_boosting(train: pd.DataFrame, fresh: pd.DataFrame, draw: int) -> np.ndarray:
    from catboost import CatBoostClassifier

    model = CatBoostClassifier(
        cat_features=["Niche", "Video_Quality"], random_seed=draw, thread_count=2, verbose=0,
        allow_writing_files=False,
    )  # fmt: skip
    out = [IDENTIFIER, LABEL]
    return model.fit(train.drop(columns=out), train[LABEL]).predict_proba(fresh.drop(columns=out))[
        :, 1
    ]


def expected_log_loss(p: np.ndarray, q: np.ndarray) -> float:
    q = np.clip(q, 1e-12, 1 - 1e-12)
    return float(-np.mean(p * np.log(q) + (1 - p) * np.log1p(-q)))


if __name__ == "__main__":
    main()
