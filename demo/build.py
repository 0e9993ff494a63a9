"""Build what the desk shows a newcomer: a small model and a list, both simulated.

Run by ``make demo``; what it writes is committed, since the wheel carries it.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from durhampulse.creators.schema import IDENTIFIER, LABEL
from durhampulse.market.sampling import simulate_market

PLACE = Path(__file__).parents[1] / "src" / "durhampulse" / "desk" / "demo"
CREATORS, SEED = 600, 2026


def build_model() -> None:
    """Run the study on its built-in data and keep its model."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "study")
        program = Path(sys.executable).with_name("durhampulse")
        command = [str(program), "study", "--out", str(out)]
        subprocess.run(command, check=True)
        shutil.rmtree(PLACE / "model", ignore_errors=True)
        shutil.copytree(out / "model", PLACE / "model")


def build_list() -> None:
    """Simulate applicants whose outcomes are not known yet."""
    table = simulate_market(CREATORS, seed=SEED).table.drop(columns=LABEL)
    table[IDENTIFIER] = "INF-" + table[IDENTIFIER].astype("str")
    path = PLACE / "creators.csv"
    table.to_csv(path, index=False)
    note = {"simulated": True, "generator": "durhampulse demo/build.py", "seed": SEED,
            "rows": CREATORS, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}  # fmt: skip
    beside = path.with_name(path.name + ".provenance.json")
    beside.write_text(json.dumps(note, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    build_list()
    if "--list-only" not in sys.argv:
        build_model()
