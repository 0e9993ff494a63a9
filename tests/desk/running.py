"""Desks that run as processes of their own."""

from __future__ import annotations

import contextlib
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

PASSWORD = "a long enough password"
SECRETS = {PASSWORD}
"""What no log of a desk may hold."""
PATIENCE = 60_000  # milliseconds; a busy machine is no fault of the page


@contextlib.contextmanager
def running_desk(folder, *options):
    """Serve a desk from a folder; give its address and the one-time link."""
    program = Path(sys.executable).with_name("durhampulse")
    log = folder / "desk.log"
    with log.open("wb") as stream:
        process = subprocess.Popen([program, "desk", "--port", "0", *options], cwd=folder,
                                   stdout=stream, stderr=subprocess.STDOUT)  # fmt: skip
    try:
        address = wait_for(lambda: re.search(r"Desk: (http\S+)/\n", log.read_text()))[1]
        wait_for(lambda: answers(address))
        link = re.search(r"half an hour: (http\S+)\n", log.read_text())
        yield address, link and link[1], process
    finally:
        process.terminate()
        process.wait(PATIENCE / 1000)
    assert process.returncode == -9 or "Traceback" not in log.read_text()
    assert process.returncode in (0, -9)  # a signal to end ends it orderly
    assert not any(secret in log.read_text() for secret in SECRETS)


def answers(address):
    try:
        with urllib.request.urlopen(address + "/healthz", timeout=2) as answer:
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False


def wait_for(condition, seconds=180):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if result := condition():
            return result
        time.sleep(0.05)
    raise TimeoutError
