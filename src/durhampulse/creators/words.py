"""Words that stand for nothing, and what does not tell two words apart."""

from __future__ import annotations

import re
import unicodedata

__all__ = ["NULL_WORDS", "folded"]

NULL_WORDS = frozenset(
    {"", "-", "--", "?", "na", "n/a", "n/a'", "n.a.", "nan", "null", "none", "missing", "#n/a"}
    | {"#valor!", "#value!", "#wert!", "#ref!", "#div/0!", "#name?", "#num!", "#null!"}
)
"""Words and spreadsheet errors that stand for a missing value, in lower case."""

_POINT = re.compile(r"([+-]?\d+)\.0+")


def folded(word: str) -> str:
    """Return a word without what does not tell levels apart: case, blanks, width of letters.

    Examples
    --------
    >>> folded(" Full  HD "), folded("7.0")
    ('full hd', '7')
    """
    key = " ".join(unicodedata.normalize("NFKC", word).casefold().split())
    whole = _POINT.fullmatch(key)
    return whole[1] if whole else key
