"""The recipes by which the desk is deployed, as they are read."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]


COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())


def instructions():
    """Give the Dockerfile's instructions, each with its words."""
    text = re.sub(r"\\\n\s*", " ", (ROOT / "Dockerfile").read_text())
    for line in text.splitlines():
        if line and not line.startswith("#"):
            name, _, rest = line.partition(" ")
            yield name, rest
