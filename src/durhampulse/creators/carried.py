"""Columns that tell a person who a creator is or how to reach them: shown, never learned from."""

from __future__ import annotations

import re
from typing import Literal, get_args

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from durhampulse.creators.schema import header_key
from durhampulse.creators.text import as_text, is_number, is_text

__all__ = [
    "CARRIED_KINDS",
    "TELLING_KINDS",
    "CarriedKind",
    "Sort",
    "carried_column",
    "carried_kind",
    "header_words",
    "sort_of",
]

CarriedKind = Literal[
    "name", "handle", "platform", "country", "language", "link", "picture", "email", "fee", "other"
]
CARRIED_KINDS: tuple[CarriedKind, ...] = get_args(CarriedKind)
TELLING_KINDS: frozenset[CarriedKind] = frozenset({"name", "handle", "link", "picture", "email"})
"""Kinds of columns that tell who a creator is, so that nearly all of their cells differ."""

Sort = Literal["id", "handle", "account", "link", "email", "name"] | CarriedKind
"""A kind, or finer: an account may be a creator's or a category, an `id` is for identifiers."""

_HEADERS: dict[Sort, str] = {
    "id": (
        "uid, uuid, guid, pk, user key, user uuid, account id, profile id, author id, blogger id, "
        "streamer id, kol id, talent id, partner id, influencer key, influencer uid, creator uid, "
        "creator uuid, creator key, contact id, lead id, customer id, client id, prospect id, "
        "applicant id, person id, 用户id, 账号id, ユーザーid, アカウントid"
    ),
    "handle": (
        "handle, username, user name, user handle, screen name, login, login name, user, "
        "benutzername, nutzername, nutzer, utilisateur, nom d'utilisateur, pseudo, usuario, "
        "nombre de usuario, utente, nome utente, usuário, nome de usuário, логин, ник, никнейм, "
        "kullan\u0131c\u0131 ad\u0131, kullan\u0131c\u0131, nazwa użytkownika, gebruikersnaam, "
        "nama pengguna, блогер, "
        "имя пользователя, пользователь, 用户名, 账号, 帐号, 账号名, 达人, 博主, 主播, 达人昵称, "
        "ユーザー名, アカウント, アカウント名, クリエイター, インフルエンサー, उपयोगकर्ता, "
        "उपयोगकर्ता नाम, اسم المستخدم, المستخدم, ব্যবহারকারী, ব্যবহারকারীর নাম, صارف, صارف نام, "
        "사용자, 사용자명, 아이디, nom du média social, nombre de la red social"
    ),
    "account": (
        "account, account name, channel, channel name, channel title, channel handle, "
        "hesap, hesap ad\u0131, kanal ad\u0131, "
        "channel info, page name, profile name, kanal, kanalname, konto, chaîne, compte, "
        "nom de la chaîne, canal, nombre del canal, cuenta, canale, nome del canale, conta, "
        "nome do canal, канал, название канала, аккаунт, 频道, 频道名称, 主页, "
        "チャンネル, チャンネル名, चैनल, قناة, القناة, الحساب, চ্যানেল, چینل, 채널, 채널명, "
        "채널 정보, 계정, 계정명"
    ),
    "link": (
        "url, link, links, uri, href, website, web site, homepage, permalink, profile, profil, "
        "lien, lien du profil, enlace, perfil, enlace del perfil, collegamento, profilo, "
        "link do perfil, ссылка, профиль, ссылка на профиль, 链接, 主页链接, 达人主页, リンク, "
        "プロフィール, लिंक, رابط, الرابط, লিঙ্ক, لنک, 링크"
    ),
    "email": (
        "email, e-mail, mail, email address, e-mail-adresse, mail address, courriel, "
        "adresse e-mail, correo, correo electrónico, posta elettronica, indirizzo email, "
        "endereço de e-mail, e-posta, "
        "почта, электронная почта, эл. почта, 邮箱, 电子邮件, メール, "
        "メールアドレス, ईमेल, البريد الإلكتروني, ইমেইল, ای میل, 이메일"
    ),
    "name": (
        "name, full name, display name, real name, first name, last name, surname, given name, "
        "first and last name, vor- und nachname, nom et prénom, nombre y apellidos, "
        "nome e cognome, "
        "nazwa, imię i nazwisko, naam, ad soyad, nama, "
        "family name, nickname, vorname, nachname, nom, prénom, nom complet, nombre, apellido, "
        "nombre completo, nome, cognome, nome completo, sobrenome, apelido, имя, фамилия, фио, "
        "полное имя, 姓名, 名字, 名称, 名稱, 昵称, 暱稱, 名前, 氏名, ニックネーム, नाम, اسم, "
        "الاسم, নাম, نام, 이름, 닉네임, youtuber, tiktoker, instagrammer, blogger, streamer, "
        "达人名称, 达人姓名"
    ),
    "platform": (
        "platform, social platform, social media, social network, social media platform, network, "
        "plattform, plateforme, réseau social, plataforma, red social, piattaforma, rede social, "
        "платформа, соцсеть, социальная сеть, 平台, プラットフォーム, मंच, प्लेटफ़ॉर्म, منصة, "
        "المنصة, প্ল্যাটফর্ম, پلیٹ فارم, 플랫폼"
    ),
    "country": (
        "country, countries, country code, country name, country title, country/region, "
        "location, land, pays, ülke, kraj, negara, "
        "país, paese, страна, 国家, 国家/地区, 国, देश, بلد, البلد, الدولة, দেশ, ملک, 국가"
    ),
    "language": (
        "language, languages, main language, content language, sprache, langue, idioma, lengua, "
        "dil, język, taal, bahasa, "
        "lingua, língua, язык, 语言, 言語, भाषा, لغة, اللغة, ভাষা, زبان, 언어"
    ),
    "picture": (
        "picture, photo, image, avatar, thumbnail, pfp, profile picture, profile photo, "
        "profile image, profile pic, profilbild, bild, foto, photo de profil, foto de perfil, "
        "foto profilo, immagine, imagem, фото, аватар, фотография, 头像, 图片, アイコン, 画像, "
        "プロフィール画像, फोटो, صورة, ছবি, تصویر, 사진"
    ),
    "fee": (
        "fee, fees, price, prices, cost, rate card, asking price, quote, quotation, honorar, "
        "preis, tarif, prix, cachet, tarifa, precio, honorarios, caché, tariffa, prezzo, compenso, "
        "ücret, fiyat, cena, prijs, harga, "
        "preço, cachê, цена, стоимость, гонорар, 报价, 价格, 费用, 料金, 価格, 単価, 報酬, शुल्क, "
        "कीमत, سعر, السعر, أجر, দাম, মূল্য, قیمت, فیس, 가격, 단가"
    ),
    "other": (
        "phone, phone number, telephone, mobile, mobile number, whatsapp, telefon, telefonnummer, "
        "téléphone, teléfono, telefono, telefone, телефон, 电话, 手机, 微信, 電話, 電話番号, "
        "फ़ोन, هاتف, ফোন, فون, 전화, address, street, street address, postal code, "
        "adresse, straße, postleitzahl, rue, code postal, dirección, calle, "
        "código postal, indirizzo, endereço, cep, адрес, почтовый индекс, adres, kod pocztowy, "
        "地址, 邮编, 住所, 郵便番号, 주소, 우편번호"
    ),
}


