"""Each export of the corpus is read rightly, or asked about; and the corpus itself is sound."""

from __future__ import annotations

import csv
import re
from dataclasses import replace
from pathlib import Path

import pytest

from tests.corpus.exports import Field, declared_exports
from tests.corpus.figures import LOCALES, written
from tests.corpus.files import HEADER_ROWS, write
from tests.corpus.page import declared_part
from tests.corpus.reading import read
from tests.corpus.variants import Variant, natural, pairwise, printable, table

EXPORTS = {export.name: export for export in declared_exports()}

# By hand, from CLDR's number patterns of each locale (https://cldr.unicode.org), any blank as one.
WRITTEN = {
    "en": ("1,250,000", "1.25M", "5.62%"),
    "en_IN": ("12,50,000", "12.5L", "5.62%"),
    "de": ("1.250.000", "1,25 Mio.", "5,62 %"),
    "de_CH": ("1\u2019250\u2019000", "1.25 Mio.", "5.62%"),
    "fr": ("1 250 000", "1,25 M", "5,62 %"),
    "es": ("1.250.000", "1,25 M", "5,62 %"),
    "pt_BR": ("1.250.000", "1,25 mi", "5,62%"),
    "it": ("1.250.000", "1,25 Mln", "5,62%"),
    "pl": ("1 250 000", "1,25 mln", "5,62%"),
    "ru": ("1 250 000", "1,25 \u043c\u043b\u043d", "5,62 %"),
    "ja": ("1,250,000", "125\u4e07", "5.62%"),
    "zh": ("1,250,000", "125\u4e07", "5.62%"),
}


@pytest.mark.parametrize("locale", LOCALES)
def test_figures_are_written_as_the_locale_writes_them(locale):
    figures = ((1_250_000, "grouped"), (1_250_000, "compact"), (0.0562, "percent"))
    cells = [written(number, form, locale) for number, form in figures]
    assert tuple(re.sub(r"\s", " ", cell) for cell in cells) == WRITTEN[locale]


@pytest.mark.parametrize(
    "name", [name for name, export in EXPORTS.items() if export.format != "xlsx"]
)
def test_file_holds_the_declared_table_below_its_top(name, tmp_path):
    export = EXPORTS[name]
    path = write(export, natural(export), tmp_path)
    delimiter = {"comma": ",", "semicolon": ";", "tab": "\t"}[export.format]
    with path.open(encoding=export.encoding, newline="") as stream:
        rows = list(csv.reader(stream, delimiter=delimiter))
    text = [
        [printable(cell, export.encoding) for cell in row] for row in table(export, export.locale)
    ]
    first = HEADER_ROWS[export.top] - 1
    assert [row[: len(text[0])] for row in rows[first:]] == text
    assert all(len(row) == len(text[0]) for row in rows[first:])


def test_wrong_readings_are_told_by_their_kind(tmp_path):
    export = EXPORTS["standard-eight"]

    def kinds(**rights: str) -> list[str]:
        fields = tuple(
            replace(field, right=rights.get(field.header, field.right)) for field in export.fields
        )
        faulty = replace(export, fields=fields)
        return [fault.kind for fault in read(faulty, natural(faulty), tmp_path).faults]

    assert kinds() == []
    assert kinds(Niche="Video_Quality") == ["role"]
    extra = Field("Shoe size", "protected", {"cells": ["41", "38", "44"]})
    with_extra = replace(export, fields=(*export.fields, extra), format="comma")
    assert [f.kind for f in read(with_extra, natural(with_extra), tmp_path).faults] == ["person"]
    outcome = replace(with_extra, fields=(*export.fields, replace(extra, right="label")))
    assert [f.kind for f in read(outcome, natural(outcome), tmp_path).faults] == ["outcome"]
    worth = {"cells": ["41", "38", "44"], "values": [41, 83, 44]}
    misread = replace(with_extra, fields=(*export.fields, Field("Shoe size", "feature", worth)))
    assert [f.kind for f in read(misread, natural(misread), tmp_path).faults] == ["value"]
    unasked = replace(export, ask=("unit",))
    assert [f.kind for f in read(unasked, natural(unasked), tmp_path).faults] == ["silent"]


@pytest.mark.parametrize("name", EXPORTS)
def test_export_is_read_right_or_asked_about(name, tmp_path):
    export = EXPORTS[name]
    assert read(export, natural(export), tmp_path).faults == ()


@pytest.mark.slow  # some six hundred files
def test_variants_are_read_right_or_asked_about(tmp_path):
    choices = pairwise(declared_exports())
    assert set(EXPORTS) == {export.name for export, _ in choices}
    readings = [read(export, variant, tmp_path) for export, variant in choices]
    assert [(r.export.name, str(r.variant), r.faults) for r in readings if r.faults] == []


def test_page_shows_what_is_declared():
    page = (Path(__file__).parents[2] / "docs" / "corpus.md").read_text(encoding="utf-8")
    rows = page.partition("## The exports")[2].partition("\n## ")[0].splitlines()
    declared = [declared_part(export) for export in declared_exports()]
    shown = [row for row in rows if row.startswith("| ") and not row.startswith("| export |")]
    assert len(shown) == len(declared)
    for row, part in zip(shown, declared, strict=True):
        assert row.startswith(part), f"renew the page: python -m tests.corpus ({part})"


def test_variant_is_named_by_its_choices():
    assert str(Variant("cp932", "ja", "none", "comma")) == "cp932, ja, none, comma"
