"""Encodings of text files: decided from the bytes where they tell, else asked.

UTF-8 and byte-order marks are certain. Of what is neither, charset-normalizer proposes an encoding,
and the proposal is taken where it agrees with itself: no control characters, the same for either
half of the words, and no other plausible encoding reads them in another way. Code pages of one
script differ in a few letters only and cannot be told apart by a table of names, so a table whose
letters they read differently is refused with the readings and the option.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterator, Sequence
from typing import BinaryIO, NamedTuple

from durhampulse.exceptions import InputError
from durhampulse.files.scripts import holds_controls, is_latin, odd_share, words_beyond_ascii

__all__ = ["Encoding", "decide_encoding", "misfit"]

_SNIFFED = 64 << 20
_BLOCK = 1 << 20
_MOST_CELLS = 5_000
_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
"""Byte-order marks, longer ones before those they begin with."""
_EAST_ASIAN = ("gb18030", "cp932", "cp949", "big5", "euc_jp")
_CYRILLIC = ("cp1251", "koi8_r", "cp866", "iso8859_5", "mac_cyrillic")
_LATIN = (
    "cp1252",
    "cp1250",
    "cp1254",
    "mac_roman",
    "cp1257",
    "iso8859_2",
    "cp850",
    "cp852",
    "cp437",
)
_OTHER = ("cp1253", "cp1255", "cp1256", "cp874", "iso8859_7")
_CANDIDATES = (*_LATIN, *_EAST_ASIAN, *_CYRILLIC, *_OTHER)
_RARE = ("mac_latin2", "mac_turkish")
"""Considered where no other reads the words plausibly: next to nobody writes them any more."""
_SEPARATORS = re.compile(rb'[,;\t\r\n"]+')
"""No encoding listed has these bytes within a letter."""
_WIDE = ("utf-16", "utf-32")
_MOST_ODD = 0.08
_FEWEST_WORDS = 6
_MARGIN = 0.05
"""By which charset-normalizer must find the best reading less of a mess than the next."""
_MOST_MESS = 0.5


class Encoding(NamedTuple):
    """An encoding by Python's name for it, and three cells as it reads them."""

    name: str
    samples: tuple[str, ...] = ()


def decide_encoding(name: str, start: Callable[[], BinaryIO], asked: str | None) -> Encoding:
    """Return the encoding of a text file, as its first 64 MiB show it.

    Parameters
    ----------
    name
        The file's, for messages.
    start
        Opens it at its beginning.
    asked
        The encoding that was named, if one was.

    Raises
    ------
    InputError
        If it is no text, the encoding cannot be told, or the one named does not fit.
    """
    if asked is not None:
        return _named(name, start, asked)
    with start() as stream:
        head = stream.read(_BLOCK)
    mark = next((mark for mark in _MARKS if head.startswith(mark)), None)
    if mark is not None:
        return Encoding(_MARKS[mark])
    if b"\0" in head:
        return _without_mark(name, head)
    cells = _beyond_utf8(name, start)
    return Encoding("utf-8") if cells is None else _agreed(name, cells)


def misfit(name: str, start: Callable[[], BinaryIO], encoding: str) -> InputError:
    """Return the error that says where bytes do not fit an encoding."""
    problem = f"{name}: its bytes do not fit {encoding}{_line(start, encoding)}."
    if encoding.startswith(_WIDE):
        way_out = "Name another, such as --encoding utf-8; if it is cut off, export it again."
        return InputError(problem, way_out)
    return InputError(
        problem,
        "Export the table as UTF-8, or name the encoding of all of it, such as --encoding cp1252.",
    )


def _named(name: str, start: Callable[[], BinaryIO], asked: str) -> Encoding:
    try:
        encoding = codecs.lookup(asked).name
        "".encode(encoding)
    except (LookupError, UnicodeError) as error:
        raise InputError(
            f"{name}: '{asked}' is no encoding.", "Name one such as --encoding cp1252."
        ) from error
    decoder = codecs.getincrementaldecoder(encoding)()
    samples: list[str] = []
    with start() as stream:
        try:
            for block in _blocks(stream):
                text = decoder.decode(block, final=len(block) < _BLOCK)
                samples = samples or _samples(text)
        except UnicodeDecodeError as error:
            raise misfit(name, start, encoding) from error
    return Encoding(encoding, tuple(samples))


