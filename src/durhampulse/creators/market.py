"""A simulated creator market whose true sponsorship probabilities are known.

Everything here is simulated. The figures that shape it come from public sources, named beside
each table; where no usable figure exists the line says *assumption*. The true probability of a
deal is known to tests and benchmarks only, so that any method can be measured against the best
possible one. It never stands in the table.

How deals are made
------------------
With ``size`` = log10(followers) - 4, ``lift`` = the log of engagement relative to what is usual
for the creator's size and niche, ``reach`` = the log of views per follower relative to the usual,
in standard deviations each, the log-odds of a deal are the sum of

* the niche's base odds (brands sponsor gaming more often than pets),
* a hump over size that is widest around 30,000 followers: brands prefer micro and mid creators,
* niche x size: gaming and tech deals go to large accounts, beauty and fashion to small ones,
* tanh(lift), twice as steep for 4K as for SD, and steeper for small creators than for large ones,
* reach, which counts for little unless engagement is also good,
* growth: healthy growth helps up to about 5 % a month,
* suspicion: growth above 8 % a month with engagement below the usual looks bought.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from durhampulse.creators.schema import (
    ENGAGEMENT,
    FOLLOWERS,
    GROWTH,
    IDENTIFIER,
    LABEL,
    NICHE,
    QUALITY,
    VIEWS,
)
from durhampulse.exceptions import InputError, OutputError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Ceiling", "Market", "ceiling", "simulate_market", "write_market"]

Floats = npt.NDArray[np.float64]

_CHUNK = 65_536

# Niche: share of creators (assumption), engagement relative to all niches, log-odds of a deal
# relative to all niches, preference for large accounts (assumption).
# Engagement: Instagram by niche 2023 (press): travel 2.4, beauty 1.95, fitness 1.6, fashion 1.53,
# education 1.21 %; gaming above 5 % (older). Deals: share of YouTube videos with a sponsored link
# by category (EPFL, YouNiverse): gaming .40, howto & style .38, people .25, tech .22,
# education .22, entertainment .20, comedy .18, music .175, travel .13, pets .13, sports .10;
# overall .207. Figures the sources do not give are set to the overall value.
_NICHES: dict[str, tuple[float, float, float, float]] = {
    #                share  engagement  logit(p) - logit(.207)  size
    "Fashion":       (0.15, 1.53 / 1.7, 0.85, -0.9),
    "Beauty":        (0.13, 1.95 / 1.7, 0.85, -0.8),
    "Gaming":        (0.11, 5.00 / 1.7, 0.94, 1.1),
    "Lifestyle":     (0.12, 1.0, 0.24, 0.0),
    "Tech":          (0.08, 1.0, 0.08, 1.0),
    "Fitness":       (0.10, 1.60 / 1.7, -0.85, -0.3),
    "Travel":        (0.08, 2.40 / 1.7, -0.56, 0.3),
    "Entertainment": (0.07, 1.0, -0.04, 0.7),
    "Music":         (0.06, 1.0, -0.21, 0.5),
    "Comedy":        (0.05, 1.0, -0.17, 0.4),
    "Education":     (0.03, 1.21 / 1.7, 0.08, 0.5),
    "Pets":          (0.02, 1.0, -0.56, -0.5),
}  # fmt: skip

# Followers: truncated lognormal fitted to HypeAuditor 2026 (81 % nano, 14.7 % 10-50K, .10 % mega).
_FOLLOWERS_LOG_MEAN, _FOLLOWERS_LOG_SD = 3.75, 2.75
_FOLLOWERS_MIN, _FOLLOWERS_MAX = 1_000, 300_000_000

# Usual engagement by followers: middle of the "average" bands for Instagram (vendor), the mega
# figure from the press: 1-5K 3.9 %, 5-10K 1.4 %, 10-50K .97 %, 50-100K .88 %, 100-500K 1.0 %,
# mega .33 %.
_ENGAGEMENT_AT = np.log10([3e3, 7e3, 25e3, 70e3, 250e3, 1e6, 1e7])
_ENGAGEMENT = np.log([0.039, 0.0142, 0.0097, 0.0088, 0.0100, 0.0060, 0.0033])
_ENGAGEMENT_SD = 0.55  # assumption

# Monthly growth by followers: middle and a quarter of the width of the Instagram bands (vendor):
# 0-10K 0..3 %, 10-100K -.5..2 %, 100K-1M -1..1.5 %, 1M+ -2..1 %.
_GROWTH_FROM = np.array([0, 1e4, 1e5, 1e6])
_GROWTH_MEAN = np.array([0.015, 0.0075, 0.0025, -0.005])
_GROWTH_SD = np.array([0.012, 0.011, 0.011, 0.012])

# Views per follower on YouTube: <10K 30-50 %, 10-500K 14-20 %, 500K+ 5-15 % (weak source).
_VIEWS_AT = np.log10([3e3, 1e4, 1e5, 5e5, 5e6])
_VIEWS = np.log([0.45, 0.30, 0.17, 0.14, 0.08])
_VIEWS_SD = 0.8  # assumption

# Suspicious growth: about a third of accounts are touched by fraud (HypeAuditor); strongly enough
# to show in a month's growth, one in sixteen (assumption).
_SUSPICIOUS = 1 / 16

# Video quality by followers: no usable figure, an assumption. Log-odds of HD and 4K against SD.
_QUALITY_LEVELS = np.array(["SD", "HD", "4K"])

_DEAL_INTERCEPT = -2.75
_DEAL_SCALE = 0.75


@dataclass(frozen=True)
class Market:
    """A part of the simulated market.

    Attributes
    ----------
    table
        The creators in the mission's eight columns, dirt included: text as a CSV holds it.
    y_prob
        True probability of a deal, shape (n_rows,). For tests and benchmarks only.
    """

    table: pd.DataFrame
    y_prob: Floats


@dataclass(frozen=True)
class Ceiling:
    """What nobody can beat on a market, because deals are partly chance.

    Attributes
    ----------
    base_rate
        Expected share of deals.
    roc_auc, log_loss
        Expected scores of the true probability itself.
    """

    base_rate: float
    roc_auc: float
    log_loss: float


def ceiling(y_prob: Floats) -> Ceiling:
    """Give the best possible scores from the true probabilities, shape (n,).

    Examples
    --------
    >>> import numpy as np
    >>> ceiling(np.array([0.5, 0.5])).log_loss.round(3)
    np.float64(0.693)
    """
    p = np.sort(y_prob)
    below = np.cumsum(1 - p) - (1 - p)
    wins = np.sum(p * below) + 0.5 * np.sum(p * (1 - p))
    entropy = -np.mean(p * np.log(p) + (1 - p) * np.log1p(-p))
    total = np.sum(p) * np.sum(1 - p)
    return Ceiling(float(p.mean()), float(wins / total), float(entropy))


def simulate_market(rows: int, *, seed: int = 0) -> Market:
    """Simulate a creators' table.

    The first rows are the same for any number of rows.

    Parameters
    ----------
    rows
        Number of rows, duplicates included.
    seed
        Same seed, same market.

    Examples
    --------
    >>> simulate_market(3).table.columns.tolist()[:3]
    ['Influencer_ID', 'Followers', 'Engagement_Rate']
    """
    chunks = list(_chunks(rows, seed))
    table = pd.concat([chunk.table for chunk in chunks], ignore_index=True)
    return Market(table, np.concatenate([chunk.y_prob for chunk in chunks]))


def write_market(
    path: str | Path,
    rows: int,
    *,
    seed: int = 0,
    progress: Callable[[int], object] = lambda _: None,
) -> Ceiling:
    """Stream a simulated table to a ``.csv``, ``.tsv`` or ``.parquet`` file, in constant memory.

    A note ``FILE.provenance.json`` beside it says that it is simulated, from which seed.

    Parameters
    ----------
    path
        Where to write; an existing file is replaced once the new one is complete.
    rows, seed
        As in :func:`simulate_market`.
    progress
        Called with the number of rows written since the last call.

    Returns
    -------
    Ceiling
        The best possible scores on this table.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if rows < 1:
        raise InputError(f"{rows} rows cannot be simulated.", "Ask for at least 1.")
    if suffix not in (".csv", ".tsv", ".parquet"):
        raise InputError(f"{path.name}: '{suffix}' cannot be written.", "Use .csv, .tsv, .parquet.")
    part = path.with_name(path.name + ".part")
    # A histogram of the probabilities keeps the ceiling in constant memory; its bins are far
    # narrower than the digits reported.
    counts, edges = np.zeros(20_000), np.linspace(0, 1, 20_001)
    try:
        writer = None
        for chunk in _chunks(rows, seed):
            arrow = pa.Table.from_pandas(chunk.table, preserve_index=False)
            arrow = _typed(arrow) if suffix == ".parquet" else arrow
            writer = writer or _writer(part, suffix, arrow.schema)
            writer.write_table(arrow)
            counts += np.histogram(chunk.y_prob, edges)[0]
            progress(len(chunk.table))
        if writer is not None:
            writer.close()
        _write_note(part, path, rows, seed)
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise OutputError(f"{path}: {error.strerror or error}.", "Choose another place.") from error
    middle = (edges[:-1] + edges[1:]) / 2
    return _binned_ceiling(middle, counts)


