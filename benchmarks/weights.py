"""Ways to carry a trained model into the scorer: rows a second of one core, and what they weigh.

All are given the same encoded rows, in memory. The boosting is the blend's own: 500 oblivious trees
of depth 5; LightGBM has 500 trees of 31 leaves. The blend needs one of these and three networks
beside it; the distilled network replaces them all.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from importlib.metadata import distribution
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.quality import features
from durhampulse.creators.schema import IDENTIFIER, LABEL
from durhampulse.features.encoding import learn_encoding
from durhampulse.market.market import draw_creators
from durhampulse.models.classifiers import build_boosting
from durhampulse.models.weights import DenseNetwork

ROWS = 500_000


def main() -> None:
    creators, _ = draw_creators(4_000, np.random.default_rng(0))
    creators.insert(0, IDENTIFIER, np.arange(len(creators)))
    encoding = learn_encoding(creators, features())
    X, y = encoding.transform(creators), creators[LABEL].to_numpy(int)
    many = X[np.random.default_rng(1).integers(0, len(X), ROWS)]
    boosting = build_boosting(0).fit(X, y)
    ways: dict[str, tuple[Callable[[np.ndarray], object], tuple[str, ...]]] = {
        "CatBoost, native": (
            lambda Z: boosting.predict(Z, prediction_type="RawFormulaVal", thread_count=1),
            ("catboost", "scipy", "matplotlib", "plotly"),
        ),
        "CatBoost's trees as numpy tables": (oblivious(boosting), ()),
        "LightGBM, native": (lightgbm(X, y), ("lightgbm", "scipy")),
        "CatBoost by ONNX Runtime": (onnx(boosting), ("onnxruntime",)),
        "one network of 64 and 32 units, numpy": (network(X.shape[1]), ()),
    }
    rows = []
    for name, (predict, libraries) in ways.items():
        seconds = min(timed(predict, many) for _ in range(3))
        rows.append({
            "way": name,
            "rows/s of one core": f"{ROWS / seconds:,.0f}",
            "microseconds a row": round(1e6 * seconds / ROWS, 2),
            "libraries, MB": round(sum(megabytes(library) for library in libraries)),
        })  # fmt: skip
    print(pd.DataFrame(rows).to_string(index=False))


def oblivious(boosting: object) -> Callable[[np.ndarray], np.ndarray]:
    """Score the trees level by level: one comparison and one shift for all rows."""
    import json

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.json")
        boosting.save_model(str(path), format="json")
        trees = json.loads(path.read_text())["oblivious_trees"]

    def predict(Z: np.ndarray) -> np.ndarray:
        Z, total = Z.astype(np.float32), np.zeros(len(Z))
        for start in range(0, len(Z), 8_192):
            part = Z[start : start + 8_192]
            for tree in trees:
                leaf = np.zeros(len(part), dtype=np.intp)
                for level, split in enumerate(tree["splits"]):
                    right = part[:, split["float_feature_index"]] > split["border"]
                    leaf |= right.astype(np.intp) << level
                total[start : start + 8_192] += np.array(tree["leaf_values"])[leaf]
        return total

    return predict


def lightgbm(X: np.ndarray, y: np.ndarray) -> Callable[[np.ndarray], object]:
    from lightgbm import LGBMClassifier

    model = LGBMClassifier(n_estimators=500, learning_rate=0.03, n_jobs=1, verbose=-1).fit(X, y)
    return lambda Z: model.booster_.predict(Z, raw_score=True, num_threads=1)


def onnx(boosting: object) -> Callable[[np.ndarray], object]:
    import onnxruntime

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.onnx")
        boosting.save_model(str(path), format="onnx")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        session = onnxruntime.InferenceSession(path.read_bytes(), options)
    return lambda Z: session.run(["probabilities"], {"features": Z.astype(np.float32)})


def network(n_features: int) -> Callable[[np.ndarray], object]:
    rng, widths = np.random.default_rng(0), (n_features, 64, 32, 1)
    kernels = tuple(rng.normal(size=s).astype(np.float32) for s in pairwise(widths))
    return DenseNetwork(
        kernels, tuple(np.zeros(w, np.float32) for w in widths[1:])
    ).decision_function


def timed(predict: Callable[[np.ndarray], object], rows: np.ndarray) -> float:
    start = time.perf_counter()
    predict(rows)
    return time.perf_counter() - start


def megabytes(library: str) -> float:
    found = distribution(library)
    paths = (Path(str(found.locate_file(file))) for file in found.files or ())
    return sum(path.stat().st_size for path in paths if path.exists()) / 1e6


if __name__ == "__main__":
    main()
