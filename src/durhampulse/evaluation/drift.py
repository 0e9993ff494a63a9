"""Do scores hold for later creators, or for new groups? A second split beside the random one."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from durhampulse.creators.cells import read_numbers
from durhampulse.creators.schema import IDENTIFIER, LABEL
from durhampulse.creators.table import Creators
from durhampulse.evaluation.metrics import score_models
from durhampulse.evaluation.verdict import Finding
from durhampulse.exceptions import InputError
from durhampulse.features.encoding import learn_encoding
from durhampulse.features.repeats import creator_codes
from durhampulse.models.classifiers import BOOSTING
from durhampulse.models.training import classifier_learner

__all__ = ["Kind", "compare_splits"]

Floats = npt.NDArray[np.float64]
Kind = Literal["time", "group"]

_MOST_ROWS = 20_000
_FEWEST_OF_A_CLASS = 10
_LEAST_HELD_OUT, _HELD_OUT, _MOST_HELD_OUT = 0.1, 0.2, 0.35
_NUMBERED = r"^\s*(\d{1,2})[-/.](\d{1,2})[-/.]\d{2,4}(?!\d)"
"""A date whose day and month are both numbers."""
_QUARTERS = {rf"(?i)^\s*(\d{{4}})[- ]?Q{n}\s*$": rf"\1-{3 * n - 2:02}-01" for n in range(1, 5)}
"""A quarter such as 2021Q3 to its first day."""


def compare_splits(
    creators: Creators, column: str, kind: Kind, *, random_state: int = 0
) -> tuple[Finding, pd.DataFrame]:
    """Score one model under a random split and under a split by time or by group.

    By time the last creators to appear are scored, in whole periods and at least a fifth of the
    rows, by a model trained on those before them; by group, whole groups of about a fifth of the
    rows are scored by a model that saw none of theirs, and knows none of their names where groups
    are a feature. No creator is on both sides.

    Returns
    -------
    finding, scores
        Of the check ``drift``, and ``model`` (here: the split), ``metric, value, low, high``.

    Raises
    ------
    InputError
        If there is no such column, or it gives no order or too few groups.
    """
    labelled = creators.labelled
    if column not in labelled:
        raise InputError(
            f"{creators.source.name}: no column '{column}' to split by {kind}.",
            f"The columns are {', '.join(map(repr, labelled.columns))}.",
        )
    if len(labelled) > _MOST_ROWS:
        labelled = labelled.sample(_MOST_ROWS, random_state=random_state).sort_index()
    split = _forward if kind == "time" else _grouped
    asked = split(creators, labelled, column, random_state)
    rng = np.random.default_rng(random_state)
    codes = creator_codes(labelled)
    n_held = len(np.unique(codes[asked]))
    at_random = np.isin(codes, rng.choice(codes.max() + 1, n_held, replace=False))
    name = "forward in time" if kind == "time" else "to new groups"
    parts = [
        _score(creators, labelled, test, title, random_state)
        for title, test in (("at random", at_random), (name, asked))
    ]
    return _check(column, name, *parts), pd.concat(parts, ignore_index=True)


def _forward(
    creators: Creators, labelled: pd.DataFrame, column: str, _: int
) -> npt.NDArray[np.bool_]:
    order = _times(labelled[column], f"{creators.source.name}, column {column}")
    if order.isna().any() or order.nunique() < 5:
        raise InputError(
            f"{creators.source.name}, column {column}: {int(order.isna().sum()):,} cells give no "
            f"time, the others {order.nunique()} different ones.",
            "Name a column of dates or numbers, filled in every row, with --time.",
        )
    first = order.groupby(labelled[IDENTIFIER]).transform("min")  # a creator's first row
    # The smallest tail of whole periods that holds a fifth: the last may be larger than that.
    last = first.sort_values(ascending=False).iloc[int(np.ceil(_HELD_OUT * len(first))) - 1]
    return np.asarray(first >= last)


def _times(cells: pd.Series, where: str) -> pd.Series:
    """Return each cell's time as a number, none where it is no time."""
    if pd.api.types.is_datetime64_any_dtype(cells):
        return cells.astype("int64").where(cells.notna())
    if pd.api.types.is_numeric_dtype(cells):
        return cells
    cells = cells.replace(_QUARTERS, regex=True)
    day_first = _day_first(cells, where)
    times = pd.to_datetime(cells, errors="coerce", format="mixed", dayfirst=day_first, utc=True)
    if times.notna().mean() > 0.5:
        return times.astype("int64").where(times.notna())
    numbers = read_numbers(pa.array(cells, from_pandas=True), decimal=".")
    return pd.Series(numbers.values, index=cells.index)


