"""A plan as a bet: its deals in a thousand drawn futures.

Each future draws first how far the model is off for all creators at once (as in
:mod:`~durhampulse.desk.shortlist.sums`), hence each one's probability
(:mod:`~durhampulse.decision.likely`), then for each creator whether there is a deal.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd

from durhampulse.decision.likely import SHARED, likely_probabilities
from durhampulse.desk.campaigns.value import is_counted

__all__ = ["FUTURES", "Bet", "draw_bet"]

FUTURES = 1_000
_TAIL, _FAR_TAIL = 0.05, 0.025


@dataclass(frozen=True, kw_only=True)
class Bet:
    """What a plan came to in the drawn futures.

    Attributes
    ----------
    futures
        How many had 0, 1, 2, ... deals.
    low, high
        At least 9 of 10 had so many deals, with at most 1 of 20 beyond either end.
    few, risk
        A number of deals that is a bad case, and the share of futures with fewer.
    """

    futures: list[int]
    low: int
    high: int
    few: int
    risk: float

    @property
    def most(self) -> int:
        """How many futures had the commonest number of deals."""
        return max(self.futures)

    @property
    def shown(self) -> range:
        """The numbers of deals worth drawing: those that happened, and the range."""
        happened = [deals for deals, n in enumerate(self.futures) if n]
        return range(min(happened[0], self.low), max(happened[-1], self.high) + 1)


def draw_bet(table: pd.DataFrame, seed: int) -> Bet | None:
    """Return what a set of creators comes to in a thousand drawn futures; none for nobody.

    Parameters
    ----------
    table
        As for :func:`~durhampulse.desk.campaigns.value.outlook`; those of whom no deal is forecast
        are left out.
    seed
        The same set is drawn alike at each look.
    """
    rows = table[is_counted(table)]
    if rows.empty:
        return None
    return _draw(rows[["probability", "low", "high"]].to_numpy(dtype=float).T.tobytes(), seed)


@lru_cache(maxsize=100)
def _draw(figures: bytes, seed: int) -> Bet:
    """Return the bet of creators by ``probability, low, high``: drawn once, however many look."""
    p, low, high = np.frombuffer(figures).reshape(3, -1)
    generator = np.random.default_rng(seed)
    shocks = SHARED * generator.standard_normal(FUTURES)
    truth = likely_probabilities(p, low, high, shocks)
    deals = (generator.random(truth.shape) < truth).sum(axis=1)
    fewer = np.array([(deals < k).mean() for k in range(len(p) + 1)])
    few = int(np.flatnonzero(fewer <= _FAR_TAIL)[-1])
    return Bet(
        futures=np.bincount(deals, minlength=len(p) + 1).tolist(),
        low=int(np.flatnonzero(fewer <= _TAIL)[-1]),
        high=int(np.flatnonzero([(deals > k).mean() <= _TAIL for k in range(len(p) + 1)])[0]),
        few=few,
        risk=float(fewer[few]),
    )
