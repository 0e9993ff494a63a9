"""The strongest reason of each creator's score, cached for as long as the score stands."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from itertools import compress
from operator import itemgetter, not_
from typing import Any, Final

from durhampulse.decision.bands import NO, NO_PRECEDENT
from durhampulse.decision.phrases import BESIDE_OTHERS
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
        self._texts: dict[tuple[str, int, int, str], str] = {}
        self._lock = threading.Lock()

    def of(self, rules: Rules, rows: Sequence[Any]) -> list[str]:
        """Return each row's strongest reason for its answer, with a sign.

        Of a *No* that is one against, of the others one for; where there is none, one of the
        other direction. One that compares the figure comes before one that does not. Of a creator
        without precedent no number counts, and so no reason: the text says in what the model has
        never seen the like.

        Parameters
        ----------
        rules
            The model in force.
        rows
            Rows of the table `creator`, shape (n_rows,).
        """
        texts = self.kept(rules, rows)
        missing = [row for row, text in zip(rows, texts, strict=True) if text is None]
        computed = _compute(rules, missing) if missing else []
        with self._lock:
            if len(self._texts) > _MOST_KEPT:
                self._texts.clear()
            self._texts |= zip(_keys(rules, missing), computed, strict=True)
        new = iter(computed)
        return [next(new) if text is None else text for text in texts]

    def kept(self, rules: Rules, rows: Sequence[Any]) -> list[str | None]:
        """Return the same of each row where it was computed before; else None."""
        keys = _keys(rules, rows)
        with self._lock:
            return [self._texts.get(key) for key in keys]


def _keys(rules: Rules, rows: Sequence[Any]) -> list[tuple[str, int, int, str]]:
    return [
        (rules.version, int(row.id), int(row.run_id), rules.band(row.probability, row.flags))
        for row in rows
    ]


def _compute(rules: Rules, rows: list[Any]) -> list[str]:
    unlike = [rules.band(row.probability, row.flags) == NO_PRECEDENT for row in rows]
    odd = iter(_unlike(rules, [*compress(rows, unlike)]))
    usual = iter(_of_precedent(rules, [*compress(rows, map(not_, unlike))]))
    return [next(odd if is_unlike else usual) for is_unlike in unlike]


def _unlike(rules: Rules, rows: list[Any]) -> list[str]:
    words = unlike_words(rules.scorer.model.model, rules.block(rows)) if rows else []
    return [WITHOUT_PRECEDENT + (parts[0] if parts else "its figures together") for parts in words]


def _of_precedent(rules: Rules, rows: list[Any]) -> list[str]:
    if not rows:
        return []
    reasons = rules.reasons(stored_frame(rules.scorer, rows))
    pairs = zip(rows, reasons["Reasons For"], reasons["Reasons Against"], strict=True)
    return [
        _strongest(good, bad, is_no=rules.band(row.probability, row.flags) == NO)
        for row, good, bad in pairs
    ]


def _strongest(good: Sequence[str], bad: Sequence[str], *, is_no: bool) -> str:
    """Return the reason that says most for an answer; empty where there is none.

    Parameters
    ----------
    good, bad
        Reasons for and against, the strongest first.
    is_no
        Whether the answer is *No*.

    Examples
    --------
    >>> _strongest(["views 9K, higher than 90% of creators"], ["niche Pets: ..."], is_no=True)
    '\u2212 niche Pets: ...'
    >>> _strongest(["niche Pets, together with the other figures: ...", "views 9K"], [], is_no=True)
    '+ views 9K'
    """
    directions = [("+", good), ("\u2212", bad)]
    sign, texts = next(
        filter(itemgetter(1), reversed(directions) if is_no else directions), ("", ())
    )
    compared = (text for text in texts if BESIDE_OTHERS not in text)
    text = next(compared, texts[0] if texts else "")
    return f"{sign} {text.split(' (without this', maxsplit=1)[0]}" if text else ""