def _words(line: str) -> frozenset[str]:
    return frozenset(line.split())


_SORT: dict[str, Sort] = {
    header_key(header): sort for sort, headers in _HEADERS.items() for header in headers.split(",")
}
_PLATFORMS = _words("instagram insta ig tiktok youtube yt twitch twitter facebook fb")
_ACCOUNTS = frozenset({"account", "channel", "user", "page"})
_BESIDE = _PLATFORMS | _words(
    "influencer creator blogger youtuber streamer artist talent kol author the of a per in for "
    "main primary official contact public business social media profile channel account user page "
    "post video story reel mention usd eur gbp inr rub brl jpy cny us amount total net gross "
    "plain asked quoted agreed"
)
"""Words that say whose or what for, and leave the meaning of a header to the others."""

_PLATFORM = rf"(?i)^\s*({'|'.join(sorted(_PLATFORMS))})\s*$"
_LINK = r"(?i)^\s*(https?://|www\.)\S+\s*$|^\s*[a-z0-9-]+(\.[a-z0-9-]+)*\.[a-z]{2,}/\S*\s*$"
_PICTURE = r"(?i)\.(jpe?g|png|webp|gif|avif|svg)(\?\S*)?\s*$"
_EMAIL = r"^\s*[^\s@]+@[^\s@]+\.[^\s@]+\s*$"
_RATE = r"^\s*[+-]?\d+([.,]\d+\s*%?|\s*%)\s*$"
_HANDLE = r"^\s*@[\w.]{2,}\s*$"
_LOOKED_AT = 200
_MOST_CATEGORIES = 20


