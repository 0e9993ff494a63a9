"""Words behind a figure that say what it counts, as in ``11.2K followers`` or ``3.4 pct``."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from typing import NamedTuple

from durhampulse.creators.schema import FOLLOWERS, VIEWS

__all__ = ["COUNTED", "RATE_WORDS", "Counted", "counted_words", "split_counted", "split_rate"]

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
