"""Commands of the data scientist: from a table to a study, and to one creator's account."""

from __future__ import annotations

import json
from contextlib import ExitStack, closing
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from durhampulse.cli.options import (
    AsJson,
    ModelFolder,
    Seed,
    SourceArgument,
    parts_bar,
    progress_bar,
)
from durhampulse.cli.reading import reads_table
from durhampulse.exceptions import InputError

if TYPE_CHECKING:
    from durhampulse.creators.options import ReadOptions
    from durhampulse.study.request import Request
    from durhampulse.study.results import Inspection

__all__ = ["explain", "inspect", "sample", "study"]

_INTERRUPTED = 130
"""Exit code after Ctrl-C: 128 and the signal's number."""
_MOST_LETTERS = 90

_Promise = Annotated[
    float | None,
    typer.Option(help="Set Yes so that at least this share gets a deal, with 95% confidence."),
]
_KeepIdentifiers = Annotated[
    bool, typer.Option("--keep-identifiers", help="Name past creators in the model folder.")
]
_KEPT_OPTIONS = ("keep", "feature", "considered", "protect", "allow")
"""Options that hold for a table that a desk's outcomes were added to."""


def sample(
    out: Annotated[Path, typer.Option("-o", "--out", help="A .csv, .tsv or .parquet file.")],
    rows: Annotated[int, typer.Option(min=1, help="Number of rows.")] = 5_000,
    seed: Seed = 0,
) -> None:
    """Write a simulated creators' table.

    Example: durhampulse sample --rows 5000 --seed 7 -o creators.csv
    """
    from durhampulse.decision.figures import quantity
    from durhampulse.market.sampling import write_market

    with progress_bar(rows) as advance:
        best = write_market(out, rows, seed=seed, progress=advance)
    simulated = quantity(rows, "simulated row")
    typer.echo(f"{out}: {simulated}, {best.base_rate:.1%} deals expected.")
    typer.echo(
        f"Best possible scores: ROC AUC {best.roc_auc:.3f}, log loss {best.log_loss:.3f}; "
        "the rest is chance."
    )


@reads_table()
def inspect(
    source: SourceArgument,
    options: ReadOptions,
    as_json: AsJson = False,
) -> None:
    """Load a creators' table and list everything odd about it (part A1).

    Example: durhampulse inspect creators.csv --map Followers=subs
    """
    from durhampulse.decision.figures import quantity
    from durhampulse.files.cage import Cage
    from durhampulse.report import interpretation
    from durhampulse.study import load_and_inspect

    with Cage() as cage:
        part = load_and_inspect(source, options, cage=cage)
    if as_json:
        typer.echo(json.dumps(_inspection_facts(part), indent=2, default=str))
        return
    rows, columns = quantity(part.shape[0], "row"), quantity(part.shape[1], "column")
    typer.echo(f"{part.creators.source.name}: {rows}, {columns}\n")
    _print_table(part.columns[["column", "dtype", "missing", "distinct", "typical", "role"]])
    _print_table(part.irregularities[["code", "column", "count", "examples", "action"]])
    typer.echo(interpretation.without_markup(interpretation.inspection(part)))


@reads_table()
def study(  # noqa: PLR0913 - a command has as many options as it has
    options: ReadOptions,
    source: Annotated[
        str | None,
        typer.Argument(metavar="SOURCE", help="As for inspect; without it a simulated market."),
    ] = None,
    out: Annotated[Path, typer.Option("-o", "--out", help="The study folder.")] = Path(
        "durhampulse-study"
    ),
    yes_at: Annotated[float, typer.Option(help="Probability of a Yes.")] = 0.80,
    review_at: Annotated[float, typer.Option(help="Probability of a Maybe.")] = 0.60,
    promise: _Promise = None,
    drop_leaks: Annotated[
        bool, typer.Option("--drop-leaks", help="Leave out columns that give the answer away.")
    ] = False,
    time: Annotated[
        str | None, typer.Option(help="Column of a time: are later creators predicted as well?")
    ] = None,
    group: Annotated[
        str | None, typer.Option(help="Column of a group: are new groups predicted as well?")
    ] = None,
    keep_identifiers: _KeepIdentifiers = False,
    store: Annotated[
        str | None, typer.Option(help="A desk's store: learn from its outcomes too.")
    ] = None,
    seed: Seed = 0,
) -> None:
    """Study past outcomes and decide (parts A to E): notebook, report, model, decision table.

    With --store the outcomes recorded at a desk are learned from as well, and the new model is
    put beside the active one, compared with it and not activated.

    Example: durhampulse study creators.csv -o my-study --unit Engagement_Rate=percent
    """
    from durhampulse.decision.bands import Thresholds
    from durhampulse.study.request import Request

    request = Request(
        source=source,
        **options.keywords(),
        thresholds=Thresholds(yes_at=yes_at, review_at=review_at),
        promise=promise,
        keep_identifiers=keep_identifiers,
        drop_leaks=drop_leaks,
        time=time,
        group=group,
        seed=seed,
    )
    _run_anywhere(request, store, out)


def _run_anywhere(request: Request, store: str | None, out: Path) -> None:
    """Run a study of a file, a database, the simulated market or standard input."""
    from durhampulse.files.places import STANDARD, copied

    if request.source != STANDARD:
        _run(request, store, out)
        return
    with copied(request.source) as path:
        _run(replace(request, source=str(path)), store, out)
    typer.echo("To run the notebook again, save the table as a file and name it there.")


