"""Text that is the address of a page or a mailbox, and the link that leads there."""

from __future__ import annotations

import re
from urllib.parse import quote

__all__ = ["link_of"]

_PAGE = re.compile(r"https?://[^\s/?#@]+\.[^\s/?#@]+([/?#]\S*)?", re.IGNORECASE)
_BARE = re.compile(r"(www\.)?[a-z0-9-]+(\.[a-z0-9-]+)*\.[a-z]{2,}/\S*|www\.\S+\.\S+", re.IGNORECASE)
_MAIL = re.compile(r"[\w.+'-]+@[\w-]+(\.[\w-]+)+")
_LONGEST = 2_000
"""Once its letters are escaped; a spreadsheet takes 2,079."""


def link_of(text: str) -> str | None:
    """Return where a text leads when it is clicked: ``https:``, ``http:`` or ``mailto:``, or None.

    Other schemes, such as ``javascript:`` and ``file:``, lead nowhere, nor do addresses with a
    user's name before the host, which show one place and lead to another.

    Examples
    --------
    >>> [link_of(text) for text in ("https://a.tv/lena", "a.com/@lena", "lena@mail.eu", "4.5")]
    ['https://a.tv/lena', 'https://a.com/@lena', 'mailto:lena@mail.eu', None]
    """
    text = text.strip()
    if len(text) > _LONGEST // 9 and len(quote(text)) > _LONGEST:  # nine for one of 3 bytes
        return None
    if _PAGE.fullmatch(text):
        return text
    if _MAIL.fullmatch(text):
        return f"mailto:{text}"
    return f"https://{text}" if _BARE.fullmatch(text) else None
