"""The command line: parse, one call to the library, print."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from durhampulse.exceptions import DurhamPulseError, InputError

if TYPE_CHECKING:
    from durhampulse.creators.units import Unit
    from durhampulse.parts import Inspection

__all__ = ["app", "main"]

app = typer.Typer(
    help="Of the thousands of creators who apply, who gets the sponsorship deal?",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Map = Annotated[
    list[str] | None,
    typer.Option("--map", metavar="COLUMN=HEADER", help="Which header holds a standard column."),
]
Units = Annotated[
    list[str] | None,
    typer.Option("--unit", metavar="COLUMN=UNIT", help="fraction or percent, for a rate column."),
]
Table = Annotated[str | None, typer.Option(help="Table to read, if SOURCE is a database.")]
Query = Annotated[str | None, typer.Option(help="Query to read, if SOURCE is a database.")]
Seed = Annotated[int, typer.Option(min=0, help="Same seed, same numbers.")]
SourceArgument = Annotated[
    str,
    typer.Argument(metavar="SOURCE", help="A .csv, .tsv, .xlsx or .parquet file, or a database."),
]


@app.command()
def sample(
    out: Annotated[Path, typer.Option("-o", "--out", help="A .csv, .tsv or .parquet file.")],
    rows: Annotated[int, typer.Option(min=1, help="Number of rows.")] = 5_000,
    seed: Seed = 0,
) -> None:
    """Write a simulated creators' table.

    Example: durhampulse sample --rows 5000 --seed 7 -o creators.csv
    """
    from durhampulse.creators.sampling import write_market

    with _progress(rows) as advance:
        best = write_market(out, rows, seed=seed, progress=advance)
    typer.echo(f"{out}: {rows:,} simulated rows, {best.base_rate:.1%} deals expected.")
    typer.echo(
        f"Best possible scores: ROC AUC {best.roc_auc:.3f}, log loss {best.log_loss:.3f}; "
        "the rest is chance."
    )


@app.command()
def inspect(
    source: SourceArgument,
    column_map: Map = None,
    units: Units = None,
    table: Table = None,
    query: Query = None,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable output.")] = False,
) -> None:
    """Load a creators' table and list everything odd about it (part A1).

    Example: durhampulse inspect creators.csv --map Followers=subs
    """
    from durhampulse import interpretation
    from durhampulse.study import load_and_inspect

    part = load_and_inspect(
        source,
        columns=_pairs(column_map, "--map"),
        units=_units(units),
        table=table,
        query=query,
    )
    if as_json:
        typer.echo(json.dumps(_inspection_facts(part), indent=2, default=str))
        return
    typer.echo(f"{part.creators.source.name}: {part.shape[0]:,} rows, {part.shape[1]} columns\n")
    _print_table(part.columns[["column", "dtype", "missing", "distinct", "typical", "role"]])
    _print_table(part.irregularities[["code", "column", "count", "examples", "action"]])
    typer.echo(interpretation.without_markup(interpretation.inspection(part)))


@app.command()
def study(  # noqa: PLR0913 - a command has as many options as it has
    source: Annotated[
        str | None,
        typer.Argument(metavar="[SOURCE]", help="As for inspect; without it a simulated market."),
    ] = None,
    out: Annotated[Path, typer.Option("-o", "--out", help="The study folder.")] = Path(
        "durhampulse-study"
    ),
    column_map: Map = None,
    units: Units = None,
    table: Table = None,
    query: Query = None,
    yes_at: Annotated[float, typer.Option(help="Probability of a Yes.")] = 0.80,
    review_at: Annotated[float, typer.Option(help="Probability of a Maybe.")] = 0.60,
    drop_leaks: Annotated[
        bool, typer.Option("--drop-leaks", help="Leave out columns that give the answer away.")
    ] = False,
    time: Annotated[
        str | None, typer.Option(help="Column of a time: are later creators predicted as well?")
    ] = None,
    group: Annotated[
        str | None, typer.Option(help="Column of a group: are new groups predicted as well?")
    ] = None,
    seed: Seed = 0,
) -> None:
    """Study past outcomes and decide (parts A to E): notebook, report, model, decision table.

    Example: durhampulse study creators.csv -o my-study --unit Engagement_Rate=percent
    """
    from durhampulse.creators.sources import without_password
    from durhampulse.decision import Thresholds
    from durhampulse.report.notebook import Request, run_study

    request = Request(
        source=None if source is None else without_password(source),
        columns=_pairs(column_map, "--map"),
        units=_units(units),
        table=table,
        query=query,
        thresholds=Thresholds(yes_at=yes_at, review_at=review_at),
        drop_leaks=drop_leaks,
        time=time,
        group=group,
        seed=seed,
    )
    with _password_for_kernel(source), _parts() as show:
        seconds = run_study(request, out, progress=show)
    _print_outcome(out, sum(seconds.values()))


@app.command()
def explain(
    source: SourceArgument,
    model: Annotated[Path, typer.Option(help="The model folder of a study.")],
    identifier: Annotated[str, typer.Option("--id", help="The creator's Influencer_ID.")],
    column_map: Map = None,
    units: Units = None,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable output.")] = False,
) -> None:
    """Say why one creator is where they are, and what would change it.

    Example: durhampulse explain creators.csv --model durhampulse-study/model --id 1045
    """
    from durhampulse.account import account_for
    from durhampulse.artifact import read_model

    loaded = read_model(model)
    accounts = account_for(
        loaded, source, identifier, columns=_pairs(column_map, "--map"), units=_units(units)
    )
    if as_json:
        typer.echo(json.dumps([account.to_dict() for account in accounts], indent=2, default=str))
    else:
        for account in accounts:
            typer.echo(account.text())


def main() -> None:
    """Run the command line; a deliberate error becomes one message and its exit code."""
    # The matrices here are small: BLAS with threads of its own loses more by waiting than it
    # wins, up to fifty times on busy cores. NumPy reads this when it is first imported.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        app(standalone_mode=True)
    except DurhamPulseError as error:
        typer.echo(f"durhampulse: {error}", err=True)
        raise SystemExit(error.exit_code) from None


def _pairs(given: list[str] | None, option: str) -> dict[str, str]:
    pairs = {}
    for item in given or []:
        name, equals, value = item.partition("=")
        if not (name and equals and value):
            raise InputError(
                f"{option} '{item}' is not COLUMN=VALUE.", f"Write {option} NAME=VALUE."
            )
        pairs[name] = value
    return pairs


def _units(given: list[str] | None) -> dict[str, Unit]:
    chosen: dict[str, Unit] = {}
    for name, unit in _pairs(given, "--unit").items():
        if unit in ("fraction", "percent"):
            chosen[name] = cast("Unit", unit)
        else:
            raise InputError(f"--unit {name}={unit}: no such unit.", "Use fraction or percent.")
    return chosen


def _inspection_facts(part: Inspection) -> dict[str, Any]:
    return {
        "source": part.creators.source.name,
        "simulated": part.creators.source.simulated,
        "shape": part.shape,
        "units": dict(part.creators.units),
        "columns": part.columns.to_dict("records"),
        "irregularities": part.irregularities.to_dict("records"),
        "refused": part.creators.refused.to_dict("records"),
    }


def _print_table(table: Any) -> None:
    typer.echo(table.to_string(index=False, max_colwidth=60, justify="left"))
    typer.echo()


def _print_outcome(out: Path, seconds: float) -> None:
    manifest = json.loads((out / "model" / "manifest.json").read_text(encoding="utf-8"))
    scores = {row["metric"]: row for row in manifest["quality"]}
    verdict = manifest["verdict"]
    if manifest["provenance"]["simulated"]:
        typer.echo("The data are simulated.")
    typer.echo(f"Verdict: {verdict['word']}.")
    for check in verdict["checks"]:
        if check["outcome"] != "pass":
            typer.echo(f"{check['code']}: {check['reason']} ({check['figure']})")
    if verdict["dropped"]:
        typer.echo(f"Left out: {', '.join(verdict['dropped'])}.")
    auc, loss = scores["roc_auc"], scores["log_loss"]
    typer.echo(
        f"{manifest['name']} decides: ROC AUC {auc['value']:.3f} ({auc['low']:.3f} to "
        f"{auc['high']:.3f}), log loss {loss['value']:.3f} on {manifest['rows']['test']:,} "
        "creators it had not seen."
    )
    typer.echo(
        f"Written in {seconds:.0f} s: {out}/report.html, notebook.ipynb, decisions.csv, model/"
    )
    if verdict["refusal"]:
        typer.echo(f"Nothing is recommended; {verdict['refusal']}.")
        raise typer.Exit(1)


@contextmanager
def _password_for_kernel(source: str | None) -> Iterator[None]:
    """Hand a database password to the notebook's process without writing it anywhere."""
    from durhampulse.creators.sources import PASSWORD_VARIABLE, is_database

    if source is not None and is_database(source):
        from sqlalchemy import make_url

        password = make_url(source).password
        if password is not None and password != "***":  # noqa: S105 - the mask
            os.environ[PASSWORD_VARIABLE] = str(password)
    yield


@contextmanager
def _progress(total: int) -> Iterator[Callable[[int], object]]:
    from rich.progress import Progress

    with Progress(transient=True, disable=not sys.stderr.isatty(), console=_stderr()) as bar:
        task = bar.add_task("Simulating", total=total)
        yield lambda n: bar.advance(task, n)


@contextmanager
def _parts() -> Iterator[Callable[[str, float], object]]:
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description:<42}"), BarColumn(), TimeElapsedColumn())
    console = _stderr()
    with Progress(
        *columns, transient=True, disable=not sys.stderr.isatty(), console=console
    ) as bar:
        task = bar.add_task("Starting", total=1.0)
        yield lambda part, share: bar.update(task, description=part, completed=share)


def _stderr() -> Any:
    from rich.console import Console

    return Console(stderr=True)