def _binned_ceiling(p: Floats, counts: Floats) -> Ceiling:
    deals, none = p * counts, (1 - p) * counts
    wins = np.sum(deals * (np.cumsum(none) - none / 2))
    entropy = -np.sum(deals * np.log(p) + none * np.log1p(-p)) / counts.sum()
    auc = wins / (deals.sum() * none.sum())
    return Ceiling(float(deals.sum() / counts.sum()), float(auc), float(entropy))


def _writer(path: Path, suffix: str, schema: pa.Schema) -> pq.ParquetWriter | pa_csv.CSVWriter:
    if suffix == ".parquet":
        return pq.ParquetWriter(path, schema.with_metadata({"simulated": "true"}))
    options = pa_csv.WriteOptions(
        delimiter="\t" if suffix == ".tsv" else ",", quoting_style="needed", quoting_header="needed"
    )
    return pa_csv.CSVWriter(path, schema, write_options=options)


def _write_note(part: Path, path: Path, rows: int, seed: int) -> None:
    with part.open("rb") as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
    note = {"simulated": True, "generator": "durhampulse sample", "rows": rows, "seed": seed}
    text = json.dumps({**note, "sha256": sha256}, indent=2)
    path.with_name(path.name + ".provenance.json").write_text(text + "\n", encoding="utf-8")


