"""The eight columns of a creators' table: how each is read, shown, compared and stored.

A new standard column is one entry of :data:`COLUMNS`. With ``stored`` the desk keeps it in a column
of its own, which needs a migration beside ``desk/store/migrations/versions/v0001_first.py`` that
adds the column to the tables ``creator`` and ``staged``.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final, Literal

__all__ = [
    "COLUMNS",
    "ENGAGEMENT",
    "FOLLOWERS",
    "GROWTH",
    "IDENTIFIER",
    "LABEL",
    "NICHE",
    "QUALITIES",
    "QUALITY",
    "QUALITY_LEVELS",
    "VIEWS",
    "Column",
    "Kind",
    "canonical_name",
    "header_key",
    "says_percent",
    "says_small_unit",
]

Kind = Literal["identifier", "count", "rate", "category", "quality", "label"]

IDENTIFIER = "Influencer_ID"
FOLLOWERS = "Followers"
ENGAGEMENT = "Engagement_Rate"
GROWTH = "Growth_Rate"
NICHE = "Niche"
QUALITY = "Video_Quality"
VIEWS = "Avg_Views_per_Post"
LABEL = "Sponsorship_Status"


@dataclass(frozen=True, kw_only=True)
class Column:
    """One standard column.

    Attributes
    ----------
    name
        Canonical name, as the mission writes it.
    kind
        How its cells are read.
    meaning
        One line for people.
    possible
        Closed range outside which a value cannot be true; such a row is refused.
    plausible
        Closed range outside which a value is kept, but pointed out.
    aliases
        Headers read as this column, in the form :func:`header_key` gives.
    phrase
        How a value is worded in a sentence; ``{}`` stands for the value.
    short
        The column's name in a sentence and in other columns' headers.
    example
        A typical value, for documentation.
    compared
        Whether a value is placed among those of peers.
    before_deal
        Whether a deal cannot have changed the value.
    changeable
        Whether creators can change the value themselves.
    stored
        The desk's column that keeps it; empty where the desk keeps it in `extra`.
    """

    name: str
    kind: Kind
    meaning: str
    possible: tuple[float, float] = (float("-inf"), float("inf"))
    plausible: tuple[float, float] = (float("-inf"), float("inf"))
    aliases: frozenset[str] = frozenset()
    phrase: str = ""
    short: str = ""
    example: float | str = ""
    compared: bool = False
    before_deal: bool = False
    changeable: bool = False
    stored: str = ""

    @property
    def numeric(self) -> bool:
        """Whether its values are numbers rather than words."""
        return self.kind in ("count", "rate")

    @property
    def title(self) -> str:
        """Name of the column on a page, such as ``Views a post``."""
        return self.phrase.replace("{}", "").strip().replace("  ", " ").capitalize()

    @property
    def percentile(self) -> str:
        """Header of the value's place among peers in the decision table."""
        return f"{self.short.capitalize()} Percentile"


def header_key(header: str) -> str:
    """Return a header's letters and digits, without case and accents: spelling does not matter.

    The ending ``__c``, by which Salesforce marks fields of its customers, is left out.

    Examples
    --------
    >>> header_key("Engagement_Rate__c")
    'engagementrate'
    >>> header_key(" Eng. Rate (%) "), header_key("Número de Seguidores"), header_key("粉丝数 ")
    ('engrate', 'numerodeseguidores', '粉丝数')
    """
    header = header.removesuffix("__c")
    if header.isascii():
        return re.sub(r"[^0-9a-z]+", "", header.casefold())
    letters = unicodedata.normalize("NFKD", header.casefold())
    return "".join(c for c in letters if c.isalnum() or _is_vowel_sign(c))


def _is_vowel_sign(character: str) -> bool:
    """Whether a character is a part of a word, as vowels are in Hindi, and no accent of Latin."""
    return unicodedata.category(character)[0] == "M" and not "\u0300" <= character <= "\u036f"


def _keys(*headers: str) -> frozenset[str]:
    """Return the keys of headers, which stand between commas."""
    return frozenset(header_key(header) for line in headers for header in line.split(","))


