"""The scorer: a verified model that scores tables and creators, without a training library."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from durhampulse.creators.block import Block
from durhampulse.creators.blockreader import BlockReader, impossible_rows
from durhampulse.creators.headers import name_columns, unclaimed
from durhampulse.creators.schema import ENGAGEMENT, FOLLOWERS, IDENTIFIER
from durhampulse.creators.units import Unit, require_units
from durhampulse.decision.bands import (
    BANDS,
    band_codes,
    cut,
    decision_table,
    empty_reason,
    too_empty,
)
from durhampulse.exceptions import CannotJudgeError, InputError
from durhampulse.irregularities import Ledger
from durhampulse.models.weights import sigmoid
from durhampulse.scoring.account import Account, account_of
from durhampulse.scoring.artifact import LoadedModel, read_model

__all__ = ["Scorer", "Scores", "load_model", "score_columns"]

Floats = npt.NDArray[np.float64]

_NO_BAND = len(BANDS)


@dataclass(frozen=True)
class Scores:
    """What the model says of some creators; arrays of shape (n_rows,).

    Attributes
    ----------
    y_prob, low, high
        Probability of a deal, and the ends of its 90% interval.
    band
        Place of the recommendation in `BANDS`, or one beyond where there is none.
    flags
        Bits of :meth:`durhampulse.features.peers.Peers.flag_bits`.
    empty
        How many of the model's columns are empty.
    """

    y_prob: Floats
    low: Floats
    high: Floats
    band: npt.NDArray[np.int8]
    flags: npt.NDArray[np.uint16]
    empty: npt.NDArray[np.intp]

    def take(self, rows: npt.NDArray[np.intp]) -> Scores:
        """Give some of the rows."""
        return Scores(**{name: values[rows] for name, values in vars(self).items()})


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
    levels
        The others with their known levels.
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
        known = model.profile.levels
        self.levels = {c: known.get(c, []) for c in self.seen if c not in self.numeric}

    def reader(
        self,
        name: str,
        *,
        units: Mapping[str, Unit] | None = None,
        usual_units: Mapping[str, Unit] | None = None,
    ) -> BlockReader:
        """Give a reader of one table's cells.

        Parameters
        ----------
        name
            The table's name, for messages.
        units
            Rate column to unit, where a person has said it.
        usual_units
            The same where nobody has; the units of the model's own table if not given.
        """
        require_units(units or {})
        usual = self.model.manifest.get("units", {}) if usual_units is None else usual_units
        return BlockReader(
            name,
            numeric=self.numeric,
            levels=self.levels,
            units={**usual, **(units or {})},
            asked=units or {},
        )

    def headers(
        self, name: str, headers: Sequence[str], columns: Mapping[str, str] | None = None
    ) -> dict[str, str]:
        """Give the columns to read: standard or model's column to header.

        Raises
        ------
        InputError
            If the table has so few of the model's columns that no row could be scored.
        """
        named = name_columns(name, [*headers], dict(columns or {}), Ledger())
        found = {named.get(header) or unclaimed(header): header for header in headers}
        wanted = [column for column in (IDENTIFIER, *self.seen) if column in found]
        absent = [column for column in self.columns if column not in found]
        if len(absent) > len(self.columns) / 2:
            raise InputError(
                f"{name}: it has no column {', '.join(absent)}; the model needs more than that.",
                "Name them, for example --map Followers=subs.",
            )
        return {column: found[column] for column in wanted}

    def compute(self, block: Block) -> Scores:
        """Score rows that are read."""
        logits = self.model.model.decision_function(block)
        half_width = self.model.model.half_width
        y_prob = sigmoid(logits)
        band = band_codes(y_prob, self.model.thresholds)
        return Scores(
            y_prob,
            sigmoid(logits - half_width),
            sigmoid(logits + half_width),
            np.full_like(band, _NO_BAND) if self.refusal else band,
            self.model.peers.flag_bits(block),
            block.empty(self.columns),
        )

    def predict_proba(self, table: Any, *, units: Mapping[str, Unit] | None = None) -> Floats:
        """Give each creator's probability of a deal, shape (n_rows,).

        Parameters
        ----------
        table
            A pandas, polars or Arrow table, or any with the Arrow C stream interface.
        units
            Rate column to ``"fraction"`` or ``"percent"``; fractions if not given.
        """
        _, block = self._take(table, units)
        return self.model.model.predict_proba(block)

    def score(self, table: Any, *, units: Mapping[str, Unit] | None = None) -> Any:
        """Score a table.

        Parameters
        ----------
        table, units
            As for :meth:`predict_proba`.

        Returns
        -------
        table of the same kind
            One row a creator in the table's order: the five columns of the decision table,
            ``Interval Low``, ``Interval High`` and ``Flags``. A creator who cannot be scored has
            the reason for a flag, and nothing else.
        """
        arrow, block = self._take(table, units)
        scores = self.compute(block)
        said = self.reasons_not_to(block, scores)
        scored = score_columns(self, _identifiers(arrow), block, scores)
        if said:
            gone = np.zeros(block.n_rows, dtype=bool)
            gone[list(said)] = True
            flags = scored["Flags"].to_pylist()
            for row, reason in said.items():
                flags[row] = f"not scored: {reason}"
            for name in ("Predicted Sponsorship", "Interval Low", "Interval High"):
                scored[name] = pa.array(scored[name].to_numpy(), mask=gone)
            bands = np.array(scored["Sponsorship Recommendation"].to_pylist(), dtype=object)
            scored["Sponsorship Recommendation"] = pa.array(bands, mask=gone)
            scored["Flags"] = pa.array(flags)
        return _like(pa.table(scored), table)

    def decide(self, table: Any, *, units: Mapping[str, Unit] | None = None) -> pd.DataFrame:
        """Give the decision table of a table's creators, the most probable first.

        Creators who cannot be scored are left out; :meth:`score` says why.
        """
        arrow, block = self._take(table, units)
        scores = self.compute(block)
        gone = self.reasons_not_to(block, scores)
        keep = np.setdiff1d(np.arange(block.n_rows), [*gone])
        frame = self.frame(_identifiers(arrow), block).iloc[keep]
        return decision_table(
            frame,
            scores.y_prob[keep],
            self.model.thresholds,
            peers=self.model.peers,
            half_width=self.model.model.half_width,
            verdict=self.refusal,
        )

    def explain(self, row: Mapping[str, Any]) -> Account:
        """Say why one creator is where they are, and what would change it.

        Parameters
        ----------
        row
            Column to value; rates as fractions, or text such as ``"6.8%"``.

        Raises
        ------
        CannotJudgeError
            If too little is known of the creator, or a figure cannot be.
        """
        cells = {name: pa.array([None if value is None else str(value)], pa.string())
                 for name, value in row.items()}  # fmt: skip
        arrow, block = self._take(pa.table(cells), None)
        if reasons := self.reasons_not_to(block, self.compute(block)):
            raise CannotJudgeError(f"{reasons[0]}.")
        return account_of(self.model, self.frame(_identifiers(arrow), block))

    def reasons_not_to(self, block: Block, scores: Scores) -> dict[int, str]:
        """Give row and reason of creators who cannot be scored."""
        reasons = impossible_rows(block)
        for row in np.flatnonzero(too_empty(scores.empty, len(self.columns))).tolist():
            reasons.setdefault(row, empty_reason(int(scores.empty[row]), len(self.columns)))
        return reasons

    def frame(self, identifiers: pa.Array, block: Block) -> pd.DataFrame:
        """Give a block as a creators' table."""
        return pd.DataFrame({IDENTIFIER: identifiers.to_pandas(), **block.to_dict()})

    def _take(self, table: Any, units: Mapping[str, Unit] | None) -> tuple[pa.Table, Block]:
        """Read a table in memory: its identifiers, and what the model looks at."""
        try:
            arrow = pa.table(table).combine_chunks()
        except (TypeError, ValueError, pa.ArrowException) as error:
            raise InputError(
                f"A {type(table).__name__} is no table that Arrow understands ({error}).",
                "Pass a pandas, polars or Arrow table.",
            ) from error
        names = arrow.column_names
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise InputError(f"The table has two columns '{twice}'.", "Give each its own name.")
        found = self.headers("the table", names, None)
        named = arrow.select([*found.values()]).rename_columns([*found])
        reader = self.reader("the table", units=units, usual_units={})
        cells = {name: _whole(named[name]) for name in named.column_names if name != IDENTIFIER}
        reader.settle(cells)
        return named, reader.read(cells)[0]


