"""What pages are given is what their templates ask for; a misspelled name shows before a reader."""

from __future__ import annotations

import ast
import time
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import pytest
from jinja2 import meta, nodes

from durhampulse.desk.web import contexts, rendering

WEB = Path(rendering.__file__).parent
TEMPLATES = sorted(path.name for path in (WEB / "templates").glob("*.html"))
EVERYWHERE = {"who", "path", "navigation", "simulated", "words", "notice", "undo", "m",
              "loop", "to_review"}  # fmt: skip
"""What every page is given, what the base imports, and Jinja's own."""


@cache
def asked_for(name):
    """Give the names that a template and all that it includes or extends ask for."""
    env = rendering._environment()
    tree = env.parse((WEB / "templates" / name).read_text())
    made = {
        target.name
        for assigned in tree.find_all((nodes.Assign, nodes.AssignBlock))
        for target in assigned.find_all(nodes.Name)
        if target.ctx == "store"
    }
    made |= {macro.name for macro in tree.find_all(nodes.Macro)}
    names = meta.find_undeclared_variables(tree)
    for other in meta.find_referenced_templates(tree):
        if other != "macros.html":
            names |= asked_for(other)
    return names - made - EVERYWHERE - env.globals.keys()


@cache
def calls():
    """Give each call of render: template, names that are given, and whether others may be."""
    return [
        (node.args[2].value, {word.arg for word in node.keywords if word.arg} - {"status"},
         [word.value for word in node.keywords if word.arg is None])
        for path in WEB.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "render"
        and isinstance(node.args[2], ast.Constant)
    ]  # fmt: skip


def test_macros_use_what_they_are_handed():
    assert asked_for("macros.html") == set()


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_asks_for_what_it_is_given(name):
    typed = contexts.CONTEXTS.get(name)
    for _, given, more in [call for call in calls() if call[0] == name]:
        if typed is not None:
            assert given <= typed.__annotations__.keys()
        elif not more:
            assert asked_for(name) <= given
    if typed is not None:
        assert asked_for(name) <= typed.__annotations__.keys()


def test_template_is_compiled_once_however_many_ask_at_once(monkeypatch):
    compiled = []
    compiling = rendering.Environment.compile

    def compile_slowly(env, source, name=None, *rest, **options):
        compiled.append(name)
        time.sleep(0.05)
        return compiling(env, source, name, *rest, **options)

    monkeypatch.setattr(rendering.Environment, "compile", compile_slowly)
    monkeypatch.setattr(rendering, "_environment", cache(rendering._environment.__wrapped__))
    with ThreadPoolExecutor(8) as pool:
        templates = list(pool.map(rendering._template, ["macros.html"] * 8))
    assert compiled == ["macros.html"]
    assert len({*map(id, templates)}) == 1
