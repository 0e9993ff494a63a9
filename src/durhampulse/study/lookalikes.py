"""Part E: a few creators beside the past creators most like them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from durhampulse.creators.schema import IDENTIFIER, LABEL
from durhampulse.decision.bands import BANDS, NO_PRECEDENT
from durhampulse.features.encoding import Encoding
from durhampulse.features.neighbours import Neighbours

__all__ = ["lookalikes"]

Floats = npt.NDArray[np.float64]


def lookalikes(
    creators: pd.DataFrame,
    y_prob: Floats,
    answers: pd.Series,
    encoding: Encoding,
    neighbours: Neighbours,
) -> pd.DataFrame:
    """Return the past creators most like one of each answer, the middle one by probability.

    Parameters
    ----------
    creators
        Those decided on, shape (n_rows, any).
    y_prob, answers
        Their probabilities and answers, shape (n_rows,) each.
    encoding, neighbours
        Of the model.

    Returns
    -------
    DataFrame
        One row for each past creator: ``creator, answer, probability`` of whom it is like;
        ``place``, 1 for the nearest; ``deal``, what became of it; and its figures, by column.
    """
    parts = []
    for answer in (*BANDS, NO_PRECEDENT):
        here = np.flatnonzero((answers == answer).to_numpy())
        if not len(here):
            continue
        middle = int(here[np.argsort(y_prob[here], kind="stable")[len(here) // 2]])
        row = creators.iloc[[middle]]
        alike = neighbours.nearest(encoding, row)
        about = {
            "creator": str(row[IDENTIFIER].iloc[0]),
            "answer": answer,
            "probability": float(y_prob[middle]),
            "place": np.arange(1, len(alike) + 1),
            "deal": alike.pop(LABEL).astype("int64"),
        }
        parts.append(alike.rename(columns={IDENTIFIER: "past creator"}).assign(**about))
    table = pd.concat(parts, ignore_index=True)
    return table[[*about, *table.columns.drop([*about])]]
