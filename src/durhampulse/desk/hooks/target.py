"""Where messages may go: addresses that are checked, and the connection to just those."""

from __future__ import annotations

import http.client
import ipaddress
import re
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from urllib.parse import SplitResult, urlsplit

from durhampulse.exceptions import InputError

__all__ = ["RefusedError", "check_url", "post"]

_LONGEST = 500
_SECONDS = 10.0
"""For a connection, and for each wait after it; twice that for all together."""
_MOST_ADDRESSES = 3


class RefusedError(Exception):
    """An endpoint that must not be asked: it lies in a private network."""


def check_url(url: str, *, private: bool = False) -> str:
    """Return an endpoint's address, without blanks around it.

    Parameters
    ----------
    url
        As typed.
    private
        Whether it may lie in a private network; then it may do without TLS on this machine.

    Raises
    ------
    InputError
        If it is no address that messages may be sent to.
    """
    url, parts, port = url.strip(), SplitResult("", "", "", "", ""), None
    with suppress(ValueError):
        parts = urlsplit(url)
        (parts.hostname or "").encode("idna")  # an empty or long label has no address to look up
        port = parts.port or 443
    if port is None or not parts.hostname or len(url) > _LONGEST or re.search(r"[^!-~]", url):
        raise InputError(f"'{url[:60]}' is no address.", "Write https://host/path.", "url")
    if "@" in parts.netloc or parts.fragment:
        raise InputError("An address holds no name, password or fragment.", "Leave it out.", "url")
    plain = parts.scheme == "http" and private and _is_here(parts.hostname)
    if parts.scheme != "https" and not plain:
        raise InputError("Messages are sent by https only.", "Write https://host/path.", "url")
    literal = _as_address(parts.hostname)
    if not private and (_is_here(parts.hostname) or (literal and not _is_public(literal))):
        raise InputError(
            "This lies in a private network.",
            "Whoever may open the store can allow it: durhampulse desk add-hook --private.", "url",
        )  # fmt: skip
    return url


def post(url: str, body: bytes, headers: Mapping[str, str], *, private: bool) -> int:
    """Send a message; return the status of the answer, of which nothing else is read.

    The name is looked up once, all that it stands for is checked, and the connection goes to the
    first address that takes it. Redirects are not followed.

    Raises
    ------
    RefusedError
        If it lies in a private network, and must not.
    OSError, http.client.HTTPException
        If none of three addresses takes the connection within ten seconds, or there is no answer
        within another twenty.
    """
    parts = urlsplit(url)
    host, secure = str(parts.hostname), parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    with _connected(_resolve(host, port, private=private), host, secure=secure) as connection:
        place = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("POST", place, body, {**headers, "host": parts.netloc})
        return connection.getresponse().status


def _resolve(host: str, port: int, *, private: bool) -> list[tuple[str, int]]:
    """Return the addresses to connect to, with the port."""
    infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [str(info[4][0]) for info in infos]
    if not private and not all(_is_public(ipaddress.ip_address(address)) for address in addresses):
        raise RefusedError("It lies in a private network.")
    return [(address, port) for address in dict.fromkeys(addresses)][:_MOST_ADDRESSES]


def _connect(addresses: Sequence[tuple[str, int]]) -> socket.socket:
    """Return a connection to the first address that takes it, as where IPv6 leads nowhere."""
    *others, last = addresses
    for address in others:
        with suppress(OSError):
            return socket.create_connection(address, _SECONDS)
    return socket.create_connection(last, _SECONDS)


@contextmanager
def _connected(
    addresses: Sequence[tuple[str, int]], host: str, *, secure: bool
) -> Iterator[http.client.HTTPConnection]:
    """Yield a connection to a host, by TLS for its name; cut off when it takes long."""
    sock = _connect(addresses)
    late = threading.Timer(2 * _SECONDS, lambda: _cut(sock))
    late.daemon = True
    late.start()
    try:
        if secure:
            sock = _trusted().wrap_socket(sock, server_hostname=host)
        connection = http.client.HTTPConnection(host)
        connection.sock = sock
        yield connection
    finally:
        late.cancel()
        sock.close()


def _cut(sock: socket.socket) -> None:
    with suppress(OSError):
        socket.socket.shutdown(sock, socket.SHUT_RDWR)


@cache
def _trusted() -> ssl.SSLContext:
    return ssl.create_default_context()


def _is_here(host: str) -> bool:
    literal = _as_address(host)
    return literal.is_loopback if literal else host == "localhost" or host.endswith(".localhost")


def _as_address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _is_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Whether an address lies in the internet, and not in a network of one's own.

    Examples
    --------
    >>> [_is_public(ipaddress.ip_address(one)) for one in ("1.1.1.1", "10.0.0.1", "::ffff:10.0.0.1",
    ...                                                    "169.254.169.254", "64:ff9b::a00:1")]
    [True, False, False, False, False]
    """
    if isinstance(address, ipaddress.IPv6Address):
        within = address.ipv4_mapped or address.sixtofour
        if within is not None:
            return _is_public(within)
        if address in _NAT64 or address.teredo is not None:
            return False
    return address.is_global and not address.is_multicast


_NAT64 = ipaddress.ip_network("64:ff9b::/96")
