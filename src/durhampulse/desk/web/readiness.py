"""What the first requests would wait for, done before the desk says that it is ready."""

from __future__ import annotations

import gc
import logging

from fastapi import FastAPI, Request

from durhampulse.desk.people.people import Principal
from durhampulse.desk.store.counting import has_few
from durhampulse.desk.store.database import AWAY
from durhampulse.desk.web import listing
from durhampulse.desk.web.rendering import compile_templates
from durhampulse.desk.web.state import Desk

__all__ = ["make_ready"]

_log = logging.getLogger("durhampulse")
_NOBODY = Principal(0, "", "reviewer")


def make_ready(app: FastAPI, desk: Desk) -> None:
    """Compile the templates, and answer the first page of a long list, which nobody sees.

    That reads the page's creators and their reasons, compiles its statements and fills the caches
    of two connections of the store. Where it fails the desk is served all the same, and a page
    that fails says so itself.
    """
    try:
        compile_templates()
        with desk.store.reading() as db:
            is_long = not has_few(db)
            if is_long:
                _answer_shortlist(app, desk)  # by another connection, as this one is in use
        if is_long:
            _answer_shortlist(app, desk)
    except AWAY as error:
        _log.warning("No page was made ahead: %s", error.__cause__ or error)
    except Exception:  # noqa: BLE001 - logged
        _log.exception("No page could be made ahead.")
    gc.collect()
    gc.freeze()  # templates and statements stay: looking through them again stalls requests


def _answer_shortlist(app: FastAPI, desk: Desk) -> None:
    scope = {"type": "http", "method": "GET", "path": "/shortlist", "query_string": b"",
             "headers": [], "app": app}  # fmt: skip
    listing.show(Request(scope), desk, _NOBODY)
