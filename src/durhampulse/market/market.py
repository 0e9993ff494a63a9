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
* growth: healthy growth helps up to about 5% a month,
* suspicion: growth above 8% a month with engagement below the usual looks bought.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from durhampulse.creators.schema import (
    ENGAGEMENT,
    FOLLOWERS,
    GROWTH,
    LABEL,
    NICHE,
    QUALITIES,
    QUALITY,
    VIEWS,
)

__all__ = ["Ceiling", "ceiling", "draw_creators"]

Floats = npt.NDArray[np.float64]

# Niche: share of creators (assumption), engagement relative to all niches, log-odds of a deal
# relative to all niches, preference for large accounts (assumption).
# Engagement: Instagram by niche 2023 (press): travel 2.4, beauty 1.95, fitness 1.6, fashion 1.53,
# education 1.21%; gaming above 5% (older). Deals: share of YouTube videos with a sponsored link
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

# Followers: truncated lognormal fitted to HypeAuditor 2026 (81% nano, 14.7% 10-50K, .10% mega).
_FOLLOWERS_LOG_MEAN, _FOLLOWERS_LOG_SD = 3.75, 2.75
_FOLLOWERS_MIN, _FOLLOWERS_MAX = 1_000, 300_000_000

# Usual engagement by followers: middle of the "average" bands for Instagram (vendor), the mega
# figure from the press: 1-5K 3.9%, 5-10K 1.4%, 10-50K .97%, 50-100K .88%, 100-500K 1.0%,
# mega .33%.
_ENGAGEMENT_AT = np.log10([3e3, 7e3, 25e3, 70e3, 250e3, 1e6, 1e7])
_ENGAGEMENT = np.log([0.039, 0.0142, 0.0097, 0.0088, 0.0100, 0.0060, 0.0033])
_ENGAGEMENT_SD = 0.55  # assumption

# Monthly growth by followers: middle and a quarter of the width of the Instagram bands (vendor):
# 0-10K 0..3%, 10-100K -.5..2%, 100K-1M -1..1.5%, 1M+ -2..1%.
_GROWTH_FROM = np.array([0, 1e4, 1e5, 1e6])
_GROWTH_MEAN = np.array([0.015, 0.0075, 0.0025, -0.005])
_GROWTH_SD = np.array([0.012, 0.011, 0.011, 0.012])

# Views per follower on YouTube: <10K 30-50%, 10-500K 14-20%, 500K+ 5-15% (weak source).
_VIEWS_AT = np.log10([3e3, 1e4, 1e5, 5e5, 5e6])
_VIEWS = np.log([0.45, 0.30, 0.17, 0.14, 0.08])
_VIEWS_SD = 0.8  # assumption

# Suspicious growth: about a third of accounts are touched by fraud (HypeAuditor); strongly enough
# to show in a month's growth, one in sixteen (assumption).
_SUSPICIOUS = 1 / 16

# Video quality by followers: no usable figure, an assumption. Log-odds of HD and 4K against SD.
_QUALITY_LEVELS = np.array(QUALITIES)

_DEAL_INTERCEPT = -2.75
_DEAL_SCALE = 0.75


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


def ceiling(y_prob: Floats, counts: Floats | None = None) -> Ceiling:
    """Return the best possible scores from the true probabilities, shape (n,).

    Parameters
    ----------
    y_prob
        True probabilities.
    counts
        How many creators have each; one by default.

    Examples
    --------
    >>> import numpy as np
    >>> round(ceiling(np.array([0.5, 0.5])).log_loss, 3)
    0.693
    """
    order = np.argsort(y_prob)
    p, n = y_prob[order], np.ones(len(y_prob)) if counts is None else counts[order]
    deals, none = p * n, (1 - p) * n
    wins = np.sum(deals * (np.cumsum(none) - none / 2))
    entropy = -np.sum(deals * np.log(p) + none * np.log1p(-p)) / n.sum()
    auc = wins / (deals.sum() * none.sum())
    return Ceiling(float(deals.sum() / n.sum()), float(auc), float(entropy))


def draw_creators(n: int, rng: np.random.Generator) -> tuple[pd.DataFrame, Floats]:
    """Return `n` creators without identifiers or dirt, and the true probability of each deal.

    The probabilities are for tests and benchmarks only; no table holds them.
    """
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
    lift = rng.standard_normal(n) - np.where(suspicious, 0.9, 0.0)
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
    """Return draws of the truncated lognormal; what falls outside is drawn again."""
    drawn: Floats = np.empty(0)
    while drawn.size < n:
        more = rng.lognormal(_FOLLOWERS_LOG_MEAN, _FOLLOWERS_LOG_SD, 4 * n)
        drawn = np.append(drawn, more[(more >= _FOLLOWERS_MIN) & (more <= _FOLLOWERS_MAX)])
    return drawn[:n]


def _quality(rng: np.random.Generator, size: Floats) -> npt.NDArray[np.int64]:
    weights = np.exp(np.stack([0 * size, 0.7 + 0.4 * size, -0.3 + 0.8 * size]))
    steps = np.cumsum(weights / weights.sum(axis=0), axis=0)
    return np.asarray(np.sum(rng.random(size.size) > steps[:2], axis=0))


def _deal_logit(
    size: Floats,
    niche_odds: Floats,
    niche_size: Floats,
    quality: npt.NDArray[np.int64],
    lift: Floats,
    reach: Floats,
    growth: Floats,
) -> Floats:
    """Return the log-odds of a deal; the module's docstring says what each term means."""
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
