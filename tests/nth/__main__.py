"""A walk as a program with the library loaded, which `tests.nth.failing.walk` starts.

It prints a line of JSON for each call that was failed, one with `calls` for each act and kind of
fault, and one for the run that was untouched since it made no such call any more.
"""

from __future__ import annotations

import csv
import gc
import importlib
import sys
import tempfile
from collections.abc import Collection
from dataclasses import asdict
from pathlib import Path

from tests.nth.failing import FAULTS, UNTOUCHED
from tests.nth.walk import Act, count, numbers, say, step


def main() -> None:
    group, names, faults, most, kept = sys.argv[1:6]
    done, whole = _done(Path(kept)) if kept and Path(kept).exists() else (set(), set())
    if Path("/dev/shm").is_dir():  # where no call waits for a disk
        tempfile.tempdir = "/dev/shm"
    with tempfile.TemporaryDirectory(prefix="nth-") as apart:
        acts = importlib.import_module(f"tests.nth.{group}").make_acts(Path(apart))
        for name in names.split(",") if names != "all" else [*acts]:
            left = [fault for fault in faults.split(",") if (name, fault) not in whole]
            numbers_done = {(fault, n) for act, fault, n in done if act == name}
            if left:
                _walk(name, acts[name](), left, int(most), numbers_done)


def _done(kept: Path) -> tuple[set[tuple[str, str, int]], set[tuple[str, str]]]:
    """The calls that earlier runs failed, and of which act and fault they failed all."""
    with kept.open(encoding="utf-8", newline="") as table:
        rows = [*csv.DictReader(table)]
    return (
        {(row["act"], row["fault"], int(row["n"])) for row in rows},
        {(row["act"], row["fault"]) for row in rows if row["ended"] == UNTOUCHED},
    )


def _walk(
    name: str, act: Act, faults: list[str], most: int, done: Collection[tuple[str, int]]
) -> None:
    n_calls = [count(act), count(act)][1]  # what a run leaves is known from two of them
    gc.freeze()  # so that forks share what is there
    for fault in faults:
        say(act=name, fault=fault, calls=n_calls[fault])
        for n in numbers(n_calls[fault], most):
            if (fault, n) in done:
                continue
            if made := step(act, FAULTS[fault], n):
                say(act=name, **asdict(made))
            elif most >= n_calls[fault] <= n:
                say(act=name, fault=fault, n=n, ended=UNTOUCHED, wrong=[])
                break


if __name__ == "__main__":
    main()
