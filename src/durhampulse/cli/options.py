"""Options that mean the same in every command, and progress bars."""

from __future__ import annotations

import getpass
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from durhampulse.files.formats import listed

__all__ = [
    "AsJson",
    "ModelFolder",
    "Seed",
    "SourceArgument",
    "parts_bar",
    "progress_bar",
    "rows_bar",
    "user_name",
]

Seed = Annotated[int, typer.Option(min=0, help="Same seed, same numbers.")]
SourceArgument = Annotated[
    str,
    typer.Argument(
        metavar="SOURCE", help=f"A {listed()} file, s3://, gs:// or az://, - or a database."
    ),
]
ModelFolder = Annotated[Path, typer.Option("--model", help="The model folder of a study.")]
AsJson = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]


def user_name() -> str:
    """Return who runs the command: by name, or by number where a container knows no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"user {os.getuid()}"


@contextmanager
def progress_bar(total: int) -> Iterator[Callable[[int], object]]:
    """Count rows that are simulated."""
    from rich.progress import Progress

    with Progress(transient=True, disable=not sys.stderr.isatty(), console=_stderr()) as bar:
        task = bar.add_task("Simulating", total=total)
        yield lambda n: bar.advance(task, n)


@contextmanager
def parts_bar() -> Iterator[Callable[[str, float], object]]:
    """Show which part of a study runs; off a terminal by a line for each part."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    if not sys.stderr.isatty():
        yield _part_lines()
        return
    columns = (TextColumn("{task.description:<42}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, transient=True, console=_stderr()) as bar:
        task = bar.add_task("Starting", total=1.0)
        yield lambda part, share: bar.update(task, description=part, completed=share)


def _part_lines() -> Callable[[str, float], object]:
    names: list[str] = []

    def show(part: str, _share: float) -> None:
        if part not in names:
            names.append(part)
            typer.echo(f"{part} ...", err=True)

    return show


def _stderr() -> Any:
    from rich.console import Console

    return Console(stderr=True)


@contextmanager
def rows_bar() -> Iterator[Callable[[int, float], object]]:
    """Show the share of the work done, the rows a second and the time left, on a terminal."""
    if not sys.stderr.isatty():  # what draws it takes a tenth of the time to start
        yield lambda _rows, _done: None
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("Scoring"),
        BarColumn(),
        TextColumn("{task.fields[rows]:>14,} rows  {task.fields[rate]:>11,.0f} a second"),
        TimeRemainingColumn(),
    )
    start = time.perf_counter()
    with Progress(*columns, transient=True, console=_stderr()) as bar:
        task = bar.add_task("", total=1.0, rows=0, rate=0.0)

        def show(rows: int, done: float) -> None:
            rate = rows / max(time.perf_counter() - start, 1e-9)
            bar.update(task, completed=done, rows=rows, rate=rate)

        yield show
