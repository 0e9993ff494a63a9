"""The champion beside AutoML tools on the same rows: `python -m benchmarks peers`.

Each tool is installed in an environment of its own below the folder named by the variable
DURHAMPULSE_PEERS (hundreds of megabytes each), gets the raw columns of 4,000 simulated creators
and 60 seconds, and predicts 20,000 fresh ones whose true probabilities are known. What each tool
says of its own log loss stands beside what fresh creators say of it. Without the variable nothing
is installed and only the champion is measured.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.quality import ceiling, expected_log_loss, features
from durhampulse.creators.schema import IDENTIFIER, LABEL
from durhampulse.evaluation.metrics import log_loss
from durhampulse.market.market import draw_creators
from durhampulse.models.champion import train_champion

DRAWS, TRAIN, FRESH = 3, 4_000, 20_000
TOOLS = {
    "AutoGluon": ("autogluon.tabular[lightgbm,catboost]", """
from autogluon.tabular import TabularPredictor
model = TabularPredictor(label=label, path=folder + "/ag", eval_metric="log_loss", verbosity=0)
model.fit(train, presets="best_quality", time_limit=60)
y_prob = model.predict_proba(fresh)[1].to_numpy()
own = -model.leaderboard()["score_val"].max()
"""),
    "mljar-supervised": ("mljar-supervised pandas<3", """
from supervised.automl import AutoML
model = AutoML(results_path=folder + "/mljar", mode="Compete", total_time_limit=60, verbose=0,
               eval_metric="logloss")
model.fit(train.drop(columns=label), train[label])
y_prob = model.predict_proba(fresh)[:, 1]
own = model.get_leaderboard()["metric_value"].min()
"""),
}  # fmt: skip
AROUND = """
import sys
import pandas as pd
folder, label = sys.argv[1], sys.argv[2]
train, fresh = (pd.read_parquet(f"{folder}/{name}.parquet") for name in ("train", "fresh"))
BODY
pd.DataFrame({"y_prob": y_prob, "own": own}).to_parquet(f"{folder}/out.parquet")
"""


def main() -> None:
    """Print each tool's mean log loss above the best possible, and its own estimate of it."""
    home = os.environ.get("DURHAMPULSE_PEERS")
    rows = [row for draw in range(DRAWS) for row in measure(draw, home)]
    table = pd.DataFrame(rows).groupby("tool", sort=False).mean(numeric_only=True)
    print(table.drop(columns="draw").round(4).to_string())
    if home is None:
        print("Set DURHAMPULSE_PEERS to a folder to install and measure the other tools.")


def measure(draw: int, home: str | None) -> list[dict[str, object]]:
    """Return a row of figures for each tool on one draw of the market.

    Parameters
    ----------
    draw
        Which draw, from 0 on.
    home
        The folder of the other tools' environments; None measures the champion alone.
    """
    creators, y_prob = draw_creators(TRAIN + FRESH, np.random.default_rng(10_000 + draw))
    creators.insert(0, IDENTIFIER, np.arange(len(creators)))
    train, fresh, p = creators[:TRAIN], creators[TRAIN:], y_prob[TRAIN:]
    start = time.perf_counter()
    champion = train_champion(train, features(), random_state=draw)
    y_true = train[LABEL].to_numpy(float)
    own = log_loss(y_true, champion.out_of_fold[champion.model.name])
    seconds = time.perf_counter() - start
    answers = {"DurhamPulse": (champion.model.predict_proba(fresh), own, seconds)}
    for tool in TOOLS if home else ():
        answers[tool] = run(tool, Path(str(home)), train, fresh)
    best = ceiling(p).log_loss
    return [
        {
            "tool": tool, "draw": draw, "excess log loss": expected_log_loss(p, q) - best,
            "own estimate": own, "fresh": expected_log_loss(p, q), "seconds": seconds,
        }
        for tool, (q, own, seconds) in answers.items()
    ]  # fmt: skip


def run(
    tool: str, home: Path, train: pd.DataFrame, fresh: pd.DataFrame
) -> tuple[np.ndarray, float, float]:
    """Return what a tool predicts, installing it where it is missing.

    Parameters
    ----------
    tool
        A name among `TOOLS`.
    home
        The folder that its environment is, or will be, below.
    train, fresh
        Creators with identifiers and outcomes; those of ``fresh`` are kept from the tool.

    Returns
    -------
    y_prob
        Of each fresh creator, shape (n_fresh,).
    own
        The log loss that the tool expects.
    seconds
        From reading the rows to its predictions.
    """
    package, body = TOOLS[tool]
    python = home / tool / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", home / tool], check=True)
        subprocess.run(
            [python, "-m", "pip", "install", "-q", *package.split(), "pyarrow"], check=True
        )
    with tempfile.TemporaryDirectory() as folder:
        train.drop(columns=IDENTIFIER).to_parquet(f"{folder}/train.parquet")
        fresh.drop(columns=[IDENTIFIER, LABEL]).to_parquet(f"{folder}/fresh.parquet")
        start = time.perf_counter()
        code = AROUND.replace("BODY", body)
        subprocess.run([python, "-c", code, folder, LABEL], check=True, cwd=folder)
        out = pd.read_parquet(f"{folder}/out.parquet")
    return out["y_prob"].to_numpy(), float(out["own"].iloc[0]), time.perf_counter() - start


if __name__ == "__main__":
    main()
