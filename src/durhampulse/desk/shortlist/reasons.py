"""The strongest reason of each creator's score, cached for as long as the score stands."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from itertools import compress
from operator import not_
from typing import Any, Final

from durhampulse.decision.bands import NO_PRECEDENT
from durhampulse.decision.unlike import unlike_words
from durhampulse.desk.models.rules import Rules, stored_frame

__all__ = ["WITHOUT_PRECEDENT", "TopReasons"]

WITHOUT_PRECEDENT: Final = "no precedent: "
"""What the text of a creator without precedent begins with, in place of a reason."""

_MOST_KEPT = 100_000


class TopReasons:
    """A cache of each score's strongest reason, shared by the threads of a desk.

    Computing a reason takes a thousand times as long as a score.
    """

    def __init__(self) -> None:
        self._texts: dict[tuple[str, int, int], str] = {}
        self._lock = threading.Lock()

    def of(self, rules: Rules, rows: Sequence[Any]) -> list[str]:
        """Return each row's strongest reason for, or against where there is none for.

        Of a creator without precedent no number counts, and so no reason: the text says in what
        the model has never seen the like.

        Parameters
        ----------
        rules
            The model in force.
        rows
            Rows of the table `creator`, shape (n_rows,).
        """
        keys = [(rules.version, int(row.id), int(row.run_id)) for row in rows]
        with self._lock:
            texts = {key: self._texts[key] for key in keys if key in self._texts}
        missing = {key: row for key, row in zip(keys, rows, strict=True) if key not in texts}
        if missing:
            computed = dict(zip(missing, _compute(rules, [*missing.values()]), strict=True))
            texts |= computed
            with self._lock:
                if len(self._texts) > _MOST_KEPT:
                    self._texts.clear()
                self._texts |= computed
        return [texts[key] for key in keys]


def _compute(rules: Rules, rows: list[Any]) -> list[str]:
    unlike = [rules.band(row.probability, row.flags) == NO_PRECEDENT for row in rows]
    odd = iter(_unlike(rules, [*compress(rows, unlike)]))
    usual = iter(_strongest(rules, [*compress(rows, map(not_, unlike))]))
    return [next(odd if is_unlike else usual) for is_unlike in unlike]


def _unlike(rules: Rules, rows: list[Any]) -> list[str]:
    words = unlike_words(rules.scorer.model.model, rules.block(rows)) if rows else []
    return [WITHOUT_PRECEDENT + (parts[0] if parts else "its figures together") for parts in words]


def _strongest(rules: Rules, rows: list[Any]) -> list[str]:
    if not rows:
        return []
    reasons = rules.reasons(stored_frame(rules.scorer, rows))
    pairs = zip(reasons["Reasons For"], reasons["Reasons Against"], strict=True)
    texts = (f"+ {good[0]}" if good else f"\u2212 {bad[0]}" if bad else "" for good, bad in pairs)
    return [text.split(" (without this", maxsplit=1)[0] for text in texts]
