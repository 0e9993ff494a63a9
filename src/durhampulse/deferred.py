"""pandas, loaded when it is first used: files are scored without it, and start sooner.

Modules that scoring loads import `pd` from here in place of pandas itself.
"""

from __future__ import annotations

import importlib
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["pandas_hidden", "pd"]

_CHANGING = threading.RLock()


@contextmanager
def pandas_hidden() -> Iterator[None]:
    """Hide pandas within the context until something of `pd` is used, if it is not loaded yet.

    Arrow loads it at the first array of NumPy's, only to see that it is no series, and each time
    that it makes such an array, where it did not find it before.
    """
    with _CHANGING:
        if "pandas" not in sys.modules and _HIDING not in sys.meta_path:
            sys.meta_path.insert(0, _HIDING)
    try:
        yield
    finally:
        with _CHANGING:
            if _HIDING in sys.meta_path:
                sys.meta_path.remove(_HIDING)


def _show_pandas() -> None:
    """Load pandas where it is hidden, and have Arrow look for it again."""
    with _CHANGING:
        if _HIDING in sys.meta_path:
            sys.meta_path.remove(_HIDING)
            import pyarrow as pa

            pa.nulls(0).to_pandas()


class _Hiding:
    """A finder of modules, by which importing pandas fails as where it is not installed."""

    def find_spec(self, name: str, *_: object) -> None:
        """Raise for pandas; other modules are found by others."""
        if name == "pandas":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


_HIDING = _Hiding()


class _Deferred:
    """Stands for pandas, and loads it when something of it is asked for."""

    def __getattr__(self, name: str) -> Any:
        _show_pandas()
        value = getattr(importlib.import_module("pandas"), name)
        setattr(self, name, value)  # this is asked no more
        return value


if not TYPE_CHECKING:
    pd = _Deferred()
