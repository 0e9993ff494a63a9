"""B1: split the creators, encode their categories, normalise their numbers.

Everything learned here is learned on the training part alone. An :class:`Encoding` is plain data:
it needs no training library, and travels in the model folder as JSON.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from durhampulse.creators.block import Block
from durhampulse.creators.roles import Role
from durhampulse.creators.schema import QUALITIES
from durhampulse.deferred import pd
from durhampulse.features.codes import (
    CODES,
    FARTHEST,
    Code,
    LevelCode,
    NumberCode,
    RelativeCode,
    learn_levels,
    learn_numbers,
    learn_relatives,
    quality_ordered,
)
from durhampulse.features.repeats import creator_names, creator_strata

__all__ = ["Encoding", "learn_encoding", "split_creators"]

Floats = npt.NDArray[np.float64]

_FREQUENT = 10
"""Rows of each of three ordered levels from which on the middle one has a column of its own."""


@dataclass(frozen=True)
class Encoding:
    """From a creators' table to a matrix of numbers, as learned on the training part."""

    codes: tuple[Code, ...]

    @property
    def columns(self) -> list[str]:
        """Columns of the creators' table that are used."""
        return list(dict.fromkeys(column for code in self.codes for column in code.columns))

    @property
    def numeric(self) -> set[str]:
        """Those of the columns that hold numbers; the others hold levels."""
        numbers = {c.column for c in self.codes if isinstance(c, NumberCode) and not c.ordered}
        relative = (c.columns[:2] for c in self.codes if isinstance(c, RelativeCode))
        return numbers.union(*relative)

    @property
    def names(self) -> list[str]:
        """Names of the encoded columns, in the order of the matrix."""
        return [name for code in self.codes for name in code.names]

    def transform(self, table: pd.DataFrame | Block, *, limit: float = FARTHEST) -> Floats:
        """Return a table as a matrix of numbers.

        Parameters
        ----------
        table
            Shape (n_rows, any); a column learned but not there counts as missing everywhere.
        limit
            Standard deviations beyond which a figure counts no further.

        Returns
        -------
        array of shape (n_rows, n_names)
            Column by column in memory, as the columns were made.
        """
        block = Block.of(table)
        encoded = np.empty((len(self.names), block.n_rows))
        start = 0
        for code in self.codes:
            end = start + len(code.names)
            code.join(code.pieces(block), limit, encoded[start:end])
            start = end
        return encoded.T

    def frame(self, table: pd.DataFrame) -> pd.DataFrame:
        """Return the matrix with the columns' names and the rows' numbers."""
        return pd.DataFrame(self.transform(table), columns=self.names, index=table.index)

    def to_dict(self) -> list[dict[str, Any]]:
        """Return the encoding as plain data."""
        return [{"code": type(code).__name__, **asdict(code)} for code in self.codes]

    @classmethod
    def from_dict(cls, codes: Iterable[dict[str, Any]]) -> Encoding:
        """Rebuild an encoding from :meth:`to_dict`.

        Examples
        --------
        >>> from durhampulse.features.codes import NumberCode
        >>> code = NumberCode(
        ...     column="Followers", scale="linear", unit=1, mean=2, sd=1, fill=2, indicator=False
        ... )
        >>> Encoding.from_dict(Encoding((code,)).to_dict()) == Encoding((code,))
        True
        """
        return cls(tuple(_rebuild(**code) for code in codes))


def _rebuild(code: str, **fields: Any) -> Code:
    lists = {name: tuple(value) for name, value in fields.items() if isinstance(value, list)}
    rebuilt = CODES[code](**{**fields, **lists})
    rebuilt.require()
    return rebuilt


def split_creators(
    labelled: pd.DataFrame, *, test_share: float = 0.2, random_state: int = 0
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return a training and a test part of labelled creators, stratified by the outcome.

    All rows of one creator, known copies too, stay on one side: a creator is drawn as a whole,
    stratified by their outcome: a deal, none, or both in different rows.

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

    outcome = creator_strata(labelled)
    _, chosen = train_test_split(
        outcome.index.to_numpy(),
        test_size=test_share,
        stratify=outcome.to_numpy(),
        random_state=random_state,
    )
    in_test = creator_names(labelled).isin(chosen)
    return labelled[~in_test], labelled[in_test]


def learn_encoding(
    train: pd.DataFrame, features: Iterable[Role], *, sample_weight: Floats | None = None
) -> Encoding:
    """Return how to encode features, as learned on a training part.

    Parameters
    ----------
    train
        The training part, shape (n_rows, any).
    features
        Roles of the columns to use.
    sample_weight
        How much each row counts, shape (n_rows,); as much as the others if not given.
    """
    if sample_weight is not None:
        train = train.iloc[_repeated(sample_weight)]
    codes: list[Code] = []
    features = list(features)
    for role in features:
        values = train[role.column]
        if values.nunique() < 2:
            continue
        ordered = role.kind == "quality" and quality_ordered(values)
        if role.kind == "numeric" or ordered:
            codes.append(learn_numbers(role.column, values, ordered=ordered))
            if ordered:
                codes.extend(_learn_middle(role.column, values))
        else:
            codes.append(learn_levels(role.column, values))
    return Encoding((*codes, *learn_relatives(train, {role.column for role in features})))


def _learn_middle(column: str, values: pd.Series) -> Iterator[LevelCode]:
    """Yield a column for the middle one of three ordered levels, where all three are frequent.

    What goes with HD may lie beyond what goes with SD and with 4K, in one niche and not in another.
    """
    counts = values.value_counts()
    if all(counts.get(level, 0) >= _FREQUENT for level in QUALITIES):
        yield LevelCode(column, ("HD",), rare=False, missing=False)


def _repeated(sample_weight: Floats) -> npt.NDArray[np.intp]:
    """Return rows as often as they count: whole weights as they are, others of mean 1, rounded.

    They are rounded together, so that rows of little weight stand in for one another.

    Examples
    --------
    >>> _repeated(np.array([2.0, 0.0, 1.0])).tolist(), _repeated(np.array([0.5, 1.5])).tolist()
    ([0, 0, 2], [1, 1])
    """
    whole = bool((sample_weight % 1 == 0).all())
    count = sample_weight if whole else sample_weight / sample_weight.mean()
    ends = np.floor(np.cumsum(count) + 1e-9).astype(np.intp)
    return np.repeat(np.arange(len(count)), np.diff(ends, prepend=0))
