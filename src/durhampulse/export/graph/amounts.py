"""Amounts in a graph: a number without the currency around it, and what that currency is.

Regular expressions (RE2) tell which cells are amounts. Only these are taken to pieces, and become
the number alone, in the spelling that :mod:`.numbers` reads.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cache
from unicodedata import normalize

from durhampulse.creators.cldr import currencies
from durhampulse.export.graph.nodes import Nodes
from durhampulse.export.graph.patterns import (
    BLANK,
    GAP,
    INNER,
    NO_BLANK,
    REMOVED_BLANKS,
    SIGN,
    escaped,
    words_pattern,
)
from durhampulse.export.graph.pieces import from_first_digit, halves
from durhampulse.export.spellings import (
    currencies_shared,
    currency_words,
    same_currencies,
    size_words,
    three_decimals,
)

__all__ = ["Amounts", "is_foreign", "read_amounts", "read_ends"]

_FIGURE = rf"[.]?{GAP}[0-9](?:{INNER}*[0-9])?"
_OPEN, _CLOSE = rf"{GAP}(?:\({GAP})?", rf"{GAP}\+?{GAP}(?:\){GAP})?"
_MIDDLE = rf"[{REMOVED_BLANKS}0-9+\-\x{{2212}}.,'\x{{2019}}]*"
_SIZED_MIDDLE = rf"{_MIDDLE}(?:[kKmMbB][nN]?)?{GAP}"
"""What stands between two currencies."""
_EVERY = frozenset(currency_words().values())
_THREE = frozenset(three_decimals())
_TOGETHER = 40
"""Pairs of currencies in a pattern: RE2 has memory for so many."""


@dataclass(frozen=True, kw_only=True)
class Amounts:
    """Cells without currencies; what is no amount with a currency is as it was.

    Attributes
    ----------
    text
        The cells.
    is_amount
        Whether a cell has a currency.
    is_pair
        Whether it has two, which may be one.
    is_price
        Whether it has a currency and no word for its size, and its digits no three decimals.
    is_unread
        Whether it is an amount that the graph cannot take to pieces.
    """

    text: str
    is_amount: str
    is_pair: str
    is_price: str
    is_unread: str


def read_amounts(nodes: Nodes, text: str) -> Amounts:
    """Append what takes currencies off cells."""
    is_pair, is_amount, is_unread = _found(nodes, text)
    some = nodes.chosen(text, is_amount)
    prices = [nodes.matches(some, each(_EVERY)) for each in (_before, _behind, _between)]
    three = [nodes.matches(some, each(_THREE)) for each in (_before, _behind)]
    three.append(_is_pair(nodes, some, _THREE, _MIDDLE))
    price = nodes.every(nodes.either(*prices), nodes.negated(nodes.either(*three)))
    return Amounts(
        text=nodes.put(text, is_amount, _number(nodes, some)),
        is_amount=is_amount,
        is_pair=is_pair,
        is_price=nodes.put(is_amount, is_amount, price),
        is_unread=is_unread,
    )


def read_ends(nodes: Nodes, text: str) -> tuple[str, str]:
    """Append ends of ranges from their digits on, and whether they are amounts with a currency."""
    _, is_amount, _ = _found(nodes, text)
    some = nodes.chosen(text, is_amount)
    point = nodes.where(_has_point(nodes, some), nodes.constant("."), nodes.constant(""))
    figure, _ = halves(nodes, from_first_digit(nodes, some), ")")
    bare = nodes.joined(point, figure)
    return nodes.put(text, is_amount, bare), is_amount


def is_foreign(nodes: Nodes, text: str, amounts: Amounts, currency: str) -> str:
    """Append which amounts are not in a column's currency."""
    own = frozenset(same_currencies(currency))
    pair = nodes.every(amounts.is_pair, _is_pair(nodes, text, own, _SIZED_MIDDLE))
    is_own = nodes.either(pair, *_with_one(nodes, text, own))
    return nodes.every(amounts.is_amount, nodes.negated(is_own))


def _found(nodes: Nodes, text: str) -> tuple[str, str, str]:
    """Append which cells have two currencies, which have any, and which cannot be read."""
    short = nodes.matches(text, rf"(?s){BLANK}*{NO_BLANK}(?:.{{0,38}}{NO_BLANK})?{BLANK}*")
    closed = nodes.matches(text, r"(?s)[^()]*|[^()]*\([^()+\-\x{2212}]*\)[^()]*")
    signs = nodes.matches(text, r"(?s)[^0-9]*[+\-\x{2212}][^0-9]*[+\-\x{2212}][^0-9]*[0-9].*")
    usual = nodes.every(short, closed, nodes.negated(signs))
    two = nodes.every(usual, nodes.matches(text, _between(_EVERY, f"(?:{_sizes()}{GAP})?")))
    pair = nodes.chosen(text, two)
    plain = _is_pair(nodes, pair, _EVERY, _SIZED_MIDDLE)
    unread = nodes.every(_is_pair(nodes, pair, _EVERY, ".*"), nodes.negated(plain))
    is_pair = nodes.put(two, two, plain)
    single = nodes.every(usual, nodes.either(*_with_one(nodes, text, _EVERY)))
    odd = nodes.matches(text, _unread())
    return is_pair, nodes.either(is_pair, single), nodes.put(odd, two, unread)


def _with_one(nodes: Nodes, text: str, names: Collection[str]) -> list[str]:
    """Append conditions that a cell is an amount in one of some currencies, written once.

    A currency alone behind digits comes first: ``LKR`` is no lakh of ``KR``.
    """
    alone = nodes.matches(text, _behind(_EVERY))
    sized = nodes.matches(text, _behind(names, f"{_sizes()}{GAP}"))
    return [
        nodes.matches(text, _behind(names)),
        nodes.every(sized, nodes.negated(alone)),
        nodes.matches(text, _before(names, f"(?:{_sizes()})?")),
    ]


