"""API keys: 256 random bits each, of which only the SHA-256 is kept."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from durhampulse.exceptions import InputError
from durhampulse.files.export import replacing
from durhampulse.service.filestate import file_state

__all__ = ["SCOPES", "Key", "KeyRing", "Keys", "add_key", "read_keys", "revoke_key"]

_log = logging.getLogger("durhampulse")

SCOPES = ("score", "explain", "model", "metrics")
_PREFIX = "dp_"


@dataclass(frozen=True, kw_only=True)
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
    expires
        Date and time from which it is refused, ISO 8601 with the offset; empty for none.
    revoked, revoked_by
        When it was revoked and by which user of the computer; empty where it was not.
    """

    name: str
    sha256: str
    scopes: tuple[str, ...]
    created: str
    expires: str = ""
    revoked: str = ""
    revoked_by: str = ""

    @property
    def has_expired(self) -> bool:
        """Whether its time is over."""
        return bool(self.expires) and datetime.now(UTC) >= datetime.fromisoformat(self.expires)


class Keys(Protocol):
    """Whatever knows keys."""

    async def find(self, token: str) -> Key | None:
        """Return the key that was presented, if it is one."""
        ...


class KeyRing:
    """The keys of a file, read again whenever the file has changed.

    A key that is added is admitted, and one that is revoked refused, from the next request on. A
    file that cannot be read any more is logged, and the keys stay as they were.

    Parameters
    ----------
    path
        A file of keys.

    Raises
    ------
    InputError
        If it is no such file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._state = file_state(path)
        self._by_hash = _by_hash(path)

    async def find(self, token: str) -> Key | None:
        """Return the key that was presented, if it is one.

        Looked up by its hash: how long that takes says nothing about any key.
        """
        self._refresh()
        key = self._by_hash.get(_hash(token))
        return None if key is None or key.revoked or key.has_expired else key

    def _refresh(self) -> None:
        state = file_state(self._path)
        if state == self._state:
            return
        self._state = state
        try:
            self._by_hash = _by_hash(self._path)
        except InputError as error:
            _log.warning("The keys stay as they were: %s", error)
        else:
            _log.info("%s: read again, keys: %d", self._path, len(self._by_hash))


def _by_hash(path: Path) -> dict[str, Key]:
    return {key.sha256: key for key in read_keys(path)}


def add_key(path: Path, name: str, scopes: Sequence[str], *, days: int | None = None) -> str:
    """Return a new key, shown this once; its hash is added to a file.

    Parameters
    ----------
    path
        The file; made if there is none.
    name, scopes
        Whose key it is, and what it may do.
    days
        After how many days it is refused; never if not given.

    Raises
    ------
    InputError
        If the name is taken or a scope is not known.
    OutputError
        If the file cannot be written; it is as it was.
    """
    if not scopes:
        raise InputError("A key without a scope may do nothing.", f"Use {', '.join(SCOPES)}.")
    if unknown := [scope for scope in scopes if scope not in SCOPES]:
        raise InputError(f"No such scope: {', '.join(unknown)}.", f"Use {', '.join(SCOPES)}.")
    token = _PREFIX + secrets.token_urlsafe(32)
    now = datetime.now(UTC)
    expires = "" if days is None else (now + timedelta(days=days)).isoformat(timespec="seconds")
    created = now.isoformat(timespec="seconds")
    new = Key(
        name=name, sha256=_hash(token), scopes=tuple(scopes), created=created, expires=expires
    )
    with _alone(path):
        keys = read_keys(path) if path.exists() else []
        if any(key.name == name and not key.revoked for key in keys):
            raise InputError(f"{path}: there is a key '{name}' already.", "Choose another name.")
        _write(path, [*keys, new])
    return token


def revoke_key(path: Path, name: str, by: str) -> None:
    """Revoke a key; services that read the file refuse it from their next request on.

    It stays in the file, so that one can see later who had a key and when it ended.

    Parameters
    ----------
    path
        The file.
    name
        Whose key it is. A later one may have the same name.
    by
        Who revokes it.

    Raises
    ------
    InputError
        If there is no key of that name.
    OutputError
        If the file cannot be written; it is as it was.
    """
    now = datetime.now(UTC).isoformat(timespec="seconds")
    with _alone(path):
        keys = read_keys(path)
        names = [key.name for key in keys if not key.revoked]
        if name not in names:
            there = ", ".join(names) or "none"
            raise InputError(f"{path}: there is no key '{name}'.", f"There are: {there}.")
        _write(path, [
            replace(key, revoked=now, revoked_by=by)
            if key.name == name and not key.revoked else key
            for key in keys
        ])  # fmt: skip


def read_keys(path: Path) -> list[Key]:
    """Return the keys of a file, in the order they were made.

    Raises
    ------
    InputError
        If it is no such file.
    """
    try:
        records = json.loads(path.read_text(encoding="utf-8"))
        return [_key(record) for record in records]
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}.", "Make one: durhampulse key add.") from error
    except (ValueError, TypeError, KeyError) as error:
        raise InputError(f"{path}: not a file of keys ({error}).", "Make a new one.") from error


def _key(record: dict[str, Any]) -> Key:
    """Return a key of its record; one whose end is no time with an offset is an error."""
    key = Key(**{**record, "scopes": tuple(record["scopes"])})
    for moment in (key.expires, key.revoked):
        if moment and datetime.fromisoformat(moment).tzinfo is None:
            raise ValueError(f"{moment} without an offset")
    return key


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Keep other processes from changing a file of keys, which is replaced as a whole.

    Its folder is locked, since the file itself is another one afterwards. Windows has no such lock.
    """
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError, ImportError):  # writing says what is wrong
            import fcntl

            folder = os.open(path.parent, os.O_RDONLY)
            stack.callback(os.close, folder)
            fcntl.flock(folder, fcntl.LOCK_EX)
        yield


def _write(path: Path, keys: Sequence[Key]) -> None:
    is_new = not path.exists()
    with replacing(path) as (part,):
        if is_new:  # else a service of another user could read no key that is revoked
            part.chmod(0o600)
        records = [asdict(key) for key in keys]
        part.write_text(json.dumps(records, indent=2) + "\n", encoding="utf-8")


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
