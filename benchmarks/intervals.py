"""What creators' intervals cover, and the constants of `durhampulse.models.interval`.

Each draw trains the deciding model on 4,000 creators of a simulated market and looks at 15,000
fresh ones, 3% of whose cells are empty. The constants are tuned on some draws of two markets and
tested on other draws and on a third market. Beside what they cover stands the calibration error,
which is to a part the draw's: of 4,000 creators more or fewer got a deal than their chances say.
Finished draws are kept in `benchmarks/intervals/`, so that a stopped run goes on where it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.linear_model import LogisticRegression

from benchmarks.markets import EMPTY as EMPTIED
from benchmarks.markets import MARKETS
from benchmarks.quality import ece, features
from durhampulse.creators.block import Block
from durhampulse.creators.schema import IDENTIFIER, LABEL
from durhampulse.models.champion import train_champion
from durhampulse.models.interval import (
    ABOVE,
    AT_MOST,
    BELOW,
    EMPTY,
    EMPTY_RISE,
    FALL,
    FAR_DOWN,
    HIGH,
    RISE,
    TAIL,
)
from durhampulse.models.stacking import level
from durhampulse.models.weights import log_odds, sigmoid

TUNED = {"home": range(2), "second": range(4)}
TESTED = {"home": range(2, 22), "second": range(4, 24), "third": range(20)}
TRAIN, FRESH = 4_000, 15_000
KEPT = Path(__file__).with_suffix("")

Floats = npt.NDArray[np.float64]
Draw = dict[str, Floats]
Constants = tuple[float, float, float, float, float, float]
IN_USE: Constants = (BELOW, ABOVE, RISE, TAIL, EMPTY, FALL)


def main() -> None:
    """Print the constants tuned on some draws, and what intervals cover on all."""
    KEPT.mkdir(exist_ok=True)
    wanted = {(m, d) for part in (TUNED, TESTED) for m, draws in part.items() for d in draws}
    draws = {key: kept(*key) for key in sorted(wanted, key=lambda key: key[::-1])}
    best = tune([draws[m, d] for m, numbers in TUNED.items() for d in numbers])
    print(f"BELOW, ABOVE, RISE, TAIL, EMPTY, FALL: best on the tuned draws {best}, in use {IN_USE}")
    rows = [
        {
            "market": market,
            "tuned on": draw in TUNED.get(market, ()),
            **covered(values),
            **calibration_errors(values),
        }
        for (market, draw), values in draws.items()
    ]
    table = pd.DataFrame(rows)
    print("\nshare of true probabilities inside, constants in use, mean over draws")
    print(table.groupby(["market", "tuned on"]).mean().round(3).T.to_string())
    print("\nlowest and highest draw of those not tuned on")
    print(table[~table["tuned on"]].drop(columns="tuned on").groupby("market").agg(["min", "max"])
          .round(3).T.to_string())  # fmt: skip


def kept(market: str, draw: int) -> Draw:
    """Return a draw's figures, measured now unless they are kept."""
    path = KEPT / f"{market}-{draw}.npz"
    if not path.exists():
        np.savez(path, **measure(market, draw))
        print(f"{market} {draw} done", flush=True)
    with np.load(path) as file:
        return dict(file)


def measure(market: str, draw: int) -> Draw:
    """Return log-odds and true probabilities of fresh creators, and what their widths are made of.

    ``reach`` is what a row's empty cells could change, the root of the sum of squares. ``known``
    are the log-odds by whoever knows the true ones up to a slope and a level, which are learned
    from the outcomes of the same training rows.
    """
    rng = np.random.default_rng(1_000 + draw)
    train, p_train = MARKETS[market](TRAIN, rng)
    fresh, p = MARKETS[market](FRESH, rng)
    if not fresh.isna().any(axis=None):
        holes = np.random.default_rng(draw).random(fresh.shape) < EMPTIED
        fresh = fresh.mask(holes & (fresh.columns != LABEL))
    train.insert(0, IDENTIFIER, np.arange(TRAIN))
    model = train_champion(train, features(), random_state=draw).model
    line = LogisticRegression(C=np.inf).fit(log_odds(p_train)[:, None], train[LABEL])
    block, interval = Block.of(fresh), model.interval
    squares = [
        (reach / EMPTY) ** 2 * (block.empty([name]) > 0)
        for name, reach in (interval.empties or {}).items()
    ]
    return {
        "z": model.decision_function(block),
        "p": p,
        "empty": block.empty(model.encoding.columns).astype(float),
        "reach": np.sqrt(np.sum(squares, axis=0)),
        "unsure": np.array(interval.below / BELOW),
        "known": line.decision_function(log_odds(p)[:, None]),
    }


