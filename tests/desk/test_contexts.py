"""Each template reads the fields of its context, all of them and no other name."""

from __future__ import annotations

import dataclasses
import time
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import pytest
from jinja2 import meta, nodes

from durhampulse.desk.web import app, rendering  # noqa: F401 - the application has all pages
from durhampulse.desk.web.pages import PAGES

WEB = Path(rendering.__file__).parent


@cache
def tree_of(name):
    """Return the parsed text of a template."""
    return rendering._environment().parse((WEB / "templates" / name).read_text())


def others_of(name, kind):
    """Return the templates that one extends or includes."""
    return [node.template.value for node in tree_of(name).find_all(kind)]


@cache
def made_by(name):
    """Return the names that a template, or what it extends, sets, imports or defines."""
    tree = tree_of(name)
    made = {node.name for node in tree.find_all(nodes.Name) if node.ctx == "store"}
    made |= {node.name for node in tree.find_all(nodes.Macro)}
    made |= {node.target for node in tree.find_all(nodes.Import)}
    for node in tree.find_all(nodes.FromImport):
        made |= {named if isinstance(named, str) else named[1] for named in node.names}
    return made.union(*(made_by(other) for other in others_of(name, nodes.Extends)))


@cache
def read_by(name):
    """Return the variables that a template reads, with those of what it extends or includes.

    What is imported reads only what it is handed.
    """
    names = meta.find_undeclared_variables(tree_of(name))
    for other in others_of(name, (nodes.Extends, nodes.Include)):
        names |= read_by(other)
    return names - made_by(name) - rendering._environment().globals.keys()


def contexts_below(kind):
    """Return all contexts that inherit from one."""
    return [each for below in kind.__subclasses__() for each in (below, *contexts_below(below))]


def fields_of(context):
    return {field.name for field in dataclasses.fields(context)}


CONTEXTS = [context for context in contexts_below(rendering.Context) if context.template]
FRAME = fields_of(rendering.Frame)


@pytest.mark.parametrize("name", ["macros.html", "elements.html"])
def test_macros_read_what_they_are_handed(name):
    assert read_by(name) == set()


def test_every_name_of_the_frame_is_read():
    assert set().union(*(read_by(context.template) for context in CONTEXTS)) >= FRAME


def test_each_template_has_one_context_or_is_part_of_another_template():
    files = [path.name for path in (WEB / "templates").glob("*.html")]
    parts = set().union(*(meta.find_referenced_templates(tree_of(name)) for name in files))
    rendered = [context.template for context in CONTEXTS]
    assert sorted(rendered) == sorted({*rendered})
    assert {*files} == {*rendered, *parts}


@pytest.mark.parametrize("context", CONTEXTS, ids=lambda context: context.template)
def test_template_reads_the_fields_of_its_context_and_nothing_else(context):
    assert read_by(context.template) - FRAME == fields_of(context)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.path)
def test_page_of_the_navigation_is_shown_from_a_context(page):
    """Each module of routes that the navigation leads to renders a context of its own."""
    modules = {route.endpoint.__module__ for route in page.router.routes}
    assert any(context.__module__ in modules for context in CONTEXTS)


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
