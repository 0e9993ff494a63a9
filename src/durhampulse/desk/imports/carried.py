"""Carried columns on their way into the store: who a creator is, as the list says."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa

__all__ = ["carried_cells"]

_LONGEST = 2_000
_LONGEST_NAME = 200
_ODD = re.compile("[\x00-\x1f\x7f]+")
_NAMES = ("name", "handle")
"""Kinds that a creator can be called by, the better first."""


def carried_cells(
    kinds: Mapping[str, str], cells: Mapping[str, pa.Array], identifiers: Sequence[str]
) -> tuple[list[str | None], list[list[list[str]] | None]]:
    """Return what each creator is called, and all that is carried of them.

    Parameters
    ----------
    kinds
        Header to what it tells of a creator.
    cells
        Header to text, shape (n_rows,).
    identifiers
        Of the same rows: a creator is not called by the identifier twice.

    Returns
    -------
    names, carried
        Both of shape (n_rows,), None where nothing is known; what is carried is a list of kind,
        header and text.
    """
    headers = [(kinds[header], header) for header in cells]
    columns = [array.to_pylist() for array in cells.values()]
    names: list[str | None] = []
    carried: list[list[list[str]] | None] = []
    for at, identifier in enumerate(identifiers):
        known = [
            [kind, header, text]
            for (kind, header), column in zip(headers, columns, strict=True)
            if (text := _clean(column[at]))
        ]
        carried.append(known or None)
        names.append(_name(known, identifier))
    return names, carried


def _clean(cell: Any) -> str:
    """Return a cell as a page shows it, without characters that no text has."""
    return "" if cell is None else _ODD.sub(" ", str(cell)).strip()[:_LONGEST]


def _name(known: Iterable[Sequence[str]], identifier: str) -> str | None:
    """Return what a creator is called, other than by the identifier."""
    called = sorted(
        (_NAMES.index(kind), text)
        for kind, _, text in known
        if kind in _NAMES and text != identifier
    )
    return called[0][1][:_LONGEST_NAME] if called else None
