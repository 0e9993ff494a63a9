"""Moments without a request, in which work goes on that nobody waits for."""

from __future__ import annotations

import time
from collections.abc import Callable

__all__ = ["Patience", "Quiet"]

_QUIET, _MOST_WAITED = 0.3, 1.0
_GLANCE = 0.05


class Quiet:
    """When a desk was last asked for a page.

    With two cores a page of a million creators takes up to half as long again while counts of
    them are made.
    """

    def __init__(self) -> None:
        self._asked = -_QUIET

    def asked(self) -> None:
        """Take down that somebody asks for a page now."""
        self._asked = time.monotonic()

    def has_come(self) -> bool:
        """Whether nobody has asked for 0.3 seconds."""
        return time.monotonic() >= self._asked + _QUIET


class Patience:
    """What a piece of work still waits for pages: a second in all.

    Parameters
    ----------
    quiet
        What it waits for.

    Attributes
    ----------
    waited
        Seconds so far.
    """

    def __init__(self, quiet: Quiet) -> None:
        self.waited = 0.0
        self._quiet = quiet

    def wait(self, is_wanted: Callable[[], object] = lambda: True) -> None:
        """Wait until it is quiet, the second is over, or the work is not wanted any more."""
        while self.waited < _MOST_WAITED and is_wanted() and not self._quiet.has_come():
            time.sleep(_GLANCE)
            self.waited += _GLANCE
