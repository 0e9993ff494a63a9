"""A curve of straight pieces is numpy's own interpolation, bit by bit."""

from __future__ import annotations

import numpy as np
import pytest

from durhampulse.features.curve import Curve


@pytest.mark.parametrize("n_knots", [2, 7, 300])
def test_a_curve_is_what_numpy_interpolates(n_knots):
    rng = np.random.default_rng(n_knots)
    knots, heights = np.sort(rng.normal(10, 2, n_knots)), rng.normal(size=n_knots)
    values = np.concatenate([rng.normal(10, 4, 20_000), knots, [np.nan, 0.0, -1e9, 1e9]])
    curve = Curve.through(knots, heights)
    assert curve.heights_at(values).tobytes() == np.interp(values, knots, heights).tobytes()
    assert curve.heights_at(values[:0]).shape == (0,)
