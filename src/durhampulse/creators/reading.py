"""From a source to the creators' table, with every irregularity on record."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from durhampulse.creators.cells import NumberCells, read_labels, read_levels, read_numbers
from durhampulse.creators.irregularities import Irregularity, Ledger
from durhampulse.creators.roles import Role, read_extra, role_of_standard
from durhampulse.creators.schema import (
    COLUMNS,
    FOLLOWERS,
    GROWTH,
    IDENTIFIER,
    LABEL,
    QUALITY_LEVELS,
    VIEWS,
    canonical_name,
)
from durhampulse.creators.sources import RawTable, read_source
from durhampulse.creators.table import Creators
from durhampulse.creators.units import Unit, detect_unit, mixed_groups
from durhampulse.exceptions import InputError

__all__ = ["read_creators"]

_VIEWS_PER_FOLLOWER = 100


def read_creators(
    source: str | Path,
    *,
    columns: Mapping[str, str] | None = None,
    units: Mapping[str, Unit] | None = None,
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
    reader = _Reader(raw, ledger, dict(units or {}))
    named = _name_columns(raw, dict(columns or {}), ledger)
    for header, cells in raw.frame.items():
        reader.read(str(header), named.get(str(header)), cells)
    return reader.finish()


def _name_columns(raw: RawTable, asked: dict[str, str], ledger: Ledger) -> dict[str, str]:
    """Give header to standard column; what was asked for wins, then exact names, then aliases."""
    headers = [str(header) for header in raw.frame.columns]
    _check_asked(raw.name, headers, asked)
    taken = {header: standard for standard, header in asked.items()}
    taken |= {h: h for h in headers if h in COLUMNS and h not in taken and h not in asked}
    claims: dict[str, list[str]] = {}
    for header in headers:
        claimed = canonical_name(header)
        if header not in taken and claimed and claimed not in taken.values():
            claims.setdefault(claimed, []).append(header)
    for standard, rivals in claims.items():
        if len(rivals) > 1:
            raise InputError(
                f"{raw.name}: {' and '.join(repr(r) for r in rivals)} could each be {standard}.",
                f"Choose one, for example --map '{standard}={rivals[0]}'.",
            )
        taken[rivals[0]] = standard
    for header, standard in taken.items():
        if header != standard:
            ledger.note(Irregularity.RENAMED_COLUMN, standard, 1, f"'{header}' read as {standard}")
    if not set(taken.values()) - {IDENTIFIER, LABEL}:
        shown = ", ".join(repr(h) for h in headers[:12])
        raise InputError(
            f"{raw.name}: no column of a creators' table among {shown}.",
            "Name them, for example --map Followers=subs --map Niche=topic.",
        )
    return taken


def _check_asked(name: str, headers: list[str], asked: dict[str, str]) -> None:
    for standard, header in asked.items():
        if standard not in COLUMNS:
            known = ", ".join(COLUMNS)
            raise InputError(f"'{standard}' is not a standard column.", f"They are {known}.")
        if header not in headers:
            shown = ", ".join(repr(h) for h in headers[:20])
            raise InputError(f"{name}: no column '{header}'.", f"The columns are {shown}.")
    if len(set(asked.values())) < len(asked):
        raise InputError(f"{name}: one header is named for two columns.", "Name each once.")


class _Reader:
    """Reads one column after another, then settles what concerns whole rows."""

    def __init__(self, raw: RawTable, ledger: Ledger, units: dict[str, Unit]) -> None:
        self.raw = raw
        self.ledger = ledger
        self.asked_units = units
        self.units: dict[str, Unit] = {}
        self.values: dict[str, pd.Series] = {}
        self.roles: dict[str, Role] = {}
        for name in units:
            if name not in COLUMNS or COLUMNS[name].kind != "rate":
                raise InputError(f"'{name}' has no unit to set.", "Only rate columns have one.")

    def read(self, header: str, standard: str | None, cells: pd.Series) -> None:
        name = standard or header
        if cells.isna().all():
            self._note(Irregularity.EMPTY_COLUMN, name, np.ones(1, bool), "not used", cells)
            if standard is None:
                return
        if standard is None:
            self.values[name], self.roles[name], numbers = read_extra(name, cells)
            role = self.roles[name]
            action = f"used as a feature ({role.kind})" if role.role == "feature" else "not used"
            self.ledger.note(Irregularity.EXTRA_COLUMN, name, 1, f"{action}: {role.reason}")
            if numbers is not None:
                self._note_numbers(name, numbers, cells)
        else:
            kind = COLUMNS[standard].kind
            if kind in ("count", "rate"):
                self.values[name] = self._read_number(name, header, cells)
            elif kind in ("category", "quality"):
                self.values[name] = self._read_level(name, cells, quality=kind == "quality")
            elif kind == "label":
                self.values[name] = self._read_label(cells)
            else:
                self.values[name] = _read_identifiers(cells)
        if name != IDENTIFIER:
            missing = self.values[name].isna().to_numpy()
            code = Irregularity.UNLABELLED if name == LABEL else Irregularity.MISSING
            action = "kept for scoring, not for training" if name == LABEL else "left empty"
            if not missing.all() or name == LABEL:
                self._note(code, name, missing, action)

    def _read_number(self, name: str, header: str, cells: pd.Series) -> pd.Series:
        numbers = read_numbers(cells)
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
        odd &= ~self._impossible(name, values)
        self._note(Irregularity.IMPLAUSIBLE, name, odd, "kept as it is", cells)
        self._note(Irregularity.NEGATIVE_GROWTH, name, falling & ~odd, "kept as it is", cells)
        series = pd.Series(values, index=cells.index)
        whole = np.isfinite(values).all() and COLUMNS[name].kind == "count"
        return series.astype("int64") if whole and (np.floor(values) == values).all() else series

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
        unit = asked or ("percent" if in_header else detect_unit(loose, signed))
        if unit is None:
            raise InputError(
                f"{self.raw.name}, column {name}: a typical value of "
                f"{np.nanmedian(np.abs(loose)):.2g} may be a fraction or a percentage.",
                f"Say which: --unit {name}=percent or --unit {name}=fraction.",
            )
        self.units[name] = unit
        if np.isfinite(loose).any():
            why = "as asked" if asked else "as its header says" if in_header else "by its size"
            typical = float(np.nanmedian(np.abs(loose[np.isfinite(loose)])))
            typical = typical / 100 if unit == "percent" else typical
            read = "percentages and divided by 100" if unit == "percent" else "fractions"
            action = f"read as {read}, {why}: a typical value is {typical:.2%}"
            self.ledger.note(Irregularity.UNIT, name, int(np.isfinite(loose).sum()), action)
        return np.where(bare, values / 100, values) if unit == "percent" else values

    def _read_level(self, name: str, cells: pd.Series, *, quality: bool) -> pd.Series:
        levels = read_levels(cells, QUALITY_LEVELS if quality else None)
        self._note(Irregularity.NULL_WORD, name, levels.null_word, "read as missing", cells)
        self._note(Irregularity.STRAY_SPACE, name, levels.stray_space, "blanks removed", cells)
        action = "read as one level, in its usual spelling"
        self._note(Irregularity.SPELLING, name, levels.respelled, action, cells)
        if quality:
            known = levels.values.isin(set(QUALITY_LEVELS.values())) | levels.values.isna()
            action = "kept as a level of its own"
            self._note(Irregularity.UNKNOWN_LEVEL, name, ~known.to_numpy(), action, cells)
        return levels.values

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

    @staticmethod
    def _impossible(name: str, values: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
        low, high = COLUMNS[name].possible
        with np.errstate(invalid="ignore"):
            return np.asarray((values < low) | (values > high))

    def finish(self) -> Creators:
        """Settle identifiers, impossible rows and duplicates, and put the parts together."""
        for name in COLUMNS:
            if name not in self.values:
                action = "row numbers are used" if name == IDENTIFIER else "done without"
                self.ledger.note(Irregularity.MISSING_COLUMN, name, 1, action)
        table = pd.DataFrame(self.values, index=self.raw.frame.index)
        identified = IDENTIFIER in table
        table[IDENTIFIER] = self._complete_identifiers(table)
        table = table[
            [*(c for c in COLUMNS if c in table), *(c for c in table if c not in COLUMNS)]
        ]
        table, refused = self._refuse_impossible(table)
        self._note_views(table)
        if identified:
            table = self._settle_duplicates(table)
        if table.empty:
            raise InputError(f"{self.raw.name}: no row can be used.", "See the reasons above.")
        roles = tuple(self.roles.get(c) or role_of_standard(c, table[c]) for c in table.columns)
        rows, columns = self.raw.frame.shape
        return Creators(
            table, roles, self.units, self.ledger.frame(), refused, self.raw, rows, columns
        )

    def _complete_identifiers(self, table: pd.DataFrame) -> pd.Series:
        made = pd.Series([f"row-{row}" for row in table.index], index=table.index, dtype="str")
        if IDENTIFIER not in table:
            return made
        missing = table[IDENTIFIER].isna()
        if not missing.any():
            return table[IDENTIFIER]
        rows = list(table.index[missing])
        action = f"called by its row, e.g. '{made[rows[0]]}'"
        self.ledger.note(Irregularity.MISSING_ID, IDENTIFIER, len(rows), action, rows=rows)
        return table[IDENTIFIER].astype("str").where(~missing, made)

    def _refuse_impossible(self, table: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
        reasons = pd.Series("", index=table.index, dtype="str")
        for name in table.columns:
            if name in COLUMNS and COLUMNS[name].kind in ("count", "rate"):
                values = table[name].to_numpy(np.float64)
                bad = self._impossible(name, values)
            elif pd.api.types.is_float_dtype(table[name]):
                bad = np.isinf(table[name].to_numpy())
            else:
                continue
            if bad.any():
                rows = list(table.index[bad])
                shown = table.loc[rows, name].tolist()
                action = "row not judged, listed with the reason"
                self.ledger.note(
                    Irregularity.IMPOSSIBLE, name, len(rows), action, rows=rows, values=shown
                )
                reasons[bad] += [f"{name} cannot be {value:g}; " for value in shown]
        gone = reasons != ""
        refused = pd.DataFrame(
            {
                "Row": table.index[gone],
                "Influencer ID": table.loc[gone, IDENTIFIER].to_numpy(),
                "Reason": reasons[gone].str.removesuffix("; ").to_numpy(),
            }
        )
        return table[~gone], refused

    def _note_views(self, table: pd.DataFrame) -> None:
        if VIEWS in table and FOLLOWERS in table:
            above = (table[VIEWS] > _VIEWS_PER_FOLLOWER * table[FOLLOWERS]).to_numpy(bool)
            rows, shown = list(table.index[above]), table.loc[above, VIEWS].head(3).tolist()
            code, action = Irregularity.VIEWS_ABOVE_FOLLOWERS, "kept as it is"
            self.ledger.note(code, VIEWS, len(rows), action, rows=rows, values=shown)

    def _settle_duplicates(self, table: pd.DataFrame) -> pd.DataFrame:
        again = table[table[IDENTIFIER].duplicated(keep=False)]
        copies = again.index[again.duplicated()]
        self.ledger.note(
            Irregularity.DUPLICATE_ROW,
            IDENTIFIER,
            len(copies),
            "all but the first dropped",
            rows=list(copies),
            values=table.loc[copies, IDENTIFIER].head(3).tolist(),
        )
        table = table.drop(index=copies)
        rivals = table.index[table[IDENTIFIER].duplicated(keep=False)]
        self.ledger.note(
            Irregularity.CONFLICTING_ID,
            IDENTIFIER,
            len(rivals),
            "all kept; they stay on one side of the split",
            rows=list(rivals),
            values=table.loc[rivals, IDENTIFIER].head(3).tolist(),
        )
        return table


def _read_identifiers(cells: pd.Series) -> pd.Series:
    """Read identifiers as whole numbers where all are, else as text."""
    if pd.api.types.is_numeric_dtype(cells):
        return cells.astype("int64") if cells.notna().all() and (cells % 1 == 0).all() else cells
    text = cells.astype("str").str.strip().replace("", None)
    text = text.str.replace(r"^(\d+)\.0$", r"\1", regex=True)
    numeric = bool(text.notna().all() and text.str.fullmatch(r"0|[1-9]\d{0,17}").all())
    return text.astype("int64") if numeric else text
