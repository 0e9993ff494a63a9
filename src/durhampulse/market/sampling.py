"""The simulated market as a table with the dirt of real ones, of any size."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from durhampulse.creators.schema import (
    ENGAGEMENT,
    FOLLOWERS,
    GROWTH,
    IDENTIFIER,
    NICHE,
    QUALITY,
    VIEWS,
)
from durhampulse.exceptions import InputError
from durhampulse.files.export import replacing
from durhampulse.files.parquet import open_writer
from durhampulse.market.market import Ceiling, ceiling, draw_creators

__all__ = ["Market", "simulate_market", "write_market"]

Floats = npt.NDArray[np.float64]

_CHUNK = 65_536


@dataclass(frozen=True)
class Market:
    """A part of the simulated market.

    Attributes
    ----------
    table
        The creators in the mission's eight columns, dirt included: text as a CSV holds it.
    y_prob
        True probability of a deal, shape (n_rows,). For tests and benchmarks only.
    """

    table: pd.DataFrame
    y_prob: Floats


def simulate_market(rows: int, *, seed: int = 0) -> Market:
    """Return a simulated creators' table.

    The first rows are the same for any number of rows.

    Parameters
    ----------
    rows
        Number of rows, duplicates included.
    seed
        Same seed, same market.

    Examples
    --------
    >>> simulate_market(3).table.columns.tolist()[:3]
    ['Influencer_ID', 'Followers', 'Engagement_Rate']
    """
    chunks = list(_chunks(rows, seed))
    table = pd.concat([chunk.table for chunk in chunks], ignore_index=True)
    return Market(table, np.concatenate([chunk.y_prob for chunk in chunks]))


def write_market(
    path: str | Path,
    rows: int,
    *,
    seed: int = 0,
    progress: Callable[[int], object] = lambda _: None,
) -> Ceiling:
    """Stream a simulated table to a ``.csv``, ``.tsv`` or ``.parquet`` file, in constant memory.

    A note ``FILE.provenance.json`` beside it says that it is simulated, from which seed.

    Parameters
    ----------
    path
        Where to write; an existing file is replaced once the new one is complete.
    rows, seed
        As in :func:`simulate_market`.
    progress
        Called with the number of rows written since the last call.

    Returns
    -------
    Ceiling
        The best possible scores on this table.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if rows < 1:
        raise InputError(f"{rows} rows cannot be simulated.", "Ask for at least 1.")
    if suffix not in (".csv", ".tsv", ".parquet"):
        raise InputError(f"{path.name}: '{suffix}' cannot be written.", "Use .csv, .tsv, .parquet.")
    # A histogram of the probabilities keeps the ceiling in constant memory; its bins are far
    # narrower than the digits reported. Where two types meet and memory lacks, NumPy ends Python.
    counts, edges = np.zeros(20_000), np.linspace(0, 1, 20_001)
    with replacing(path, path.with_name(path.name + ".provenance.json")) as (part, note):
        writer = None
        for chunk in _chunks(rows, seed):
            arrow = pa.Table.from_pandas(chunk.table, preserve_index=False)
            arrow = _typed(arrow) if suffix == ".parquet" else arrow
            writer = writer or _writer(part, suffix, arrow.schema)
            writer.write_table(arrow)
            counts += np.histogram(chunk.y_prob, edges)[0].astype(float)
            progress(len(chunk.table))
        if writer is not None:
            writer.close()
        _write_note(part, note, rows, seed)
    return ceiling((edges[:-1] + edges[1:]) / 2, counts)


def _writer(path: Path, suffix: str, schema: pa.Schema) -> pq.ParquetWriter | pa_csv.CSVWriter:
    if suffix == ".parquet":
        marked = schema.with_metadata({"simulated": "true"})
        return open_writer(path, marked)
    options = pa_csv.WriteOptions(
        delimiter="\t" if suffix == ".tsv" else ",", quoting_style="needed", quoting_header="needed"
    )
    return pa_csv.CSVWriter(path, schema, write_options=options)


def _write_note(part: Path, note: Path, rows: int, seed: int) -> None:
    with part.open("rb") as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
    facts = {"simulated": True, "generator": "durhampulse sample", "rows": rows, "seed": seed}
    text = json.dumps({**facts, "sha256": sha256}, indent=2)
    note.write_text(text + "\n", encoding="utf-8")


def _typed(arrow: pa.Table) -> pa.Table:
    """Return a typed table the numbers that the percent signs of a text table stand for."""
    text = arrow[ENGAGEMENT]
    percent = pc.ends_with(text, "%")
    numbers = pc.cast(pc.replace_substring(text, "%", ""), pa.float64())
    values = pc.if_else(percent, pc.divide(numbers, 100.0), numbers)
    return arrow.set_column(arrow.schema.get_field_index(ENGAGEMENT), ENGAGEMENT, values)


def _chunks(rows: int, seed: int) -> Iterator[Market]:
    """Yield simulated chunks, each from a random stream of its own; the last one is cut."""
    for number, start in enumerate(range(0, rows, _CHUNK)):
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(number,)))
        wanted = min(_CHUNK, rows - start)
        clean, y_prob = draw_creators(_CHUNK, rng)
        table, order = _soil(clean, start, rng)
        yield Market(table.iloc[:wanted], y_prob[order][:wanted])


def _soil(
    clean: pd.DataFrame, start: int, rng: np.random.Generator
) -> tuple[pd.DataFrame, npt.NDArray[np.int64]]:
    """Return the table with the dirt of real ones, and which clean row each row shows."""
    n = len(clean)

    def some(share: float) -> npt.NDArray[np.bool_]:
        return rng.random(n) < share

    table = clean.copy()
    table.insert(0, IDENTIFIER, 1001 + start + np.arange(n))
    table[NICHE] = table[NICHE].mask(some(0.010), table[NICHE].str.lower())
    table[NICHE] = table[NICHE].mask(some(0.006), table[NICHE] + " ")
    table[QUALITY] = table[QUALITY].mask(some(0.020), table[QUALITY].str.lower())
    table[VIEWS] = table[VIEWS].mask(some(0.001), 150 * table[FOLLOWERS]).astype("Int64")
    rates, signed = table[ENGAGEMENT], some(0.004)
    table[ENGAGEMENT] = rates.astype("str")
    table.loc[signed, ENGAGEMENT] = (100 * rates[signed]).map("{:.2f}%".format)
    for name, share in ((ENGAGEMENT, 0.012), (GROWTH, 0.015), (NICHE, 0.008), (VIEWS, 0.012)):
        table[name] = table[name].mask(some(share))
    order = np.arange(n)
    again = some(0.004) & (order > 50)
    order[again] -= rng.integers(1, 50, again.sum())
    return table.iloc[order].reset_index(drop=True), order
