"""Spellings of dates that must not be learned from, and figures that only look like dates."""

from __future__ import annotations

import pyarrow as pa
import pytest

from durhampulse.creators.dates import is_date, looks_like_dates
from durhampulse.creators.reading import read_creators
from durhampulse.creators.roles import read_extra

DATES = [
    "2024-03",
    "2024/03",
    "03/2024",
    "2024-Q1",
    "Q1 2024",
    "Q1-2024",
    "1Q24",
    "T1 2024",
    "2024-W05",
    "H1 2024",
    "2024-06-15",
    "2024-06-15T13:45:00Z",
    "2024-06-15 13:45:00+02:00",
    "15/06/2024",
    "06/15/24",
    "15.06.2024",
    "15.06.24",
    "20240615",
    "20240615123000",
    "202406",
    "15-Jun-24",
    "Jun 2024",
    "Jun-24",
    "June 15, 2024",
    "15 June 2024",
    "15th June 2024",
    "Saturday, June 15, 2024",
    "15 de junho de 2024",
    "15. Juni 2024",
    "15 juin 2024",
    "15 \u0438\u044e\u043d\u044f 2024 \u0433.",
    "15 \u0438\u044e\u043d. 2024",
    "Thu Sep 08 13:20:35 +0000 2011",
    "2024\u5e746\u670815\u65e5",
    "\u4ee4\u548c6\u5e746\u670815\u65e5",
    "2024\u5e746\u6708",
    "2024\ub144 6\uc6d4 15\uc77c",
    "6\u670815\u65e5",
    "1718409600",
    "1718409600000",
    "1718409600.5",
    "2024\u5e74\u7b2c1\u5b63\u5ea6",
    "15 \u064a\u0648\u0646\u064a\u0648 2024",
    "15 \u091c\u0942\u0928 2024",
    "15 Haziran 2024",
    "15 Juni 2024",
    "2 czerwca 2024",
    "Jun 15 2024 3:45 PM",
    "\uff12\uff10\uff12\uff14\u5e74\uff16\u6708\uff11\uff15\u65e5",
    "15 giugno 2024",
    "15 de jun. de 2024",
    "sept 2024",
    "\u0662\u0660\u0662\u0664-\u0660\u0666-\u0661\u0665",
    "2024.06.15",
    "12 \u09ae\u09c7 2024",
    "Q3 FY24",
]
NO_DATES = [
    "10.5",
    "1.2.3",
    "1.2.31",
    "1-2",
    "10-12",
    "$1,840",
    "555-1234",
    "+44 20 7946 0958",
    "20241361",
    "2024",
    "45000",
    "12:34",
    "may",
    "Mr. 5",
    "3 in 1",
    "v2.0",
    "0.5",
    "1-5k",
    "15 Min",
    "8 sec",
    "2 days",
    "98.6%",
    "2500000000",
    "1000",
    "123456",
    "3 mai tai",
    "192.168.1.1",
    "4K",
    "12 months",
    "May Smith",
    "1990",
]


@pytest.mark.parametrize("word", DATES)
def test_spelling_of_date_is_known(word):
    assert is_date(word.casefold())
    assert read_extra("Seen", pa.array([word] * 30 + [None, "n/a"])).role.reason == (
        "dates are not learned from"
    )


@pytest.mark.parametrize("word", NO_DATES)
def test_other_figures_are_no_dates(word):
    assert not is_date(word.casefold())


@pytest.mark.parametrize(
    ("header", "cells", "expected"),
    [
        ("Year", [2024, 2023], True),
        ("Jahr", ["2024"], True),
        ("Gr\u00fcndungsjahr", [1999], True),
        ("\u5e74\u4efd", ["2024"], True),
        ("created_year", [2020, 2021], True),
        ("Posts", [2024, 1999], False),
        ("years_active", [2, 5], False),
        ("Start Date", [45_000, 45_200], True),
        ("Likes", [45_000, 45_200], False),
        ("Joined", [20_240_615, 20_231_201], True),
        ("Comments", [1_200, 1_718_409_600], False),
    ],
)
def test_header_tells_years_and_counted_days(header, cells, expected):
    assert looks_like_dates(header, pa.array(cells)) is expected


def test_standard_column_is_never_a_date(tmp_path):
    rows = "".join(f"c{i},202406{i + 10},{i % 2}\n" for i in range(20))
    (tmp_path / "a.csv").write_text(f"id,Followers,Sponsored\n{rows}")
    assert read_creators(tmp_path / "a.csv").table["Followers"].iloc[0] == 20_240_610


@pytest.mark.parametrize(
    "header",
    ["brand_id", "like_user_id", "xyz_campaign_id", "brandId", "id_marca", "Account Number", "plz"],
)
def test_numbers_given_to_things_are_no_features(header):
    assert read_extra(header, pa.array([11, 12, 17, 19] * 20)).role.role == "unused"


@pytest.mark.parametrize("header", ["paid", "Videos", "Bid", "Grid", "Number of posts"])
def test_other_numbers_stay_features(header):
    assert read_extra(header, pa.array([11, 12, 17, 19] * 20)).role.role == "feature"
