"""Microseconds a row of each family that a model folder may hold, and of the scorer with it.

All are given the same encoded rows, in memory, on one core; beside them the libraries that the
trees come from. Then the scorer with each family: a chunk of Parquet is read as creators and
scored, precedent, bands, intervals and flags included. The trees are 250 of depth 5 and of depth 4;
the ReLU network has 64 and 32 units, the others as many as a student, which is parabolic. Processor
time, so that others on the machine count less.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from importlib.metadata import distribution
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from tests.models import write

from benchmarks.quality import features
from benchmarks.timing import costs
from durhampulse import study
from durhampulse.creators.schema import LABEL
from durhampulse.features.encoding import learn_encoding
from durhampulse.market.sampling import write_market
from durhampulse.models.classifiers import LOGISTIC, build_boosting, fit
from durhampulse.models.ensemble import STUDENT
from durhampulse.models.families import StoredWeights, WeightedSum
from durhampulse.models.fitted import FittedModel
from durhampulse.models.splines import fit_splines
from durhampulse.models.trees import ObliviousTrees
from durhampulse.models.weights import DenseNetwork
from durhampulse.scoring.scorer import Scorer, load_model

ENCODED = 200_000
CHUNK, CHUNKS = 65_536, 8
Predict = Callable[[np.ndarray], object]


def main() -> None:
    """Print microseconds a row of each family of models, alone and in the scorer."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        write_market(folder / "train.csv", 5_000, seed=0)
        creators = study.load_and_inspect(folder / "train.csv").creators
        rows = creators.labelled
        encoding = learn_encoding(rows, features())
        X, y = encoding.transform(rows), rows[LABEL].to_numpy(float)
        models = families(X, y)
        many = np.asfortranarray(X[np.random.default_rng(1).integers(0, len(X), ENCODED)])
        ways: dict[str, tuple[Predict, tuple[str, ...]]] = {
            **{name: (model.decision_function, ()) for name, model in models.items()},
            **libraries(X, y),
        }
        table = [way(name, predict, needed, many) for name, (predict, needed) in ways.items()]
        print(pd.DataFrame(table).to_string(index=False))
        write_market(folder / "m.parquet", CHUNK, seed=1)
        chunk = pq.read_table(folder / "m.parquet", read_dictionary=["Niche", "Video_Quality"])
        table = []
        for name, model in models.items():
            fitted = FittedModel(name=name, encoding=encoding, weights=model).with_precedent(rows)
            write(folder / name, fitted, rows, creators)
            table.append({"family": name, **whole(load_model(folder / name), chunk)})
        print("\n" + pd.DataFrame(table).to_string(index=False))


def families(X: np.ndarray, y: np.ndarray) -> dict[str, StoredWeights]:
    """Return a model of each family, by name, fitted or drawn for the given features."""
    trees = {
        depth: ObliviousTrees.from_catboost(
            build_boosting(0).set_params(depth=depth).fit(X, y.astype(int))
        )
        for depth in (5, 4)
    }
    small = network(X.shape[1], "parabolic")
    weight, zero = np.array([0.25, 0.75]), np.zeros(1)
    return {
        "logistic": fit(LOGISTIC, X, y, random_state=0),
        "splines": fit_splines(X, y),
        "network, ReLU": network(X.shape[1], "relu"),
        "network, SiLU": network(X.shape[1], "silu"),
        "network, parabolic": small,
        "250 trees of depth 5": trees[5],
        "250 trees of depth 4": trees[4],
        "trees of depth 5 and the network": WeightedSum((trees[5], small), weight, zero),
        "trees of depth 4 and the network": WeightedSum((trees[4], small), weight, zero),
    }


def network(n_features: int, activation: str) -> DenseNetwork:
    """Return a network of random weights, with as many units as one in use."""
    units = (64, 32) if activation == "relu" else STUDENT.units
    rng, widths = np.random.default_rng(0), (n_features, *units, 1)
    kernels = (rng.normal(size=s, scale=s[0] ** -0.5) for s in pairwise(widths))
    biases = (np.zeros(width, np.float32) for width in widths[1:])
    return DenseNetwork(tuple(k.astype(np.float32) for k in kernels), tuple(biases), activation)


def libraries(X: np.ndarray, y: np.ndarray) -> dict[str, tuple[Predict, tuple[str, ...]]]:
    """Return the native predictions of the trees' libraries, and the packages they need."""
    from lightgbm import LGBMClassifier

    boosting = build_boosting(0).fit(X, y.astype(int))
    light = LGBMClassifier(n_estimators=500, learning_rate=0.03, n_jobs=1, verbose=-1).fit(X, y)
    return {
        "CatBoost, native": (
            lambda Z: boosting.predict(Z, prediction_type="RawFormulaVal", thread_count=1),
            ("catboost", "scipy", "matplotlib", "plotly"),
        ),
        "LightGBM, native": (
            lambda Z: light.booster_.predict(Z, raw_score=True, num_threads=1),
            ("lightgbm", "scipy"),
        ),
    }


def way(
    name: str, predict: Predict, needed: tuple[str, ...], many: np.ndarray
) -> dict[str, object]:
    """Return the row of one way to predict: seconds, rows a second and megabytes.

    Parameters
    ----------
    name
        What the row is called.
    predict
        From encoded rows, shape (n_rows, n_features), to their log-odds.
    needed
        The packages that are needed beside numpy.
    many
        The encoded rows.
    """
    seconds = min(costs(lambda: predict(many))[1] for _ in range(3))
    return {
        "way": name,
        "microseconds a row": round(1e6 * seconds / len(many), 2),
        "rows/s of one core": f"{len(many) / seconds:,.0f}",
        "libraries, MB": round(sum(megabytes(library) for library in needed)),
    }


def whole(scorer: Scorer, chunk: pa.Table) -> dict[str, object]:
    """Return what a row of a chunk takes with a model's scorer: reading, judging and all."""

    def run() -> None:
        for _ in range(CHUNKS):
            scorer.compute(scorer.read_table("m.parquet", chunk).block)

    seconds = min(costs(run)[1] for _ in range(3)) / CHUNKS
    return {
        "microseconds a row, all in": round(1e6 * seconds / len(chunk), 2),
        "rows/s of two cores": f"{2 * len(chunk) / seconds:,.0f}",
    }


def megabytes(library: str) -> float:
    """Return the size of an installed package's files, in MB."""
    package = distribution(library)
    paths = (Path(str(package.locate_file(file))) for file in package.files or ())
    return sum(path.stat().st_size for path in paths if path.exists()) / 1e6


if __name__ == "__main__":
    main()