def _blocks(stream: BinaryIO) -> Iterator[bytes]:
    """Yield the bytes that are looked at; the last block of a file is a shorter one."""
    for _ in range(_SNIFFED // _BLOCK):
        block = stream.read(_BLOCK)
        yield block
        if len(block) < _BLOCK:
            return


def _samples(text: str) -> list[str]:
    """Return three cells beyond ASCII."""
    words = re.split(r'[,;\t\r\n"]+', text)
    return [*dict.fromkeys(word for word in words if not word.isascii())][:3]


def _line(start: Callable[[], BinaryIO], encoding: str) -> str:
    """Return where the first line is whose bytes do not fit, in words."""
    if encoding.startswith(_WIDE):
        return ""
    with start() as stream:
        for number, line in enumerate(stream, start=1):
            if _decoded([line], encoding) is None:
                return f", first in line {number:,}"
    return ""


def _without_mark(name: str, head: bytes) -> Encoding:
    """Return the encoding of text that holds zero bytes: UTF-16 has them at every other place."""
    sides = head[0::2].count(0), head[1::2].count(0)
    many = max(sides) >= 0.2 * len(head) / 2 and min(sides) <= 0.02 * max(sides)
    encoding = "utf-16-le" if sides[1] > sides[0] else "utf-16-be"
    if many:
        text = head[: len(head) & ~1].decode(encoding, errors="replace").rstrip("\ufffd")
        if not holds_controls([text]):
            return Encoding(encoding, tuple(_samples(text)))
    raise _no_text(name)


def _no_text(name: str) -> InputError:
    return InputError(
        f"{name}: this is not text, whatever its ending says.",
        "Save the table as CSV, .xlsx or .parquet and give it that ending.",
    )


def _beyond_utf8(name: str, start: Callable[[], BinaryIO]) -> list[bytes] | None:
    """Return the distinct cells beyond ASCII of a file that is not UTF-8; None if it is."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    with start() as stream:
        try:
            for block in _blocks(stream):
                if b"\0" in block:
                    raise _no_text(name)
                decoder.decode(block, final=len(block) < _BLOCK)
        except UnicodeDecodeError:
            pass
        else:
            return None
    cells: dict[bytes, None] = {}
    rest = b""
    with start() as stream:
        for block in _blocks(stream):
            *whole, rest = (rest + block).split(b"\n")
            if b"".join(whole).isascii():
                continue
            words = _SEPARATORS.split(b"\n".join(whole))
            cells |= dict.fromkeys(word for word in words if not word.isascii())
    cells |= dict.fromkeys(word for word in _SEPARATORS.split(rest) if not word.isascii())
    return [*cells][:_MOST_CELLS]


def _agreed(name: str, cells: list[bytes]) -> Encoding:
    """Return the encoding that all evidence agrees on; else raise, with three readings."""
    utf8 = [cell.decode() for cell in cells if _decoded([cell], "utf-8")]
    possible = _possible(cells, _CANDIDATES)
    plausible = _plausible(possible) or _plausible(_possible(cells, _RARE))
    if 2 * len(utf8) > len(cells) and odd_share(utf8) <= _MOST_ODD:
        bad = next(cell for cell in cells if _decoded([cell], "utf-8") is None)
        raise InputError(
            f"{name}: most of the text is UTF-8, but not {bad[:40]!r}.",
            "Correct those cells, export the table as UTF-8 again, or say how it is written: "
            "--encoding NAME.",
        )
    agreed = len({*map(tuple, plausible.values())}) == 1
    if plausible and agreed and is_latin(next(iter(plausible.values()))):
        best: str | None = next(iter(plausible))
    else:
        best = _proposal(cells, plausible)
    if best is None or any(
        is_latin(reading) and reading != plausible[best] for reading in plausible.values()
    ):
        raise _undecided(name, plausible or possible)
    return Encoding(best, tuple(plausible[best][:3]))


def _possible(cells: list[bytes], encodings: Sequence[str]) -> dict[str, list[str]]:
    """Return encoding to the cells as it reads them, where it can, without control characters."""
    readings = {encoding: _decoded(cells, encoding) for encoding in encodings}
    return {e: r for e, r in readings.items() if r is not None and not holds_controls(r)}


def _plausible(readings: dict[str, list[str]]) -> dict[str, list[str]]:
    return {e: reading for e, reading in readings.items() if odd_share(reading) <= _MOST_ODD}


def _decoded(cells: Sequence[bytes], encoding: str) -> list[str] | None:
    try:
        return [cell.decode(encoding) for cell in cells]
    except UnicodeDecodeError:
        return None


def _proposal(cells: list[bytes], plausible: dict[str, list[str]]) -> str | None:
    """Return what charset-normalizer proposes for all cells and for either half, if it is one."""
    for reading in plausible.values():
        if len({word for cell in reading for word in words_beyond_ascii(cell)}) < _FEWEST_WORDS:
            return None
    if not plausible:
        return None
    half = len(cells) // 2
    parts = [cells, cells[:half], cells[half:]]
    proposals = {_best(b"\n".join(part), [*plausible]) for part in parts if part}
    return proposals.pop() if len(proposals) == 1 else None


def _best(sample: bytes, encodings: list[str]) -> str | None:
    """Return the one encoding in which charset-normalizer finds clearly the least mess."""
    from charset_normalizer import from_bytes

    matches = [
        *from_bytes(sample, cp_isolation=encodings, enable_fallback=False, threshold=_MOST_MESS)
    ]
    first, *others = sorted(matches, key=lambda match: match.chaos) or [None]
    if first is None:
        return None
    rivals = [match for match in others if str(match) != str(first)]
    clear = all(match.chaos >= first.chaos + _MARGIN for match in rivals)
    return str(first.encoding) if clear else None


def _undecided(name: str, readings: dict[str, list[str]]) -> InputError:
    """Return the error that shows readings which differ, by a cell in which they do."""
    distinct: dict[tuple[str, ...], str] = {}
    for encoding, reading in readings.items():
        distinct.setdefault(tuple(reading), encoding)
    shown = [*distinct.items()][:3]
    if not shown:
        return InputError(
            f"{name}: the text is not UTF-8, nor in any encoding that is usual for tables.",
            "Export the table as UTF-8, or name its encoding: --encoding NAME.",
        )
    cells = [*zip(*(reading for reading, _ in shown), strict=True)]
    telling = max(cells, key=lambda readings: len({*readings}))
    texts = [f"{text[:40]!r} in {e}" for text, (_, e) in zip(telling, shown, strict=True)]
    options = [f"--encoding {encoding}" for _, encoding in shown]
    return InputError(
        f"{name}: the text is not UTF-8, and its encoding cannot be told. One cell is "
        f"{', '.join(texts)}.",
        f"Add the one that reads right: {', '.join(options)}; or export the table as UTF-8.",
    )