def _typed(arrow: pa.Table) -> pa.Table:
    """Give a typed table the numbers that the percent signs of a text table stand for."""
    text = arrow[ENGAGEMENT]
    percent = pc.ends_with(text, "%")
    numbers = pc.cast(pc.replace_substring(text, "%", ""), pa.float64())
    values = pc.if_else(percent, pc.divide(numbers, 100.0), numbers)
    return arrow.set_column(arrow.schema.get_field_index(ENGAGEMENT), ENGAGEMENT, values)


def _chunks(rows: int, seed: int) -> Iterator[Market]:
    """Simulate whole chunks, each from a random stream of its own, and cut the last one."""
    for number, start in enumerate(range(0, rows, _CHUNK)):
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(number,)))
        wanted = min(_CHUNK, rows - start)
        clean, y_prob = _creators(rng)
        table, order = _soil(clean, start, rng)
        yield Market(table.iloc[:wanted], y_prob[order][:wanted])


def _creators(rng: np.random.Generator) -> tuple[pd.DataFrame, Floats]:
    n = _CHUNK
    followers = _followers(rng, n)
    log_followers = np.log10(followers)
    size = log_followers - 4
    names = list(_NICHES)
    shares = np.array([_NICHES[name][0] for name in names])
    niche = rng.choice(len(names), n, p=shares / shares.sum())
    niche_engagement, niche_odds, niche_size = (
        np.array([_NICHES[name][i] for name in names])[niche] for i in (1, 2, 3)
    )
    quality = _quality(rng, size)
    suspicious = rng.random(n) < _SUSPICIOUS
    lift = rng.standard_normal(n) - 0.9 * suspicious
    usual = np.interp(log_followers, _ENGAGEMENT_AT, _ENGAGEMENT) + np.log(niche_engagement)
    engagement = np.minimum(np.exp(usual + _ENGAGEMENT_SD * lift), 0.95)
    tier = np.searchsorted(_GROWTH_FROM, followers, side="right") - 1
    growth = _GROWTH_MEAN[tier] + _GROWTH_SD[tier] * rng.standard_normal(n)
    growth = np.where(suspicious, growth + rng.lognormal(-2.2, 0.7, n), growth)
    reach = 0.5 * lift + np.sqrt(0.75) * rng.standard_normal(n)
    views = followers * np.exp(np.interp(log_followers, _VIEWS_AT, _VIEWS) + _VIEWS_SD * reach)
    logit = _deal_logit(size, niche_odds, niche_size, quality, lift, reach, growth)
    y_prob = 1 / (1 + np.exp(-logit))
    table = pd.DataFrame(
        {
            FOLLOWERS: followers.astype(np.int64),
            ENGAGEMENT: engagement.round(4),
            GROWTH: growth.round(4),
            NICHE: np.array(names)[niche],
            QUALITY: _QUALITY_LEVELS[quality],
            VIEWS: views.astype(np.int64),
            LABEL: (rng.random(n) < y_prob).astype(np.int64),
        }
    )
    return table, y_prob


