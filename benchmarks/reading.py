"""Reading a table with its ledger, as a multiple of merely parsing the CSV; 10^5 and 10^6 rows."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pyarrow.csv as pa_csv

import durhampulse as dp
from benchmarks.timing import elapsed


def main() -> None:
    """Print the seconds of reading a table, beside those of merely parsing it."""
    for rows in (100_000, 1_000_000):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "creators.csv")
            written = elapsed(lambda path=path, rows=rows: dp.write_market(path, rows))
            floor = min(elapsed(lambda path=path: pa_csv.read_csv(path)) for _ in range(3))
            spent = min(elapsed(lambda path=path: dp.read_creators(path)) for _ in range(3))
        print(
            f"{rows:>9,} rows: parse {floor:.2f} s, read with ledger {spent:.2f} s "
            f"({spent / floor:.0f}x), simulate and write {written:.2f} s"
        )


if __name__ == "__main__":
    main()
