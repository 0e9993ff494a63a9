"""How many odd creators any test could mark, where the density of a market's creators is known.

Of all tests that mark so many fresh creators the one by the ratio of two densities, of the odd and
of the fresh, marks most odd ones (Neyman and Pearson 1933). For each kind of oddity that gives the
most that can be reached, and by the ratio to all kinds in equal parts what one test that must find
them all reaches. Densities are those of `durhampulse.market.market` and `benchmarks.markets`, in
logarithms of followers, engagement and views, without what rounding leaves: that figures 20 times
as large are multiples of 20 is not used. Empty cells are integrated over.
"""
# ruff: noqa: SLF001  only here is it asked how the built-in market is made

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, partial

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import logsumexp
from scipy.stats import expon, gumbel_r, norm, poisson, t

from benchmarks.markets import MARKETS
from durhampulse.creators.schema import ENGAGEMENT, FOLLOWERS, GROWTH, NICHE, QUALITY, VIEWS
from durhampulse.market import market as home

__all__ = ["BIG", "SMALL", "possible"]

Floats = npt.NDArray[np.float64]

_CAP = np.log(0.95)
_SPREAD = 0.1
"""Over how much of log10 of followers those at the smallest and the largest size are spread."""
_SIZES = np.linspace(3.0, 8.5, 111)
_ENGAGEMENTS = np.linspace(-11.0, _CAP + 0.05, 111)
_AT_ONCE = 2_000_000
_MANY = 200_000
_TIMES = 20
BIG, SMALL = 500_000, 10_000
"""Followers from which on creators are called big, and below which small."""
_IN_ONE = "another platform, known niches"
"""No aim: what nobody can tell would take a mixed test's marks."""


@dataclass(frozen=True)
class Rows:
    """Creators as columns (n_rows, 1, 1, 1): what is not known is NaN, no niche is -1."""

    size: Floats
    engaged: Floats
    growth: Floats
    niche: npt.NDArray[np.int64]
    quality: Floats
    views: Floats

    @classmethod
    def of(cls, table: pd.DataFrame, niches: list[str]) -> Rows:
        """Return a table's rows; a niche that is none of those known is -2."""
        known = {name: place for place, name in enumerate(niches)}
        place = table[NICHE].map(lambda n: -1 if pd.isna(n) else known.get(n, -2))
        quality = table[QUALITY].map({"SD": 0.0, "HD": 1.0, "4K": 2.0})
        number = {c: table[c].to_numpy(float) for c in (FOLLOWERS, ENGAGEMENT, GROWTH, VIEWS)}
        columns = (
            np.log10(number[FOLLOWERS]),
            np.log(np.maximum(number[ENGAGEMENT], 5e-5)),
            number[GROWTH],
            place.to_numpy(np.int64),
            quality.to_numpy(float),
            np.log(np.maximum(number[VIEWS], 0.5)),
        )
        return cls(*(column[:, None, None, None] for column in columns))

    def take(self, rows: npt.NDArray[np.intp]) -> Rows:
        return Rows(*(column[rows] for column in vars(self).values()))


