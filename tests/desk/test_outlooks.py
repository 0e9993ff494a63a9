"""The sentences and figures of a campaign, by sets whose figures are written down here."""

from __future__ import annotations

import math

import pytest

from durhampulse.creators.outcome import SPONSORSHIP
from durhampulse.desk.campaigns.brief import Brief
from durhampulse.desk.campaigns.value import Expectation, Outlook
from durhampulse.desk.web.outlooks import bound, grounds, left_out, lines

BRIEF = Brief(name="Spring", number=5, budget=2_000.0, currency="EUR", fees={"nano": 100.0})
ALL = Outlook(
    creators=3, counted=3, deals=Expectation(2.04, 1.21, 2.96),
    views=Expectation(30_000.4, 12_345.6, 45_678.1), engagements=Expectation(900.0, 1.0, 2.0),
    cost=1_234.5, spent=Expectation(800.0, 500.2, 1_200.7), earned=Expectation(400.0, 100.0, 700.0),
    net=Expectation(-400.0, -1_100.7, 199.2), ratio=Expectation(-0.5, -0.913, 0.251),
    without_fee=0, without_views=0, without_engagement=0,
)  # fmt: skip


def changed(**fields):
    return Outlook(**{**vars(ALL), **fields})


def test_lines_widen_their_intervals_and_name_the_limits():
    table = {line.name: (line.value, line.beside) for line in lines(ALL, BRIEF, SPONSORSHIP)}
    assert table == {
        "Creators": ("3", "of 5"),
        "Deals among creators like these in the past": ("2.0", "1.2 to 3.0"),
        "Views from these": ("30,000", "12,345 to 45,679"),
        "Engagements from these": ("900", "1 to 2"),
        "Fees if all agree": ("1,234.50 EUR", "of 2,000 EUR"),
        "Fees to expect": ("800", "500 to 1,201"),
        "Return to expect": ("400", "100 to 700"),
        "Return less fees": ("\N{MINUS SIGN}400", "\N{MINUS SIGN}1,101 to 200"),
        "Return on investment": ("\N{MINUS SIGN}50%", "\N{MINUS SIGN}92% to 26%"),
    }


def test_unknown_figures_have_no_line():
    set_ = changed(spent=None, earned=None, net=None, ratio=None, without_views=3,
                   without_engagement=3, without_fee=3)  # fmt: skip
    names = [line.name for line in lines(set_, BRIEF, SPONSORSHIP)]
    assert names == ["Creators", "Deals among creators like these in the past"]
    endless = changed(ratio=Expectation(1.0, 0.0, math.inf))
    assert "Return on investment" not in {line.name for line in lines(endless, BRIEF, SPONSORSHIP)}


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "A fee counts as paid where there is a deal."),
        ({"counted": 2}, "1 of them is not counted: the outcome is known"),
        ({"counted": 1}, "2 of them are not counted"),
        ({"without_views": 1}, "1 of them without average views is counted as 0 there."),
        ({"without_engagement": 2}, "2 of them without an engagement rate are counted as 0"),
        ({"spent": None, "without_fee": 1}, "1 of them is without a fee, so no return is compared"),
    ],
)  # fmt: skip
def test_grounds_say_what_is_missing(fields, words):
    assert words in " ".join(grounds(changed(**fields), BRIEF, SPONSORSHIP))


def test_grounds_name_the_value_that_somebody_typed():
    brief = Brief(name="x", number=1, worth=0.02, per="view", currency="EUR")
    assert "Each view is worth 0.02 EUR, as the brief says." in grounds(ALL, brief, SPONSORSHIP)
    assert "is worth" not in " ".join(grounds(ALL, BRIEF, SPONSORSHIP))


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        (None, ""), ({}, ""), ({"binding": [], "pool": {"proposable": 0, "foreign": 9}}, ""),
        ({"binding": []}, "No limit held the set back: nobody else would have added anything."),
        ({"binding": ["niches", "budget"]},
         "What held the set back was the budget and the most per niche."),
        ({"binding": ["number"], "gap": 0.0034},
         "What held the set back was the number of creators. It is the best found in good time: "
         "another may bring 0.34% more."),
    ],
)  # fmt: skip
def test_limits_that_bind_are_named(facts, words):
    assert bound(facts) == words


def test_who_could_not_be_proposed_is_counted_with_a_way_to_mend_it():
    assert left_out(None, BRIEF, ("nano",)) == []
    counts = {"proposable": 1_200, "declined": 3, "foreign": 2, "unpriced": 40}
    said = left_out({"pool": counts}, BRIEF, ("nano", "micro", "mega"))
    assert said[0].startswith(
        "Of 1,245 creators in these niches and tiers 1,200 could be proposed. Left out: "
    )
    assert "3 declined" in said[0]
    assert "This campaign plans in EUR" in said[1]
    assert "name a fee for micro, mega in the brief" in said[2]
    unnamed = Brief(name="x", number=1)
    assert "in no currency that was named" in left_out({"pool": counts}, unnamed, ("nano",))[1]