def _unread() -> str:
    """Return the pattern of amounts that can be told in two ways, or have a sign in a currency."""
    words = [sign for sign in currencies() if len(sign) > 1]
    inside = "|".join(
        rf"{escaped(sign[:at])}[+\-\x{{2212}}]{escaped(sign[at:])}"
        for sign in words
        for at in range(1, len(sign))
    )
    twice = rf"(?s)[^0-9]*{_FIGURE}{GAP}{_some(_read_twice())}{_CLOSE}"
    return rf"(?si){_OPEN}(?:{inside})[.]?{GAP}[0-9].*|{twice}"


@cache
def _read_twice() -> list[str]:
    """Return sizes with currencies behind that can be parted in two ways, such as ``md`` ``kr``."""
    sizes = [word for word in size_words() if word != "%"]
    parted = Counter(
        size + sign.casefold() for size in sizes for sign in {*map(str.casefold, currencies())}
    )
    alone = {*map(str.casefold, currencies())}
    return sorted(word for word, times in parted.items() if times > 1 and word not in alone)


def _has_point(nodes: Nodes, text: str) -> str:
    """Append whether a point before the digits is theirs, and not that of a currency."""
    dotted = _some(sign for sign in currencies() if sign.endswith("."))
    pointed = nodes.matches(text, rf"(?s)[^0-9]*[.]{GAP}[0-9].*")
    in_sign = nodes.matches(text, rf"(?s){_OPEN}{SIGN}{dotted}{SIGN}[0-9].*")
    return nodes.every(pointed, nodes.negated(in_sign))


def _number(nodes: Nodes, text: str) -> str:
    """Return amounts as numbers with a word for their size, in one spelling of each."""
    minus = nodes.matches(text, r"(?s)[^0-9]*[(\-\x{2212}][^0-9]*[0-9].*")
    point = _has_point(nodes, text)
    digits = from_first_digit(nodes, text)
    for sign in sorted(_first_letters() | {"+", ")"}):
        digits, _ = halves(nodes, digits, sign)
    alone = nodes.matches(text, rf"(?s)[^0-9]*{_FIGURE}{GAP}{_words(_EVERY)}{_CLOSE}")
    size = nodes.constant("")
    for words in _by_power().values():
        sized = rf"(?s)[^0-9]*{_FIGURE}{GAP}{_some(words)}{GAP}(?:{_words(_EVERY)})?{_CLOSE}"
        has = nodes.every(nodes.matches(text, sized), nodes.negated(alone))
        size = nodes.where(has, nodes.constant(min(words, key=lambda w: (len(w), w))), size)
    return nodes.joined(
        nodes.where(minus, nodes.constant("-"), nodes.constant("")),
        nodes.where(point, nodes.constant("."), nodes.constant("")),
        digits,
        size,
    )


def _by_power() -> dict[str, list[str]]:
    """Return the words for sizes of each power of ten, and ``mil`` by itself."""
    words: dict[str, list[str]] = {}
    for word, power in size_words().items():
        if word != "%":
            words.setdefault("mil" if word == "mil" else str(power), []).append(word)
    return words


def _first_letters() -> set[str]:
    words = {*size_words(), *currency_words()}
    return {letter for word in words for letter in (word[0], word[0].upper())} - {"%"}


def _words(names: Collection[str]) -> str:
    """Return the pattern of the signs and codes of some currencies."""
    known = {sign: codes for sign, codes in currencies().items() if currency_words()[sign] in names}
    codes = [sign for sign in known if sign in known[sign]]
    signs = [sign for sign in known if sign not in known[sign]]
    return f"(?:{'|'.join([*codes, *([_some(signs)] if signs else [])])})"


def _some(words: Iterable[str]) -> str:
    """Return the pattern of some words in any case, composed or not."""
    forms = {normalize(form, word) for word in words for form in ("NFC", "NFD")}
    return f"(?i:{words_pattern(sorted(forms))})"


def _sizes() -> str:
    return _some(word for word in size_words() if word != "%")


def _before(names: Collection[str], size: str = "") -> str:
    """Return the pattern of an amount with a currency before its digits."""
    return rf"{_OPEN}{SIGN}{_words(names)}{SIGN}{_FIGURE}{GAP}{size}{_CLOSE}"


def _behind(names: Collection[str], size: str = "") -> str:
    """Return the pattern of an amount with a currency behind."""
    return rf"{_OPEN}{SIGN}{_FIGURE}{GAP}{size}{_words(names)}{_CLOSE}"


def _between(names: Collection[str], size: str = "") -> str:
    """Return the pattern of an amount with a currency before and another behind."""
    return rf"{_OPEN}{SIGN}{_words(names)}{SIGN}{_FIGURE}{GAP}{size}{_words(names)}{_CLOSE}"


def _is_pair(nodes: Nodes, text: str, names: Collection[str], between: str) -> str:
    """Append whether two currencies around digits together are one of some."""
    pairs = [(name, name) for name in sorted(names)]
    pairs += [(before, behind) for before, behind, name in currencies_shared() if name in names]
    written = [f"{_words({before})}{between}{_words({behind})}" for before, behind in pairs]
    parts = [written[at : at + _TOGETHER] for at in range(0, len(written), _TOGETHER)]
    return nodes.either(
        *(nodes.matches(text, rf"(?s){_OPEN}{SIGN}(?:{'|'.join(part)}){_CLOSE}") for part in parts)
    )