@dataclass(frozen=True)
class Density:
    """The log density of a market's creators.

    Attributes
    ----------
    shares
        Niche to its share.
    size
        Log density of log10 of followers.
    quality
        Log probability of a quality, given the size.
    rest
        That of engagement, growth and views, given size and niche; NaN where one is not known
        leaves it out.
    """

    shares: dict[str, float]
    size: Callable[[Floats], Floats]
    quality: Callable[[Floats, Floats], Floats]
    rest: Callable[[Rows], Floats]

    def log(self, table: pd.DataFrame) -> Floats:
        """Return each row's log density, shape (n_rows,), -inf where there are no such creators."""
        rows = Rows.of(table, [*self.shares])
        parts = np.stack([np.isnan(rows.size), np.isnan(rows.engaged), rows.niche == -1])
        patterns, which = np.unique(parts[:, :, 0, 0, 0], axis=1, return_inverse=True)
        logs = np.full(len(table), -np.inf)
        for number, unknown in enumerate(patterns.T):
            here = np.flatnonzero((which.ravel() == number) & (rows.niche[:, 0, 0, 0] != -2))
            cells = np.prod(
                [len(a) if u else 1 for a, u in zip(self._axes(), unknown, strict=True)]
            )
            for part in np.array_split(here, 1 + len(here) * int(cells) // _AT_ONCE):
                if len(part):
                    logs[part] = self._integrated(rows.take(part), unknown)
        return logs

    def _axes(self) -> tuple[Floats, Floats, npt.NDArray[np.int64]]:
        return _SIZES, _ENGAGEMENTS, np.arange(len(self.shares))

    def _integrated(self, rows: Rows, unknown: npt.NDArray[np.bool_]) -> Floats:
        sizes, engagements, niches = self._axes()
        step = 0.0
        if unknown[0]:
            rows = Rows(**{**vars(rows), "size": sizes[None, :, None, None]})
            step += np.log(sizes[1] - sizes[0])
        if unknown[1]:
            rows = Rows(**{**vars(rows), "engaged": engagements[None, None, :, None]})
            step += np.log(engagements[1] - engagements[0])
        if unknown[2]:
            rows = Rows(**{**vars(rows), "niche": niches[None, None, None, :]})
        with np.errstate(divide="ignore"):
            shares = np.log([*self.shares.values()])
            logs = self.size(rows.size) + self.quality(rows.quality, rows.size)
            logs = logs + shares[rows.niche] + self.rest(rows)
        return np.asarray(logsumexp(logs + step, axis=(1, 2, 3)))


def _known(logs: Floats) -> Floats:
    """Return log densities with those of what is not known left out."""
    return np.where(np.isnan(logs), 0.0, logs)


def _clipped(inside: Floats, size: Floats, ends: tuple[tuple[float, float], ...]) -> Floats:
    """Return a log density of sizes with those beyond the ends at the ends."""
    logs = np.where((size < 3 - 1e-9) | (size > ends[-1][0] + 1e-9), -np.inf, inside)
    for end, share in ends:
        near = np.abs(size - end) < _SPREAD / 2
        logs = np.where(near, np.logaddexp(logs, np.log(share / _SPREAD)), logs)
    return logs


def _capped(inside: Floats, over: Floats, engaged: Floats) -> Floats:
    """Return a log density of engagement, with what is over the cap at the cap."""
    at = np.abs(engaged - _CAP) < 2e-4
    return np.where(
        engaged > _CAP + 2e-4, -np.inf, np.where(at, np.logaddexp(inside, over), inside)
    )


@cache
def _bought() -> tuple[Floats, Floats]:
    """Return growths, and the log density of suspicious growth in each tier, (n_tiers, n)."""
    at = np.linspace(-0.2, 12.0, 48_801)
    step = at[1] - at[0]
    more = np.linspace(-5, 5, 801)
    chance = norm.pdf(more)
    logs = []
    for mean, sd in zip(home._GROWTH_MEAN, home._GROWTH_SD, strict=True):
        jumps = np.exp(-2.2 + 0.7 * more)
        counts, _ = np.histogram(
            mean + jumps, np.append(at - step / 2, at[-1] + step), weights=chance
        )
        reach = int(5 * sd / step)
        kernel = norm.pdf(np.arange(-reach, reach + 1) * step, 0, sd)
        logs.append(np.log(np.convolve(counts / chance.sum(), kernel, "same") + 1e-12))
    return at, np.array(logs)


def _home_rest(rows: Rows) -> Floats:
    niches = np.array([*home._NICHES.values()])
    usual = np.interp(rows.size, home._ENGAGEMENT_AT, home._ENGAGEMENT)
    usual = usual + np.log(niches[:, 1])[rows.niche]
    lift = (rows.engaged - usual) / home._ENGAGEMENT_SD
    tier = np.searchsorted(np.log10(np.maximum(home._GROWTH_FROM, 1)), rows.size, "right") - 1
    at, bought = _bought()
    step = at[1] - at[0]
    place = np.clip(np.round((np.nan_to_num(rows.growth) - at[0]) / step), 0, len(at) - 1)
    grown = (
        norm.logpdf(rows.growth, home._GROWTH_MEAN[tier], home._GROWTH_SD[tier]),
        np.where(np.isnan(rows.growth), np.nan, bought[tier, place.astype(np.int64)]),
    )
    parts = []
    for chance, down, growth in zip(
        (1 - home._SUSPICIOUS, home._SUSPICIOUS), (0.0, 0.9), grown, strict=True
    ):
        engaged = norm.logpdf(lift, -down) - np.log(home._ENGAGEMENT_SD)
        over = norm.logsf((_CAP - usual) / home._ENGAGEMENT_SD, -down)
        parts.append(np.log(chance) + _capped(engaged, over, rows.engaged) + _known(growth))
    rate = rows.views - rows.size * np.log(10)
    seen = (rate - np.interp(rows.size, home._VIEWS_AT, home._VIEWS)) / home._VIEWS_SD
    return np.logaddexp(*parts) + _known(norm.logpdf(seen, 0.5 * lift, np.sqrt(0.75)))


def _home_size(size: Floats) -> Floats:
    low, high = np.log10([home._FOLLOWERS_MIN, home._FOLLOWERS_MAX])
    mean, sd = home._FOLLOWERS_LOG_MEAN / np.log(10), home._FOLLOWERS_LOG_SD / np.log(10)
    inside = norm.logpdf(size, mean, sd) - np.log(
        norm.cdf(high, mean, sd) - norm.cdf(low, mean, sd)
    )
    return np.where((size < low - 1e-3) | (size > high), -np.inf, inside)


def _home_quality(quality: Floats, size: Floats) -> Floats:
    size = size - 4
    weights = np.stack([0 * size, 0.7 + 0.4 * size, -0.3 + 0.8 * size])
    return _chosen(quality, weights - logsumexp(weights, axis=0))


def _chosen(quality: Floats, logs: Floats) -> Floats:
    place = np.nan_to_num(quality).astype(np.int64)
    chosen = sum(np.where(place == at, each, 0.0) for at, each in enumerate(logs))
    return np.where(np.isnan(quality), 0.0, chosen)


def _second_rest(rows: Rows) -> Floats:
    size = rows.size - 3
    usual = np.array([0.0, 0.3, 0.6, -0.2, 0.2, -0.3, -0.1, 0.4])[rows.niche]
    usual = usual - 3.1 - 0.35 * size
    lift = (rows.engaged - usual) / 0.5
    engaged = _capped(
        t.logpdf(lift, 4) - np.log(0.5), t.logsf((_CAP - usual) / 0.5, 4), rows.engaged
    )
    rate = rows.views - rows.size * np.log(10)
    seen = norm.logpdf(rate, -1.3 - 0.15 * size + 0.3 * lift, 0.7)
    seen = np.where(
        rows.engaged > _CAP - 2e-4, 0.0, seen
    )  # a lift that is cut says nothing of views
    return engaged + _known(t.logpdf((rows.growth - 0.01) / 0.02, 3)) + _known(seen)


def _second_size(size: Floats) -> Floats:
    return _clipped(expon.logpdf(size - 3, 0, 0.8), size, ((8.0, float(expon.sf(5.0, 0, 0.8))),))


def _second_quality(quality: Floats, size: Floats) -> Floats:
    steps = [norm.cdf(bound - (size - 3)) for bound in (0.0, 1.2)]
    shares = np.stack([steps[0], steps[1] - steps[0], 1 - steps[1]])
    return _chosen(quality, np.log(np.maximum(shares, 1e-12)))


def _third_rest(rows: Rows) -> Floats:
    size = rows.size - 4
    usual = -3.6 - 0.25 * size
    lift = (rows.engaged - usual) / 0.4
    engaged = _capped(
        t.logpdf(lift, 2.5) - np.log(0.4), t.logsf((_CAP - usual) / 0.4, 2.5), rows.engaged
    )
    scale = 0.03 * np.where(rows.size < 4.5, 1, 0.5)
    rate = rows.views - rows.size * np.log(10)
    seen = norm.logpdf((rate + 1.5 + 0.3 * size) / 0.8, 0.4 * np.tanh(lift))
    return engaged + _known(gumbel_r.logpdf(rows.growth, 0.005, scale)) + _known(seen)


def _third_size(size: Floats) -> Floats:
    inside = t.logpdf((size - 4.2) / 0.9, 5) - np.log(0.9)
    shares = (float(t.cdf(-1.2 / 0.9, 5)), float(t.sf(4.1 / 0.9, 5)))
    return _clipped(inside, size, ((3.0, shares[0]), (8.3, shares[1])))


def _third_quality(quality: Floats, size: Floats) -> Floats:
    rate = np.maximum(0.35 * (size - 2.5), 1e-6)
    logs = [poisson.logpmf(0, rate), poisson.logpmf(1, rate), np.log(poisson.sf(1, rate))]
    return _chosen(quality, np.stack(logs))


DENSITIES = {
    "home": Density(
        {name: row[0] for name, row in home._NICHES.items()}, _home_size, _home_quality, _home_rest
    ),
    "second": Density(
        dict(zip(("Food", "Beauty", "Gaming", "Sports", "Family", "Tech", "Art", "Books"),
                 (0.2, 0.2, 0.15, 0.15, 0.1, 0.1, 0.06, 0.04), strict=True)),
        _second_size, _second_quality, _second_rest,
    ),
    "third": Density(
        dict(zip(("Fashion", "Cars", "Gardening", "Music", "Health", "Money"),
                 (0.3, 0.2, 0.1, 0.2, 0.15, 0.05), strict=True)),
        _third_size, _third_quality, _third_rest,
    ),
}  # fmt: skip


def possible(
    market: str, fresh: pd.DataFrame, odd: Mapping[str, pd.DataFrame], share: float
) -> pd.DataFrame:
    """Return the share of each kind of odd creators that tests by true densities mark.

    Parameters
    ----------
    market
        Whose fresh creators are usual.
    fresh
        Of them a share is marked.
    odd
        Kind to such creators.

    Returns
    -------
    table
        Kind to ``alone``, by the test made for that kind, and ``in one``, by that for all kinds.
    """
    usual, kinds = DENSITIES[market], dict(_alternatives(market))
    mixed = [name for name in kinds if name != _IN_ONE]

    def ratios(table: pd.DataFrame) -> dict[str, Floats]:
        logs, never = usual.log(table), {}
        for name, density in kinds.items():
            with np.errstate(invalid="ignore"):
                never[name] = np.where(np.isneginf(logs), np.inf, density(table) - logs)
        return {**never, "in one": logsumexp([never[name] for name in mixed], axis=0)}

    cuts = {k: np.quantile(v, 1 - share, method="higher") for k, v in ratios(fresh).items()}
    rows = {}
    for name in kinds:
        values = ratios(odd[name])
        rows[name] = {
            "alone": 100 * float((values[name] > cuts[name]).mean()),
            "in one": 100 * float((values["in one"] > cuts["in one"]).mean()),
        }
    return pd.DataFrame(rows).T


def _alternatives(market: str) -> Iterator[tuple[str, Callable[[pd.DataFrame], Floats]]]:
    """Yield the log densities of odd creators as `benchmarks.precedent` makes them."""
    usual = DENSITIES[market]
    other = DENSITIES[next(name for name in MARKETS if name not in (market, "home"))]
    for column in (ENGAGEMENT, FOLLOWERS, VIEWS):
        yield (
            f"{column} x {_TIMES}",
            lambda t, c=column: usual.log(t.assign(**{c: t[c] / _TIMES})),
        )
    yield "another platform", other.log
    total = np.log(sum(usual.shares.values()))
    logs = {name: np.log(share) - total for name, share in usual.shares.items()}

    def known(table: pd.DataFrame) -> Floats:
        niche = table[NICHE].map(logs).fillna(-np.inf).to_numpy(float)
        return niche + other.log(table.assign(**{NICHE: None}))

    yield _IN_ONE, known
    many, _ = MARKETS[market](_MANY, np.random.default_rng(0))
    big, small = many[FOLLOWERS] >= BIG, many[FOLLOWERS] < SMALL
    for name, column, whom, others in (
        ("big creators with small ones' engagement", ENGAGEMENT, (BIG, np.inf), small),
        ("small creators with big ones' views", VIEWS, (0, SMALL), big),
    ):
        share = (small if others is big else big).mean()
        yield name, partial(_mixed, usual, column, whom, many.loc[others, column], np.log(share))


def _mixed(
    usual: Density,
    column: str,
    whom: tuple[float, float],
    values: pd.Series,
    share: float,
    table: pd.DataFrame,
) -> Floats:
    """Return the log density of creators of some size whose figure is one of others'."""
    counts, edges = np.histogram(_logs(values.dropna()), 200, density=True)
    smooth = np.convolve(counts, np.array([1, 4, 6, 4, 1]) / 16, "same") + 1e-9
    middles = (edges[1:] + edges[:-1]) / 2
    drawn = np.log(np.interp(_logs(table[column]), middles, smooth, 1e-9, 1e-9))
    chosen = table[FOLLOWERS].ge(whom[0]) & table[FOLLOWERS].lt(whom[1])
    logs = usual.log(table.assign(**{column: np.nan})) + np.nan_to_num(drawn) - share
    return np.where(chosen, logs, -np.inf)


def _logs(values: pd.Series) -> Floats:
    return np.log(np.maximum(values.to_numpy(float), 5e-5))
