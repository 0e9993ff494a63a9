"""The layers: imports go one way, and modules and functions stay short."""

from __future__ import annotations

import ast
import graphlib
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

import durhampulse
from tests.layers import DESK_LAYERS, LAYERS

ROOT = Path(durhampulse.__file__).parent

# A package may import from those before it, never from those after it.


def modules():
    for path in sorted(ROOT.rglob("*.py")):
        if "templates" not in path.parts and path != ROOT / "__init__.py":
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            yield name.removesuffix(".__init__"), path


MODULES = dict(modules())


@cache
def nodes(path):
    return tuple(ast.walk(ast.parse(path.read_text())))


def imports(path):
    """Every module of the package that a file imports, inside functions too."""
    for node in nodes(path):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("durhampulse"):
            base = node.module.removeprefix("durhampulse").lstrip(".")
            for alias in node.names:
                inner = f"{base}.{alias.name}".lstrip(".")
                yield inner if inner in MODULES else base
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.startswith("durhampulse."):
                    yield alias.name.removeprefix("durhampulse.")


def layer(name, layers, depth=0):
    parts = name.split(".")
    return layers.index(parts[depth]) if len(parts) > depth else len(layers)


def is_above(other, name):
    """Whether a module lies in a later layer than another."""
    both_of_desk = name.startswith("desk.") and other.startswith("desk.")
    return layer(other, LAYERS) > layer(name, LAYERS) or (
        both_of_desk and layer(other, DESK_LAYERS, 1) > layer(name, DESK_LAYERS, 1)
    )


def test_packages_import_only_from_lower_layers():
    upward = [
        f"{name} imports {other}"
        for name, path in MODULES.items()
        for other in imports(path)
        if other and is_above(other, name)
    ]
    assert upward == []


def test_what_another_module_imports_is_exported():
    exported = {
        name: set(ast.literal_eval(node.value))
        for name, path in MODULES.items()
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
    }
    assert [
        f"{name} imports {alias.name} of {source}"
        for name, path in MODULES.items()
        for node in nodes(path)
        if isinstance(node, ast.ImportFrom) and node.module
        for source in [node.module.removeprefix("durhampulse.")]
        for alias in node.names
        if alias.name not in exported.get(source, {alias.name})
        and f"{source}.{alias.name}" not in MODULES
    ] == []


def test_no_test_module_imports_another():
    """What tests share lies in modules of its own: else a file of tests cannot be moved or cut."""
    tests = Path(__file__).parent
    assert [
        f"{path.relative_to(tests)}: {ast.unparse(node)}"
        for path in sorted(tests.rglob("*.py"))
        for node in nodes(path)
        if isinstance(node, ast.Import | ast.ImportFrom)
        and re.search(r"(from|import) (tests|\.).*\btest_", ast.unparse(node))
    ] == []


def test_import_graph_has_no_cycle():
    graph = {name: {other for other in imports(path) if other} for name, path in MODULES.items()}
    for name, used in graph.items():  # a package's __init__ re-exports its own modules
        graph[name] = {other for other in used if not name.startswith(f"{other}.")}
    list(graphlib.TopologicalSorter(graph).static_order())


def test_modules_keep_their_length_limit():
    lines = {name: path.read_text().count("\n") for name, path in MODULES.items()}
    assert {name: n for name, n in lines.items() if n > 400} == {}


def test_functions_keep_their_length_limit():
    long = [
        f"{name}.{node.name}"
        for name, path in MODULES.items()
        if "migrations" not in name  # lists of tables
        for node in nodes(path)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno - node.lineno - length_of_docstring(node) > 50
    ]
    assert long == []


def test_dataclasses_of_five_fields_are_built_by_keyword():
    positional = [
        f"{name}.{node.name}"
        for name, path in MODULES.items()
        for node in nodes(path)
        if isinstance(node, ast.ClassDef)
        and any("dataclass" in (text := ast.unparse(d)) and "kw_only=True" not in text
                for d in node.decorator_list)
        and sum(isinstance(field, ast.AnnAssign) for field in node.body) > 4
    ]  # fmt: skip
    assert positional == []


def length_of_docstring(node):
    return node.body[0].end_lineno - node.body[0].lineno + 1 if ast.get_docstring(node) else 0


def loaded_by(code):
    out = subprocess.check_output(
        [sys.executable, "-c", f"{code}\nimport sys\nprint(*sys.modules)"]
    )
    return set(out.decode().split())


def test_public_names_are_sorted_and_importable():
    assert durhampulse.__all__ == sorted(durhampulse.__all__)
    for name in durhampulse.__all__:
        assert getattr(durhampulse, name) is not None
    with pytest.raises(AttributeError):
        durhampulse.nonsense  # noqa: B018


def test_scoring_and_serving_import_no_training_library():
    heavy = {"sklearn", "keras", "jax", "catboost", "matplotlib", "scipy"}
    code = "import durhampulse as dp; dp.read_creators; dp.simulate_market; dp.load_model"
    for name in (
        "scoring.scorer",
        "scoring.batch",
        "scoring.cluster",
        "service.app",
        "desk.server",
    ):
        code += f"; import durhampulse.{name}"
    assert not heavy & loaded_by(code)


def test_importing_cli_loads_no_heavy_library():
    heavy = {"pandas", "pyarrow", "numpy", "fastapi", "distributed"}
    assert not heavy & loaded_by("import durhampulse.cli")


def test_scoring_files_loads_no_pandas(tmp_path):
    out, demo = tmp_path / "out.csv", ROOT / "desk" / "demo"
    arguments = [
        "score",
        str(demo / "creators.csv"),
        "-o",
        str(out),
        "--model",
        str(demo / "model"),
    ]
    command = "from durhampulse.cli import command_line"
    code = f"{command}; command_line()({arguments!r}, standalone_mode=False)"
    assert "pandas" not in loaded_by(code)
    assert out.exists()
