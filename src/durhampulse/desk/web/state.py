"""The state that every request of the desk works with."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from fastapi import Request
from sqlalchemy import Connection, select

from durhampulse.desk.campaigns.campaigns import usual_currency
from durhampulse.desk.campaigns.trade import Frontiers
from durhampulse.desk.imports.undoing import UndoneImport, is_large, preview_undo, undoable_act
from durhampulse.desk.imports.worker import Worker
from durhampulse.desk.models.catalogue import Catalogue
from durhampulse.desk.models.rules import Rules
from durhampulse.desk.outcomes.pipeline import Pipeline, pipeline
from durhampulse.desk.outcomes.recording import override_table
from durhampulse.desk.outcomes.watching import WatchedBands, count_bands
from durhampulse.desk.people.people import Principal, find_key
from durhampulse.desk.people.provider import Provider
from durhampulse.desk.people.sessions import SessionLimits
from durhampulse.desk.people.sign_in import SignIn
from durhampulse.desk.people.uses import LastUse
from durhampulse.desk.review.queue import queue_counts, queue_counts_of
from durhampulse.desk.review.worth import Remaining, enough_deals, remaining
from durhampulse.desk.shortlist.facets import count_cells, rest_of
from durhampulse.desk.shortlist.members import warm_marks
from durhampulse.desk.shortlist.pages import Totals, histogram, page, totals
from durhampulse.desk.shortlist.reasons import TopReasons
from durhampulse.desk.shortlist.view import View
from durhampulse.desk.store.counting import Counting, Kept, has_few
from durhampulse.desk.store.database import AWAY, Store
from durhampulse.desk.store.quiet import Patience
from durhampulse.desk.store.space import is_writable, shortage_of
from durhampulse.desk.store.tables import setting
from durhampulse.desk.web.exposure import Exposure
from durhampulse.service.keys import SCOPES, Key
from durhampulse.service.served import Served, serve_scorer

__all__ = ["ActiveModel", "Desk", "StoreKeys", "desk_of"]

_log = logging.getLogger("durhampulse")


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
    watched
        Cache of the bands that are watched.
    frontiers
        Cache of what other budgets would bring.
    counting
        Counts of a long list.
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
    watched: WatchedBands = field(default_factory=WatchedBands)
    frontiers: Frontiers = field(default_factory=Frontiers)
    counting: Counting = field(default_factory=Counting)
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

    def warm_lists(self, seconds: float = math.inf) -> None:
        """Read ahead long lists, made by hand or imported, and their first pages with reasons.

        Parameters
        ----------
        seconds
            After how many no further list is begun.
        """
        end = time.monotonic() + seconds
        try:
            for name in warm_marks(self.store):
                Patience(self.counting.quiet).wait()
                with self.store.reading() as db:
                    rules = self.catalogue.current(db)
                    self.top_reasons.of(rules, page(db, View(listed=name), rules).rows)
                if time.monotonic() > end:
                    return
        except AWAY as error:
            _log.warning("No list was read ahead: %s", error.__cause__ or error)

    def cells(self, db: Connection, view: View, rules: Rules) -> Kept | None:
        """Return what the counts beside a view's filters are added up from."""
        plain = replace(rest_of(view), sort="probability", descending=True, column=())
        kept = self._last(db, "cells", rules, plain, lambda db: count_cells(db, plain, rules))
        return kept and replace(kept, value=[(tuple(choices), n) for choices, n in kept.value])

    def totals(self, db: Connection, view: View, rules: Rules) -> Kept | None:
        """Return what a view comes to."""
        plain = replace(view, sort="probability", descending=True, column=())
        kept = self._last(db, "totals", rules, plain, lambda db: asdict(totals(db, plain, rules)))
        return kept and replace(kept, value=Totals(**kept.value))

    def histogram(self, db: Connection, view: View, rules: Rules) -> Kept | None:
        """Return creators and probabilities of a view by hundredths of probability."""
        return self._last(db, "histogram", rules, view, lambda db: (
            histogram(db, view, rules)[["creators", "expected"]].round(3).to_numpy().tolist()
        ))  # fmt: skip

    def waiting(self, db: Connection, rules: Rules) -> Kept | None:
        """Return the counts of the queue that all reviewers share."""
        if has_few(db):
            return Kept(queue_counts(db, rules), None)
        kept = self.cells(db, View(), rules)
        return kept and replace(kept, value=queue_counts_of(kept.value))

    def pipeline(self, db: Connection, rules: Rules, days: int | None) -> Kept | None:
        """Return how creators came along, in the last so many days or ever."""
        kept = self._last(db, "pipeline", rules, days, lambda db: asdict(pipeline(db, days)))
        return kept and replace(kept, value=Pipeline.of(kept.value))

    def bands(self, db: Connection, rules: Rules) -> Kept | None:
        """Return how many of the list each band has, and their mean probability."""
        return self._last(db, "bands", rules, None, lambda db: count_bands(db, rules))

    def overrides(self, db: Connection, rules: Rules) -> Kept | None:
        """Return how often people decided against the model, as rows of a table."""
        return self._last(
            db, "overrides", rules, None, lambda db: override_table(db).to_dict("records")
        )

    def undo_of(self, db: Connection, rules: Rules, upload_id: int, by: str) -> Kept | None:
        """Return what the undo of an import by somebody would do; of a small one as of now.

        Raises
        ------
        InputError
            If it cannot be undone any more, with the reason.
        """
        done = undoable_act(db, upload_id)
        if not is_large(done):
            return Kept(preview_undo(db, upload_id, by), None)
        kept = self._last(db, "undo", rules, (done.id, done.detail, by), lambda db: (
            asdict(preview_undo(db, upload_id, by))
        ))  # fmt: skip
        return kept and replace(kept, value=UndoneImport(**kept.value))

    def usual_currency(self, db: Connection, rules: Rules) -> str:
        """Return the currency of most fees; empty where none has one, or none was counted yet."""
        kept = self._last(db, "currency", rules, None, usual_currency)
        return kept.value if kept else ""

    def remaining(self, db: Connection, rules: Rules, unseen: Collection[int]) -> Kept | None:
        """Return what further reviews could change, without those judged without the number.

        In a long list they are not told from the others.
        """
        if has_few(db):
            return Kept(remaining(db, rules, unseen), None)
        about = enough_deals(db)
        kept = self._last(db, "worth", rules, about, lambda db: asdict(remaining(db, rules)))
        return kept and replace(kept, value=Remaining(**kept.value))

    def _last(
        self,
        db: Connection,
        what: str,
        rules: Rules,
        about: Any,
        count: Callable[[Connection], Any],
    ) -> Kept | None:
        key = repr((what, rules.version, rules.thresholds, about))
        return self.counting.last(self.store, db, key, count)

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