COLUMNS: dict[str, Column] = {
    column.name: column
    for column in (
        Column(
            name=IDENTIFIER,
            kind="identifier",
            meaning="unique identifier of the creator",
            aliases=_keys(
                "influencer id, creator id, id, user id, channel id, influencer, creator",
                "id influenceur, id del influencer, id creador, id do influenciador, id блогера",
                "达人id, 博主id, インフルエンサーid, influenceur, créateur, influenciador, creador",
                "criador, creatore, 인플루언서, 크리에이터",
            ),
            phrase="creator {}",
            short="identifier",
            example="INF-045",
            before_deal=True,
        ),
        Column(
            name=FOLLOWERS,
            kind="count",
            meaning="followers on the main platform",
            possible=(0, 1e10),
            plausible=(1, 1e9),
            aliases=_keys(
                "followers, follower count, followers count, follower, n followers, followers num",
                "followers number, number of followers, total followers, num followers, fans, subs",
                "total follower count, community size, network followers",
                "subscribers, subscriber count, subscribers count, subscribers num, suscribers",
                "number of subscribers, total subscribers, follower/subscriber count",
                "abonnenten, anzahl follower, follower-anzahl, abonnés, nombre d'abonnés",
                "nb abonnés, seguidores, número de seguidores, nº de seguidores, suscriptores",
                "número de suscriptores, iscritti, numero di follower, numero follower",
                "seguaci, inscritos, número de inscritos, подписчики, число подписчиков",
                "количество подписчиков, obserwujący, liczba obserwujących",
                "粉丝, 粉丝数, 粉丝量, 粉丝数量, 粉絲數, 关注者, フォロワー, フォロワー数",
                "チャンネル登録者数, 登録者数, 팔로워, 팔로워 수, 구독자, 구독자 수, volgers",
                "aantal volgers, takipçi, pengikut, jumlah pengikut",
                "takipçi say\u0131s\u0131, abone, abone say\u0131s\u0131",
                "người theo dõi, số người theo dõi, ผู้ติดตาม",
                "المتابعون, المتابعين, عدد المتابعين, المشتركون, عدد المشتركين, עוקבים",
                "फ़ॉलोअर्स, फॉलोअर्स",
            ),
            phrase="{} followers",
            short="followers",
            example=85_000,
            before_deal=True,
            stored="followers",
        ),
        Column(
            name=ENGAGEMENT,
            kind="rate",
            meaning="interactions per follower on recent posts, a fraction (0.056 = 5.6%)",
            possible=(0, 1e4),
            plausible=(0, 1),
            aliases=_keys(
                "engagement rate, eng rate, er, eng, engagement, avg engagement rate",
                "zaangażowanie, average engagement rate, er %, engagement-rate, interaktionsrate",
                "taux d'engagement, taux engagement, tasa de engagement, tasa de interacción",
                "tasso di engagement, tasso di interazione, tasso di coinvolgimento",
                "taxa de engajamento, taxa de interação, уровень вовлечённости",
                "коэффициент вовлечённости, wskaźnik zaangażowania, 互动率, 互動率",
                "エンゲージメント率, 참여율, taxa de envolvimento, envolvimento",
                "etkileşim oran\u0131, tingkat interaksi, tingkat keterlibatan, tỷ lệ tương tác",
                "معدل التفاعل, نسبة التفاعل, שיעור מעורבות, एंगेजमेंट दर, एंगेजमेंट रेट, อัตราการมีส่วนร่วม",
                *(
                    f"{days}{of} {rate}"
                    for days in (7, 28, 30, 60, 90)
                    for of in ("d", " day")
                    for rate in ("eng rate", "engagement rate")
                ),
            ),
            phrase="engagement {}",
            short="engagement",
            example=0.041,
            compared=True,
            changeable=True,
            stored="engagement_rate",
        ),
        Column(
            name=GROWTH,
            kind="rate",
            meaning="net new followers over the past month per follower, a fraction (0.021 = 2.1%)",
            possible=(-1, 1e6),
            plausible=(-0.5, 1),
            aliases=_keys(
                "growth rate, growth, follower growth, followers growth, monthly growth",
                "follower growth rate, monthly growth rate, monthly follower growth, wachstum",
                "wachstumsrate, growth 30d, 30d growth, 30 day growth, growth 30 days",
                "growth last 30 days, last 30 days growth",
                *(
                    f"{who} growth {when}"
                    for who in ("follower", "followers", "subscriber", "subscribers")
                    for when in ("30d", "30 days", "last 30 days")
                ),
                "follower-wachstum, croissance, taux de croissance, crecimiento",
                "tasa de crecimiento, crescita, tasso di crescita, crescimento",
                "taxa de crescimento, прирост подписчиков, темп роста, wzrost, 涨粉率, 增长率",
                "粉丝增长率, 成長率, フォロワー増加率, 팔로워 증가율",
                "büyüme oran\u0131, tingkat pertumbuhan, معدل النمو, वृद्धि दर",
            ),
            phrase="growth {} a month",
            short="growth",
            example=0.021,
            compared=True,
            before_deal=True,
            changeable=True,
            stored="growth_rate",
        ),
        Column(
            name=NICHE,
            kind="category",
            meaning="content category the creator is best known for",
            aliases=_keys(
                "niche, category, categories, content category, main category, topic, vertical",
                "genre, nische, kategorie, thema, catégorie, thématique, nicho, categoría",
                "temática, categoria, nicchia, categoria de conteúdo, ниша, категория, тематика",
                "nisza, kategoria, 品类, 类目, 垂类, 领域, 分类, カテゴリ, カテゴリー, ジャンル",
                "카테고리, 분야",
                "kategori, danh mục, lĩnh vực, الفئة, المجال, קטגוריה, श्रेणी, หมวดหมู่",
            ),
            phrase="niche {}",
            short="niche",
            example="Fashion",
            before_deal=True,
            stored="niche",
        ),
        Column(
            name=QUALITY,
            kind="quality",
            meaning="typical video resolution: SD, HD or 4K",
            aliases=_keys(
                "video quality, quality, resolution, video resolution, videoqualität",
                "qualité vidéo, calidad de video, calidad de vídeo, qualità video",
                "qualidade de vídeo, qualidade do vídeo, качество видео, jakość wideo, 视频质量",
                "画质, 画質",
            ),
            phrase="video quality {}",
            short="video quality",
            example="HD",
            before_deal=True,
            changeable=True,
            stored="video_quality",
        ),
        Column(
            name=VIEWS,
            kind="count",
            meaning="average views per post",
            possible=(0, 1e11),
            plausible=(0, 1e9),
            aliases=_keys(
                "avg views per post, average views per post, avg views, average views, mean views",
                "views per post, avg views per video, average views per video, views",
                "avg reels plays, average reels plays, średnia liczba wyświetleń, औसत व्यूज़",
                "views avg, views average, views per video, views/post, views/video, ø aufrufe",
                "ø views, views moy, vues moy, vues par vidéo, vistas por vídeo",
                "durchschnittliche aufrufe, aufrufe pro beitrag, vues moyennes",
                "vues par publication, moyenne de vues, promedio de vistas, vistas promedio",
                "vistas por publicación, visualizaciones medias, visualizzazioni medie",
                "media visualizzazioni, média de visualizações, visualizações médias",
                "средние просмотры, среднее число просмотров, średnia wyświetleń, 平均播放量",
                "平均观看量, 平均再生数, 平均再生回数, 平均視聴回数, 평균 조회수",
                "ortalama görüntülenme, ortalama izlenme, lượt xem trung bình, متوسط المشاهدات",
            ),
            phrase="{} views a post",
            short="views",
            example=31_000,
            compared=True,
            changeable=True,
            stored="avg_views",
        ),
        Column(
            name=LABEL,
            kind="label",
            meaning="whether the creator got a sponsorship deal (1) or not (0)",
            aliases=_keys(
                "sponsorship status, sponsorship, sponsored, got deal, deal, gesponsert",
                "sponsorisé, patrocinado, sponsorizzato, sponsorowany, 是否合作, スポンサー契約",
            ),
            phrase="outcome {}",
            short="outcome",
            example=1,
        ),
    )
}

