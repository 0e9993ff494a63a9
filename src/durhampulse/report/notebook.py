"""The study as a notebook: made from its source, run from top to bottom, written in one piece."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from durhampulse.creators.frames import raw_cells
from durhampulse.creators.table import Creators
from durhampulse.exceptions import InputError, OutputError
from durhampulse.files.databases import (
    PASSWORD_VARIABLE,
    absolute,
    is_database,
    password_of,
    without_password,
)
from durhampulse.files.folders import replacing_folder
from durhampulse.report.kernel import execute
from durhampulse.study.request import Request

if TYPE_CHECKING:
    from nbformat import NotebookNode

__all__ = ["make_notebook", "part_names", "run_study"]

_PARTS = ("verdict", "part_a", "part_b", "part_c", "part_d", "part_e")
_TABLE = "creators.parquet"
_OURS = frozenset({"notebook.ipynb", "report.html", "model"})
_MAY_GO = _OURS | {
    "creators.csv", "creators.csv.provenance.json", _TABLE, "decisions.csv", "decisions.xlsx",
    "decisions.csv.provenance.json", "figures", "irregularities.csv", "not-scored.csv",
    ".ipynb_checkpoints", ".DS_Store",
}  # fmt: skip
"""What a study folder may hold for a new study to replace it: nothing somebody would miss."""


def make_notebook(request: Request) -> NotebookNode:
    """Return the notebook of a request, not yet run; the same request gives the same notebook."""
    import jupytext

    folder = files("durhampulse.report").joinpath("templates", "notebook")
    parts = (folder.joinpath(f"{name}.py").read_text(encoding="utf-8") for name in _PARTS)
    notebook = jupytext.reads("\n".join(parts), fmt="py:percent")
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
    """Return the cell that holds the request; its JSON never has three quotes in a row."""
    simulated = replace(request, source=request.source or "creators.csv")
    return f'request = study.Request.from_json(r"""\n{simulated.to_json()}\n""")'


def part_names(notebook: NotebookNode) -> list[str]:
    """Return for each cell the heading of the part it stands in."""
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
    source: Any,
    out: str | Path,
    *,
    progress: Callable[[str, float], object] = lambda _part, _share: None,
    **options: Any,
) -> dict[str, float]:
    """Run the notebook of a study and write the study folder, complete or not at all.

    The notebook runs in a process of its own, so that a table in memory is written to
    ``creators.parquet`` in the study folder, whole: there the notebook, run again, finds it.

    Parameters
    ----------
    source
        What to study: a file, a database address, a pandas, polars or Arrow table, None for the
        simulated market, or a :class:`.Request`, which names one of the first two.
    out
        The study folder, or a link to it; an earlier study there is replaced once the new one is
        complete.
    progress
        Called with the part's name and the share of cells done.
    options
        Fields of :class:`.Request` where `source` is none: ``columns={"Followers": "subs"}``.

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
    KeyboardInterrupt
        If it is interrupted; nothing is written then.
    """
    request, cells = _asked(source, options)
    out = Path(out).resolve()
    _require_place(out, request.source if cells is None else None)
    password = None
    if request.source is not None and cells is None:  # the notebook runs in another folder
        password = password_of(request.source) if is_database(request.source) else None
        request = replace(request, source=absolute(without_password(request.source)))
    if request.outcomes is not None:
        _require_place(out, request.outcomes)
        request = replace(request, outcomes=absolute(request.outcomes))
    with replacing_folder(out) as staging:
        staging.mkdir()  # as open as the umask allows, or as the folder it replaces
        if out.exists():
            staging.chmod(stat.S_IMODE(out.stat().st_mode) | stat.S_IRWXU)
        if cells is not None:
            pq.write_table(cells, staging / _TABLE, write_page_checksum=True)
        notebook = make_notebook(request)
        with _password_for_kernel(password):
            seconds = _execute(notebook, staging, progress)
        _write_notebook(notebook, staging / "notebook.ipynb")
    return seconds


@contextmanager
def _password_for_kernel(password: str | None) -> Iterator[None]:
    """Hand a database password to the notebook's process without writing it anywhere."""
    before = os.environ.get(PASSWORD_VARIABLE)
    if password is not None:
        os.environ[PASSWORD_VARIABLE] = password
    try:
        yield
    finally:
        if password is not None:
            del os.environ[PASSWORD_VARIABLE]
            os.environ.update({} if before is None else {PASSWORD_VARIABLE: before})


def _asked(source: Any, options: dict[str, Any]) -> tuple[Request, pa.Table | None]:
    """Return what to study, and the cells where they are in memory."""
    if isinstance(source, Request):
        return replace(source, **options), None
    if source is None or isinstance(source, str | Path):
        return Request(source=None if source is None else str(source), **options), None
    if isinstance(source, Creators):
        raise InputError(
            "The study reads its table itself, to tell what is odd about it.",
            "Pass what the creators were read from, and how, to run_study.",
        )
    return Request(source=_TABLE, **options), raw_cells(source)


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


def _execute(
    notebook: NotebookNode, folder: Path, progress: Callable[[str, float], object]
) -> dict[str, float]:
    names, clock = part_names(notebook), _Clock()

    def enter(number: int) -> None:
        clock.enter(names[number])
        progress(names[number], number / len(names))

    execute(notebook, folder, on_cell=enter)
    return clock.stop()


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


def _write_notebook(notebook: NotebookNode, path: Path) -> None:
    import nbformat

    notebook.metadata.pop("widgets", None)
    nbformat.validate(notebook)
    nbformat.write(notebook, path)
