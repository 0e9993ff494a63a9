"""Names of columns that the law protects, and of columns that only look so.

``protected-names.txt`` follows article 21 of the EU Charter, directives 2000/43/EC and 2000/78/EC,
section 4 of the UK Equality Act 2010, and Title VII, ADEA, ADA, GINA and 38 U.S.C. 4212 of the
United States, in the larger languages. ``harmless-names.txt`` holds headers as exports of
platforms have them.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from typer.testing import CliRunner

import durhampulse as dp
from durhampulse.cli import app
from durhampulse.creators.protected import protected_attribute
from durhampulse.creators.reading import read_creators
from durhampulse.creators.roles import read_extra
from durhampulse.evaluation.judgement import judge
from durhampulse.exceptions import InputError

HERE = Path(__file__).parent
PROTECTED = (HERE / "protected-names.txt").read_text("utf-8").splitlines()
HARMLESS = (HERE / "harmless-names.txt").read_text("utf-8").splitlines()


def test_names_of_protected_attributes_are_known():
    assert len(PROTECTED) >= 60
    assert [name for name in PROTECTED if protected_attribute(name) is None] == []


def test_harmless_names_are_left_alone():
    assert len(HARMLESS) >= 60
    assert [name for name in HARMLESS if protected_attribute(name)] == []


@pytest.mark.parametrize(
    ("name", "attribute"),
    [
        ("Year_Birth", "age or birth"),
        ("Muttersprache", "language of birth"),
        ("union_membership", "trade-union membership"),
        ("disabled", "disability"),
        ("\u56fd\u7c4d", "nationality"),
    ],
)
def test_attribute_is_named(name, attribute):
    assert protected_attribute(name) == attribute


def test_gender_is_known_by_its_cells():
    cells = pa.array(["F", "M", "M", None, "F", "x"] * 20)
    assert read_extra("Genre", cells).role.role == "protected"
    assert read_extra("Genre", pa.array(["Rock", "Pop", "M"] * 20)).role.role == "feature"


def creators(**options):
    table = dp.simulate_market(400, seed=5).table
    generator = np.random.default_rng(0)
    table["Alter"] = generator.integers(18, 60, 400)
    table["Team"] = pd.array(generator.choice(["a", "b"], 400), "str")
    return read_creators(table, **options)


def roles(read):
    return {role.column: role.role for role in read.roles}


def test_person_settles_what_is_protected():
    assert roles(creators())["Alter"] == "protected"
    read = creators(protect=("Team", "Niche"), allow=("Alter",))
    assert (roles(read)["Team"], roles(read)["Alter"]) == ("protected", "feature")
    assert roles(read)["Niche (as found)"] == "protected"
    assert "Niche" not in roles(read)


def test_allowed_column_is_named_in_ledger_and_verdict():
    read = creators(allow=("Alter",))
    ledger = read.irregularities.query("code == 'protected'")
    assert ledger["action"].tolist() == [
        "LEARNED FROM, as --allow asks, though it looks like age or birth"
    ]
    check = next(check for check in judge(read).checks if check.code == "protected")
    assert (check.severity, check.columns) == ("care", ("Alter",))
    assert "learned from, as --allow asks" in check.reason


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"protect": ("Team",), "allow": ("Team",)}, "'Team' is to be protected and allowed"),
        ({"protect": ("Tema",)}, "--protect 'Tema': no such column"),
        ({"allow": ("Age",)}, "--allow 'Age': no such column"),
    ],
)
def test_contradiction_or_absent_column_is_refused(options, words):
    with pytest.raises(InputError, match=words):
        creators(**options)


def test_flags_reach_the_reader(tmp_path):
    path = tmp_path / "creators.csv"
    creators().table.drop(columns="Sponsorship_Status").to_csv(path, index=False)
    flags = ["--allow", "Alter", "--protect", "Team", "--json"]
    result = CliRunner().invoke(app, ["inspect", str(path), *flags])
    assert result.exit_code == 0
    assert "LEARNED FROM, as --allow asks" in result.stdout
