"""The list as a file: the decision table's columns first, safe to open, with its provenance."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from durhampulse.decision.bands import cut
from durhampulse.desk.models.rules import Rules
from durhampulse.desk.shortlist.reasons import TopReasons
from durhampulse.files.export import open_sink
from durhampulse.files.formats import suffix_of
from durhampulse.scoring.provenance import stamped

__all__ = ["provenance_of", "write_list"]

_MOST_EXPLAINED = 5_000
_SCHEMA = pa.schema(
    [
        ("Influencer ID", pa.string()),
        ("Predicted Sponsorship", pa.float64()),
        ("Follower Count", pa.int64()),
        ("Engagement Rate", pa.float64()),
        ("Sponsorship Recommendation", pa.string()),
        ("Interval Low", pa.float64()),
        ("Interval High", pa.float64()),
        ("Niche", pa.string()),
        ("Tier", pa.string()),
        ("Edge", pa.bool_()),
        ("Top Reason", pa.string()),
        ("Flags", pa.string()),
        ("Review", pa.string()),
    ]
)


def write_list(
    path: Path,
    parts: Iterable[Sequence[Any]],
    rules: Rules,
    reasons: TopReasons,
    *,
    about: str,
    by: str,
) -> None:
    """Write creators to a ``.csv``, ``.xlsx`` or ``.parquet`` file.

    Reasons are computed for up to 5,000 creators; for more they would take minutes.

    Parameters
    ----------
    path
        Where to write.
    parts
        Rows of the table `creator`, some at a time.
    rules, reasons
        The model and thresholds in force, and the cache of its reasons.
    about, by
        The view's query, and who asked.
    """
    parts, head, n = iter(parts), [], 0
    while n <= _MOST_EXPLAINED and (rows := next(parts, None)) is not None:
        head.append(rows)
        n += len(rows)
    explained = n <= _MOST_EXPLAINED
    coverage = "given" if explained else f"left out, as of more than {_MOST_EXPLAINED:,} creators"
    provenance = {**provenance_of(rules, about=about, by=by), "top_reasons": coverage}
    with open_sink(path, suffix_of(path), _SCHEMA, provenance) as sink:
        for rows in chain(head, parts):
            texts = reasons.of(rules, rows) if explained else [None] * len(rows)
            sink.write(_batch(rows, rules, texts))


def provenance_of(rules: Rules, *, about: str, by: str) -> dict[str, Any]:
    """Return where a list comes from; a CSV has no room for it, the other formats carry it."""
    facts = {
        "model": rules.version,
        "trained_on_simulated_data": rules.simulated,
        "view": about,
        "exported_by": by,
    }
    return stamped(facts, rules.thresholds)


def _without_sign(reason: str) -> str:
    """Return a reason without the sign that a spreadsheet could take for a formula's."""
    return reason.replace("+ ", "for: ", 1).replace("\u2212 ", "against: ", 1)


def _batch(rows: Sequence[Any], rules: Rules, reasons: Sequence[str | None]) -> pa.RecordBatch:
    cuts = {
        name: cut(np.array([getattr(row, name) for row in rows], dtype=float))
        for name in ("probability", "low", "high")
    }
    columns = [
        [row.external_id for row in rows],
        cuts["probability"],
        [None if row.followers is None else round(row.followers) for row in rows],
        [row.engagement_rate for row in rows],
        [rules.band(row.probability) for row in rows],
        cuts["low"],
        cuts["high"],
        [row.niche for row in rows],
        [rules.tier(row.followers) for row in rows],
        [rules.on_edge(row.probability) for row in rows],
        [None if reason is None else _without_sign(reason) for reason in reasons],
        ["; ".join(rules.flags(row.flags)) for row in rows],
        [row.state for row in rows],
    ]
    arrays = [
        pa.array(values, field.type, from_pandas=True)
        for values, field in zip(columns, _SCHEMA, strict=True)
    ]
    return pa.record_batch(arrays, schema=_SCHEMA)
