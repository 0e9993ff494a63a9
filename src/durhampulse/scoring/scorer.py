"""The scorer: a verified model that scores tables and creators, without a training library."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, overload

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from durhampulse.creators import Creators
from durhampulse.creators.block import Block
from durhampulse.creators.blockreader import BlockReader, impossible_rows
from durhampulse.creators.frames import raw_cells
from durhampulse.creators.headers import Headers, name_columns, nearest_header, unclaimed
from durhampulse.creators.identifiers import canonical_identifiers
from durhampulse.creators.records import RecordReader
from durhampulse.creators.rules import ColumnRule, standard_kind
from durhampulse.creators.schema import COLUMNS, ENGAGEMENT, FOLLOWERS, IDENTIFIER
from durhampulse.creators.text import NoTextError, whole_array
from durhampulse.creators.units import Unit, require_units
from durhampulse.decision.bands import (
    band_codes,
    decision_table,
    empty_reason,
    too_empty,
)
from durhampulse.exceptions import CannotJudgeError, InputError
from durhampulse.irregularities import Ledger
from durhampulse.markup import list_html
from durhampulse.models.weights import shifted, sigmoid
from durhampulse.scoring.account import Account, account_of
from durhampulse.scoring.artifact import LoadedModel, describe, read_model
from durhampulse.scoring.kinds import ArrowStream, Table, as_given
from durhampulse.scoring.record import NO_BAND, Scores, score_columns, without_scores

__all__ = ["Scorer", "TableCells", "exact_identifiers", "load_model"]

Floats = npt.NDArray[np.float64]
Units = Mapping[str, Unit] | None


@dataclass(frozen=True)
class TableCells:
    """A table in memory as a model sees it.

    Attributes
    ----------
    identifiers
        As they are told apart, shape (n_rows,).
    block
        The rows.
    unclear
        Row, from 0, and reason of rows with a cell that may be one number or another.
    absent
        Columns of the model that the table lacks.
    """

    identifiers: pa.Array
    block: Block
    unclear: Mapping[int, str]
    absent: Iterable[str]


class Scorer:
    """A model at work. Immutable, so that threads may share it.

    Parameters
    ----------
    model
        From :func:`durhampulse.scoring.artifact.read_model`.

    Attributes
    ----------
    model
        The same.
    columns
        Columns of a creators' table the model looks at.
    seen, numeric
        All columns looked at, those for flags and output included; those of them that hold numbers.
    rules
        How their cells are read.
    usual_headers
        Standard column to the header it had in the table the model learned from.
    refusal
        Why the data it learned from allow no recommendation; empty where they do.
    """

    def __init__(self, model: LoadedModel) -> None:
        self.model = model
        self.columns = model.model.encoding.columns
        self.refusal = str(model.manifest.get("verdict", {}).get("refusal", ""))
        curves = model.peers.curves
        self.seen = list(dict.fromkeys([*self.columns, FOLLOWERS, ENGAGEMENT, *curves]))
        self.numeric = model.model.encoding.numeric | {FOLLOWERS, ENGAGEMENT, *curves}
        self.usual_headers = {
            c: rule.header for c, rule in model.rules.items() if c in COLUMNS and rule.header
        }
        self.rules = {name: model.rules.get(name) or _plain_rule(name) for name in self.seen}

    def __repr__(self) -> str:
        return f"<Scorer: {'; '.join(describe(self.model).splitlines())}>"

    def _repr_html_(self) -> str:
        title, *lines = describe(self.model).splitlines()
        return list_html(title, lines)

    def reader(self, name: str, *, units: Units = None) -> BlockReader:
        """Return a reader of one table's cells.

        Parameters
        ----------
        name
            The table's name, for messages.
        units
            Rate column to unit, where a person has said it; else the model's own.
        """
        require_units(units or {})
        return BlockReader(name, self.rules, units=units)

    def headers(
        self, name: str, headers: Sequence[str], columns: Mapping[str, str] | None = None
    ) -> Headers:
        """Return which headers to read.

        Parameters
        ----------
        name
            The table's name, for messages.
        headers
            All of them.
        columns
            Standard column to header, where a person has said it; else as in the study.

        Raises
        ------
        InputError
            If the table has so few of the model's columns that no row could be scored.
        """
        named = name_columns(name, [*headers], columns or {}, Ledger(), usual=self.usual_headers)
        by_column = {named.get(header) or unclaimed(header): header for header in headers}
        wanted = [column for column in (IDENTIFIER, *self.seen) if column in by_column]
        absent = [column for column in self.columns if column not in by_column]
        near = {c: nearest_header(c, [h for h in headers if h not in named]) for c in absent}
        assigned = Headers({c: by_column[c] for c in wanted}, {c: near[c] or "" for c in absent})
        if len(absent) > len(self.columns) / 2:
            raise InputError(
                f"{name}: it has no column {', '.join(absent)}; the model needs more than that.",
                f"Name them, for example --map {absent[0]}={near[absent[0]] or 'HEADER'}.",
            )
        return assigned

    def compute(self, block: Block) -> Scores:
        """Score rows that are read."""
        y_prob = sigmoid(self.model.model.decision_function(block))
        half_width = self.model.model.half_width
        band = band_codes(y_prob, self.model.thresholds)
        return Scores(
            y_prob=y_prob,
            low=shifted(y_prob, -half_width),
            high=shifted(y_prob, half_width),
            band=np.full_like(band, NO_BAND) if self.refusal else band,
            flags=self.model.peers.flag_bits(block),
            empty=block.empty(self.columns),
        )

    def predict_proba(self, table: Any, *, units: Units = None) -> Floats:
        """Return each creator's probability of a deal, shape (n_rows,).

        Parameters
        ----------
        table
            :class:`.Creators`, or a pandas, polars or Arrow table, or any with the Arrow C stream
            interface.
        units
            Rate column to ``"fraction"`` or ``"percent"``; as the model's own table if not given.

        Raises
        ------
        InputError
            If a cell may be one number or another.
        """
        cells = self._take(table, units)
        for row, reason in cells.unclear.items():
            problem, _, way_out = reason.partition(": ")
            raise InputError(f"The table, row {row + 1}: {problem}.", f"{way_out.capitalize()}.")
        return self.model.model.predict_proba(cells.block)

    @overload
    def score(self, table: Creators, *, units: Units = None) -> pd.DataFrame: ...
    @overload
    def score(self, table: Table, *, units: Units = None) -> Table: ...
    @overload
    def score(self, table: ArrowStream, *, units: Units = None) -> pa.Table: ...
    def score(self, table: Any, *, units: Units = None) -> Any:
        """Return a table's scores, a row for each of its rows, pandas' index kept.

        Parameters
        ----------
        table, units
            As for :meth:`predict_proba`.

        Returns
        -------
        table of the same kind
            In the table's order: the five columns of the decision table, ``Interval Low``,
            ``Interval High`` and ``Flags``. A creator who cannot be scored has the reason for a
            flag, and nothing else.
        """
        cells = self._take(table, units)
        scores = self.compute(cells.block)
        reasons = self.reasons_not_to(cells.block, scores, cells.unclear)
        scored = score_columns(
            self.model.peers, cells.identifiers, cells.block, scores, cells.absent
        )
        if reasons:
            scored = without_scores(scored, reasons)
        return as_given(pa.table(scored), table)

    def decide(self, table: Any, *, units: Units = None) -> pd.DataFrame:
        """Return the decision table of a table's creators, the most probable first.

        Creators who cannot be scored are left out; :meth:`score` says why. The index is that of a
        pandas table.
        """
        cells = self._take(table, units)
        scores = self.compute(cells.block)
        reasons = self.reasons_not_to(cells.block, scores, cells.unclear)
        keep = np.setdiff1d(np.arange(cells.block.n_rows), [*reasons])
        decided = decision_table(
            self.frame(cells.identifiers, cells.block).iloc[keep],
            scores.y_prob[keep],
            self.model.thresholds,
            peers=self.model.peers,
            half_width=self.model.model.half_width,
            verdict=self.refusal,
        )
        if isinstance(table, pd.DataFrame):
            order = keep[np.argsort(-scores.y_prob[keep], kind="stable")]
            decided.index = table.index[order]
        return decided

    def explain(self, row: Mapping[str, Any]) -> Account:
        """Return why one creator is where they are, and what would change it.

        Parameters
        ----------
        row
            Column to value; rates as fractions, or text such as ``"6.8%"``.

        Raises
        ------
        CannotJudgeError
            If too little is known of the creator, or a figure cannot be read or cannot be.
        """
        reader = RecordReader(self.rules)
        record = {name: _plain_value(value) for name, value in row.items()}
        block, errors = reader.read([record])
        if reasons := {**self.reasons_not_to(block, self.compute(block)), **errors}:
            raise CannotJudgeError(f"{reasons[0]}.")
        return account_of(self.model, self.frame(reader.identifiers([record]), block))

    def read_table(
        self,
        name: str,
        table: pa.Table,
        *,
        columns: Mapping[str, str] | None = None,
        units: Units = None,
        rows: Iterable[int] | None = None,
    ) -> TableCells:
        """Return a table in memory as the model sees it.

        Parameters
        ----------
        name
            The table's name, for messages.
        table
            Its cells as found.
        columns, units
            As for :meth:`headers` and :meth:`reader`.
        rows
            Row numbers, by which creators without identifiers are called; from 1 if not given.
        """
        headers = self.headers(name, table.column_names, columns)
        cells = {c: whole_array(table[h]) for c, h in headers.columns.items()}
        identifiers = cells.pop(IDENTIFIER, None)
        reader = self.reader(name, units=units)
        reader.settle(cells)
        read = reader.read(cells)
        if identifiers is None:
            identifiers = pa.array(
                [f"row-{row}" for row in rows or range(1, len(table) + 1)], pa.string()
            )
        return TableCells(
            exact_identifiers(name, identifiers), read.block, read.unclear, headers.absent
        )

    def read_figures(self, creators: pd.DataFrame) -> Block:
        """Return creators who were read before as the model sees them.

        Parameters
        ----------
        creators
            Shape (n_rows, any): numbers as numbers, rates as fractions; levels get the spelling of
            this model, which need not be the one they were read for.
        """
        block = Block.of(creators)
        levels = {
            name: rule.read_levels(pa.array(creators[name], pa.string(), from_pandas=True)).levels
            for name, rule in self.rules.items()
            if not rule.numeric and name in creators
        }
        return Block(block.n_rows, {**block.columns, **levels})

    def reasons_not_to(
        self, block: Block, scores: Scores, unclear: Mapping[int, str] | None = None
    ) -> dict[int, str]:
        """Return row and reason of creators who cannot be scored.

        Parameters
        ----------
        block, scores
            The creators.
        unclear
            Row and reason of those with a cell that may be one number or another.
        """
        reasons = {**impossible_rows(block), **(unclear or {})}
        for row in np.flatnonzero(too_empty(scores.empty, len(self.columns))).tolist():
            reasons.setdefault(row, empty_reason(int(scores.empty[row]), len(self.columns)))
        return reasons

    def frame(self, identifiers: pa.Array, block: Block) -> pd.DataFrame:
        """Return a block as a creators' table."""
        names = identifiers.to_pandas(integer_object_nulls=True)  # exact beside a missing one
        return pd.DataFrame({IDENTIFIER: names, **block.to_dict()})

    def _take(self, table: Any, units: Units) -> TableCells:
        """Read whatever holds a table."""
        if isinstance(table, Creators):
            units = {**dict.fromkeys(table.units, "fraction"), **(units or {})}
            table = table.table
        return self.read_table("the table", raw_cells(table), units=units)


def load_model(folder: str | Path) -> Scorer:
    """Read and verify a model folder, ready to score.

    Raises
    ------
    ModelError
        If the folder is damaged, foreign or of another version.
    """
    return Scorer(read_model(folder))


def exact_identifiers(name: str, cells: pa.Array) -> pa.Array:
    """Return identifiers as they are told apart: integers as they are, all else canonical text.

    Raises
    ------
    InputError
        If the cells are of a type that has no text.
    """
    if pa.types.is_integer(cells.type) and cells.type != pa.uint64():
        return cells
    try:
        return canonical_identifiers(cells)
    except NoTextError as error:
        raise InputError(
            f"{name}, column {IDENTIFIER}: it holds {error}.", "Convert it to text."
        ) from error


def _plain_rule(column: str) -> ColumnRule:
    """Return the rule of a column that the model's own table lacked."""
    return ColumnRule(column=column, kind=standard_kind(column) or "any", header=column)


def _plain_value(value: Any) -> Any:
    """Return a cell of a data frame's row as JSON would hold it."""
    value = value.item() if isinstance(value, np.generic) else value
    return None if pd.api.types.is_scalar(value) and pd.isna(value) else value
