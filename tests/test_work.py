"""Work of a request in a thread: it ends when nobody waits for it any more."""

from __future__ import annotations

import asyncio
import threading

import pytest
from starlette.exceptions import HTTPException

from durhampulse.service.work import Stopped, in_thread


class Asked:
    """A request whose client stays, or goes after a while."""

    def __init__(self, goes_after=None):
        self.goes_after = goes_after

    async def receive(self):
        await asyncio.sleep(60 if self.goes_after is None else self.goes_after)
        return {"type": "http.disconnect"}


def waiting(ended):
    def _work(stop):
        assert stop.wait(60)
        ended.set()
        raise Stopped

    return _work


def test_result_and_error_of_a_thread_come_back():
    assert asyncio.run(in_thread(Asked(), lambda stop: stop.is_set())) is False
    with pytest.raises(KeyError):
        asyncio.run(in_thread(Asked(), lambda _stop: {}["missing"]))


def test_nothing_waits_for_the_client_once_work_is_done():
    async def work_and_leave():
        await in_thread(Asked(), lambda _stop: None)
        others = asyncio.all_tasks() - {asyncio.current_task()}
        return not others or not (await asyncio.wait(others, timeout=5))[1]

    assert asyncio.run(work_and_leave())


def test_thread_stops_when_the_client_goes():
    ended = threading.Event()
    with pytest.raises(HTTPException):
        asyncio.run(in_thread(Asked(0.01), waiting(ended)))
    assert ended.wait(60)


def test_thread_stops_when_time_is_up():
    ended = threading.Event()
    with pytest.raises(TimeoutError):
        asyncio.run(asyncio.wait_for(in_thread(Asked(), waiting(ended)), 0.05))
    assert ended.wait(60)
