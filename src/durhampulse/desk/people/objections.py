"""Creators who have objected: known by a hash that the store's own key makes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Self

from sqlalchemy import Connection, select

from durhampulse.desk.store import clock
from durhampulse.desk.store.database import insert_or
from durhampulse.desk.store.identifiers import earlier_forms, stored_forms
from durhampulse.desk.store.keyed import keyed_hash, read_key, with_key
from durhampulse.desk.store.tables import objection

__all__ = ["Objections", "add_objection"]


@dataclass(frozen=True)
class Objections:
    """Who must be left out of imports.

    Attributes
    ----------
    digests
        The HMAC of each identifier's SHA-256.
    key
        The key of the store; empty where nobody has objected.
    """

    digests: frozenset[str] = frozenset()
    key: bytes = b""

    @classmethod
    def read(cls, db: Connection) -> Self:
        """Return the objections of a store."""
        digests = frozenset(db.scalars(select(objection.c.digest)))
        return cls(digests, read_key(db) or b"") if digests else cls()

    def hold(self, canonical: str) -> bool:
        """Whether a creator, by the canonical identifier, has objected.

        Earlier versions kept the hash of the identifier as it was written; those forms count too.
        """
        if not self.digests:
            return False
        forms = (canonical, *earlier_forms(canonical))
        return any(with_key(self.key, _sha256(form)) in self.digests for form in forms)


def add_objection(db: Connection, identifier: str) -> None:
    """Have later imports leave a creator out."""
    digest = keyed_hash(db, _sha256(stored_forms(identifier)[0]))
    row = insert_or(db, objection).values(digest=digest, at=clock.now())
    db.execute(row.on_conflict_do_nothing())


def _sha256(text: str) -> str:
    """Return the hash that versions without a key kept: so theirs could be carried over."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
