"""Seeds of a simulated desk: 20 reviewers, two processes, imports, and all that goes wrong.

Each seed drives the clock, the order of threads, the faults of the store and those of the network;
an observer with a driver of its own checks every committed state and every answer
(`tests/desk/simulation`). `python -m benchmarks.simulate 10000` goes through the first ten
thousand seeds; how far it is stands in `benchmarks/simulate.csv`, so that a stopped run goes on
where it was. A seed that fails is printed, and `python -m benchmarks.simulate --seed N` replays it.
"""

from __future__ import annotations

import argparse
import csv
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tests.desk.simulation.observer import Violation
from tests.desk.simulation.world import World

SEEDS = 1_000
KEPT = Path(__file__).with_suffix(".csv")
FIELDS = ("seed", "steps", "commits", "decisions", "refused", "unanswered", "cpu", "problem")


def main(options: Sequence[str] = ()) -> None:
    """Go through seeds, or replay one, and print what came of all."""
    parser = argparse.ArgumentParser()
    parser.add_argument("seeds", type=int, nargs="?", default=SEEDS)
    parser.add_argument("--minutes", type=float, default=10, help="after which it stops")
    parser.add_argument("--seed", type=int, help="replay one")
    asked = parser.parse_args(options)
    memory = "/dev/shm" if Path("/dev/shm").is_dir() else None
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        world = World(Path(folder))
        if asked.seed is not None:
            print(world.run(asked.seed).counts)
        else:
            run_all(world, asked.seeds, 60 * asked.minutes)
        world.close()


def run_all(world: World, seeds: int, seconds: float) -> None:
    """Run the seeds that are not kept yet, for so many seconds at most; report on all."""
    done = set()
    if KEPT.exists():
        with KEPT.open(newline="", encoding="utf-8") as file:
            done = {int(row["seed"]) for row in csv.DictReader(file)}
    end = time.monotonic() + seconds
    for seed in range(1, seeds + 1):
        if time.monotonic() > end:
            break
        if seed not in done:
            add(run_one(world, seed))
    report()


def run_one(world: World, seed: int) -> dict[str, object]:
    """Return the row of a seed: its counts, or the rule that was broken."""
    start = time.process_time()
    try:
        life = world.run(seed)
    except Violation as problem:
        print(problem, flush=True)
        return {"seed": seed, "problem": problem, "cpu": round(time.process_time() - start, 3)}
    return {
        "seed": seed,
        "steps": life.scheduler.steps,
        "commits": life.checker.commits,
        "decisions": len(life.checker.requests),
        "refused": life.counts["refused"],
        "unanswered": life.counts["no answer"],
        "cpu": round(time.process_time() - start, 3),
    }


def add(row: dict[str, object]) -> None:
    """Append a seed's row to those kept."""
    new = not KEPT.exists()
    with KEPT.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, FIELDS)
        if new:
            writer.writeheader()
        writer.writerow(row)


def report() -> None:
    """Print the sums over all kept seeds, and which of them failed."""
    sums: Counter[str] = Counter()
    failed = []
    with KEPT.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            sums["seeds"] += 1
            sums.update({name: float(row[name] or 0) for name in FIELDS[1:-1]})
            if row["problem"]:
                failed.append(row["seed"])
    print(", ".join(f"{name} {n:,.0f}" for name, n in sums.items()), "; failed:", failed or "none")


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
