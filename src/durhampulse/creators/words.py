"""Words: those that stand for nothing, what does not tell two apart, several in a sentence."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

__all__ = ["NULL_WORDS", "folded", "listed"]

NULL_WORDS = frozenset(
    {"", "-", "--", "?", "na", "n/a", "n/a'", "n.a.", "nan", "null", "none", "missing", "#n/a"}
    | {"\u2013", "\u2014", "\u2212", ".", "...", "\u2026", "<na>", "none given", "not given"}
    | {"(blank)", "(empty)", "(leer)", "(vide)", "(none)", "(null)", "(not set)", "not set"}
    | {"tbd", "tba", "t.b.d.", "t.b.a.", "to be defined", "not available", "no data", "unknown"}
    | {"k.a.", "k. a.", "k.a", "keine angabe", "n.v.", "n. v.", "unbekannt"}
    | {"s.o.", "s. o.", "n.d.", "n. d.", "n/d", "s/d", "s.d.", "non disponible", "no disponible"}
    | {"desconocido", "inconnu", "sconosciuto", "desconhecido", "#n/d", "#nv", "#bezug!", "#zahl!"}
    | {"#valor!", "#value!", "#wert!", "#ref!", "#div/0!", "#name?", "#num!", "#null!", "#error!"}
    | {"nicht verfügbar", "nicht angegeben", "keine daten", "non renseigné", "sans objet"}
    | {"pas de données", "sin datos", "sin información", "no aplica", "sem dados"}
    | {
        "não informado",
        "não disponível",
        "non disponibile",
        "nessun dato",
        "geen gegevens",
    }
    | {"onbekend", "brak danych", "nie podano", "veri yok", "belirtilmemiş", "bilinmiyor"}
    | {
        "нет данных",
        "не указано",
        "неизвестно",
        "н/д",
    }
    | {
        "未設定",
        "未入力",
        "不明",
        "非公開",
        "暂无",
        "暂无数据",
        "未知",
        "未提供",
    }
    | {
        "미입력",
        "비공개",
        "không rõ",
        "không có dữ liệu",
        "tidak ada data",
    }
    | {
        "غير متوفر",
        "غير معروف",
        "उपलब्ध नहीं",
    }
    | {"loading...", "#n/v", "--none--", "- none -", "- select -", "please select"}
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


def listed(words: Sequence[str], last: str = "and") -> str:
    """Return words as a sentence lists them.

    Examples
    --------
    >>> listed(["growth"]), listed(["growth", "views", "niche"])
    ('growth', 'growth, views and niche')
    """
    *most, end = words
    return f"{', '.join(most)} {last} {end}" if most else end
