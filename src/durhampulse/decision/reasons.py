"""Explanations in words, and what would change a decision."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import combinations, islice

import numpy as np
import numpy.typing as npt

from durhampulse.creators.schema import COLUMNS, NICHE, QUALITIES, QUALITY
from durhampulse.decision.bands import Thresholds
from durhampulse.decision.phrases import beside_others, group_words, phrase, unknown_names
from durhampulse.decision.shapley import Explanation
from durhampulse.decision.table import REASONS
from durhampulse.deferred import pd
from durhampulse.features.peers import Peers
from durhampulse.models.fitted import FittedModel
from durhampulse.models.weights import sigmoid

__all__ = ["REASONS_NOTE", "reason_table", "what_would_change"]

REASONS_NOTE = (
    "Each 'without this' is the probability if that figure alone were not known; these figures do "
    "not add up."
)

_MOST = 3
_SLIGHT, _STRONG = 0.05, 0.3
"""In log-odds, below which an effect is no reason, and from which on it is named even where the
figure's own comparisons do not show it."""
_STEPS = np.linspace(0, 1, 41)


def reason_table(explanation: Explanation, creators: pd.DataFrame, peers: Peers) -> pd.DataFrame:
    """Return the strongest Shapley values of each creator in words.

    A reason says what a figure was compared with: the creator's peers, the whole list, or what
    happened to creators like this in the past. One that none of these supports is named from 0.3
    in log-odds on, as a figure that speaks together with the others, and left out below, as is one
    below 0.05, and one that does not move the probability by what one decimal of a percentage
    shows. A figure that is not known is no reason.

    Returns
    -------
    DataFrame
        Index of the creators; ``Reasons For`` and ``Reasons Against``, up to three each, and
        ``Not Known``, each cell a list of texts.
    """
    rows = creators.loc[explanation.values.index]
    columns = [str(column) for column in explanation.values.columns]
    compare = _comparison(rows, columns, peers)
    now = sigmoid(explanation.log_odds)
    without = sigmoid(explanation.log_odds[:, None] - explanation.values.to_numpy())
    unknown = np.column_stack([_values(rows, column).isna() for column in columns])
    reasons: dict[str, list[list[str]]] = {name: [] for name in REASONS}
    for i, values in enumerate(explanation.values.to_numpy()):
        for name, sign in (("Reasons For", 1), ("Reasons Against", -1)):
            strongest = (j for j in np.argsort(-sign * values) if sign * values[j] >= _SLIGHT)
            texts = (
                (
                    compare(i, int(j), sign, strong=sign * values[j] >= _STRONG),
                    _without_text(now[i], without[i, j]),
                )
                for j in strongest
                if not unknown[i, j]
            )
            named = (f"{words} (without this: {text})" for words, text in texts if words and text)
            reasons[name].append([*islice(named, _MOST)])
        reasons["Not Known"].append(unknown_names(columns, unknown[i]))
    return pd.DataFrame(reasons, index=explanation.values.index)


def _values(rows: pd.DataFrame, column: str) -> pd.Series:
    return rows.get(column, pd.Series(None, index=rows.index))


def _comparison(rows: pd.DataFrame, columns: list[str], peers: Peers) -> Callable[..., str]:
    """Return what puts a row's column into words, as a reason for (1) or against (-1)."""
    places = {str(c): place.tolist() for c, place in peers.percentiles(rows).items()}
    tiers, niches = peers.tier(rows).tolist(), _values(rows, NICHE).tolist()
    values = {column: _values(rows, column).tolist() for column in columns}
    groups = {str(c): group.tolist() for c, group in peers.groups(rows).items()}

    def compare(i: int, j: int, sign: int, *, strong: bool) -> str:
        column = columns[j]
        value, place, whom = values[column][i], math.nan, ""
        if column in groups:
            whom = group_words(groups[column][i], tiers[i], niches[i])
            place = places[column][i]
        words = phrase(column, value, sign, peers=peers, place=place, whom=whom)
        return words or (beside_others(column, value, peers.rates) if strong else "")

    return compare


