"""The wheel: its files, and that each extra alone is enough for its commands."""

from __future__ import annotations

import contextlib
import email
import json
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

from tests.environment import without_checkout

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "durhampulse"
COMMAND = ["-c", "from durhampulse.cli import main; main()"]
PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
CREATOR = {"Followers": 85_000, "Engagement_Rate": 0.041, "Niche": "Fashion", "Video_Quality": "HD"}


@dataclass(frozen=True)
class Installed:
    """A fresh virtual environment that holds the wheel and one extra."""

    folder: Path

    @property
    def model(self) -> Path:
        (package,) = self.folder.glob("lib/python*/site-packages/durhampulse")
        return package / "desk" / "demo" / "model"

    def run(self, *args):
        """Return what a command of the package prints."""
        return self.run_python(*COMMAND, *args)

    def run_python(self, *args):
        done = subprocess.run(
            [self.folder / "bin" / "python", *map(str, args)],
            capture_output=True,
            text=True,
            check=False,
            cwd=self.folder,
            env=without_checkout(),
        )
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        return done.stdout

    @contextlib.contextmanager
    def serving(self, *args, pattern):
        """Run a command that serves; yield the match of a pattern in its output."""
        log = self.folder / "served.log"
        with log.open("wb") as stream:
            process = subprocess.Popen(
                [self.folder / "bin" / "python", *COMMAND, *map(str, args), "--port", "0"],
                stdout=stream,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                env=without_checkout(),
            )
        try:
            yield wait_for(lambda: re.search(pattern, log.read_text()))
        finally:
            process.terminate()
            process.wait(120)
        assert "Traceback" not in log.read_text()


def wait_for(condition, seconds=120):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(urllib.error.URLError):
            if value := condition():
                return value
        time.sleep(0.1)
    raise TimeoutError


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    command = [*PIP, "wheel", "--no-deps", "--wheel-dir", str(folder), str(ROOT)]
    subprocess.run(command, check=True)
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def base(wheel, tmp_path_factory):
    """The wheel in a fresh virtual environment, without an extra."""
    folder = tmp_path_factory.mktemp("base") / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    install(folder, wheel)
    yield Installed(folder)
    shutil.rmtree(folder)


@pytest.fixture
def installed(base, wheel, request, tmp_path):
    """The wheel with the extra that a test names, in an environment of its own.

    What every extra has in common is linked, not unpacked again.
    """
    folder = tmp_path / "environment"
    shutil.copytree(base.folder, folder, symlinks=True, copy_function=os.link)
    install(folder, f"durhampulse[{request.param}] @ {wheel.as_uri()}")
    yield Installed(folder)
    shutil.rmtree(folder)


def install(folder, requirement):
    command = [
        *PIP,
        "--python",
        str(folder / "bin" / "python"),
        "install",
        "--no-compile",
        "--constraint",
        str(ROOT / "constraints.txt"),
        str(requirement),
    ]
    subprocess.run(command, check=True, env=without_checkout())


