"""A query in stages: each computes columns from those of earlier ones, once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from durhampulse.export.sql.dialects import Dialect

__all__ = ["MOST_JOINS", "Ends", "Stages", "added", "clipped", "of_end", "of_ends"]

MOST_JOINS = 60
"""Tables that a stage is joined with: SQLite takes 64."""
Ends = Sequence[tuple[str, int]]
"""Ends of ranges, each by its side and the place of its column: ``("left", 3)``."""

_NAME = re.compile(r"\b[a-z]+(?:_[a-z]+)*_[0-9_]+\b")
_TOGETHER = 20


class Stages:
    """Columns of a query, in the order in which they are computed.

    A column's name is words and numbers, with underscores between them: ``left_body_3``.

    Attributes
    ----------
    stages
        Column to expression, stage by stage; an expression names columns of earlier stages alone.
    joins
        What the stages are joined with.
    """

    def __init__(self) -> None:
        self.stages: list[dict[str, str]] = []
        self.joins: list[Sequence[str]] = []

    def add(self, columns: Mapping[str, str], joins: Sequence[str] = ()) -> list[str]:
        """Append a stage, and return its columns' names.

        Parameters
        ----------
        columns
            Column to expression.
        joins
            What the earlier stages are joined with; each gives every row at most once.
        """
        if columns:
            self.stages.append(dict(columns))
            self.joins.append(joins)
        return [*columns]

    def text(self, dialect: Dialect, first: str, wanted: Sequence[str]) -> Iterator[str]:
        """Yield the stages as common table expressions.

        Parameters
        ----------
        dialect
            Of the query.
        first
            What the first stage reads; it and all others hold the column ``dp_row``.
        wanted
            The columns that the last stage must hold.
        """
        kept: list[list[str]] = []
        needed = {*wanted}
        for columns, joins in zip(reversed(self.stages), reversed(self.joins), strict=True):
            kept.append(sorted(needed - columns.keys()))
            own = {name for text in (*columns.values(), *joins) for name in _NAME.findall(text)}
            needed = (needed - columns.keys()) | own
        source = first
        for number, (columns, names) in enumerate(zip(self.stages, reversed(kept), strict=True)):
            earlier = {name for before in self.stages[:number] for name in before}
            held = ["dp_row", *(name for name in names if name in earlier)]
            parts = [*held, *(f"{text} AS {name}" for name, text in columns.items())]
            body = ",\n    ".join(parts)
            name = f"dp_stage_{number}"
            tables = "\n  ".join((source, *self.joins[number]))
            yield f"{name} AS {dialect.once}(\n  SELECT\n    {body}\n  FROM {tables}\n)"
            source = name


def of_end(text: str, side: str, at: int) -> str:
    """Return text with a side for each ``*`` and a place for each ``#``."""
    return text.replace("*", side).replace("#", str(at))


def of_ends(texts: Mapping[str, str], ends: Iterable[tuple[str, int]]) -> dict[str, str]:
    """Return columns of some ends, each as text of :func:`of_end`.

    Examples
    --------
    >>> of_ends({"size": "length(*_body_#)"}, [("left", 3)])
    {'left_size_3': 'length(left_body_3)'}
    """
    return {
        f"{side}_{name}_{at}": of_end(text, side, at)
        for side, at in ends
        for name, text in texts.items()
    }


def added(terms: Sequence[str]) -> str:
    """Return a sum in brackets of few terms each, which no parser finds too deep."""
    parts = [*terms] or ["0e0"]
    while len(parts) > _TOGETHER:
        groups = range(0, len(parts), _TOGETHER)
        parts = [f"({' + '.join(parts[i : i + _TOGETHER])})" for i in groups]
    return " + ".join(parts)


def clipped(name: str, limit: str) -> str:
    """Return a column within a limit either way."""
    low = f"WHEN {name} < -{limit} THEN -{limit}"
    return f"CASE WHEN {name} > {limit} THEN {limit} {low} ELSE {name} END"
