"""A walk as a program with the library loaded, which `tests.nth.failing.walk` starts.

It prints a line of JSON for each call that was failed, and one with `calls` for each act and kind
of fault.
"""

from __future__ import annotations

import csv
import gc
import importlib
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from tests.nth.failing import FAULTS
from tests.nth.walk import count, numbers, say, step


def main() -> None:
    group, names, faults, most, kept = sys.argv[1:6]
    done = set()
    if kept and Path(kept).exists():
        with Path(kept).open(encoding="utf-8", newline="") as table:
            done = {(row["act"], row["fault"], int(row["n"])) for row in csv.DictReader(table)}
    if Path("/dev/shm").is_dir():  # where no call waits for a disk
        tempfile.tempdir = "/dev/shm"
    with tempfile.TemporaryDirectory(prefix="nth-") as apart:
        acts = importlib.import_module(f"tests.nth.{group}").make_acts(Path(apart))
        for name in names.split(",") if names != "all" else [*acts]:
            act = acts[name]()
            n_calls = [count(act), count(act)][1]  # what a run leaves is known from two of them
            gc.freeze()  # so that forks share what is there
            for fault in (FAULTS[fault] for fault in faults.split(",")):
                say(act=name, fault=fault.name, calls=n_calls[fault.name])
                for n in numbers(n_calls[fault.name], int(most)):
                    if (name, fault.name, n) in done:
                        continue
                    if made := step(act, fault, n):
                        say(act=name, **asdict(made))
                    elif n >= n_calls[fault.name]:  # a run that nothing touched
                        break


if __name__ == "__main__":
    main()
