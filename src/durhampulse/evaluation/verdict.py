"""Whether a table can be judged: the verdict, and the checks it rests on.

Checks have stable codes:

================ ==============================================================
``target``       outcomes are there, and of both kinds
``rows``         enough creators of either outcome
``signal``       the features say something about the outcome
``leak-column``  no column all but tells the answer
``leak-filled``  no column is filled for one outcome only
``leak-dominant`` no column that a deal may change carries the answer alone
``leak-copies``  no creator stands in the table under several identifiers
``identifier``   the identifiers do not tell the answer
``too-good``     the outcome can be predicted no better than people's choices allow
``protected``    no column looks like a protected attribute
``drift``        the split by time or group, where asked for, scores like the random one
================ ==============================================================
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import pandas as pd

__all__ = ["Check", "Outcome", "Verdict", "combine"]

Outcome = Literal["pass", "care", "stop"]
Word = Literal["ready", "use with care", "not ready"]

_WORDS: dict[Outcome, Word] = {"pass": "ready", "care": "use with care", "stop": "not ready"}
_ORDER: tuple[Outcome, ...] = ("pass", "care", "stop")


@dataclass(frozen=True)
class Check:
    """What one check found.

    Attributes
    ----------
    code
        Stable name of the check.
    outcome
        ``pass``; ``care``: usable, but read the reason; ``stop``: no decision may rest on it.
    figure
        The number the outcome rests on, with its name.
    reason
        What it means, a sentence.
    columns
        Columns concerned.
    """

    code: str
    outcome: Outcome
    figure: str
    reason: str
    columns: tuple[str, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """What all checks together say about a table.

    Attributes
    ----------
    checks
        In the order in which they were made.
    dropped
        What was left out because it leaks the answer, by name.
    """

    checks: tuple[Check, ...]
    dropped: tuple[str, ...] = ()

    @property
    def word(self) -> Word:
        """The verdict: ready, use with care, or not ready."""
        return _WORDS[combine(self.checks)]

    @property
    def has_signal(self) -> bool:
        """Whether the outcome can be predicted better than by chance."""
        return not any(c.code == "signal" and c.outcome == "stop" for c in self.checks)

    @property
    def refusal(self) -> str:
        """Why nothing may be recommended, in a few words; empty where it may."""
        stopped = [check for check in self.checks if check.outcome == "stop"]
        words = [check.reason.partition(":")[0].removesuffix(".") for check in stopped]
        return f"not ready: {'; '.join(words)}" if words else ""

    @property
    def concerns(self) -> tuple[Check, ...]:
        """The checks that did not pass, the gravest first."""
        failed = [check for check in self.checks if check.outcome != "pass"]
        return tuple(sorted(failed, key=lambda check: -_ORDER.index(check.outcome)))

    @property
    def leaks(self) -> tuple[str, ...]:
        """Columns that leak the answer or are suspected to."""
        found = (c for c in self.concerns if c.code.startswith("leak") or c.code == "too-good")
        return tuple(dict.fromkeys(column for check in found for column in check.columns))

    def frame(self) -> pd.DataFrame:
        """Give the checks as a table: ``code, outcome, figure, reason, columns``."""
        rows = [(c.code, c.outcome, c.figure, c.reason, ", ".join(c.columns)) for c in self.checks]
        return pd.DataFrame(rows, columns=["code", "outcome", "figure", "reason", "columns"])


def combine(checks: Sequence[Check]) -> Outcome:
    """Give the gravest outcome.

    Examples
    --------
    >>> combine([Check("rows", "pass", "", ""), Check("signal", "care", "", "")])
    'care'
    """
    return max((check.outcome for check in checks), key=_ORDER.index, default="pass")
