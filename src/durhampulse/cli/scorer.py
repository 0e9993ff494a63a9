"""Commands of the engineer: score files, look into a model, serve it."""

from __future__ import annotations

import json
from contextlib import nullcontext
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from durhampulse.cli.hosting import hosted
from durhampulse.cli.options import AsJson, ModelFolder, rows_bar, user_name
from durhampulse.cli.reading import reads_table
from durhampulse.exceptions import InputError
from durhampulse.files.formats import WRITABLE, listed

if TYPE_CHECKING:
    from durhampulse.creators.options import ReadOptions
    from durhampulse.scoring.scorer import Scorer
    from durhampulse.scoring.summary import Summary
    from durhampulse.service.settings import Hosting

__all__ = ["key_app", "model_app", "score", "serve"]

model_app = typer.Typer(help="Look into a model folder.", no_args_is_help=True)
key_app = typer.Typer(help="API keys of the service.", no_args_is_help=True)


class Engine(StrEnum):
    """Where a table is scored."""

    LOCAL = "local"
    DASK = "dask"


Folder = Annotated[Path, typer.Argument(metavar="MODEL", help="A model folder.")]


@reads_table(without=("query", "deal_is", "no_deal_is", "outcomes", "considered"))
def score(  # noqa: PLR0913 - a command has as many options as it has
    inputs: Annotated[
        list[str],
        typer.Argument(metavar="IN", help=f"{listed()}; globs; s3://, gs://, az://; or -."),
    ],
    out: Annotated[str, typer.Option("-o", "--out", help=f"{listed(WRITABLE)}; or - for CSV.")],
    model: ModelFolder,
    options: ReadOptions,
    top: Annotated[int | None, typer.Option(min=1, help="Keep only the best, ranked.")] = None,
    reasons: Annotated[
        bool, typer.Option("--reasons", help="Add reasons; some hundred creators a second.")
    ] = False,
    crm: Annotated[
        str, typer.Option("--crm", help="Write what dynamics, hubspot or salesforce imports.")
    ] = "",
    engine: Annotated[Engine, typer.Option(help="Where to score.")] = Engine.LOCAL,
    scheduler: Annotated[
        str | None, typer.Option(help="Address of the Dask scheduler, for --engine dask.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Score files of any size into one file, every row in its place.

    Inputs and OUT may lie in an object store, such as s3://bucket/new/*.parquet; - is standard
    input or output. With --engine dask OUT is a folder of Parquet files.

    Example: durhampulse score new.parquet -o scored.parquet --model durhampulse-study/model
    """
    from durhampulse.deferred import pandas_hidden
    from durhampulse.files.cage import Cage

    plain = engine is Engine.LOCAL and top is None and not reasons  # no tables of pandas'
    hidden = pandas_hidden() if plain else nullcontext()
    with Cage() as cage, rows_bar() as show, hidden:
        cage.start()
        from durhampulse.scoring.batch import score_files
        from durhampulse.scoring.scorer import load_model

        scorer = load_model(model, cage=cage, explains=reasons)
        if engine is Engine.DASK:
            address = _require_scheduler(scheduler, top=top, reasons=reasons, crm=crm)
            from durhampulse.scoring.cluster import score_on_cluster

            summary = score_on_cluster(
                model, inputs, out, options, scheduler=address, cage=cage, progress=show
            )
        else:
            summary = score_files(
                scorer, inputs, out, options,
                top=top, reasons=reasons, crm=crm, cage=cage, progress=show,
            )  # fmt: skip
    _print_summary(summary, scorer, out, as_json=as_json, in_parts=engine is Engine.DASK)
    if scorer.refusal:
        raise typer.Exit(1)


def _print_summary(
    summary: Summary, scorer: Scorer, out: str, *, as_json: bool, in_parts: bool
) -> None:
    """Print what became of a table, beside it where the table itself goes to standard output."""
    aside = out == "-"
    if as_json:
        typer.echo(json.dumps(summary.to_dict(scorer), indent=2), err=aside)
    else:
        typer.echo(summary.text(scorer), err=aside)
        rate = summary.rows / max(summary.seconds, 1e-9)
        where = "standard output" if aside else out
        seconds = f"{summary.seconds:.1f} s, {rate:,.0f} rows a second"
        typer.echo(f"Written in {seconds}: {where}", err=aside)
        if summary.refused and not aside:
            where = f"{out}/refused/" if in_parts else f"{out}.refused.csv"
            typer.echo(f"Refused rows, each with its reason: {where}")


def _require_scheduler(scheduler: str | None, *, top: int | None, reasons: bool, crm: str) -> str:
    if scheduler is None:
        raise InputError("--engine dask: which cluster?", "Add --scheduler tcp://HOST:8786.")
    if top is not None or reasons or crm:
        raise InputError(
            "--engine dask gives neither --top, --reasons nor --crm.",
            "Score first, then take the best of the result.",
        )
    return scheduler


@model_app.command()
def show(folder: Folder, as_json: AsJson = False) -> None:
    """Show what a model is, how good it is and what it needs.

    Example: durhampulse model show durhampulse-study/model
    """
    from durhampulse.files.cage import Cage
    from durhampulse.scoring.artifact import read_model
    from durhampulse.scoring.model import describe

    with Cage() as cage:
        model = read_model(folder, cage=cage)
    typer.echo(json.dumps(model.manifest, indent=2) if as_json else describe(model))


@model_app.command()
def verify(folder: Folder) -> None:
    """Check that a model folder is undamaged, holds data only, and scores.

    Its hashes stand in the folder itself: they do not say who made it.

    Example: durhampulse model verify durhampulse-study/model
    """
    from durhampulse.files.cage import Cage
    from durhampulse.scoring.artifact import read_model

    with Cage() as cage:
        model = read_model(folder, cage=cage)
    for name, stated in model.manifest["files"].items():
        size, digest = stated["bytes"], stated["sha256"]
        typer.echo(f"{name}: {size:,} bytes, SHA-256 {digest[:16]}... as stated")
    typer.echo(f"{folder}: undamaged; it holds data only, and scores.")
    typer.echo("The hashes stand in the folder itself: they do not say who made it.")


@model_app.command()
def export(
    folder: Folder,
    to: Annotated[str, typer.Option(help="js, sql or onnx.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="The file to write.")],
    dialect: Annotated[
        str, typer.Option(help="Of SQL: duckdb, postgres, sqlite, bigquery or snowflake.")
    ] = "duckdb",
    table: Annotated[str, typer.Option(help="The table that a query reads.")] = "creators",
) -> None:
    """Write a model out as a program of its own, which scores as the model does.

    Units, levels, refusals, missing precedents, intervals and bands are part of it.

    Example: durhampulse model export durhampulse-study/model --to js --out scorer.js
    """
    from durhampulse.export.targets import ExportOptions, export_model
    from durhampulse.files.cage import Cage

    with Cage() as cage:
        size = export_model(folder, to, out, ExportOptions(dialect, table), cage=cage)
    typer.echo(f"{out}: {size:,} bytes.")


@hosted(level="info")
def serve(  # noqa: PLR0913 - one for each option
    model: ModelFolder,
    hosting: Hosting,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on.")] = 8000,
    keys: Annotated[Path | None, typer.Option(help="File of API keys; see key add.")] = None,
    rate: Annotated[
        float, typer.Option(min=0, help="Requests a second for each key; 0 for no limit.")
    ] = 2_000,
    largest_body: Annotated[int, typer.Option(min=1, help="Largest body, in bytes.")] = 8 << 20,
    work: Annotated[
        float,
        typer.Option(min=0, help="Seconds of a processor for each key in a second; 0: no limit."),
    ] = 0.8,
    hsts: Annotated[
        bool, typer.Option("--hsts", help="Tell browsers to come by TLS alone; behind a proxy.")
    ] = False,
) -> None:
    """Serve a model over HTTP; documentation at /docs.

    Example: durhampulse serve --model durhampulse-study/model --port 8000
    """
    from durhampulse.service.server import run
    from durhampulse.service.settings import Limits

    limits = Limits(body=largest_body, rate=rate, work=work, hsts=hsts)
    run(model, host=host, port=port, keys=keys, limits=limits, hosting=hosting)


KeyFile = Annotated[Path, typer.Option("--keys", help="File of API keys.")]


@key_app.command()
def add(
    name: Annotated[str, typer.Argument(help="Whose key it is.")],
    keys: KeyFile,
    scopes: Annotated[
        list[str] | None, typer.Option("--scope", help="score, explain, model or metrics.")
    ] = None,
    days: Annotated[
        int | None, typer.Option(min=1, max=3_650, help="Days after which it is refused.")
    ] = None,
) -> None:
    """Make an API key and show it this once; only its hash is kept.

    The file is made if there is none. A service that runs admits the key at once.

    Example: durhampulse key add crm --keys keys.json --scope score
    """
    from durhampulse.service.keys import add_key

    typer.echo(add_key(keys, name, scopes or ["score", "explain", "model"], days=days))


@key_app.command("list")
def list_keys(keys: KeyFile, as_json: AsJson = False) -> None:
    """Show whose keys there are and were, what each may do, since when and until when.

    Example: durhampulse key list --keys keys.json
    """
    from durhampulse.service.keys import read_keys

    shown = ("name", "scopes", "created", "expires", "revoked", "revoked_by")
    records = [{name: getattr(key, name) for name in shown} for key in read_keys(keys)]
    if as_json:
        typer.echo(json.dumps(records, indent=2))
    else:
        for record in records:
            until = f", expires {record['expires']}" if record["expires"] else ""
            scopes = ", ".join(record["scopes"])
            if record["revoked"]:
                until = f", revoked {record['revoked']} by {record['revoked_by']}"
            typer.echo(f"{record['name']}: {scopes}; {record['created']}{until}")


@key_app.command()
def revoke(name: Annotated[str, typer.Argument(help="Whose key it is.")], keys: KeyFile) -> None:
    """Revoke an API key; a service that runs refuses it at once, and the list keeps it.

    Example: durhampulse key revoke crm --keys keys.json
    """
    from durhampulse.service.keys import revoke_key

    revoke_key(keys, name, user_name())
    typer.echo(f"{name}: revoked.")
