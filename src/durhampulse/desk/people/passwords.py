"""Passwords: no common ones, hashed with Argon2, compared in a time that tells nothing."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from zxcvbn import zxcvbn

from durhampulse.exceptions import InputError

__all__ = ["hash_password", "password_fits"]

_SHORTEST, _LONGEST = 10, 200
_STRONG = 3
"""Of zxcvbn's scores the one from 10**8 guesses on, which no limited sign-in lets through."""
_LOOKED_AT = 32
"""Characters that are looked at: with 72 a password made for it takes five seconds."""
_CONTEXT = ("durhampulse", "durham", "pulse", "sponsorship", "influencer", "creator", "partnership")
"""Words that guessers of this desk try first, beside the person's name (ASVS 5.0, 6.1.2)."""


@cache
def _hasher() -> PasswordHasher:
    return PasswordHasher()


@cache
def _dummy_hash() -> str:
    """Return a hash to compare with where there is no such person: the answer takes as long."""
    return _hasher().hash(secrets.token_hex())


def hash_password(password: str, about: Iterable[str] = ()) -> str:
    """Return the hash of a new password.

    Parameters
    ----------
    password
        As it was typed.
    about
        What a guesser would try first, such as the person's name.

    Raises
    ------
    InputError
        If it is too short, too long, or easily guessed: a common password, a word of the context,
        a name, a date, a row of keys, or little more, by zxcvbn (Wheeler, USENIX Security 2016).
    """
    if not _SHORTEST <= len(password) <= _LONGEST:
        raise InputError(
            f"A password has {_SHORTEST} to {_LONGEST} characters.", "Choose another.", "password"
        )
    words = [*_CONTEXT]
    for text in about:
        words += [text, "".join(text.split()), *text.split()]
    if zxcvbn(password[:_LOOKED_AT], user_inputs=words)["score"] < _STRONG:
        raise InputError(
            "That password is among the first that a guesser tries.",
            "Choose another, such as four words that have nothing to do with each other.",
            "password",
        )
    return _hasher().hash(password)


def password_fits(stored_hash: str | None, password: str) -> bool:
    """Whether a password has a stored hash; without one it never has, after as long a time."""
    try:
        fits = _hasher().verify(stored_hash or _dummy_hash(), password[: _LONGEST + 1])
    except VerificationError:
        return False
    return fits and stored_hash is not None
