"""Levels as queries and graphs read them, one cell each."""

from __future__ import annotations

import numpy as np
import pytest

from durhampulse.creators.rules import ColumnRule
from durhampulse.creators.words import folded
from durhampulse.decision.bands import Thresholds
from durhampulse.export.levels import look_alikes
from durhampulse.export.program import program_from
from durhampulse.features.codes import LevelCode
from durhampulse.features.encoding import Encoding
from durhampulse.models.fitted import FittedModel
from durhampulse.models.weights import Logistic
from tests.exported import ENGINES, answers
from tests.messy import written_town

KNOWN = ("Berlin", "S\u00e3o Paulo", "Z\u00fcrich", "New York", "7")
OTHER = len(KNOWN)
TOWNS = {
    "berlin": 0,
    " BERLIN ": 0,
    "\uff22\uff25\uff32\uff2c\uff29\uff2e": 0,
    "s\u00e3o  paulo": 1,
    "Sa\u0303o\u00a0Paulo": 1,
    "S\u00c3O\tPAULO": 1,
    "ZU\u0308RICH": 2,
    "New\u3000York": 3,
    "7.0": 4,
    "\uff17": 4,
    "K\u00f6ln": OTHER,
    "\u0141\u00f3d\u017a": OTHER,
    "\u6771\u4eac": OTHER,
    "Yorkshire": OTHER,
}
"""Cell to the place of its level: case, width, blanks and composition tell no two apart."""


@pytest.fixture(scope="module")
def program():
    """A model whose log-odds are the place of the level, from 1, in eighths."""
    code = LevelCode(column="City", levels=KNOWN, rare=True, missing=False)
    weights = Logistic(np.arange(1, OTHER + 2) / 8, np.zeros(1))
    model = FittedModel(name="towns", encoding=Encoding((code,)), weights=weights)
    rule = ColumnRule(column="City", kind="levels", header="cell", levels=KNOWN)
    return program_from(model, {"City": rule}, Thresholds(), "")


def chance(place):
    return 1 / (1 + np.exp(-(place + 1) / 8))


@pytest.mark.parametrize("engine", [*ENGINES])
def test_levels_are_read_in_all_their_spellings(engine, program):
    expected = [chance(place) for place in TOWNS.values()]
    assert answers(ENGINES[engine](program, [*TOWNS])) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("engine", [*ENGINES])
def test_only_what_may_be_a_known_level_refuses_its_row(engine, program):
    """An o with the dots of Zürich's u may be part of a level; an o with a dot of its own is none."""
    reasons = ENGINES[engine](program, ["Ko\u0308ln", "Z\uff55rich", "K\u00f6ln"])[
        "refusal"
    ].tolist()
    assert ["letters beyond ASCII" in reason for reason in reasons] == [True, True, False]


def test_letters_with_some_of_their_marks_may_be_of_a_known_level():
    """With its acute behind, an e with a circumflex is the last letter of Hu\u1ebf."""
    assert folded("Hu\u00ea\u0301") == folded("Hu\u1ebf")
    assert {"\u00ea", "\u0301"} <= {*look_alikes([folded("Hu\u1ebf")])}


@pytest.mark.parametrize("engine", [*ENGINES])
def test_drawn_levels_are_read_as_the_program_reads_them(engine, program):
    rng = np.random.default_rng(23)
    cells = [written_town(rng) for _ in range(2_000)]
    read = program.inputs[0].rule.read_level_words(cells)
    names = [read.names[code] if code >= 0 else None for code in read.codes]
    places = {name: at for at, name in enumerate(KNOWN)}
    for cell, name, answer in zip(
        cells, names, answers(ENGINES[engine](program, cells)), strict=True
    ):
        if name is None:
            assert answer == "nothing", cell
        elif isinstance(answer, str):
            assert "letters beyond ASCII" in answer, cell
            assert name not in places, cell
        else:
            assert answer == pytest.approx(chance(places.get(name, OTHER)), abs=1e-9), cell
