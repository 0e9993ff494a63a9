"""Reviewers of known bias: is the bias within the 90% interval that a mirror shows?

Each of eight reviewers judges 300 creators without the number. They approve as often as a deal is
probable, moved by their own bias; and those they overrule have truly so many more or fewer deals.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from durhampulse.evaluation.agreement import Lean, lean

Floats = npt.NDArray[np.float64]

_CREATORS, _RUNS = 300, 500
_BIASES = (-0.20, -0.12, -0.06, 0.0, 0.03, 0.08, 0.15, 0.22)
_MOVED = (0.11, 0.04, 0.0, -0.03, -0.11, -0.06, 0.08, -0.15)


@dataclass(frozen=True, kw_only=True)
class Reviewer:
    """Somebody with a known bias.

    Attributes
    ----------
    bias
        How much likelier they approve than a deal is.
    moved
        How much likelier a deal is than the model says, where they overrule it.
    seed
        Of the creators they meet.
    """

    bias: float
    moved: float
    seed: int


def reviewers() -> list[Reviewer]:
    """Return the eight."""
    pairs = zip(_BIASES, _MOVED, strict=True)
    return [Reviewer(bias=b, moved=m, seed=seed) for seed, (b, m) in enumerate(pairs, start=1)]


def judged_by(reviewer: Reviewer, generator: np.random.Generator) -> dict[str, tuple[Lean, float]]:
    """Return what a mirror shows of a reviewer, and what is true: ``lenience, overruled``."""
    y_prob: Floats = generator.beta(2.0, 3.0, _CREATORS)
    inclined = np.clip(y_prob + reviewer.bias, 0.0, 1.0)
    approved = generator.random(_CREATORS) < inclined
    lenience = lean(approved, y_prob)
    against = approved != (y_prob >= 0.6)
    true = np.clip(y_prob[against] + reviewer.moved, 0.0, 1.0)
    overruled = lean(generator.random(len(true)) < true, y_prob[against])
    if lenience is None or overruled is None:
        raise ValueError("too few creators were judged")
    return {
        "lenience": (lenience, float((inclined - y_prob).mean())),
        "overruled": (overruled, float((true - y_prob[against]).mean())),
    }


def main() -> None:
    """Print how often intervals hold the true bias."""
    for known in ("lenience", "overruled"):
        held = np.array([held_in(run, known) for run in range(_RUNS)])
        print(f"{known}: {held.mean() / 8:.1%} of intervals hold the truth; "
              f"7 of 8 or more in {(held >= 7).mean():.1%} of {_RUNS} runs")  # fmt: skip


def held_in(run: int, known: str) -> int:
    """Return how many of the eight have a true bias within their interval, in one run."""
    held = 0
    for reviewer in reviewers():
        shown = judged_by(reviewer, np.random.default_rng([run, reviewer.seed]))
        interval, truth = shown[known]
        held += interval.low <= truth <= interval.high
    return held


if __name__ == "__main__":
    main()
