"""Which columns of a table a model reads, and which are carried along beside its scores."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from durhampulse.creators.carried import CarriedKind, carried_kind
from durhampulse.creators.headers import (
    Headers,
    name_columns,
    nearest_header,
    require_extra,
    unclaimed,
)
from durhampulse.creators.identity import identifier_candidates
from durhampulse.creators.options import ReadOptions
from durhampulse.creators.rules import ColumnRule
from durhampulse.creators.schema import COLUMNS, IDENTIFIER, canonical_name
from durhampulse.exceptions import InputError
from durhampulse.irregularities import Ledger

__all__ = ["ModelColumns"]

_KEPT_LAYOUTS, _KEPT_LETTERS = 64, 2_000
"""Layouts of records that are remembered, and the most letters of the headers of one."""


class ModelColumns:
    """The columns that a model knows.

    Parameters
    ----------
    needed
        Those its probabilities rest on.
    seen
        Those looked at for flags and output, too.
    rules
        How they were read in the table it learned from.

    Attributes
    ----------
    usual
        Standard column to the header it had there.
    """

    def __init__(
        self, needed: Sequence[str], seen: Sequence[str], rules: Mapping[str, ColumnRule]
    ) -> None:
        self._needed, self._seen = needed, seen
        self._plain = {*needed, IDENTIFIER}
        known = [rule for rule in rules.values() if rule.header]
        self.usual = {rule.column: rule.header for rule in known if rule.column in COLUMNS}
        self._carried = {rule.header: rule.carries for rule in known if rule.carries}
        self._dropped = {rule.header for rule in known if rule.kind == "dropped"}
        self._layout = lru_cache(maxsize=_KEPT_LAYOUTS)(self._find_layout)

    def find(self, name: str, headers: Sequence[str], options: ReadOptions) -> Headers:
        """Return what :meth:`.Scorer.headers` promises."""
        asked = options.asked()
        again = {*options.keep, *options.feature, *asked.values()}
        gone = {*options.drop, *(self._dropped - again)}
        there = [header for header in headers if header not in gone]
        # A column that the model learned from by its own name is no standard column.
        own = {h for h in there if h in self._seen and h not in COLUMNS} - {*asked.values()}
        others = [header for header in there if header not in own]
        named = name_columns(name, others, asked, Ledger(), usual=self.usual)
        require_extra(name, named, options)
        extra = [h for h in there if h not in named and unclaimed(h) not in self._seen]
        proposed = ""
        if IDENTIFIER not in (*named.values(), *asked):
            proposed = next(iter(identifier_candidates(extra)), "")
        if proposed:
            named[proposed] = IDENTIFIER
            extra.remove(proposed)
        by_column = {named.get(header) or unclaimed(header): header for header in there}
        return Headers(
            columns={c: by_column[c] for c in (IDENTIFIER, *self._seen) if c in by_column},
            absent=self._absent(name, by_column, [h for h in there if h not in named]),
            carried=self._to_carry(name, extra, options),
            proposed=proposed,
        )

    def part(self, record: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
        """Return what a record says of a creator's figures, and what would be carried along.

        The identifier is among the figures, under its own name.
        """
        if record.keys() <= self._plain:
            return dict(record), {}
        headers = tuple(record)
        few = sum(map(len, headers)) <= _KEPT_LETTERS
        name, carried = self._layout(headers) if few else self._find_layout(headers)
        figures = {
            IDENTIFIER if header == name else header: value
            for header, value in record.items()
            if header not in carried
        }
        return figures, {h: str(record[h]) for h in carried if record[h] is not None}

    def _find_layout(self, headers: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
        """Return the header that identifies records, if another does, and those carried along."""
        extra = [
            header
            for header in headers
            if header not in self._seen and header not in COLUMNS and not canonical_name(header)
        ]
        named = {canonical_name(header) or header for header in headers}
        usual = self.usual.get(IDENTIFIER, "")
        name = usual if usual in extra else next(iter(identifier_candidates(extra)), "")
        name = "" if IDENTIFIER in named else name
        carried = (h for h in extra if h != name and (self._carried.get(h) or carried_kind(h)))
        return name, tuple(carried)

    def _absent(
        self, name: str, by_column: Mapping[str, str], unnamed: Sequence[str]
    ) -> dict[str, str]:
        """Return the columns that a table lacks, each with a header that may be meant."""
        absent = {
            column: nearest_header(column, unnamed) or ""
            for column in self._needed
            if column not in by_column
        }
        if len(absent) > len(self._needed) / 2:
            first, near = next(iter(absent.items()))
            n = len(self._needed)
            raise InputError(
                f"{name}: it has {n - len(absent)} of the {n} columns that the model reads and "
                f"needs {n - n // 2}. Not there: {', '.join(absent)}.",
                f"Name them, for example --map {first}={shlex.quote(near or 'HEADER')}.",
            )
        return absent

    def _to_carry(
        self, name: str, headers: Sequence[str], options: ReadOptions
    ) -> dict[str, CarriedKind]:
        """Return what is carried along of the headers that the model does not read."""
        if learned := [header for header in options.keep if unclaimed(header) in self._seen]:
            raise InputError(
                f"{name}: --keep {learned[0]}: the model learned from this column.",
                "Leave --keep out.",
            )
        carried: dict[str, CarriedKind] = {}
        for header in headers:
            kind = self._carried.get(header) or carried_kind(header)
            if kind or header in options.keep:
                carried[header] = kind or "other"
        return carried
