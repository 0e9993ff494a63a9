"""Work of a request in a thread, which ends when nobody waits for it any more."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from fastapi import Request
from starlette.exceptions import HTTPException

__all__ = ["Stopped", "in_thread", "measured"]

Result = TypeVar("Result")

_CLIENT_GONE = 499
"""nginx's status for a client that closed the connection; nobody reads it."""


class Stopped(Exception):  # noqa: N818 - no error: what was asked for is not wanted any more
    """Work was stopped before its end."""


async def in_thread(request: Request, work: Callable[[threading.Event], Result]) -> Result:
    """Return what a thread makes of a request.

    The thread is told to stop when the client goes, and when this is cancelled, as it is when the
    request's time is up. A thread cannot be interrupted: it looks between two parts of its work.

    Parameters
    ----------
    request
        Whose body was read.
    work
        Called with what is set when it should raise :class:`Stopped`.

    Raises
    ------
    HTTPException
        If the client went first.
    """
    stop = threading.Event()
    job = asyncio.ensure_future(asyncio.to_thread(_quietly, work, stop))
    gone = asyncio.ensure_future(_gone(request))
    try:
        await asyncio.wait({job, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not job.done():
            raise HTTPException(_CLIENT_GONE, "The client went.")
        result, error = job.result()
    finally:
        stop.set()
        gone.cancel()
    if error is not None:
        raise error
    return result  # type: ignore[return-value]


def _quietly(
    work: Callable[[threading.Event], Result], stop: threading.Event
) -> tuple[Result | None, Exception | None]:
    """Return a result or an error: one that nobody waits for is not an event of the loop's log."""
    try:
        return work(stop), None
    except Exception as error:  # noqa: BLE001 - raised where it is waited for
        return None, error


async def _gone(request: Request) -> None:
    """Return when the client has closed the connection."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def measured(work: Callable[[], Result], spend: Callable[[float], object]) -> Result:
    """Return what work gives, and pass on the processor time that this thread took for it."""
    start = time.thread_time()
    try:
        return work()
    finally:
        spend(time.thread_time() - start)
