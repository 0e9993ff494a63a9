"""Words behind a figure that say what it counts, as in ``11.2K followers`` or ``3.4 pct``."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from functools import cache
from typing import NamedTuple

from durhampulse.creators.cldr import size_of
from durhampulse.creators.schema import FOLLOWERS, VIEWS

__all__ = [
    "COUNTED",
    "RATE_WORDS",
    "Counted",
    "common_words",
    "counted_words",
    "split_counted",
    "split_rate",
    "without_words",
]

COUNTED = {FOLLOWERS: "followers", VIEWS: "views"}
"""Standard column to what its figures count."""
_WORDS = {
    "followers": "follower, followers, fan, fans, sub, subs, subscriber, subscribers, abonnent, "
    "abonnenten, abonné, abonnés, abonnee, abonnees, seguidor, seguidores, suscriptor, "
    "suscriptores, inscrito, inscritos, iscritti, volger, volgers, takipçi, abone, pengikut, "
    "подписчик, подписчика, подписчиков, подписчики, obserwujący, obserwujących, "
    "người theo dõi, 人, 粉丝, 粉絲, フォロワー, 팔로워, 명, متابع, متابعين, مشترك",
    "views": "view, views, aufruf, aufrufe, vue, vues, vista, vistas, visualizaciones, "
    "visualizações, visualizzazioni, reproducciones, play, plays, просмотр, просмотра, "
    "просмотров, просмотры, wyświetleń, wyświetlenia, weergaven, izlenme, görüntüleme, "
    "görüntülenme, tayangan, lượt xem, 次观看, 次播放, 播放, 次, 回視聴, 回再生, 回, 회, مشاهدة, "
    "مشاهدات",
    "likes": "like, likes",
    "comments": "comment, comments, kommentare, commentaires, comentarios",
    "posts": "post, posts, beiträge",
    "videos": "video, videos, vídeos",
    "impressions": "impression, impressions",
}
RATE_WORDS: Mapping[str, Decimal] = {
    **dict.fromkeys(("pct", "percent", "per cent", "prozent", "procent"), Decimal("0.01")),
    **dict.fromkeys(("pour cent", "por ciento", "por cento", "per cento"), Decimal("0.01")),
    **dict.fromkeys(("\u2030", "permille", "per mille", "promille"), Decimal("0.001")),
    **dict.fromkeys(("bp", "bps", "basis points"), Decimal("0.0001")),
}
"""Words behind a rate and the fraction that they stand for; a percent sign is no word."""


class Counted(NamedTuple):
    """A figure as written without the word behind it, and what the word says that it counts."""

    figure: str
    what: str


@cache
def counted_words() -> Mapping[str, str]:
    """Return words of figures in small letters, and what each counts.

    Examples
    --------
    >>> words = counted_words()
    >>> words["subs"], words["aufrufe"], words["\u7c89\u4e1d"]
    ('followers', 'views', 'followers')
    """
    return {
        unicodedata.normalize("NFC", word.strip()).casefold(): what
        for what, words in _WORDS.items()
        for word in words.split(",")
    }


def split_counted(word: str) -> Counted | None:
    """Return the parts of a figure with a word for what it counts, before a colon or behind.

    Examples
    --------
    >>> split_counted("11.2K followers"), split_counted("Views: 900")
    (Counted(figure='11.2K', what='followers'), Counted(figure='900', what='views'))
    >>> split_counted("12 monkeys") is None
    True
    """
    match = _pattern().fullmatch(unicodedata.normalize("NFC", word))
    if match is None:
        return None
    before, first, second, behind = match.groups()
    what = counted_words().get((before or behind).casefold())
    return Counted(first or second, what) if what else None


@cache
def _pattern() -> re.Pattern[str]:
    words = "|".join(map(re.escape, counted_words()))
    return re.compile(rf"({words})\s*[:\uff1a]\s*(.*\d.*)|(.*?\d.*?)\s*({words})", re.IGNORECASE)


def split_rate(word: str) -> tuple[str, Decimal] | None:
    """Return a rate as written without the word behind it, and the fraction that word stands for.

    Examples
    --------
    >>> split_rate("3.4 pct"), split_rate("240 bps"), split_rate("2.4 pp")
    (('3.4', Decimal('0.01')), ('240', Decimal('0.0001')), None)
    """
    match = _rate_pattern().fullmatch(unicodedata.normalize("NFC", word))
    return (match[1], RATE_WORDS[match[2].casefold()]) if match else None


@cache
def _rate_pattern() -> re.Pattern[str]:
    words = "|".join(map(re.escape, RATE_WORDS))
    return re.compile(rf"(.*?\d.*?)\s*({words})\.?", re.IGNORECASE)


_TAIL = re.compile(r".*?\d[\d.,'\u2019\s]*([^\W\d_][^\d]*)", re.DOTALL)
_LONGEST_TAIL = 20
_MOST_ENDING = 2
"""Letters by which two forms of a word differ, such as ``post`` and ``posts``."""


def common_words(cells: Iterable[str]) -> tuple[str, ...]:
    """Return the word that stands behind most figures of a column, and its other forms.

    Parameters
    ----------
    cells
        Those that are filled, without blanks around them.

    Examples
    --------
    >>> common_words(["35 posts", "12 posts", "1 post", "7", "3 likes", "1.2K posts"])
    ('posts', 'post')
    >>> common_words(["24h", "48h"]), common_words(["5 posts", "5 likes"])
    (('h',), ())
    """
    cells = [*cells]
    tails = [_tail(cell) for cell in cells]
    counts = Counter(tail for tail in tails if tail)
    if not counts:
        return ()
    word = counts.most_common(1)[0][0]
    forms = sorted((tail for tail in counts if _same_word(tail, word)), key=lambda t: -counts[t])
    return (*forms,) if sum(counts[form] for form in forms) > 0.5 * len(cells) else ()


def _tail(cell: str) -> str:
    """Return what stands behind a figure and its size, in small letters; else empty text."""
    match = _TAIL.fullmatch(unicodedata.normalize("NFC", cell))
    first, *others = match[1].casefold().split() if match else [""]
    tail = " ".join(others if others and (size_of(first) or first in "kmb") else [first, *others])
    return tail if len(tail) <= _LONGEST_TAIL else ""


def _same_word(first: str, second: str) -> bool:
    short, long = sorted((first, second), key=len)
    near = len(short) > 1 and len(long) - len(short) <= _MOST_ENDING
    return first == second or (near and long.startswith(short))


def without_words(cell: str, words: Sequence[str]) -> str | None:
    """Return a figure without one of some words behind it; None where none is there.

    Examples
    --------
    >>> without_words("1.2K Posts", ("posts", "post")), without_words("7 likes", ("posts",))
    ('1.2K', None)
    """
    text = " ".join(unicodedata.normalize("NFC", cell).split())
    endings = (word for word in words if text.casefold().endswith(word))
    longest = max(endings, key=len, default="")
    return text[: -len(longest)].rstrip() if longest else None
