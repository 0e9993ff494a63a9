"""The carried columns that creators of the list have, and how a page and a file show them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from sqlalchemy import Connection

from durhampulse.creators.carried import CarriedKind
from durhampulse.desk.store.settings import read_setting, write_setting

__all__ = [
    "CarriedCell", "add_carried", "carried_cells", "picture_of", "profile_of", "read_carried",
]  # fmt: skip

_SETTING = "carried"
_EMAIL = re.compile(r"[^\s@<>\"'(),;:]+@[^\s@<>\"'(),;:]+\.[^\s@<>\"'(),;:]+")
_BARE = re.compile(r"(?i)(www\.)?[a-z0-9-]+(\.[a-z0-9-]+)*\.[a-z]{2,}(/\S*)?")
_WEB = ("http", "https")


@dataclass(frozen=True)
class CarriedCell:
    """What a list says of a creator in one carried column.

    Attributes
    ----------
    kind, header, text
        What it tells, in which column, and what.
    href
        Where it leads; empty where it is not an address.
    """

    kind: str
    header: str
    text: str
    href: str

    @property
    def is_web(self) -> bool:
        """Whether it leads to another site."""
        return self.href.startswith(("http:", "https:"))


def carried_cells(carried: Iterable[Sequence[str]] | None) -> list[CarriedCell]:
    """Return a creator's carried cells, as they can be shown.

    Examples
    --------
    >>> [cell.href for cell in carried_cells([("link", "Profile", "javascript:alert(1)")])]
    ['']
    """
    return [
        CarriedCell(kind, header, text, _href(kind, text)) for kind, header, text in carried or ()
    ]


def profile_of(carried: Iterable[Sequence[str]] | None) -> str:
    """Return where a creator's profile is; empty where the list does not say."""
    return next(_links(carried, "link"), "")


def picture_of(carried: Iterable[Sequence[str]] | None) -> str:
    """Return where a creator's picture is, by TLS; empty where the list does not say.

    Examples
    --------
    >>> picture_of([("picture", "Photo", "http://a.example/1.jpg"), ("picture", "", "b.example/2")])
    'https://b.example/2'
    """
    links = _links(carried, "picture")
    return next((link for link in links if link.lower().startswith("https:")), "")


def _links(carried: Iterable[Sequence[str]] | None, wanted: CarriedKind) -> Iterator[str]:
    links = (_href(kind, text) for kind, _, text in carried or () if kind == wanted)
    return filter(None, links)


def _href(kind: str, text: str) -> str:
    """Return where a cell leads: to the web by http or https, or to a mailbox.

    Examples
    --------
    >>> _href("link", "instagram.com/lena"), _href("email", "lena@example.org")
    ('https://instagram.com/lena', 'mailto:lena@example.org')
    >>> _href("link", "javascript:alert(1)"), _href("link", "http://[")
    ('', '')
    """
    if kind == "email":
        return f"mailto:{quote(text, safe='@+')}" if _EMAIL.fullmatch(text) else ""
    if kind not in ("link", "picture"):
        return ""
    try:
        parts = urlsplit(text)
    except ValueError:
        return ""
    if parts.scheme.lower() in _WEB and parts.netloc and not re.search(r"[\s\\]", text):
        return text
    return f"https://{text}" if _BARE.fullmatch(text) else ""


def add_carried(db: Connection, kinds: Mapping[str, CarriedKind]) -> None:
    """Remember that creators of the list have these columns: header to what it tells."""
    known = read_carried(db)
    if kinds.keys() - known.keys():
        write_setting(db, _SETTING, [[header, kind] for header, kind in {**known, **kinds}.items()])


def read_carried(db: Connection) -> dict[str, CarriedKind]:
    """Return the carried columns of the list: header to what it tells, the first known first."""
    return dict(read_setting(db, _SETTING, []))
