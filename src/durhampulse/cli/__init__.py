"""The command line: parse, one call to the library, print."""

from __future__ import annotations

import os

import typer

from durhampulse.cli import desk, scorer, studying
from durhampulse.exceptions import DurhamPulseError

__all__ = ["app", "main"]

_EXTRAS = {
    **dict.fromkeys(("uvicorn", "fastapi", "starlette", "prometheus_client"), "serve"),
    **dict.fromkeys(("distributed", "dask", "fsspec"), "dask"),
    **dict.fromkeys(("catboost", "jax", "jinja2", "jupytext", "keras", "matplotlib"), "study"),
    **dict.fromkeys(("nbclient", "nbformat", "scipy", "sklearn", "sqlalchemy"), "study"),
    **dict.fromkeys(("alembic", "argon2", "multipart", "psycopg"), "desk"),
}
"""Module to the extra that brings it."""

app = typer.Typer(
    help="Of the thousands of creators who apply, who gets the sponsorship deal?",
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


def main() -> None:
    """Run the command line; a deliberate error becomes one message and its exit code."""
    # The matrices here are small: BLAS with threads of its own loses more by waiting than it
    # wins, up to fifty times on busy cores. NumPy reads this when it is first imported.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        app(standalone_mode=True)
    except ModuleNotFoundError as error:
        extra = _EXTRAS.get(str(error.name).partition(".")[0])
        if extra is None:
            raise
        typer.echo(f"durhampulse: this needs {error.name}, which is not installed.", err=True)
        typer.echo(f"Install it: pip install 'durhampulse[{extra}]'", err=True)
        raise SystemExit(2) from None
    except DurhamPulseError as error:
        typer.echo(f"durhampulse: {error}", err=True)
        raise SystemExit(error.exit_code) from None
