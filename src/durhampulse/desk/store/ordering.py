"""The edition of the list's order, which ends when what creators are sorted by changes."""

from __future__ import annotations

import secrets

from sqlalchemy import Connection

from durhampulse.desk.store.settings import read_setting, write_setting

__all__ = ["order_edition", "renew_order"]

_SETTING = "order"


def renew_order(db: Connection) -> None:
    """Begin another edition, in the transaction that changes figures or scores of creators."""
    write_setting(db, _SETTING, secrets.token_hex(8))


def order_edition(db: Connection) -> str:
    """Return the edition of the order; empty before the first change."""
    return str(read_setting(db, _SETTING, ""))
