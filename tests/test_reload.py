"""A model that is replaced while the service runs."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from types import SimpleNamespace
from unittest.mock import Mock

import pytest

from durhampulse.exceptions import ModelError
from durhampulse.scoring.scorer import load_model
from durhampulse.service.served import ServedModel
from tests.asking import CREATOR
from tests.models import edit


def put(new, folder):
    """Replace a model folder, as an operator would."""
    shutil.copytree(new, folder.with_name("arriving"))
    folder.rename(folder.with_name("old"))
    folder.with_name("arriving").rename(folder)
    shutil.rmtree(folder.with_name("old"))


@contextlib.contextmanager
def serving(model, log):
    """Serve a model by a process of its own; give the address, and end it by SIGTERM."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable,
        "-m",
        "durhampulse",
        "serve",
        "--model",
        str(model),
        "--port",
        str(port),
    ]
    with log.open("wb") as stream:  # a pipe that nobody reads would fill
        process = subprocess.Popen(command, stdout=stream, stderr=subprocess.STDOUT)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(120)
    assert process.returncode == 0
    assert "Application shutdown complete" in log.read_text()


def interval_of(address):
    """Give the interval with which a service answers."""
    request = urllib.request.Request(
        f"{address}/v1/score", json.dumps({"creators": [CREATOR]}).encode()
    )
    request.add_header("content-type", "application/json")
    with urllib.request.urlopen(request, timeout=60) as answer:
        return tuple(json.loads(answer.read())["results"][0]["interval"])


@contextlib.contextmanager
def kept_asking(address):
    """Ask a service again and again; give the intervals it answers with, none of which may fail."""
    seen, failed, stop = [], [], threading.Event()

    def keep_asking():
        while not stop.is_set():
            try:
                seen.append(interval_of(address))
            except OSError as error:
                failed.append(error)

    asking = threading.Thread(target=keep_asking)
    asking.start()
    try:
        yield seen
    finally:
        stop.set()
        asking.join()
    assert failed == []


@pytest.mark.slow
def test_model_reload_drops_no_request(demo_model, tmp_path):
    """A real process: a good model is taken, a damaged one left, and SIGTERM ends it in order."""
    folder, other, log = tmp_path / "model", tmp_path / "other", tmp_path / "log"
    shutil.copytree(demo_model, folder)
    shutil.copytree(demo_model, other)
    edit(other, interval={"below": 0.0, "above": 0.0, "rise": 0.0, "empties": {}})
    with serving(folder, log) as address:
        wait_until(lambda: interval_of(address))
        with kept_asking(address) as seen:
            wait_until(lambda: len(seen) > 20)
            put(other, folder)
            wait_until(lambda: seen[-1][0] == seen[-1][1])
            (other / "weights.safetensors").write_bytes(b"broken")
            put(other, folder)
            wait_until(lambda: "The new model is not used" in log.read_text())
            answered = len(seen)
            wait_until(lambda: len(seen) > answered + 20)
        assert seen[-1][0] == seen[-1][1]
    assert len(set(seen)) == 2
    assert "Serving model" in log.read_text()
    assert "Traceback" not in log.read_text()


FAULTS = [OSError("damaged"), RecursionError(), MemoryError(), ModelError("x", "y")]


@pytest.mark.parametrize("fault", FAULTS)
def test_model_watcher_survives_faulty_folder(fault, demo_model, tmp_path, monkeypatch, caplog):
    """The log shows where a fault came from that is none of the folder's."""
    folder, reloads, looks = tmp_path / "model", [], []
    shutil.copytree(demo_model, folder)
    served = ServedModel(folder, reloads.append, lambda: looks.append(served.current))
    first = served.current
    put(demo_model, folder)
    with monkeypatch.context() as patch:
        patch.setattr("durhampulse.service.served.load_model", raising(fault))
        asyncio.run(served.refresh())
    assert (served.current, reloads, looks) == (first, [False], [])
    (line,) = caplog.records
    assert bool(line.exc_info) is not isinstance(fault, ModelError)
    asyncio.run(served.refresh())
    assert (served.current is first, reloads) == (False, [False, True])
    asyncio.run(served.refresh())
    assert looks == [served.current] * 2


def test_broken_folder_is_not_loaded_at_every_look(demo_model, tmp_path, monkeypatch):
    """A minute of looks loads it a few times; a file that arrives has it loaded at once."""
    folder, clock, loads = tmp_path / "model", [1000.0], Mock(wraps=load_model)
    shutil.copytree(demo_model, folder)
    served = ServedModel(folder)
    first = served.current
    watch = SimpleNamespace(monotonic=lambda: clock[0])
    monkeypatch.setattr("durhampulse.service.served.time", watch, raising=False)
    monkeypatch.setattr("durhampulse.service.served.load_model", loads)
    put(demo_model, folder)
    weights = folder / "weights.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-1])
    for _ in range(60):
        asyncio.run(served.refresh())
        clock[0] += 1
    assert served.current is first
    assert 2 <= loads.call_count <= 10
    weights.write_bytes(whole)
    asyncio.run(served.refresh())
    assert served.current is not first


def test_model_watcher_survives_whoever_it_tells(demo_model, tmp_path, caplog):
    """Such as a file of figures on a full disk, which is said once."""
    folder, looks = tmp_path / "model", []
    shutil.copytree(demo_model, folder)

    def fail():
        looks.append(len(looks))
        raise OSError("No space left on device")

    served = ServedModel(folder, looked=fail)

    async def watched():
        task = asyncio.create_task(served.watch(every=0.001))
        while len(looks) < 3 and not task.done():
            await asyncio.sleep(0.001)
        task.cancel()

    asyncio.run(asyncio.wait_for(watched(), 30))
    assert len(looks) >= 3
    assert [record.message for record in caplog.records] == ["The look for another model failed"]


def raising(fault):
    def _raise(_folder, **_):
        raise fault

    return _raise


def wait_until(condition, seconds=180):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if condition():
                return
        except OSError:
            pass
        time.sleep(0.1)
    raise TimeoutError
