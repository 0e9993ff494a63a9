"""The change of model that was asked for last, as every process of a desk shows it."""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from durhampulse.desk.store import clock
from durhampulse.files.export import is_running

__all__ = ["Activation", "Board"]

_NEWS = timedelta(minutes=10)


@dataclass(kw_only=True)
class Activation:
    """The activation of a model.

    Attributes
    ----------
    version, by
        Which, and who wants it.
    process
        Number of the process that does it.
    share
        Of the creators scored so far, 0 to 1.
    creators
        Number scored; none until the model is active.
    problem
        Why it failed.
    only_previews
        Whether the model is to be previewed and not to take over.
    ended_at
        When it came to its end; none before.
    """

    version: str
    by: str
    process: int = 0
    share: float = 0.0
    creators: int | None = None
    problem: str = ""
    only_previews: bool = False
    ended_at: datetime | None = None

    @property
    def is_news(self) -> bool:
        """Whether it came to its end a short while ago."""
        return self.ended_at is not None and clock.now() - self.ended_at < _NEWS

    @property
    def under_way(self) -> bool:
        """Whether it is neither done nor given up."""
        return self.creators is None and not self.problem


class Board:
    """Where the processes of a desk put the latest activation.

    Parameters
    ----------
    folder
        One that they share; without one a process knows its own alone.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._path = folder and folder / "activation.json"
        self._own: Activation | None = None

    def put(self, activation: Activation) -> None:
        """Show an activation of this process, as it is now, to all."""
        self._own = activation
        if self._path is None:
            return
        plain = asdict(activation) | {
            "ended_at": activation.ended_at and activation.ended_at.isoformat()
        }
        new = self._path.with_suffix(f".{os.getpid()}")
        with suppress(OSError):  # a full disk hides the progress, and ends no activation
            new.write_text(json.dumps(plain), encoding="utf-8")
            new.replace(self._path)

    def latest(self) -> Activation | None:
        """Return a copy of the latest; none where its process was killed, which changed nothing."""
        other = self._read()
        if other is None or other.process == os.getpid():
            return self._own and replace(self._own)
        lives = sys.platform == "win32" or is_running(other.process)  # asking would end it there
        return other if lives or not other.under_way else None

    def _read(self) -> Activation | None:
        if self._path is None:
            return None
        try:
            plain = json.loads(self._path.read_text(encoding="utf-8"))
        except OSError:  # nobody has asked for one
            return None
        ended_at = plain["ended_at"] and datetime.fromisoformat(plain["ended_at"])
        return Activation(**plain | {"ended_at": ended_at})
