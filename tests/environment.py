"""The environment of programs that tests start."""

from __future__ import annotations

import os


def without(*beginnings):
    """Return the variables of this process but for those whose names begin so."""
    return {name: cell for name, cell in os.environ.items() if not name.startswith(beginnings)}


def without_checkout():
    """Return the variables of this process but for those that lead to the checkout."""
    return without("PYTHONPATH", "VIRTUAL_ENV", "COVERAGE")
