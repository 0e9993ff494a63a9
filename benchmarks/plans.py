"""How often the deals of a set of creators are within what a campaign's plan says.

The models are those of `benchmarks intervals`, whose figures are kept there: some draws of two
markets, on which `durhampulse.decision.likely.SHARED` was chosen, and 20 others of three. Of 3,000
fresh creators each kind of set is planned once a model, and its deals are drawn a hundred times.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pandas as pd

from benchmarks.intervals import IN_USE, KEPT, TESTED, TUNED, Draw, ends
from benchmarks.intervals import kept as kept_draw
from durhampulse.desk.campaigns.bet import draw_bet
from durhampulse.models.weights import sigmoid

LIST, REPEATS = 3_000, 100


def main() -> None:
    """Print in what share of cases the deals were within the range told, and how wide it is."""
    KEPT.mkdir(exist_ok=True)
    rng = np.random.default_rng(0)
    for title, markets in (("chosen on", TUNED), ("not chosen on", TESTED)):
        rows = [
            {"market": market, **held}
            for market, numbers in markets.items()
            for number in numbers
            for held in planned(kept_draw(market, number), rng)
        ]
        print(f"\n{title}: share of cases within 9 of 10 futures, below them, and their width")
        table = pd.DataFrame(rows).groupby(["set", "market"], sort=False).mean()
        print(table.round(3).unstack().to_string())


def planned(draw: Draw, rng: np.random.Generator) -> Iterator[dict[str, object]]:
    """Yield for each kind of set how often its deals were within what its plan says."""
    chosen = rng.permutation(len(draw["z"]))[:LIST]
    chosen = chosen[np.argsort(-draw["z"][chosen])]
    y_prob = sigmoid(draw["z"])
    low, high = ends(draw, IN_USE)
    for name, rows in sets(chosen, y_prob[chosen]):
        plan = pd.DataFrame({"probability": y_prob[rows], "low": low[rows], "high": high[rows],
                             "fee": np.nan, "deal": None, "flags": 0})  # fmt: skip
        bet = draw_bet(plan, seed=1)
        if bet is None:
            continue
        deals = (rng.random((REPEATS, len(rows))) < draw["p"][rows]).sum(axis=1)
        yield {
            "set": name,
            "within": float(np.mean((deals >= bet.low) & (deals <= bet.high))),
            "below": float(np.mean(deals < bet.low)),
            "width": bet.high - bet.low,
        }


def sets(
    ranked: npt.NDArray[np.intp], y_prob: npt.NDArray[np.float64]
) -> Iterator[tuple[str, npt.NDArray[np.intp]]]:
    """Yield the name and the rows of each kind of set.

    Parameters
    ----------
    ranked
        Rows from the most probable on, shape (n,).
    y_prob
        Their probabilities.
    """
    maybe = ranked[(y_prob >= 0.6) & (y_prob < 0.8)]
    yield "first 12", ranked[:12]
    yield "first 40", ranked[:40]
    yield "150 of Yes", ranked[y_prob >= 0.8][:150]
    yield "30 of Maybe", maybe[:30]
    yield "150 of Maybe", maybe[:150]
    yield "100 of No", ranked[y_prob < 0.6][:100]


if __name__ == "__main__":
    main()
