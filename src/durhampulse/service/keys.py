"""API keys: 256 random bits each, of which only the SHA-256 is kept."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from durhampulse.exceptions import InputError

__all__ = ["SCOPES", "Key", "KeyRing", "Keys", "add_key"]

SCOPES = ("score", "explain", "model", "metrics")
_PREFIX = "dp_"


@dataclass(frozen=True)
class Key:
    """A key as it is kept.

    Attributes
    ----------
    name
        Whose it is.
    sha256
        Hash of the key, hexadecimal.
    scopes
        What it may do: some of `SCOPES`.
    created
        Date and time, ISO 8601.
    """

    name: str
    sha256: str
    scopes: tuple[str, ...]
    created: str


class Keys(Protocol):
    """Whatever knows keys."""

    async def find(self, token: str) -> Key | None:
        """Give the key that was presented, if it is one."""
        ...


class KeyRing:
    """The keys of a file."""

    def __init__(self, keys: Sequence[Key]) -> None:
        self._by_hash: Mapping[str, Key] = {key.sha256: key for key in keys}

    async def find(self, token: str) -> Key | None:
        """Give the key that was presented, if it is one.

        Looked up by its hash: how long that takes says nothing about any key.
        """
        return self._by_hash.get(_hash(token))

    @classmethod
    def read(cls, path: Path) -> KeyRing:
        """Read a file of keys.

        Raises
        ------
        InputError
            If it is no such file.
        """
        return cls(_read(path))


def add_key(path: Path, name: str, scopes: Sequence[str]) -> str:
    """Make a key, keep its hash in a file, and give the key: it is shown this once.

    Raises
    ------
    InputError
        If the name is taken or a scope is not known.
    """
    unknown = [scope for scope in scopes if scope not in SCOPES]
    if unknown or not scopes:
        raise InputError(f"No such scope: {', '.join(unknown)}.", f"Use {', '.join(SCOPES)}.")
    keys = _read(path) if path.exists() else []
    if any(key.name == name for key in keys):
        raise InputError(f"{path}: there is a key '{name}' already.", "Choose another name.")
    token = _PREFIX + secrets.token_urlsafe(32)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    keys.append(Key(name, _hash(token), tuple(scopes), now))
    part = path.with_name(path.name + ".part")
    part.touch(mode=0o600)
    part.write_text(json.dumps([asdict(key) for key in keys], indent=2) + "\n", encoding="utf-8")
    part.replace(path)
    return token


def _read(path: Path) -> list[Key]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return [Key(**{**key, "scopes": tuple(key["scopes"])}) for key in found]
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}.", "Make one: durhampulse key add.") from error
    except (ValueError, TypeError, KeyError) as error:
        raise InputError(f"{path}: not a file of keys ({error}).", "Make a new one.") from error


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
