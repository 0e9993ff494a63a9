"""Fail at the n-th: each call of an act fails once, and what it leaves is looked at from outside.

Acts are those of `tests/nth`: scoring into every format, samples, studies (their writing), models,
keys and hot reload; at a desk on SQLite decisions, uploads, checks, imports, their undo, work on
many, activation, erasure, outcomes, sign-in and start. Faults are a disk that is full from the n-th
call on, an I/O error of the n-th write, fsync, making of a file, move, removal, truncation or read,
and no memory at the n-th allocation of 64 KiB or more.

Wrong is: no clear message, a traceback or another end; what was there before is changed, half done
or gone; a file left over after the next start; something acknowledged lost; a desk on which pages
do not open meanwhile, or nobody can sign in afterwards; an audit log whose chain is broken.

Each call is kept in `benchmarks/failing.csv`, so that a stopped run goes on where it was.
`python -m benchmarks.failing 5` fails five calls of each act and kind.
"""

from __future__ import annotations

import csv
import sys
import tempfile
from pathlib import Path

import pandas as pd
from tests.nth.failing import build, obstacle, walk

KEPT = Path(__file__).with_suffix(".csv")
ENDS = ("done", "refused", "done, told otherwise")
FIELDS = ("act", "fault", "n", "ended", "wrong")


def main() -> None:
    if obstacle():
        print(f"not run: {obstacle()}")
        return
    most = int(sys.argv[1]) if sys.argv[1:2] and sys.argv[1].isdigit() else 1_000_000
    fresh = not KEPT.exists()
    with tempfile.TemporaryDirectory() as folder, KEPT.open("a", newline="") as table:
        rows = csv.DictWriter(table, FIELDS, extrasaction="ignore")
        if fresh:
            rows.writeheader()
        library = build(Path(folder))
        for group in ("files", "desk"):
            for line in walk(library, group, most=most, done=KEPT):
                if "n" in line:
                    rows.writerow({**line, "wrong": "; ".join(line["wrong"])})
                    table.flush()
    report(pd.read_csv(KEPT, keep_default_na=False))


def report(done: pd.DataFrame) -> None:
    rows = [
        {
            "act": act,
            "calls failed": len(part),
            **{end: int((part["ended"] == end).sum()) for end in ENDS},
            "wrong": int((part["wrong"] != "").sum()),
        }
        for act, part in done.groupby("act", sort=False)
    ]
    print(pd.DataFrame(rows).to_string(index=False))
    print(done.groupby("fault", sort=False).size().to_string())
    for row in done[done["wrong"] != ""].head(20).itertuples():
        print(row.act, row.fault, row.n, row.wrong)


if __name__ == "__main__":
    main()
