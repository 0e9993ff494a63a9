"""A model tried out before it is used: what does not fit together shows here, not at first use."""

from __future__ import annotations

import json
import math

import numpy as np

from durhampulse.creators.block import Block, Levels
from durhampulse.creators.schema import IDENTIFIER, LABEL
from durhampulse.decision.gaps import unscorable
from durhampulse.decision.promise import Promise
from durhampulse.decision.reasons import reason_table
from durhampulse.decision.shapley import explain
from durhampulse.decision.unlike import kind_names, unlike_words
from durhampulse.features.codes import NumberCode, RelativeCode
from durhampulse.models.weights import sigmoid
from durhampulse.scoring.account import account_of
from durhampulse.scoring.model import StoredModel, describe

__all__ = ["try_out"]

_MOST_FEATURES = 10_000
_FIGURES = (math.nan, 0.0, 0.05, 1e9)
"""Of the rows tried beside the folder's own: in each, every figure is this."""


def try_out(loaded: StoredModel) -> None:
    """Use each part of a model on some rows.

    Scores, intervals, flags, drift, reasons, precedents, comparisons with past creators and words
    are made as they are in use; of a model read for scores alone only scores and what goes with
    them.

    Raises
    ------
    Exception
        Of whatever kind, if a part cannot be used.
    """
    _require_fitting(loaded)
    with np.errstate(all="ignore"):  # results are checked
        _score(loaded)
        if loaded.background_rows is not None:
            _explain(loaded)
    describe(loaded)
    if promise := loaded.manifest.get("promise"):
        Promise(**promise).text()


def _require_fitting(loaded: StoredModel) -> None:
    """Raise unless the parts speak of the same columns."""
    encoding = loaded.model.encoding
    columns, numeric = encoding.columns, encoding.numeric
    if not columns or len(encoding.names) > _MOST_FEATURES:
        raise ValueError(f"{len(encoding.names):,} encoded columns")
    if {IDENTIFIER, LABEL} & {*columns}:
        raise ValueError("a model of identifiers or outcomes")
    if any(loaded.rules[c].numeric != (c in numeric) for c in columns):
        raise ValueError("a column's rule is not of the kind that the encoding needs")
    precedent = loaded.model.precedent
    if precedent is None:
        return
    code_of = [code for code in encoding.codes for _ in code.names]
    for place, column in zip(precedent.places, precedent.columns, strict=True):
        code = code_of[place]
        if not isinstance(code, NumberCode | RelativeCode) or code.column != column:
            raise ValueError("precedents of figures that the model does not know")
    if not {*precedent.spans} <= numeric or not {*precedent.levels} <= {*columns} - numeric:
        raise ValueError("precedents of columns that the model does not know")


def _extremes(loaded: StoredModel) -> Block:
    """Return rows of extreme figures."""
    encoding, tried = loaded.model.encoding, np.array(_FIGURES)
    nothing = Levels(np.full(len(tried), -1), ())
    columns = {c: tried if c in encoding.numeric else nothing for c in encoding.columns}
    return Block(len(tried), columns)


def _score(loaded: StoredModel) -> None:
    """Score rows of extreme figures, and count and compare them."""
    model, rows = loaded.model, _extremes(loaded)
    logits, unlike = model.look(rows)
    ends = np.stack([sigmoid(logits), *model.interval.ends(logits, rows)])
    if ends.shape != (3, rows.n_rows) or not np.all((ends >= 0) & (ends <= 1)):
        raise ValueError("the weights give no probability")
    for kind in unlike.tolist():
        kind_names(model.precedent)[kind]
    loaded.peers.flag_bits(rows)
    loaded.profile.drift(loaded.profile.count(rows))


def _explain(loaded: StoredModel) -> None:
    """Explain one of the folder's rows, in full where enough of it is known."""
    unlike_words(loaded.model, _extremes(loaded))
    columns = loaded.model.encoding.columns
    empty = unscorable(loaded.background, columns).ne("").to_numpy()
    row = loaded.background.iloc[[int(np.argmin(empty))]].assign(**{IDENTIFIER: "tried"})
    if empty.all():
        shapley = explain(loaded.model, row[columns], loaded.background)
        reason_table(shapley, row, loaded.peers)
    else:
        json.dumps(account_of(loaded, row).to_dict(), allow_nan=False, default=float)
    if loaded.neighbours is not None and not loaded.neighbours.rows[LABEL].isin([0, 1]).all():
        raise ValueError("the rows to compare with have other outcomes than two")
