"""Creators drawn from the simulated market, as clean tables."""

from __future__ import annotations

import numpy as np

from durhampulse.market.market import draw_creators


def market(n, seed):
    table, _ = draw_creators(n, np.random.default_rng(seed))
    table.insert(0, "Influencer_ID", np.arange(n))
    return table
