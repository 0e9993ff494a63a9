"""The study as a notebook: made from its source, run from top to bottom, written in one piece."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from durhampulse import exceptions
from durhampulse.creators.units import Unit
from durhampulse.decision.bands import Thresholds
from durhampulse.exceptions import CannotJudgeError, DurhamPulseError, OutputError
from durhampulse.files.databases import absolute, is_database

if TYPE_CHECKING:
    from nbformat import NotebookNode

__all__ = ["Request", "make_notebook", "part_names", "run_study"]

_NAME = "influencer_sponsorship.py"
_OURS = frozenset({"notebook.ipynb", "report.html", "model"})
_MAY_GO = _OURS | {
    "creators.csv", "creators.csv.provenance.json", "decisions.csv", "decisions.xlsx",
    "decisions.csv.provenance.json", "figures", "irregularities.csv", "not-scored.csv",
    ".ipynb_checkpoints", ".DS_Store",
}  # fmt: skip
"""What a study folder may hold for a new study to replace it: nothing somebody would miss."""


@dataclass(frozen=True)
class Request:
    """What to study.

    Attributes
    ----------
    source
        Path or database address; None for the built-in simulated market.
    columns, units, table, query
        As for :func:`durhampulse.read_creators`.
    thresholds
        Where the bands begin.
    drop_leaks, time, group
        As for :func:`durhampulse.study.judge`.
    seed
        Of split, models and the simulated market.
    """

    source: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, Unit] = field(default_factory=dict)
    table: str | None = None
    query: str | None = None
    thresholds: Thresholds = field(default_factory=Thresholds)
    drop_leaks: bool = False
    time: str | None = None
    group: str | None = None
    seed: int = 0


def make_notebook(request: Request) -> NotebookNode:
    """Make the notebook of a request, not yet run; the same request gives the same notebook."""
    import jupytext

    source = files("durhampulse.report").joinpath("templates", _NAME).read_text(encoding="utf-8")
    notebook = jupytext.reads(source, fmt="py:percent")
    if request.source is not None:
        notebook.cells = [c for c in notebook.cells if "simulated" not in _tags(c)]
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number:02}"
        if "parameters" in _tags(cell):
            cell.source = _parameters(request)
    notebook.metadata.pop("jupytext", None)
    return notebook


def _tags(cell: NotebookNode) -> list[str]:
    return list(cell.metadata.get("tags", []))


def _parameters(request: Request) -> str:
    thresholds = request.thresholds
    return "\n".join(
        [
            f"SOURCE = {json.dumps(request.source or 'creators.csv', ensure_ascii=False)}",
            f"COLUMNS = {dict(request.columns)!r}",
            f"UNITS = {dict(request.units)!r}",
            f"TABLE = {request.table!r}",
            f"QUERY = {request.query!r}",
            f"SEED = {request.seed}",
            f"THRESHOLDS = Thresholds(yes_at={thresholds.yes_at!r}, "
            f"review_at={thresholds.review_at!r})",
            f"DROP_LEAKS = {request.drop_leaks}",
            f"TIME = {request.time!r}",
            f"GROUP = {request.group!r}",
            'FOLDER = "."',
        ]
    )


def part_names(notebook: NotebookNode) -> list[str]:
    """Give each cell the heading of the part it stands in."""
    names, current = [], "Setting up"
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            headings = [line for line in cell.source.splitlines() if line.startswith("## ")]
            headings = headings or [
                line for line in cell.source.splitlines() if line.startswith(("# Part", "# First"))
            ]
            if headings:
                current = headings[-1].lstrip("# ")
        names.append(current)
    return names


def run_study(
    request: Request,
    out: str | Path,
    *,
    progress: Callable[[str, float], object] = lambda _part, _share: None,
) -> dict[str, float]:
    """Run the notebook of a request and write the study folder, complete or not at all.

    Parameters
    ----------
    request
        What to study.
    out
        The study folder; an earlier study there is replaced once the new one is complete.
    progress
        Called with the part's name and the share of cells done.

    Returns
    -------
    dict
        Seconds by part.

    Raises
    ------
    DurhamPulseError
        Whatever the study raised, unchanged.
    OutputError
        If the folder cannot be written or holds other things.
    """
    out = Path(out).absolute()
    _require_place(out, request.source)
    if request.source is not None:  # the notebook runs in another folder
        request = replace(request, source=absolute(request.source))
    try:
        staging = Path(tempfile.mkdtemp(prefix=".durhampulse-", dir=out.parent))
    except OSError as error:
        raise OutputError(f"{out.parent}: {error.strerror}.", "Choose another --out.") from error
    try:
        notebook = make_notebook(request)
        seconds = _execute(notebook, staging, progress)
        _write_notebook(notebook, staging / "notebook.ipynb")
        staging.chmod(0o755)
        _move(staging, out)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return seconds


def _require_place(out: Path, source: str | None) -> None:
    if out.exists() and not out.is_dir():
        raise OutputError(f"{out}: there is a file of this name.", "Choose another --out.")
    names = set(_names(out)) if out.is_dir() else set()
    strange = sorted(names - _MAY_GO)
    if strange or (names and not names >= _OURS):
        raise OutputError(
            f"{out}: the folder holds something other than an earlier study"
            + (f": {', '.join(strange[:3])}." if strange else "."),
            "Choose an empty or new folder with --out, or move what is yours.",
        )
    if source and not is_database(source) and Path(source).resolve().is_relative_to(out.resolve()):
        raise OutputError(
            f"{out}: it holds {Path(source).name}, which is to be studied.",
            "Choose another folder with --out.",
        )
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{out.parent}: {error.strerror}.", "Choose another --out.") from error


def _names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def _move(staging: Path, out: Path) -> None:
    """Put the new study where the old one was; the old one is gone only then."""
    old = staging.with_name(staging.name + "-old")
    if out.exists():
        out.rename(old)
    staging.rename(out)
    shutil.rmtree(old, ignore_errors=True)


def _execute(
    notebook: NotebookNode, folder: Path, progress: Callable[[str, float], object]
) -> dict[str, float]:
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, DeadKernelError

    names, clock = part_names(notebook), _Clock()

    def start(cell: NotebookNode, cell_index: int) -> None:  # noqa: ARG001 - nbclient's names
        clock.enter(names[cell_index])
        progress(names[cell_index], cell_index / len(names))

    with tempfile.TemporaryDirectory(prefix="durhampulse-") as sockets:
        client = NotebookClient(
            notebook,
            config=_kernel_config(sockets),
            kernel_name="python3",
            timeout=None,
            record_timing=False,
            resources={"metadata": {"path": str(folder)}},
            on_cell_start=start,
        )
        try:
            client.execute()
        except CellExecutionError as error:
            raise _as_raised(error) from None
        except DeadKernelError as error:
            raise CannotJudgeError(
                "The notebook's process was ended from outside, most often for want of memory.",
                "Study fewer rows, or use a machine with more memory.",
            ) from error
    return clock.stop()


def _kernel_config(sockets: str) -> Any:
    """Talk to the notebook's process through files where that works: no port is opened."""
    from traitlets.config import Config

    if sys.platform == "win32":
        return Config()
    return Config(KernelManager={"transport": "ipc", "ip": f"{sockets}/kernel"})


class _Clock:
    """Adds up the seconds spent in each part."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.since, self.part = time.perf_counter(), "Setting up"

    def enter(self, part: str) -> None:
        now = time.perf_counter()
        self.seconds[self.part] = self.seconds.get(self.part, 0.0) + now - self.since
        self.since, self.part = now, part

    def stop(self) -> dict[str, float]:
        self.enter("")
        return self.seconds


def _as_raised(error: Any) -> Exception:
    """Give back the deliberate error a cell raised; any other one is a defect and stays whole."""
    kind = getattr(exceptions, str(error.ename), None)
    if isinstance(kind, type) and issubclass(kind, DurhamPulseError):
        problem, _, way_out = str(error.evalue).partition("\n")
        return kind(problem, way_out)
    if str(error.ename) in ("OSError", "PermissionError"):
        return OutputError(
            f"The study folder: {error.evalue}.", "Make room, or choose another --out."
        )
    return RuntimeError(str(error))


def _write_notebook(notebook: NotebookNode, path: Path) -> None:
    import nbformat

    notebook.metadata.pop("widgets", None)
    nbformat.validate(notebook)
    nbformat.write(notebook, path)
