"""Which rows get the answer that there is no precedent, by simulated market.

Each draw learns from 4,000 creators. Fresh creators of the same market should hardly ever be
marked; those of which something was changed should be. Beside them stands what a test by the true
densities marks of the same creators (`benchmarks/oracle.py`), if it marks 1% of the fresh ones:
made for one kind of oddity alone, and one for all kinds.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import pandas as pd

from benchmarks.markets import MARKETS
from benchmarks.oracle import BIG, SMALL, possible
from benchmarks.quality import features
from durhampulse.creators.block import Block
from durhampulse.creators.schema import ENGAGEMENT, FOLLOWERS, GROWTH, IDENTIFIER, NICHE, VIEWS
from durhampulse.features.encoding import learn_encoding
from durhampulse.features.novelty import learn_precedent
from durhampulse.features.precedent import REACH

DRAWS, TRAIN, FRESH, CHANGED = 26, 4_000, 20_000, 3_000
FEW, FEW_DRAWS, MOST = 300, 16, 0.01


def main() -> None:
    """Print the shares of creators marked on each market, and what is possible."""
    for market in MARKETS:
        table = pd.DataFrame([measure(market, draw) for draw in range(DRAWS)])
        summary = table.agg(["mean", "min", "max"]).T.join(oracle(market, 0))
        print(f"\n{market}: share marked, % (mean, lowest, highest of {DRAWS} draws), and possible")
        print(summary.round(1).to_string(na_rep=""), flush=True)
        few = [measure(market, d, train=FEW, odd=False)["fresh"] for d in range(FEW_DRAWS)]
        print(f"{FEW} training rows: {np.mean(few):.2f}% of fresh rows, at most {max(few):.1f}%")


def oracle(market: str, draw: int) -> pd.DataFrame:
    """Return what is possible on the creators of a draw."""
    rng = np.random.default_rng(2_000 + draw)
    MARKETS[market](TRAIN, rng)
    fresh, _ = MARKETS[market](FRESH, rng)
    return possible(market, fresh, dict(changed(market, fresh, rng)), MOST)


def measure(market: str, draw: int, *, train: int = TRAIN, odd: bool = True) -> dict[str, float]:
    """Return the percentage marked of each kind of creators on one draw.

    Parameters
    ----------
    market
        A name among `MARKETS`.
    draw
        Which draw, from 0 on.
    train
        How many creators are learned from.
    odd
        Whether creators are looked at of whom something was changed.
    """
    rng = np.random.default_rng(2_000 + draw)
    learned, _ = MARKETS[market](train, rng)
    learned.insert(0, IDENTIFIER, np.arange(train))
    encoding = learn_encoding(learned, features())
    precedent = learn_precedent(encoding, learned)
    fresh, _ = MARKETS[market](FRESH, rng)
    shares = {}
    for name, table in (("fresh", fresh), *(changed(market, fresh, rng) if odd else ())):
        block = Block.of(table)
        X = encoding.transform(block, limit=REACH)
        start = time.process_time()
        kinds = precedent.kinds(X, block)
        spent = time.process_time() - start
        shares[name] = 100 * float((kinds > 0).mean())
        if name == "fresh":
            shares["microseconds a row"] = 1e6 * spent / len(table)
    return shares


def changed(
    market: str, fresh: pd.DataFrame, rng: np.random.Generator
) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield creators of whom something was changed."""
    some = fresh.head(CHANGED)
    for column in (ENGAGEMENT, FOLLOWERS, VIEWS):
        for factor in (20, 50, 100):
            yield f"{column} x {factor}", some.assign(**{column: some[column] * factor})
    yield "a new niche", some.assign(**{NICHE: "Philately"})
    other = next(name for name in MARKETS if name not in (market, "home"))
    yield "another platform", MARKETS[other](CHANGED, rng)[0]
    known = MARKETS[other](CHANGED, rng)[0]
    yield (
        "another platform, known niches",
        known.assign(**{NICHE: rng.choice(fresh[NICHE].dropna().to_numpy(), CHANGED)}),
    )
    many, _ = MARKETS[market](5 * FRESH, rng)
    big, small = many[many[FOLLOWERS] >= BIG], many[many[FOLLOWERS] < SMALL].head(CHANGED)
    for column, rows, others in ((ENGAGEMENT, big, small), (VIEWS, small, big)):
        drawn = rng.choice(others[column].dropna().to_numpy(), len(rows))
        name = "big creators with small ones' engagement" if rows is big else ""
        yield name or "small creators with big ones' views", rows.assign(**{column: drawn})
    yield "growth x 100", some.assign(**{GROWTH: some[GROWTH] * 100})


if __name__ == "__main__":
    main()
