"""constraints.txt names one version of each library that any extra, group or build brings."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LINES = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
PINS = {canonicalize_name(name): version for name, version in (x.split("==") for x in LINES)}
LAST_FAULTY = {"python-multipart": "0.0.26", "jinja2": "3.1.5"}
"""Of libraries with a published fault: the last version that has it."""


def direct():
    """Give what each extra, each group and the build ask for, without ourselves."""
    project, groups = PROJECT["project"], PROJECT["dependency-groups"]
    texts = [*project["dependencies"], *PROJECT["build-system"]["requires"]]
    for part in (*project["optional-dependencies"].values(), *groups.values()):
        texts += [text for text in part if isinstance(text, str)]
    wanted = map(Requirement, texts)
    return [r for r in wanted if r.name != project["name"]]


def brought():
    """Give all that comes with these here, as far as it is installed."""
    waiting, met = [r for r in direct() if r.marker is None or r.marker.evaluate()], set()
    while waiting:
        wanted = waiting.pop()
        for extra in {"", *wanted.extras}:
            name = canonicalize_name(wanted.name)
            if (name, extra) in met:
                continue
            met.add((name, extra))
            try:
                further = map(Requirement, requires(name) or ())
            except PackageNotFoundError:
                continue
            waiting += [
                r for r in further if r.marker is None or r.marker.evaluate({"extra": extra})
            ]
    return {name for name, _ in met}


def test_each_library_is_pinned_once_to_one_version():
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][A-Za-z0-9.]*", line) for line in LINES)
    names = Counter(canonicalize_name(line.partition("==")[0]) for line in LINES)
    assert [name for name, n in names.items() if n > 1] == []


def test_each_library_that_is_asked_for_is_pinned_within_its_bounds():
    outside = [
        str(wanted)
        for wanted in direct()
        if not wanted.specifier.contains(PINS.get(canonicalize_name(wanted.name), "0"))
    ]
    assert outside == []


def test_each_library_that_comes_along_is_pinned():
    assert brought() - PINS.keys() == set()


@pytest.mark.parametrize("name", LAST_FAULTY)
def test_versions_with_a_published_fault_are_outside_the_bounds(name):
    bounds = [r.specifier for r in direct() if canonicalize_name(r.name) == name]
    assert bounds
    assert not any(bound.contains(LAST_FAULTY[name]) for bound in bounds)
    assert Version(PINS[name]) > Version(LAST_FAULTY[name])
