"""A: what the table looks like, and which features go with the outcome."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pandas as pd

from durhampulse.creators.outcome import SPONSORSHIP, OutcomeWords
from durhampulse.creators.schema import COLUMNS, IDENTIFIER, LABEL
from durhampulse.creators.table import Creators
from durhampulse.decision.figures import number_text
from durhampulse.evaluation.calibration import effective_size
from durhampulse.evaluation.metrics import holm
from durhampulse.features.repeats import Codes, creator_codes, has_repeats

__all__ = [
    "associations",
    "column_overview",
    "correlations",
    "outcome_by_group",
    "outcome_histograms",
    "surest",
    "target_distribution",
]

Floats = npt.NDArray[np.float64]

_Z = 1.959964
_CERTAIN = 0.05
_PARTS, _FOLDS, _FURTHER = 10, 5, 10
_EXACT = 17
"""Digits that tell any two floats apart."""


def column_overview(creators: Creators) -> pd.DataFrame:
    """Return each column's type, missing cells, distinct values, range and role.

    Returns
    -------
    DataFrame
        One row a column: ``column, dtype, missing, missing_share, distinct, typical, role, reason``
        where typical is the median and range of numbers or the most frequent level.
    """
    rows = []
    for role in creators.roles:
        values = creators.table[role.column]
        missing = int(values.isna().sum())
        rows.append(
            {
                "column": role.column,
                "dtype": str(values.dtype),
                "missing": missing,
                "missing_share": missing / len(values),
                "distinct": values.nunique(),
                "typical": _typical(values, example=role.role in ("identifier", "carried")),
                "role": role.role,
                "reason": role.reason,
            }
        )
    return pd.DataFrame(rows)


def _typical(values: pd.Series, *, example: bool) -> str:
    known = values.dropna()
    if known.empty:
        return "empty"
    if example:
        return f"e.g. {known.iloc[0]}"
    if pd.api.types.is_numeric_dtype(values):
        middle, low, high = (number_text(x) for x in (known.median(), known.min(), known.max()))
        return f"{middle} ({low} to {high})"
    counts = known.astype("str").value_counts()
    return f"{counts.index[0]} ({counts.iloc[0] / len(known):.0%})"


def target_distribution(
    labelled: pd.DataFrame, outcome: OutcomeWords = SPONSORSHIP
) -> pd.DataFrame:
    """Return the counts of the outcomes.

    Returns
    -------
    DataFrame
        Two rows: ``outcome, creators, share``, with ``rows`` before ``creators`` where these have
        several; a creator with both outcomes counts in both.
    """
    rows = np.array([int((labelled[LABEL] == value).sum()) for value in (0, 1)])
    names = f"{outcome.none} (0)", f"{outcome.deal} (1)"
    table = pd.DataFrame({"outcome": [*names], "creators": rows})
    if labelled[IDENTIFIER].nunique() < len(labelled):
        parts = (labelled.loc[labelled[LABEL] == value, IDENTIFIER] for value in (0, 1))
        table["creators"] = [part.nunique() for part in parts]
        table.insert(1, "rows", rows)
    return table.assign(share=rows / rows.sum())


def associations(creators: Creators) -> pd.DataFrame:
    """Return what each feature alone tells of the outcome: on one scale, and as suits its type.

    The scale is the ROC AUC of the share of deals in the feature's tenths or levels, learned on
    four fifths of the creators and asked of the other, with DeLong's interval. It sees bends and
    serves numbers and categories alike, so features are ranked by it.

    Numbers and ordered levels: rank-biserial correlation, 2 AUC - 1, between -1 and 1, with
    DeLong's interval (DeLong, DeLong and Clarke-Pearson 1988). Categories: Cramér's V corrected
    for bias (Bergsma 2013), between 0 and 1, with the interval of the noncentrality of its
    chi-squared (Smithson 2003). Missing values are left out. ``p_value`` is of the Mann-Whitney and
    the chi-squared test, adjusted for the number of features after Holm.

    Where creators have several rows, they are taken as wholes: the interval of numbers by their
    sums (Obuchowski 1997), that of categories with the chi-squared divided by its design effect
    (Rao and Scott 1981).

    Returns
    -------
    DataFrame
        ``feature, auc, auc_low, auc_high, measure, value, low, high, p_value``, the one that
        tells most first.
    """
    labelled, groups = creators.labelled, creator_codes(creators.labelled)
    outcome = labelled[LABEL].to_numpy(np.float64)
    rows = []
    for role in creators.features:
        values = labelled[role.column]
        known = values.notna().to_numpy(bool)
        if values.nunique() < 2 or len(np.unique(outcome[known])) < 2:
            continue
        if role.kind == "numeric":
            numbers = values[known].to_numpy(np.float64)
            measured = _rank_biserial(numbers, outcome[known], groups[known])
            row = ("rank-biserial correlation", *measured)
        else:
            counts = pd.crosstab(values[known], outcome[known]).to_numpy()
            effect = _chi_squared_effect(values[known], outcome[known], groups[known])
            row = ("Cramér's V", *_cramers_v(counts, effect))
        rows.append((role.column, *_auc_alone(values, outcome, groups), *row))
    columns = ["feature", "auc", "auc_low", "auc_high", "measure", "value", "low", "high"]
    associated = pd.DataFrame(rows, columns=[*columns, "p_value"])
    associated["p_value"] = holm(associated["p_value"].to_numpy(np.float64))
    return associated.sort_values("auc", ascending=False, kind="stable", ignore_index=True)


def _auc_alone(values: pd.Series, outcome: Floats, groups: Codes) -> tuple[float, float, float]:
    """Return the ROC AUC of a feature's shares of deals, each learned on other creators."""
    known = values.notna().to_numpy(bool)
    values, outcome, groups = values[known], outcome[known], groups[known]
    if pd.api.types.is_numeric_dtype(values):
        values = pd.qcut(values, _PARTS, duplicates="drop")
    part = pd.factorize(values)[0]
    fold = np.random.default_rng(0).permutation(groups.max() + 1)[groups] % _FOLDS
    deals, rows = (
        np.histogram2d(fold, part, bins=(range(_FOLDS + 1), range(part.max() + 2)), weights=w)[0]
        for w in (outcome, None)
    )
    others = deals.sum(axis=0) - deals, rows.sum(axis=0) - rows
    base = others[0].sum(axis=1, keepdims=True) / np.maximum(others[1].sum(axis=1), 1)[:, None]
    # A part counts as if it had so many further rows of the usual share.
    share = (others[0] + _FURTHER * base) / (others[1] + _FURTHER) - base
    # Pairs are compared within a fold: shares that other rows gave lean against their own fold's.
    parts = [
        _rank_biserial(share[number, part[here]], outcome[here], groups[here])[:2]
        for number in range(_FOLDS)
        if len(np.unique(outcome[here := fold == number])) == 2
    ]
    if not parts:
        return 0.5, 0.0, 1.0
    values, lows = np.transpose(parts)
    value = float(np.mean(values))
    half = float(np.sqrt(np.sum((values - lows) ** 2))) / len(values)
    return (1 + value) / 2, (1 + max(value - half, -1)) / 2, (1 + min(value + half, 1)) / 2


