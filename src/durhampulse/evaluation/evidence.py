"""What the checks of a verdict look at: the table, and measures that several of them share."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from durhampulse.creators.schema import COLUMNS, IDENTIFIER, LABEL
from durhampulse.creators.table import Creators
from durhampulse.evaluation.signal import Signal, column_strength, measure_signal
from durhampulse.features.copies import kept_together
from durhampulse.features.encoding import learn_encoding
from durhampulse.features.repeats import Codes, creator_codes
from durhampulse.irregularities import Irregularity

__all__ = ["Evidence", "Strengths"]

_MOST_ROWS = 20_000
_DOMINANT_FROM = 0.88
_USUAL, _USUAL_IF_SETTLED = 0.75, 0.86
_SETTLED = {column.name for column in COLUMNS.values() if column.before_deal}

Strengths = dict[str, tuple[float, float]]


class Evidence:
    """A table under judgement; each measure is taken when first asked for.

    Parameters
    ----------
    creators
        The table, read; copies of a creator count as theirs.
    random_state
        Of the rows drawn, the permutations and the halves.
    """

    def __init__(self, creators: Creators, *, random_state: int = 0) -> None:
        self.creators = kept_together(creators)
        self.random_state = random_state

    @cached_property
    def sample(self) -> Creators:
        """At most 20,000 of the labelled rows."""
        labelled = self.creators.labelled
        if len(labelled) > _MOST_ROWS:
            labelled = labelled.sample(_MOST_ROWS, random_state=self.random_state).sort_index()
        return self.creators.with_table(labelled)

    @cached_property
    def groups(self) -> Codes:
        """The creators of those rows, shape (n_rows,)."""
        return creator_codes(self.sample.labelled)

    @cached_property
    def strengths(self) -> Strengths:
        """Each feature alone: ROC AUC and share of deviance explained, out of half."""
        labelled = self.sample.labelled
        y_true = labelled[LABEL].to_numpy(np.float64)
        return {
            role.column: column_strength(labelled[role.column], y_true, self.groups)
            for role in self.sample.features
        }

    @cached_property
    def signal(self) -> Signal:
        """The cheap model on all features, against permuted outcomes."""
        return self._measure(self.sample, permutations=299)

    @cached_property
    def without(self) -> dict[str, float]:
        """ROC AUC without each feature that may carry what the others do not tell.

        Asked of features strong alone, and where the whole predicts well of all that a deal may
        have changed.
        """
        columns = [role.column for role in self.sample.features]
        asked = set(columns) - _SETTLED if self.signal.roc_auc >= _DOMINANT_FROM else set()
        return {
            name: self._measure(self.sample.without([name], ""), permutations=0).roc_auc
            for name in columns
            if name in asked or self.is_strong_alone(name)
        }

    def is_strong_alone(self, column: str) -> bool:
        """Whether a feature's ROC AUC alone is beyond doubt above what one column usually tells.

        What a deal cannot have changed may tell more. Two standard errors (Hanley and McNeil 1982)
        are taken off, rows of one creator counted as one.
        """
        auc = self.strengths[column][0]
        labelled = self.sample.labelled
        each = (self.groups.max() + 1) / len(labelled)
        deals, others = (each * np.sum(labelled[LABEL] == outcome) for outcome in (1, 0))
        by_deals, by_others = auc / (2 - auc) - auc**2, 2 * auc**2 / (1 + auc) - auc**2
        spread = auc * (1 - auc) + (deals - 1) * by_deals + (others - 1) * by_others
        usual = _USUAL_IF_SETTLED if column in _SETTLED else _USUAL
        return bool(auc - 2 * np.sqrt(spread / (deals * others)) >= usual)

    @property
    def is_identified(self) -> bool:
        """Whether the source has identifiers; row numbers stand for them where it has none."""
        ledger = self.creators.irregularities
        absent = ledger.loc[ledger["code"] == Irregularity.MISSING_COLUMN, "column"]
        return IDENTIFIER not in set(absent)

    def _measure(self, creators: Creators, *, permutations: int) -> Signal:
        labelled = creators.labelled
        X = learn_encoding(labelled, creators.features).transform(labelled)
        if X.shape[1] == 0:
            return Signal(0.5, 0.5, 1.0, permutations)
        return measure_signal(
            X,
            labelled[LABEL].to_numpy(np.float64),
            creator_codes(labelled),
            permutations=permutations,
            random_state=self.random_state,
        )
