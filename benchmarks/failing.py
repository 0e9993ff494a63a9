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
`python -m benchmarks.failing 5` fails five calls of each act and kind, `--desk undo,bulk` and
`--files key` those of some acts.
"""

from __future__ import annotations

import argparse
import csv
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from tests.nth.failing import FAULTS, UNTOUCHED, build, obstacle, walk

KEPT = Path(__file__).with_suffix(".csv")
FIELDS = ("act", "fault", "n", "ended", "wrong")


def main(options: Sequence[str] = ()) -> None:
    """Fail each call of the chosen acts that is not kept yet, and print what came of all."""
    parser = argparse.ArgumentParser()
    parser.add_argument("most", type=int, nargs="?", default=1_000_000)
    parser.add_argument("--files", default="all", help="acts on files; none for none")
    parser.add_argument("--desk", default="all", help="acts of a desk")
    parser.add_argument("--kept", type=Path, default=KEPT)
    asked = parser.parse_args(options)
    if obstacle():
        print(f"not run: {obstacle()}")
        return
    fresh = not asked.kept.exists()
    with tempfile.TemporaryDirectory() as folder, asked.kept.open("a", newline="") as table:
        rows = csv.DictWriter(table, FIELDS, extrasaction="ignore")
        if fresh:
            rows.writeheader()
        library = build(Path(folder))
        for group, acts in (("files", asked.files), ("desk", asked.desk)):
            if acts == "none":
                continue
            for line in walk(library, group, acts, most=asked.most, done=asked.kept):
                if "n" in line:
                    rows.writerow({**line, "wrong": "; ".join(line["wrong"])})
                    table.flush()
    report(pd.read_csv(asked.kept, keep_default_na=False))


def report(done: pd.DataFrame) -> None:
    """Print how many calls failed by act and fault, a + where not all did, and what is wrong."""
    untouched = done["ended"] == UNTOUCHED
    whole = {*done.loc[untouched, ["act", "fault"]].itertuples(index=False, name=None)}
    failed = done[~untouched]
    counts = failed.groupby(["act", "fault"], sort=False).size()
    rows = []
    for act, part in failed.groupby("act", sort=False):
        row: dict[str, object] = {"act": act}
        for fault in FAULTS:
            n = int(counts.get((act, fault), 0))
            row[fault] = f"{n}" if (act, fault) in whole else f"{n}+"
        row["all"], row["wrong"] = len(part), int((part["wrong"] != "").sum())
        rows.append(row)
    print(pd.DataFrame(rows).to_string(index=False))
    print(failed.groupby("ended", sort=False).size().to_string())
    for line in failed[failed["wrong"] != ""].head(20).itertuples():
        print(line.act, line.fault, line.n, line.wrong)


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
