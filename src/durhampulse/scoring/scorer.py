"""The scorer: a verified model that scores tables and creators, without a training library."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, overload

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from durhampulse.creators.block import Block
from durhampulse.creators.blockreader import BlockReader, impossible_rows
from durhampulse.creators.frames import raw_cells
from durhampulse.creators.headers import Headers
from durhampulse.creators.options import ReadOptions
from durhampulse.creators.records import RecordReader
from durhampulse.creators.rules import plain_rule
from durhampulse.creators.schema import ENGAGEMENT, FOLLOWERS, IDENTIFIER
from durhampulse.creators.table import Creators
from durhampulse.creators.text import whole_array
from durhampulse.creators.units import Unit, require_units
from durhampulse.decision.bands import band_codes
from durhampulse.decision.gaps import empty_reason, too_empty
from durhampulse.decision.table import decision_table
from durhampulse.decision.unlike import kind_names, unlike_words
from durhampulse.deferred import pd
from durhampulse.exceptions import CannotJudgeError, InputError
from durhampulse.files.cage import Cage
from durhampulse.markup import list_html
from durhampulse.models.weights import sigmoid
from durhampulse.scoring.account import Account, account_of
from durhampulse.scoring.artifact import read_model
from durhampulse.scoring.columns import ModelColumns
from durhampulse.scoring.kinds import ArrowStream, Table, as_given
from durhampulse.scoring.model import StoredModel, describe
from durhampulse.scoring.record import (
    NO_BAND,
    UNLIKE,
    Scores,
    score_columns,
    with_carried,
    without_scores,
)
from durhampulse.scoring.tables import TableCells, carried_text, exact_identifiers, of_text

__all__ = ["Scorer", "load_model"]

Floats = npt.NDArray[np.float64]
Units = Mapping[str, Unit] | None


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
    kinds
        What :attr:`.Scores.unlike` is called among a creator's flags, by its number.
    refusal
        Why the data it learned from allow no recommendation; empty where they do.
    """

    def __init__(self, model: StoredModel) -> None:
        self.model = model
        self.columns = model.model.encoding.columns
        self.refusal = str(model.manifest.get("verdict", {}).get("refusal", ""))
        curves = model.peers.curves
        self.seen = list(dict.fromkeys([*self.columns, FOLLOWERS, ENGAGEMENT, *curves]))
        self.numeric = model.model.encoding.numeric | {FOLLOWERS, ENGAGEMENT, *curves}
        self._columns = ModelColumns(self.columns, self.seen, model.rules)
        self.usual_headers = self._columns.usual
        self.kinds = kind_names(model.model.precedent)
        self.rules = {name: model.rules.get(name) or plain_rule(name) for name in self.seen}

    def __repr__(self) -> str:
        return f"<Scorer: {'; '.join(describe(self.model).splitlines())}>"

    def _repr_html_(self) -> str:
        title, *lines = describe(self.model).splitlines()
        return list_html(title, lines)

    def reader(
        self, name: str, *, units: Units = None, headers: Mapping[str, str] | None = None
    ) -> BlockReader:
        """Return a reader of one table's cells.

        Parameters
        ----------
        name
            The table's name, for messages.
        units
            Rate column to unit, where a person has said it; else the header's or the model's own.
        headers
            Column to its header in this table, which may say its unit.
        """
        require_units(units or {})
        return BlockReader(name, self.rules, units=units, headers=headers)

    def headers(
        self, name: str, headers: Sequence[str], options: ReadOptions | None = None
    ) -> Headers:
        """Return which headers to read and which to carry along, by the headers alone.

        Parameters
        ----------
        name
            The table's name, for messages.
        headers
            All of them.
        options
            What a person has said of them; else as in the study.

        Raises
        ------
        InputError
            If the table has so few of the model's columns that no row could be scored.
        """
        return self._columns.find(name, headers, options or ReadOptions())

    def compute(self, block: Block) -> Scores:
        """Return the scores of rows that are read."""
        logits, unlike = self.model.model.look(block)
        y_prob = sigmoid(logits)
        low, high = self.model.model.interval.ends(logits, block, y_prob)
        band, marked = band_codes(y_prob, self.model.thresholds), unlike > 0
        band[marked], low[marked], high[marked] = UNLIKE, 0.0, 1.0
        return Scores(
            y_prob=y_prob,
            low=low,
            high=high,
            band=np.full_like(band, NO_BAND) if self.refusal else band,
            flags=self.model.peers.flag_bits(block),
            empty=block.empty(self.columns),
            unlike=unlike,
            steps=self.model.model.interval.steps(block),
        )

    def predict_proba(
        self, table: Any, options: ReadOptions | None = None, **keywords: Any
    ) -> Floats:
        """Return each creator's probability of a deal, shape (n_rows,).

        Parameters
        ----------
        table
            :class:`.Creators`, or a pandas, polars or Arrow table, or any with the Arrow C stream
            interface.
        options
            How to read it. Its fields as keywords count before it:
            ``units={"Growth_Rate": "percent"}``.

        Raises
        ------
        InputError
            If a cell may be one number or another.
        """
        cells = self._take(table, options, keywords)
        for row, reason in cells.unclear.items():
            problem, _, way_out = reason.partition(": ")
            raise InputError(f"The table, row {row + 1}: {problem}.", f"{way_out.capitalize()}.")
        return self.model.model.predict_proba(cells.block)

    @overload
    def score(
        self, table: Creators, options: ReadOptions | None = None, **keywords: Any
    ) -> pd.DataFrame: ...
    @overload
    def score(self, table: Table, options: ReadOptions | None = None, **keywords: Any) -> Table: ...
    @overload
    def score(
        self, table: ArrowStream, options: ReadOptions | None = None, **keywords: Any
    ) -> pa.Table: ...
    def score(self, table: Any, options: ReadOptions | None = None, **keywords: Any) -> Any:
        """Return a table's scores, a row for each of its rows, pandas' index kept.

        Parameters
        ----------
        table, options
            As for :meth:`predict_proba`.

        Returns
        -------
        table of the same kind
            In the table's order: the identifier, the columns that are carried along as text under
            their own headers, the other four columns of the decision table, ``Interval Low``,
            ``Interval High`` and ``Flags``. A creator who cannot be scored has the reason for a
            flag, and nothing else.
        """
        cells = self._take(table, options, keywords)
        scores = self.compute(cells.block)
        reasons = self.reasons_not_to(cells.block, scores, cells.unclear)
        scored = score_columns(
            self.model.peers,
            cells.identifiers,
            cells.block,
            scores,
            cells.headers.absent,
            kinds=self.kinds,
        )
        if reasons:
            scored = without_scores(scored, reasons)
        return as_given(pa.table(with_carried(scored, cells.carried)), table)

    def decide(
        self, table: Any, options: ReadOptions | None = None, **keywords: Any
    ) -> pd.DataFrame:
        """Return the decision table of a table's creators, the most probable first.

        Creators who cannot be scored are left out; :meth:`score` says why. The index is that of a
        pandas table.
        """
        cells = self._take(table, options, keywords)
        scores = self.compute(cells.block)
        reasons = self.reasons_not_to(cells.block, scores, cells.unclear)
        keep = np.setdiff1d(np.arange(cells.block.n_rows), [*reasons])
        decided = decision_table(
            self.frame(cells.identifiers, cells.block).iloc[keep],
            scores.y_prob[keep],
            self.model.thresholds,
            peers=self.model.peers,
            interval=self.model.model.interval,
            unlike=unlike_words(self.model.model, cells.block.take(keep)),
            verdict=self.refusal,
            carried={h: text.take(pa.array(keep)) for h, text in cells.carried.items()},
        )
        if isinstance(table, pd.DataFrame):
            order = keep[np.argsort(-scores.order[keep], kind="stable")]
            decided.index = table.index[order]
        return decided

    def part(self, record: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
        """Return what a record says of a creator's figures, and what is carried along of it."""
        return self._columns.part(record)

    def explain(self, row: Mapping[str, Any]) -> Account:
        """Return why one creator is where they are, and what would change it.

        Parameters
        ----------
        row
            Column to value; rates as fractions, or text such as ``"6.8%"``. What a table would
            carry along, such as a handle, is given back.

        Raises
        ------
        InputError
            If it is a whole table.
        CannotJudgeError
            If too little is known of the creator, or a figure cannot be read or cannot be.
        """
        if hasattr(row, "columns"):
            raise InputError("A table is not one creator.", "Pass one row, such as table.iloc[0].")
        reader = RecordReader(self.rules)
        plain = {str(name): _plain_value(value) for name, value in row.items()}
        record, carried = self.part(plain)
        block, errors = reader.read([record])
        if reasons := {**self.reasons_not_to(block, self.compute(block)), **errors}:
            raise CannotJudgeError(f"{reasons[0]}.")
        return account_of(self.model, self.frame(reader.identifiers([record]), block), carried)

    def read_table(
        self,
        name: str,
        table: pa.Table,
        options: ReadOptions | None = None,
        *,
        rows: npt.NDArray[np.int64] | None = None,
    ) -> TableCells:
        """Return a table in memory as the model sees it.

        Parameters
        ----------
        name
            The table's name, for messages.
        table
            Its cells as found.
        options
            What a person has said of its columns.
        rows
            Row numbers, by which creators without identifiers are called; from 1 if not given.
        """
        options = options or ReadOptions()
        headers = self.headers(name, table.column_names, options)
        types = {header: table.schema.field(header).type for header in headers.carried}
        headers = of_text(headers, types, options.keep)
        cells = {c: whole_array(table[h]) for c, h in headers.columns.items()}
        identifiers = cells.pop(IDENTIFIER, None)
        reader = self.reader(name, units=options.units, headers=headers.columns)
        reader.settle(cells)
        read = reader.read(cells)
        rows = np.arange(1, len(table) + 1) if rows is None else rows
        if identifiers is None:
            identifiers = pa.array([f"row-{row}" for row in rows], pa.string())
        return TableCells(
            identifiers=exact_identifiers(name, identifiers, rows),
            block=read.block,
            unclear=read.unclear,
            headers=headers,
            carried={h: carried_text(name, h, whole_array(table[h])) for h in headers.carried},
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

    def _take(
        self, table: Any, options: ReadOptions | None, keywords: Mapping[str, Any]
    ) -> TableCells:
        """Return the cells of whatever holds a table, read."""
        options = replace(options or ReadOptions(), **keywords)
        if isinstance(table, Creators):
            fractions: dict[str, Unit] = dict.fromkeys(table.units, "fraction")
            units = {**fractions, **options.units}
            keep = tuple(c for c in table.carried if c not in (*options.drop, *self.seen))
            options = replace(options, units=units, keep=(*options.keep, *keep))
            table = table.table
        return self.read_table("the table", raw_cells(table), options)


def load_model(folder: str | Path, *, cage: Cage | None = None, explains: bool = True) -> Scorer:
    """Return a model folder, read and verified, ready to score.

    Parameters
    ----------
    folder
        The folder.
    cage
        The process that reads its tables, where the folder is foreign; this one if not given.
    explains
        Read what explanations need, too; scores alone start in half the time.

    Raises
    ------
    ModelError
        If the folder is damaged, foreign or of another version.
    """
    return Scorer(read_model(folder, cage=cage, explains=explains))


def _plain_value(value: Any) -> Any:
    """Return a cell of a data frame's row as JSON would hold it."""
    value = value.item() if isinstance(value, np.generic) else value
    return None if pd.api.types.is_scalar(value) and pd.isna(value) else value
