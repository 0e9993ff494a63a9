"""How a file is to be read, as a person has chosen it: plain data for the store, and its digest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields
from typing import Any

from durhampulse.creators.labels import EMPTY
from durhampulse.creators.options import ReadOptions
from durhampulse.creators.rules import ColumnRule
from durhampulse.creators.schema import LABEL
from durhampulse.files.options import TableOptions

__all__ = [
    "digest_of",
    "from_plain",
    "label_rule",
    "place_of",
    "table_choices",
    "to_plain",
]


def to_plain(options: ReadOptions) -> dict[str, Any]:
    """Return options as JSON holds them, without those that say nothing.

    Examples
    --------
    >>> to_plain(ReadOptions(table="2025"))
    {'table': '2025'}
    """
    plain: dict[str, Any] = {}
    for field in fields(options):
        value = getattr(options, field.name)
        if value != _default(field):
            plain[field.name] = _plain(value)
    return plain


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    return [*value] if isinstance(value, tuple) else value


def from_plain(plain: Mapping[str, Any]) -> ReadOptions:
    """Return the options that :func:`to_plain` gave; those of other versions are left out.

    Examples
    --------
    >>> from_plain({"table": "2025", "no longer an option": 1}).table
    '2025'
    """
    kept: dict[str, Any] = {}
    for field in fields(ReadOptions):
        if field.name in plain:
            value = plain[field.name]
            kept[field.name] = tuple(value) if isinstance(_default(field), tuple) else value
    return ReadOptions(**kept)


def _default(field: Field[Any]) -> Any:
    return field.default if field.default_factory is MISSING else field.default_factory()


def table_choices(options: ReadOptions) -> dict[str, Any]:
    """Return the part of the options that says where in a file its table is."""
    return {field.name: getattr(options, field.name) for field in fields(TableOptions)}


def place_of(options: ReadOptions) -> str:
    """Return the hash of where in a file its table is: with it, its columns are others."""
    text = json.dumps(table_choices(options), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def label_rule(options: ReadOptions, header: str) -> ColumnRule | None:
    """Return how outcomes are read by the words a person has named; none where none are."""
    if not options.deal_is and set(options.no_deal_is) != {EMPTY}:
        return None
    return ColumnRule(
        column=LABEL,
        kind="label",
        header=header,
        insisted=True,
        deal=options.deal_is,
        no_deal=options.no_deal_is,
    )


def digest_of(options: ReadOptions, version: str) -> str:
    """Return the hash of options and of the model that reads by them.

    The preview's form carries it, so that nothing is scored otherwise than it was previewed.
    """
    text = json.dumps([to_plain(options), version], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
