"""The command line: parse, one call to the library, print."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from durhampulse.cli import desk, scorer, studying
from durhampulse.exceptions import DurhamPulseError

__all__ = ["app", "main"]

_EXTRAS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("uvicorn", "fastapi", "starlette", "prometheus_client"), ("serve", "desk")),
    **dict.fromkeys(("distributed", "dask", "fsspec"), ("dask",)),
    **dict.fromkeys(("catboost", "jax", "jupytext", "keras", "matplotlib"), ("study",)),
    **dict.fromkeys(("nbclient", "nbformat", "sklearn"), ("study",)),
    **dict.fromkeys(("jinja2", "scipy", "sqlalchemy"), ("study", "desk")),
    **dict.fromkeys(("alembic", "argon2", "multipart", "psycopg"), ("desk",)),
}
"""Module to the extras that bring it."""
_EXTRA_OF_COMMAND = {"desk": "desk", "erase": "desk", "serve": "serve", "study": "study"}


def _extra(module: str, command: str) -> str | None:
    """Return the extra to install for a module that a command lacks; None if none brings it.

    Examples
    --------
    >>> _extra("sqlalchemy", "erase"), _extra("sqlalchemy", "inspect"), _extra("psycopg", "study")
    ('desk', 'study', 'desk')
    """
    extras = _EXTRAS.get(module.partition(".")[0], ())
    wanted = _EXTRA_OF_COMMAND.get(command)
    return wanted if wanted in extras else next(iter(extras), None)


app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command()(studying.sample)
app.command()(studying.inspect)
app.command()(studying.study)
app.command()(studying.explain)
app.command()(scorer.score)
app.command()(scorer.serve)
app.command()(desk.desk)
app.command()(desk.erase)
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


def main() -> None:
    """Run the command line; a deliberate error becomes one message and its exit code."""
    # The matrices here are small: BLAS with threads of its own loses more by waiting than it
    # wins, up to fifty times on busy cores. NumPy reads this when it is first imported.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        app(standalone_mode=True)
    except ModuleNotFoundError as error:
        extra = _extra(str(error.name), "".join(sys.argv[1:2]))
        if extra is None:
            raise
        typer.echo(f"durhampulse: this needs {error.name}, which is not installed.", err=True)
        typer.echo(f"Install it: pip install 'durhampulse[{extra}]'", err=True)
        raise SystemExit(2) from None
    except DurhamPulseError as error:
        typer.echo(f"durhampulse: {error}", err=True)
        raise SystemExit(error.exit_code) from None
