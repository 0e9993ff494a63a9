"""CONTRIBUTING.md and SECURITY.md agree with the code."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from durhampulse.extras import EXTRAS
from tests.layers import DESK_LAYERS, LAYERS

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "durhampulse"


def test_contributing_lists_layers_in_order():
    text = (ROOT / "CONTRIBUTING.md").read_text()
    blocks = re.findall(r"(?m)^```\n([a-z ]+)\n```$", text)
    packages = [name for name in LAYERS if not name.startswith("_")]
    assert [block.split() for block in blocks] == [packages, DESK_LAYERS]


@pytest.mark.parametrize("package", [name for name in LAYERS if (SOURCE / name).is_dir()])
def test_architecture_names_every_module_in_the_row_of_its_package(package):
    text = (ROOT / "docs" / "architecture.md").read_text()
    (row,) = re.findall(rf"(?m)^\| `{package}` \|.*$", text)
    modules = {path.stem for path in (SOURCE / package).iterdir() if path.suffix in (".py", "")}
    assert modules - {"__init__", "__pycache__", "templates", "demo"} <= {
        *re.findall(r"`(\w+)`", row)
    }


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "SECURITY.md"])
def test_documents_link_to_existing_files(name):
    text = (ROOT / name).read_text()
    places = re.findall(r"\]\(([^)#]+)(?:#([^)]+))?\)", text)
    assert places
    for path, heading in places:
        assert (ROOT / path).is_file(), path
        target = (ROOT / path).read_text() if heading else ""
        titles = [title.lower().replace(" ", "-") for title in re.findall(r"(?m)^#+ (.+)$", target)]
        assert not heading or heading in titles, f"{path}#{heading}"
    targets = (ROOT / "Makefile").read_text()
    for target in re.findall(r"`make ([\w-]+)[` ]", text):
        assert f"\n{target}:" in targets


@pytest.mark.parametrize("document", ["SECURITY.md", "tests/cases/README.md"])
def test_documents_name_existing_tests(document):
    document = ROOT / document
    rows = re.findall(r"\[`(test_\w+)`\]\(([^)]+)\)", document.read_text())
    assert rows
    for name, path in rows:
        assert f"def {name}(" in (document.parent / path).read_text(), name


def test_every_dependency_of_an_extra_has_its_module_listed():
    """Whatever lacks a module names the extra; only speed may be missing without a word."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    modules = packages_distributions()
    for extra, requirements in declared["optional-dependencies"].items():
        names = {re.match(r"[\w-]+", requirement)[0].lower() for requirement in requirements}
        listed = {
            name.lower().replace("_", "-")
            for module in EXTRAS[extra]
            for name in modules.get(module, [])
        }
        assert names - listed <= {"uvloop", "durhampulse"}, extra
