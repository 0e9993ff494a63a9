"""Seconds by the wall's clock and by the processors', and their percentiles in words."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

__all__ = ["costs", "elapsed", "processor_seconds", "processor_seconds_of", "spread"]


def elapsed(work: Callable[[], object]) -> float:
    """Return the seconds that work takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def costs(
    work: Callable[[], object], processor: Callable[[], float] = time.process_time
) -> tuple[float, float]:
    """Return the seconds that work takes, and those of the processors.

    Parameters
    ----------
    work
        What is done.
    processor
        The processors' seconds so far; without it those of this process.
    """
    before = processor()
    seconds = elapsed(work)
    return seconds, processor() - before


def processor_seconds() -> float:
    """Return the processors' seconds of this process and of those it started that have ended."""
    return sum(os.times()[:4])


def processor_seconds_of(processes: Sequence[int]) -> float:
    """Return the processors' seconds of some processes, those below them, and those that ended."""
    ticks, parents = dict[int, int](), dict[int, int]()
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it ended meanwhile
            fields = path.read_text().rpartition(")")[2].split()
            number = int(path.parent.name)
            parents[number], ticks[number] = int(fields[1]), sum(map(int, fields[11:15]))
    below = set(processes)
    while more := {number for number, parent in parents.items() if parent in below} - below:
        below |= more
    return sum(ticks.get(number, 0) for number in below) / os.sysconf("SC_CLK_TCK")


def spread(seconds: Sequence[float], digits: int = 0) -> str:
    """Return the percentiles of some seconds in words, as milliseconds with so many digits."""
    p50, p95, p99, most = (
        f"{1_000 * value:.{digits}f} ms" for value in np.quantile(seconds, [0.5, 0.95, 0.99, 1.0])
    )
    return f"p50 {p50}, p95 {p95}, p99 {p99}, most {most}"
