"""How the desk is reached, what its pages reach, and what TLS makes possible."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Self
from urllib.parse import SplitResult, urlsplit

from python_multipart.multipart import parse_options_header
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from durhampulse.exceptions import InputError
from durhampulse.service.headers import hsts_headers

__all__ = ["HOST_COOKIES", "Exposure", "HostCookies", "KnownHost", "Utf8Forms", "page_headers"]

HOST_COOKIES = "durhampulse.host_cookies"
"""Key of a scope whose cookies have lost their prefix."""

_OURS = b"durhampulse"
_ANYWHERE = ("/healthz", "/readyz", "/static/")
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:{}; "
    "connect-src 'self'; font-src 'self'; form-action 'self'; object-src 'none'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
"""Content-Security-Policy of every page: nothing written into it, and nothing from elsewhere but
pictures, where they are shown."""
_HEADERS = {
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}


@dataclass(frozen=True)
class Exposure:
    """How the desk is reached.

    Attributes
    ----------
    address
        With which links begin, such as ``https://desk.example``; the Host header is not believed.
        Of a desk below a path it ends with that, once the desk is served.
    host
        The only host that requests may name; any if empty.
    hsts
        Whether browsers are told to use TLS only, for a year (RFC 6797).
    pictures
        Whether pages load creators' pictures, from the sites where the list says they are.
    """

    address: str = ""
    host: str = ""
    hsts: bool = False
    pictures: bool = False

    @classmethod
    def read(cls, public_url: str | None, *, hsts: bool = False, pictures: bool = False) -> Self:
        """Return the exposure of an address that was given, or was not.

        Raises
        ------
        InputError
            If it is not of the form ``https://desk.example``.
        """
        if public_url is None:
            return cls(hsts=hsts, pictures=pictures)
        parts = SplitResult("", "", "", "", "")
        with suppress(ValueError):  # of half a bracket
            parts = urlsplit(public_url.rstrip("/"))
        fine = parts.scheme in ("http", "https") and parts.hostname and not parts.username
        if not fine or parts.path or parts.query or parts.fragment or not public_url.isprintable():
            raise InputError(
                f"{public_url!r} is not the address of a desk.",
                "Write it as --public-url https://desk.example, without a path.",
            )
        host = _plain_host(parts.netloc, parts.scheme)
        return cls(public_url.rstrip("/"), host, hsts, pictures)


def _plain_host(host: str, scheme: str) -> str:
    """Return a host as it is compared: lower case, without the port that goes without saying.

    Examples
    --------
    >>> _plain_host("Desk.example:443", "https"), _plain_host("desk.example:8443", "https")
    ('desk.example', 'desk.example:8443')
    """
    return host.lower().removesuffix(":443" if scheme == "https" else ":80")


def page_headers(exposure: Exposure) -> dict[str, str]:
    """Return the headers of every answer, by which a browser keeps pages to themselves."""
    policy = _POLICY.format(" https:" if exposure.pictures else "")
    return {"content-security-policy": policy, **_HEADERS, **hsts_headers(exposure.hsts)}


class KnownHost:
    """ASGI middleware that refuses requests for any other host; probes name an address instead.

    Parameters
    ----------
    app
        What answers.
    host
        As of :class:`Exposure`.
    refusal
        What answers a request for another host; its page has the desk's style.
    """

    def __init__(self, app: ASGIApp, host: str, refusal: ASGIApp) -> None:
        self._app, self._host, self._refusal = app, host, refusal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request for the desk's own host on."""
        if scope["type"] == "http" and self._host and not scope["path"].startswith(_ANYWHERE):
            asked = Headers(scope=scope).get("host", "")
            if _plain_host(asked, scope["scheme"]) != self._host:
                await self._refusal(scope, receive, send)
                return
        await self._app(scope, receive, send)


class Utf8Forms:
    """ASGI middleware that has forms read as UTF-8, whatever encoding their sender names.

    Browsers name none (RFC 7578, 4.1). By another a stranger could write half a character, which no
    database takes and no page can show.

    Parameters
    ----------
    app
        What answers.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; of its form's type the boundary is left alone."""
        if scope["type"] == "http":
            headers = MutableHeaders(scope=scope)
            kind, options = parse_options_header(headers.get("content-type"))
            if kind == b"multipart/form-data" and b"charset" in options:
                boundary = options.get(b"boundary", b"").decode("latin-1")
                headers["content-type"] = f'multipart/form-data; boundary="{boundary}"'
        await self._app(scope, receive, send)


class HostCookies:
    """ASGI middleware that keeps the desk's cookies as ``__Host-`` ones behind TLS.

    A browser takes such a cookie only from the host itself, over TLS, so that neither another host
    of the domain nor somebody on the way can plant one (RFC 6265bis, 4.1.3.2). Inside, cookies
    have their plain names; one that comes without the prefix is not the desk's, and is dropped.
    A desk below a path shares its host, so its cookies are ``__Secure-`` ones of that path.

    Parameters
    ----------
    app
        What answers.
    path
        Path under which a proxy shows the desk; empty for none.
    """

    def __init__(self, app: ASGIApp, path: str = "") -> None:
        self._app = app
        self._prefix = b"__Secure-" if path else b"__Host-"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on with its cookies renamed, and its answer back likewise."""
        secure = scope["type"] == "http" and scope["scheme"] == "https"
        if not secure or HOST_COOKIES in scope:
            await self._app(scope, receive, send)
            return

        async def with_prefix(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [*_prefixed(message["headers"], self._prefix)]
                message = {**message, "headers": headers}
            await send(message)

        headers = [
            (name, _unprefixed(value, self._prefix) if name == b"cookie" else value)
            for name, value in scope["headers"]
        ]
        await self._app({**scope, "headers": headers, HOST_COOKIES: True}, receive, with_prefix)


def _unprefixed(cookies: bytes, prefix: bytes) -> bytes:
    pairs = [pair.strip() for pair in cookies.split(b";")]
    kept = [pair for pair in pairs if not pair.startswith(_OURS)]
    ours = prefix + _OURS
    return b"; ".join(pair.removeprefix(prefix) if pair.startswith(ours) else pair for pair in kept)


def _prefixed(
    headers: Iterable[tuple[bytes, bytes]], prefix: bytes
) -> Iterator[tuple[bytes, bytes]]:
    for name, value in headers:
        if name == b"set-cookie" and value.startswith(_OURS):
            secure = b"" if b"; secure" in value.lower() else b"; Secure"
            yield name, prefix + value + secure
        else:
            yield name, value
