"""Tables in memory as raw cells: pandas, polars, Arrow, DuckDB and whatever speaks Arrow."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from durhampulse.creators.text import NoTextError, as_text, plain_text
from durhampulse.deferred import pd
from durhampulse.exceptions import InputError

__all__ = ["raw_cells"]


def raw_cells(table: Any) -> pa.Table:
    """Return a table's cells as found.

    A pandas index that has a name is a column, unless one is called so; another is not. A pandas
    column of mixed objects becomes text, cell by cell.

    Parameters
    ----------
    table
        A pandas, polars or Arrow table, or any with the Arrow C stream interface.

    Raises
    ------
    InputError
        If it is no table, or two columns have one name.
    """
    if type(table).__name__ == "LazyFrame":
        raise InputError("A LazyFrame holds no rows yet.", "Collect it first: frame.collect().")
    if isinstance(table, pd.DataFrame):
        named = [name for name in table.index.names if name not in (None, *table.columns)]
        frame = table.reset_index(level=named) if named else table
        names = [str(name) for name in frame.columns]
        arrays = [_column(frame.iloc[:, at]) for at in range(frame.shape[1])]
    else:
        try:
            arrow = pa.table(table)
        except (TypeError, ValueError, pa.ArrowException) as error:
            raise InputError(
                f"A {type(table).__name__} is no table that Arrow understands ({error}).",
                "Pass a pandas, polars or Arrow table.",
            ) from error
        names, arrays = arrow.column_names, arrow.columns
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise InputError(f"The table has two columns '{twice}'.", "Give each its own name.")
    return pa.table(arrays, names=names)


def _column(column: pd.Series) -> pa.Array:
    try:
        cells = pa.array(column, from_pandas=True)
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        return pa.array([_cell(value) for value in column], pa.string())
    return cells.combine_chunks() if isinstance(cells, pa.ChunkedArray) else cells


def _cell(value: Any) -> str | None:
    """Return one cell of a column of mixed objects as text."""
    value = value.item() if isinstance(value, np.generic) else value
    if pd.api.types.is_scalar(value) and pd.isna(value):
        return None
    if isinstance(value, bool | float | bytes):
        try:
            text: str | None = as_text(pa.array([value]))[0].as_py()
        except NoTextError:
            return str(value)
        return text
    return plain_text(str(value))
