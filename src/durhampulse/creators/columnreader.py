"""The columns of a table as a study reads them, each with its rule and its irregularities."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from durhampulse.creators.blockreader import unclear_reason, way_to_numbers
from durhampulse.creators.cells import NumberCells, distinct_words, read_levels
from durhampulse.creators.considered import read_considered
from durhampulse.creators.headers import unclaimed
from durhampulse.creators.identifiers import canonical_identifiers, refuse_rounded
from durhampulse.creators.labelchoice import LabelChoice
from durhampulse.creators.labels import learn_label, read_labels, refuse_unreadable
from durhampulse.creators.notes import Notes
from durhampulse.creators.numbers import (
    DecimalSign,
    decimal_evidence,
    learn_decimal,
    mixed_commas,
)
from durhampulse.creators.options import ReadOptions
from durhampulse.creators.roles import ExtraColumn, Role, Wish, attribute_of, read_extra
from durhampulse.creators.rows import lone_codes, repeated_codes, require_plausible
from durhampulse.creators.rules import (
    ColumnRule,
    learn_level_rule,
    learn_number_rule,
    level_series,
    standard_kind,
)
from durhampulse.creators.scales import header_size, refuse_full, scaled, scaled_rule
from durhampulse.creators.schema import COLUMNS, IDENTIFIER, LABEL, QUALITY_LEVELS
from durhampulse.creators.text import NoTextError, as_text, is_number, whole_array
from durhampulse.creators.units import (
    Unit,
    decide_unit,
    refuse_counts,
    refuse_thousands,
    require_units,
)
from durhampulse.exceptions import InputError
from durhampulse.files.tables import RawTable
from durhampulse.irregularities import Irregularity, Ledger

__all__ = ["ColumnReader"]

Floats = npt.NDArray[np.float64]

_EXACT = 2**53
"""Below this size a float holds a whole number exactly."""


class ColumnReader:
    """Reads one column of a table after another, and notes what is odd about its cells.

    Parameters
    ----------
    raw
        The table as found.
    ledger
        Where irregularities are noted.
    options
        What a person has said of the columns.
    usual
        Rate column to its usual unit.

    Attributes
    ----------
    values
        Column to its values, by row of the source, of the columns read so far.
    roles
        What those that are not standard are used for.
    rules
        How they were read.
    considered
        Name of the column that says whom somebody looked at; None where none does.

    Raises
    ------
    InputError
        If a unit is asked for a column that is no rate.
    """

    def __init__(
        self, raw: RawTable, ledger: Ledger, options: ReadOptions, usual: Mapping[str, Unit]
    ) -> None:
        self.raw = raw
        self.ledger = ledger
        self.notes = Notes(ledger, raw.rows)
        self.options = options
        self.usual_units = dict(usual)
        self.values: dict[str, pd.Series] = {}
        self.roles: dict[str, Role] = {}
        self.rules: dict[str, ColumnRule] = {}
        self.elsewhere: DecimalSign | None = None
        self.considered: str | None = None
        self.label = LabelChoice(header=None)
        require_units(options.units)

    def weigh(self, named: Mapping[str, str]) -> None:
        """Learn the decimal sign that the standard columns of numbers prove together."""
        signs: set[DecimalSign] = set()
        for header, standard in named.items():
            cells = self._cells(header)
            kind = COLUMNS[standard].kind
            if kind in ("count", "rate") and not is_number(cells.type):
                words = self._words(cells)
                signs |= decimal_evidence(words, "count" if kind == "count" else "rate")
        self.elsewhere = signs.pop() if len(signs) == 1 else None

    def read(self, header: str, standard: str | None) -> None:
        """Read one column.

        Raises
        ------
        InputError
            If its cells cannot be what the column should hold.
        """
        name, cells = standard or unclaimed(header), self._cells(header)
        kind = standard_kind(standard) if standard else None
        try:
            if standard is None or kind is None:
                values = self._read_extra(name, header, cells)
            elif kind in ("count", "rate"):
                values = self._read_number(name, header, cells)
            elif kind in ("levels", "quality"):
                values = self._read_level(name, header, cells)
            elif kind == "label":
                values = self._read_label(header, cells)
            else:
                values = self._read_identifiers(header, cells)
        except NoTextError as error:
            raise InputError(
                f"{self.raw.name}, column {name}: it holds {error}.",
                f"If another column holds it, say so: --map {name}=HEADER.",
            ) from error
        self.values[name] = values
        missing = values.isna().to_numpy()
        if name == LABEL:
            action = "kept for scoring, not for training"
            self.notes.cells(Irregularity.UNLABELLED, name, missing, action)
        elif missing.all():
            self.notes.column(Irregularity.EMPTY_COLUMN, name, "not used")
        elif name not in (IDENTIFIER, self.considered):
            self.notes.cells(Irregularity.MISSING, name, missing, "left empty")

    def _cells(self, header: str) -> pa.Array:
        return whole_array(self.raw.cells[header])

    @staticmethod
    def _words(cells: pa.Array) -> list[str]:
        try:
            return [word.strip() for word in distinct_words(cells)[1]]
        except NoTextError:
            return []  # reported when the column is read

    def _series(self, values: Floats | pd.Series) -> pd.Series:
        series = values if isinstance(values, pd.Series) else pd.Series(values)
        return series.set_axis(pd.Index(self.raw.rows, name="row"))

    def _read_extra(self, name: str, header: str, cells: pa.Array) -> pd.Series:
        if header == self.options.considered:
            return self._read_considered(name, cells)
        settled = self._protected(header)
        wish = self._wish(header)
        extra = read_extra(name, cells, header, self.elsewhere, wish=wish, protected=settled)
        reason = self.label.held_back.get(header) if wish is None else None
        if reason and extra.role.role == "feature":
            extra = ExtraColumn(replace(extra.role, role="unused", reason=reason))
        self.roles[name] = extra.role
        self.notes.role(extra.role, extra.rule)
        if settled is False and (attribute := attribute_of(name, cells)):
            action = f"LEARNED FROM, as --allow asks, though it looks like {attribute}"
            self.notes.column(Irregularity.PROTECTED, name, action)
        if extra.rule is None:
            return self._series(cells.to_pandas())
        self.rules[name] = extra.rule
        if extra.cells is None:
            return self._series(as_text(cells).to_pandas().astype("str"))
        if isinstance(extra.cells, NumberCells):
            self.notes.numbers(extra.rule, extra.cells, cells)
            action = "kept as it is; empty these cells if it stands for a missing figure"
            codes = repeated_codes(extra.cells.values)
            self.notes.cells(Irregularity.IMPLAUSIBLE, name, codes, action, cells)
            self._require_numbers(name, extra.cells, cells)
            endless = np.isinf(extra.cells.values)
            self.notes.cells(Irregularity.INFINITY, name, endless, "read as missing", cells)
            return self._series(np.where(endless, np.nan, extra.cells.values))
        self.notes.levels(name, extra.cells, cells)
        return self._series(level_series(extra.cells.levels))

    def _read_considered(self, name: str, cells: pa.Array) -> pd.Series:
        values = read_considered(f"{self.raw.name}, column {name}", cells, self.raw.rows)
        reason = f"somebody looked at {int(np.sum(values == 1)):,} of {len(values):,} creators"
        self.considered = name
        self.roles[name] = Role(name, "considered", "numeric", reason)
        action = f"{reason}: only these are learned from and tested on"
        self.notes.column(Irregularity.EXTRA_COLUMN, name, action)
        return self._series(values)

    def _wish(self, header: str) -> Wish | None:
        if header in self.options.keep:
            return "keep"
        return "feature" if header in self.options.feature else None

    def _protected(self, header: str) -> bool | None:
        """Return whether a person calls a column protected; None where nobody said."""
        if header in self.options.protect:
            return True
        return False if header in self.options.allow else None

    def leave_out(self, header: str) -> None:
        """Leave a column out of everything, and keep in the rules that it is left out."""
        name = unclaimed(header)
        self.rules[name] = ColumnRule(column=name, kind="dropped", header=header)
        self.notes.column(Irregularity.LEFT_OUT, header, "left out of everything, as asked")

    def _read_identifiers(self, header: str, cells: pa.Array) -> pd.Series:
        """Return identifiers as whole numbers where all are, else as text."""
        self.rules[IDENTIFIER] = ColumnRule(column=IDENTIFIER, kind="identifier", header=header)
        text = as_text(cells)
        refuse_rounded(f"{self.raw.name}, column {header}", text, self.raw.rows)
        ids = canonical_identifiers(cells)
        self.notes.identifiers(text, ids, cells)
        series = self._series(ids.to_pandas().astype("str"))
        whole = series.notna().all() and series.str.fullmatch(r"0|[1-9]\d{0,17}").all()
        return series.astype("int64") if whole else series

    def _read_number(self, name: str, header: str, cells: pa.Array) -> pd.Series:
        where = f"{self.raw.name}, column {name}"
        rule = learn_number_rule(name, cells, header)
        size = header_size(where, header) if rule.kind == "count" else 1
        if size != 1:
            return self._read_scaled(where, rule, cells, size)
        words = [] if is_number(cells.type) else self._words(cells)
        if words and rule.decimal is None and self.elsewhere == ",":
            rule = replace(rule, decimal=",")
        if mixed := mixed_commas(words, rule.number_kind):
            raise InputError(
                f"{where}: {mixed[0]!r} has a decimal comma and {mixed[1]!r} thousands commas.",
                f"Write the whole column one way, or do without it: --map {name}=.",
            )
        if rule.kind == "rate" and name not in self.options.units:
            refuse_counts(where, words)
        numbers = rule.read_numbers(cells, self.elsewhere)
        self._refuse_unclear(rule, numbers, cells)
        self.notes.numbers(rule, numbers, cells)
        self._require_numbers(name, numbers, cells)
        if rule.kind == "rate":
            rule = self._with_unit(where, rule, numbers)
        else:
            refuse_thousands(where, name, numbers.values)
        self.rules[name] = rule
        values = rule.to_fractions(numbers)
        coded = np.isnan(values) & np.isfinite(numbers.values)
        self.notes.cells(Irregularity.NULL_WORD, name, coded, "read as missing", cells)
        bare = np.where(numbers.percent | coded, np.nan, numbers.values)
        return self._figures(where, rule, values, bare, cells)

    def _read_scaled(self, where: str, rule: ColumnRule, cells: pa.Array, size: int) -> pd.Series:
        """Read counts whose header says that they are in thousands, or in another size."""
        name = rule.column
        words = [] if is_number(cells.type) else self._words(cells)
        reading = replace(scaled_rule(rule), decimal=learn_decimal(words, "any"))
        read = reading.read_numbers(cells, self.elsewhere)
        self._refuse_unclear(reading, read, cells)
        refuse_full(where, rule.header, read)
        numbers = scaled(read, size)
        self.notes.numbers(reading, numbers, cells)
        self._require_numbers(name, numbers, cells)
        action = f"multiplied by {size:,}, as the header '{rule.header}' says"
        plain = np.isfinite(numbers.values) & ~numbers.sized
        self.notes.cells(Irregularity.UNIT, name, plain, action)
        self.rules[name] = replace(rule, decimal=None, size=size)
        return self._figures(where, rule, numbers.values, numbers.values, cells)

    def _figures(
        self, where: str, rule: ColumnRule, values: Floats, bare: Floats, cells: pa.Array
    ) -> pd.Series:
        """Return figures that can be true, as whole numbers where all are, and note odd ones."""
        name = rule.column
        require_plausible(where, name, values, bare, cells)
        self.notes.figures(name, values, cells)
        series = self._series(values)
        counted = rule.kind == "count" and bool((np.abs(values) < _EXACT).all())
        return series.astype("int64") if counted and (np.floor(values) == values).all() else series

    def _refuse_unclear(self, rule: ColumnRule, numbers: NumberCells, cells: pa.Array) -> None:
        for at in np.flatnonzero(numbers.unclear)[:1].tolist():
            reason = unclear_reason(rule.column, str(as_text(cells.slice(at, 1))[0]).strip(), rule)
            problem, _, way_out = reason.partition(": ")
            more = (
                ", in this column or wherever the decimal sign shows" if "may be" in problem else ""
            )
            raise InputError(
                f"{self.raw.name}, row {self.raw.rows[at]}: {problem}.",
                f"{way_out.capitalize()}{more}; or do without the column: --map {rule.column}=.",
            )

    def _require_numbers(self, name: str, numbers: NumberCells, cells: pa.Array) -> None:
        """Raise if most cells are no numbers."""
        filled = len(cells) - cells.null_count - int(numbers.null_word.sum())
        if numbers.unreadable.sum() > 0.5 * max(filled, 1):
            at = int(np.argmax(numbers.unreadable))
            cell = str(cells[at].as_py()).strip()[:60]
            raise InputError(
                f"{self.raw.name}, column {name}, row {self.raw.rows[at]}: {cell!r} is not a "
                "number, nor are most cells of this column.",
                f"{way_to_numbers(name, cell)}; to do without, --map {name}=.",
            )

    def _with_unit(self, where: str, rule: ColumnRule, numbers: NumberCells) -> ColumnRule:
        name = rule.column
        bare, signed = numbers.values[~numbers.percent], numbers.values[numbers.percent]
        bare = bare[~lone_codes(bare)]
        asked, usual = self.options.units.get(name), self.usual_units.get(name)
        unit, why = decide_unit(where, rule.header, bare, signed, asked=asked, usual=usual)
        self.notes.unit(name, bare, unit, why)
        return replace(rule, unit=unit, insisted=asked is not None)

    def _read_level(self, name: str, header: str, cells: pa.Array) -> pd.Series:
        quality = COLUMNS[name].kind == "quality"
        levels = read_levels(cells, QUALITY_LEVELS if quality else None)
        self.rules[name] = learn_level_rule(name, levels, header)
        self.notes.levels(name, levels, cells)
        series = self._series(level_series(levels.levels))
        if quality:
            usual = series.isin(set(QUALITY_LEVELS.values())) | series.isna()
            action = "kept as a level of its own"
            self.notes.cells(Irregularity.UNKNOWN_LEVEL, name, ~usual.to_numpy(), action, cells)
        return series

    def _read_label(self, header: str, cells: pa.Array) -> pd.Series:
        named = self.label.deal, self.label.no_deal
        rule = self.rules[LABEL] = learn_label(self.raw.name, header, cells, *named)
        labels = read_labels(cells, rule)
        refuse_unreadable(f"{self.raw.name}, column {header}", labels, cells, self.raw.rows)
        words = (
            [repr(word) if word else "an empty cell" for word in some]
            for some in (rule.deal, rule.no_deal)
        )
        deal, none = map(" or ".join, words)
        deal = deal or "any filled cell but a no"
        action = f"read as 1 or 0: a deal is {deal}, none is {none or 'any other'}"
        self.notes.cells(Irregularity.LABEL_WORD, LABEL, labels.worded, action, cells)
        return self._series(labels.values)