def surest(associated: pd.DataFrame) -> str:
    """Return the feature that tells at least the most, of those that go with the outcome.

    Parameters
    ----------
    associated
        From :func:`associations`, not empty.
    """
    certain = associated[associated["p_value"] <= _CERTAIN]
    rows = associated if certain.empty else certain
    return str(rows["feature"].iloc[int(rows["auc_low"].to_numpy().argmax())])


def _rank_biserial(
    numbers: Floats, outcome: Floats, groups: Codes
) -> tuple[float, float, float, float]:
    from scipy.stats import mannwhitneyu, norm, rankdata

    deal, none = numbers[outcome == 1], numbers[outcome == 0]
    ranks = rankdata(np.concatenate([deal, none]))
    above = (ranks[: len(deal)] - rankdata(deal)) / len(none)
    below = 1 - (ranks[len(deal) :] - rankdata(none)) / len(deal)
    auc = above.mean()
    value = 2 * auc - 1
    codes = np.unique(groups, return_inverse=True)[1]
    if has_repeats(codes):
        parts = np.empty(len(outcome))
        parts[outcome == 1], parts[outcome == 0] = (
            (part - auc) / len(part) for part in (above, below)
        )
        n_creators = codes.max() + 1
        correction = n_creators / max(n_creators - 1, 1)
        variance = correction * np.sum(np.bincount(codes, parts) ** 2)
        p = float(2 * norm.sf(abs(value) / max(2 * np.sqrt(variance), 1e-12)))
    else:
        variance = sum(np.var(part, ddof=1) / len(part) for part in (above, below) if len(part) > 1)
        p = float(mannwhitneyu(deal, none, method="asymptotic").pvalue)
    half = 2 * _Z * np.sqrt(variance)
    return float(value), float(max(value - half, -1)), float(min(value + half, 1)), p


