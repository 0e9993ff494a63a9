"""The strongest reason of each creator's score, found once for as long as the score stands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from durhampulse.desk.models.rules import Rules, stored_frame

__all__ = ["top_reasons"]

_MOST_KEPT = 100_000
_kept: dict[tuple[str, int, int], str] = {}


def top_reasons(rules: Rules, rows: Sequence[Any]) -> list[str]:
    """Give each row's strongest reason for, or against where there is none for.

    Parameters
    ----------
    rules
        The model in force.
    rows
        Rows of the table `creator`. Finding a reason takes a thousand times as long as a score.
    """
    keys = [(rules.version, int(row.id), int(row.run_id)) for row in rows]
    new = [row for row, key in zip(rows, keys, strict=True) if key not in _kept]
    found = {key: _kept[key] for key in keys if key in _kept}
    if new:
        said = rules.reasons(stored_frame(rules.scorer, new))
        for row, good, bad in zip(new, said["Reasons For"], said["Reasons Against"], strict=True):
            first = f"+ {good}" if good else f"\u2212 {bad}" if bad else ""
            text = first.split("; ", maxsplit=1)[0].split(" (without this", maxsplit=1)[0]
            found[rules.version, int(row.id), int(row.run_id)] = text
    if len(_kept) > _MOST_KEPT:
        _kept.clear()
    _kept.update(found)
    return [found[key] for key in keys]
