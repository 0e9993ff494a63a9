"""Part E: whether more past outcomes would help."""

from __future__ import annotations

import numpy as np
import pandas as pd

from durhampulse.creators.schema import LABEL
from durhampulse.evaluation.metrics import compare_models, log_loss
from durhampulse.features.encoding import learn_encoding
from durhampulse.features.repeats import creator_codes
from durhampulse.models.classifiers import BOOSTING, LOGISTIC, fit
from durhampulse.study.results import Comparison, Preparation

__all__ = ["learning_curve"]

_SHARES = (0.1, 0.25, 0.5)
_MOST_ROWS = 8_000


def learning_curve(part: Preparation, comparison: Comparison) -> pd.DataFrame:
    """Return the log loss of the simple model and boosting, learned from more and more creators.

    Each part holds the creators of the one before. All are measured on the whole test part.

    Returns
    -------
    DataFrame
        ``model, rows, log_loss, difference, low, high``: the paired difference to the part before,
        with its 95% interval; missing for the smallest part. Below 8,000 rows for the largest
        part but the whole.
    """
    codes = creator_codes(part.train)
    place = np.random.default_rng(part.random_state).permutation(codes.max() + 1)[codes]
    rows = []
    for name in (LOGISTIC, BOOSTING):
        before = None
        for share in (*_SHARES, 1.0):
            chosen = part.train[place < share * (codes.max() + 1)]
            if chosen[LABEL].nunique() < 2 or (share < 1 and len(chosen) > _MOST_ROWS):
                continue
            if share < 1:
                encoding = learn_encoding(chosen, part.creators.features)
                y = chosen[LABEL].to_numpy(np.float64)
                weights = fit(name, encoding.transform(chosen), y, random_state=part.random_state)
                y_prob = weights.predict_proba(encoding.transform(part.test))
            else:
                y_prob = comparison.y_prob[name]
            change = [np.nan] * 3
            if before is not None:
                compared = compare_models(
                    part.y_test, y_prob, before, metrics=("log_loss",), groups=part.groups[1]
                )
                change = compared.iloc[0][["difference", "low", "high"]].tolist()
            rows.append((name, len(chosen), log_loss(part.y_test, y_prob), *change))
            before = y_prob
    return pd.DataFrame(rows, columns=["model", "rows", "log_loss", "difference", "low", "high"])