def test_wheel_holds_every_package_file(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    files = {
        path.relative_to(SOURCE.parent).as_posix()
        for path in SOURCE.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert not files - names
    for file in (
        "py.typed",
        "desk/demo/creators.csv",
        "desk/demo/model/weights.safetensors",
        "desk/store/migrations/versions/v0001_first.py",
        "desk/web/templates/base.html",
        "service/templates/documentation.html",
        "report/templates/notebook/part_a.py",
    ):
        assert f"durhampulse/{file}" in names


def test_published_package_names_its_repository_and_links_into_it(tmp_path):
    command = [*PIP, "wheel", "--no-deps", "--wheel-dir", str(tmp_path), str(ROOT)]
    repository = "https://forge.example/durham/pulse"
    subprocess.run(command, check=True, env=os.environ | {"DURHAMPULSE_REPOSITORY": repository})
    (path,) = tmp_path.glob("*.whl")
    archive = zipfile.ZipFile(path)
    (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
    described = email.message_from_bytes(archive.read(name))
    urls = dict(url.split(", ") for url in described.get_all("Project-URL"))
    assert urls.keys() == {"Repository", "Documentation", "Changelog", "Issues"}
    at = f"{repository}/blob/v{described['Version']}"
    readme = described.get_payload()
    linked = re.findall(r'\]\(([^)]+)|(?:src|srcset)="([^"]+)', readme)
    places = {
        (page or picture).removeprefix(f"{at}/").removesuffix("?raw=true")
        for page, picture in linked
    }
    assert {"docs/scoring.md", "docs/images/queue-dark.png", "SECURITY.md"} <= places
    assert all((ROOT / place).is_file() for place in places)
    assert urls["Changelog"] == f"{at}/CHANGELOG.md"


def test_package_that_nobody_publishes_names_no_address(wheel):
    archive = zipfile.ZipFile(wheel)
    (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
    described = email.message_from_bytes(archive.read(name))
    assert described.get_all("Project-URL") is None
    assert described["Description-Content-Type"] == "text/markdown"


def megabytes(folder):
    """Return the size of all files below a folder, in millions of bytes."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def test_scorer_installs_within_300_megabytes(base):
    assert megabytes(base.folder) <= 300


def test_base_install_samples_inspects_scores_and_explains(base):
    subprocess.run([base.folder / "bin" / "durhampulse", "--help"], check=True, capture_output=True)
    base.run("sample", "--rows", 200, "--seed", 7, "-o", "creators.csv")
    assert "200 rows" in base.run("inspect", "creators.csv")
    model = ("--model", base.model)
    assert "200 scored" in base.run("score", "creators.csv", "-o", "scored.xlsx", *model)
    creators = pd.read_csv(base.folder / "creators.csv", dtype="str")
    name = creators["Influencer_ID"].drop_duplicates(keep=False).iloc[0]
    assert f"Creator {name}" in base.run("explain", "creators.csv", *model, "--id", name)
    assert "Yes from 0.8" in base.run("model", "show", base.model)
    assert "undamaged; it holds data only" in base.run("model", "verify", base.model)


@pytest.mark.parametrize("installed", ["serve"], indirect=True)
def test_serve_extra_scores_over_http(installed):
    serve = installed.serving("serve", "--model", installed.model, pattern=r"http://[\d.]+:\d+")
    with serve as match:
        health = f"{match[0]}/healthz"
        assert wait_for(lambda: urllib.request.urlopen(health, timeout=30)).status == 200
        body = json.dumps({"creators": [CREATOR]}).encode()
        headers = {"content-type": "application/json"}
        request = urllib.request.Request(f"{match[0]}/v1/score", body, headers)
        with urllib.request.urlopen(request, timeout=30) as answer:
            (result,) = json.load(answer)["results"]
        with urllib.request.urlopen(f"{match[0]}/docs", timeout=30) as answer:
            assert "/v1/score" in answer.read().decode()
    assert 0 < result["probability"] < 1


@pytest.mark.parametrize("installed", ["desk"], indirect=True)
def test_desk_extra_installs_within_450_megabytes_and_shows_demo(installed):
    assert megabytes(installed.folder) <= 450
    with installed.serving("desk", pattern=r"half an hour: (http\S+)\n") as match:
        browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        page = wait_for(lambda: browser.open(match[1], timeout=30)).read().decode()
        hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page))
        form = urllib.parse.urlencode(hidden).encode()
        answer = browser.open(match[1], form, timeout=30)
        assert answer.url.endswith("/shortlist")
        page = answer.read().decode()
        assert "INF-1" in page
        (csrf,) = set(re.findall(r'name="csrf" value="([^"]+)"', page))
        form = urllib.parse.urlencode({"csrf": csrf, "name": "Spring", "number": 5}).encode()
        campaign = browser.open(urllib.parse.urljoin(match[1], "/campaigns"), form)
        assert "Spring" in campaign.read().decode()  # its set comes from HiGHS
        assert browser.open(urllib.parse.urljoin(match[1], "/outcomes")).status == 200


CLUSTER = """
from distributed import LocalCluster
from durhampulse.scoring.cluster import score_on_cluster

with LocalCluster(n_workers=1, processes=False, dashboard_address=None) as cluster:
    summary = score_on_cluster(
        {model!r}, ["creators.parquet"], "scored", scheduler=cluster.scheduler_address
    )
print(summary.scored)
"""


@pytest.mark.parametrize("installed", ["dask"], indirect=True)
def test_dask_extra_scores_on_cluster(installed):
    installed.run("sample", "--rows", 200, "-o", "creators.parquet")
    printed = installed.run_python("-c", CLUSTER.format(model=str(installed.model)))
    assert printed.splitlines()[-1] == "200"


@pytest.mark.parametrize("installed", ["study"], indirect=True)
def test_study_extra_runs_a_study(installed):
    installed.run("sample", "--rows", 400, "-o", "creators.csv")
    assert "Verdict: " in installed.run("study", "creators.csv", "-o", "study")
    names = {path.name for path in (installed.folder / "study").iterdir()}
    assert {"report.html", "notebook.ipynb", "decisions.csv", "model"} <= names
