"""Passwords: hashed with Argon2, and compared in a time that does not tell whether one exists."""

from __future__ import annotations

import secrets
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError

from durhampulse.exceptions import InputError

__all__ = ["hash_password", "password_fits"]

_SHORTEST, _LONGEST = 10, 200


@cache
def _hasher() -> PasswordHasher:
    return PasswordHasher()


@cache
def _dummy_hash() -> str:
    """Return a hash to compare with where there is no such person: the answer takes as long."""
    return _hasher().hash(secrets.token_hex())


def hash_password(password: str) -> str:
    """Return the hash of a new password.

    Raises
    ------
    InputError
        If it is too short or too long.
    """
    if not _SHORTEST <= len(password) <= _LONGEST:
        raise InputError(
            f"A password has {_SHORTEST} to {_LONGEST} characters.", "Choose another.", "password"
        )
    return _hasher().hash(password)


def password_fits(stored_hash: str | None, password: str) -> bool:
    """Whether a password has a stored hash; without one it never has, after as long a time."""
    try:
        fits = _hasher().verify(stored_hash or _dummy_hash(), password[: _LONGEST + 1])
    except VerificationError:
        return False
    return fits and stored_hash is not None
