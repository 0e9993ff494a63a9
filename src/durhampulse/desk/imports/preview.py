"""The preview of a file before it is scored: its columns, first cells and irregularities."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from durhampulse.creators.carried import carried_kind
from durhampulse.creators.claims import claims_that_agree, is_bare
from durhampulse.creators.headers import Headers, name_columns
from durhampulse.creators.labels import read_labels
from durhampulse.creators.options import ReadOptions
from durhampulse.creators.outcome import outcome_words
from durhampulse.creators.reading import read_creators
from durhampulse.creators.scales import standard_name
from durhampulse.creators.schema import COLUMNS, IDENTIFIER, LABEL
from durhampulse.creators.text import NoTextError
from durhampulse.desk.imports.choices import label_rule, place_of
from durhampulse.desk.imports.form import CARRIED, LEFT_OUT, MODEL
from durhampulse.desk.imports.problems import Problem, problem_of
from durhampulse.exceptions import DurhamPulseError, InputError
from durhampulse.files.cage import Cage
from durhampulse.files.formats import FORMATS, Format, suffix_of
from durhampulse.files.stream import Chunk, Stream, open_stream
from durhampulse.files.workbooks import sheet_names
from durhampulse.irregularities import Irregularity, Ledger
from durhampulse.scoring.scorer import Scorer

__all__ = ["FileColumn", "Preview", "preview"]

_ROWS = 3
_READ_WHOLE = 24 << 20
_MOST_ROWS = 500_000
_SEEN = {
    Irregularity.RENAMED_COLUMN.value,
    Irregularity.EXTRA_COLUMN.value,
    Irregularity.MISSING_COLUMN.value,
    Irregularity.CARRIED.value,
    Irregularity.LEFT_OUT.value,
    Irregularity.PROPOSED_ID.value,
}
"""What the table of columns shows already."""
_ACTIONS = {
    Irregularity.MISSING_ID: "refused",
    Irregularity.DUPLICATE_ROW: "the first is taken, the others are refused",
    Irregularity.CONFLICTING_ID: "the first is taken, the others are refused",
}


@dataclass(frozen=True, kw_only=True)
class FileColumn:
    """A column of a file.

    Attributes
    ----------
    header
        As in the file.
    role
        A standard column, or "carried", "model" (a column of the model's own) or "out".
    kind
        What it tells of a creator, where it is carried.
    raw, read
        Its first cells as found and as read; `read` is empty where nothing is read of it.
    """

    header: str
    role: str
    kind: str = ""
    raw: tuple[str, ...] = ()
    read: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Preview:
    """What a file holds, as it would be read.

    Attributes
    ----------
    options
        How it is read, with nothing left to be found again: the check reads by these.
    sheets
        A workbook's sheets, the first one first.
    format
        What kind of file it is.
    columns
        All of the file's.
    usual_units
        Rate column to unit, where nobody has chosen one.
    irregularities
        The ledger, with what an import does about each; empty for files too large to search here.
    looked_through
        Whether the whole file was searched for irregularities.
    notes
        What the model uses and the file lacks, in words.
    problem
        Why it cannot be read so; none if it can.
    """

    options: ReadOptions
    sheets: list[str]
    format: Format
    columns: list[FileColumn]
    usual_units: Mapping[str, str]
    irregularities: list[dict[str, Any]]
    looked_through: bool
    notes: list[str]
    problem: Problem | None

    @property
    def roles(self) -> dict[str, str]:
        """Standard column to header."""
        return {column.role: column.header for column in self.columns if column.role in COLUMNS}

    def signed(self, column: FileColumn) -> bool:
        """Whether all first cells of a column carry a percent sign, so that its unit is certain."""
        cells = [cell for cell in column.raw if cell.strip()]
        return bool(cells) and all(cell.rstrip().endswith("%") for cell in cells)

    @property
    def labelled(self) -> bool:
        """Whether it holds outcomes, which an import leaves alone."""
        return LABEL in self.roles

    @property
    def ready(self) -> bool:
        """Whether it can be checked."""
        return self.problem is None and IDENTIFIER in self.roles

    @property
    def place(self) -> str:
        """The hash of where in the file its table is."""
        return place_of(self.options)


def preview(
    scorer: Scorer, path: Path, name: str, options: ReadOptions, *, cage: Cage | None = None
) -> Preview:
    """Return the preview of a file.

    Parameters
    ----------
    scorer
        The model that will score it.
    path, name
        Where it lies, and what its owner calls it.
    options
        What a person has chosen, or what is remembered of such files.
    cage
        The process that reads the file, since it is foreign; this one if not given.
    """
    parts: dict[str, Any] = {
        "options": options, "sheets": [], "columns": [], "irregularities": [], "notes": [],
        "looked_through": False,
    }  # fmt: skip
    usual = {c: u for c, u in scorer.model.manifest.get("units", {}).items() if c in COLUMNS}
    problem = None
    try:
        for part in _Reading(scorer=scorer, path=path, name=name, usual=usual, cage=cage).parts(
            options
        ):
            parts |= part
    except DurhamPulseError as error:
        text = error.problem.replace(path.name, name)
        roles = {column.header: column.role for column in parts["columns"]}
        problem = problem_of(type(error)(text, error.way_out), roles)
    except OSError as error:
        problem = Problem(f"{name}: {error.strerror or 'cannot be read'}.", "Upload it again.")
    return Preview(**parts, usual_units=usual, format=FORMATS[suffix_of(path)], problem=problem)


@dataclass(frozen=True, kw_only=True)
class _Reading:
    """A file being read for its preview."""

    scorer: Scorer
    path: Path
    name: str
    usual: Mapping[str, Any]
    cage: Cage | None

    def parts(self, options: ReadOptions) -> Iterator[dict[str, Any]]:
        """Yield the fields of a preview as they are read: those before an error are shown too."""
        if FORMATS[suffix_of(self.path)].sheets:
            sheets = sheet_names(self.path) if self.cage is None else self.cage.sheets(self.path)
            options = replace(
                options, table=None if [options.table] == sheets[:1] else options.table
            )
            yield {"sheets": sheets, "options": options}
        stream = open_stream(self.path, options, name=self.name, cage=self.cage)
        first = next(stream.chunks(stream.headers), None)
        raw = {header: _texts(first, header) for header in stream.headers}
        guessed = _guessed(stream.headers, options)
        yield {"columns": [FileColumn(header=h, role=guessed[h], raw=raw[h]) for h in raw]}
        options, wanted, roles = self._settle(stream, first, options)
        columns = [
            FileColumn(header=h, role=roles[h], kind=wanted.carried.get(h, ""), raw=raw[h])
            for h in raw
        ]
        yield {"options": options, "columns": columns, "notes": wanted.notes(self.name)}
        if first is not None:
            read = self._read(first, wanted, options)
            read |= self._outcomes(first, options)
            yield {"columns": [replace(c, read=read.get(c.header, ())) for c in columns]}
        if self.path.stat().st_size <= _READ_WHOLE and (stream.n_rows or 0) <= _MOST_ROWS:
            yield {"looked_through": True, "irregularities": self._irregularities(options, roles)}

    def _settle(
        self, stream: Stream, first: Chunk | None, options: ReadOptions
    ) -> tuple[ReadOptions, Headers, dict[str, str]]:
        """Return options that name every column, the headers to read, and header to role."""
        wanted = self.scorer.headers(self.name, stream.headers, options)
        there = [header for header in stream.headers if header not in options.drop]
        named = name_columns(
            self.name, there, options.asked(), Ledger(), usual=self.scorer.usual_headers
        )
        named |= {header: column for column, header in wanted.columns.items()}
        if first is not None and not options.columns:
            named |= self._agreed(first, there, named)
        roles = {header: _role(header, named.get(header), wanted) for header in stream.headers}
        headers = {role: header for header, role in roles.items() if role in COLUMNS}
        options = replace(
            options,
            columns={column: headers.get(column, "") for column in COLUMNS},
            identifier=None,  # it is named among the columns
            keep=tuple(header for header, role in roles.items() if role == CARRIED),
            drop=tuple(
                header
                for header, role in roles.items()
                if role == LEFT_OUT and header not in stream.unnamed
            ),
        )
        settled = self.scorer.headers(self.name, stream.headers, options)
        absent = {column: wanted.absent.get(column, "") for column in settled.absent}
        return options, replace(settled, proposed=wanted.proposed, absent=absent), roles

    def _agreed(self, first: Chunk, headers: list[str], named: Mapping[str, str]) -> dict[str, str]:
        """Return bare headers whose first figures have the size of the column they stand for.

        A later table is not scored by such a header unless a person has seen it, as here.
        """
        free = [header for header in headers if header not in named and is_bare(header)]
        try:
            claims = name_columns(self.name, free, {}, Ledger())
        except InputError:  # two of them claim one column: left to the person
            return {}
        claims = {h: column for h, column in claims.items() if column not in named.values()}
        table = pa.table({header: first.cells[header] for header in headers})
        agreed = claims_that_agree(table, {**named, **claims}, [*named], Ledger())
        return {header: column for header, column in claims.items() if header in agreed}

    def _read(
        self, first: Chunk, wanted: Headers, options: ReadOptions
    ) -> dict[str, tuple[str, ...]]:
        """Return header to its first cells as read, or why one of them cannot be."""
        reader = self.scorer.reader(self.name, units=options.units, headers=wanted.columns)
        cells = {c: first.cells[h] for c, h in wanted.columns.items() if c != IDENTIFIER}
        reader.settle(cells)
        shown: dict[str, tuple[str, ...]] = {}
        for column, cell in cells.items():
            few = reader.read({column: cell[:_ROWS]})
            values = pd.Series(few.block.to_dict()[column])
            reasons = (*few.unclear.values(),)[:1]
            shown[wanted.columns[column]] = reasons or tuple(_shown(column, v) for v in values)
        return shown

    def _outcomes(self, first: Chunk, options: ReadOptions) -> dict[str, tuple[str, ...]]:
        """Return the outcome's header, if there is one, to its first cells in words."""
        header = options.columns[LABEL]
        if not header:
            return {}
        learned = self.scorer.model.rules.get(LABEL)
        outcome, rule = outcome_words(learned), label_rule(options, header) or learned
        try:
            labels = read_labels(first.cells[header][:_ROWS], rule)
        except NoTextError:
            return {header: ("not understood",)}
        words = {0.0: outcome.none, 1.0: outcome.deal}
        return {
            header: tuple(
                "not understood" if odd else words.get(value, "not known")
                for value, odd in zip(labels.values.tolist(), labels.unreadable, strict=True)
            )
        }

    def _irregularities(
        self, options: ReadOptions, roles: Mapping[str, str]
    ) -> list[dict[str, Any]]:
        """Return the ledger without outcomes, and with what an import does about its rows."""
        columns = {**options.columns, LABEL: ""}
        gone = [header for header, role in roles.items() if role == LABEL]
        without = replace(
            options, columns=columns, drop=(*options.drop, *gone), deal_is=(), no_deal_is=()
        )
        creators = read_creators(self.path, without, usual_units=self.usual, cage=self.cage)
        ledger = creators.irregularities
        shown = ledger[~ledger["column"].isin([*gone, LABEL]) & ~ledger["code"].isin(_SEEN)].copy()
        for code, action in _ACTIONS.items():
            shown.loc[shown["code"] == code.value, "action"] = action
        return [{str(key): value for key, value in row.items()} for row in shown.to_dict("records")]


def _role(header: str, column: str | None, wanted: Headers) -> str:
    """Return what a column of the file is."""
    if column is None:
        return CARRIED if header in wanted.carried else LEFT_OUT
    return column if column in COLUMNS else MODEL


def _guessed(headers: list[str], options: ReadOptions) -> dict[str, str]:
    """Return header to the role a person gave it, or else that it seems to have, each role once."""
    given = {header: column for column, header in options.columns.items() if header}
    given |= dict.fromkeys(options.keep, CARRIED) | dict.fromkeys(options.drop, LEFT_OUT)
    taken = {*given.values()}
    roles = {}
    for header in headers:
        name = standard_name(header)
        others = CARRIED if carried_kind(header) else LEFT_OUT  # until the file can be read
        seems = name if name and name not in taken else others
        roles[header] = given.get(header, seems)
        taken |= {name} if name else set()
    return roles


def _texts(chunk: Chunk | None, header: str) -> tuple[str, ...]:
    """Return the first cells of a column as found."""
    cells = chunk.cells[header][:_ROWS].to_pylist() if chunk else []
    return tuple("" if cell is None else str(cell)[:60] for cell in cells)


def _shown(column: str, value: Any) -> str:
    """Return a cell as read, as people write it.

    Examples
    --------
    >>> _shown("Engagement_Rate", 0.034), _shown("Followers", 12000.0), _shown("Niche", None)
    ('3.4%', '12,000', '')
    """
    if pd.api.types.is_scalar(value) and pd.isna(value):
        return ""
    if isinstance(value, float):
        rate = column in COLUMNS and COLUMNS[column].kind == "rate"
        return f"{100 * value:,.4g}%" if rate else f"{value:,.6g}" if value % 1 else f"{value:,.0f}"
    return str(value)[:60]
