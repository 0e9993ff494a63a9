"""Forms whose session has ended: kept over the sign-in, so that nothing typed is lost.

Only a form sent from a page of the desk itself is kept, and it is sent again by a button of the
new session, never by itself: a foreign site cannot have its form adopted.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Self
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit

from fastapi import Request

__all__ = [
    "LARGEST_FORM",
    "KeptForm",
    "is_foreign",
    "is_same_origin",
    "is_urlencoded",
    "keep_form",
    "local_path",
    "page_named",
    "split_address",
]

_LARGEST = 1 << 16
LARGEST_FORM = 4 * _LARGEST
"""Bytes of a sign-in that keeps such a form: written once more, its signs take three each."""
_SECONDS = 10
"""In which it has to arrive: nobody knows who sends it."""
_URLENCODED = "application/x-www-form-urlencoded"
_TECHNICAL = ("request_name", "seen", "back", "creator", "review", "kept", "kept_for")
_SECRET = ("password", "code")


@dataclass(frozen=True)
class KeptForm:
    """A form that could not be taken.

    Attributes
    ----------
    path
        Where it was sent.
    fields
        Names and values, without the token of the session that has ended.
    """

    path: str
    fields: tuple[tuple[str, str], ...]

    @property
    def text(self) -> str:
        """The fields as one text, for a hidden field of another form."""
        return urlencode(self.fields)

    @property
    def readable(self) -> list[tuple[str, str]]:
        """The fields that a person has filled in."""
        return [(name, value) for name, value in self.fields
                if value and name not in _TECHNICAL and not name.startswith(_SECRET)]  # fmt: skip

    @property
    def is_secret(self) -> bool:
        """Whether a field holds what may stand in no page: a password, or a code."""
        return any(name.startswith(_SECRET) for name, _ in self.fields)

    @classmethod
    def read(cls, path: str, text: str) -> Self | None:
        """Return the form of a path and a text; none where there is none."""
        if not local_path(path):
            return None
        pairs = parse_qsl(text[:_LARGEST], keep_blank_values=True)
        return cls(path, tuple((name, value) for name, value in pairs if name != "csrf"))


async def keep_form(request: Request) -> KeptForm | None:
    """Return the form of a request; none if it is foreign, holds a file, or is too large."""
    size = request.headers.get("content-length", "")
    small = size.isascii() and size.isdecimal() and len(size) < 9 and int(size) <= _LARGEST
    if request.method != "POST" or not (
        small and is_urlencoded(request) and is_same_origin(request)
    ):
        return None
    try:
        async with asyncio.timeout(_SECONDS):
            form = await request.form()
    except TimeoutError:
        return None
    fields = [(name, str(value)) for name, value in form.multi_items() if name != "csrf"]
    return KeptForm(request.url.path, tuple(fields))


def is_urlencoded(request: Request) -> bool:
    """Whether the request holds a form without files."""
    kind = request.headers.get("content-type", "").partition(";")[0]
    return kind.strip().lower() == _URLENCODED


def is_same_origin(request: Request) -> bool:
    """Whether a browser says that a page of this desk sent the request."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = request.headers.get("origin", "")
    return bool(origin) and split_address(origin).netloc == request.headers.get("host")


def split_address(address: str) -> SplitResult:
    """Return the parts of an address that a request names; empty ones of half a bracket."""
    try:
        return urlsplit(address)
    except ValueError:
        return urlsplit("")


def is_foreign(request: Request) -> bool:
    """Whether a browser says that another site sent the request; programs say nothing."""
    if "sec-fetch-site" not in request.headers and "origin" not in request.headers:
        return False
    return request.headers.get("sec-fetch-site") != "none" and not is_same_origin(request)


def local_path(path: str) -> str:
    """Return a path of this desk, or nothing: nobody is redirected to another site.

    Examples
    --------
    >>> local_path("/queue"), local_path("//evil.example/queue")
    ('/queue', '')
    """
    fine = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path[:2000] if fine else ""


def page_named(request: Request, header: str) -> str:
    """Return the page of this desk that a header names; empty if it names none."""
    named = split_address(request.headers.get(header, ""))
    if named.netloc != request.headers.get("host"):
        return ""
    return local_path(named.path + (f"?{named.query}" if named.query else ""))
