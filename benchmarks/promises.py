"""How often a promised share is broken, by models whose creators' true probabilities are known.

The models are those of `benchmarks intervals`, 20 draws of each market, whose figures it keeps. A
draw tests a promise of 80% on the outcomes of some of a model's fresh creators and looks at all of
them: it is broken where those marked *Yes* have less than 80% on average. 400 draws of each size.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from benchmarks.intervals import KEPT, TESTED, Draw
from benchmarks.intervals import kept as kept_draw
from durhampulse.decision.promise import keep_promise
from durhampulse.models.weights import sigmoid

SHARE = 0.8
SIZES = (200, 800, 3_000)
DRAWS = 400


def main() -> None:
    """Print how many promises are given by market and size, and how many of them are broken."""
    KEPT.mkdir(exist_ok=True)
    rows = []
    for market, numbers in TESTED.items():
        models = [kept_draw(market, number) for number in numbers]
        for size in SIZES:
            rng = np.random.default_rng(size)
            shares = [marked_share(models[i % len(models)], size, rng) for i in range(DRAWS)]
            given = np.array([share for share in shares if share is not None])
            rows.append(
                {
                    "market": market,
                    "tested on": size,
                    "given": len(given) / DRAWS,
                    "broken": float(np.sum(given < SHARE)) / DRAWS,
                    "share of deals where given": float(given.mean()),
                }
            )
    print(pd.DataFrame(rows).round(4).to_string(index=False))


def marked_share(model: Draw, size: int, rng: np.random.Generator) -> float | None:
    """Return the mean true probability of those marked *Yes*; None where nobody can be marked.

    Parameters
    ----------
    model
        Log-odds and true probabilities of its fresh creators.
    size
        How many of them have outcomes to test the promise on.
    rng
        Draws them, and their outcomes.
    """
    y_prob, truth = sigmoid(model["z"]), model["p"]
    tested = rng.choice(len(truth), size, replace=False)
    y_true = (rng.random(size) < truth[tested]).astype(float)
    threshold = keep_promise(y_true, y_prob[tested], SHARE).threshold
    return None if threshold is None else float(truth[y_prob >= threshold].mean())


if __name__ == "__main__":
    main()
