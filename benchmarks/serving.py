"""One creator through `POST /v1/score`: latency at a steady rate, and the most a worker answers.

The service is a process of its own, on the model of a small study; the client here speaks HTTP/1.1
over kept connections on loopback and shares the machine with it. Open loop: requests leave on a
schedule whether or not earlier ones were answered, so that a stall counts for all it delays.
"""

from __future__ import annotations

import asyncio
import gc
import json
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.scoring import small_model
from benchmarks.timing import spread

SECONDS, RATE, CONNECTIONS = 20, 200, 16
CREATOR = {
    "Influencer_ID": "INF-045", "Followers": 85_000, "Engagement_Rate": 0.068,
    "Growth_Rate": 0.021, "Niche": "Fashion", "Video_Quality": "HD", "Avg_Views_per_Post": 31_000,
}  # fmt: skip


def main() -> None:
    """Print the latencies and the throughput of a service of its own process."""
    with tempfile.TemporaryDirectory() as folder:
        model = small_model(Path(folder))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        command = [sys.executable, "-m", "durhampulse", "serve", "--model", str(model),
                   "--port", str(port), "--rate", "0"]  # fmt: skip
        service = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        try:
            wait_for(port)
            asyncio.run(measure(port))
        finally:
            service.send_signal(signal.SIGTERM)
            service.wait()


def wait_for(port: int) -> None:
    """Wait until the service at a port is ready, and print how long that took."""
    start = time.perf_counter()
    while time.perf_counter() - start < 60:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz").read()
        except OSError:
            time.sleep(0.1)
        else:
            print(f"start to ready {time.perf_counter() - start:.1f} s")
            return
    raise TimeoutError("the service did not come up")


async def measure(port: int) -> None:
    """Print the latencies at a steady rate, and the most that is answered."""
    gc.freeze()  # the client's own pauses are not the service's
    for creators in (1, 100):
        request = http_request([CREATOR] * creators)
        await closed_loop(port, request, seconds=2)
        if creators == 1:
            latencies = await open_loop(port, request)
            print(f"open loop, {RATE} requests/s of one creator: {spread(latencies, digits=1)}")
        answered = await closed_loop(port, request, seconds=SECONDS / 2)
        rate = answered / (SECONDS / 2)
        print(f"closed loop, {CONNECTIONS} connections, {creators} creators a request: "
              f"{rate:,.0f} requests/s, {rate * creators:,.0f} creators/s")  # fmt: skip


def http_request(creators: list[dict[str, object]]) -> bytes:
    """Return the bytes of a request to score creators."""
    body = json.dumps({"creators": creators}).encode()
    head = (
        "POST /v1/score HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


@dataclass(frozen=True)
class Connection:
    """A kept connection to the service.

    Attributes
    ----------
    reader, writer
        Its two directions.
    """

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @classmethod
    async def open(cls, port: int) -> Connection:
        """Return a connection to a port of this machine."""
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def ask(self, request: bytes) -> None:
        """Send a request and read its answer; any status but 200 is an error."""
        self.writer.write(request)
        head = await self.reader.readuntil(b"\r\n\r\n")
        if b" 200 " not in head[:20]:
            raise RuntimeError(head[:200].decode())
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        await self.reader.readexactly(length)


async def closed_loop(port: int, request: bytes, *, seconds: float) -> int:
    """Return how many requests were answered, each connection waiting for its answers."""
    end = time.perf_counter() + seconds

    async def ask_on() -> int:
        connection, n = await Connection.open(port), 0
        while time.perf_counter() < end:
            await connection.ask(request)
            n += 1
        connection.writer.close()
        return n

    return sum(await asyncio.gather(*(ask_on() for _ in range(CONNECTIONS))))


async def open_loop(port: int, request: bytes) -> list[float]:
    """Return the seconds from when each request was due to its answer.

    Requests are due at a steady rate, whether or not earlier ones were answered. How late the
    client itself was with them is printed, since that counts too.
    """
    idle: asyncio.Queue[Connection] = asyncio.Queue()
    for _ in range(CONNECTIONS):
        idle.put_nowait(await Connection.open(port))
    latencies: list[float] = []

    async def send(due: float) -> None:
        connection = await idle.get()
        await connection.ask(request)
        latencies.append(time.perf_counter() - due)
        idle.put_nowait(connection)

    start, tasks = time.perf_counter() + 0.1, []
    late = []
    for number in range(SECONDS * RATE):
        due = start + number / RATE
        await asyncio.sleep(max(due - time.perf_counter(), 0))
        late.append(time.perf_counter() - due)
        tasks.append(asyncio.create_task(send(due)))
    await asyncio.gather(*tasks)
    print(f"the client itself ran late: p99 {1_000 * np.quantile(late, 0.99):.1f} ms")
    return latencies


if __name__ == "__main__":
    main()