def ends(draw: Draw, constants: Sequence[float]) -> tuple[Floats, Floats]:
    """Return both ends of each creator's interval by some constants.

    Parameters
    ----------
    draw
        A draw's figures, as `measure` gives them, of n creators.
    constants
        In the order of `Constants`.

    Returns
    -------
    low, high
        Probabilities, shape (n,) each.
    """
    below, above, rise, tail, empty, fall = constants
    unknown = (empty * draw["reach"]) ** 2
    lower = draw["unsure"] * (below - fall * np.clip(draw["z"] / HIGH, 0, 1))
    upper = draw["unsure"] * (above + rise * np.maximum(draw["z"], 0))
    upper += min(draw["unsure"] * tail, 1.0) * np.maximum(FAR_DOWN - draw["z"], 0)
    stretched = unknown * (1 + EMPTY_RISE * np.maximum(draw["z"], 0)) ** 2
    low = sigmoid(draw["z"] - np.sqrt(lower**2 + unknown))
    high = sigmoid(draw["z"] + np.sqrt(upper**2 + stretched))
    return np.where(sigmoid(draw["z"]) < AT_MOST, 0.0, low), high


def groups(draw: Draw) -> Iterator[tuple[str, npt.NDArray[np.bool_]]]:
    """Yield the name of each group of creators, and which of a draw's are in it, shape (n,)."""
    q, empty = sigmoid(draw["z"]), draw["empty"]
    yield "all", q >= 0
    yield "below .01", q < 0.01
    bounds = (0, 0.05, 0.2, 0.6, 0.8, 1.01)
    names = ("below .05", ".05 to .2", ".2 to .6", "Maybe", "Yes")
    for name, low, high in zip(names, bounds[:-1], bounds[1:], strict=True):
        yield name, (q >= low) & (q < high)
    yield "an empty cell", empty > 0
    yield "an empty cell, from .05", (empty > 0) & (q >= AT_MOST)
    yield "an empty cell and Yes", (empty > 0) & (q >= 0.8)


def covered(draw: Draw, constants: Sequence[float] = IN_USE) -> dict[str, float]:
    """Return the share of true probabilities inside, by group, and the intervals' mean width."""
    low, high = ends(draw, constants)
    inside = (draw["p"] >= low) & (draw["p"] <= high)
    shares = {name: float(inside[here].mean()) for name, here in groups(draw) if here.sum() >= 30}
    return {**shares, "mean width": float((high - low).mean())}


def calibration_errors(draw: Draw) -> dict[str, float]:
    """Return the error against true probabilities, and what it would be if more were known."""
    z, p = draw["z"], draw["p"]
    levelled = z + level(z, p, np.ones_like(z))
    return {
        "calibration error": ece(p, sigmoid(z)),
        "with the true level": ece(p, sigmoid(levelled)),
        "by the true log-odds": ece(p, sigmoid(draw["known"])),
    }


def tune(draws: Iterable[Draw]) -> Constants:
    """Return the constants whose coverage is nearest to 90% in all groups of all draws."""
    draws = list(draws)
    grid = product(
        (2.0, 2.2, 2.4, 2.6, 2.8, 3.0, 3.2),
        (1.6, 1.8, 2.0, 2.2, 2.4),
        range(7),
        (TAIL,),  # tried beside 0 and 1, from log-odds of -2 to -4 on, for the rows below .01
        (1.0, 1.2, 1.4, 1.6, 1.8),
        (0.0, 0.5, 0.8, 1.0, 1.2),
    )
    return min(grid, key=lambda constants: sum(misfit(draw, constants) for draw in draws))


def misfit(draw: Draw, constants: Sequence[float]) -> float:
    """Return the squared distances from 90% in all groups; what is missing counts four times."""
    shares = covered(draw, constants)
    kinds = (".05 to .2", ".2 to .6", "Maybe", "Yes", "an empty cell, from .05")
    off = np.array([shares[kind] for kind in kinds]) - 0.9
    return float(np.sum(np.where(off < 0, 4, 1) * off**2))


if __name__ == "__main__":
    main()
