"""Words behind figures that say what they count, or in which unit a rate is."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from durhampulse.creators.blockreader import BlockReader
from durhampulse.creators.counted import split_counted
from durhampulse.creators.numbers import parse_number
from durhampulse.creators.reading import read_creators
from durhampulse.creators.records import RecordReader
from durhampulse.creators.rules import plain_rule
from durhampulse.creators.typed import read_typed
from durhampulse.exceptions import InputError

COUNTS = {
    "11.2K followers": 11_200,
    "1.2M subs": 1_200_000,
    "3,4 Mio. Abonnenten": 3_400_000,
    "2,1 Tsd. Follower": 2_100,
    "12,300 Fans": 12_300,
    "12.3\u4e07\u4eba": 123_000,
    "1,5 \u0442\u044b\u0441. \u043f\u043e\u0434\u043f\u0438\u0441\u0447\u0438\u043a\u043e\u0432": 1_500,
    "4.200,0 seguidores": 4_200,
    "850 takip\u00e7i": 850,
    "Followers: 900": 900,
    "900": 900,
}
RATES = {
    "3.4 pct": 0.034,
    "45 percent": 0.45,
    "5,6 Prozent": 0.056,
    "38.9 \u2030": 0.0389,
    "240 bps": 0.024,
    "-12 bp": -0.0012,
}


@pytest.mark.parametrize(("cell", "count"), [*COUNTS.items()])
def test_followers_with_their_word_are_read_by_every_door(cell, count):
    table = pa.table({"id": ["a"], "Followers": [cell]})
    read = read_creators(table)
    assert read.table["Followers"].tolist() == [count]
    rules = {"Followers": plain_rule("Followers")}
    reader = BlockReader("later", rules)
    reader.settle(cells := {"Followers": pa.array([cell])})
    assert reader.read(cells).block.numbers("Followers").tolist() == [count]
    block, errors = RecordReader(rules).read([{"Followers": cell}])
    assert block.numbers("Followers").tolist() == [count]
    assert errors == {}


@pytest.mark.parametrize(("cell", "rate"), [*RATES.items()])
def test_word_of_a_rate_settles_its_unit(cell, rate):
    table = pa.table({"id": ["a"], "Growth Rate": [cell]})
    assert read_creators(table).table["Growth_Rate"].tolist() == [rate]
    block, errors = RecordReader({"Growth_Rate": plain_rule("Growth_Rate")}).read(
        [{"Growth_Rate": cell}]
    )
    assert block.numbers("Growth_Rate").tolist() == [rate]
    assert errors == {}


def test_views_in_japanese_are_read():
    read = read_creators(pa.table({"id": ["a"], "Avg Views": ["1.2\u4e07\u56de"]}))
    assert read.table["Avg_Views_per_Post"].tolist() == [12_000]


def test_words_of_counts_are_noted_once_for_the_column():
    cells = ["11.2K followers", "900 followers", "850"]
    notes = read_creators(pa.table({"id": ["a", "b", "c"], "Followers": cells})).irregularities
    assert notes.query("code == 'counted'")[["column", "count"]].values.tolist() == [
        ["Followers", 2]
    ]


@pytest.mark.parametrize(
    ("column", "cell", "what"),
    [
        ("Followers", "12,300 views", "counts views, not followers"),
        ("Followers", "15 likes", "counts likes, not followers"),
        ("Avg_Views_per_Post", "11.2K followers", "counts followers, not views"),
    ],
)
def test_what_counts_others_is_refused_with_both_named(column, cell, what):
    cells = [cell, "4,200"]
    with pytest.raises(InputError, match=what):
        read_creators(pa.table({"id": ["a", "b"], "Niche": ["x", "y"], column: cells}))
    rules = {column: plain_rule(column)}
    reader = BlockReader("later", rules)
    reader.settle(read := {column: pa.array(cells)})
    unclear = reader.read(read).unclear
    assert list(unclear) == [0]
    assert what in unclear[0]
    _, errors = RecordReader(rules).read([{column: cell}])
    assert what in errors[0]


@pytest.mark.parametrize(
    "word", ["12 monkeys", "followers", "12 followers of 3", "12.3 pp", "views 3"]
)
def test_other_words_make_no_figure(word):
    assert split_counted(word) is None or not parse_number(word, "count").readable
    assert not parse_number(word, "rate").readable


def test_percentage_points_are_answered_with_a_percent_sign():
    rates = ["2.4 pp", "-0.3 pp", "1.1 pp"]
    with pytest.raises(
        InputError, match=r"percent sign, such as 2\.4%, unless they are differences"
    ):
        read_creators(pa.table({"id": ["a", "b", "c"], "Growth Rate": rates, "Niche": ["x"] * 3}))


def test_form_takes_no_figure_that_counts_something():
    with pytest.raises(InputError, match="is not a number"):
        read_typed("12K views", "count", field="min_followers")


def test_commas_that_the_column_itself_proves_count_in_a_later_table():
    """As in a study, though another column proves points."""
    cells = {
        "Followers": pa.array(["0,9 Mio.", "1,139 Mio.", "12"]),
        "Engagement_Rate": pa.array(["0.056", "0.031", "0.04"]),
    }
    reader = BlockReader("later", {name: plain_rule(name) for name in cells})
    reader.settle(cells)
    read = reader.read(cells)
    assert read.unclear == {}
    np.testing.assert_array_equal(read.block.numbers("Followers"), [900_000, 1_139_000, 12])
