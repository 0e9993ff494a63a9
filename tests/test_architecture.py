"""The house: imports go one way, and its size stays readable."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import durhampulse

ROOT = Path(durhampulse.__file__).parent

# From the ground up: a room may use what stands before it, never what stands after it.
FLOORS = [
    ["exceptions"],
    ["creators.schema", "creators.irregularities", "creators.cells", "creators.tiers",
     "creators.block", "creators.databases", "creators.workbooks"],
    ["creators.sources", "creators.roles", "creators.market", "creators.headers",
     "creators.units"],
    ["creators.table", "creators.sampling", "creators.rows", "creators.stream"],
    ["creators.rawframe", "creators.reading", "creators.blockreader"],
    ["creators"],
    ["exploration", "codes", "peers", "profile"],
    ["features"],
    ["models"],
    ["models.weights"],
    ["models.classifiers"],
    ["models.mlp", "models.fitted"],
    ["models.cnn", "models.ensemble", "models.training", "models.distillation"],
    ["models.champion"],
    ["evaluation"],
    ["evaluation.metrics", "evaluation.calibration", "evaluation.signal", "evaluation.verdict"],
    ["evaluation.drift", "evaluation.groups", "evaluation.leaks"],
    ["evaluation.judgement"],
    ["decision", "explanation", "export"],
    ["reasons", "artifact"],
    ["parts", "estimator", "account"],
    ["scoring"],
    ["summary", "ranking"],
    ["batch"],
    ["distributed"],
    ["service", "service.settings"],
    ["service.keys", "service.records", "service.schemas", "service.guard"],
    ["service.served"],
    ["service.app"],
    ["service.server"],
    ["desk", "desk.store"],
    ["desk.store.tables"],
    ["desk.store.database", "desk.store.migrations", "desk.store.migrations.env",
     "desk.store.migrations.versions", "desk.store.migrations.versions.v0001_first",
     "desk.store.migrations.versions.v0002_tries"],
    ["desk.audit", "desk.bulk", "desk.niches", "desk.rules"],
    ["desk.catalogue", "desk.erasure", "desk.people", "desk.view", "desk.reasons", "desk.jobs"],
    ["desk.staging", "desk.listexport"],
    ["desk.shortlist", "desk.reviewing", "desk.intake", "desk.learning", "desk.understanding"],
    ["desk.claims", "desk.planning", "desk.portrait", "desk.retraining", "desk.worker"],
    ["desk.web"],
    ["desk.web.state"],
    ["desk.web.access", "desk.web.rendering"],
    ["desk.web.listing"],
    ["desk.web.creators", "desk.web.queue", "desk.web.imports", "desk.web.campaigns",
     "desk.web.models", "desk.web.people", "desk.web.api"],
    ["desk.web.outcomes"],
    ["desk.web.app"],
    ["desk.server"],
    ["study", "interpretation"],
    ["advice"],
    ["report"],
    ["report.plots", "report.tables"],
    ["report.context", "report.display"],
    ["report.rendering"],
    ["report.folder", "report.notebook"],
    ["cli.options"],
    ["cli.studying", "cli.scorer", "cli.desk"],
    ["cli"],
]  # fmt: skip
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}


def modules():
    for path in sorted(ROOT.rglob("*.py")):
        if "templates" not in path.parts and path != ROOT / "__init__.py":
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            yield name.removesuffix(".__init__"), path


def imports(path):
    """Every module of the package that a file imports, inside functions too."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("durhampulse"):
            base = node.module.removeprefix("durhampulse").lstrip(".")
            for alias in node.names:
                inner = f"{base}.{alias.name}".lstrip(".")
                yield inner if inner in FLOOR else base
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.startswith("durhampulse."):
                    yield alias.name.removeprefix("durhampulse.")


@pytest.mark.parametrize(("name", "path"), list(modules()))
def test_imports_go_one_way(name, path):
    assert name in FLOOR, f"{name} has no place in the house"
    upward = [room for room in imports(path) if FLOOR[room] >= FLOOR[name]]
    assert not upward, f"{name} reaches up to {upward}"


@pytest.mark.parametrize(("name", "path"), list(modules()))
def test_modules_and_functions_stay_readable(name, path):
    source = path.read_text()
    assert source.count("\n") <= 400, name
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef) and "migrations" not in name:  # lists of tables
            doc = (
                node.body[0].end_lineno - node.body[0].lineno + 1 if ast.get_docstring(node) else 0
            )
            assert node.end_lineno - node.lineno - doc <= 50, f"{name}.{node.name}"


def loaded_by(code):
    out = subprocess.check_output(
        [sys.executable, "-c", f"{code}\nimport sys\nprint(*sys.modules)"]
    )
    return set(out.decode().split())


def test_the_public_surface():
    assert durhampulse.__all__ == sorted(durhampulse.__all__)
    for name in durhampulse.__all__:
        assert getattr(durhampulse, name) is not None
    with pytest.raises(AttributeError):
        durhampulse.nonsense  # noqa: B018


@pytest.mark.parametrize(
    "code",
    [
        "import durhampulse as dp; dp.read_creators; dp.simulate_market; dp.load_model",
        "import durhampulse.scoring, durhampulse.batch",
        "import durhampulse.service.app",
        "import durhampulse.distributed",
        "import durhampulse.desk.server",
    ],
)
def test_scoring_and_serving_need_no_training_library(code):
    heavy = {"sklearn", "keras", "jax", "catboost", "matplotlib", "scipy"}
    assert not heavy & loaded_by(code)


def test_the_command_line_alone_loads_nothing_heavy():
    heavy = {"pandas", "pyarrow", "numpy", "fastapi", "distributed"}
    assert not heavy & loaded_by("import durhampulse.cli")
