"""Seconds by part of a whole study on the built-in 5,000 rows."""

from __future__ import annotations

import tempfile
from pathlib import Path

from durhampulse.report.notebook import run_study
from durhampulse.study.request import Request


def main() -> None:
    """Print the seconds of each part of a study, and their shares."""
    with tempfile.TemporaryDirectory() as folder:
        seconds = run_study(Request(), Path(folder, "study"))
    total = sum(seconds.values())
    for part, spent in seconds.items():
        print(f"{part:<42} {spent:6.1f} s {spent / total:6.1%}")
    print(f"{'all':<42} {total:6.1f} s")


if __name__ == "__main__":
    main()
