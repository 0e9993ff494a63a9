"""A desk of several processes that share an address and a store."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
from dataclasses import replace
from types import SimpleNamespace
from unittest.mock import Mock

import httpx2
import pytest

from durhampulse.desk.imports.activation import Activation, Board
from durhampulse.desk.models.catalogue import add_model
from durhampulse.desk.people import people
from tests.desk.conftest import PASSWORD
from tests.desk.running import running_desk, wait_for

TOKEN = re.compile(r'name="csrf" value="([^"]+)"')


@pytest.fixture
def several(filled, tmp_path):
    """A desk of two processes, and an admin's name; the store holds the demo's list."""
    with filled.writing() as db:
        people.add_person(db, "Ada", "admin", "test", PASSWORD)
    url = filled.engine.url.render_as_string(hide_password=False)
    options = ("--store", url, "--workers", "2", "--log-level", "info")
    with running_desk(tmp_path, *options) as (address, _, parent):
        log = tmp_path / "desk.log"
        first, second = wait_for(lambda: _ready(log, 2))
        yield SimpleNamespace(
            address=address, first=first, second=second, log=log, store=filled, parent=parent
        )


def _ready(log, number):
    """Give the processes that serve, as soon as there are so many."""
    words = log.read_text()
    started = re.findall(r"Started server process \[(\d+)\]", words)
    enough = len(started) == words.count("Application startup complete") == number
    return [int(process) for process in started] if enough else None


@contextlib.contextmanager
def asleep(process):
    """Let a process do nothing, so that another one answers."""
    os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process, signal.SIGCONT)


def ask(desk, way, path, cookies=None, **more):
    """Give the answer to a request by a connection of its own."""
    with httpx2.Client(base_url=desk.address, timeout=60, cookies=cookies) as client:
        return client.request(way, path, **more)


def sign_in(desk, password=PASSWORD):
    return ask(desk, "POST", "/sign-in", data={"name": "Ada", "password": password})


@pytest.mark.slow
def test_session_of_one_process_is_valid_in_another(several):
    with asleep(several.second):
        answer = sign_in(several)
    assert answer.status_code == 303
    with asleep(several.first):
        page = ask(several, "GET", "/shortlist", answer.cookies)
        left = ask(several, "POST", "/sign-out", answer.cookies,
                   data={"csrf": TOKEN.search(page.text)[1]})  # fmt: skip
    assert (page.status_code, left.status_code) == (200, 303)
    with asleep(several.second):
        assert ask(several, "GET", "/shortlist", answer.cookies).status_code == 303


@pytest.mark.slow
def test_failed_sign_ins_of_all_processes_count_together(several):
    with asleep(several.second):
        assert [sign_in(several, "a wrong guess").status_code for _ in range(3)] == [403] * 3
    with asleep(several.first):
        assert [sign_in(several, "a wrong guess").status_code for _ in range(2)] == [403] * 2
        assert "Too many tries." in sign_in(several).text
    with asleep(several.second):
        assert "Too many tries." in sign_in(several).text


@pytest.mark.slow
def test_activation_of_one_process_is_shown_by_another(several, model_folder):
    other = add_model(several.store, model_folder, "test")
    cookies = sign_in(several).cookies
    token = TOKEN.search(ask(several, "GET", "/model", cookies).text)[1]
    with asleep(several.second):
        form = {"csrf": token, "version": other}
        assert ask(several, "POST", "/model/activate", cookies, data=form).status_code == 303
        wait_for(lambda: "hx-refresh" in ask(several, "GET", "/model/progress", cookies).headers)
    with asleep(several.first):
        shown = ask(several, "GET", "/model", cookies).text
    assert "597 creators were scored with it" in shown


@pytest.mark.slow
def test_killed_process_is_replaced_and_all_end_together(several):
    os.kill(several.second, signal.SIGKILL)
    *_, third = wait_for(lambda: _ready(several.log, 3))
    with asleep(several.first):
        assert sign_in(several).status_code == 303
    several.parent.terminate()
    assert several.parent.wait(30) == 0
    assert not any(map(_lives, (several.first, third)))


@pytest.mark.slow
def test_processes_end_with_a_parent_that_was_killed(several):
    several.parent.kill()
    wait_for(lambda: not any(map(_lives, (several.first, several.second))), 60)
    with pytest.raises(httpx2.ConnectError):
        sign_in(several)


def _lives(process):
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def test_board_shows_the_latest_of_all_processes(tmp_path):
    ours, theirs = Board(tmp_path), Board(tmp_path)
    assert ours.latest() is None
    mine = Activation(version="a", by="Ann", process=os.getpid(), share=0.25)
    ours.put(mine)
    assert ours.latest() == mine
    foreign = replace(mine, version="b", process=os.getppid(), share=0.5)
    theirs.put(foreign)
    assert ours.latest() == foreign
    theirs.put(replace(foreign, problem="The disk is full."))
    assert not ours.latest().under_way


def test_activation_of_a_killed_process_is_none(tmp_path):
    ended = subprocess.Popen(["true"])
    ended.wait()
    left = Activation(version="a", by="Ann", process=ended.pid)
    Board(tmp_path).put(left)
    assert Board(tmp_path).latest() is None
    Board(tmp_path).put(replace(left, creators=597))  # it came to its end before
    assert Board(tmp_path).latest() == replace(left, creators=597)


def test_number_of_a_process_that_another_user_has_by_now_fails_no_page(tmp_path, monkeypatch):
    """Whether it is still the activation's cannot be told; no number is beyond the system's."""
    left = Activation(version="a", by="Ann", process=os.getppid())
    Board(tmp_path).put(left)
    with monkeypatch.context() as patch:
        patch.setattr(os, "kill", Mock(side_effect=PermissionError))
        assert Board(tmp_path).latest() == left
    Board(tmp_path).put(replace(left, process=2**40))
    assert Board(tmp_path).latest() is None
