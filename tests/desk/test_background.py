"""Threads in which a desk works beside its requests: one of each, and none once it has ended."""

from __future__ import annotations

import asyncio
import threading

import pytest

from durhampulse.desk.hooks.sender import Sender
from durhampulse.desk.imports.worker import Worker


def running(name):
    return [thread for thread in threading.enumerate() if thread.name == name]


def started_twice(thread, name):
    """Start a thread while it runs and while it ends; give how many run after each."""
    try:
        thread.start()
        thread.start()
        yield len(running(name))
        thread._stop.set()  # as long as it waits for work it does not notice
        thread.start()
        yield len(running(name))
    finally:
        thread.stop()
    yield len(running(name))


def test_worker_started_again_is_one_thread(filled, catalogue):
    assert [*started_twice(Worker(filled, catalogue), "uploads")] == [1, 1, 0]


def test_sender_started_again_is_one_thread(filled):
    assert [*started_twice(Sender(filled), "webhooks")] == [1, 1, 0]


def test_threads_end_where_serving_fails(app):
    async def serve():
        async with app.router.lifespan_context(app):
            assert (len(running("uploads")), len(running("webhooks"))) == (1, 1)
            raise OSError("no more connections")

    with pytest.raises(OSError, match="no more connections"):
        asyncio.run(serve())
    assert running("uploads") + running("webhooks") == []
