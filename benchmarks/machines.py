"""Machines apart: a cluster and an object store, each part with a network of its own.

The store (moto's server, which speaks S3), the scheduler, four workers and whoever gives the
command each live in a network namespace of Linux. A bridge in another one joins them; nothing else
is reached from there. The command scores files of the store into it: undisturbed, with a worker
killed, with a worker's line cut, and with the scheduler killed, after which the same command is
given again. Each time the store must hold the same bytes, and their rows those of one machine.

It needs root on Linux. `DURHAMPULSE_CLUSTER_ROWS` sets the rows (4.8 million).
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from benchmarks.demo import MODEL
from durhampulse.market.sampling import write_market

ROWS = int(os.environ.get("DURHAMPULSE_CLUSTER_ROWS", "4_800_000"))
FILES = 16
BUCKET, STORE_PORT, SCHEDULER_PORT = "creators", 5000, 8786
WORKERS = [f"worker-{number}" for number in range(4)]
ADDRESSES = {
    name: f"10.77.0.{number}"
    for number, name in enumerate(["client", "store", "scheduler", *WORKERS], start=1)
}
RUNS = ("undisturbed", "a worker killed", "a worker's line cut", "the scheduler killed, then anew")


def main() -> None:
    """Print what runs on machines apart give, or why there can be none here."""
    if reason := why_not():
        print(f"machines apart: not run, since {reason}")
        return
    prefix = f"dp{os.getpid()}"
    with tempfile.TemporaryDirectory() as folder, namespaces(prefix):
        inside = [sys.executable, "-m", "benchmarks.machines", prefix, folder]
        subprocess.run(["ip", "netns", "exec", f"{prefix}-client", *inside], check=True)


def why_not() -> str:
    """Return why there can be no network namespaces here; empty if there can."""
    if sys.platform != "linux" or shutil.which("ip") is None:
        return "network namespaces are made by Linux and its command ip"
    asked = ["ip", "netns", "add", f"dp{os.getpid()}-trial"]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        ip("netns", "delete", asked[-1])
    return done.stderr.strip()


def ip(*words: str) -> None:
    """Run the command `ip`."""
    subprocess.run(["ip", *words], check=True)


@contextlib.contextmanager
def namespaces(prefix: str) -> Iterator[None]:
    """Make a namespace for each machine, joined by a bridge in one of its own."""
    hub = f"{prefix}-hub"
    with contextlib.ExitStack() as stack:

        def add(namespace: str) -> None:
            ip("netns", "add", namespace)
            stack.callback(ip, "netns", "delete", namespace)

        add(hub)
        ip("-n", hub, "link", "add", "bridge", "type", "bridge")
        ip("-n", hub, "link", "set", "bridge", "up")
        for name, address in ADDRESSES.items():
            machine = f"{prefix}-{name}"
            add(machine)
            ip("-n", hub, "link", "add", name, "type", "veth", "peer", "eth0", "netns", machine)
            ip("-n", hub, "link", "set", name, "master", "bridge", "up")
            ip("-n", machine, "address", "add", f"{address}/24", "dev", "eth0")
            ip("-n", machine, "link", "set", "eth0", "up")
            ip("-n", machine, "link", "set", "lo", "up")
        yield


@dataclass(frozen=True)
class Machines:
    """The machines of one trial, seen from the client's.

    Attributes
    ----------
    prefix
        What the names of their namespaces begin with.
    folder
        For logs and what one machine scores alone.
    """

    prefix: str
    folder: Path

    @contextlib.contextmanager
    def running(self, name: str, *module: str, port: int = 0) -> Iterator[subprocess.Popen[bytes]]:
        """Run a Python module on a machine, from when its port answers; it is killed at the end."""
        command = ["ip", "netns", "exec", f"{self.prefix}-{name}", sys.executable, "-m", *module]
        with (self.folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            while port and not answers(ADDRESSES[name], port):
                time.sleep(0.1)
            yield process
        finally:
            process.kill()
            process.wait()

    @contextlib.contextmanager
    def cluster(self) -> Iterator[dict[str, subprocess.Popen[bytes]]]:
        """Yield the processes of a scheduler and its workers, by their machines' names."""
        with contextlib.ExitStack() as stack:
            start = ["distributed.cli.dask_scheduler", "--no-dashboard", "--host"]
            scheduler = self.running(
                "scheduler", *start, ADDRESSES["scheduler"], port=SCHEDULER_PORT
            )
            processes = {"scheduler": stack.enter_context(scheduler)}
            for name in WORKERS:
                processes[name] = stack.enter_context(self.running(
                    name, "distributed.cli.dask_worker", address_of_scheduler(), "--nthreads", "1",
                    "--no-nanny", "--no-dashboard", "--host", ADDRESSES[name],
                ))  # fmt: skip
            yield processes

    def score(self, kind: str, out: str) -> list[int]:
        """Score into the store while something happens; return the exit codes of the commands."""
        with self.cluster() as processes:
            codes = [self.disturbed(kind, out, processes)]
        if codes[0]:
            with self.cluster() as processes:
                codes.append(self.disturbed("undisturbed", out, processes))
        return codes

    def disturbed(self, kind: str, out: str, processes: dict[str, subprocess.Popen[bytes]]) -> int:
        """Return the exit code of a command during which something happens after its first file."""
        where = ["-o", f"s3://{BUCKET}/{out}", "--model", str(MODEL)]
        cluster = ["--engine", "dask", "--scheduler", address_of_scheduler()]
        inputs = f"s3://{BUCKET}/in/part-*.parquet"
        score = [sys.executable, "-m", "durhampulse", "score", inputs, *where, *cluster]
        with (self.folder / "command.log").open("ab") as log:
            command = subprocess.Popen(score, stdout=log, stderr=log)
        happened = kind == "undisturbed"
        while command.poll() is None:
            time.sleep(0.05)
            if not happened and parts(out):
                happened = True
                if "line" in kind:
                    ip("-n", f"{self.prefix}-hub", "link", "set", WORKERS[0], "down")
                else:
                    victim = "scheduler" if "scheduler" in kind else WORKERS[0]
                    processes[victim].send_signal(signal.SIGKILL)
        ip("-n", f"{self.prefix}-hub", "link", "set", WORKERS[0], "up")
        return command.returncode


