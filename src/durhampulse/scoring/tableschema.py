"""What a table has to hold to be scored, as a Frictionless `Table Schema`_.

It is the contract for whoever builds the table: plain numbers, rates in the model's unit. A scorer
reads much else, such as ``1.2M``, by the rules in the manifest.

.. _Table Schema: https://datapackage.org/standard/table-schema/
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from durhampulse.creators.rules import ColumnRule
from durhampulse.creators.schema import COLUMNS

__all__ = ["table_schema"]

_MOST_LEVELS = 100
_TYPES = {"count": "number", "rate": "number", "any": "number"}


def table_schema(rules: Iterable[ColumnRule], features: Collection[str]) -> dict[str, Any]:
    """Return the schema of tables that a model scores.

    Parameters
    ----------
    rules
        How the model's columns are read.
    features
        The columns it uses. Identifier and carried columns are described too.

    Returns
    -------
    dict
        Plain data. No column is required: a missing one is done without, and said.
    """
    wanted = [
        rule for rule in rules
        if rule.column in features or rule.kind in ("identifier", "carried")
    ]  # fmt: skip
    return {
        "$schema": "https://datapackage.org/profiles/2.0/tableschema.json",
        "fields": [_field(rule) for rule in wanted],
        "fieldsMatch": "partial",
        "missingValues": [""],
    }


def _field(rule: ColumnRule) -> dict[str, Any]:
    standard = COLUMNS.get(rule.column)
    field: dict[str, Any] = {
        "name": rule.header or rule.column,
        "type": _TYPES.get(rule.kind, "string"),
        "description": _meaning(rule),
    }
    if standard is not None and rule.numeric:
        scale = 100 if rule.unit == "percent" else 1
        low, high = (bound * scale / rule.size for bound in standard.possible)
        field["constraints"] = {"minimum": low, "maximum": high}
    if 0 < len(rule.levels) <= _MOST_LEVELS:
        field["categories"] = [*rule.levels]
    return field


def _meaning(rule: ColumnRule) -> str:
    if rule.kind == "carried":
        return "carried along, never looked at"
    standard = COLUMNS.get(rule.column)
    meaning = standard.meaning if standard else "a column of the model's own table"
    if rule.kind == "rate":
        return f"{meaning}, as a {'percentage' if rule.unit == 'percent' else 'fraction'}"
    if rule.levels:
        return f"{meaning}; another level has no precedent"
    return meaning
