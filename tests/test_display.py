from __future__ import annotations

import re

import pandas as pd
import pytest

from durhampulse.report import display


@pytest.fixture
def shown(monkeypatch):
    """What a notebook is given to show."""
    outputs = []
    monkeypatch.setattr(display, "display", lambda output, **_options: outputs.append(output))
    return outputs


def test_words_begin_at_the_left_and_numbers_end_at_the_right(shown):
    table = pd.DataFrame(
        {
            "band": ["Yes", "No <b>"],
            "creators": [1200, 3],
            "interval": ["97 to 100%", "\N{EN DASH}"],
            "reason": ["engagement 7%", ""],
        },
        index=pd.Index(["7", "7"], name="Influencer ID"),
    )
    display.show(table)
    html = shown[0]["text/html"]
    heads = re.findall(r"<th [^>]*>([^<]*)</th>", html)
    assert heads == ["Influencer ID", "band", "creators", "interval", "reason"]
    left = {int(at) for at in re.findall(r"\.col(\d+) {\s*text-align: left", html)}
    assert {heads[at] for at in left} == {"Influencer ID", "band", "reason"}
    assert "<b>" not in html
    assert "1,200" in html
    assert "1,200" in shown[0]["text/plain"]


def test_identifiers_are_written_as_they_are(shown):
    display.show(pd.DataFrame({"deals": [4]}, index=pd.Index([2506], name="Influencer ID")))
    assert ">2506<" in shown[0]["text/html"]


def test_numbers_of_rows_are_not_shown(shown):
    display.show(pd.DataFrame({"creators": [4, 5]}).tail(1))
    assert re.findall(r"<t[hd] [^>]*>([^<]*)</t[hd]>", shown[0]["text/html"]) == ["creators", "5"]


def test_empty_tables_and_sentences_leave_no_output(shown):
    display.show(pd.DataFrame({"creators": []}))
    display.say("", "")
    assert shown == []


def test_same_table_gives_same_output(shown):
    for _ in range(2):
        display.show(pd.DataFrame({"band": ["Yes"], "creators": [4]}))
    assert shown[0] == shown[1]
