"""Words that say by themselves whether a deal came about, and headers of columns that hold them.

Yes and no are those of the Unicode CLDR (POSIX messages, ``yesstr`` and ``nostr``); the trade's
words are the stages and outcomes that customer databases and creator platforms export.
"""

from __future__ import annotations

import re

from durhampulse.creators.words import folded

__all__ = [
    "OUTCOME_HEADERS",
    "VAGUE_HEADERS",
    "deal_word",
    "denies_deal",
    "is_outcome_header",
    "names_deal",
    "tells_deal",
    "trade_word",
    "word_key",
]

_YES = frozenset(
    {"1", "yes", "y", "true", "t", "sí", "si", "s", "sim", "oui", "ja", "j", "да", "так", "是"}
    | {"はい", "예", "네", "evet", "tak", "ano", "igen", "da", "kyllä", "ναι", "نعم", "כן", "हाँ"}
    | {"हां", "हा", "ya", "có", "ใช่", "হ্যাঁ", "بله", "бар", "áno", "wahr", "verdadero", "vrai"}
    | {"verdadeiro", "vero", "истина", "真", "✓", "✔", "✔\ufe0f"}
    | {"sì", "on", "✅", "☑", "☑\ufe0f", "👍", "○", "◯"}
)
_NO = frozenset(
    {"0", "no", "n", "false", "f", "não", "nao", "non", "nein", "nee", "nej", "nei", "нет", "ні"}
    | {
        "不是",
        "否",
        "いいえ",
        "아니요",
        "아니오",
        "hayır",
        "nie",
        "ne",
        "nem",
        "nu",
        "ei",
        "όχι",
        "لا",
    }
    | {"לא", "नहीं", "tidak", "không", "ไม่ใช่", "না", "خیر", "не", "falsch", "falso", "faux", "ложь"}
    | {"off", "假", "✗", "✘", "❌", "✖", "✖\ufe0f", "👎", "×", "☐"}
)
_DEAL = frozenset(
    {"deal", "got deal", "sponsored", "sponsorship", "sponsor", "partner", "partnered", "paid"}
    | {
        "paid post",
        "paid partnership",
        "won",
        "closed won",
        "deal won",
        "signed",
        "contract signed",
    }
    | {"contracted", "hired", "booked", "accepted", "offer accepted", "approved", "converted"}
    | {"collaborated", "gesponsert", "bezahlt", "gewonnen", "angenommen", "unterschrieben"}
    | {"patrocinado", "pagado", "pago", "ganado", "ganho", "ganada", "firmado", "aceptado"}
    | {"aprobado", "aceito", "aprovado", "fechado", "sponsorisé", "payé", "gagné", "signé"}
    | {"accepté", "approuvé", "sponsorizzato", "pagato", "vinto", "firmato", "accettato"}
    | {"approvato", "betaald", "gewonnen", "geaccepteerd", "opłacone", "podpisane", "wygrane"}
    | {"kazanıldı", "imzalandı", "kabul edildi", "onaylandı", "сделка", "оплачено", "подписан"}
    | {"принято", "одобрено", "合作", "已合作", "成交", "已成交", "签约", "已签约", "付费", "通过"}
    | {"成約", "契約", "契約済み", "採用", "承認", "提携", "계약", "협찬", "승인", "수락"}
)
_NO_DEAL = frozenset(
    {"no deal", "organic", "unpaid", "unsponsored", "unsigned", "unconverted", "lost"}
    | {"closed lost", "deal lost", "declined", "offer declined", "rejected", "refused", "denied"}
    | {"turned down", "disapproved", "unpartnered", "organisch", "unbezahlt", "verloren"}
    | {"abgelehnt", "abgesagt", "orgánico", "perdido", "perdida", "rechazado", "orgânico"}
    | {"recusado", "rejeitado", "organique", "perdu", "refusé", "rejeté", "organico", "perso"}
    | {"rifiutato", "geweigerd", "afgewezen", "organiczne", "odrzucone", "przegrane"}
    | {"kaybedildi", "reddedildi", "organik", "отказ", "отказано", "отклонено", "未合作", "未成交"}
    | {"未签约", "自然", "拒绝", "未通过", "失注", "不採用", "却下", "거절", "미계약", "비협찬"}
)
_NOT = re.compile(
    r"(?:not|non|no|never|nicht|nie|niet|não|nao|pas|non è|değil|не) (.+)|(.+) (?:değil)"
)

OUTCOME_HEADERS = frozenset(
    {"partner", "ispartner", "partnered", "partnership", "paid", "ispaid", "paidpost", "converted"}
    | {"isconverted", "won", "iswon", "dealwon", "closedwon", "signed", "issigned", "hired"}
    | {
        "accepted",
        "approved",
        "sponsor",
        "issponsored",
        "issponsor",
        "gotadeal",
        "hasdeal",
        "label",
    }
    | {"contractsigned", "pagado", "pagada", "pago", "paga", "patrocinado", "convertido", "ganado"}
    | {"contratado", "firmado", "bezahlt", "gesponsert", "gewonnen", "abgeschlossen", "payé"}
    | {"sponsorisé", "converti", "gagné", "signé", "pagato", "sponsorizzato", "convertito"}
    | {"vinto", "betaald", "opłacone", "оплачено", "партнер", "партнёр", "спонсор", "合作"}
    | {"сделка", "契約", "sponsorlu", "sponsorluk", "رعاية", "kooperation", "collab"}
    | {"gesponsord", "współpraca"}
    | {"是否合作", "成交", "是否成交", "签约", "是否签约", "成約", "提携", "협찬", "계약"}
)
"""Headers that name an outcome, by their letters and digits in lower case."""

