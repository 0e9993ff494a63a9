"""B1: split the creators, encode their categories, normalise their numbers.

Everything learned here is learned on the training part alone. An :class:`Encoding` is plain data:
it needs no training library, and travels in the model folder as JSON.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from durhampulse.creators.roles import Role
from durhampulse.creators.schema import IDENTIFIER, LABEL

__all__ = ["Encoding", "LevelCode", "NumberCode", "learn_encoding", "split_creators"]

Floats = npt.NDArray[np.float64]
Scale = Literal["linear", "log", "asinh"]

_ORDER = {"SD": 0.0, "HD": 1.0, "4K": 2.0}
_RARE = 10
_MOST_LEVELS = 40
_SKEWED = 1.0


@dataclass(frozen=True)
class NumberCode:
    """How one numeric column becomes one standardised column, and perhaps an indicator.

    Attributes
    ----------
    column
        Name of the column.
    scale
        ``linear``; ``log``: log(1 + x / unit) for skewed sizes; ``asinh``: asinh(x / unit) for
        skewed columns with both signs.
    unit
        Where the scale turns from linear to logarithmic, in the column's own unit.
    mean, sd
        Of the scaled training values.
    fill
        Scaled training median, for missing values.
    indicator
        Whether a column says that the value was missing; only if some were missing in training.
    ordered
        Whether the values are the levels SD, HD and 4K, counted 0, 1, 2.
    """

    column: str
    scale: Scale
    unit: float
    mean: float
    sd: float
    fill: float
    indicator: bool
    ordered: bool = False

    @property
    def names(self) -> list[str]:
        """Names of the encoded columns."""
        return [self.column, *([f"{self.column} missing"] if self.indicator else [])]

    def transform(self, values: pd.Series) -> Floats:
        """Encode a column, shape (n_rows, 1) or (n_rows, 2)."""
        scaled = _scaled(_numbers(values, ordered=self.ordered), self.scale, self.unit)
        missing = np.isnan(scaled)
        normal = (np.where(missing, self.fill, scaled) - self.mean) / self.sd
        return np.column_stack([normal, missing] if self.indicator else [normal])


@dataclass(frozen=True)
class LevelCode:
    """How one categorical column becomes one column for each frequent level.

    Attributes
    ----------
    column
        Name of the column.
    levels
        Levels frequent in training, most frequent first.
    rare
        Whether a column gathers rare and never seen levels; only if training had rare ones.
        Without it a never seen level is a row of zeros.
    missing
        Whether a column says that the level was missing.
    """

    column: str
    levels: tuple[str, ...]
    rare: bool
    missing: bool

    @property
    def names(self) -> list[str]:
        """Names of the encoded columns."""
        extra = [*(["other"] if self.rare else []), *(["missing"] if self.missing else [])]
        return [f"{self.column} {level}" for level in (*self.levels, *extra)]

    def transform(self, values: pd.Series) -> Floats:
        """Encode a column, shape (n_rows, n_levels + rare + missing)."""
        codes = pd.Index(self.levels).get_indexer(pd.Index(values))
        absent = values.isna().to_numpy(bool)
        columns = [codes == i for i in range(len(self.levels))]
        if self.rare:
            columns.append((codes < 0) & ~absent)
        if self.missing:
            columns.append(absent)
        return np.column_stack(columns).astype(np.float64)


@dataclass(frozen=True)
class Encoding:
    """From a creators' table to a matrix of numbers, as learned on the training part."""

    codes: tuple[NumberCode | LevelCode, ...]

    @property
    def columns(self) -> list[str]:
        """Columns of the creators' table that are used."""
        return [code.column for code in self.codes]

    @property
    def names(self) -> list[str]:
        """Names of the encoded columns, in the order of the matrix."""
        return [name for code in self.codes for name in code.names]

    def transform(self, table: pd.DataFrame) -> Floats:
        """Encode a table.

        Parameters
        ----------
        table
            Shape (n_rows, any); a column learned but not there counts as missing everywhere.

        Returns
        -------
        array of shape (n_rows, n_names)
        """
        absent = pd.Series(np.nan, index=table.index)
        return np.hstack([code.transform(table.get(code.column, absent)) for code in self.codes])

    def frame(self, table: pd.DataFrame) -> pd.DataFrame:
        """Encode a table, with the columns' names and the rows' numbers kept."""
        return pd.DataFrame(self.transform(table), columns=self.names, index=table.index)

    def to_dict(self) -> list[dict[str, Any]]:
        """Give the encoding as plain data."""
        return [asdict(code) for code in self.codes]

    @classmethod
    def from_dict(cls, codes: Iterable[dict[str, Any]]) -> Encoding:
        """Rebuild an encoding from :meth:`to_dict`.

        Examples
        --------
        >>> code = NumberCode("Followers", "log", 1e3, 2.0, 1.0, 2.0, indicator=False)
        >>> Encoding.from_dict(Encoding((code,)).to_dict()) == Encoding((code,))
        True
        """
        return cls(
            tuple(
                LevelCode(**{**code, "levels": tuple(code["levels"])})
                if "levels" in code
                else NumberCode(**code)
                for code in codes
            )
        )