def _cramers_v(counts: npt.NDArray[np.int64], effect: float) -> tuple[float, float, float, float]:
    """Return Cramér's V, corrected for chance, the ends of its 95% interval and a p-value.

    Parameters
    ----------
    counts
        Rows by level and outcome, shape (n_levels, 2).
    effect
        How many times as large chi-squared is as of independent rows.
    """
    from scipy.stats import chi2, chi2_contingency

    tested = chi2_contingency(counts, correction=False)
    n, most = counts.sum() / effect, min(counts.shape) - 1
    statistic = tested.statistic / effect
    ends = (_noncentrality(statistic, tested.dof, at) for at in (0.025, 0.975))
    low, high = (min(float(np.sqrt(end / (n * most))), 1.0) for end in ends)
    return _corrected_v(counts), low, high, float(chi2.sf(statistic, tested.dof))


def _chi_squared_effect(values: pd.Series, outcome: Floats, groups: Codes) -> float:
    """Return by how much repeats of creators inflate a chi-squared on average, at least 1."""
    codes = np.unique(groups, return_inverse=True)[1]
    if not has_repeats(codes):
        return 1.0
    levels, names = pd.factorize(values)
    share, expected = outcome.mean(), 0.0
    for level in range(len(names)):
        here = (levels == level) - np.mean(levels == level)
        part = here * (outcome - share)
        sums = np.bincount(codes, part - part.mean())
        expected += np.sum(sums**2) / (np.sum(levels == level) * share * (1 - share))
    return float(max(expected / (len(names) - 1), 1.0))


def _noncentrality(statistic: float, dof: int, share: float) -> float:
    """Return the noncentrality under which a share of chi-squareds lies above the one observed."""
    from scipy.optimize import brentq
    from scipy.stats import chi2, ncx2

    if chi2.sf(statistic, dof) >= share:
        return 0.0
    most = statistic + 20 * np.sqrt(statistic) + 20  # far above: a normal's mean and spread
    return float(brentq(lambda nc: ncx2.sf(statistic, dof, nc) - share, 1e-9, most))


def _corrected_v(counts: npt.NDArray[np.int64]) -> float:
    counts = counts[counts.sum(axis=1) > 0][:, counts.sum(axis=0) > 0]
    n, (r, c) = counts.sum(), counts.shape
    if min(r, c) < 2:
        return 0.0
    expected = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / n
    phi2 = np.sum((counts - expected) ** 2 / expected) / n
    phi2 = max(0.0, phi2 - (r - 1) * (c - 1) / (n - 1))
    rows, columns = r - (r - 1) ** 2 / (n - 1), c - (c - 1) ** 2 / (n - 1)
    return float(np.sqrt(phi2 / max(min(rows - 1, columns - 1), 1e-12)))


