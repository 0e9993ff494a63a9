"""References to what the store must not keep as it is: hashes by a key of the store."""

from __future__ import annotations

import hashlib
import hmac
import secrets

from sqlalchemy import Connection

from durhampulse.desk.store.database import insert_or, read_setting
from durhampulse.desk.store.tables import setting

__all__ = ["keyed_hash"]

_SETTING = "hash_key"


def keyed_hash(db: Connection, text: str) -> str:
    """Return the HMAC-SHA256 (RFC 2104) of a text by the store's own key, in hexadecimal.

    Who has the hash alone cannot try out which text it is of. The key is made by the first call,
    in the connection's transaction.
    """
    key = read_setting(db, _SETTING)
    if key is None:
        row = insert_or(db, setting).values(name=_SETTING, value=secrets.token_hex(32))
        db.execute(row.on_conflict_do_nothing())
        key = read_setting(db, _SETTING)
    return hmac.new(bytes.fromhex(key), text.encode("utf-8", "replace"), hashlib.sha256).hexdigest()