def _run(request: Request, store: str | None, out: Path) -> None:
    from durhampulse.files.scratch import scratch_folder
    from durhampulse.report.notebook import run_study

    _look_over(request)
    with ExitStack() as stack:
        if store is not None:
            folder = Path(stack.enter_context(scratch_folder()))
            request = _with_outcomes(request, store, folder)
        try:
            with parts_bar() as show:
                seconds = run_study(request, out, progress=show)
        except KeyboardInterrupt:
            typer.echo("Stopped; nothing was written.", err=True)
            raise typer.Exit(_INTERRUPTED) from None
    _print_result(out, sum(seconds.values()))
    if store is not None:
        _add_to_store(store, out)


def _look_over(request: Request) -> None:
    """Read a study's files once in a cage: the notebook reads them where nothing holds them."""
    from durhampulse.creators.options import ReadOptions
    from durhampulse.files.cage import Cage
    from durhampulse.files.tables import look_over

    with Cage() as cage:
        look_over(request.source, ReadOptions(**request.keywords()), cage)
        look_over(request.outcomes, ReadOptions(), cage)


def _with_outcomes(request: Request, store: str, folder: Path) -> Request:
    """Return the same request for a table that holds a desk's outcomes too."""
    from durhampulse.decision.figures import quantity
    from durhampulse.desk.outcomes.retraining import write_lessons
    from durhampulse.desk.store.database import open_store
    from durhampulse.study.request import JudgeOptions, Request

    if request.source is None or request.table or request.query:
        raise InputError(
            "--store: which table was the model made from?",
            "Name it: durhampulse study creators.csv --store URL.",
        )
    with closing(open_store(store, create=False)) as opened:
        lessons = write_lessons(opened, request.source, folder, request)
    rows, outcomes = quantity(lessons.original, "row"), quantity(lessons.outcomes, "outcome")
    typer.echo(f"Learning from {rows} and {outcomes}.")
    judged = {option.name: getattr(request, option.name) for option in fields(JudgeOptions)}
    return Request(
        source=str(lessons.path),
        units=lessons.units,
        **{name: getattr(request, name) for name in _KEPT_OPTIONS},
        **judged,
        thresholds=request.thresholds,
        promise=request.promise,
        keep_identifiers=request.keep_identifiers,
        seed=request.seed,
    )


def _add_to_store(store: str, out: Path) -> None:
    from durhampulse.desk.outcomes.retraining import add_retrained
    from durhampulse.desk.store.database import open_store

    with closing(open_store(store, create=False)) as opened:
        added = add_retrained(opened, out, "study")
    against = added["compared"]
    typer.echo(f"Model {added['version']} waits in the store; an admin may activate it.")
    if against["difference"] is None:
        typer.echo(f"Too few outcomes to compare it with the active one: {against['rows']}.")
    else:
        typer.echo(
            f"Log loss against the active one, {against['rows']} outcomes neither learned from: "
            f"{against['difference']:+.4f} ({against['low']:+.4f} to {against['high']:+.4f})."
        )


@reads_table(without=("identifier", "deal_is", "no_deal_is", "outcomes", "considered"))
def explain(
    source: SourceArgument,
    model: ModelFolder,
    identifier: Annotated[str, typer.Option("--id", help="The creator's Influencer_ID.")],
    options: ReadOptions,
    as_json: AsJson = False,
) -> None:
    """Show why one creator is where they are, and what would change it.

    Example: durhampulse explain creators.csv --model durhampulse-study/model --id 1045
    """
    from durhampulse.files.cage import Cage
    from durhampulse.scoring.lookup import accounts_of
    from durhampulse.scoring.scorer import load_model

    with Cage() as cage:
        accounts = accounts_of(load_model(model, cage=cage), source, identifier, options, cage=cage)
    if as_json:
        typer.echo(json.dumps([account.to_dict() for account in accounts], indent=2, default=str))
    else:
        for account in accounts:
            typer.echo(account.text())


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
    """Print columns side by side, each as wide as its longest cell, of 90 letters at most."""
    rows = [[*table.columns], *table.astype("str").itertuples(index=False)]
    shown = [[_cut(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
    for row in shown:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        typer.echo("  ".join(cells).rstrip())
    typer.echo()


def _cut(cell: str) -> str:
    return cell if len(cell) <= _MOST_LETTERS else f"{cell[: _MOST_LETTERS - 3]}..."


def _print_result(out: Path, seconds: float) -> None:
    manifest = json.loads((out / "model" / "manifest.json").read_text(encoding="utf-8"))
    scores = {row["metric"]: row for row in manifest["quality"]}
    verdict = manifest["verdict"]
    if manifest["provenance"]["simulated"]:
        typer.echo("The data are simulated.")
    typer.echo(f"Verdict: {verdict['word']}.")
    for check in verdict["checks"]:
        if check["severity"] != "pass":
            typer.echo(f"{check['code']}: {check['reason']} ({check['figure']})")
    if verdict["dropped"]:
        typer.echo(f"Left out: {', '.join(verdict['dropped'])}.")
    if (promise := manifest.get("promise")) and not verdict["refusal"]:
        from durhampulse.decision.promise import Promise

        typer.echo(Promise(**promise).text())
    if letters := manifest["provenance"].get("letters_without_font"):
        typer.echo(f"No font here has {letters}: pictures show boxes. Install one, such as Noto.")
    auc, loss = scores["roc_auc"], scores["log_loss"]
    decides = "would decide" if verdict["refusal"] else "decides"
    typer.echo(
        f"{manifest['name']} {decides}: ROC AUC {auc['value']:.3f} ({auc['low']:.3f} to "
        f"{auc['high']:.3f}), log loss {loss['value']:.3f} on {manifest['rows']['test']:,} "
        f"{manifest['unit']} it had not seen."
    )
    typer.echo(
        f"Written in {seconds:.0f} s: {out}/report.html, notebook.ipynb, decisions.csv, model/"
    )
    if verdict["refusal"]:
        typer.echo(f"Nothing is recommended; {verdict['refusal']}.")
        raise typer.Exit(1)
