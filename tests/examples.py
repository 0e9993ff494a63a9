"""How many examples a property is tried on."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

USUAL = 100
"""The examples of a property that says nothing else."""

settings.register_profile(
    "durhampulse",
    max_examples=USUAL,
    derandomize=True,  # every run, on every machine, tries the same examples
    deadline=None,  # how long an example takes says more about the machine than about the code
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.register_profile(
    "search", settings.get_profile("durhampulse"), max_examples=20 * USUAL, derandomize=False
)


def examples(number: int) -> settings:
    """Settings of a property whose every example is dear: so many, more in a search."""
    return settings(max_examples=max(1, number * settings().max_examples // USUAL))
