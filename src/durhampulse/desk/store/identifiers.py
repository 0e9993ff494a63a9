"""Creators found by their identifier, in whatever form it is given or was once stored."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, select

from durhampulse.creators.identifiers import canonical_identifier
from durhampulse.desk.store.tables import creator
from durhampulse.files.formulas import spreadsheet_safe

__all__ = ["find_number", "find_numbers", "stored_forms"]

_AT_ONCE = 500


def stored_forms(identifier: str) -> list[str]:
    """Return the forms under which a store may hold a creator, the canonical one first.

    Earlier versions stored identifiers as files wrote them. A migration has renamed those, but
    for creators that had been stored in two forms.

    Examples
    --------
    >>> stored_forms(" 1001.0"), stored_forms("'@lena")
    (['1001', '1001.0'], ['@lena', "'@lena"])
    """
    written = identifier.strip()
    canonical = canonical_identifier(identifier) or written
    forms = [canonical, written, str(spreadsheet_safe(canonical))]
    forms += [f"{canonical}.0"] if canonical.isdecimal() else []
    return [*dict.fromkeys(forms)]


def find_number(db: Connection, identifier: str) -> int | None:
    """Return the number of the creator that an identifier stands for; none if there is none."""
    return find_numbers(db, [identifier]).get(identifier)


def find_numbers(db: Connection, identifiers: Iterable[str]) -> dict[str, int]:
    """Return the numbers of the creators that identifiers stand for; the others are left out."""
    forms = {identifier: stored_forms(identifier) for identifier in identifiers}
    wanted = [*dict.fromkeys(form for some in forms.values() for form in some)]
    numbers: dict[str, int] = {}
    for start in range(0, len(wanted), _AT_ONCE):
        part = creator.c.external_id.in_(wanted[start : start + _AT_ONCE])
        rows = db.execute(select(creator.c.external_id, creator.c.id).where(part))
        numbers |= {row.external_id: row.id for row in rows}
    return {
        identifier: next(numbers[form] for form in some if form in numbers)
        for identifier, some in forms.items()
        if any(form in numbers for form in some)
    }
