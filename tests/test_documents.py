"""CONTRIBUTING.md and SECURITY.md agree with the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.test_architecture import DESK_LAYERS, LAYERS

ROOT = Path(__file__).parents[1]


def test_contributing_lists_layers_in_order():
    text = (ROOT / "CONTRIBUTING.md").read_text()
    blocks = re.findall(r"(?m)^```\n([a-z ]+)\n```$", text)
    packages = [name for name in LAYERS if not name.startswith("_")]
    assert [block.split() for block in blocks] == [packages, DESK_LAYERS]


@pytest.mark.parametrize("name", ["CONTRIBUTING.md", "SECURITY.md"])
def test_documents_link_to_existing_files(name):
    text = (ROOT / name).read_text()
    places = re.findall(r"\]\(([^)#]+)(?:#([^)]+))?\)", text)
    assert places
    for path, heading in places:
        target = (ROOT / path).read_text()
        titles = [title.lower().replace(" ", "-") for title in re.findall(r"(?m)^#+ (.+)$", target)]
        assert not heading or heading in titles, f"{path}#{heading}"
    targets = (ROOT / "Makefile").read_text()
    for target in re.findall(r"`make ([\w-]+)[` ]", text):
        assert f"\n{target}:" in targets
