"""How single columns of a creators' table become columns of numbers.

A figure means little without the creator's size: 3% engagement is poor for 3,000 followers and
remarkable for 3 million. So engagement and views enter twice, as they are and relative to what is
usual for creators of the same size and niche.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from durhampulse.creators.block import Block
from durhampulse.creators.schema import ENGAGEMENT, FOLLOWERS, NICHE, QUALITIES, VIEWS
from durhampulse.deferred import pd
from durhampulse.features.curve import Curve

__all__ = [
    "CODES", "FARTHEST", "Code", "LevelCode", "NumberCode", "RelativeCode", "learn_levels",
    "learn_numbers", "learn_relatives", "quality_ordered",
]  # fmt: skip

Floats = npt.NDArray[np.float64]
Pieces = Sequence[npt.NDArray[Any]]
Scale = Literal["linear", "log", "asinh"]

_ORDER = {level: float(place) for place, level in enumerate(QUALITIES)}
_RARE = 10
_MOST_LEVELS = 40
_SKEWED = 1.0
_KNOTS = (0.005, 0.1, 0.3, 0.5, 0.7, 0.9, 0.995)
FARTHEST = 10.0
"""Standard deviations beyond which a figure counts no further: nothing was learned out there."""


@dataclass(frozen=True, kw_only=True)
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
    def columns(self) -> tuple[str, ...]:
        """Columns of the table it reads."""
        return (self.column,)

    @property
    def names(self) -> list[str]:
        """Names of the encoded columns."""
        return [self.column, *([f"{self.column} missing"] if self.indicator else [])]

    def pieces(self, block: Block) -> list[Floats]:
        """Encode the column, shape (1, n_rows) or (2, n_rows)."""
        numbers = _numbers(block, self.column, ordered=self.ordered)
        normal = _scaled(numbers, self.scale, self.unit)
        missing = np.isnan(numbers)
        normal[missing] = self.fill
        normal -= self.mean
        normal *= 1 / self.sd
        return [np.stack([normal, missing]) if self.indicator else normal[None]]

    def join(self, pieces: Pieces, limit: float = FARTHEST, out: Floats | None = None) -> Floats:
        """Return the only piece, within a limit either way."""
        return np.clip(pieces[0], -limit, limit, out=out)

    def require(self) -> None:
        """Raise ValueError unless the parts are those of a code of numbers."""
        numbers = (self.unit, self.mean, self.sd, self.fill)
        if (
            self.scale not in get_args(Scale)
            or not (_texts([self.column]) and _finite(numbers))
            or not (self.unit > 0 and self.sd > 0)
            or not (isinstance(self.indicator, bool) and isinstance(self.ordered, bool))
        ):
            raise ValueError(f"a code of numbers that is none: {self}")

    def moved(self, value: float, by: float) -> float:
        """Return the figure whose encoded value is greater by a number of standard deviations."""
        scaled = float(_scaled(np.array([value]), self.scale, self.unit)[0]) + by * self.sd
        if self.scale == "linear":
            return scaled
        return self.unit * float((np.expm1 if self.scale == "log" else np.sinh)(scaled))


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
    def columns(self) -> tuple[str, ...]:
        """Columns of the table it reads."""
        return (self.column,)

    @property
    def names(self) -> list[str]:
        """Names of the encoded columns."""
        extra = [*(["other"] if self.rare else []), *(["missing"] if self.missing else [])]
        return [f"{self.column} {level}" for level in (*self.levels, *extra)]

    def pieces(self, block: Block) -> list[npt.NDArray[np.bool_]]:
        """Return where the column holds which level, shape (n_levels + rare + missing, n_rows)."""
        places = block.levels(self.column).find(self._places).astype(np.int16)
        wanted = [*range(len(self.levels)), *([-1] if self.rare else [])]
        wanted += [-2] if self.missing else []
        return [places == np.array(wanted, np.int16)[:, None]]

    def join(self, pieces: Pieces, limit: float = FARTHEST, out: Floats | None = None) -> Floats:  # noqa: ARG002
        """Return the only piece as 0 and 1, which no limit concerns."""
        out = np.empty(pieces[0].shape) if out is None else out
        out[...] = pieces[0]
        return out

    def require(self) -> None:
        """Raise ValueError unless the parts are those of a code of levels."""
        if not (
            _texts([self.column, *self.levels])
            and len({*self.levels}) == len(self.levels)
            and isinstance(self.rare, bool)
            and isinstance(self.missing, bool)
        ):
            raise ValueError(f"a code of levels that is none: {self}")

    @cached_property
    def _places(self) -> dict[str, int]:
        return {level: place for place, level in enumerate(self.levels)}


@dataclass(frozen=True, kw_only=True)
class RelativeCode:
    """How a figure compares with what is usual for creators of one size and niche.

    The usual is a piecewise linear curve over the logarithm of the followers, moved up or down
    for each niche; the column is the logarithm of the figure less the usual, in standard
    deviations of the training part, and 0 where it cannot be told.

    Attributes
    ----------
    column
        The figure compared.
    unit
        Added to the figure before taking the logarithm, in its own unit.
    knots
        Logarithms of the followers where the curve bends.
    usual
        The curve's height at each knot.
    levels, shifts
        Frequent niches, and how far the curve moves for each.
    sd
        Standard deviation of the training part around its usual.
    """

    column: str
    unit: float
    knots: tuple[float, ...]
    usual: tuple[float, ...]
    levels: tuple[str, ...]
    shifts: tuple[float, ...]
    sd: float

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the table it reads."""
        return (self.column, FOLLOWERS, *([NICHE] if self.levels else []))

    @property
    def names(self) -> list[str]:
        """Names of the encoded columns."""
        return [f"{self.column} for size and niche"]

    def pieces(self, block: Block) -> list[Floats]:
        """Return what each of `columns` adds to the encoded column, shape (1, n_rows) each."""
        value, size = _logs(block, self.column, self.unit)
        value /= self.sd
        parts = [value, self._curve.heights_at(size)]
        if self.levels:
            places = block.levels(NICHE).find(self._places)
            parts.append(np.divide([*self.shifts, 0.0, 0.0], -self.sd)[places])
        return [part[None] for part in parts]

    def join(self, pieces: Pieces, limit: float = FARTHEST, out: Floats | None = None) -> Floats:
        """Return the sum of the pieces; 0 where one of them is not known."""
        total = np.add(pieces[0], pieces[1], out=out)
        for piece in pieces[2:]:
            total += piece
        total[~np.isfinite(total)] = 0.0
        return np.clip(total, -limit, limit, out=total)

    def require(self) -> None:
        """Raise ValueError unless the parts are those of a relative code."""
        if not (
            _texts([self.column, *self.levels])
            and _finite([self.unit, self.sd, *self.knots, *self.usual, *self.shifts])
            and self.unit > 0
            and self.sd > 0
            and len(self.knots) == len(self.usual) >= 2
            and all(low < high for low, high in pairwise(self.knots))
            and len(self.levels) == len({*self.levels}) == len(self.shifts)
        ):
            raise ValueError(f"a relative code that is none: {self}")

    def moved(self, value: float, by: float) -> float:
        """Return the figure whose encoded value is greater by a number of standard deviations."""
        return (max(value, 0.0) + self.unit) * float(np.exp(by * self.sd)) - self.unit

    @cached_property
    def _places(self) -> dict[str, int]:
        return {level: place for place, level in enumerate(self.levels)}

    @cached_property
    def _curve(self) -> Curve:
        """The usual by the logarithm of the followers, below 0: it is taken away."""
        return Curve.through(np.array(self.knots), np.divide(self.usual, -self.sd))


