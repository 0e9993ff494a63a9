"""How far reasons lie from those by many rows, and what they take, by the rows that are drawn.

The rows of fresh simulated creators are those that stand for what is not known, drawn once or by
:func:`.draw_background`. A hundred others of the market are explained by the demo's model, and
their Shapley values compared with those by 2,000 rows. Root mean square of the differences over
all creators and columns, in log-odds: mean and largest of 20 draws. Processor time of 50 creators.
"""

from __future__ import annotations

import tempfile
from functools import partial
from importlib.resources import files
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from benchmarks.timing import costs
from durhampulse.decision.shapley import draw_background, explain
from durhampulse.market.sampling import write_market
from durhampulse.models.fitted import FittedModel
from durhampulse.scoring.scorer import load_model

ROWS, EXPLAINED, REFERENCE, DRAWS = 6_000, 100, 2_000, 20
MODEL = Path(str(files("durhampulse.desk").joinpath("demo"))) / "model"


def main() -> None:
    """Print errors and times of random draws of some sizes, and of the rows that are chosen."""
    model = load_model(MODEL).model.model
    market = creators(model)
    explained, train = market.head(EXPLAINED), market.iloc[EXPLAINED:]
    many = train.sample(REFERENCE, random_state=99)
    values = explain(model, explained, many).values
    rest = train.drop(many.index)
    for n in (32, 64, 100, 200, None):
        drawn = [rest.sample(n, random_state=seed) if n
                 else draw_background(rest, model.encoding, random_state=seed)
                 for seed in range(DRAWS)]  # fmt: skip
        errors = [apart(explain(model, explained, rows).values, values) for rows in drawn]
        _, cpu = costs(partial(explain, model, explained.head(50), drawn[0]))
        print(f"{f'{n} rows drawn once' if n else 'draw_background'}: {np.mean(errors):.3f}, "
              f"at most {max(errors):.3f}; 50 creators {1e3 * cpu:.0f} ms")  # fmt: skip


def creators(model: FittedModel) -> pd.DataFrame:
    """Return fresh creators of the simulated market, with the columns that the model looks at."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "market.parquet"
        write_market(path, ROWS, seed=77)
        market = pq.read_table(path).to_pandas()
    return market[model.encoding.columns].astype(
        {c: "float64" if c in model.encoding.numeric else "str" for c in model.encoding.columns}
    )


def apart(values: pd.DataFrame, others: pd.DataFrame) -> float:
    """Return the root mean square of the differences of two tables."""
    return float(np.sqrt(np.square(values.to_numpy() - others.to_numpy()).mean()))