def inside(prefix: str, folder: Path) -> None:
    """Print what the runs give, on the client's machine."""
    os.environ |= {
        "AWS_ENDPOINT_URL": f"http://{ADDRESSES['store']}:{STORE_PORT}", "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_EC2_METADATA_DISABLED": "true",
    }  # fmt: skip
    machines = Machines(prefix, folder)
    server = ["moto.server", "--host", ADDRESSES["store"], "--port", str(STORE_PORT)]
    with machines.running("store", *server, port=STORE_PORT):
        fill(folder)
        alone = one_machine(folder)
        for run in runs(machines, alone):
            print(", ".join(f"{name}: {value}" for name, value in run.items()), flush=True)


def fill(folder: Path) -> None:
    """Put the input into the store, and beside it for one machine."""
    store().create_dir(BUCKET)
    for number in range(FILES):
        name = f"part-{number:02}.parquet"
        write_market(folder / name, ROWS // FILES, seed=number)
        put = (folder / name).read_bytes()
        with store().open_output_stream(f"{BUCKET}/in/{name}") as stream:
            stream.write(put)


def one_machine(folder: Path) -> pa.Table:
    """Return what one machine makes of the same files."""
    out, inputs = folder / "one.parquet", str(folder / "part-*.parquet")
    command = [sys.executable, "-m", "durhampulse", "score", inputs, "-o", str(out)]
    with (folder / "command.log").open("ab") as log:
        subprocess.run([*command, "--model", str(MODEL)], check=True, stdout=log, stderr=log)
    return pq.read_table(out)


def runs(machines: Machines, alone: pa.Table) -> Iterator[dict[str, object]]:
    """Yield how each run ended, and whether it gave the first's bytes and one machine's rows."""
    first: list[str] = []
    for number, kind in enumerate(RUNS):
        out, start = f"out-{number}", time.perf_counter()
        codes = machines.score(kind, out)
        seconds = time.perf_counter() - start
        contents = [store().open_input_file(path).read() for path in parts(out)]
        sums = [hashlib.sha256(blob).hexdigest() for blob in contents]
        first = first or sums
        whole = pa.concat_tables(pq.read_table(io.BytesIO(blob)) for blob in contents)
        yield {
            "run": kind, "exit codes": codes, "seconds": round(seconds, 1),
            "pieces": len(contents), "rows": len(whole),
            "same bytes": sums == first, "one machine's rows": whole.equals(alone),
        }  # fmt: skip


def parts(out: str) -> list[str]:
    """Return the paths of the scored pieces that the store holds, in their order."""
    there = store().get_file_info(fs.FileSelector(f"{BUCKET}/{out}", allow_not_found=True))
    return sorted(info.path for info in there if info.base_name.startswith("part-"))


def store() -> fs.S3FileSystem:
    """Return the object store of the environment."""
    return fs.S3FileSystem(
        endpoint_override=os.environ["AWS_ENDPOINT_URL"], allow_bucket_creation=True
    )


def address_of_scheduler() -> str:
    """Return the address at which workers find the scheduler."""
    return f"tcp://{ADDRESSES['scheduler']}:{SCHEDULER_PORT}"


def answers(host: str, port: int) -> bool:
    """Whether a port takes connections."""
    with contextlib.suppress(OSError), socket.create_connection((host, port), timeout=1):
        return True
    return False


if __name__ == "__main__":
    inside(sys.argv[1], Path(sys.argv[2]))