VAGUE_HEADERS = frozenset(
    {"status", "state", "stage", "outcome", "result", "deal", "dealstatus", "dealstage"}
    | {"dealoutcome", "leadstatus", "leadstage", "pipelinestage", "opportunitystage"}
    | {"campaignstatus", "collabstatus", "collaborationstatus", "partnershipstatus"}
    | {"applicationstatus", "offerstatus", "contractstatus", "outreachstatus", "response"}
    | {"decision", "estado", "etapa", "resultado", "situação", "statut", "étape", "résultat"}
    | {"stand", "ergebnis", "stato", "esito", "durum", "статус", "результат", "状态", "结果"}
    | {"合作状态", "ステータス", "結果", "상태", "결과"}
)
"""Headers that may name an outcome; their words must be the trade's own."""


_CODE = re.compile(r"\A\s*\d{1,2}\s*[.):=]\s*(?=[^\W\d_])")
"""The code before the label of a value, as statistics programs export both: ``1. Yes``."""


def word_key(word: str) -> str:
    """Return a word without case, stray blanks, hyphens and underscores; a number keeps its sign.

    Examples
    --------
    >>> word_key(" Closed-Won "), word_key("-1"), word_key("1. Yes")
    ('closed won', '-1', 'yes')
    """
    word = _CODE.sub("", word)
    words = re.search(r"[^\W\d_]{2}", word)
    return folded(re.sub(r"[-_/–]+", " ", word) if words else word)


def deal_word(word: str) -> bool | None:
    """Return whether a word means a deal, and None where it does not say.

    Examples
    --------
    >>> deal_word("Sí"), deal_word("Non-partner"), deal_word("Contacted")
    (True, False, None)
    """
    key = word_key(word)
    if key in _YES or key in _NO:
        return key in _YES
    return trade_word(word)


def trade_word(word: str) -> bool | None:
    """Return whether one of the trade's words means a deal; yes and no are none of them.

    Examples
    --------
    >>> trade_word("Closed Lost"), trade_word("yes")
    (False, None)
    """
    key = word_key(word)
    if key in _DEAL or key in _NO_DEAL:
        return key in _DEAL
    negated = _NOT.fullmatch(key)
    return False if negated and (negated[1] or negated[2]) in _DEAL else None


def denies_deal(header: str) -> bool:
    """Whether a header names the lack of a deal, so that a yes below it may mean none.

    Examples
    --------
    >>> denies_deal("Deal declined?"), denies_deal("Not sponsored"), denies_deal("Signed")
    (True, True, False)
    """
    words = re.findall(r"[^\W_]+", header)
    return False in {trade_word(word) for word in (" ".join(words), *words)}


def names_deal(header: str) -> bool:
    """Whether a header speaks of a deal, such as its day, its value or how many there were.

    Examples
    --------
    >>> names_deal("Deal value (\u20ac)"), names_deal("Deals"), names_deal("Followers")
    (True, True, False)
    """
    words = re.findall(r"[^\W_]+", header)
    return is_outcome_header(header) or any(
        trade_word(word) or trade_word(word.removesuffix("s")) for word in words
    )


_DEALS = frozenset(
    {"deal", "deals", "contract", "contracts", "vertrag", "vertr\u00e4ge", "contrat", "contrats"}
    | {"contrato", "contratos", "contratto", "contratti", "сделка", "сделки", "сделок"}
)
_BEFORE = frozenset(
    {"past", "previous", "prior", "former", "earlier", "before", "old", "history", "last"}
    | {
        "fr\u00fchere",
        "bisherige",
        "vorherige",
        "pass\u00e9s",
        "pr\u00e9c\u00e9dents",
        "anteriores",
        "precedenti",
    }
)


def tells_deal(header: str) -> bool:
    """Whether a header speaks of this deal, its value or number, and not of earlier ones.

    Examples
    --------
    >>> tells_deal("Deal value (\u20ac)"), tells_deal("Past deals"), tells_deal("Paid posts")
    (True, False, False)
    """
    words = set(re.findall(r"[^\W\d_]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", header).casefold()))
    return not _DEALS.isdisjoint(words) and _BEFORE.isdisjoint(words)


def is_outcome_header(header: str, headers: frozenset[str] = OUTCOME_HEADERS) -> bool:
    """Whether a header is one of those that name an outcome.

    Examples
    --------
    >>> is_outcome_header("Is Partner?"), is_outcome_header("Deal Stage", VAGUE_HEADERS)
    (True, True)
    """
    return re.sub(r"[\W_]+", "", folded(header)) in headers
