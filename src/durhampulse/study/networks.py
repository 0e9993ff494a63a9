"""Parts C and D: networks trained, compared with the baseline and with each other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from durhampulse.evaluation.curves import ranking_curves
from durhampulse.evaluation.metrics import (
    compare_models,
    compare_runs,
    confusion_table,
    log_loss,
    score_models,
)
from durhampulse.models.mlp import MLPTraining, NetworkPlan, train_mlp
from durhampulse.models.runs import train_runs
from durhampulse.study.results import BaselineComparison, Comparison, Preparation, Regularisation

__all__ = [
    "MLP", "REGULARISED", "SEEDS", "UNREGULARISED",
    "compare_with_baseline", "measure_regularisation", "train_network",
]  # fmt: skip

Floats = npt.NDArray[np.float64]

SEEDS = 0, 1, 2, 3, 4
"""What C3 and D2 add to the study's seed, so that no verdict hangs on one training."""
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
    part: Preparation,
    comparison: Comparison,
    training: MLPTraining,
    *,
    seeds: tuple[int, ...] = SEEDS,
) -> BaselineComparison:
    """C3: score the network and the baseline on the same test rows, the network from several seeds.

    Parameters
    ----------
    training
        The network trained in C2; those of the further seeds are trained here.
    seeds
        Added to the study's own.
    """
    baseline, groups = comparison.baseline, part.groups[1]
    runs = (training, *_train(part, [(training.plan, seed) for seed in seeds], [training]))
    y_probs = [_predict(run, part) for run in runs]
    of_baseline = comparison.y_prob[baseline]
    probs = {baseline: of_baseline, training.plan.name: y_probs[0]}
    by_seed = [
        compare_models(part.y_test, y_prob, of_baseline, groups=groups).assign(seed=run.seed)
        for run, y_prob in zip(runs, y_probs, strict=True)
    ]
    everyone = {**comparison.y_prob, training.plan.name: y_probs[0]}
    scores = score_models(part.y_test, everyone, groups=groups)
    return BaselineComparison(
        baseline=baseline,
        tested=scores[scores["model"].isin(list(probs))],
        difference=compare_runs(part.y_test, y_probs, [of_baseline] * len(runs), groups=groups),
        by_seed=pd.concat(by_seed, ignore_index=True),
        runs=runs,
        curves=ranking_curves(part.y_test, everyone),
        scores=scores,
    )


def measure_regularisation(
    part: Preparation, *trained: MLPTraining, seeds: tuple[int, ...] = SEEDS
) -> Regularisation:
    """D2: compare networks over seeds; what was `trained` already is not trained again.

    The old network is that of C1, the new one has dropout and L2, and one without either shows
    what both do. All losses are binary cross-entropy without the L2 penalty and with dropout off.
    """
    plans = UNREGULARISED, MLP, REGULARISED
    wanted = [(plan, seed) for plan in plans for seed in seeds]
    done = {(run.plan, run.seed): run for run in (*trained, *_train(part, wanted, trained))}
    runs = [done[plan, part.random_state + seed] for plan, seed in wanted]
    old, new = ([_predict(run, part) for run in runs if run.plan == p] for p in plans[1:])
    table = pd.DataFrame([_regularisation_row(part, run) for run in runs])
    summary = table.drop(columns="seed").groupby("network", sort=False).agg(["mean", "std"])
    summary.columns = pd.Index(["_".join(column) for column in summary.columns])
    return Regularisation(
        runs=table,
        summary=summary.reset_index(),
        difference=compare_runs(part.y_test, new, old, groups=part.groups[1]),
        curves=pd.concat(
            [run.curves.assign(network=run.plan.name, seed=run.seed) for run in runs],
            ignore_index=True,
        ),
    )


def _train(
    part: Preparation, wanted: list[tuple[NetworkPlan, int]], trained: Sequence[MLPTraining]
) -> tuple[MLPTraining, ...]:
    """Return the networks wanted that are not trained yet, trained."""
    done = {(run.plan, run.seed) for run in trained}
    runs = [(plan, part.random_state + seed) for plan, seed in wanted]
    left = [run for run in runs if run not in done]
    return train_runs(part.X_train.to_numpy(), part.y_train, left, groups=part.groups[0])


def _predict(run: MLPTraining, part: Preparation) -> Floats:
    return run.network.predict_proba(part.X_test.to_numpy())


def _regularisation_row(part: Preparation, run: MLPTraining) -> dict[str, object]:
    y_prob = _predict(run, part)
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