def sort_of(header: str) -> Sort | None:
    """Return what a header says that its column holds, or None.

    Examples
    --------
    >>> [sort_of(header) for header in ("Insta name", "Profile URL", "Fee per post (EUR)", "Pays")]
    ['handle', 'link', 'fee', 'country']
    >>> sort_of("Audience country")
    """
    if sort := _SORT.get(header_key(header)):
        return sort
    for words in (_split(header), header_words(header)):
        if sort := _SORT.get(header_key("".join(word for word in words if word not in _BESIDE))):
            return "handle" if sort == "name" and not _PLATFORMS.isdisjoint(words) else sort
    words = header_words(header)
    of_platform = len(words) == 2 and words[0] in _PLATFORMS and words[1] in _ACCOUNTS
    return "account" if of_platform else None


def header_words(header: str) -> list[str]:
    """Return the words of a header, without case.

    Examples
    --------
    >>> header_words("profileURL_2")
    ['profile', 'url']
    """
    return _split(re.sub(r"(?<=[a-z])(?=[A-Z])", " ", header))


def _split(header: str) -> list[str]:
    return [word for word in re.split(r"[\W\d_]+", header.casefold()) if word]


def carried_kind(header: str) -> CarriedKind | None:
    """Return which kind of carried column a header names, or None.

    Examples
    --------
    >>> carried_kind("Channel"), carried_kind("Страна"), carried_kind("Followers")
    ('handle', 'country', None)
    """
    return _kind(sort_of(header))


def carried_column(header: str, cells: pa.Array) -> CarriedKind | None:
    """Return which kind of carried column this is by its header and its cells, or None.

    Parameters
    ----------
    header
        As found.
    cells
        Shape (n_rows,), of any type. Links, e-mails and handles that begin with ``@`` are known
        whatever their header is; a ``Link`` of 0 and 1 is none, nor is a ``Channel`` of some
        categories one that tells creators apart.
    """
    sort, some = sort_of(header), _sample(cells)
    if sort == "account" and _share(some, _PLATFORM) >= 0.95:
        sort = "platform"
    if sort in ("platform", "country", "language", "fee", "other"):
        return sort
    if sort == "name" and (pa.types.is_floating(cells.type) or _share(some, _RATE) >= 0.95):
        sort = None  # "TikTok ER" reads like tiktoker
    if not len(some):
        named = sort in ("handle", "account", "name") and is_number(cells.type)
        return _kind(sort) if named and _tells_apart(cells) else None
    looks = _looks(some, 0.5 if sort else 0.95)
    if sort == "picture" or (looks == "link" and _share(some, _PICTURE) >= 0.5):
        return "picture" if looks == "link" or _share(some, _PICTURE) >= 0.5 else None
    if sort in ("link", "email") and looks is None:
        return "handle" if header_key(header) in _PROFILES and _tells_apart(cells) else None
    if sort is None or looks in ("link", "email"):
        return looks
    return _kind(sort) if _tells_apart(cells) else None


_PROFILES = frozenset(map(header_key, ("profile", "profil", "perfil", "profilo", "профиль")))


def _kind(sort: Sort | None) -> CarriedKind | None:
    if sort == "account":
        return "handle"
    return None if sort == "id" else sort


def _sample(cells: pa.Array) -> pa.Array:
    """Return some of the filled cells of a column of text, none of one that is no text."""
    if not is_text(cells.type):
        return pa.array([], pa.string())
    filled = cells.drop_null()
    step = max(len(filled) // _LOOKED_AT, 1)
    return as_text(filled.take(pa.array(np.arange(0, len(filled), step))))


def _looks(some: pa.Array, share: float) -> Literal["link", "email", "handle"] | None:
    patterns: dict[Literal["link", "email", "handle"], str] = {
        "link": _LINK,
        "email": _EMAIL,
        "handle": _HANDLE,
    }
    for kind, pattern in patterns.items():
        if _share(some, pattern) >= share:
            return kind
    return None


def _share(some: pa.Array, pattern: str) -> float:
    return float(pc.mean(pc.match_substring_regex(some, pattern)).as_py() or 0.0)


def _tells_apart(cells: pa.Array) -> bool:
    """Whether a column has more values than categories have."""
    filled = len(cells) - cells.null_count
    distinct = pc.count_distinct(cells).as_py()
    return bool(distinct > _MOST_CATEGORIES or 2 * distinct > filled)
