"""Run all benchmarks: `python -m benchmarks`, or one: `python -m benchmarks parts`."""

from __future__ import annotations

import importlib
import sys

NAMES = ("parts", "quality", "calibration", "intervals", "promises", "plans", "precedent",
         "verdicts", "peers", "reading", "reasons", "weights", "scoring", "scale", "serving",
         "reliability", "simulate", "load", "export", "reviewers", "desk", "beside")  # fmt: skip

for name in sys.argv[1:] or NAMES:
    print(f"\n## {name}\n", flush=True)
    importlib.import_module(f"benchmarks.{name}").main()
