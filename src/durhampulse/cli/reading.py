"""The flags that say how a table is to be read, the same in every command that reads one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from durhampulse.cli.expansion import in_place_of
from durhampulse.exceptions import InputError

if TYPE_CHECKING:
    from durhampulse.creators.options import ReadOptions
    from durhampulse.creators.units import Unit

__all__ = ["FLAGS", "reads_table"]

FLAGS: dict[str, Any] = {
    "columns": Annotated[
        list[str] | None,
        typer.Option(
            "--map", metavar="COLUMN=HEADER", help="Which header holds a standard column."
        ),
    ],
    "units": Annotated[
        list[str] | None,
        typer.Option(
            "--unit", metavar="COLUMN=UNIT", help="fraction or percent, for a rate column."
        ),
    ],
    "identifier": Annotated[
        str | None,
        typer.Option("--id", metavar="COLUMN", help="Which column tells creators apart."),
    ],
    "keep": Annotated[
        list[str] | None,
        typer.Option(
            "--keep", metavar="COLUMN", help="Carry a column along, and do not learn from it."
        ),
    ],
    "drop": Annotated[
        list[str] | None,
        typer.Option("--drop", metavar="COLUMN", help="Leave a column out of everything."),
    ],
    "feature": Annotated[
        list[str] | None,
        typer.Option("--feature", metavar="COLUMN", help="Learn from a column such as Country."),
    ],
    "deal_is": Annotated[
        list[str] | None,
        typer.Option(
            "--deal-is",
            metavar="VALUE",
            help="Value of the outcome that means a deal, or COLUMN>NUMBER; the others mean none.",
        ),
    ],
    "no_deal_is": Annotated[
        list[str] | None,
        typer.Option(
            "--no-deal-is",
            metavar="VALUE",
            help="Value that means none, beside --deal-is ('' for empty cells); the others are "
            "then not known. '' alone: every filled cell is a deal.",
        ),
    ],
    "outcomes": Annotated[
        str | None,
        typer.Option(
            "--outcomes", metavar="FILE", help="A file of outcomes, joined by identifier."
        ),
    ],
    "considered": Annotated[
        str | None,
        typer.Option(
            "--considered",
            metavar="COLUMN",
            help="Column that says whom somebody looked at; only these are learned from.",
        ),
    ],
    "protect": Annotated[
        list[str] | None,
        typer.Option("--protect", metavar="COLUMN", help="Never learn from this column."),
    ],
    "allow": Annotated[
        list[str] | None,
        typer.Option(
            "--allow", metavar="COLUMN", help="Learn from this column though it looks protected."
        ),
    ],
    "table": Annotated[
        str | None,
        typer.Option("--table", help="Sheet of a workbook, or table of a database, to read."),
    ],
    "query": Annotated[
        str | None, typer.Option("--query", help="Query to read, if SOURCE is a database.")
    ],
    "encoding": Annotated[
        str | None, typer.Option("--encoding", help="Encoding of a text file, such as cp1252.")
    ],
    "header_row": Annotated[
        int | None,
        typer.Option("--header-row", min=1, help="Row of the headers, as a spreadsheet counts."),
    ],
}
"""Field of :class:`.ReadOptions` to the flag that fills it."""


def reads_table(*, without: tuple[str, ...] = ()) -> Callable[[Callable[..., None]], Any]:
    """Return a decorator that gives a command the flags in place of its parameter `options`.

    Parameters
    ----------
    without
        Flags that mean nothing to the command.
    """
    flags = {name: (kind, None) for name, kind in FLAGS.items() if name not in without}
    return in_place_of("options", flags, _read_options, "ReadOptions")


def _read_options(given: dict[str, Any]) -> ReadOptions:
    from durhampulse.creators.options import ReadOptions

    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in given.items()
        if value is not None
    }
    values["columns"] = _pairs(given["columns"], "--map", empty=True)
    values["units"] = _units(given["units"])
    return ReadOptions(**values)


def _pairs(given: list[str] | None, option: str, *, empty: bool = False) -> dict[str, str]:
    """Return what stands before and after each equals sign; an `empty` end where that says no."""
    values = {}
    for item in given or []:
        name, equals, value = item.partition("=")
        if not (name and equals and (value or empty)):
            raise InputError(
                f"{option} '{item}' is not COLUMN=VALUE.", f"Write {option} NAME=VALUE."
            )
        values[name] = value
    return values


def _units(given: list[str] | None) -> dict[str, Unit]:
    chosen: dict[str, Unit] = {}
    for name, unit in _pairs(given, "--unit").items():
        if unit in ("fraction", "percent"):
            chosen[name] = cast("Unit", unit)
        else:
            raise InputError(f"--unit {name}={unit}: no such unit.", "Use fraction or percent.")
    return chosen
