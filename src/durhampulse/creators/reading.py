"""From a source to the creators' table, with every irregularity on record."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from durhampulse.creators.cells import (
    NULL_WORDS,
    LevelCells,
    NumberCells,
    read_labels,
    read_levels,
    read_numbers,
)
from durhampulse.creators.headers import name_columns, unclaimed
from durhampulse.creators.roles import Role, read_extra, role_of_standard
from durhampulse.creators.rows import (
    complete_identifiers,
    impossible,
    note_views,
    refuse_impossible,
    settle_duplicates,
)
from durhampulse.creators.schema import (
    COLUMNS,
    GROWTH,
    IDENTIFIER,
    LABEL,
    QUALITY_LEVELS,
)
from durhampulse.creators.table import Creators
from durhampulse.creators.units import Unit, detect_unit, mixed_groups, require_units
from durhampulse.exceptions import InputError
from durhampulse.files.tables import RawTable, read_source
from durhampulse.irregularities import Irregularity, Ledger

__all__ = ["read_creators"]

_EXACT = 2**53
"""Below this size a float holds a whole number exactly."""


def read_creators(
    source: str | Path,
    *,
    columns: Mapping[str, str] | None = None,
    units: Mapping[str, Unit] | None = None,
    usual_units: Mapping[str, Unit] | None = None,
    table: str | None = None,
    query: str | None = None,
) -> Creators:
    """Read a creators' table and write down everything odd about it.

    Parameters
    ----------
    source
        A ``.csv``, ``.tsv``, ``.xlsx`` or ``.parquet`` file, or a SQLAlchemy address.
    columns
        Standard column to header, where the header is not recognised: ``{"Followers": "subs"}``.
    units
        Rate column to ``"fraction"`` or ``"percent"``, where the unit is known.
    usual_units
        The same where it is only usual: for columns whose own numbers do not tell.
    table, query
        Which rows of a database to read.

    Raises
    ------
    InputError
        If the source cannot be read as one table, two headers claim one standard column, or a
        rate column's unit is mixed or cannot be told.
    """
    ledger = Ledger()
    raw = read_source(source, ledger, table=table, query=query)
    reader = _Reader(raw, ledger, dict(units or {}), dict(usual_units or {}))
    headers = [str(header) for header in raw.frame.columns]
    named = name_columns(raw.name, headers, dict(columns or {}), ledger)
    for header, cells in raw.frame.items():
        reader.read(str(header), named.get(str(header)), cells)
    return reader.finish()


class _Reader:
    """Reads one column after another, then settles what concerns whole rows."""

    def __init__(
        self, raw: RawTable, ledger: Ledger, units: dict[str, Unit], usual: dict[str, Unit]
    ) -> None:
        self.raw = raw
        self.ledger = ledger
        self.asked_units = units
        self.usual_units = usual
        self.units: dict[str, Unit] = {}
        self.values: dict[str, pd.Series] = {}
        self.roles: dict[str, Role] = {}
        require_units(units)

    def read(self, header: str, standard: str | None, cells: pd.Series) -> None:
        name = standard or unclaimed(header)
        if standard is None:
            self._read_extra(name, cells)
        else:
            kind = COLUMNS[standard].kind
            if kind in ("count", "rate"):
                self.values[name] = self._read_number(name, header, cells)
            elif kind in ("category", "quality"):
                self.values[name] = self._read_level(name, cells, quality=kind == "quality")
            elif kind == "label":
                self.values[name] = self._read_label(cells)
            else:
                self.values[name] = self._read_identifiers(cells)
        missing = self.values[name].isna().to_numpy()
        if name == LABEL:
            action = "kept for scoring, not for training"
            self._note(Irregularity.UNLABELLED, name, missing, action)
        elif missing.all():
            self.ledger.note(Irregularity.EMPTY_COLUMN, name, 1, "not used")
        elif name != IDENTIFIER:
            self._note(Irregularity.MISSING, name, missing, "left empty")

    def _read_extra(self, name: str, cells: pd.Series) -> None:
        values, role, noticed = read_extra(name, cells)
        action = f"used as a feature ({role.kind})" if role.role == "feature" else "not used"
        protected = role.role == "protected"
        code = Irregularity.PROTECTED if protected else Irregularity.EXTRA_COLUMN
        self.ledger.note(code, name, 1, f"{action}: {role.reason}")
        if isinstance(noticed, NumberCells):
            self._note_numbers(name, noticed, cells)
            endless = np.isinf(noticed.values)
            self._note(Irregularity.INFINITY, name, endless, "read as missing", cells)
            values = values.mask(endless)
        elif noticed is not None:
            self._note_levels(name, noticed, cells)
        self.values[name], self.roles[name] = values, role

    def _read_identifiers(self, cells: pd.Series) -> pd.Series:
        """Read identifiers as whole numbers where all are, else as text."""
        text = _written_out(cells)
        ids = text.str.strip()
        null = ids.str.casefold().isin(NULL_WORDS).to_numpy(bool)
        stray = (text.notna() & (text != ids)).to_numpy(bool)
        point = ids.str.fullmatch(r"\d+\.0").fillna(value=False).to_numpy(bool)
        self._note(Irregularity.NULL_WORD, IDENTIFIER, null & (ids != ""), "read as missing", cells)
        self._note(Irregularity.STRAY_SPACE, IDENTIFIER, stray, "blanks removed", cells)
        self._note(Irregularity.NUMBER_FORMAT, IDENTIFIER, point, "'.0' removed", cells)
        ids = ids.str.replace(r"^(\d+)\.0$", r"\1", regex=True).mask(null)
        whole = bool(ids.notna().all() and ids.str.fullmatch(r"0|[1-9]\d{0,17}").all())
        return ids.astype("int64") if whole else ids

    def _read_number(self, name: str, header: str, cells: pd.Series) -> pd.Series:
        kind: Literal["count", "rate"] = "rate" if COLUMNS[name].kind == "rate" else "count"
        numbers = read_numbers(cells, kind)
        self._note_numbers(name, numbers, cells)
        values = numbers.values
        if COLUMNS[name].kind == "rate":
            values = self._to_fraction(name, header, numbers)
        else:
            broken = np.isfinite(values) & (np.floor(values) != values)
            self._note(Irregularity.FRACTIONAL_COUNT, name, broken, "kept as it is", cells)
        low, high = COLUMNS[name].plausible
        with np.errstate(invalid="ignore"):
            odd = np.isfinite(values) & ((values < low) | (values > high))
            falling = (values < 0) if name == GROWTH else np.zeros(len(values), dtype=bool)
        odd &= ~impossible(name, values)
        self._note(Irregularity.IMPLAUSIBLE, name, odd, "kept as it is", cells)
        self._note(Irregularity.NEGATIVE_GROWTH, name, falling & ~odd, "kept as it is", cells)
        series = pd.Series(values, index=cells.index)
        counted = COLUMNS[name].kind == "count" and bool((np.abs(values) < _EXACT).all())
        return series.astype("int64") if counted and (np.floor(values) == values).all() else series

    def _note_numbers(self, name: str, numbers: NumberCells, cells: pd.Series) -> None:
        if numbers.mixed_commas:
            decimal, thousands = numbers.mixed_commas
            raise InputError(
                f"{self.raw.name}, column {name}: {decimal!r} has a decimal comma and "
                f"{thousands!r} thousands commas.",
                "Write the whole column one way.",
            )
        for code, mask, action in (
            (Irregularity.NULL_WORD, numbers.null_word, "read as missing"),
            (Irregularity.STRAY_SPACE, numbers.stray_space, "blanks removed"),
            (Irregularity.NUMBER_FORMAT, numbers.formatted, "read as the number it stands for"),
            (Irregularity.PERCENT_SIGN, numbers.percent, "divided by 100"),
            (Irregularity.UNREADABLE, numbers.unreadable, "read as missing"),
        ):
            self._note(code, name, mask, action, cells)
        if numbers.decimal_comma:
            self.ledger.note(Irregularity.DECIMAL_COMMA, name, 1, "commas read as decimal signs")
        filled = int(cells.notna().sum() - numbers.null_word.sum())
        if numbers.unreadable.sum() > 0.5 * max(filled, 1):
            example = cells[numbers.unreadable].iloc[0]
            raise InputError(
                f"{self.raw.name}, column {name}, row {cells.index[numbers.unreadable][0]}: "
                f"{str(example)[:60]!r} is not a number, nor are most cells of this column.",
                f"If another column holds it, say so: --map {name}=HEADER.",
            )

    def _to_fraction(self, name: str, header: str, numbers: NumberCells) -> npt.NDArray[np.float64]:
        values, bare = numbers.values, ~numbers.percent
        loose, signed = values[bare], values[numbers.percent]
        asked = self.asked_units.get(name)
        if asked is None and (groups := mixed_groups(loose)):
            raise InputError(
                f"{self.raw.name}, column {name}: two groups of numbers, around {groups[0]:.2g} "
                f"and {groups[1]:.2g}, look like fractions and percentages mixed.",
                f"Write the column in one unit, or insist: --unit {name}=fraction.",
            )
        in_header = "%" in header or "percent" in header.casefold()
        found = detect_unit(loose, signed)
        if in_header and not asked and found == "fraction" and np.isfinite(loose).any():
            raise InputError(
                f"{self.raw.name}, column {name}: its header '{header}' says percent, its numbers "
                "look like fractions.",
                f"Say which: --unit {name}=percent or --unit {name}=fraction.",
            )
        unit = asked or ("percent" if in_header else found or self.usual_units.get(name))
        if unit is None:
            typical = float(np.median(np.abs(loose[np.isfinite(loose)])))
            raise InputError(
                f"{self.raw.name}, column {name}: its numbers, of a typical size of {typical:.2g}, "
                "may be fractions or percentages.",
                f"Say which: --unit {name}=percent or --unit {name}=fraction.",
            )
        self.units[name] = unit
        if np.isfinite(loose).any():
            why = "as asked" if asked else "as its header says" if in_header else "by its size"
            sensible = loose[np.isfinite(loose) & ~impossible(name, loose)]
            typical = float(np.median(np.abs(sensible))) if sensible.size else np.nan
            typical = typical / 100 if unit == "percent" else typical
            read = "percentages and divided by 100" if unit == "percent" else "fractions"
            action = f"read as {read}, {why}: a typical value is {typical:.2%}"
            self.ledger.note(Irregularity.UNIT, name, int(np.isfinite(loose).sum()), action)
        return np.where(bare, values / 100, values) if unit == "percent" else values

    def _read_level(self, name: str, cells: pd.Series, *, quality: bool) -> pd.Series:
        levels = read_levels(cells, QUALITY_LEVELS if quality else None)
        self._note_levels(name, levels, cells)
        if quality:
            known = levels.values.isin(set(QUALITY_LEVELS.values())) | levels.values.isna()
            action = "kept as a level of its own"
            self._note(Irregularity.UNKNOWN_LEVEL, name, ~known.to_numpy(), action, cells)
        return levels.values

    def _note_levels(self, name: str, levels: LevelCells, cells: pd.Series) -> None:
        self._note(Irregularity.NULL_WORD, name, levels.null_word, "read as missing", cells)
        self._note(Irregularity.STRAY_SPACE, name, levels.stray_space, "blanks removed", cells)
        action = "read as one level, in its usual spelling"
        self._note(Irregularity.SPELLING, name, levels.respelled, action, cells)

    def _read_label(self, cells: pd.Series) -> pd.Series:
        labels, worded, unreadable = read_labels(cells)
        if unreadable.any():
            row = cells.index[unreadable][0]
            raise InputError(
                f"{self.raw.name}, column {LABEL}, row {row}: "
                f"{str(cells[row])[:60]!r} is neither a deal nor none.",
                "Write 1 or 0, Yes or No, or leave the cell empty where it is not known.",
            )
        self._note(Irregularity.LABEL_WORD, LABEL, worded, "read as 1 or 0", cells)
        return pd.Series(labels, index=cells.index)

    def _note(
        self,
        code: Irregularity,
        column: str,
        mask: npt.NDArray[np.bool_],
        action: str,
        cells: pd.Series | None = None,
    ) -> None:
        where = np.flatnonzero(mask)
        first = where[:3]
        rows = self.raw.frame.index[first].tolist() if len(mask) == len(self.raw.frame) else []
        shown = [] if cells is None or not rows else cells.iloc[first].tolist()
        self.ledger.note(code, column, len(where), action, rows=rows, values=shown)

    def finish(self) -> Creators:
        """Settle what concerns whole rows, and put the parts together."""
        for name in COLUMNS:
            if name not in self.values:
                action = "row numbers are used" if name == IDENTIFIER else "done without"
                self.ledger.note(Irregularity.MISSING_COLUMN, name, 1, action)
        table = pd.DataFrame(self.values, index=self.raw.frame.index)
        identified = IDENTIFIER in table
        table[IDENTIFIER] = complete_identifiers(table, self.ledger)
        extra = [name for name in table if name not in COLUMNS]
        table = table[[*(name for name in COLUMNS if name in table), *extra]]
        table, refused = refuse_impossible(table, self.ledger)
        if table.empty:
            raise InputError(
                f"{self.raw.name}: no row can be used; the first: {refused['Reason'].iloc[0]}.",
                "Check the columns named, and --map.",
            )
        note_views(table, self.ledger)
        if identified:
            table = settle_duplicates(table, self.ledger)
        roles = tuple(self.roles.get(c) or role_of_standard(c, table[c]) for c in table.columns)
        rows, columns = self.raw.frame.shape
        return Creators(
            table, roles, self.units, self.ledger.frame(), refused, self.raw, rows, columns
        )


def _written_out(cells: pd.Series) -> pd.Series:
    """Give numbers as text without exponent or needless point; text as it is."""
    if pd.api.types.is_float_dtype(cells):
        whole = cells.notna() & (cells.abs() < _EXACT) & (np.floor(cells) == cells)
        return cells.astype("str").where(~whole, cells.map("{:.0f}".format))
    return cells.astype("str")
