"""A desk served by a process of its own, and the seconds that its pages take over HTTP."""

from __future__ import annotations

import re
import secrets
import subprocess
import sys
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import select

from durhampulse.desk.people.people import Principal, add_person
from durhampulse.desk.people.sessions import SessionLimits, find_session, open_session
from durhampulse.desk.review.decisions import REASONS
from durhampulse.desk.store.tables import person
from durhampulse.desk.web.access import COOKIE
from durhampulse.desk.web.creators import BESIDE
from durhampulse.desk.web.state import Desk

__all__ = ["Visitor", "served", "sign_in"]


def sign_in(desk: Desk, name: str) -> tuple[str, Principal]:
    """Return the cookie of a new session, and the reviewer whose it is, made where missing."""
    limits = SessionLimits(hours=24)
    with desk.store.writing() as db:
        number = db.scalar(select(person.c.id).where(person.c.name == name))
        number = number or add_person(db, name, "reviewer", "benchmark")
        token = open_session(db, number, limits)
        who = find_session(db, token, limits)
    if who is None:
        raise RuntimeError(f"the session of {name} ended as it began")
    return token, who


@dataclass(frozen=True, kw_only=True)
class Visitor:
    """A reviewer who asks a served desk for pages.

    Attributes
    ----------
    address
        Of the desk, without a slash at the end.
    cookie, csrf
        The session's cookie, and the token that its forms carry.
    """

    address: str
    cookie: str
    csrf: str

    def ask(self, path: str, form: dict[str, Any] | None = None, *, after: float = 0.0) -> float:
        """Return the seconds until the answer to a request, or to a form, was read.

        Parameters
        ----------
        after
            Seconds to wait before it is sent.
        """
        time.sleep(after)
        headers = {"cookie": f"{COOKIE}={self.cookie}", **({BESIDE: "1"} if form else {})}
        body = urllib.parse.urlencode(form).encode() if form else None
        request = urllib.request.Request(self.address + path, body, headers)
        start = time.perf_counter()
        with urllib.request.urlopen(request) as answer:
            answer.read()
        return time.perf_counter() - start

    def approve(self, creator: int) -> float:
        """Return the seconds of a decision about a creator, as sent from beside the list."""
        form = {"csrf": self.csrf, "decision": "approve", "reason": REASONS[0], "note": "",
                "request_name": secrets.token_hex(8), "seen": 2**62}  # fmt: skip
        return self.ask(f"/creators/{creator}/decide", form)


@contextmanager
def served(folder: Path, url: str) -> Iterator[tuple[str, float]]:
    """Serve a store; yield the address and the seconds until it was ready."""
    command = [sys.executable, "-m", "durhampulse", "desk", "--port", "0", "--store", url]
    start = time.perf_counter()
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True)
    output = process.stdout
    assert output is not None  # for the type checker: it is a pipe
    lines: list[str] = []
    reader = threading.Thread(target=lambda: lines.extend(iter(output.readline, "")))
    reader.start()
    try:
        while not (match := re.search(r"Desk: (http\S+)/\n", "".join(lines))):
            time.sleep(0.01)
        while not _answers(match[1]):
            time.sleep(0.01)
        yield match[1], time.perf_counter() - start
    finally:
        process.terminate()
        process.wait()
        reader.join()


def _answers(address: str) -> bool:
    try:
        return bool(urllib.request.urlopen(address + "/healthz", timeout=1).read())
    except OSError:
        return False
