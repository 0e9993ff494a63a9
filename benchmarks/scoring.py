"""Rows a second from file to file, beside a floor that only reads and writes.

One run, one machine, side by side: the floor reads the same columns of the same file and writes
columns of the same types, and decides nothing. Then the scorer on Parquet and on CSV, with the
seven standard columns alone and with five columns of text that are carried along, its memory at 1
and at 100 million rows, and what others need for the probabilities alone, in memory, of the same
creators: scikit-learn's pipeline and native CatBoost.

Starting is paid once a file, and the floor has nothing to start. So the CSV file is as long as the
Parquet file for the floor, in seconds: of half as many rows. Beside the seconds stands what either
took of the processors, which others on the machine disturb less: where that is at most twice the
floor's seconds, two cores could do it in them.

`DURHAMPULSE_ROWS` sets the number of rows (20 million), `DURHAMPULSE_MOST_ROWS` that of the memory
test (100 million, which takes 3 GB of disk).
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from tests.models import write

from benchmarks.timing import costs, elapsed, processor_seconds
from durhampulse import study
from durhampulse.market.sampling import write_market
from durhampulse.models.champion import train_champion

ROWS = int(os.environ.get("DURHAMPULSE_ROWS", "20_000_000"))
MOST_ROWS = int(os.environ.get("DURHAMPULSE_MOST_ROWS", "100_000_000"))
CSV_ROWS = ROWS // 2
READ = ["Influencer_ID", "Followers", "Engagement_Rate", "Growth_Rate", "Niche", "Video_Quality",
        "Avg_Views_per_Post"]  # fmt: skip
CARRIED = {
    "Handle": ("@name", ""),
    "Email": ("name", "@example.org"),
    "Profile URL": ("https://www.instagram.com/name", "/"),
    "Country": ("Country ", ""),
    "Rate": ("", " EUR"),
}
"""Header to what stands before and after a number, another in each row but of the last two."""


def main() -> None:
    """Print rows a second beside the floor and beside others, and the peak memory."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = small_model(folder)
        parquet, text = folder / "m.parquet", folder / "m.csv"
        write_market(parquet, ROWS, seed=1)
        write_market(text, CSV_ROWS, seed=1)
        pd.read_csv(text, nrows=10).to_csv(folder / "ten.csv", index=False)
        wide, wide_text = folder / "wide.parquet", folder / "wide.csv"
        write_carried(parquet, wide, wide_text)
        rows = [
            compare("Parquet", parquet, ROWS, model),
            compare("Parquet, five carried", wide, ROWS, model),
            compare("CSV", text, CSV_ROWS, model),
            compare("CSV, five carried", wide_text, CSV_ROWS, model),
        ]
        print(pd.DataFrame(rows).T.to_string(header=False))
        seconds = min(score(folder / "ten.csv", model, folder / "t.csv")[0] for _ in range(5))
        print(f"\na file of 10 rows, from the command to its end: {seconds:.2f} s")
        others(parquet)
        memory(parquet, model)


def small_model(folder: Path) -> Path:
    """Return the folder of the deciding model of 5,000 simulated creators."""
    write_market(folder / "train.csv", 5_000, seed=0)
    part = study.prepare(study.load_and_inspect(folder / "train.csv").creators)
    model = train_champion(part.train, part.creators.features).model.with_precedent(part.train)
    write(folder / "model", model, part.train, part.creators)
    return folder / "model"


def write_carried(source: Path, wide: Path, text: Path) -> None:
    """Write a market's table with columns of text beside, as Parquet and as CSV of its beginning.

    Parameters
    ----------
    source
        The market's Parquet file.
    wide, text
        Where to write all of its rows, in groups of a million as Arrow has them, and the first
        `CSV_ROWS`.
    """
    table = pq.read_table(source)
    rng = np.random.default_rng(0)
    rows = np.arange(len(table))
    numbers = {
        "Country": rng.integers(0, 20, len(rows)),
        "Rate": rng.integers(50, 9_000, len(rows)),
    }
    for header, (before, after) in CARRIED.items():
        digits = pa.array(numbers.get(header, rows)).cast(pa.string())
        table = table.append_column(header, pc.binary_join_element_wise(before, digits, after, ""))
    pq.write_table(table, wide)
    pa_csv.write_csv(table.slice(0, CSV_ROWS), text)


def compare(kind: str, source: Path, n_rows: int, model: Path) -> dict[str, object]:
    """Return what scoring a file takes beside the floor, by the words of the printed table.

    Parameters
    ----------
    kind
        The file's format, in words.
    source, n_rows
        The file, and how many rows it has.
    model
        The model folder.
    """
    out = source.with_name("out" + source.suffix)
    floor, floor_work = costs(lambda: FLOORS[source.suffix](source, out), processor_seconds)
    before = processor_seconds()
    seconds, peak = score(source, model, out)
    work = processor_seconds() - before
    return {
        "file": kind,
        "rows": f"{n_rows:,}",
        "floor, rows/s": f"{n_rows / floor:,.0f}",
        "scorer, rows/s": f"{n_rows / seconds:,.0f}",
        "times the floor": round(seconds / floor, 2),
        "floor, processor us/row": round(1e6 * floor_work / n_rows, 2),
        "scorer, processor us/row": round(1e6 * work / n_rows, 2),
        "peak MiB": round(peak),
    }


