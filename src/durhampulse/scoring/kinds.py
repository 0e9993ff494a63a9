"""Kinds of tables in memory, and a table of scores as the kind that was given."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import pyarrow as pa

from durhampulse.creators.table import Creators
from durhampulse.deferred import pd

if TYPE_CHECKING:
    import polars as pl

__all__ = ["ArrowStream", "Table", "as_given"]

Table = TypeVar("Table", "pd.DataFrame", "pl.DataFrame")
"""Kinds of tables that are given back as they came; others as Arrow tables."""


class ArrowStream(Protocol):
    """Any table with the Arrow C stream interface."""

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Return the stream as a PyCapsule."""
        ...


def as_given(scored: pa.Table, table: Any) -> Any:
    """Return scores as the library of the table they are of would hold them, with its index."""
    if type(table).__module__.partition(".")[0] == "polars":
        return importlib.import_module("polars").from_arrow(scored)
    frame = table.table if isinstance(table, Creators) else table
    if isinstance(frame, pd.DataFrame):
        return scored.to_pandas(integer_object_nulls=True).set_axis(frame.index, axis=0)
    return scored
