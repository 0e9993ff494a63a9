"""Whether a table can be judged: the verdict, and the checks it rests on.

What is checked stands in :data:`durhampulse.evaluation.judgement.CHECKS`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from durhampulse.markup import table_html

__all__ = ["Check", "Finding", "Severity", "Verdict", "combine"]

Severity = Literal["pass", "care", "stop"]
Word = Literal["ready", "use with care", "not ready"]

_WORDS: dict[Severity, Word] = {"pass": "ready", "care": "use with care", "stop": "not ready"}
_ORDER: tuple[Severity, ...] = ("pass", "care", "stop")


@dataclass(frozen=True)
class Finding:
    """What one look at a table shows.

    Attributes
    ----------
    severity
        ``pass``; ``care``: usable, but read the reason; ``stop``: no decision may rest on it.
    figure
        The number the severity rests on, with its name.
    reason
        What it means, a sentence.
    columns
        Columns concerned.
    """

    severity: Severity
    figure: str
    reason: str
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Check:
    """A finding under the name of its check.

    Attributes
    ----------
    code
        Stable name of the check.
    severity, figure, reason, columns
        As for :class:`Finding`.
    is_leak
        Whether its columns are left out with ``--drop-leaks``.
    is_gate
        Whether nothing can be learned at all where it stops.
    is_signal
        Whether it tells if the outcome can be predicted.
    """

    code: str
    severity: Severity
    figure: str = ""
    reason: str = ""
    columns: tuple[str, ...] = ()
    is_leak: bool = False
    is_gate: bool = False
    is_signal: bool = False


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
        return not any(check.is_signal and check.severity == "stop" for check in self.checks)

    @property
    def blocker(self) -> Check | None:
        """The check that forbids learning anything from the table, if one does."""
        gates = (check for check in self.checks if check.is_gate and check.severity == "stop")
        return next(gates, None)

    @property
    def refusal(self) -> str:
        """Why nothing may be recommended, in a few words; empty where it may."""
        stopped = [check for check in self.checks if check.severity == "stop"]
        words = [check.reason.partition(":")[0].removesuffix(".") for check in stopped]
        return f"not ready: {'; '.join(words)}" if words else ""

    @property
    def concerns(self) -> tuple[Check, ...]:
        """The checks that did not pass, the gravest first."""
        failed = [check for check in self.checks if check.severity != "pass"]
        return tuple(sorted(failed, key=lambda check: -_ORDER.index(check.severity)))

    @property
    def leaks(self) -> tuple[str, ...]:
        """Columns that leak the answer or are suspected to."""
        columns = (name for check in self.concerns if check.is_leak for name in check.columns)
        return tuple(dict.fromkeys(columns))

    def __repr__(self) -> str:
        dropped = [f"left out: {', '.join(self.dropped)}"] if self.dropped else []
        checks = [f"{c.severity:<4}  {c.code}: {c.reason} ({c.figure})" for c in self.checks]
        return "\n".join([f"Verdict: {self.word}", *dropped, *checks])

    def _repr_html_(self) -> str:
        dropped = f"; left out: {', '.join(self.dropped)}" if self.dropped else ""
        rows = self.frame().itertuples(index=False)
        columns = ["check", "severity", "figure", "reason", "columns"]
        return table_html(f"Verdict: {self.word}{dropped}", columns, rows)

    def frame(self) -> pd.DataFrame:
        """Return the checks as a table: ``code, severity, figure, reason, columns``."""
        rows = [(c.code, c.severity, c.figure, c.reason, ", ".join(c.columns)) for c in self.checks]
        return pd.DataFrame(rows, columns=["code", "severity", "figure", "reason", "columns"])


def combine(checks: Sequence[Check]) -> Severity:
    """Return the gravest severity.

    Examples
    --------
    >>> combine([Check(code="rows", severity="pass"), Check(code="signal", severity="care")])
    'care'
    """
    return max((check.severity for check in checks), key=_ORDER.index, default="pass")