Code = NumberCode | LevelCode | RelativeCode
CODES: dict[str, type[Code]] = {
    kind.__name__: kind for kind in (NumberCode, LevelCode, RelativeCode)
}


def _texts(values: Iterable[object]) -> bool:
    return all(isinstance(value, str) for value in values)


def _finite(values: Iterable[object]) -> bool:
    """Whether all are numbers with an end."""
    return all(
        isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        for value in values
    )


def quality_ordered(values: pd.Series) -> bool:
    """Return whether nearly all values are the levels SD, HD and 4K."""
    return bool(values.dropna().isin(list(_ORDER)).mean() >= 0.9)


def learn_numbers(column: str, values: pd.Series, *, ordered: bool) -> NumberCode:
    """Learn how to encode a column of numbers or ordered levels."""
    numbers = _numbers(Block.of(pd.DataFrame({column: values})), column, ordered=ordered)
    finite = numbers[np.isfinite(numbers)]
    scale: Scale
    scale, unit = ("linear", 1.0) if ordered else _choose_scale(finite)
    scaled = _scaled(finite, scale, unit)
    sd = float(scaled.std())
    return NumberCode(
        column=column,
        scale=scale,
        unit=unit,
        mean=float(scaled.mean()),
        sd=sd if sd > 0 else 1.0,
        fill=float(np.median(scaled)),
        indicator=len(finite) < len(numbers),
        ordered=ordered,
    )


