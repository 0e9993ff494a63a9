"""Lines of the log as a program reads them."""

from __future__ import annotations

import contextlib
import io
import json
import logging

from durhampulse.service.logs import JsonLines


@contextlib.contextmanager
def log_lines():
    """Give a function to the objects that were logged since."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    logger = logging.getLogger("durhampulse")
    level = logger.level
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    try:
        yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
