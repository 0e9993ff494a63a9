"""The documentation: its pages build strictly, load nothing from elsewhere, and what they show runs."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pandas as pd
import pytest
from markdown_it import MarkdownIt
from starlette.testclient import TestClient

from durhampulse.cli import command_line
from durhampulse.market.sampling import simulate_market
from durhampulse.service.app import create_app
from tests.commands import run
from tests.studies import short_trainings

ROOT = Path(__file__).parents[1]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
NOT_RUN = "<!-- not run: "
STAYS = {"study", "serve", "desk", "erase"}
"""Commands whose options alone are tested here: they run for long, until they are stopped, or need a desk."""
ELSEWHERE = {"desk.md", "operate.md"}
"""Pages whose other programs are those of the place where it is installed."""


@dataclass(frozen=True)
class Block:
    """A fenced block of code, and what the comment before it says of it."""

    page: Path
    line: int
    language: str
    code: str
    mark: str

    @property
    def runs(self) -> bool:
        return self.language in {"python", "sh"} and not self.mark.startswith(NOT_RUN)


def blocks_of(page):
    tokens = MarkdownIt().parse(page.read_text(encoding="utf-8"))
    for before, token in pairwise([tokens[0], *tokens]):
        if token.type == "fence":
            mark = before.content.strip() if before.type == "html_block" else ""
            yield Block(page, token.map[0] + 1, token.info, token.content, mark)


COMMAND = command_line()
BLOCKS = [block for page in PAGES for block in blocks_of(page)]


@pytest.fixture(scope="module")
def workspace(tmp_path_factory, demo_model):
    """A folder with the files that the pages name."""
    folder = tmp_path_factory.mktemp("docs")
    table = simulate_market(300, seed=6).table.drop_duplicates("Influencer_ID", ignore_index=True)
    table["Influencer_ID"] = [f"INF-{row:03}" for row in range(len(table))]
    table.to_csv(folder / "creators.csv", index=False)
    new = table.drop(columns="Sponsorship_Status")
    new.to_csv(folder / "new.csv", index=False)
    for name in ("2026-01.parquet", "2026-02.parquet", "all.parquet"):
        new.to_parquet(folder / name, index=False)
    export = table.rename(columns={"Followers": "subs"})
    rates = pd.to_numeric(export["Engagement_Rate"], errors="coerce")
    export.assign(Engagement_Rate=rates * 100).to_csv(folder / "export.csv", index=False)
    shutil.copytree(demo_model, folder / "my-study" / "model")
    return folder


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_commands_of_a_page_exist_with_their_options(page):
    for block in blocks_of(page):
        if block.language == "sh":
            for words in commands_of(block.code):
                if words[0] == "durhampulse":
                    parse(words[1:])


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*MLflow doesn't validate:UserWarning")  # as it is imported
@pytest.mark.parametrize(
    "page", sorted({block.page for block in BLOCKS if block.runs}), ids=lambda page: page.stem
)
def test_code_of_a_page_runs(page, workspace, monkeypatch):
    monkeypatch.chdir(workspace)
    names = {"__name__": "page"}  # the Python of a page shares its names
    with short_trainings(), contextlib.redirect_stdout(io.StringIO()):
        for block in (block for block in blocks_of(page) if block.runs):
            if block.language == "python":
                exec(compile("\n" * block.line + block.code, str(page), "exec"), names)
            else:
                for words in commands_of(block.code):
                    run_command(words, f"{page.name}:{block.line}")


def commands_of(code):
    """The words of each command; one goes on where a quotation or a backslash leaves it open."""
    text = ""
    for line in code.splitlines():
        text += line
        if text.endswith("\\"):
            text = text[:-1]
            continue
        try:
            words = shlex.split(text, comments=True)
        except ValueError:  # an open quotation
            text += "\n"
            continue
        text = ""
        if words:
            yield words
    assert not text, f"an open end: {text}"


def run_command(words, where):
    program, *args = words
    if program == "durhampulse":
        run_durhampulse(args, where)
    elif program == "make":
        assert all(f"\n{target}:" in (ROOT / "Makefile").read_text() for target in args), where
    elif words[:2] == ["pip", "install"]:
        declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
        extras = re.findall(r"\[(.*?)\]", " ".join(args))
        known = declared["optional-dependencies"].keys()
        assert {name for names in extras for name in names.split(",")} <= known, where
    elif program == "curl" and args[0].startswith("localhost:8000"):
        send(args, where)
    else:
        assert where.partition(":")[0] in ELSEWHERE, f"{where}: {program} needs a comment: not run"


def parse(args):
    """Read a command's arguments as it would; an option that does not exist is an error."""
    command = COMMAND
    while args and args[0] in getattr(command, "commands", {}):
        command, args = command.commands[args[0]], args[1:]
    command.make_context("durhampulse", list(args))