def _without_text(now: float, without: float) -> str:
    """Return a probability with as many digits as tell it from the present one; empty if none do.

    Examples
    --------
    >>> _without_text(0.81, 0.74), _without_text(0.812, 0.808), _without_text(0.9999, 0.9998)
    ('74%', '80.8%', '')
    """
    for digits in (0, 1):
        if f"{now:.{digits}%}" != f"{without:.{digits}%}":
            return f"{without:.{digits}%}"
    return ""


def what_would_change(
    model: FittedModel, creator: pd.DataFrame, peers: Peers, thresholds: Thresholds
) -> pd.DataFrame:
    """Return the smallest change in what a creator can change that reaches the next band.

    Changeable figures move within the 1st to 99th percentile of the creator's peers, video quality
    upwards; a figure that is not known does not move. One figure is changed, or two if none alone
    is enough. The change is an association in past deals: nothing says that it would cause one.

    Parameters
    ----------
    creator
        One row.

    Returns
    -------
    DataFrame
        The changed figures, one row each: ``column, from, to, percentiles`` (how far among peers)
        and the ``probability`` reached together; empty if no such change reaches the next band,
        or there is none.
    """
    now = float(model.predict_proba(creator)[0])
    above = [t for t in (thresholds.review_at, thresholds.yes_at) if t > now]
    empty = pd.DataFrame(columns=["column", "from", "to", "percentiles", "probability"])
    if not above:
        return empty
    places = peers.percentiles(creator).iloc[0]
    moves = {c: _moves(c, creator, peers, places) for c in model.encoding.columns}
    moves = {column: values for column, values in moves.items() if values}
    for number in (1, 2):
        reaching = [
            change
            for columns in combinations(moves, number)
            if (change := _smallest(model, creator, {c: moves[c] for c in columns}, above[0]))
        ]
        if reaching:
            _, chosen, reached = min(reaching, key=lambda change: change[0])
            rows = [
                (column, creator[column].iloc[0], value, distance, reached)
                for column, (value, distance) in chosen.items()
            ]
            return pd.DataFrame(rows, columns=list(empty.columns))
    return empty


def _moves(
    column: str, creator: pd.DataFrame, peers: Peers, places: pd.Series
) -> list[tuple[object, float]]:
    """Return values a creator might reach, and how far each is in percentiles of peers."""
    standard = COLUMNS.get(column)
    if standard is None or not standard.changeable or column not in creator:
        return []
    now = creator[column].iloc[0]
    if column == QUALITY:
        better = QUALITIES[QUALITIES.index(now) + 1 :] if now in QUALITIES else ()
        return [(level, 100.0 * (i + 1) / (len(QUALITIES) - 1)) for i, level in enumerate(better)]
    if column not in peers.curves or pd.isna(now):
        return []
    curve = peers.curves[column][peers.groups(creator)[column].iloc[0]]
    here = float(places[column])
    steps = np.linspace(1, 99, len(_STEPS))
    values = np.interp(steps, np.arange(101), curve)
    return [(float(v), abs(float(p) - here)) for v, p in zip(values, steps, strict=True)]


def _smallest(
    model: FittedModel,
    creator: pd.DataFrame,
    moves: dict[str, list[tuple[object, float]]],
    threshold: float,
) -> tuple[float, dict[str, tuple[object, float]], float] | None:
    """Return the nearest combination of moves that reaches the threshold."""
    grids = np.meshgrid(*(np.arange(len(values)) for values in moves.values()), indexing="ij")
    picks = np.stack([grid.ravel() for grid in grids], axis=1)
    rows = creator.iloc[np.zeros(len(picks), dtype=int)].reset_index(drop=True)
    distance: npt.NDArray[np.float64] = np.zeros(len(picks))
    for at, (column, steps) in enumerate(moves.items()):
        values = pd.Series([steps[i][0] for i in picks[:, at]])
        rows[column] = values.astype("str" if column == QUALITY else "float64")
        distance += np.array([steps[i][1] for i in picks[:, at]])
    y_prob = model.predict_proba(rows)
    reached = y_prob >= threshold
    if not reached.any():
        return None
    best = int(np.flatnonzero(reached)[np.argmin(distance[reached])])
    chosen = {column: steps[picks[best, at]] for at, (column, steps) in enumerate(moves.items())}
    return float(distance[best]), chosen, float(y_prob[best])