def outcome_by_group(creators: Creators, feature: str, *, groups: int = 5) -> pd.DataFrame:
    """Return the share of deals by level of a feature, or by fifth of a numeric one.

    Returns
    -------
    DataFrame
        ``group, creators, deals, share, low, high`` with 95% intervals (normal approximation
        by Agresti and Coull 1998); numeric groups ascending, levels by share. Where creators have
        several rows, ``rows`` stands before ``creators`` and the intervals take creators as wholes.
    """
    labelled = creators.labelled
    values = labelled[feature]
    numeric = pd.api.types.is_numeric_dtype(values)
    by: pd.Series
    if numeric and values.nunique() <= groups:
        by = values.astype("category")
        by = by.cat.rename_categories([f"{value:.{_EXACT - 1}g}" for value in by.cat.categories])
    elif numeric:
        by = pd.qcut(values, groups, duplicates="drop")
        ranges = [*by.cat.categories]
        by = by.cat.rename_categories(_range_texts(ranges, values.min(), is_rate=_is_rate(feature)))
    else:
        counts = values.value_counts()
        by = values.where(values.isin(counts.index[:12]), "all others").where(values.notna())
    parts = labelled.groupby(by, observed=True)
    rows, deals = parts[LABEL].size(), parts[LABEL].sum()
    repeated = labelled[IDENTIFIER].nunique() < len(labelled)
    sizes = {"rows": rows, "creators": parts[IDENTIFIER].nunique()} if repeated else {}
    table = pd.DataFrame({"creators": rows, **sizes, "deals": deals.astype("int64")})
    table = table[[*(sizes or ["creators"]), "deals"]]
    n = parts[[IDENTIFIER, LABEL]].apply(_effective_rows) if repeated else rows
    table["share"] = deals / rows
    share = (table["share"] * n + 2) / (n + 4)
    half = _Z * np.sqrt(share * (1 - share) / (n + 4))
    table["low"], table["high"] = (share - half).clip(0), (share + half).clip(upper=1)
    table = table.rename_axis("group").reset_index()
    if not numeric:
        table = table.sort_values("share", ascending=False, ignore_index=True)
    return table.astype({"group": "str"})


def _effective_rows(part: pd.DataFrame) -> float:
    return effective_size(part[LABEL].to_numpy(np.float64), creator_codes(part))


def _is_rate(feature: str) -> bool:
    return feature in COLUMNS and COLUMNS[feature].kind == "rate"


def _range_texts(parts: list[pd.Interval], lowest: float, *, is_rate: bool) -> list[str]:
    """Return ranges with as few digits as keep them apart; the first begins at the lowest value."""
    size, sign = (100, "%") if is_rate else (1, "")
    edges = [size * edge for edge in (lowest, *(part.right for part in parts))]
    digits = 4
    while len({number_text(edge, digits) for edge in edges}) < len(edges) and digits < _EXACT:
        digits += 1
    texts = [number_text(edge, digits) + sign for edge in edges]
    return [f"{low} to {high}" for low, high in pairwise(texts)]


def outcome_histograms(creators: Creators, *, bins: int = 24) -> pd.DataFrame:
    """Return the distribution of each numeric feature among creators with and without a deal.

    Skewed features are counted in bins of equal width on a logarithmic scale; values beyond the
    1st and 99th percentile are left out of the picture.

    Returns
    -------
    DataFrame
        ``feature, scale, outcome, left, right, share``; shares of one outcome sum to 1.
    """
    labelled = creators.labelled
    parts = []
    for role in creators.features:
        values = labelled[role.column]
        if role.kind != "numeric" or values.nunique() < 2:
            continue
        low, high = (float(q) for q in values.quantile([0.01, 0.99]))
        positive = values[values > 0]
        logarithmic = bool(low >= 0 and not positive.empty and high > 3 * positive.median())
        if logarithmic:
            edges = np.geomspace(
                max(low, float(positive.quantile(0.01))), max(high, 1e-12), bins + 1
            )
        else:
            edges = np.linspace(low, high, bins + 1)
        for value, name in ((0, creators.outcome.none), (1, creators.outcome.deal)):
            counts, _ = np.histogram(values[labelled[LABEL] == value].dropna(), edges)
            scale = "log" if logarithmic else "linear"
            parts.append(
                pd.DataFrame(
                    {
                        "feature": role.column,
                        "scale": scale,
                        "outcome": name,
                        "left": edges[:-1],
                        "right": edges[1:],
                        "share": counts / max(counts.sum(), 1),
                    }
                )
            )
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def correlations(creators: Creators) -> pd.DataFrame:
    """Return Spearman's rank correlations between numeric features and the outcome.

    Returns
    -------
    DataFrame
        Square and symmetric; the outcome is the last row and column.
    """
    numeric = [role.column for role in creators.features if role.kind == "numeric"]
    return creators.labelled[[*numeric, LABEL]].corr(method="spearman")
