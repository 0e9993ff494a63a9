"""A thread that looks for work outlives its errors, and does not fill the log with them."""

from __future__ import annotations

import logging
import threading

import pytest
from sqlalchemy.exc import InterfaceError, OperationalError

from durhampulse.desk.store.polling import poll

AWAY_ONCE = OperationalError("SELECT 1", {}, OSError("connection refused"))
AWAY_ONCE.__cause__ = AWAY_ONCE.orig  # as `raise ... from` sets it in SQLAlchemy
AWAY_OTHERWISE = InterfaceError("SELECT 1", {}, OSError("connection closed"))


def rounds(*outcomes: object) -> tuple[int, int]:
    """Poll for work with these outcomes, then stop; return how often it worked and waited."""
    stop, left, waits = threading.Event(), list(outcomes), []

    def work() -> object:
        outcome = left.pop(0)
        if not left:
            stop.set()
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    poll(work, lambda: waits.append(1), stop)
    return len(outcomes) - len(left), len(waits)


def test_each_outage_is_logged_once_and_its_end(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "durhampulse"):
        done = rounds(*[AWAY_ONCE] * 50, AWAY_OTHERWISE, True, True, AWAY_ONCE, AWAY_ONCE)

    assert done == (55, 53)  # no wait after a round that found work
    lines = [record.getMessage().partition(": ")[2] for record in caplog.records]
    assert lines == [
        "the store does not answer: connection refused",
        "it goes on.",
        "the store does not answer: connection refused",
    ]


def test_an_error_of_another_kind_is_logged_with_its_trace(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING, "durhampulse"):
        assert rounds(AWAY_ONCE, ValueError("no such column"), KeyError("niche"), 0) == (4, 4)

    kinds = [type(record.exc_info[1]) for record in caplog.records if record.exc_info]
    assert kinds == [ValueError, KeyError]
