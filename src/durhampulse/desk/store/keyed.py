"""References to what the store must not keep as it is: hashes by a key of the store."""

from __future__ import annotations

import hmac
import secrets

from sqlalchemy import Connection

from durhampulse.desk.store.database import insert_or
from durhampulse.desk.store.settings import read_setting
from durhampulse.desk.store.tables import setting

__all__ = ["keyed_hash", "read_key", "with_key"]

_SETTING = "hash_key"


def keyed_hash(db: Connection, text: str) -> str:
    """Return the HMAC-SHA256 (RFC 2104) of a text by the store's own key, in hexadecimal.

    Who has the hash alone cannot try out which text it is of. The key is made by the first call,
    in the connection's transaction.
    """
    key = read_key(db)
    if key is None:
        row = insert_or(db, setting).values(name=_SETTING, value=secrets.token_hex(32))
        db.execute(row.on_conflict_do_nothing())
        key = read_key(db) or b""
    return with_key(key, text)


def read_key(db: Connection) -> bytes | None:
    """Return the store's key; None before the first hash."""
    key = read_setting(db, _SETTING)
    return None if key is None else bytes.fromhex(key)


def with_key(key: bytes, text: str) -> str:
    """Return the HMAC-SHA256 of a text by a key, in hexadecimal."""
    return hmac.digest(key, text.encode("utf-8", "replace"), "sha256").hex()
