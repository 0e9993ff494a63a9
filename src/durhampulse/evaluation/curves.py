"""How models rank: recall against false alarms and against precision, over all thresholds."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

__all__ = ["ranking_curves"]

Floats = npt.NDArray[np.float64]

_MOST_POINTS = 200


def ranking_curves(y_true: Floats, y_probs: Mapping[str, Floats]) -> pd.DataFrame:
    """Return recall, precision and false alarms of each model, from its most probable row down.

    Parameters
    ----------
    y_true
        Outcomes 0 or 1, shape (n_rows,).
    y_probs
        Model's name to its probabilities, shape (n_rows,) each.

    Returns
    -------
    DataFrame
        Up to 200 points a model, one a threshold: ``model, threshold, false_positive_rate, recall,
        precision``. The first of each calls nobody a deal: its threshold is infinite and its
        precision that of the next (Davis and Goadrich 2006).

    Examples
    --------
    >>> ranking_curves(np.array([0.0, 1.0, 1.0]), {"m": np.array([0.2, 0.2, 0.9])})[
    ...     ["threshold", "recall", "precision"]
    ... ].round(2).to_numpy().tolist()
    [[inf, 0.0, 1.0], [0.9, 0.5, 1.0], [0.2, 1.0, 0.67]]
    """
    return pd.concat([_curve(y_true, *pair) for pair in y_probs.items()], ignore_index=True)


def _curve(y_true: Floats, model: str, y_prob: Floats) -> pd.DataFrame:
    order = np.argsort(-y_prob, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(y_prob[order])), len(order) - 1)
    deals, called = np.cumsum(y_true[order])[ends], ends + 1.0
    n_deals = max(float(y_true.sum()), 1.0)
    others = max(len(y_true) - float(y_true.sum()), 1.0)
    table = pd.DataFrame(
        {
            "model": model,
            "threshold": y_prob[order][ends],
            "false_positive_rate": (called - deals) / others,
            "recall": deals / n_deals,
            "precision": deals / called,
        }
    )
    start = table.head(1).assign(threshold=np.inf, false_positive_rate=0.0, recall=0.0)
    table = pd.concat([start, table], ignore_index=True)
    kept = np.unique(np.linspace(0, len(table) - 1, _MOST_POINTS).round().astype(int))
    return table.iloc[kept]
