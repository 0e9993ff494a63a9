"""The health check of containers: whether what listens on a port of this machine is ready."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager

import pytest

from tests.commands import run


@contextmanager
def answering(answer):
    """The port of a server that answers one request with some bytes."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            client, _ = server.accept()
            with client:
                client.recv(10_000)
                client.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        thread.join(timeout=10)


def written(status, body):
    return f"HTTP/1.1 {status}\r\ncontent-length: {len(body)}\r\n\r\n{body}".encode()


def test_ready_server_is_healthy_whatever_proxy_the_environment_names(monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with answering(written("200 OK", "ready")) as port:
        result = run("health", "--port", port)
    assert (result.returncode, result.stdout) == (0, "ready\n")


def test_server_that_is_not_ready_says_why():
    with answering(written("503 Service Unavailable", "no store")) as port:
        result = run("health", "--port", port)
    assert (result.returncode, result.stderr) == (1, "no store\n")


@pytest.mark.parametrize("answer", [b"SSH-2.0-OpenSSH_9\r\n\r\n", b""])
def test_server_of_something_else_is_not_healthy(answer):
    with answering(answer) as port:
        result = run("health", "--port", port)
    assert result.returncode == 1
    assert result.stderr.startswith(f"Neither desk nor service answers at http://127.0.0.1:{port}/")
