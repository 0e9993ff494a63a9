"""What concerns whole rows: identifiers, impossible values, duplicates."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from durhampulse.creators.cells import MISSING_COUNTS
from durhampulse.creators.schema import COLUMNS, FOLLOWERS, IDENTIFIER, VIEWS
from durhampulse.deferred import pd
from durhampulse.exceptions import InputError
from durhampulse.irregularities import Irregularity, Ledger

__all__ = [
    "complete_identifiers",
    "impossible",
    "lone_codes",
    "may_be_odd",
    "note_views",
    "refuse_codes",
    "refuse_impossible",
    "refuse_large",
    "repeated_codes",
    "require_plausible",
    "settle_duplicates",
]

_VIEWS_PER_FOLLOWER = 100
_FEWEST_ODD, _MOST_ODD = 3, 0.05
"""Odd figures of a column, and share of them, from which they are no slips."""
_NINES = [10**digits - 1 for digits in range(3, 11)]
_CODES = [99, *_NINES, -99, *(-nines for nines in _NINES)]
"""Codes that stand for a missing count, and any missing figure, where they come again and again."""
_LOOKED_FOR = sorted({*map(abs, _CODES), *map(abs, MISSING_COUNTS)})
_MOST_CODES = 0.01
_FEWEST_BROKEN, _MOSTLY, _FRACTION = 20, 0.95, 0.2
"""Figures with decimals, at least, and share of them, among which a whole one is rare; and their
typical size up to which they are fractions."""


def impossible(name: str, values: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Return which values of a standard column cannot be true, shape (n_rows,)."""
    low, high = COLUMNS[name].possible
    with np.errstate(invalid="ignore"):
        return np.asarray((values < low) | (values > high))


def require_plausible(
    where: str,
    name: str,
    values: npt.NDArray[np.float64],
    bare: npt.NDArray[np.float64],
    cells: pa.Array,
) -> None:
    """Raise if a good part of a column cannot be what it was read as, but for some slips.

    So it is where counts are larger than any creator's, and where one odd figure comes again and
    again, as -99 and 9999 do where they stand for a missing one.

    Parameters
    ----------
    where
        File and column, for the message.
    name
        The standard column.
    values, bare, cells
        Its figures, rates as fractions; the figures as written, NaN behind a percent sign; and the
        cells they were read from; shape (n_rows,).

    Raises
    ------
    InputError
        If a twentieth of them or more are so, or a hundredth 9999 and the like, and three at least.
    """
    refuse_large(where, name, values, cells)
    refuse_codes(where, name, bare, cells)
    low, high = COLUMNS[name].plausible
    finite, is_count = np.isfinite(values), COLUMNS[name].kind == "count"
    least = max(_FEWEST_ODD, _MOST_ODD * finite.sum())
    odd = np.flatnonzero(finite & ((values < low) | (values > high)) & ~impossible(name, values))
    again, times = np.unique(values[odd], return_counts=True)
    if not is_count and times.max(initial=0) >= least:
        raise _missing(where, name, odd[values[odd] == again[times.argmax()]], cells)


def may_be_odd(name: str, values: npt.NDArray[np.float64]) -> bool:
    """Return whether a column has a code or too large a figure at all, which few columns have.

    Examples
    --------
    >>> may_be_odd("Followers", np.array([1200, 999])), may_be_odd("Followers", np.array([1200.0]))
    (True, False)
    """
    large = COLUMNS[name].kind == "count" and (values > COLUMNS[name].plausible[1]).any()
    return bool(large or np.isin(np.abs(values), _LOOKED_FOR).any())


