"""The image's recipe without a container daemon: its steps, then its command in a read-only root.

The steps of the first stage run as they stand, in folders of the test, but that libraries are those
of this environment: `test_wheel` installs them. What was built then runs in a mount namespace whose
root is read-only but for the volume and a place for passing files, as the recipe's user, with no
other variable than the recipe's. Elsewhere than as root on Linux it runs as it is.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
import urllib.request
from pathlib import Path

import pytest

from tests.deployment import COMPOSE, ROOT, instructions
from tests.desk.servers import find_tool, own_server
from tests.environment import without_checkout

pytestmark = pytest.mark.slow

LIBRARIES = sysconfig.get_path("purelib")
APART = """
set -e
mkdir -p "$TOP/python"
mount --bind "$BASE" "$TOP/python"
mount --bind "$LIBRARIES" "$TOP/libraries"
mount --bind "$TOP/data" "$TOP/data"
mount -t tmpfs -o mode=1777 none "$TOP/passing"
mount -t tmpfs -o mode=755 none "$HIDDEN"
mkdir -p "$BASE"
mount --bind "$TOP/python" "$BASE"
mount -o remount,bind,ro /
exec setpriv --reuid 10001 --regid 10001 --clear-groups --no-new-privs env -i "$@"
"""


def may_mount():
    if not sys.platform.startswith("linux") or os.getuid() or not shutil.which("setpriv"):
        return False
    return not subprocess.run(["unshare", "--mount", "true"], check=False).returncode


class Image:
    """What the recipe builds, and how it runs."""

    def __init__(self, top):
        self.top = top
        self.steps, self.variables = [], {}
        for name, rest in instructions():
            if name == "FROM":
                self.stage = self.steps = []
                self.first = getattr(self, "first", self.stage)
            elif name == "RUN":
                self.steps.append(self.here(rest))
            elif name == "ENV":
                pairs = (pair.split("=", 1) for pair in shlex.split(self.here(rest)))
                self.variables = dict(pairs)

    def here(self, text):
        """Put the recipe's folders below the test's."""
        return re.sub(r"(?<![\w.-])/(opt/durhampulse|wheels|data)\b", rf"{self.top}/\1", text)

    def build(self):
        source = self.top / "source"
        kept = (ROOT / ".dockerignore").read_text().split()
        for name in (line[1:] for line in kept if line.startswith("!")):
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            copy(ROOT / name, source / name)
        python = shlex.quote(sys.executable)
        for step in self.first:
            here = re.sub(
                r"^pip ", f"{python} -m pip --quiet ", re.sub("^python ", f"{python} ", step)
            )
            here = here.replace(" install ", " install --no-deps ")
            subprocess.run(here, shell=True, check=True, cwd=source, env=without_checkout())
        (packages,) = (self.top / "opt" / "durhampulse").glob("lib/python*/site-packages")
        (packages / "libraries.pth").write_text(f"{self.top}/libraries")
        if may_mount():
            (self.top / "libraries").mkdir()
        else:
            (self.top / "libraries").symlink_to(LIBRARIES)
        shutil.rmtree(source)
        shutil.rmtree(self.top / "wheels")
        for name in ("data", "passing"):
            (self.top / name).mkdir()
            os.chown(self.top / name, *(10001, 10001) if may_mount() else (-1, -1))

    def start(self, *words, **variables):
        """Start the image's program with words, as a container of it would."""
        path = f"{self.variables['PATH'].partition(':')[0]}:/usr/bin:/bin"
        given = {**self.variables, **variables, "PATH": path, "TMPDIR": f"{self.top}/passing"}
        command = [f"{name}={value}" for name, value in given.items()] + ["durhampulse", *words]
        around = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "cwd": self.top / "data"}
        if not may_mount():
            return subprocess.Popen(["env", "-i", *command], **around)
        base = Path(sys.base_prefix)
        closed = [part for part in (base, *base.parents) if not part.stat().st_mode & 1]
        places = {
            "TOP": self.top,
            "BASE": base,
            "LIBRARIES": LIBRARIES,
            "HIDDEN": closed[-1] if closed else "/mnt",
        }
        return subprocess.Popen(
            ["unshare", "--mount", "sh", "-c", APART, "sh", *command],
            env={**os.environ, **{name: str(place) for name, place in places.items()}},
            **around,
        )

    def ends(self, *words, **variables):
        process = self.start(*words, **variables)
        printed, _ = process.communicate(timeout=120)
        return process.returncode, printed.decode()


