"""The model being served, and its replacement while requests go on."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from durhampulse.creators.records import RecordReader
from durhampulse.exceptions import ModelError
from durhampulse.files.cage import Cage
from durhampulse.scoring.scorer import Scorer, load_model
from durhampulse.service.filestate import FileState, file_state

__all__ = ["Served", "ServedModel", "Source", "serve_scorer"]

_log = logging.getLogger("durhampulse")
_LONGEST_WAIT = 60.0
"""Seconds between two tries of a folder that stays as it is."""


@dataclass(frozen=True)
class Served:
    """A loaded model with all that a request needs.

    Attributes
    ----------
    scorer, reader
        The model, and the reader of its records.
    version
        The first digits of the SHA-256 of its weights.
    """

    scorer: Scorer
    reader: RecordReader
    version: str


class Source(Protocol):
    """Whatever says which model is served."""

    @property
    def current(self) -> Served:
        """The model now."""
        ...

    async def watch(self) -> None:
        """Follow its replacement; cancelled to stop."""
        ...


class ServedModel:
    """Holds the model of a folder and follows what is put in its place.

    A request takes :attr:`current` once and works with it to its end, so replacing a model drops
    nothing. A folder that cannot be loaded is logged and the old model stays; it is tried again
    once a file of it changes, and after longer and longer, since a disk may have failed.

    Parameters
    ----------
    folder
        A model folder. To replace it, move another folder into its place.
    reloaded
        Called with whether a replacement could be loaded.
    looked
        Called whenever the folder is seen to hold the model that is served.
    """

    def __init__(
        self,
        folder: Path,
        reloaded: Callable[[bool], object] = lambda _good: None,
        looked: Callable[[], object] = lambda: None,
    ) -> None:
        self._folder, self._manifest = folder, folder / "manifest.json"
        self._reloaded, self._looked = reloaded, looked
        self._seen = file_state(self._manifest)
        self._refused: Sequence[FileState | None] = ()
        self._wait = self._again_at = 0.0
        self.current = _load(folder)

    async def watch(self, every: float = 1.0) -> None:
        """Look for another model again and again; cancel to stop.

        Whoever is told of it may fail, as where figures are kept on a full disk: that is logged
        once, and looking goes on.
        """
        failed: type[Exception] | None = None
        while True:
            await asyncio.sleep(every)
            try:
                await self.refresh()
                failed = None
            except Exception as error:  # noqa: BLE001 - logged, once; tried again
                if type(error) is not failed:
                    _log.warning("The look for another model failed", exc_info=True)
                failed = type(error)

    async def refresh(self) -> None:
        """Load the folder anew if it has changed."""
        now = file_state(self._manifest)
        if now is None:
            return
        if now == self._seen:
            self._looked()
            return
        files = [file_state(path) for path in sorted(self._folder.glob("*"))]
        if files != self._refused:
            self._wait = self._again_at = 0.0
        if time.monotonic() < self._again_at:
            return
        try:
            self.current = await asyncio.to_thread(_load, self._folder)
        except Exception as error:  # noqa: BLE001 - whatever a folder holds, watching goes on
            if now not in self._refused:  # its other files may still be arriving
                _log.warning("The new model is not used: %s", str(error) or type(error).__name__,
                             exc_info=not isinstance(error, ModelError))  # fmt: skip
                self._reloaded(False)
            self._refused = files
            self._again_at = time.monotonic() + self._wait
            self._wait = min(2 * self._wait + 1, _LONGEST_WAIT)
        else:
            self._seen = now
            self._looked()
            _log.info("Serving model %s", self.current.version)
            self._reloaded(True)


def _load(folder: Path) -> Served:
    with Cage() as cage:
        return serve_scorer(load_model(folder, cage=cage))


def serve_scorer(scorer: Scorer) -> Served:
    """Return a loaded model ready for requests."""
    return Served(scorer, RecordReader(scorer.rules), scorer.model.version)
