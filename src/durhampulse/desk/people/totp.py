"""Time-based one-time codes, as apps for sign-in codes compute them (RFC 6238)."""

from __future__ import annotations

import base64
import hmac
import secrets
import struct
from datetime import datetime
from urllib.parse import quote, urlencode

__all__ = ["STEP_SECONDS", "app_address", "code_at", "fitting_step", "new_secret"]

STEP_SECONDS = 30
_DIGITS = 6
_TOLERANCE = 1


def new_secret() -> str:
    """Return a new secret: 160 random bits (RFC 4226, 4, R6), in base 32 as people type it."""
    return base64.b32encode(secrets.token_bytes(20)).decode()


def code_at(secret: str, step: int, digits: int = _DIGITS) -> str:
    """Return the code of a secret at a step of time.

    Parameters
    ----------
    secret
        In base 32.
    step
        Seconds since 1970 divided by `STEP_SECONDS`, cut (RFC 6238, 4.2).
    digits
        Length of the code.

    Examples
    --------
    The last test vector of RFC 4226, appendix D, whose secret is "12345678901234567890":

    >>> code_at("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", 9)
    '520489'
    """
    # Apps compute HMAC-SHA1; its known weaknesses do not touch HMAC (RFC 6194, 3.3).
    digest = hmac.digest(base64.b32decode(secret), struct.pack(">Q", step), "sha1")
    offset = digest[-1] & 15
    (number,) = struct.unpack_from(">I", digest, offset)
    return f"{(number & 0x7FFFFFFF) % 10**digits:0{digits}d}"


def fitting_step(secret: str, code: str, at: datetime, after: int = 0) -> int | None:
    """Return the step whose code was typed; none where there is none.

    Parameters
    ----------
    secret
        In base 32.
    code
        As it was typed; blanks do not matter.
    at
        The moment. Clocks may differ by one step (RFC 6238, 5.2).
    after
        The step of the latest code that was taken: none may be used twice.
    """
    typed = "".join(code.split()).encode("utf-8", "replace")
    now = int(at.timestamp()) // STEP_SECONDS
    for step in range(max(now - _TOLERANCE, after + 1), now + _TOLERANCE + 1):
        if hmac.compare_digest(typed, code_at(secret, step).encode()):
            return step
    return None


def app_address(secret: str, name: str, issuer: str) -> str:
    """Return the address by which an app takes over a secret, from a QR code or a link.

    Examples
    --------
    >>> app_address("GEZDGNBV", "Ann Lee", "DurhamPulse")
    'otpauth://totp/DurhamPulse:Ann%20Lee?secret=GEZDGNBV&issuer=DurhamPulse'
    """
    issuer = issuer.replace(":", " ")  # which ends it in the label
    label = f"{quote(issuer, safe='')}:{quote(name, safe='')}"
    query = urlencode({"secret": secret, "issuer": issuer}, quote_via=quote)
    return f"otpauth://totp/{label}?{query}"
