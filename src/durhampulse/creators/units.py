"""Fraction or percentage, or thousands for counts: what a whole column's figures tell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

import numpy as np
import numpy.typing as npt

from durhampulse.creators.numbers import marked_count
from durhampulse.creators.schema import COLUMNS, says_percent, says_small_unit
from durhampulse.exceptions import InputError

__all__ = [
    "Unit",
    "decide_unit",
    "detect_unit",
    "holds_counts",
    "mixed_groups",
    "refuse_counts",
    "refuse_small_unit",
    "refuse_thousands",
    "require_units",
    "thousands_as_fractions",
]

Unit = Literal["fraction", "percent"]
Floats = npt.NDArray[np.float64]

_FEWEST = 20
"""Below this many bare numbers no statement about two groups is made."""
_THOUSAND = 1_000
_FEWEST_BROKEN, _THREE_DIGITS = 3, 0.6
_FEW, _LOW_GROUP = 300, 0.35
"""Below this many numbers a group has four; of both signs, the least share of the smaller ones."""


def detect_unit(bare: Floats, signed: Floats) -> Unit | None:
    """Return the unit of a rate column's bare numbers; None where it cannot be told.

    Rates of creators have a median of about 1 to 5% and rarely exceed 100%. So a column in
    which more than one number in twenty exceeds 1 while the median exceeds 0.2 holds percentages,
    and one in which few exceed 1 while the median is at most 0.2 (20%) holds fractions.

    Parameters
    ----------
    bare
        The column's numbers without a percent sign, shape (n,).
    signed
        Its cells with a percent sign, already divided by 100; their size decides when the bare
        numbers alone do not.

    Examples
    --------
    >>> import numpy as np
    >>> detect_unit(np.array([0.056, 0.021, 0.034]), np.array([]))
    'fraction'
    >>> detect_unit(np.array([5.6, 2.1, 3.4]), np.array([]))
    'percent'
    """
    sizes = np.abs(bare[np.isfinite(bare) & (bare != 0)])
    if sizes.size == 0:
        return "fraction"
    above, median = np.sum(sizes > 1), np.median(sizes)
    if above >= max(2, 0.05 * sizes.size) or (sizes.size < _FEWEST and median >= 1):
        return "percent" if median > 0.2 else None
    if median <= 0.2:
        return "fraction"
    signed_sizes = np.abs(signed[np.isfinite(signed) & (signed != 0)])
    if signed_sizes.size < _FEWEST:
        return None
    ratio = np.median(sizes) / np.median(signed_sizes)
    return "percent" if ratio > 10 else "fraction"


def decide_unit(
    where: str,
    header: str,
    bare: Floats,
    signed: Floats,
    *,
    asked: Unit | None = None,
    usual: Unit | None = None,
) -> tuple[Unit, str]:
    """Return the unit of a rate column's bare numbers, and why.

    Parameters
    ----------
    where
        File and column, for messages.
    header
        Its header, which may say percent.
    bare, signed
        Its numbers without and with a percent sign, as for :func:`detect_unit`.
    asked, usual
        The unit that a person insists on; the one taken where the numbers do not tell.

    Raises
    ------
    InputError
        If two units are mixed, header and numbers disagree, or the unit cannot be told.
    """
    refuse_small_unit(where, header)
    if asked is not None:
        return asked, "as asked"
    column = where.rsplit(" ", 1)[-1]
    settle = f"Say which: --unit {column}=percent or --unit {column}=fraction."
    if holds_counts(bare):
        raise _no_rates(where, "most of its numbers exceed 100")
    if groups := mixed_groups(bare):
        raise InputError(
            f"{where}: two groups of numbers, around {groups[0]:.2g} and {groups[1]:.2g}, look "
            "like fractions and percentages mixed.",
            f"Write the column in one unit, or insist: --unit {column}=fraction.",
        )
    by_size = detect_unit(bare, signed)
    if says_percent(header):
        if by_size == "fraction" and np.isfinite(bare).any():
            raise InputError(
                f"{where}: its header '{header}' says percent, its numbers look like fractions.",
                settle,
            )
        return "percent", "as its header says"
    unit = by_size or usual
    if unit is None:
        typical = float(np.median(np.abs(bare[np.isfinite(bare)])))
        raise InputError(
            f"{where}: its numbers, of a typical size of {typical:.2g}, may be fractions or "
            "percentages.",
            settle,
        )
    return unit, "by its size"


def refuse_small_unit(where: str, header: str) -> None:
    """Raise if a header says that its rates are per mille or basis points.

    Parameters
    ----------
    where, header
        As for :func:`decide_unit`.

    Raises
    ------
    InputError
        If so.
    """
    if says_small_unit(header):
        column = where.rsplit(" ", 1)[-1]
        raise InputError(
            f"{where}: its header '{header}' says per mille or basis points.",
            "Write '\u2030' or 'bps' behind each figure instead, or percentages; or do without: "
            f"--map {column}=.",
        )


def refuse_counts(where: str, words: Iterable[str]) -> None:
    """Raise if the cells of a rate column are counts with thousands marks.

    Parameters
    ----------
    where
        File and column, for the message.
    words
        Its cells, without blanks around them.

    Raises
    ------
    InputError
        If so.
    """
    if cell := marked_count(words):
        raise _no_rates(where, f"in {cell!r} and others a mark parts thousands")


def _no_rates(where: str, why: str) -> InputError:
    column = where.rsplit(" ", 1)[-1]
    return InputError(
        f"{where}: {why}, so they are neither fractions nor percentages, but counts.",
        f"Leave it out with --map {column}=, or insist: --unit {column}=percent.",
    )


def holds_counts(bare: Floats) -> bool:
    """Whether most numbers of a rate column are too large for percentages.

    Examples
    --------
    >>> holds_counts(np.array([65.0, 1642, 5236])), holds_counts(np.array([5.6, 120]))
    (True, False)
    """
    sizes = np.abs(bare[np.isfinite(bare) & (bare != 0)])
    return sizes.size > 0 and float(np.median(sizes)) > 100


def thousands_as_fractions(values: Floats) -> float | None:
    """Return a figure of a column of counts whose points between thousands became decimal signs.

    So they do where a program reads ``73.591`` as English: no figure reaches 1,000, three or more
    have digits behind the point, never more than three, and mostly three.

    Examples
    --------
    >>> thousands_as_fractions(np.array([73.591, 845, 12.4, 206.655, 1.204]))
    73.591
    >>> thousands_as_fractions(np.array([73.591, 845, 12.4, 206.655, 1204]))
    """
    if not np.fmax.reduce(values, initial=0.0) < _THOUSAND:  # most columns are done with here
        return None
    broken = values[np.isfinite(values) & (values % 1 != 0)]
    thousandths = np.round(broken * _THOUSAND)
    exact = np.allclose(broken * _THOUSAND, thousandths, atol=1e-6)
    if broken.size < _FEWEST_BROKEN or not exact:
        return None
    return float(broken[0]) if np.mean(thousandths % 10 != 0) >= _THREE_DIGITS else None


def refuse_thousands(where: str, column: str, values: Floats) -> None:
    """Raise if the points between a count's thousands became decimal signs."""
    figure = thousands_as_fractions(values)
    if figure is not None:
        raise InputError(
            f"{where}: no figure reaches 1,000, and most have three digits behind the point, such "
            f"as {figure:.3f}: a program has taken the point between thousands for a decimal sign.",
            "Export it again with whole numbers, or multiply the column by 1,000; or do without: "
            f"--map {column}=.",
        )