def refuse_large(where: str, name: str, values: npt.NDArray[np.float64], cells: pa.Array) -> None:
    """Raise if a good part of a column's counts are larger than any creator's.

    Parameters
    ----------
    where, name, values, cells
        As for :func:`require_plausible`.

    Raises
    ------
    InputError
        If a twentieth of them or more are so, and three at least.
    """
    if COLUMNS[name].kind != "count":
        return
    high = COLUMNS[name].plausible[1]
    finite = np.isfinite(values)
    large = np.flatnonzero(finite & (values > high))
    if len(large) >= max(_FEWEST_ODD, _MOST_ODD * finite.sum()):
        raise InputError(
            f"{where}: {len(large):,} of its figures, such as {_cell(cells, large[0])!r}, exceed "
            f"{high:,.0f}, which no creator reaches.",
            "Where B stands for a thousand, as in Turkish, write K or bin instead; if another "
            f"column holds it, say so: --map {name}=HEADER; to do without, --map {name}=.",
        )


def refuse_codes(where: str, name: str, bare: npt.NDArray[np.float64], cells: pa.Array) -> None:
    """Raise if a code such as 9999 or -99 comes again and again among a standard column's figures.

    Parameters
    ----------
    where, name, bare, cells
        As for :func:`require_plausible`; in a rate those that :meth:`.ColumnRule.missing_codes`
        reads as missing are NaN.

    Raises
    ------
    InputError
        If so.
    """
    is_count = COLUMNS[name].kind == "count"
    alike = np.flatnonzero(repeated_codes(bare, _NINES if is_count else _CODES))
    if not is_count and not alike.size:
        alike = np.flatnonzero(lone_codes(bare))
        if len(alike) < max(_FEWEST_ODD, _MOST_CODES * np.isfinite(bare).sum()):
            return
    if alike.size:
        raise _missing(where, name, alike, cells)


def _missing(where: str, name: str, alike: npt.NDArray[np.intp], cells: pa.Array) -> InputError:
    return InputError(
        f"{where}: {len(alike):,} of its figures are {_cell(cells, alike[0])!r}, as where it "
        "stands for a missing one.",
        f"Empty these cells; if another column holds it, say so: --map {name}=HEADER; to do "
        f"without, --map {name}=.",
    )


def lone_codes(bare: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Return which figures of a rate are a code as the only whole ones below 0, shape (n_rows,).

    Among figures with decimals a whole one is rare, and where -9 is one, -8 and -10 are as often.
    -1 is a code among fractions only, where it would be a loss of all followers.

    Examples
    --------
    >>> import numpy as np
    >>> fractions = np.linspace(-0.05, 0.2, 25)
    >>> int(lone_codes(np.r_[fractions, -9, -9]).sum())
    2
    >>> bool(lone_codes(np.r_[fractions, -9, -8]).any())
    False
    """
    none = np.zeros(len(bare), dtype=bool)
    below = np.unique(bare[np.isfinite(bare) & (bare < 0)])
    below = below[np.floor(below) == below]
    if not below.size or not np.isin(below, MISSING_COUNTS).all():
        return none
    others = bare[np.isfinite(bare) & (bare != 0) & ~np.isin(bare, below)]
    broken = np.abs(others[np.floor(others) != others])
    if len(broken) < max(_FEWEST_BROKEN, _MOSTLY * len(others)):
        return none
    is_figure = np.median(broken) > _FRACTION and MISSING_COUNTS[0] in below
    return none if is_figure else np.isin(bare, below)


def repeated_codes(
    figures: npt.NDArray[np.float64], codes: Sequence[int] = _CODES
) -> npt.NDArray[np.bool_]:
    """Return which figures are a code such as 9999 that comes again and again, shape (n_rows,).

    It does so more than twice as often as any other figure but 0.
    """
    each, times = np.unique(figures[np.isfinite(figures) & (figures != 0)], return_counts=True)
    coded = np.isin(each, codes)
    usual = int(times[~coded].max(initial=1))
    least = max(_FEWEST_ODD, _MOST_CODES * times.sum(), 2 * usual + 1)
    return np.isin(figures, each[coded & (times >= least)])


def _cell(cells: pa.Array, at: int) -> str:
    return str(cells[int(at)].as_py()).strip()[:60]


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
