"""The state that every request of the desk works with."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from fastapi import Request
from sqlalchemy import Connection, select

from durhampulse.desk.campaigns.trade import Frontiers
from durhampulse.desk.imports.worker import Worker
from durhampulse.desk.models.catalogue import Catalogue
from durhampulse.desk.models.rules import Rules
from durhampulse.desk.outcomes.pipeline import count_creators
from durhampulse.desk.outcomes.watching import BrokenBands
from durhampulse.desk.people.people import Principal, find_key
from durhampulse.desk.people.provider import Provider
from durhampulse.desk.people.sessions import SessionLimits
from durhampulse.desk.people.sign_in import SignIn
from durhampulse.desk.people.uses import LastUse
from durhampulse.desk.review.queue import QueueCounts, queue_counts
from durhampulse.desk.review.worth import Remaining, enough_deals, remaining
from durhampulse.desk.shortlist.reasons import TopReasons
from durhampulse.desk.store.database import AWAY, Store
from durhampulse.desk.store.pace import Sparing
from durhampulse.desk.store.space import is_writable, shortage_of
from durhampulse.desk.store.tables import setting
from durhampulse.desk.web.exposure import Exposure
from durhampulse.service.keys import SCOPES, Key
from durhampulse.service.served import Served, serve_scorer

__all__ = ["ActiveModel", "Desk", "StoreKeys", "desk_of"]

_log = logging.getLogger("durhampulse")


_FEW = 20_000
"""Up to so many creators are counted for each page."""


def _few_waiting() -> Sparing[QueueCounts]:
    return Sparing(lambda counts: sum(counts) <= _FEW)


def _few_remaining() -> Sparing[Remaining]:
    return Sparing(lambda left: left.creators <= _FEW)


def _few_listed() -> Sparing[int]:
    return Sparing(lambda creators: creators <= _FEW)


@dataclass(frozen=True, kw_only=True)
class Desk:
    """An open desk.

    Attributes
    ----------
    store, catalogue
        The store, and its models.
    worker
        Checks uploads and puts them in place.
    folder
        Where uploads lie until they are in place.
    top_reasons
        Cache of the strongest reasons.
    broken_bands
        Cache of the bands that do not hold here.
    frontiers
        Cache of what other budgets would bring.
    queue_counts, worthwhile, listed
        Caches of how many creators wait for reviewers, of what more reviews could change, and of
        how many there are.
    sign_in
        Sign-ins, one at a time.
    last_use
        When sessions and keys were last used.
    exposure
        How the desk is reached.
    provider
        By whom people may sign in, beside their passwords or in place of them.
    """

    store: Store
    catalogue: Catalogue
    worker: Worker
    folder: Path
    top_reasons: TopReasons = field(default_factory=TopReasons)
    broken_bands: BrokenBands = field(default_factory=BrokenBands)
    frontiers: Frontiers = field(default_factory=Frontiers)
    queue_counts: Sparing[QueueCounts] = field(default_factory=_few_waiting)
    worthwhile: Sparing[Remaining] = field(default_factory=_few_remaining)
    listed: Sparing[int] = field(default_factory=_few_listed)
    sign_in: SignIn = field(default_factory=SignIn)
    last_use: LastUse = field(default_factory=LastUse)
    exposure: Exposure = field(default_factory=Exposure)
    provider: Provider | None = None

    def problem(self) -> str:
        """Return why requests should not be sent here; empty where they should."""
        try:
            with self.store.reading() as db:
                db.execute(select(setting.c.name).limit(1))
        except AWAY as error:
            return shortage_of(error) or "The store does not answer."
        folder = self.folder if self.folder.is_dir() else self.folder.parent
        return "" if is_writable(folder) else "The disk is full."

    def waiting(self, db: Connection, rules: Rules) -> QueueCounts:
        """Return the counts of the queue that all reviewers share."""
        key = (rules.version, rules.thresholds)
        return self.queue_counts.of(key, lambda: queue_counts(db, rules))

    def in_list(self, db: Connection) -> int:
        """Return how many creators the list has."""
        return self.listed.of((), lambda: count_creators(db))

    def remaining(self, db: Connection, rules: Rules, unseen: Collection[int]) -> Remaining:
        """Return what further reviews could change, without those judged without the number.

        In a long list they are not told from the others.
        """
        key = (rules.version, rules.thresholds, enough_deals(db))
        left = self.worthwhile.of(key, lambda: remaining(db, rules))
        return remaining(db, rules, unseen) if unseen and left.creators <= _FEW else left

    @property
    def limits(self) -> SessionLimits:
        """When sessions end."""
        return self.sign_in.limits


def desk_of(request: Request) -> Desk:
    """Return the desk that answers a request."""
    desk: Desk = request.app.state.desk
    return desk


class StoreKeys:
    """The store's API keys, as the scorer's routes ask for them."""

    def __init__(self, store: Store, uses: LastUse) -> None:
        self._store, self._uses = store, uses

    async def find(self, token: str) -> Key | None:
        """Return the key that was presented; none if it is not known."""
        who = await asyncio.to_thread(self._look_up, token)  # off the event loop
        if who is None:
            return None
        scopes = SCOPES if who.may("admin") else tuple(s for s in SCOPES if s != "metrics")
        return Key(name=who.name, sha256="", scopes=scopes, created="")

    def _look_up(self, token: str) -> Principal | None:
        with self._store.reading() as db:
            return find_key(db, token, self._uses)


class ActiveModel:
    """The active model, as the scorer's routes ask for it; followed once a second."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._rules = catalogue.current()
        self.current: Served = serve_scorer(self._rules.scorer)
        self._failed: type[Exception] | None = None

    async def watch(self) -> None:
        """Follow the active model; cancelled to stop."""
        while True:
            await asyncio.sleep(1.0)
            await self.refresh()

    async def refresh(self) -> None:
        """Serve the active model, if that is another one by now."""
        try:
            await asyncio.to_thread(self._refresh)
        except Exception as error:  # noqa: BLE001 - logged, once; tried again a second later
            if type(error) is not self._failed:
                _log.warning("The active model is not followed: %s", type(error).__name__,
                             exc_info=not isinstance(error, AWAY))  # fmt: skip
            self._failed = type(error)
        else:
            self._failed = None

    def _refresh(self) -> None:
        rules = self._catalogue.current()
        if rules is not self._rules:
            self._rules, self.current = rules, serve_scorer(rules.scorer)