def load_model(folder: str | Path) -> Scorer:
    """Read and verify a model folder, ready to score.

    Raises
    ------
    ModelError
        If the folder is damaged, foreign or of another version.
    """
    return Scorer(read_model(folder))


def score_columns(
    scorer: Scorer, identifiers: pa.Array, block: Block, scores: Scores
) -> dict[str, pa.Array]:
    """Give scores as columns of the decision table, in the order of the rows."""
    followers = np.rint(block.numbers(FOLLOWERS))
    return {
        "Influencer ID": identifiers,
        "Predicted Sponsorship": pa.array(cut(scores.y_prob)),
        "Follower Count": pa.array(followers, pa.int64(), mask=~(np.abs(followers) < 2**53)),
        "Engagement Rate": pa.array(block.numbers(ENGAGEMENT), from_pandas=True),
        "Sponsorship Recommendation": pa.DictionaryArray.from_arrays(
            scores.band, [*BANDS, ""], safe=False
        ),
        "Interval Low": pa.array(cut(scores.low)),
        "Interval High": pa.array(cut(scores.high)),
        "Flags": _flag_texts(scorer, scores.flags),
    }


def _flag_texts(scorer: Scorer, bits: npt.NDArray[np.uint16]) -> pa.DictionaryArray:
    """Put each combination that occurs into words once."""
    counts = np.bincount(bits, minlength=1)
    present = np.flatnonzero(counts)
    place = np.zeros(len(counts), dtype=np.int32)
    place[present] = np.arange(len(present))
    texts = [scorer.model.peers.flag_text(int(one)) for one in present]
    return pa.DictionaryArray.from_arrays(place[bits], pa.array(texts, pa.string()), safe=False)


def _identifiers(table: pa.Table) -> pa.Array:
    if IDENTIFIER in table.column_names:
        return _whole(table[IDENTIFIER])
    return pa.array([f"row-{row}" for row in range(1, len(table) + 1)], pa.string())


def _whole(column: pa.ChunkedArray) -> pa.Array:
    whole = column.combine_chunks()
    return whole if isinstance(whole, pa.Array) else pa.concat_arrays(whole.chunks)


def _like(scored: pa.Table, table: Any) -> Any:
    """Give a table as the library of another one would hold it."""
    library = type(table).__module__.partition(".")[0]
    if library == "polars":
        return importlib.import_module("polars").from_arrow(scored)
    return scored.to_pandas() if library == "pandas" else scored