QUALITIES: Final = ("SD", "HD", "4K")
"""The ordered levels of video quality, the lowest first."""

QUALITY_LEVELS: dict[str, str] = {
    "sd": "SD",
    "480p": "SD",
    "360p": "SD",
    "640x480": "SD",
    "hd": "HD",
    "fhd": "HD",
    "full hd": "HD",
    "720p": "HD",
    "1280x720": "HD",
    "1920x1080": "HD",
    "1080p": "HD",
    "4k": "4K",
    "uhd": "4K",
    "4k uhd": "4K",
    "2160p": "4K",
    "3840x2160": "4K",
}
"""Spellings of `QUALITIES`, in lower case."""

_PERCENT = re.compile(
    r"[\s_]*\(?\s*(?:in|en)?\s*(?:%|percent|pct|prozent)\s*\)?\s*$", re.IGNORECASE
)
"""What a rate's header says of its unit, at its end."""
_SMALL_UNIT = re.compile(
    r"\u2030|(?:\b|_)(?:per ?mille|promille|bps?|basis points)\b", re.IGNORECASE
)
_SAYS_PERCENT = re.compile(r"%|percent|prozent|(?:\b|_)pct\b", re.IGNORECASE)
_BY_KEY = {key: column.name for column in COLUMNS.values() for key in column.aliases}


def canonical_name(header: str) -> str | None:
    """Return the standard column a header stands for, or None; a percentage is no count.

    Examples
    --------
    >>> canonical_name("Follower Count"), canonical_name("ER in %"), canonical_name("Followers %")
    ('Followers', 'Engagement_Rate', None)
    """
    name = _BY_KEY.get(header_key(header))
    if says_percent(header):
        name = name or _BY_KEY.get(header_key(_PERCENT.sub("", header)))
        return name if name and COLUMNS[name].kind == "rate" else None
    return name


def says_small_unit(header: str) -> bool:
    """Return whether a header says that its rates are per mille or basis points.

    Examples
    --------
    >>> says_small_unit("ER (\u2030)"), says_small_unit("growth_bps"), says_small_unit("ER in %")
    (True, True, False)
    """
    return _SMALL_UNIT.search(header) is not None


def says_percent(header: str) -> bool:
    """Return whether a header says that its figures are percentages.

    Examples
    --------
    >>> says_percent("ER in %"), says_percent("eng_pct"), says_percent("Engagement Rate")
    (True, True, False)
    """
    return _SAYS_PERCENT.search(header) is not None
