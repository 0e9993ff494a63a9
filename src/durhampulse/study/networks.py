"""Parts C and D: networks trained, compared with the baseline and with each other."""

from __future__ import annotations

import numpy as np
import pandas as pd

from durhampulse.evaluation.metrics import compare_models, confusion_table, log_loss, score_models
from durhampulse.models.mlp import MLPTraining, NetworkPlan, train_mlp
from durhampulse.study.results import BaselineComparison, Comparison, Preparation, Regularisation

__all__ = [
    "MLP", "REGULARISED", "UNREGULARISED",
    "compare_with_baseline", "measure_regularisation", "train_network",
]  # fmt: skip

MLP = NetworkPlan("MLP", dropout=(0.3, 0.0))
REGULARISED = NetworkPlan("MLP with dropout and L2", dropout=(0.3, 0.3), l2=0.001)
UNREGULARISED = NetworkPlan("MLP without regularisation", dropout=(0.0, 0.0))


def train_network(
    part: Preparation, plan: NetworkPlan, *, random_state: int | None = None
) -> MLPTraining:
    """C2 and D1: train a network, a fifth of the training part held out to watch it."""
    seed = part.random_state if random_state is None else random_state
    X, y, groups = part.X_train.to_numpy(), part.y_train, part.groups[0]
    return train_mlp(X, y, plan, groups=groups, random_state=seed)


def compare_with_baseline(
    part: Preparation, comparison: Comparison, training: MLPTraining
) -> BaselineComparison:
    """C3: score the network and the baseline on the same test rows."""
    baseline = comparison.baseline
    y_prob = training.network.predict_proba(part.X_test.to_numpy())
    probs = {baseline: comparison.y_prob[baseline], training.plan.name: y_prob}
    return BaselineComparison(
        baseline,
        score_models(part.y_test, probs, groups=part.groups[1]),
        compare_models(part.y_test, y_prob, comparison.y_prob[baseline], groups=part.groups[1]),
    )


def measure_regularisation(
    part: Preparation, *trained: MLPTraining, seeds: tuple[int, ...] = (0, 1, 2)
) -> Regularisation:
    """D2: compare three networks over seeds; what was `trained` already is not trained again.

    All losses are binary cross-entropy without the L2 penalty and with dropout off.
    """
    done = {(run.plan.name, run.seed): run for run in trained}
    rows, curves = [], []
    for plan in (UNREGULARISED, MLP, REGULARISED):
        for offset in seeds:
            seed = part.random_state + offset
            run = done.get((plan.name, seed)) or train_network(part, plan, random_state=seed)
            rows.append(_regularisation_row(part, run))
            curves.append(run.curves.assign(network=plan.name, seed=seed))
    runs = pd.DataFrame(rows)
    numbers = runs.drop(columns="seed").groupby("network", sort=False)
    summary = numbers.agg(["mean", "std"])
    summary.columns = pd.Index(["_".join(column) for column in summary.columns])
    return Regularisation(runs, summary.reset_index(), pd.concat(curves, ignore_index=True))


def _regularisation_row(part: Preparation, run: MLPTraining) -> dict[str, object]:
    y_prob = run.network.predict_proba(part.X_test.to_numpy())
    confusion = confusion_table(part.y_test, y_prob).to_numpy()
    last = run.curves.iloc[-1]
    return {
        "network": run.plan.name,
        "seed": run.seed,
        "train_loss": float(last["loss"]),
        "val_loss": float(last["val_loss"]),
        "gap": float(last["val_loss"] - last["loss"]),
        "best_epoch": int(run.curves["val_loss"].to_numpy().argmin()) + 1,
        "test_loss": log_loss(part.y_test, y_prob),
        "test_accuracy": float(np.trace(confusion) / confusion.sum()),
        "test_f1": float(2 * confusion[1, 1] / max(confusion[1].sum() + confusion[:, 1].sum(), 1)),
    }
