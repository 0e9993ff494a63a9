"""Encodings: read right or asked for, never guessed."""
# ruff: noqa: RUF001 - names in the letters of their languages

from __future__ import annotations

import random
import subprocess
import sys

import pytest

from durhampulse.exceptions import InputError
from durhampulse.files.options import TableOptions
from durhampulse.files.stream import open_stream
from durhampulse.files.tables import read_source
from durhampulse.irregularities import Ledger

WORDS = {
    "ja": "山田太郎 佐藤花子 鈴木一郎 高橋みなみ ヒカキン きまぐれクック 美容 料理 旅行 ゲーム 音楽",
    "zh": "李佳琦 张沫凡 办公室小野 手工耿 陈晓红 美食作家王刚 健身教练小李 穿搭日记 护肤研究所 旅游",
    "ko": "김철수 이영희 박지민 최수진 정민호 강다은 대도서관 회사원 여행하는소녀 서울맛집 뷰티 음식",
    "tw": "蔡阿嘎 聖結石 陳小明 林美麗 張雅婷 台北美食 旅遊達人 健身女孩 時尚穿搭 料理實驗室 音樂",
    "ru": "Анна Дмитрий Екатерина Иванова Смирнов Юлия Щукина Ольга Путешествия Красота Музыка Еда",
    "cz": "Zdeněk Dvořák Božena Němcová Tomáš Růžička Šťastná Kučerová Krása Cestování Vzdělání Jídlo",
    "fr": "Zoé Léa Lefèvre François Hébert Jérôme Bélanger Anaïs Côté Beauté Éducation Santé Noël",
    "tr": "Ayşe Yılmaz Çağla Şahin Oğuzhan Uğur Gökhan Öztürk İrem Güneş Barış Güzellik Eğitim Müzik",
}
WRITTEN = [
    *(("ja", "cp932"), ("zh", "gb18030"), ("ko", "euc_kr"), ("tw", "big5"), ("ru", "cp1251")),
    *(("cz", "cp1250"), ("fr", "cp1252"), ("tr", "cp1254"), ("fr", "mac_roman")),
    *(("ja", "utf-16-le"), ("fr", "utf-16-be"), ("ko", "utf-16"), ("ru", "utf-8-sig")),
]


def table(language, rows, share, seed=0):
    """Rows of a creators' table, some of whose names are English."""
    draw = random.Random(seed)
    words = WORDS[language].split()
    plain = ["MrBeast", "Emma", "Casey Neistat", "Linus", "Tom Baker", "Fashion"]
    lines = ["Influencer_ID,Name,Niche,Followers"]
    for row in range(rows):
        name, niche = (draw.choice(words if draw.random() < share else plain) for _ in range(2))
        lines.append(f"{row},{name},{niche},{draw.randint(1_000, 900_000)}")
    return "\n".join(lines) + "\n"


def read(path, **options):
    ledger = Ledger()
    raw = read_source(path, ledger, TableOptions(**options))
    return "".join(",".join(row.values()) + "\n" for row in raw.cells.to_pylist()), ledger.frame()


@pytest.mark.parametrize(("language", "encoding"), WRITTEN)
def test_encoding_is_right_or_asked(tmp_path, language, encoding):
    """For 20 to 2,000 rows, a tenth or nearly all of the names beyond ASCII."""
    path, right, asked = tmp_path / "a.csv", 0, 0
    for rows in (20, 200, 2_000):
        for share in (0.1, 0.9):
            text = table(language, rows, share)
            path.write_bytes(text.encode(encoding))
            try:
                right += read(path)[0] == text.partition("\n")[2]
            except InputError as error:
                asked += "cannot be told" in error.problem and "--encoding " in error.way_out
            cells, _ = read(path, encoding=encoding)
            assert cells == text.partition("\n")[2]
    assert right + asked == 6
    if language in ("fr", "tr") and encoding.startswith("cp"):
        assert asked == 6  # a few letters tell these code pages apart, and both readings are names
    elif encoding.startswith("utf"):
        assert asked == 0
    else:
        assert asked <= 2


def test_three_values_are_shown_as_they_are_read(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(table("ja", 50, 0.9).encode("cp932"))
    _, odd = read(path)
    (entry,) = odd.loc[odd["code"] == "encoding"].to_dict("records")
    assert entry["action"].startswith("read as cp932: '")
    assert sum(word in entry["examples"] for word in WORDS["ja"].split()) == 3
    opened = open_stream(path)
    assert any("read as cp932" in note for note in opened.notes)


def test_letters_that_all_code_pages_share_are_read(tmp_path):
    """0xFC is u with two dots in Windows' Western, Central European, Turkish and Baltic pages."""
    path = tmp_path / "a.csv"
    path.write_bytes("id,Name,Fee\n1,Jürgen Groß,€ 500\n2,Björn,£ 40\n".encode("cp1252"))
    assert read(path)[0] == "1,Jürgen Groß,€ 500\n2,Björn,£ 40\n"


def test_encoding_that_is_unknown_or_does_not_fit_is_refused(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes("id,Name\n1,Anna\n2,Zoé\n".encode("cp1252"))
    for door in (read, lambda path, **asked: open_stream(path, TableOptions(**asked))):
        with pytest.raises(InputError, match="'klingon' is no encoding"):
            door(path, encoding="klingon")
        with pytest.raises(InputError, match="do not fit utf-8, first in line 3"):
            door(path, encoding="utf-8")
        with pytest.raises(InputError, match="'hex' is no encoding"):
            door(path, encoding="hex")


def test_damaged_utf8_is_refused(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(table("fr", 50, 0.9).encode() + b"51,Zo\xe9,Food,1\n")
    with pytest.raises(InputError, match="most of the text is UTF-8, but not b'Zo"):
        read(path)


def test_bytes_beyond_what_was_looked_at_are_refused(tmp_path, monkeypatch):
    """Row 1,000,000 is not looked at first; its byte must not become another letter."""
    from durhampulse.files import encodings

    monkeypatch.setattr(encodings, "_SNIFFED", 1 << 20)
    path = tmp_path / "a.csv"
    path.write_bytes(b"id,Name\n" + b"1,Anna Miller\n" * 90_000 + b"2,Zo\xe9\n")
    for door in (read, lambda path: [*open_stream(path).chunks(["Name"])]):
        with pytest.raises(InputError, match="do not fit utf-8, first in line 90,002") as caught:
            door(path)
        assert "--encoding" in caught.value.way_out


def test_plain_files_load_no_detector(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("id,Name\n1,Zoé\n", "utf-8")
    code = (
        "import sys; from durhampulse.files.stream import open_stream; "
        f"open_stream({str(path)!r}); print('charset_normalizer' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
