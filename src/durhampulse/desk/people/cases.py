"""Words in whichever case they are written: letters that become several in another case too."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache

from sqlalchemy import ColumnElement, func

__all__ = ["any_case", "may_contain"]

_LAST_OF_SEVERAL = 0x10000  # no letter beyond becomes several (Unicode's CaseFolding.txt, status F)


def any_case(words: Iterable[str]) -> str:
    """Return a regular expression that finds each of some words, its case ignored.

    Python's and RE2's own ignoring of case compares letter by letter, so that ß and SS differ.

    Examples
    --------
    >>> [bool(re.search(any_case(["Straße"]), text, re.IGNORECASE)) for text in ("STRASSE", "Str.")]
    [True, False]
    """
    either = "|".join(map(re.escape, _several()))
    return "|".join(
        re.sub(either, lambda run: f"(?:{'|'.join([run[0], *_several()[run[0]]])})", text)
        for text in (re.escape(word.casefold()) for word in words)
    )


def may_contain(text: ColumnElement[str], word: str) -> ColumnElement[bool]:
    """Return the condition that holds wherever a text contains a word, and in a few others."""
    either = "|".join(map(re.escape, _several()))
    parts = re.split(either, word.casefold())
    escaped = (re.sub(r"[/%_]", r"/\g<0>", part) for part in parts)
    return func.lower(text).like(f"%{'%'.join(escaped)}%", escape="/")


@cache
def _several() -> Mapping[str, list[str]]:
    """Return runs of letters, the longest first, to the single letters of which each is a case."""
    runs: dict[str, list[str]] = {}
    for letter in map(chr, range(_LAST_OF_SEVERAL)):
        if len(run := letter.casefold()) > 1:
            runs.setdefault(run, []).append(letter)
    return dict(sorted(runs.items(), key=lambda item: -len(item[0])))