def _choose_scale(values: Floats) -> tuple[Scale, float]:
    """Return the scale of training values and its unit: the logarithm where they are skewed."""
    spread = values.std()
    skewness = np.mean(((values - values.mean()) / spread) ** 3) if spread > 0 else 0.0
    sizes = np.abs(values[values != 0])
    if abs(skewness) <= _SKEWED or sizes.size == 0:
        return "linear", 1.0
    if values.min() >= 0:
        return "log", float(np.quantile(sizes, 0.05))
    return "asinh", float(np.median(sizes))


def learn_levels(column: str, values: pd.Series) -> LevelCode:
    """Learn how to encode a column of categories."""
    counts = values.value_counts().sort_index().sort_values(ascending=False, kind="stable")
    frequent = [str(level) for level in counts.index[counts >= _RARE][:_MOST_LEVELS]]
    return LevelCode(
        column,
        tuple(frequent),
        rare=len(frequent) < len(counts),
        missing=bool(values.isna().any()),
    )


def learn_relatives(train: pd.DataFrame, features: set[str]) -> Iterator[RelativeCode]:
    """Yield what is usual for a size and niche, by ridge regression on hat functions."""
    block = Block.of(train)
    for column in (ENGAGEMENT, VIEWS):
        if not {column, FOLLOWERS} <= features:
            continue
        positive = train[column][train[column] > 0]
        unit = 0.01 * float(positive.median()) if len(positive) else 1.0
        value, size = _logs(block, column, unit)
        complete = np.isfinite(value) & np.isfinite(size)
        knots = np.unique(np.quantile(size[complete], _KNOTS)) if complete.any() else np.empty(0)
        if len(knots) < 2:
            continue
        levels = learn_levels(NICHE, train[NICHE]).levels if NICHE in features else ()
        hats = np.column_stack([np.interp(size, knots, hat) for hat in np.eye(len(knots))])
        niche = block.levels(NICHE).find({level: i for i, level in enumerate(levels)})
        design = np.hstack([hats, niche[:, None] == np.arange(len(levels))])[complete]
        gram = design.T @ design + np.diag([1e-6] * len(knots) + [1.0] * len(levels))
        solution = np.linalg.solve(gram, design.T @ value[complete])
        sd = float(np.std(value[complete] - design @ solution))
        usual, shifts = solution[: len(knots)].tolist(), solution[len(knots) :].tolist()
        yield RelativeCode(
            column=column,
            unit=unit,
            knots=tuple(knots.tolist()),
            usual=tuple(usual),
            levels=levels,
            shifts=tuple(shifts),
            sd=sd or 1.0,
        )


def _logs(block: Block, column: str, unit: float) -> tuple[Floats, Floats]:
    """Return the logarithms of a figure and of the followers; NaN where there is none."""
    value, size = (_numbers(block, c, ordered=False) for c in (column, FOLLOWERS))
    return _log(value, unit), _log(size, 1)


def _log(values: Floats, unit: float) -> Floats:
    """Return log(unit + x), of at least x = 0; always a new array."""
    logs = np.maximum(values, 0)
    logs += unit
    return np.asarray(np.log(logs, out=logs))


def _numbers(block: Block, column: str, *, ordered: bool) -> Floats:
    """Return a column's numbers; NaN where missing, unknown or without end."""
    if ordered:
        levels = block.levels(column)
        return np.array([*(_ORDER.get(name, np.nan) for name in levels.names), np.nan])[
            levels.codes
        ]
    values = block.numbers(column)
    endless = np.isinf(values)
    return np.where(endless, np.nan, values) if endless.any() else values


def _scaled(numbers: Floats, scale: Scale, unit: float) -> Floats:
    """Return scaled numbers; always a new array."""
    if scale == "linear":
        return numbers.copy()
    if scale == "log":
        scaled = np.maximum(numbers, 0) * (1 / unit)
        scaled += 1
        return np.asarray(np.log(scaled, out=scaled))
    return np.asarray(np.arcsinh(numbers / unit))
