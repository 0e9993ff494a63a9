"""Attributes of persons that a decision must not rest on, by the names of columns.

The attributes are those of the Charter of Fundamental Rights of the European Union, article 21
(sex, race, colour, ethnic or social origin, genetic features, language, religion or belief,
political or any other opinion, national minority, property, birth, disability, age, sexual
orientation, nationality), of Directives 2000/43/EC and 2000/78/EC, of the UK Equality Act 2010,
section 4 (which adds gender reassignment, marriage and civil partnership, pregnancy and
maternity), of the UK Trade Union and Labour Relations Act 1992, section 146, and of US law: Title
VII of the Civil Rights Act 1964, the Age Discrimination in Employment Act 1967, the Americans with
Disabilities Act 1990, the Genetic Information Nondiscrimination Act 2008, and 38 U.S.C. 4311 and
4212 (military service, veterans). Language is protected as a mark of birth: a mother tongue is,
the language of a channel is not.

The age of an account, channel, page, post or video is no person's; nor is what an audience is
made of. ``race_category`` is protected: forms in the United States call the attribute so.
``Genre`` is left alone, since most tables mean the content; its cells tell where it means a person.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Collection, Iterable
from functools import cache
from pathlib import Path
from typing import Any

from durhampulse.creators.words import NULL_WORDS
from durhampulse.exceptions import InputError

__all__ = ["holds_genders", "protected_attribute", "require_settled"]

_FILE = Path(__file__).with_name("protected.json")
"""Words by attribute, in English, Chinese, Hindi, Spanish, French, Arabic, Bengali, Portuguese,
Russian, Indonesian, Malay, German, Italian, Turkish, Japanese and, for the commonest, Polish."""

_CAMEL = re.compile(r"(?<=[^\W\dA-Z_])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_BETWEEN = re.compile(r"[\s\d!-/:-@\[-`{-~]+")
_ACCENTS = re.compile("[\u0300-\u036f]")


@cache
def _table() -> dict[str, Any]:
    table: dict[str, Any] = json.loads(_FILE.read_text("utf-8"))
    return table


@cache
def _listed(name: str, attribute: str = "") -> frozenset[str]:
    """Return a list of words of the table, or of one of its attributes."""
    words: str = _table()["attributes"][attribute][name] if attribute else _table()[name]
    return frozenset(unicodedata.normalize("NFKC", words).split())


@cache
def protected_attribute(header: str) -> str | None:
    """Return the attribute of a person that a header names, None where it names none.

    Parameters
    ----------
    header
        In any of the larger languages, and however its words are joined.

    Examples
    --------
    >>> protected_attribute("yearOfBirth"), protected_attribute("Geschlecht")
    ('age or birth', 'sex or gender')
    >>> protected_attribute("account_age_months"), protected_attribute("Video_Orientation")
    (None, None)
    """
    words = _words(header)
    if _holds(words, "audience"):
        return None
    text = f" {' '.join(words)} "
    attributes = _table()["attributes"]
    for attribute, named in attributes.items():
        if any(f" {phrase} " in text for phrase in named["phrases"]):
            return str(attribute)
    if not _holds(words, "content"):
        for attribute in attributes:
            if any(_names(word, attribute) for word in _personal(words, attribute)):
                return str(attribute)
    alone = [word for word in map(_bare, words) if word not in _listed("neutral")]
    return _table()["alone"].get(alone[0]) if len(alone) == 1 else None


def _words(header: str) -> list[str]:
    """Return a header's words in lower case."""
    plain = _CAMEL.sub(" ", unicodedata.normalize("NFKC", header))
    return [word for word in _BETWEEN.split(plain.casefold()) if word]


def _personal(words: list[str], attribute: str) -> list[str]:
    """Return the words that speak of a person: not an account's age, nor one in days or months."""
    if attribute != "age or birth":
        return words
    if _holds(words, "accounts"):
        return []
    periods = _holds(words, "periods")
    return [word for word in words if not (periods and _bare(word) in _listed("ages"))]


def _names(word: str, attribute: str) -> bool:
    bare = _bare(word)
    return (
        not _listed("words", attribute).isdisjoint((word, bare))
        or any(bare.startswith(start) for start in _listed("beginnings", attribute))
        or any(part in word for part in _listed("parts", attribute))
    )


def _holds(words: Iterable[str], name: str) -> bool:
    """Whether one of some words is in a list, or holds one of its words in another script."""
    listed = _listed(name)
    parts = [part for part in listed if not part.isascii()]
    return any(
        word in listed or _bare(word) in listed or any(part in word for part in parts)
        for word in words
    )


def _bare(word: str) -> str:
    """Return a word without the accents of Latin letters."""
    return (
        _ACCENTS.sub("", unicodedata.normalize("NFD", word)) if "a" <= word[:1] < "\u0250" else word
    )


def holds_genders(words: Collection[str]) -> bool:
    """Whether a column's distinct cells are words for genders, of women and men at least.

    Examples
    --------
    >>> holds_genders(["F", "M", "x"]), holds_genders(["M", "L"])
    (True, False)
    """
    cells = {word.strip().casefold() for word in words} - NULL_WORDS
    women, men = _listed("women"), _listed("men")
    return (
        cells <= women | men | _listed("neither")
        and not cells.isdisjoint(women)
        and not cells.isdisjoint(men)
    )


def require_settled(
    name: str, headers: Collection[str], protect: Collection[str], allow: Collection[str]
) -> None:
    """Raise unless the columns to protect and to allow are there, each in one of the two.

    Parameters
    ----------
    name
        The table's name, for messages.
    headers
        All of its headers.
    protect, allow
        Headers whose columns a person calls protected, or allows to be learned from.
    """
    if both := [header for header in protect if header in allow]:
        raise InputError(
            f"{name}: '{both[0]}' is to be protected and allowed.",
            f"Keep one: --protect '{both[0]}' or --allow '{both[0]}'.",
        )
    for option, chosen in (("--protect", protect), ("--allow", allow)):
        if absent := [header for header in chosen if header not in headers]:
            shown = ", ".join(repr(header) for header in [*headers][:20])
            raise InputError(
                f"{name}: {option} '{absent[0]}': no such column.", f"The columns are {shown}."
            )