def _followers(rng: np.random.Generator, n: int) -> Floats:
    """Draw the truncated lognormal by redrawing what falls outside."""
    drawn: Floats = np.empty(0)
    while drawn.size < n:
        more = rng.lognormal(_FOLLOWERS_LOG_MEAN, _FOLLOWERS_LOG_SD, 4 * n)
        drawn = np.append(drawn, more[(more >= _FOLLOWERS_MIN) & (more <= _FOLLOWERS_MAX)])
    return drawn[:n]


def _quality(rng: np.random.Generator, size: Floats) -> npt.NDArray[np.int64]:
    weights = np.exp(np.stack([0 * size, 0.7 + 0.4 * size, -0.3 + 0.8 * size]))
    steps = np.cumsum(weights / weights.sum(axis=0), axis=0)
    return np.sum(rng.random(size.size) > steps[:2], axis=0)


def _deal_logit(
    size: Floats,
    niche_odds: Floats,
    niche_size: Floats,
    quality: npt.NDArray[np.int64],
    lift: Floats,
    reach: Floats,
    growth: Floats,
) -> Floats:
    """Give the log-odds of a deal; the module's docstring says what each term means."""
    hump = 1.5 * np.exp(-(((size - 0.5) / 0.7) ** 2))
    steepness = np.array([0.4, 1.1, 1.9])[quality] * (1.3 - 0.35 * np.clip(size, -1, 2))
    engaged = steepness * np.tanh(1.6 * lift)
    seen = 0.55 * reach / (1 + np.exp(-2 * lift))
    healthy = 12 * np.clip(growth, -0.04, 0.05)
    bought = 3.0 / (1 + np.exp(-60 * (growth - 0.08))) / (1 + np.exp(3 * lift))
    logit = (
        _DEAL_INTERCEPT
        + 1.3 * niche_odds
        + 2.2 * niche_size * np.clip(size, -1, 2)
        + hump
        + 1.3 * engaged
        + seen
        + healthy
        - bought
    )
    return np.asarray(_DEAL_SCALE * logit)


def _soil(
    clean: pd.DataFrame, start: int, rng: np.random.Generator
) -> tuple[pd.DataFrame, npt.NDArray[np.int64]]:
    """Add the dirt of real tables; give the table and which clean row each row shows."""
    n = len(clean)

    def some(share: float) -> npt.NDArray[np.bool_]:
        return rng.random(n) < share

    table = clean.copy()
    table.insert(0, IDENTIFIER, 1001 + start + np.arange(n))
    table[NICHE] = table[NICHE].mask(some(0.010), table[NICHE].str.lower())
    table[NICHE] = table[NICHE].mask(some(0.006), table[NICHE] + " ")
    table[QUALITY] = table[QUALITY].mask(some(0.020), table[QUALITY].str.lower())
    table[VIEWS] = table[VIEWS].mask(some(0.001), 150 * table[FOLLOWERS]).astype("Int64")
    rates, signed = table[ENGAGEMENT], some(0.004)
    table[ENGAGEMENT] = rates.astype("str")
    table.loc[signed, ENGAGEMENT] = (100 * rates[signed]).map("{:.2f}%".format)
    for name, share in ((ENGAGEMENT, 0.012), (GROWTH, 0.015), (NICHE, 0.008), (VIEWS, 0.012)):
        table[name] = table[name].mask(some(share))
    order = np.arange(n)
    again = some(0.004) & (order > 50)
    order[again] -= rng.integers(1, 50, again.sum())
    return table.iloc[order].reset_index(drop=True), order