def run_durhampulse(args, where):
    if args[0] not in STAYS:
        done = run(*args)
        assert done.returncode == 0, f"{where}: {done.stderr}"


def send(args, where):
    """Send what a call of curl would send to the service on the model of the workspace."""
    url, options = args[0], dict(zip(args[1::2], args[2::2], strict=True))
    name, _, value = options["-H"].partition(": ")
    with TestClient(create_app("my-study/model")) as client:
        path = url.removeprefix("localhost:8000")
        answer = client.post(path, content=options["-d"], headers={name: value})
    assert answer.status_code == 200, f"{where}: {answer.text}"


def test_few_blocks_are_not_run():
    shown = [block for block in BLOCKS if block.language in {"python", "sh"}]
    left = [block for block in shown if block.mark.startswith(NOT_RUN)]
    assert len(left) <= len(shown) / 5, [f"{b.page.name}:{b.line}" for b in left]
    assert all(len(block.mark) > len(NOT_RUN) + 8 for block in left)  # each says why


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The folder of the pages, built strictly as `make docs` builds them."""
    folder = tmp_path_factory.mktemp("site")
    shutil.copytree(ROOT / "docs", folder / "docs", ignore=shutil.ignore_patterns("reference"))
    shutil.copy(ROOT / "zensical.toml", folder)
    (folder / "src").symlink_to(ROOT / "src")
    (folder / "tools").mkdir()
    shutil.copy(ROOT / "tools" / "reference.py", folder / "tools")
    for command in (
        [sys.executable, "tools/reference.py"],
        [Path(sys.executable).with_name("zensical"), "build", "--strict"],
    ):
        done = subprocess.run(
            command,
            cwd=folder,
            env={**os.environ, "NO_COLOR": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
    return folder / "site"


@pytest.mark.slow
def test_pages_load_nothing_from_elsewhere(site):
    pages = list(site.rglob("*.html"))
    assert {"index.html", "api.html", "rest.html"} <= {page.name for page in pages}
    loads = re.compile(
        r"<(?:script|link|img|iframe|source)\b[^>]*?\b(?:src|href)=[\"']?(https?:[^\"'\s>]+)"
    )
    found = {url for page in pages for url in loads.findall(page.read_text(encoding="utf-8"))}
    styles = "".join(style.read_text(encoding="utf-8") for style in site.rglob("*.css"))
    assert not found
    assert not re.findall(r"(?:url\(|@import)\s*['\"]?https?:", styles)


@pytest.mark.slow
def test_reference_has_every_public_name_command_and_route(site, demo_model):
    import durhampulse

    names = re.findall(r'id="durhampulse\.[\w.]*?(\w+)"', (site / "api.html").read_text())
    assert set(dir(durhampulse)) <= set(names)
    with TestClient(create_app(demo_model)) as client:
        routes = client.get("/openapi.json").json()["paths"]
    rest = (site / "reference" / "rest.html").read_text()
    assert all(path in rest for path in routes)
    commands = (site / "reference" / "command-line.html").read_text()
    assert all(f"durhampulse {name}" in commands for name in COMMAND.commands)


def test_each_tool_compared_with_has_sources():
    text = (ROOT / "docs" / "compared.md").read_text()
    tools = re.split(r"(?m)^## ", text)[2:-1]  # between the overview and what is lacking here
    assert len(tools) == 9
    for tool in tools:
        assert len(re.findall(r"\]\(https://", tool)) >= 2, tool.splitlines()[0]
        assert "**Better there.**" in tool
