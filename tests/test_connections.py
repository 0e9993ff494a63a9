"""Connections of a real server: how many it holds, and how long one may be silent."""

from __future__ import annotations

import contextlib
import socket
import threading
import time

import pytest
import uvicorn

from durhampulse.service import connections
from durhampulse.service.connections import BoundedProtocol

GET = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"


async def answer(scope, receive, send):
    if scope["type"] == "lifespan":
        return
    start = {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]}
    await send(start)
    await send({"type": "http.response.body", "body": b"ok"})


@pytest.fixture
def port(monkeypatch):
    monkeypatch.setattr(connections, "_SECONDS_TO_HEAD", 60)
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(answer, http=BoundedProtocol, log_level="critical", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    yield listening.getsockname()[1]
    server.should_exit = True
    thread.join()


def connect(port):
    return contextlib.closing(socket.create_connection(("127.0.0.1", port), timeout=60))


@pytest.mark.parametrize("begun", [b"", b"\r\n", b"GET / HT", b"GET / HTTP/1.1\r\nhost: x\r\n"])
def test_connection_without_a_whole_head_is_closed(begun, port, monkeypatch):
    monkeypatch.setattr(connections, "_SECONDS_TO_HEAD", 0.4)
    with connect(port) as silent:
        silent.sendall(begun)
        assert silent.recv(100) == b""


def test_head_that_arrives_letter_by_letter_is_not_waited_for(port, monkeypatch):
    monkeypatch.setattr(connections, "_SECONDS_TO_HEAD", 0.4)

    def trickle(client):
        for _ in range(100):
            client.sendall(b"G")
            time.sleep(0.05)

    with connect(port) as slow, pytest.raises(OSError, match=r"reset|[Bb]roken|aborted"):
        trickle(slow)


def test_head_without_end_is_refused(port):
    with connect(port) as endless:
        endless.sendall(b"GET / HTTP/1.1\r\nx: " + b"a" * (66 << 10))
        assert endless.recv(100).startswith(b"HTTP/1.1 400")


def test_requests_follow_each_other_on_one_connection(port, monkeypatch):
    monkeypatch.setattr(connections, "_SECONDS_TO_HEAD", 3)
    with connect(port) as client:
        for _ in range(3):  # longer in all than one may wait for a head
            client.sendall(GET)
            assert b"200 OK" in client.recv(1_000)
            time.sleep(1.1)
        assert client.recv(100) == b""


def test_body_that_goes_on_after_the_answer_is_no_head(port):
    with connect(port) as client:
        client.sendall(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 200000\r\n\r\n")
        assert b"200 OK" in client.recv(1_000)
        client.sendall(b"a" * 200_000 + GET)
        assert client.recv(1_000).startswith(b"HTTP/1.1 200")


def test_connections_are_bounded(port, monkeypatch):
    monkeypatch.setattr(connections, "MOST_CONNECTIONS", 2)
    with connect(port) as first, connect(port) as second:
        for held in (first, second):
            held.sendall(GET)
            assert b"200 OK" in held.recv(1_000)
        with connect(port) as third, contextlib.suppress(ConnectionResetError):
            assert third.recv(100) == b""
        first.sendall(GET)
        assert b"200 OK" in first.recv(1_000)
