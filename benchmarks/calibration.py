"""How large the calibration error stays for whoever knows a simulated market but for one curve.

Each draw gives outcomes of some creators, and the true log-odds of these and of fresh ones. All
that is left to learn is a curve from those log-odds to the right ones, by maximum likelihood: its
level alone, a straight line (Platt 1999), or one with bends. Nobody who must also find out which
columns matter can be expected to do better. An aim that such a curve misses asks for more than the
outcomes tell.

Beside it stands the error of trained models that learned from twice as many creators as elsewhere.
Each finished one is kept in `benchmarks/calibration.csv`, so that a stopped run goes on where it
was.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.linear_model import LogisticRegression

from benchmarks.intervals import FRESH, TRAIN
from benchmarks.kept import KeptRows
from benchmarks.markets import MARKETS
from benchmarks.quality import ece, features
from durhampulse.creators.schema import IDENTIFIER, LABEL
from durhampulse.models.champion import train_champion
from durhampulse.models.stacking import level
from durhampulse.models.weights import log_odds, sigmoid

DRAWS, FIRST = 400, 50_000
SIZES = (TRAIN, 2 * TRAIN, 4 * TRAIN)
CURVES = {
    "level": None, "straight": (), "a bend at 50%": (0.0,), "bends at 12 and 50%": (-2.0, 0.0),
}  # fmt: skip
"""Log-odds where each curve bends; none of what keeps its slope too."""
WORST, AIM = 20, 0.0125
KEPT = Path(__file__).with_suffix(".csv")

Floats = npt.NDArray[np.float64]


def main() -> None:
    """Print the errors of curves by market and size, and those of trained models."""
    table = pd.DataFrame([row for market in MARKETS for row in errors(market)])
    print(summary(table, ["market", "rows", "curve"]).to_string())
    done = KeptRows(KEPT, "market", "draw")
    for draw in range(WORST):
        for market in MARKETS:
            if (market, draw) not in done:
                done.add({"market": market, "draw": draw, "error": trained(market, draw)})
    print(f"\nmodels trained on {SIZES[1]:,} creators")
    print(summary(done.table, ["market"]).to_string())


def summary(table: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Return mean and largest error by group, and how often that of the worst of 20 is too large.

    The last is the chance by the share of all draws of the group that are above the aim.
    """
    groups = table.groupby(by, sort=False)["error"]
    missed = groups.agg(lambda error: (error > AIM).mean())
    return (
        groups.agg(["size", "mean", "max"])
        .assign(**{f"above {AIM}": missed, f"worst of {WORST}": 1 - (1 - missed) ** WORST})
        .round(4)
    )


def errors(market: str) -> Iterator[dict[str, object]]:
    """Yield the calibration error of each draw, size and curve of a market."""
    for draw in range(DRAWS):
        rng = np.random.default_rng(FIRST + draw)
        table, p = MARKETS[market](max(SIZES) + FRESH, rng)
        y, z, fresh = table[LABEL].to_numpy(), log_odds(p), slice(max(SIZES), None)
        for rows in SIZES:
            for curve, places in CURVES.items():
                q = sigmoid(learned(z[:rows], y[:rows], z[fresh], places))
                yield {
                    "market": market, "rows": rows, "curve": curve, "error": ece(p[fresh], q),
                }  # fmt: skip


def learned(
    z: Floats, y: npt.NDArray[np.int64], fresh: Floats, places: tuple[float, ...] | None
) -> Floats:
    """Return the log-odds, shape (n_fresh,), that a curve from true ones gives fresh creators.

    Parameters
    ----------
    z, y
        True log-odds and outcomes to learn the curve from, shape (n_rows,) each.
    fresh
        True log-odds of the fresh creators, shape (n_fresh,).
    places
        Where the curve bends; none if only its level is learned.
    """
    if places is None:
        return fresh + level(z, y.astype(float), np.ones(len(y)))
    line = LogisticRegression(C=np.inf).fit(bent(z, places), y)
    return np.asarray(line.decision_function(bent(fresh, places)))


def trained(market: str, draw: int) -> float:
    """Return the calibration error of a model on a draw's fresh creators."""
    table, p = MARKETS[market](max(SIZES) + FRESH, np.random.default_rng(FIRST + draw))
    table.insert(0, IDENTIFIER, np.arange(len(table)))
    model = train_champion(table[: SIZES[1]], features(), random_state=draw).model
    return ece(p[max(SIZES) :], model.predict_proba(table[max(SIZES) :]))


def bent(z: Floats, places: tuple[float, ...]) -> Floats:
    """Return the columns of a curve of log-odds z, shape (n, 1 + n_places)."""
    return np.column_stack([z, *(np.maximum(z - place, 0) for place in places)])


if __name__ == "__main__":
    main()
