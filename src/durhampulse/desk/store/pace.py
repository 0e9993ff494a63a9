"""The pace of work on many rows: steps so short that whoever else writes hardly waits."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["Pace"]

_SECONDS = 0.1
_PAUSE = 0.25  # of a step's time: others write then
_FIRST, _LEAST, _MOST = 2_000, 2_000, 20_000


class Pace:
    """The number of rows of a step, from how long the steps before took.

    Attributes
    ----------
    size
        Of the next step.
    """

    def __init__(self) -> None:
        self.size = _FIRST
        self._took = 0.0

    @contextmanager
    def step(self) -> Iterator[int]:
        """Take a step of the size that is given; the next takes about a tenth of a second."""
        start = time.monotonic()
        yield self.size
        self._took = time.monotonic() - start
        wanted = self.size * min(2.0, max(0.5, _SECONDS / max(self._took, 1e-3)))
        self.size = min(max(int(wanted), _LEAST), _MOST)

    def pause(self) -> None:
        """Let others write."""
        time.sleep(_PAUSE * self._took)