def split_creators(
    labelled: pd.DataFrame, *, test_share: float = 0.2, random_state: int = 0
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Split labelled creators into a training and a test part, stratified by the outcome.

    All rows of one creator stay on one side: a creator is drawn as a whole, stratified by the
    highest outcome among the rows.

    Returns
    -------
    train, test
        In the order of the table.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"Influencer_ID": range(10), "Sponsorship_Status": [0, 1] * 5})
    >>> train, test = split_creators(table)
    >>> len(train), len(test), int(test["Sponsorship_Status"].sum())
    (8, 2, 1)
    """
    from sklearn.model_selection import train_test_split

    outcome = labelled.groupby(IDENTIFIER, sort=False)[LABEL].max()
    _, chosen = train_test_split(
        outcome.index.to_numpy(),
        test_size=test_share,
        stratify=outcome.to_numpy(),
        random_state=random_state,
    )
    in_test = labelled[IDENTIFIER].isin(chosen)
    return labelled[~in_test], labelled[in_test]


def learn_encoding(train: pd.DataFrame, features: Iterable[Role]) -> Encoding:
    """Learn how to encode the features of a training part.

    Parameters
    ----------
    train
        The training part, shape (n_rows, any).
    features
        Roles of the columns to use.
    """
    codes: list[NumberCode | LevelCode] = []
    for role in features:
        values = train[role.column]
        if values.nunique() < 2:
            continue
        ordered = role.kind == "quality" and bool(values.dropna().isin(list(_ORDER)).mean() >= 0.9)
        if role.kind == "numeric" or ordered:
            codes.append(_learn_numbers(role.column, values, ordered=ordered))
        else:
            codes.append(_learn_levels(role.column, values))
    return Encoding(tuple(codes))


def _learn_numbers(column: str, values: pd.Series, *, ordered: bool) -> NumberCode:
    numbers = _numbers(values, ordered=ordered)
    known = numbers[~np.isnan(numbers)]
    scale: Scale
    scale, unit = ("linear", 1.0) if ordered else _choose_scale(known)
    scaled = _scaled(known, scale, unit)
    sd = float(scaled.std())
    return NumberCode(
        column,
        scale,
        unit,
        float(scaled.mean()),
        sd if sd > 0 else 1.0,
        float(np.median(scaled)),
        indicator=bool(np.isnan(numbers).any()),
        ordered=ordered,
    )


def _choose_scale(known: Floats) -> tuple[Scale, float]:
    """Use the logarithm where the training values are skewed."""
    spread = known.std()
    skewness = np.mean(((known - known.mean()) / spread) ** 3) if spread > 0 else 0.0
    sizes = np.abs(known[known != 0])
    if abs(skewness) <= _SKEWED or sizes.size == 0:
        return "linear", 1.0
    if known.min() >= 0:
        return "log", float(np.quantile(sizes, 0.05))
    return "asinh", float(np.median(sizes))


def _learn_levels(column: str, values: pd.Series) -> LevelCode:
    counts = values.value_counts().sort_index().sort_values(ascending=False, kind="stable")
    frequent = [str(level) for level in counts.index[counts >= _RARE][:_MOST_LEVELS]]
    return LevelCode(
        column,
        tuple(frequent),
        rare=len(frequent) < len(counts),
        missing=bool(values.isna().any()),
    )


def _numbers(values: pd.Series, *, ordered: bool) -> Floats:
    numbers = values.map(_ORDER) if ordered else values
    return np.asarray(numbers.to_numpy(np.float64, na_value=np.nan), dtype=np.float64)


def _scaled(numbers: Floats, scale: Scale, unit: float) -> Floats:
    if scale == "linear":
        return numbers
    units = numbers / unit
    scaled = np.log1p(np.maximum(units, 0)) if scale == "log" else np.arcsinh(units)
    return np.asarray(scaled, dtype=np.float64)
