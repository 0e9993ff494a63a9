"""The page about the corpus: what is declared, and how the last run went."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from tests.corpus.exports import Export
from tests.corpus.reading import Fault, Reading

__all__ = ["declared_part", "page", "result_of"]

_TOP = """\
# A corpus of exports

Lists of creators come from many tools, written in many ways. `tests/corpus/` declares {count} small exports:
their headers, what the cells hold, and what must become of each column. A page that names or describes the
fields is given where one was found; what is marked *constructed* is made up in the style of such lists, and
where a page only *describes* the fields, the headers are ours, as are the figures about creators that
systems of deals lack and the outcomes that tools of search lack. All cells are made up.

Each export is written as its tool would write it, and in a choice of variants in which every two of its
encodings, locales of numbers, lines above the header and formats meet ({variants} files). A reading is
**right** when each column became what is declared and each cell kept its value; **asked** when the program
would not guess and named the option that settles it, and reading went on rightly with the declared answer;
anything else is wrong. `python -m tests.corpus` runs this and renews the page.

"""


def declared_part(export: Export) -> str:
    """Return an export's row of the table without its result."""
    return f"| {export.name} | {export.product} | {export.tests} | {_source(export)} |"


def _source(export: Export) -> str:
    title, comma, address = export.source.rpartition(", https://")
    if not comma:
        title, comma, address = export.source.rpartition(", http://")
    if not comma:
        return "*constructed*"
    link = f"[{title}]({comma.removeprefix(', ')}{address})"
    return link if export.named else f"{link} (describes)"


def result_of(reading: Reading) -> str:
    """Return how a reading ended, in a word or two."""
    asked = ", ".join(f"`--{name}`" for name in dict.fromkeys(reading.asked))
    open_end = "" if reading.answered or reading.faults else ", not read"
    return f"asked for {asked}{open_end}" if reading.state == "asked" else reading.state


def page(naturals: Sequence[Reading], variants: Sequence[Reading]) -> str:
    """Return the page in Markdown."""
    parts = [_TOP.format(count=len(naturals), variants=len(variants))]
    parts.append("## The last run\n\n" + _measures(naturals, variants))
    parts.append("\n## The exports\n\n" + _table(naturals, variants))
    if wrong := [reading for reading in (*naturals, *variants) if reading.faults]:
        parts.append("\n## What is read wrongly\n\n" + _faults(wrong))
    return "".join(parts)


def _measures(naturals: Sequence[Reading], variants: Sequence[Reading]) -> str:
    lines = [
        "| measure | as its tool writes it | in all variants |\n|---|---|---|\n",
        _line("files", len(naturals), len(variants)),
    ]
    for state in ("right", "asked", "wrong"):
        counts = [sum(reading.state == state for reading in run) for run in (naturals, variants)]
        lines.append(_line(state, *counts))
    unread = [
        sum(reading.state == "asked" and not reading.answered for reading in run)
        for run in (naturals, variants)
    ]
    lines.append(_line("asked and not read in the end", *unread))
    for kind, name in _KINDS.items():
        counts = [sum(fault.kind == kind for fault in _all(run)) for run in (naturals, variants)]
        lines.append(_line(name, *counts))
    return "".join(lines)


_KINDS = {
    "mojibake": "files with garbled letters",
    "outcome": "outcome columns learned from",
    "person": "persons' fields learned from",
}


def _line(name: str, *counts: int) -> str:
    return f"| {name} | {' | '.join(str(count) for count in counts)} |\n"


def _all(run: Sequence[Reading]) -> list[Fault]:
    return [fault for reading in run for fault in reading.faults]


def _table(naturals: Sequence[Reading], variants: Sequence[Reading]) -> str:
    by_name: dict[str, Counter[str]] = {}
    for reading in variants:
        by_name.setdefault(reading.export.name, Counter())[reading.state] += 1
    lines = ["| export | product | what it tests | source | as its tool writes it | variants |\n"]
    lines.append("|---|---|---|---|---|---|\n")
    for reading in naturals:
        counts = _counts(by_name.get(reading.export.name, Counter()))
        lines.append(f"{declared_part(reading.export)} {result_of(reading)} | {counts} |\n")
    return "".join(lines)


def _counts(states: Mapping[str, int]) -> str:
    return ", ".join(
        f"{states[state]} {state}" for state in ("right", "asked", "wrong") if state in states
    )


def _faults(wrong: Sequence[Reading]) -> str:
    """Return each kind of fault once, with the first file that shows it."""
    lines = ["| export | written as | kind | column | what came |\n|---|---|---|---|---|\n"]
    seen: set[tuple[str, str, str]] = set()
    for reading in wrong:
        for fault in reading.faults:
            key = (reading.export.name, fault.kind, fault.header)
            if key not in seen:
                seen.add(key)
                note = " ".join(fault.note.replace("|", "or").split())[:160]
                lines.append(
                    f"| {reading.export.name} | {reading.variant} | {fault.kind} "
                    f"| {fault.header.replace('|', 'or')} | {note} |\n"
                )
    return "".join(lines)
