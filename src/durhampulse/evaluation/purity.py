"""Does a level, a flag or a figure above 0 occur with one outcome only, or equal its share?"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from durhampulse.creators.schema import LABEL
from durhampulse.evaluation.evidence import Evidence
from durhampulse.evaluation.verdict import Finding, Severity
from durhampulse.features.repeats import creator_codes

__all__ = ["check_pure", "check_shares"]

Floats = npt.NDArray[np.float64]

_FEWEST, _BY_CHANCE = 20, 1e-6
_STOPS = 0.05
"""Share of deals from which a level that deals alone have stops a table."""
_OF_OTHERS_ALONE, _OF_DEALS, _OF_OTHERS = 0.10, 0.10, 0.20
"""Shares of an outcome from which a level pure or all but pure concerns many."""
_TIMES_DEALS, _TIMES_OTHERS = 8, 20
"""How many times as often as the other outcome's creators one's have an all but pure level."""
_MOST_VALUES = 20
_ZEROS = 0.05


@dataclass(frozen=True, kw_only=True)
class _Kind:
    """Creators of one level, counted by outcome.

    Attributes
    ----------
    name
        The level, in words.
    deals, others
        How many of its creators have a deal, and how many none.
    of_deals, of_others
        How many there are in the table.
    """

    name: str
    deals: int
    others: int
    of_deals: int
    of_others: int

    @property
    def severity(self) -> Severity:
        """How far the level gives the answer away.

        Levels that only deals have stop; they are seldom honest. Levels that no deal has may be a
        rule of the business, and levels all but pure a strong feature, so they need care where
        they concern many.
        """
        from scipy.stats import fisher_exact

        rest = [self.of_deals - self.deals, self.of_others - self.others]
        of_deals, of_others = self.deals / self.of_deals, self.others / self.of_others
        if min(self.deals, self.others) == 0:
            counts = np.array([[self.deals, self.others], rest])
            if self.deals + self.others < _FEWEST or fisher_exact(counts).pvalue >= _BY_CHANCE:
                return "pass"
            if self.others == 0:
                return "stop" if of_deals >= _STOPS else "care"
            return "care" if of_others >= _OF_OTHERS_ALONE else "pass"
        deals = _times(self.deals, self.others, self.of_deals, self.of_others)
        others = _times(self.others, self.deals, self.of_others, self.of_deals)
        among_deals = of_deals >= _OF_DEALS and deals > _TIMES_DEALS
        among_others = of_others >= _OF_OTHERS and others > _TIMES_OTHERS
        return "care" if among_deals or among_others else "pass"


def _times(here: int, against: int, of_here: int, of_against: int) -> float:
    """Return how many times as often an outcome has a level, allowing for chance in the other."""
    return here / of_here / ((against + 2 * math.sqrt(against + 1)) / of_against)


def check_pure(evidence: Evidence) -> Finding:
    """Check whether a level, a flag or a figure above 0 occurs with one outcome only."""
    labelled = evidence.creators.labelled
    deal, codes = labelled[LABEL].to_numpy() == 1, creator_codes(labelled)
    worst: dict[str, _Kind] = {}
    for role in evidence.creators.features:
        for kind in _kinds(labelled[role.column], deal, codes):
            if kind.severity == "stop" or (kind.severity == "care" and role.column not in worst):
                worst[role.column] = kind
    if not worst:
        return Finding("pass", "no such column", "What a column holds occurs with both outcomes.")
    certain = [column for column, kind in worst.items() if kind.severity == "stop"]
    outcome = evidence.creators.outcome
    texts = [
        f"{column} {kind.name}: {kind.deals:,} of {kind.deals + kind.others:,} {outcome.got}"
        for column, kind in worst.items()
    ]
    reason = (
        f"{'; '.join(texts)}. Written after the outcome, or a rule that decides? Then it says "
        "nothing about creators not decided on."
    )
    columns = tuple(certain or worst)
    return Finding("stop" if certain else "care", f"{len(worst)} such columns", reason, columns)


def _kinds(
    values: pd.Series, deal: npt.NDArray[np.bool_], codes: npt.NDArray[np.intp]
) -> Iterator[_Kind]:
    """Yield the levels of a column, and its figures above 0; rows of one creator count once."""
    numeric = pd.api.types.is_numeric_dtype(values)
    parts = []
    if not numeric or values.nunique() <= _MOST_VALUES:
        parts.append(values)
    if values.isna().mean() >= _ZEROS:
        parts.append(values.notna().map({True: "filled", False: None}))
    if numeric and values.nunique() > 2 and (values <= 0).mean() >= _ZEROS:
        parts.append(values.gt(0).map({True: "above 0", False: None}))
    for part in parts:
        once = pd.DataFrame({"level": part, "creator": codes, "deal": deal}).drop_duplicates()
        counts = pd.crosstab(once["level"], once["deal"]).reindex(
            columns=[False, True], fill_value=0
        )
        of_deals = once.loc[once["deal"], "creator"].nunique()
        of_others = once.loc[~once["deal"], "creator"].nunique()
        for level, (others, deals) in zip(counts.index, counts.to_numpy(), strict=True):
            if others + deals >= _FEWEST:
                yield _Kind(
                    name=f"{level:,g}" if numeric and not isinstance(level, str) else str(level),
                    deals=int(deals),
                    others=int(others),
                    of_deals=int(of_deals),
                    of_others=int(of_others),
                )


def check_shares(evidence: Evidence) -> Finding:
    """Check whether a figure is the outcome's share among the rows that bear it."""
    labelled = evidence.creators.labelled
    y_true = labelled[LABEL].to_numpy(np.float64)
    numeric = [role.column for role in evidence.creators.features if role.kind == "numeric"]
    suspects = [c for c in numeric if _follows_share(labelled[c].to_numpy(np.float64), y_true)]
    if not suspects:
        return Finding("pass", "no such column", "No figure is made of the outcomes themselves.")
    reason = (
        f"{', '.join(suspects)}: among the rows that bear the same figure, the share of "
        f"{evidence.creators.outcome.deals} follows it more exactly than chance allows, so it was "
        "computed from these very outcomes, group by group."
    )
    return Finding("care", f"{len(suspects)} such columns", reason, tuple(suspects))


def _follows_share(values: Floats, y_true: Floats) -> bool:
    """Whether the share of deals at each value lies on a straight line, without chance.

    Shares of n independent outcomes scatter by p (1 - p) / n around any line. The sum of squares in
    that unit is chi-squared; one far below its range is not an observation but a computation.
    """
    from scipy.stats import chi2

    known = np.isfinite(values)
    figures, group = np.unique(values[known], return_inverse=True)
    n = np.bincount(group)
    if not 3 <= len(figures) <= known.sum() / 4:
        return False
    share = np.bincount(group, y_true[known]) / n
    slope, start = np.polyfit(figures, share, 1, w=np.sqrt(n))
    line = np.clip(start + slope * figures, 0, 1)
    scatter = line * (1 - line) / n
    inner = n * n * scatter > 1
    if inner.sum() < 3:
        return False
    gap = float(np.sum((share - line)[inner] ** 2 / scatter[inner]))
    spread = np.sqrt(np.average((line - line.mean()) ** 2, weights=n))
    is_spread = spread > 0.5 * np.sqrt(np.average(scatter, weights=n))
    return bool(is_spread and chi2.cdf(gap, inner.sum() - 2) < _BY_CHANCE)
