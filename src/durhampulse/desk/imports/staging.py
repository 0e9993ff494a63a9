"""A chunk of an upload as rows of the table `staged`, and what all chunks come to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Connection, func, select

from durhampulse.creators.block import Levels
from durhampulse.decision.bands import BANDS
from durhampulse.desk.models.rules import Rules
from durhampulse.desk.people.erasure import digest_of
from durhampulse.desk.store.tables import LONGEST_ID, NUMBERS, TEXTS, staged
from durhampulse.scoring.batch import Scored
from durhampulse.scoring.summary import Summary

__all__ = ["counts_of", "shown_name", "staged_columns", "told", "usable"]

_UNUSABLE = "[\\x00-\\x1f\\x7f]"


def usable(names: pa.Array, objected: set[str]) -> tuple[np.ndarray[Any, Any], list[str]]:
    """Tell which rows can be stored, and why the others cannot."""
    words = names.to_pylist()
    odd = pc.fill_null(pc.match_substring_regex(names, _UNUSABLE), False).to_pylist()
    reasons = []
    for word, bad in zip(words, odd, strict=True):
        if not word:
            reasons.append("the row has no Influencer_ID")
        elif bad or len(word) > LONGEST_ID:
            reasons.append(
                f"the Influencer_ID has over {LONGEST_ID} characters, or unprintable ones"
            )
        elif objected and digest_of(word) in objected:
            reasons.append("this creator has objected to being scored")
        else:
            reasons.append("")
    return np.array([not reason for reason in reasons], dtype=bool), reasons


def staged_columns(
    scored: Scored, names: pa.Array, rows: np.ndarray[Any, Any]
) -> dict[str, Sequence[Any]]:
    """Give the columns of the table `staged` for some rows of a chunk."""
    block, scores = scored.block.take(rows), scored.scores.take(rows)
    words = names.take(pa.array(rows)).to_pylist()
    found: dict[str, Sequence[Any]] = {"external_id": words}
    extra: dict[str, list[Any]] = {}
    for column, values in block.columns.items():
        plain = _list(values)
        stored = NUMBERS.get(column) or TEXTS.get(column)
        if stored:
            found[stored] = plain
        else:
            extra[column] = plain
    for stored in (*NUMBERS.values(), *TEXTS.values()):
        found.setdefault(stored, [None] * len(rows))
    found["extra"] = (
        [dict(zip(extra, one, strict=True)) for one in zip(*extra.values(), strict=True)]
        if extra
        else [None] * len(rows)
    )
    for stored, given in (("probability", "y_prob"), ("low", "low"), ("high", "high"),
                          ("flags", "flags")):  # fmt: skip
        found[stored] = getattr(scores, given).tolist()
    # A lot for each creator, always the same: which of the No are looked at is nobody's choice.
    lots = pd.util.hash_array(np.array(words, dtype=object)) / 2.0**64
    found["lottery"] = lots.tolist()
    return found


def _list(values: np.ndarray[Any, Any] | Levels) -> list[Any]:
    if isinstance(values, Levels):
        clean = [name.replace("\0", "\ufffd")[:LONGEST_ID] for name in values.names]
        named = [*clean, None]
        return [named[code] for code in values.codes.tolist()]
    return [None if value != value else value for value in values.tolist()]  # noqa: PLR0124 - NaN


def shown_name(name: object) -> str:
    """Give a refused row's identifier as it can be stored, whatever it is."""
    return str(name or "").replace("\0", "\ufffd").strip()[:LONGEST_ID]


def counts_of(summary: Summary, extra: int) -> dict[str, Any]:
    """Give a chunk's counts as plain data; drift as counts, which add up."""
    return {
        "rows": summary.rows,
        "scored": summary.scored - extra,
        "refused": summary.refused + extra,
        "unreadable": dict(summary.unreadable),
        "drift": {name: counts.tolist() for name, counts in summary.drift.items()},
    }


def told(
    rules: Rules, parts: list[dict[str, Any]], rows: int, known: int, twice: int,
    db: Connection, number: int,
) -> dict[str, Any]:  # fmt: skip
    """Give what a check found, for people to see before they confirm."""
    drift: dict[str, Any] = {}
    unreadable: dict[str, int] = {}
    for part in parts:
        for name, counts in part["drift"].items():
            drift[name] = drift.get(name, 0) + np.array(counts)
        for name, n in part["unreadable"].items():
            unreadable[name] = unreadable.get(name, 0) + n
    blank = rules.scorer.model.profile.count(rules.block([]))
    table = rules.scorer.model.profile.drift({**blank, **drift})
    p, mine = staged.c.probability, staged.c.upload_id == number
    bands = {}
    for name in BANDS:
        low, high = rules.band_range(name)
        counted = select(func.count()).where(mine, p >= low, p < high)
        bands[name] = db.scalar(counted) or 0
    return {
        "rows": sum(part["rows"] for part in parts),
        "creators": rows,
        "known": known,
        "refused": sum(part["refused"] for part in parts) + twice,
        "twice": twice,
        "flagged": db.scalar(select(func.count()).where(mine, staged.c.flags != 0)) or 0,
        "unreadable": unreadable,
        "bands": bands,
        "drift": table.to_dict("records"),
    }
