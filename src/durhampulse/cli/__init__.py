"""The command line: parse, one call to the library, print."""

from __future__ import annotations

import os
import sys
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, cast

import typer
from typer.core import TyperGroup
from typer.main import get_command

from durhampulse.cli import desk, health, scorer, studying
from durhampulse.cli.settings import configured, passwords_in
from durhampulse.exceptions import DurhamPulseError, InputError, OutputError
from durhampulse.extras import extra_of, way_to_install

__all__ = ["app", "command_line", "main"]

_EXTRA_OF_COMMAND = {"desk": "desk", "erase": "desk", "serve": "serve", "study": "study"}
"""Command to the extra it is part of; another extra may bring a module as well."""

_WARNING = (
    "the password of {} can be read in process lists and shell histories. Write *** in its place, "
    "and set DURHAMPULSE_DB_PASSWORD, or DURHAMPULSE_DB_PASSWORD_FILE to a file that holds it."
)

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None)
app.command()(studying.sample)
app.command()(studying.inspect)
app.command()(studying.study)
app.command()(studying.explain)
app.command()(scorer.score)
app.command()(scorer.serve)
app.command()(desk.erase)
app.command()(health.health)
app.add_typer(desk.desk_app, name="desk")
app.add_typer(scorer.model_app, name="model")
app.add_typer(scorer.key_app, name="key")


def _print_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"durhampulse {version('durhampulse')}")
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print it and end."),
    ] = False,
) -> None:
    """Of the thousands of creators who apply, who gets the sponsorship deal?"""


def command_line() -> TyperGroup:
    """Return all commands, with options that environment and file may set."""
    return configured(cast(TyperGroup, get_command(app)))


def main() -> None:
    """Run the command line; a deliberate error becomes one message and its exit code."""
    # The matrices here are small: BLAS with threads of its own loses more by waiting than it
    # wins, up to fifty times on busy cores. NumPy reads this when it is first imported.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    if sys.argv[1:2] == ["score"]:
        # Arrow's own pool gives pages back after each chunk, and fetching them anew costs a
        # twentieth of Parquet's time and a tenth of text's. It too is chosen at the first import.
        os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    if sys.stderr is None:  # as it is where a command is started without one
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - to the end
    if isinstance(sys.stdout, TextIOWrapper):
        # A table may hold letters that the encoding of a terminal or pipe has not.
        sys.stdout.reconfigure(errors="backslashreplace")
    for address in passwords_in(sys.argv[1:]):
        typer.echo(f"durhampulse: {_WARNING.format(address)}", err=True)
    try:
        command_line()(standalone_mode=True)
    except ModuleNotFoundError as error:
        extra = extra_of(str(error.name), _EXTRA_OF_COMMAND.get("".join(sys.argv[1:2])))
        if extra is None:
            raise
        typer.echo(f"durhampulse: this needs {error.name}, which is not installed.", err=True)
        typer.echo(way_to_install(extra), err=True)
        raise SystemExit(2) from None
    except _expected_errors() as error:
        clear = _as_message(error)
        if clear is None:
            raise
        typer.echo(f"durhampulse: {clear}", err=True)
        _discard_output()
        raise SystemExit(clear.exit_code) from None


def _expected_errors() -> tuple[type[Exception], ...]:
    """Return the errors that one message tells: ours, those of the system and of the store."""
    return (DurhamPulseError, OSError, MemoryError, SystemError, UnicodeEncodeError,
            *_store_errors())  # fmt: skip


def _store_errors() -> tuple[type[Exception], ...]:
    """Return what is raised where a database does not answer; nothing where none is in use."""
    database = sys.modules.get("durhampulse.desk.store.database")
    return database.AWAY if database else ()


def _as_message(error: BaseException) -> DurhamPulseError | None:
    """Return an error of the system as one that says what can be done; none for a defect."""
    if isinstance(error, DurhamPulseError):
        return error
    if isinstance(error, _store_errors()):
        return InputError(
            f"The store does not answer: {error.__cause__ or error}.",
            "Check its disk and its rights, then run it again.",
        )
    if isinstance(error, UnicodeEncodeError):
        return _as_name(error)
    from durhampulse.files.shortage import lacks_memory, shortage

    problem = shortage(error)
    if isinstance(error, SystemError) and not problem:
        return None
    if lacks_memory(error):
        return InputError(problem, "End other programs, take fewer rows, or a larger machine.")
    place = getattr(error, "filename", None)
    named = f"{place}: " if place else ""
    problem = problem or f"{getattr(error, 'strerror', None) or error}."
    return OutputError(f"{named}{problem}", "Make room or choose another place, then run it again.")


def _as_name(error: UnicodeEncodeError) -> InputError | None:
    """Return an error about a file's name whose bytes are no UTF-8; none for any other text."""
    if not "\udc80" <= error.object[error.start : error.start + 1] <= "\udcff":
        return None
    name = error.object[:200].encode("utf-8", "backslashreplace").decode()
    return InputError(f"{name}: the bytes of this name are no UTF-8.", "Give it another name.")


def _discard_output() -> None:
    """Send what could not be written to standard output nowhere, or it fails again at exit."""
    try:
        if sys.stdout is not None:  # as it is where a command is started without one
            sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
