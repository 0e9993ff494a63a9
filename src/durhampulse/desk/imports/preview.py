"""The preview of a file before it is scored: columns, units, first rows, irregularities."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pandas as pd

from durhampulse.creators import read_creators
from durhampulse.creators.headers import name_columns
from durhampulse.creators.options import ReadOptions
from durhampulse.creators.schema import COLUMNS, IDENTIFIER, LABEL
from durhampulse.creators.units import Unit
from durhampulse.exceptions import DurhamPulseError
from durhampulse.files.stream import open_stream
from durhampulse.irregularities import Irregularity, Ledger
from durhampulse.scoring.scorer import Scorer

__all__ = ["Preview", "preview"]

_ROWS = 8
_READ_WHOLE = 24 << 20
_MOST_ROWS = 500_000
_ACTIONS = {
    Irregularity.EXTRA_COLUMN: "read where the model uses it",
    Irregularity.MISSING_ID: "refused",
    Irregularity.DUPLICATE_ROW: "the first is taken, the others are refused",
    Irregularity.CONFLICTING_ID: "the first is taken, the others are refused",
}


@dataclass(frozen=True, kw_only=True)
class Preview:
    """What a file holds, as it would be read.

    Attributes
    ----------
    headers
        All of the file's.
    columns
        Standard column to header.
    units
        Rate column to unit, as it will be read.
    asked
        Those of the units that a person has chosen.
    raw, read
        The first rows as found and as read; lists of column to text.
    irregularities
        The ledger, with what an import does about each; empty for files too large to search here.
    looked_through
        Whether the whole file was searched for irregularities.
    notes
        What the model uses and the file lacks, in words.
    problem, way_out
        Why it cannot be read so; empty if it can.
    labelled
        Whether it holds outcomes, which an import leaves alone.
    ready
        Whether it can be checked as it is read.
    """

    headers: list[str]
    columns: dict[str, str]
    units: dict[str, str]
    asked: dict[str, str]
    raw: list[dict[str, str]]
    read: list[dict[str, str]]
    irregularities: list[dict[str, Any]]
    looked_through: bool
    notes: list[str]
    problem: str
    way_out: str
    labelled: bool

    @property
    def ready(self) -> bool:
        """Whether it can be checked."""
        return not self.problem and IDENTIFIER in self.columns


def preview(
    scorer: Scorer, path: Path, name: str, columns: Mapping[str, str], units: Mapping[str, str]
) -> Preview:
    """Return the preview of a file.

    Parameters
    ----------
    scorer
        The model that will score it.
    path, name
        Where it lies, and what its owner calls it.
    columns, units
        What a person has chosen: standard column to header, rate column to unit.
    """
    parts: dict[str, Any] = {
        "headers": [], "columns": {}, "raw": [], "read": [], "irregularities": [], "notes": [],
        "looked_through": False,
    }  # fmt: skip
    problem, way_out = "", ""
    chosen = cast("Mapping[str, Unit]", units)
    usual = {c: u for c, u in scorer.model.manifest.get("units", {}).items() if c in COLUMNS}
    try:
        for part in _parts(scorer, path, name, columns, chosen, usual):
            parts |= part
    except DurhamPulseError as error:
        problem, way_out = error.problem.replace(path.name, name), error.way_out
    except OSError as error:
        problem, way_out = f"{name}: {error.strerror or 'cannot be read'}.", "Upload it again."
    return Preview(
        **parts,
        units={**usual, **units},
        asked=dict(units),
        problem=problem,
        way_out=way_out,
        labelled=LABEL in parts["columns"],
    )


def _parts(
    scorer: Scorer, path: Path, name: str, columns: Mapping[str, str],
    units: Mapping[str, Unit], usual: Mapping[str, Unit],
) -> Iterator[dict[str, Any]]:  # fmt: skip
    """Yield the fields of a preview as they are read: those before an error are shown with it."""
    stream = open_stream(path, name=name)
    headers = stream.headers
    yield {"headers": headers}
    standard_names = name_columns(
        name, [*headers], dict(columns), Ledger(), usual=scorer.usual_headers
    )
    named = {standard: header for header, standard in standard_names.items()}
    yield {"columns": named}
    wanted = scorer.headers(name, headers, ReadOptions(columns=columns))
    yield {"notes": wanted.notes(name)}
    first = next(stream.chunks(headers), None)
    if first is not None:
        yield {"raw": _texts({header: first.cells[header][:_ROWS] for header in headers})}
        reader = scorer.reader(name, units=units)
        cells = {c: first.cells[h] for c, h in wanted.columns.items() if c != IDENTIFIER}
        reader.settle(cells)
        block = reader.read({c: cell[:_ROWS] for c, cell in cells.items()}).block
        yield {"read": _texts(block.to_dict())}
    if path.stat().st_size <= _READ_WHOLE and (stream.n_rows or 0) <= _MOST_ROWS:
        yield {"looked_through": True}
        creators = read_creators(path, columns=columns, units=units, usual_units=usual)
        yield {"irregularities": _for_imports(creators.irregularities)}


def _for_imports(ledger: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the ledger without outcomes, and with what an import does about its rows."""
    shown = ledger[ledger["column"] != LABEL].copy()
    for code, action in _ACTIONS.items():
        shown.loc[shown["code"] == code.value, "action"] = action
    return [{str(key): value for key, value in row.items()} for row in shown.to_dict("records")]


def _texts(columns: Mapping[str, Any]) -> list[dict[str, str]]:
    frame = pd.DataFrame({
        name: pd.Series(values.to_pylist() if hasattr(values, "to_pylist") else values)
        for name, values in columns.items()
    })  # fmt: skip
    return [
        {str(name): _text(value) for name, value in row.items()} for row in frame.to_dict("records")
    ]


def _text(value: Any) -> str:
    if pd.api.types.is_scalar(value) and pd.isna(value):
        return ""
    return f"{value:,.6g}" if isinstance(value, float) else str(value)[:60]
