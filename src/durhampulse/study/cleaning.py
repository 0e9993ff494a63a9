"""A1: the table as its file holds it, what reading it changed, and its missing cells."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from durhampulse.creators.schema import IDENTIFIER, LABEL
from durhampulse.creators.table import Creators
from durhampulse.evaluation.metrics import holm
from durhampulse.files.tables import RawTable

__all__ = ["as_found", "missing_by_outcome", "missing_cells", "raw_overview"]


def as_found(source: RawTable) -> pd.DataFrame:
    """Return a source as ``pandas.read_csv`` shows it, each column of the type its cells allow."""
    cells = source.cells
    if not all(pa.types.is_string(t) or pa.types.is_large_string(t) for t in cells.schema.types):
        return source.frame
    text = BytesIO()
    csv.write_csv(cells, text)
    text.seek(0)
    frame = pd.read_csv(text, low_memory=False, skip_blank_lines=False)
    return frame.set_axis(pd.Index(source.rows, name="row"), axis=0)


def raw_overview(raw: pd.DataFrame) -> pd.DataFrame:
    """Return each column as found: ``column, dtype, null, missing_share, distinct, example``."""
    rows = []
    for name in raw:
        known = raw[name].dropna()
        null = len(raw) - len(known)
        example = "" if known.empty else str(known.iloc[0])
        share, distinct = (
            null / max(len(raw), 1),
            known.astype("str").nunique(),
        )  # lists are no keys
        rows.append((name, str(raw[name].dtype), null, share, distinct, example))
    columns = ["column", "dtype", "null", "missing_share", "distinct", "example"]
    return pd.DataFrame(rows, columns=columns)


def missing_cells(creators: Creators) -> pd.DataFrame:
    """Return each column's missing cells from the file to the table; the counts add up.

    Returns
    -------
    DataFrame
        ``column, empty, read_as_missing, in_rows_left_out, missing``: cells that are empty in the
        file, plus those that hold a word for nothing or no figure, less those in rows that were
        dropped or refused, give what is missing in the table.
    """
    rows, headers = [], set(creators.source.cells.column_names)
    for role in creators.roles:
        name, rule = role.column, creators.rules.get(role.column)
        if name == IDENTIFIER or rule is None or rule.header not in headers:
            continue
        missing = int(creators.table[name].isna().sum())
        cells = creators.source.cells[rule.header]
        empty = int(_empty(cells).sum())
        code = "unlabelled" if name == LABEL else "missing"
        read = _noted(creators, name, code)
        rows.append((name, empty, read - empty, read - missing, missing))
    columns = ["column", "empty", "read_as_missing", "in_rows_left_out", "missing"]
    return pd.DataFrame(rows, columns=columns)


def _empty(cells: pa.ChunkedArray) -> np.ndarray:
    null = cells.is_null()
    if pa.types.is_string(cells.type) or pa.types.is_large_string(cells.type):
        null = pc.or_(null, pc.fill_null(pc.equal(pc.utf8_trim_whitespace(cells), ""), True))
    return np.asarray(null.to_numpy())


def _noted(creators: Creators, column: str, code: str) -> int:
    """Return how many cells of a column the ledger calls missing; 0 if it calls none so."""
    ledger = creators.irregularities
    if ((ledger["code"] == "empty-column") & (ledger["column"] == column)).any():
        return creators.rows_read
    return int(ledger.loc[(ledger["code"] == code) & (ledger["column"] == column), "count"].sum())


def missing_by_outcome(creators: Creators) -> pd.DataFrame:
    """Return the share of deals where a feature is missing, and where it is known.

    Creators with several rows count once, by their first.

    Returns
    -------
    DataFrame
        One row a feature with missing cells: ``column, missing, deals_if_missing, deals_if_known,
        p_value`` of Fisher's exact test, adjusted for the number of features after Holm.
    """
    from scipy.stats import fisher_exact

    labelled = creators.labelled.drop_duplicates(IDENTIFIER)
    deal = labelled[LABEL].to_numpy() == 1
    rows = []
    for role in creators.features:
        missing = labelled[role.column].isna().to_numpy(bool)
        if not missing.any() or missing.all():
            continue
        counts = np.bincount(2 * missing + deal, minlength=4).reshape(2, 2)
        shares = deal[missing].mean(), deal[~missing].mean()
        p_value = float(fisher_exact(counts).pvalue)
        rows.append((role.column, int(missing.sum()), *map(float, shares), p_value))
    columns = ["column", "missing", "deals_if_missing", "deals_if_known", "p_value"]
    table = pd.DataFrame(rows, columns=columns)
    table["p_value"] = holm(table["p_value"].to_numpy(np.float64))
    return table
