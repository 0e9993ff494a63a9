"""Moments without a request, in which work begins that nobody waits for."""

from __future__ import annotations

import time
from collections.abc import Callable

__all__ = ["Quiet"]

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

    def patience(self, is_wanted: Callable[[], object] = lambda: True) -> Callable[[], None]:
        """Return what waits until nobody has asked for 0.3 seconds; for 1 second in all its calls.

        Parameters
        ----------
        is_wanted
            Whether what waits is still to be done.
        """
        waited = 0.0

        def wait() -> None:
            nonlocal waited
            while waited < _MOST_WAITED and is_wanted() and time.monotonic() < self._asked + _QUIET:
                time.sleep(_GLANCE)
                waited += _GLANCE

        return wait
