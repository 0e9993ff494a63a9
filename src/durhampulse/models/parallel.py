"""Independent trainings side by side, on all cores."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

__all__ = ["side_by_side"]

Given = TypeVar("Given")
Made = TypeVar("Made")


def side_by_side(act: Callable[[Given], Made], each: Sequence[Given]) -> list[Made]:
    """Return what is made of each, in order, by a thread for each core.

    The first is made alone: what it compiles serves the others. Each must hang on its own seed
    alone, and JAX leaves other threads their time; CatBoost takes all cores by itself.

    Examples
    --------
    >>> side_by_side(abs, [-3, 2, -1])
    [3, 2, 1]
    """
    first = [act(given) for given in each[:1]]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return [*first, *pool.map(act, each[1:])]