@pytest.fixture(scope="module")
def image(demo_model):
    top = Path(tempfile.mkdtemp(dir="/tmp", prefix="dp-image-"))
    top.chmod(0o755)
    image = Image(top)
    image.build()
    shutil.copytree(demo_model, top / "model")
    yield image
    shutil.rmtree(top)


@contextlib.contextmanager
def running(image, *words, **variables):
    """Run a server of the image on a free port; yield port and process once it is ready."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    variables |= {"DURHAMPULSE_PORT": port, "DURHAMPULSE_HOST": "127.0.0.1"}
    process = image.start(*words, **variables)
    try:
        end = time.monotonic() + 120
        while image.ends("health", DURHAMPULSE_PORT=port)[0] and time.monotonic() < end:
            assert process.poll() is None, process.stdout.read().decode()
        yield port, process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def stop(process):
    """End a server as a container is ended; give its exit code and what it has logged."""
    process.send_signal(signal.SIGTERM)
    logged, _ = process.communicate(timeout=60)
    return process.returncode, logged.decode()


def test_desk_of_the_image_is_healthy_and_ends_cleanly(image):
    with running(image, *["desk"], OTEL_SDK_DISABLED="true") as (port, process):
        page = urllib.request.urlopen(f"http://127.0.0.1:{port}/sign-in", timeout=30)
        number = page.headers["x-request-id"]
        code, logged = stop(process)
    assert code == 0
    lines = [json.loads(line) for line in logged.splitlines() if line.startswith("{")]
    asked = [line["request"] for line in lines if line.get("route") == "/sign-in"]
    assert asked == [number]
    assert (image.top / "data" / "durhampulse.db").exists()
    assert not any(image.top.joinpath("opt").rglob("*.db"))


def test_desk_of_the_image_keeps_its_store_in_postgresql(image, tmp_path, monkeypatch):
    """With the variables of compose.yaml, but for the place of the database."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))  # else pgserver warns at its import
    if (tool := find_tool()) is None:
        pytest.skip("no PostgreSQL on this machine")
    (image.top / "password").write_text("not asked for here")
    with own_server(tool) as (url, _):
        variables = COMPOSE["services"]["desk"]["environment"] | {
            "DURHAMPULSE_STORE": url.replace("postgres@", "postgres:***@"),
            "DURHAMPULSE_DB_PASSWORD_FILE": f"{image.top}/password",
            "DURHAMPULSE_PUBLIC_URL": "https://desk.example",
        }
        words = ["desk", "--model", f"{image.top}/model"]
        with running(image, *words, **variables) as (port, process):
            address = f"http://127.0.0.1:{port}/sign-in"
            page = urllib.request.Request(address, headers={"host": "desk.example"})
            assert urllib.request.urlopen(page, timeout=30).status == 200
            code, logged = stop(process)
        words = ["desk", "verify-audit"]
        assert image.ends(*words, DURHAMPULSE_STORE=variables["DURHAMPULSE_STORE"])[0] == 0
    assert code == 0
    assert "https://desk.example/welcome/" in logged
    assert "not asked for here" not in logged


def test_service_of_several_processes_adds_up_its_metrics_and_ends_cleanly(image):
    words = ["serve", "--model", f"{image.top}/model", "--workers", "2", "--root-path", "/pulse"]
    with running(image, *words) as (port, process):
        for _ in range(20):
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/pulse/v1/model", timeout=30) as a:
                assert a.status == 200
        counted = 'durhampulse_requests_total{route="/v1/model",status="200"} 20.0'
        metrics, end = "", time.monotonic() + 180
        while counted not in metrics and time.monotonic() < end:  # counted once it is answered
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
                metrics = answer.read().decode()
        code, _ = stop(process)
    assert counted in metrics
    assert code == 0


def test_image_scores_a_file_and_says_what_is_wrong(image):
    (image.top / "data" / "new.csv").write_text(
        "Influencer_ID,Followers,Engagement_Rate,Growth_Rate,Niche,Video_Quality,Avg_Views_per_Post\n"
        "INF-1,85000,0.041,0.021,Fashion,HD,31000\n"
    )
    words = ["score", "new.csv", "-o", "scored.csv", "--model", f"{image.top}/model"]
    code, printed = image.ends(*words)
    assert code == 0, printed
    assert "INF-1" in (image.top / "data" / "scored.csv").read_text()
    if may_mount():
        code, printed = image.ends("score", "new.csv", "-o", f"{image.top}/x.csv", *words[4:])
        assert code == 2
        assert "Traceback" not in printed