def mixed_groups(bare: Floats) -> tuple[float, float] | None:
    """Return two groups of numbers a factor of about 100 apart, the trace of mixed units.

    The sizes are split where two Gaussians on the log scale fit best (minimum error
    thresholding, Kittler and Illingworth 1986). They count as two units when their centres are
    30 to 330 times apart and the middle between them is nearly empty; a single wide group is not.
    A column that crosses zero always holds some sizes near zero: where it is short, only a lower
    group of at least a third counts. Three numbers of a short column are no group: clean growth
    has as many outliers. Of 1,000 clean columns of 20 to 300 normal, Laplace or Student t3
    numbers at most one is taken for two groups, of 10,000 columns of 20 to 299 growth rates of
    the simulated market 2 to 10; of 600 tables of 300 widely spread rates with a twentieth in the
    other unit, 24 are not seen to be mixed.

    Returns
    -------
    tuple or None
        The median size of the smaller and of the larger numbers, or None for one group.

    Examples
    --------
    >>> import numpy as np
    >>> rates = np.random.default_rng(0).lognormal(-3.5, 0.6, 1000)
    >>> mixed_groups(rates) is None, mixed_groups(np.r_[rates[:900], 100 * rates[900:]]) is None
    (True, False)
    """
    sizes = np.log10(np.sort(np.abs(bare[np.isfinite(bare) & (bare != 0)])))
    n = sizes.size
    if n < _FEWEST:
        return None
    split = _best_split(sizes)
    if np.ptp(np.sign(bare[np.isfinite(bare)])) == 2 and n < _FEW and split < _LOW_GROUP * n:
        return None
    low, high = np.median(sizes[:split]), np.median(sizes[split:])
    distance = high - low
    if not 1.5 <= distance <= 2.52:
        return None
    middle = np.sum((sizes > low + 0.4 * distance) & (sizes < low + 0.6 * distance))
    smaller = min(split, n - split)
    if middle > 0.25 * smaller:
        return None
    return float(10**low), float(10**high)


def _best_split(sizes: Floats) -> int:
    """Return the number of values in the lower group, for sorted `sizes`."""
    n = sizes.size
    smallest = 4 if n < _FEW else 3
    low = np.arange(smallest, n - smallest + 1)
    total, squares = np.cumsum(sizes), np.cumsum(sizes**2)

    def spread(count: npt.NDArray[np.int_], first: Floats, second: Floats) -> Floats:
        return np.sqrt(np.maximum(second / count - (first / count) ** 2, 1e-4))

    first, second = total[low - 1], squares[low - 1]
    sd_low = spread(low, first, second)
    sd_high = spread(n - low, total[-1] - first, squares[-1] - second)
    share = low / n
    error = share * np.log(sd_low / share) + (1 - share) * np.log(sd_high / (1 - share))
    return int(low[np.argmin(error)])


def require_units(units: Mapping[str, str]) -> None:
    """Raise unless each column named has a unit, and that unit is one of the two."""
    for name, unit in units.items():
        if name not in COLUMNS or COLUMNS[name].kind != "rate":
            raise InputError(f"'{name}' has no unit to set.", "Only rate columns have one.")
        if unit not in ("fraction", "percent"):
            raise InputError(f"'{unit}' is no unit of {name}.", "Use fraction or percent.")
