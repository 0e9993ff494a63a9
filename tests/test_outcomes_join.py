"""Outcomes in a second file are joined by identifier, and every row is accounted for."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from durhampulse.creators.reading import read_creators
from durhampulse.exceptions import InputError

LABEL = "Sponsorship_Status"
CREATORS = "Handle,Followers,Niche\n@a,100,Tech\n@b,200,Food\n@c,300,Tech\n@d,400,Food\n"
DEALS = (
    "deal_id,handle,stage,fee,closed\n"
    "D1,@a,Won,10,2024-01-01\nD2,@a,Lost,,2024-02-01\nD3, @b ,Won,20,2024-03-01\n"
    "D4,@a,Won,30,2024-04-01\nD5,@x,Lost,,2024-05-01\nD6,@c,,,2024-06-01\n"
)


@pytest.fixture
def files(tmp_path):
    (tmp_path / "creators.csv").write_text(CREATORS)
    (tmp_path / "deals.csv").write_text(DEALS)
    return tmp_path / "creators.csv", str(tmp_path / "deals.csv")


def test_every_outcome_is_a_row_and_every_creator_stays(files):
    path, deals = files
    table = read_creators(path, outcomes=deals).table
    assert table["Influencer_ID"].tolist() == ["@a", "@a", "@a", "@b", "@c", "@d"]
    np.testing.assert_array_equal(table[LABEL], [1, 0, 1, 1, np.nan, np.nan])
    assert table["Followers"].tolist() == [100, 100, 100, 200, 300, 400]
    assert table.index.is_unique


def test_ledger_counts_what_was_joined_and_what_not(files):
    path, deals = files
    ledger = read_creators(path, outcomes=deals).irregularities
    joined = ledger[ledger["code"] == "joined"]
    counts = dict(zip(joined["action"], joined["count"], strict=True))
    assert [n for text, n in counts.items() if "joined by identifier; 1 creators" in text] == [4]
    assert [n for text, n in counts.items() if "no outcome in deals.csv" in text] == [2]
    assert [n for text, n in counts.items() if "of nobody in the table" in text] == [1]
    assert [n for text, n in counts.items() if "without identifier or outcome" in text] == [1]
    after = joined[joined["action"].str.contains("written after the outcome")]
    assert set(after["column"]) == {"deal_id", "fee", "closed"}


def test_columns_of_the_second_file_are_taken_when_asked_for(files):
    path, deals = files
    creators = read_creators(path, outcomes=deals)
    assert not {"fee", "closed", "deal_id"} & set(creators.table)
    creators = read_creators(path, outcomes=deals, keep=("closed",))
    assert creators.table["closed"].iloc[0] == "2024-01-01"


def test_both_hashes_are_known(files):
    path, deals = files
    source = read_creators(path, outcomes=deals).source
    assert source.sha256 == hashlib.sha256(CREATORS.encode()).hexdigest()
    assert source.outcomes == ("deals.csv", hashlib.sha256(DEALS.encode()).hexdigest())


def test_one_outcome_a_creator_keeps_row_numbers(files, tmp_path):
    (tmp_path / "one.csv").write_text("Handle,result\n@d,Signed\n@b,Ghosted\n")
    creators = read_creators(files[0], outcomes=str(tmp_path / "one.csv"), deal_is=("Signed",))
    assert creators.table.index.tolist() == [2, 3, 4, 5]
    assert creators.table[LABEL].dropna().to_dict() == {3: 0.0, 5: 1.0}
    assert creators.outcome.deal == "Signed"


def test_copies_of_a_creator_are_not_multiplied(tmp_path):
    (tmp_path / "c.csv").write_text("id,Followers\n1,5\n1,5\n2,6\n")
    (tmp_path / "d.csv").write_text("id,won\n1,1\n1,0\n")
    creators = read_creators(tmp_path / "c.csv", outcomes=str(tmp_path / "d.csv"))
    assert creators.table["Influencer_ID"].tolist() == [1, 1, 2]
    assert "duplicate-row" in set(creators.irregularities["code"])


def test_identifiers_have_one_form_in_both_files(tmp_path):
    (tmp_path / "c.csv").write_text("id,Followers\n1001,5\n1002,6\n")
    (tmp_path / "d.csv").write_text("creator,won\n1001.0,1\n 1002,0\n")
    table = read_creators(tmp_path / "c.csv", outcomes=str(tmp_path / "d.csv")).table
    assert table[LABEL].tolist() == [1, 0]


@pytest.mark.parametrize(
    ("creators", "deals", "words"),
    [
        (CREATORS.replace("Niche", "Sponsored"), DEALS, "'Sponsored' holds outcomes too"),
        ("Followers,Niche\n1,a\n1,b\n", DEALS, "no column tells creators apart"),
        (CREATORS, "who,stage\nq,Won\nr,Lost\n", r"'who', 'stage' names the creators"),
        (CREATORS, "Handle,note\n@a,called\n", "'note' says what happened"),
        (CREATORS, "Handle,Status\n@a,Signed\n@b,Cold\n", "--deal-is Signed"),
    ],
)
def test_files_that_do_not_fit_are_refused_with_way_out(tmp_path, creators, deals, words):
    (tmp_path / "c.csv").write_text(creators)
    (tmp_path / "d.csv").write_text(deals)
    with pytest.raises(InputError, match=words):
        read_creators(tmp_path / "c.csv", outcomes=str(tmp_path / "d.csv"))


def test_database_of_outcomes_is_refused(files):
    with pytest.raises(InputError, match="Name a file"):
        read_creators(files[0], outcomes="sqlite:///deals.db")