def _day_first(cells: pd.Series, where: str) -> bool:
    """Whether 05/03/2024 is in March, for a whole column."""
    written = cells.dropna().astype("str").str.extract(_NUMBERED).dropna().astype("int64")
    first, second = (bool((written[part] > 12).any()) for part in (0, 1))
    if len(written) and first == second:
        problem = (
            "the day stands first in some cells and the month in others"
            if first
            else "nothing tells whether the day or the month stands first"
        )
        raise InputError(f"{where}: {problem}.", "Write dates as 2024-03-05.")
    return first


def _grouped(
    creators: Creators, labelled: pd.DataFrame, column: str, random_state: int
) -> npt.NDArray[np.bool_]:
    codes, names = pd.factorize(labelled[column])
    if len(names) < 5:
        raise InputError(
            f"{creators.source.name}, column {column}: {len(names)} groups are too few to hold "
            "some back.",
            "Name a column with at least 5 different values with --group.",
        )
    shares = np.bincount(codes[codes >= 0], minlength=len(names)) / len(labelled)
    held_out: list[int] = []
    for group in np.random.default_rng(random_state).permutation(len(names)):
        held = shares[held_out].sum()
        if held < _HELD_OUT and held + shares[group] <= _MOST_HELD_OUT:
            held_out.append(int(group))
    if shares[held_out].sum() < _LEAST_HELD_OUT:
        raise InputError(
            f"{creators.source.name}, column {column}: its groups are too unequal to hold a fifth "
            "of the creators back.",
            "Name a column of groups of about one size with --group.",
        )
    return np.isin(codes, held_out)


def _score(
    creators: Creators,
    labelled: pd.DataFrame,
    test: npt.NDArray[np.bool_],
    title: str,
    random_state: int,
) -> pd.DataFrame:
    train = ~labelled[IDENTIFIER].isin(labelled.loc[test, IDENTIFIER]).to_numpy(bool)
    y = labelled[LABEL].to_numpy(np.float64)
    deals = [part.sum() for part in (y[test], y[train])]
    others = [part.size - part.sum() for part in (y[test], y[train])]
    fewest = int(min(*deals, *others))
    if fewest < _FEWEST_OF_A_CLASS:
        raise InputError(
            f"{creators.source.name}: split {title}, one part holds {fewest} of a kind of outcome; "
            f"to compare, at least {_FEWEST_OF_A_CLASS} are needed.",
            "Name another column.",
        )
    encoding = learn_encoding(labelled[train], creators.features)
    learner = classifier_learner(BOOSTING, random_state)
    model = learner(encoding.transform(labelled[train]), y[train])
    y_prob = model.predict_proba(encoding.transform(labelled[test]))
    groups = creator_codes(labelled[test])
    scores = score_models(y[test], {title: y_prob}, groups=groups)
    return scores[scores["metric"].isin(["roc_auc", "log_loss"])]


def _check(column: str, name: str, at_random: pd.DataFrame, asked: pd.DataFrame) -> Finding:
    usual, split = (part.set_index("metric").loc["roc_auc"] for part in (at_random, asked))
    figure = f"ROC AUC {name} {split['value']:.3f}, at random {usual['value']:.3f}"
    # Both scores vary independently of each other, so their half intervals add as squares.
    spread = np.hypot(usual["value"] - usual["low"], split["high"] - split["value"])
    if usual["value"] - split["value"] > spread:
        reason = (
            f"Split by {column}, the scores fall beyond noise: expect the lower ones for creators "
            f"{'to come' if 'time' in name else 'of new groups'}."
        )
        return Finding("care", figure, reason, (column,))
    reason = f"Split by {column}, the scores are as at random, within noise."
    return Finding("pass", figure, reason, (column,))
