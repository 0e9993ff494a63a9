"""The declared exports: what each column holds, and what must become of it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

__all__ = ["Export", "Field", "declared_exports"]

FOLDER = Path(__file__).parent / "exports"


@dataclass(frozen=True)
class Field:
    """One column of an export.

    Attributes
    ----------
    header
        As the export writes it.
    right
        What must become of it: a standard column, ``label``, ``id``, ``carried:KIND``,
        ``protected``, ``unused``, ``feature``, ``apart`` (anything but learned from) or ``any``;
        alternatives are parted by ``|``.
    cells
        ``stock`` or ``stock:form`` (see :mod:`tests.corpus.stock`), or a table of written cells.
    """

    header: str
    right: str
    cells: str | Mapping[str, Any]

    @property
    def rights(self) -> tuple[str, ...]:
        """The readings that are right."""
        return tuple(self.right.split("|"))

    @property
    def form(self) -> str:
        """How its figures are written; empty where its cells are text."""
        return self.cells.partition(":")[2] if isinstance(self.cells, str) else ""


@dataclass(frozen=True, kw_only=True)
class Export:
    """One export.

    Attributes
    ----------
    name, product
        Its name in the corpus and the tool it comes from.
    tests
        What it tests, for the page.
    source
        Title and public address of the page that describes it, or why there is none.
    named
        Whether the page names these headers (else it describes the figures, in other words).
    fields
        Its columns in order.
    language, locale, encoding, top, format
        How the tool itself writes it: language of its text, locale of its numbers, and so on.
    ask
        Options one of which the program must ask for; a silent reading is wrong. Empty where
        either is right.
    given
        Options that whoever brings the table gives at once, such as the column of the outcome.
    answers
        What a person who knows the table answers, by option without its dashes.
    """

    name: str
    product: str
    tests: str
    source: str
    named: bool
    fields: tuple[Field, ...]
    language: str = "en"
    locale: str = "en"
    encoding: str = "utf-8"
    top: str = "none"
    format: str = "comma"
    ask: tuple[str, ...] = ()
    given: Mapping[str, Any] = field(default_factory=dict)
    answers: Mapping[str, Any] = field(default_factory=dict)


@cache
def declared_exports() -> tuple[Export, ...]:
    """Return all exports in the order of their files.

    Raises
    ------
    ValueError
        If two carry one name.
    """
    exports = [
        _export(entry)
        for path in sorted(FOLDER.glob("*.toml"))
        for entry in tomllib.loads(path.read_text(encoding="utf-8"))["export"]
    ]
    names = [export.name for export in exports]
    if len(set(names)) < len(names):
        raise ValueError(f"two exports of one name among {sorted(names)}")
    return tuple(exports)


def _export(entry: dict[str, Any]) -> Export:
    fields = tuple(Field(*column) for column in entry.pop("columns"))
    ask = tuple(entry.pop("ask", ()))
    return Export(fields=fields, ask=ask, **entry)