def parquet_floor(source: Path, out: Path) -> None:
    """Read the same columns and write those of the types that the scorer writes."""
    file = pq.ParquetFile(source, read_dictionary=["Niche", "Video_Quality"], buffer_size=1 << 20)
    writer = None
    for batch in file.iter_batches(65_536, columns=read_of(file.schema_arrow.names)):
        table = pa.table(written(batch))
        writer = writer or pq.ParquetWriter(out, table.schema, store_schema=False)
        writer.write_table(table)
    assert writer is not None
    writer.close()


def csv_floor(source: Path, out: Path) -> None:
    """Read the same columns, the engagement rate as text, and write as many as the scorer."""
    headers = source.open(encoding="utf-8").readline().strip().replace('"', "").split(",")
    convert = pa_csv.ConvertOptions(
        include_columns=read_of(headers), column_types={"Engagement_Rate": pa.string()}
    )
    read = pa_csv.ReadOptions(block_size=4 << 20)
    writer = None
    for batch in pa_csv.open_csv(source, read, convert_options=convert):
        table = pa.table(written(batch))
        writer = writer or pa_csv.CSVWriter(out, table.schema)
        writer.write_table(table)
    assert writer is not None
    writer.close()


def read_of(headers: list[str]) -> list[str]:
    """Return the headers of a file that the scorer reads, those carried along among them."""
    return [*READ, *(header for header in CARRIED if header in headers)]


def written(batch: pa.RecordBatch) -> dict[str, pa.Array]:
    """Return the columns of a batch that stand for those of a decision table."""
    rates = batch["Growth_Rate"]
    carried = {header: batch[header] for header in CARRIED if header in batch.schema.names}
    return {
        "Influencer ID": batch["Influencer_ID"], "Predicted Sponsorship": rates,
        "Follower Count": batch["Followers"], "Engagement Rate": batch["Engagement_Rate"],
        "Sponsorship Recommendation": batch["Video_Quality"], "Interval Low": rates,
        "Interval High": rates, "Flags": batch["Niche"], **carried,
    }  # fmt: skip


FLOORS: dict[str, Callable[[Path, Path], None]] = {".parquet": parquet_floor, ".csv": csv_floor}


def score(source: Path, model: Path, out: Path) -> tuple[float, float]:
    """Return the seconds of the command, which is one process, and its peak memory in MiB."""
    command = [sys.executable, "-m", "durhampulse", "score", str(source), "-o", str(out),
               "--model", str(model)]  # fmt: skip
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    peak = 0.0
    while process.poll() is None:  # the resource usage of a child counts its parent's memory too
        peak = max(peak, high_water(process.pid))
        time.sleep(0.02)
    if process.returncode:
        raise RuntimeError("score failed")
    return time.perf_counter() - start, peak


def high_water(pid: int) -> float:
    """Return the most memory that a process has taken so far, in MiB; 0 if it ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return max((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")),
               default=0.0)  # fmt: skip


def others(source: Path, n_rows: int = 1_000_000) -> None:
    """Probabilities alone, of rows already in memory, by what teams commonly serve with."""
    from catboost import CatBoostClassifier
    from sklearn.compose import make_column_transformer
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    table = pq.ParquetFile(source).read_row_group(0).to_pandas()
    many = table.sample(n_rows, replace=True, random_state=0)[READ[1:]]
    table = table.head(5_000)
    X, y = table[READ[1:]], table["Sponsorship_Status"]
    words = ["Niche", "Video_Quality"]
    numbers = [name for name in X if name not in words]
    encode = make_column_transformer(
        (make_pipeline(SimpleImputer(), StandardScaler()), numbers),
        (OneHotEncoder(handle_unknown="ignore"), words),
    )
    forest = RandomForestClassifier(n_jobs=2, random_state=0)
    fitted = {
        "scikit-learn pipeline with a random forest": make_pipeline(encode, forest).fit(X, y),
        "CatBoost, native categories": CatBoostClassifier(
            cat_features=words, verbose=0, allow_writing_files=False
        ).fit(X.fillna(dict.fromkeys(words, "none")), y),
    }
    print(f"\nprobabilities alone, {n_rows:,} rows in memory")
    for name, model in fitted.items():
        rows = many.fillna(dict.fromkeys(words, "none")) if "Cat" in name else many
        seconds = elapsed(lambda model=model, rows=rows: model.predict_proba(rows))
        print(f"{name}: {n_rows / seconds:,.0f} rows/s")


def memory(source: Path, model: Path) -> None:
    """Peak memory at 1 million and at many rows: the same file named many times."""
    million = source.with_name("million.parquet")
    write_market(million, 1_000_000, seed=2)
    peaks = {}
    for n_files in sorted({1, max(MOST_ROWS // 1_000_000, 1)}):
        links = source.with_name(f"links-{n_files}")
        links.mkdir()
        for number in range(n_files):
            (links / f"{number:04}.parquet").symlink_to(million)
        out = source.with_name("many.parquet")
        seconds, peak = score(links / "*.parquet", model, out)
        assert pq.read_metadata(out).num_rows == n_files * 1_000_000
        peaks[n_files] = peak
        print(f"{n_files:,} million rows: {seconds:.0f} s, peak {peak:.0f} MiB")


if __name__ == "__main__":
    main()
