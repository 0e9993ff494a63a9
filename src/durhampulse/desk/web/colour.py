"""Colours that people choose, and what can be read on them."""

from __future__ import annotations

__all__ = ["contrast", "readable_on", "stylesheet"]

_BLACK, _WHITE = "#000000", "#ffffff"


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours written as ``#rrggbb``, 1 to 21.

    As WCAG 2.2 defines it: https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio.

    Examples
    --------
    >>> round(contrast("#ffffff", "#000000"), 1), round(contrast("#767676", "#ffffff"), 2)
    (21.0, 4.54)
    """
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def readable_on(colour: str) -> str:
    """Return black or white, whichever is easier to read on a colour.

    The product of both contrasts is 21, so the larger is at least 4.58: enough for text of any
    size by WCAG 2.2, 1.4.3 (4.5).
    """
    return max((_BLACK, _WHITE), key=lambda text: contrast(text, colour))


def stylesheet(colour: str) -> str:
    """Return the style by which a page wears a colour.

    Examples
    --------
    >>> stylesheet("#a8480f")
    ':root { --client: #a8480f; --on-client: #ffffff; }'
    """
    return f":root {{ --client: {colour}; --on-client: {readable_on(colour)}; }}"
