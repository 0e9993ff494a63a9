"""Messages and their signatures, as Standard Webhooks 1.0.0 has them.

Source: https://github.com/standard-webhooks/standard-webhooks, spec/standard-webhooks.md.
"""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row

from durhampulse.desk.store.keyed import keyed_hash

__all__ = ["PREFIX", "body_of", "headers_of", "secret_of", "signature"]

PREFIX = "whsec_"


def secret_of(db: Connection, name: str, generation: int) -> str:
    """Return an endpoint's secret: 32 bytes in Base64, behind ``whsec_``.

    It is worked out of the store's own key each time and stands in no table. Whoever can read the
    whole store can work it out as well.

    Parameters
    ----------
    db
        A connection that writes, where the store may have no key yet.
    name, generation
        Of the endpoint; another generation has another secret.
    """
    raw = bytes.fromhex(keyed_hash(db, f"webhook {name} {generation}"))
    return PREFIX + base64.b64encode(raw).decode("ascii")


def signature(secret: str, message: str, at: int, body: bytes) -> str:
    """Return a signature of version 1: HMAC-SHA256 of number, time and body.

    Parameters
    ----------
    secret
        As `secret_of` gives it.
    message
        The message's identifier, the same however often it is sent.
    at
        When it is sent, in seconds since 1970.
    body
        What is sent.

    Examples
    --------
    The example of the standard's own libraries:

    >>> secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    >>> message, body = "msg_p5jXN8AQM9LWM0D4loKWxJek", b'{"test": 2432232314}'
    >>> signature(secret, message, 1614265330, body)
    'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE='
    """
    key = base64.b64decode(secret.removeprefix(PREFIX))
    digest = hmac.digest(key, f"{message}.{at}.".encode() + body, "sha256")
    return f"v1,{base64.b64encode(digest).decode('ascii')}"


def headers_of(secrets: Sequence[str], message: str, at: int, body: bytes) -> dict[str, str]:
    """Return a message's headers, signed with each of some secrets."""
    return {
        "content-type": "application/json",
        "user-agent": "DurhamPulse",
        "webhook-id": message,
        "webhook-timestamp": str(at),
        "webhook-signature": " ".join(signature(secret, message, at, body) for secret in secrets),
    }


def body_of(row: Row[Any]) -> bytes:
    """Return what is said of a delivery: whom and what, and nothing else about anybody."""
    about: Mapping[str, Any]
    if row.kind.startswith("decision."):
        about = {"decision": row.decision, "review": row.source_id}
    else:
        about = {"deal": row.deal, "on": row.on.isoformat(), "outcome": row.source_id}
    moment: datetime = row.at.astimezone(UTC)
    message = {
        "type": row.kind,
        "timestamp": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "data": {"creator": row.external_id, **about},
    }
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()
