"""constraints.txt names one version of each library that any extra, group or build brings."""

from __future__ import annotations

import re
import sys
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

ANYWHERE = [
    {"python_version": python, "python_full_version": f"{python}.0", "sys_platform": platform}
    | {"platform_system": system}
    for python in ("3.11", "3.12", "3.13", "3.14")
    for platform, system in (("linux", "Linux"), ("darwin", "Darwin"), ("win32", "Windows"))
]
OF_THE_BUILD = {"tomlkit", "trove-classifiers"}
"""What hatchling brings, which is installed only while a wheel is built."""


def direct():
    """Give what each extra, each group and the build ask for, without ourselves."""
    project, groups = PROJECT["project"], PROJECT["dependency-groups"]
    texts = [*project["dependencies"], *PROJECT["build-system"]["requires"]]
    for part in (*project["optional-dependencies"].values(), *groups.values()):
        texts += [text for text in part if isinstance(text, str)]
    wanted = map(Requirement, texts)
    return [r for r in wanted if r.name != project["name"]]


def brought(places=({},)):
    """Give all that comes with these in some environments, here if none, as far as installed."""

    def asked_for(wanted, extra=""):
        marker = wanted.marker
        return marker is None or any(marker.evaluate({**p, "extra": extra}) for p in places)

    waiting, met = [wanted for wanted in direct() if asked_for(wanted)], set()
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
            waiting += [wanted for wanted in further if asked_for(wanted, extra)]
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


@pytest.mark.skipif(sys.version_info >= (3, 13), reason="pgserver is not installed there")
def test_no_library_is_pinned_that_nothing_brings():
    assert PINS.keys() - brought(ANYWHERE) - OF_THE_BUILD == set()


@pytest.mark.parametrize("name", LAST_FAULTY)
def test_versions_with_a_published_fault_are_outside_the_bounds(name):
    bounds = [r.specifier for r in direct() if canonicalize_name(r.name) == name]
    assert bounds
    assert not any(bound.contains(LAST_FAULTY[name]) for bound in bounds)
    assert Version(PINS[name]) > Version(LAST_FAULTY[name])
