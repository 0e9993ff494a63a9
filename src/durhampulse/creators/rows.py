"""What concerns whole rows: identifiers, impossible values, duplicates."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from durhampulse.creators.schema import COLUMNS, FOLLOWERS, IDENTIFIER, VIEWS
from durhampulse.deferred import pd
from durhampulse.exceptions import InputError
from durhampulse.irregularities import Irregularity, Ledger

__all__ = [
    "complete_identifiers",
    "impossible",
    "note_views",
    "refuse_impossible",
    "require_plausible",
    "settle_duplicates",
]

_VIEWS_PER_FOLLOWER = 100
_FEWEST_LARGE, _MOST_LARGE = 3, 0.05
"""Counts of a column, and share of them, from which they are no slips but misread."""


def impossible(name: str, values: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Return which values of a standard column cannot be true, shape (n_rows,)."""
    low, high = COLUMNS[name].possible
    with np.errstate(invalid="ignore"):
        return np.asarray((values < low) | (values > high))


def require_plausible(
    where: str, name: str, values: npt.NDArray[np.float64], cells: pa.Array
) -> None:
    """Raise if a good part of a column's counts is larger than any creator's.

    Parameters
    ----------
    where
        File and column, for the message.
    name
        The standard column.
    values, cells
        Its figures and the cells they were read from, shape (n_rows,).

    Raises
    ------
    InputError
        If more than a twentieth of them are, and three at least.
    """
    high = COLUMNS[name].plausible[1]
    large = np.flatnonzero(np.isfinite(values) & (values > high))
    if len(large) < _FEWEST_LARGE or len(large) <= _MOST_LARGE * np.isfinite(values).sum():
        return
    cell = str(cells[int(large[0])].as_py()).strip()[:60]
    raise InputError(
        f"{where}: {len(large):,} of its figures, such as {cell!r}, exceed {high:,.0f}, which no "
        "creator reaches.",
        "Where B stands for a thousand, as in Turkish, write K or bin instead; if another column "
        f"holds it, say so: --map {name}=HEADER; to do without, --map {name}=.",
    )


def complete_identifiers(table: pd.DataFrame, ledger: Ledger) -> pd.Series:
    """Return each row's identifier; creators without one are called by their row."""
    made = pd.Series([f"row-{row}" for row in table.index], index=table.index, dtype="str")
    if IDENTIFIER not in table:
        return made
    missing = table[IDENTIFIER].isna()
    if not missing.any():
        return table[IDENTIFIER]
    given = set(table[IDENTIFIER].dropna().astype("str"))
    made = made.map(lambda name: f"{name} (no ID)" if name in given else name)
    rows = list(table.index[missing])
    action = f"called by its row, e.g. '{made[rows[0]]}'"
    ledger.note(Irregularity.MISSING_ID, IDENTIFIER, len(rows), action, rows=rows)
    return table[IDENTIFIER].astype("str").where(~missing, made)


def refuse_impossible(table: pd.DataFrame, ledger: Ledger) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the rows that can be judged, and those that cannot with their reasons."""
    reasons = pd.Series("", index=table.index, dtype="str")
    for name in table.columns:
        if name not in COLUMNS or COLUMNS[name].kind not in ("count", "rate"):
            continue
        bad = impossible(name, table[name].to_numpy(np.float64))
        if bad.any():
            rows, shown = list(table.index[bad]), table.loc[bad, name].tolist()
            action = "row not judged, listed with the reason"
            ledger.note(Irregularity.IMPOSSIBLE, name, len(rows), action, rows=rows, values=shown)
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


def note_views(table: pd.DataFrame, ledger: Ledger) -> None:
    """Point out views that followers alone can hardly explain."""
    if VIEWS in table and FOLLOWERS in table:
        above = (table[VIEWS] > _VIEWS_PER_FOLLOWER * table[FOLLOWERS]).to_numpy(bool)
        rows, shown = list(table.index[above]), table.loc[above, VIEWS].head(3).tolist()
        code = Irregularity.VIEWS_ABOVE_FOLLOWERS
        ledger.note(code, VIEWS, len(rows), "kept as it is", rows=rows, values=shown)


def settle_duplicates(
    table: pd.DataFrame, ledger: Ledger, *, keep_copies: bool = False
) -> pd.DataFrame:
    """Return the table without exact copies of a creator's row; the ledger names those that differ.

    Copies are kept where several outcomes of a creator were joined to one row.
    """
    if keep_copies:
        return table
    again = table[table[IDENTIFIER].duplicated(keep=False)]
    copies = again.index[again.duplicated()]
    ledger.note(
        Irregularity.DUPLICATE_ROW,
        IDENTIFIER,
        len(copies),
        "all but the first dropped",
        rows=list(copies),
        values=table.loc[copies, IDENTIFIER].head(3).tolist(),
    )
    table = table.drop(index=copies)
    rivals = table.index[table[IDENTIFIER].duplicated(keep=False)]
    ledger.note(
        Irregularity.CONFLICTING_ID,
        IDENTIFIER,
        len(rivals),
        "all kept; those with an outcome stay on one side of the split",
        rows=list(rivals),
        values=table.loc[rivals, IDENTIFIER].head(3).tolist(),
    )
    return table
