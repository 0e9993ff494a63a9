"""A cluster of processes, its worker and its scheduler killed: the same bytes as undisturbed.

A scheduler and four workers, each a process of its own, score row groups of a Parquet file into a
folder. Once a worker is killed on the way, once the scheduler; then a new scheduler takes the same
command again. All three folders must hold the same bytes. `DURHAMPULSE_CLUSTER_ROWS` sets the rows
(2 million); the test of the same name in `tests/test_distributed.py` takes fewer. Then the same on
machines apart (:mod:`benchmarks.machines`).
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd

from benchmarks import machines
from benchmarks.demo import MODEL
from durhampulse.exceptions import OutputError
from durhampulse.market.sampling import write_market
from durhampulse.scoring import cluster

ROWS = int(os.environ.get("DURHAMPULSE_CLUSTER_ROWS", "2_000_000"))
WORKERS, PIECES = 4, 16


def main() -> None:
    """Print how runs on a cluster of processes ended, then those on machines apart."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_market(folder / "m.parquet", ROWS, seed=5)
        print(pd.DataFrame(runs(folder, ROWS // PIECES)).to_string(index=False))
    print()
    machines.main()


def runs(folder: Path, rows_a_piece: int) -> Iterator[dict[str, object]]:
    """Yield how long each run took, and whether its folder holds the bytes of the first."""
    first = ""
    for kind in ("undisturbed", "a worker killed", "the scheduler killed, then anew"):
        out, start = folder / kind.replace(" ", "-"), time.perf_counter()
        with processes(folder) as (address, scheduler, workers):
            victim = {"undisturbed": None, "a worker killed": workers[0]}.get(kind, scheduler)
            ended = score(folder, out, address, killing(victim), rows_a_piece)
        if not ended:
            with processes(folder) as (address, _, _):
                ended = score(folder, out, address, killing(None), rows_a_piece)
        first = first or digest(out)
        yield {
            "run": kind, "ended": ended, "seconds": round(time.perf_counter() - start, 1),
            "pieces": len([*out.glob("part-*.parquet")]), "same bytes": digest(out) == first,
        }  # fmt: skip


def score(
    folder: Path,
    out: Path,
    address: str,
    progress: Callable[[int, float], object],
    rows_a_piece: int,
) -> bool:
    """Whether a run came to its end; a scheduler that died is one clear error."""
    try:
        cluster.score_on_cluster(
            MODEL, [str(folder / "m.parquet")], str(out), scheduler=address, progress=progress,
            rows_a_piece=rows_a_piece,
        )  # fmt: skip
    except OutputError as error:
        print(error.problem)
        return False
    return True


def killing(victim: subprocess.Popen[bytes] | None) -> Callable[[int, float], object]:
    """Return a progress that kills a process once something is done."""

    def progress(_rows: int, done: float) -> None:
        if victim is not None and victim.poll() is None and 0 < done < 1:
            victim.send_signal(signal.SIGKILL)
            victim.wait()

    return progress


def digest(folder: Path) -> str:
    """Return the hash of a folder's pieces and refused rows, by their names."""
    sums = hashlib.sha256()
    for path in sorted([*folder.glob("part-*.parquet"), *folder.glob("refused/*")]):
        sums.update(path.name.encode() + path.read_bytes())
    return sums.hexdigest()


@contextlib.contextmanager
def processes(
    folder: Path,
) -> Iterator[tuple[str, subprocess.Popen[bytes], list[subprocess.Popen[bytes]]]]:
    """Yield a scheduler's address, its process, and those of four workers; all end after it."""
    log = folder / "scheduler.log"
    with contextlib.ExitStack() as stack:

        def begin(*command: str, to: Path) -> subprocess.Popen[bytes]:
            stream = stack.enter_context(to.open("wb"))
            run = [sys.executable, "-m", "distributed.cli." + command[0], *command[1:]]
            process = subprocess.Popen(run, stdout=stream, stderr=stream, cwd=folder)
            stack.callback(process.wait)
            stack.callback(process.kill)
            return process

        scheduler = begin("dask_scheduler", "--port", "0", "--no-dashboard", to=log)
        while not (match := re.search(r"Scheduler at:\s+(tcp://\S+)", log.read_text())):
            time.sleep(0.1)
        workers = [
            begin("dask_worker", match[1], "--nthreads", "1", "--no-nanny", "--no-dashboard",
                  to=folder / f"worker-{at}.log")
            for at in range(WORKERS)
        ]  # fmt: skip
        yield match[1], scheduler, workers
