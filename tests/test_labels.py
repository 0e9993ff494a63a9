"""Outcomes in the words people use: understood, named by an option, or asked about."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from durhampulse.creators.dealwords import deal_word
from durhampulse.creators.labels import read_labels
from durhampulse.creators.reading import read_creators
from durhampulse.creators.rules import ColumnRule
from durhampulse.evaluation.judgement import judge
from durhampulse.exceptions import InputError
from durhampulse.study.request import Request

CASES = Path(__file__).parent / "cases"
LABEL = "Sponsorship_Status"


def table(**columns: list[object]) -> pd.DataFrame:
    n = len(next(iter(columns.values())))
    return pd.DataFrame({"id": range(n), "Followers": range(1_000, 1_000 + n), **columns})


def outcomes(frame: pd.DataFrame, **options: object) -> list[float | None]:
    labels = read_creators(frame, **options).table[LABEL]
    return [None if np.isnan(label) else label for label in labels]


@pytest.mark.parametrize(
    ("name", "words", "deals"),
    [
        ("label-paid-organic.csv", {"paid"}, "paid"),
        ("label-partner.csv", {"Partner"}, "Partner"),
        ("label-spanish.csv", {"S\u00ed"}, "deal"),
        ("label-sponsored-organic.csv", {"Sponsored"}, "deal"),
    ],
)
def test_clear_words_of_cases_are_read(name, words, deals):
    raw = pd.read_csv(CASES / name)[LABEL]
    creators = read_creators(CASES / name)
    assert creators.table[LABEL].tolist() == raw.isin(words).astype(float).tolist()
    assert creators.outcome.deal == deals


@pytest.mark.parametrize(
    ("yes", "no"),
    [
        ("yes", "no"),
        ("on", "off"),
        ("S\u00ec", "No"),
        ("1. Yes", "0. No"),
        ("2 = Signed", "1 = Declined"),
        ("S\u00ed", "No"),
        ("SIM", "N\u00e3o"),
        ("Oui", "Non"),
        ("Ja", "Nein"),
        ("\u0434\u0430", "\u043d\u0435\u0442"),
        ("\u662f", "\u5426"),
        ("\u306f\u3044", "\u3044\u3044\u3048"),
        ("\uc608", "\uc544\ub2c8\uc694"),
        ("Evet", "Hay\u0131r"),
        ("si", "no"),
        ("tak", "nie"),
        ("\u0939\u093e\u0901", "\u0928\u0939\u0940\u0902"),
        ("\u0646\u0639\u0645", "\u0644\u0627"),
        ("ja", "nej"),
        ("ya", "tidak"),
        ("Won", "Lost"),
        ("Closed Won", "closed-lost"),
        ("Signed", "Declined"),
        ("accepted", "rejected"),
        ("approved", "Not approved"),
        ("paid", "organic"),
        ("sponsored", "Non-sponsored"),
        ("partner", "not partner"),
        ("\u2705", "\u274c"),
        ("\u2714\ufe0f", "\u2716\ufe0f"),
        ("\u25cb", "\u00d7"),
        ("Pagado", "No pagado"),
        ("\u5df2\u5408\u4f5c", "\u672a\u5408\u4f5c"),
    ],
)
def test_pairs_of_words_in_large_languages(yes, no):
    assert outcomes(table(**{LABEL: [yes, no, "", no]})) == [1, 0, None, 0]


def test_no_word_means_both():
    from durhampulse.creators import dealwords

    assert not (dealwords._YES | dealwords._DEAL) & (dealwords._NO | dealwords._NO_DEAL)
    assert deal_word("Contacted") is None


def test_unclear_word_is_answered_with_all_words_and_options():
    words = ["Contacted"] * 3 + ["Signed"] * 2 + ["Declined"]
    with pytest.raises(InputError) as caught:
        read_creators(table(Status=words), columns={LABEL: "Status"})
    text = str(caught.value)
    assert "column Status, row 1: 'Contacted' is neither a deal nor none" in text
    assert "'Contacted' (3), 'Signed' (2), 'Declined' (1)" in text
    assert "--deal-is Signed --no-deal-is Declined" in text


@pytest.mark.parametrize("cells", [["inf", "-inf"], ["1e400", ""]])
def test_outcomes_beyond_all_numbers_are_asked_about_as_words(cells):
    with pytest.raises(InputError, match="neither a deal nor none") as refused:
        outcomes(table(Sponsorship_Status=cells * 20))
    assert refused.value.way_out.startswith("Say which words mean what: --deal-is ")


def test_no_more_than_twelve_words_are_listed():
    with pytest.raises(InputError, match=r"'word 11' \(1\) and 3 more"):
        read_creators(table(**{LABEL: [f"word {n:02}" for n in range(15)]}))


def test_named_words_with_both_leave_others_unknown():
    frame = table(Stage=["Signed", "Declined", "Contacted", None, "signed "])
    named = {"deal_is": ("Signed",), "no_deal_is": ("Declined",)}
    assert outcomes(frame, **named) == [1, 0, None, None, 1]
    assert outcomes(frame, deal_is=("Signed",)) == [1, 0, 0, None, 1]
    assert outcomes(frame, deal_is=("Signed", "Contacted")) == [1, 0, 1, None, 1]
    assert outcomes(frame, deal_is=("Stage=Signed",)) == [1, 0, 0, None, 1]


def test_empty_cell_is_no_deal_where_it_is_named_so():
    frame = table(Signed=["checked", None, "", " ", "n/a", "maybe"])
    named = {"deal_is": ("checked",), "no_deal_is": ("",)}
    assert outcomes(frame, **named) == [1, 0, 0, 0, None, None]
    assert outcomes(frame, **named, columns={LABEL: "Signed"}) == [1, 0, 0, 0, None, None]
    assert read_creators(frame, **named).outcome.none == "not checked"
    amounts = table(Fee=["\u20ac500", "", "0", None])
    assert outcomes(amounts, deal_is=("Fee>0",), no_deal_is=("",)) == [1, 0, 0, 0]
    numbers = table(Deals=[2, None, 0])
    assert outcomes(numbers, deal_is=("Deals>0",), no_deal_is=("",)) == [1, 0, 0]
    with pytest.raises(InputError, match="no cell is ''"):
        read_creators(table(Signed=["checked", "open"]), **named)


def test_every_filled_cell_is_a_deal_where_empty_ones_alone_are_named(tmp_path):
    named = {"columns": {LABEL: "Contract signed on"}, "no_deal_is": ("",)}
    cells = ["2024-03-04", " ", "5 March", None, "n/a", "no", "", "\u20ac0.00", "\u20ac5"]
    frame = table(**{"Contract signed on": cells})
    unnamed = table(**{"Contract signed on": ["2024-03-04", "", "2024-03-05"]})
    with pytest.raises(InputError, match="every empty one none: --no-deal-is '' alone"):
        read_creators(unnamed, columns=named["columns"])
    expected = [1, 0, 1, 0, None, 0, 0, 0, 1]
    assert outcomes(frame, **named) == expected
    assert outcomes(frame, no_deal_is=("Contract signed on=",)) == expected
    creators = read_creators(frame, **named)
    assert creators.outcome.deal == "Contract signed on"
    again = ColumnRule.from_dict(creators.rules[LABEL].to_dict())
    assert read_labels(pa.array(["1 May 2025", None]), again).values.tolist() == [1, 0]
    days = pd.to_datetime(pd.Series(["2024-03-04", None, "2024-03-05"]))
    typed = table(**{"Contract signed on": days})
    typed.to_parquet(tmp_path / "days.parquet")
    assert outcomes(typed, **named) == [1, 0, 1]
    assert outcomes(tmp_path / "days.parquet", **named) == [1, 0, 1]


@pytest.mark.parametrize(
    ("words", "way_out", "said", "expected"),
    [
        (
            ["checked", None],
            "--deal-is checked; if empty cells mean none, add --no-deal-is ''",
            {"deal_is": ("checked",), "no_deal_is": ("",)},
            [1, 0],
        ),
        (
            ["1", "2", "1"],
            "--deal-is 1 --no-deal-is 2, or the reverse",
            {"deal_is": ("1",), "no_deal_is": ("2",)},
            [1, 0, 1],
        ),
        (
            ["\u20ac1,500", "", "\u20ac20"],
            "--deal-is \"Deal>0\"; if empty cells mean none, add --no-deal-is ''",
            {"deal_is": ("Deal>0",), "no_deal_is": ("",)},
            [1, 0, 1],
        ),
        (["-1", "1"], '--deal-is "Deal>0".', {"deal_is": ("Deal>0",)}, [0, 1]),
        (["0", "3"], '--deal-is "Deal>0".', {"deal_is": ("Deal>0",)}, [0, 1]),
    ],
)
def test_way_out_of_an_unclear_outcome_leads_out(words, way_out, said, expected):
    frame = table(Deal=words)
    with pytest.raises(InputError) as caught:
        read_creators(frame)
    assert way_out in str(caught.value)
    assert outcomes(frame, **said) == expected


@pytest.mark.parametrize("header", ["Rejected", "Not sponsored", "deal_lost?", "No deal", "Unpaid"])
def test_yes_below_a_header_that_denies_the_deal_is_asked_about(header):
    frame = table(**{header: ["Yes", "No", None, "Yes"]})
    with pytest.raises(InputError, match="--deal-is No --no-deal-is Yes, or the reverse"):
        read_creators(frame, columns={LABEL: header})
    named = {"deal_is": ("No",), "no_deal_is": ("Yes",)}
    assert outcomes(frame, **named, columns={LABEL: header}) == [0, 1, None, 0]
    stages = table(**{header: ["Won", "Lost"]})
    assert outcomes(stages, columns={LABEL: header}) == [1, 0]


def test_only_deals_filled_in_is_answered_with_what_empty_means():
    frame = table(Deal=["1", "", "1", ""])
    target = judge(read_creators(frame)).checks[0]
    assert (
        "If 2 cells are empty because there was no deal: --deal-is 1 --no-deal-is ''"
        in target.reason
    )
    assert outcomes(frame, deal_is=("1",), no_deal_is=("",)) == [1, 0, 1, 0]


def test_column_is_the_one_that_holds_the_words():
    frame = table(Stage=["Signed", "Cold"], Mood=["Cold", "Cold"])
    creators = read_creators(frame, deal_is=("Signed",))
    assert creators.outcome.header == "Stage"
    ledger = creators.irregularities.set_index("code")
    assert ledger.loc["renamed-column", "action"].tolist()[-1] == f"'Stage' read as {LABEL}"
    with pytest.raises(InputError, match="'Cold' stands in 'Stage' and in 'Mood'"):
        read_creators(frame, deal_is=("Cold",))
    with pytest.raises(InputError, match="'Hired' stands in no column"):
        read_creators(frame, deal_is=("Hired",))


@pytest.mark.parametrize(
    ("sign", "expected"),
    [
        (">0", [0, 1, 1, None]),
        (">= 2", [0, 0, 1, None]),
        ("<1", [1, 0, 0, None]),
        ("<=1", [1, 1, 0, None]),
        ("=1", [0, 1, 0, None]),
        ("!=1", [1, 0, 1, None]),
    ],
)
def test_figures_are_compared(sign, expected):
    frame = table(Approved_Conversion=[0, 1, 2, None])
    assert outcomes(frame, deal_is=(f"Approved_Conversion{sign}",)) == expected


def test_figures_between_two_comparisons_are_unknown():
    frame = table(Orders=["0", "1", "1,200"])
    named = {"deal_is": ("Orders>5",), "no_deal_is": ("Orders=0",)}
    assert outcomes(frame, **named) == [0, None, 1]
    creators = read_creators(frame, **named)
    assert "Orders" not in {role.column for role in creators.features}
    assert creators.outcome.deal == "Orders>5"


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"deal_is": ("Orderz>0",)}, "no column stands before the comparison"),
        ({"deal_is": ("Orders=>0",)}, "'=>' is none of > >= < <= = !="),
        ({"deal_is": ("Orders>many",)}, "'many' is not a number"),
        ({"deal_is": ("Orders>0", "Orders>3")}, "by words and by figures"),
        ({"deal_is": ("Orders>0",), "no_deal_is": ("Followers<3",)}, "cannot both be the outcome"),
        ({"no_deal_is": ("0",)}, "which words mean a deal"),
        ({"no_deal_is": ("",)}, "empty cells of which column mean none"),
        ({"no_deal_is": ("", "0"), "columns": {LABEL: "Orders"}}, "which words mean a deal"),
        ({"no_deal_is": ("",), "columns": {LABEL: "Orders"}}, "no cell is ''"),
        ({"deal_is": ("1",), "no_deal_is": ("1",), "columns": {LABEL: "Orders"}}, "as none"),
        ({"deal_is": ("Won",), "columns": {LABEL: "Orders"}}, r"no cell is 'Won'. It holds '0'"),
        ({"columns": {LABEL: "Orders"}}, r'--deal-is "Orders>0"'),
    ],
)
def test_wrong_options_are_refused_with_way_out(said, words):
    with pytest.raises(InputError, match=words):
        read_creators(table(Orders=[0, 1, 7]), **said)


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("Deal stage", ["Won", "Lost"]),
        ("Partner", ["Yes", "No"]),
        ("Pagado", [1, 0]),
        ("Converted", [True, False]),
        ("\u0421\u0434\u0435\u043b\u043a\u0430", ["\u0434\u0430", "\u043d\u0435\u0442"]),
        ("\u5951\u7d04", ["\u306f\u3044", "\u3044\u3044\u3048"]),
    ],
)
def test_clear_header_and_words_are_proposed(header, words):
    creators = read_creators(table(**{header: words}))
    assert creators.table[LABEL].tolist() == [1, 0]
    action = creators.irregularities.set_index("code").loc["renamed-column", "action"]
    assert any("else --map" in text for text in np.atleast_1d(action))


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("Status", ["Contacted", "Signed", "Declined"] * 4),
        ("Type", ["paid", "organic"] * 6),
        ("Deal stage", ["Won", "Lost", "Negotiating"] * 4),
        ("Invitation status", ["Accepted", "Declined", "No response"] * 4),
    ],
)
def test_unclear_outcomes_never_become_a_feature(header, words):
    creators = read_creators(table(**{header: words}))
    role = {role.column: role for role in creators.roles}[header]
    assert role.role == "unused"
    assert f"--map {LABEL}='{header}'" in role.reason
    assert LABEL not in creators.table


def test_second_outcome_beside_the_label_is_no_feature():
    frame = table(**{LABEL: [1, 0] * 6, "Deal_Stage": ["Won", "Lost"] * 6})
    roles = {role.column: role.role for role in read_creators(frame).roles}
    assert roles["Deal_Stage"] == "unused"


def test_figures_of_this_deal_are_no_features_beside_an_outcome():
    figures = {
        "Deals": [3, 0],
        "dealValue": [90.5, 10],
        "Contract length": [2, 5],
        "Past deals": [4, 7],
    }
    frame = table(**{LABEL: [1, 0] * 6}, **{name: pair * 6 for name, pair in figures.items()})
    roles = {role.column: role for role in read_creators(frame, feature=("Deals",)).roles}
    used = {name: roles[name].role for name in figures}
    assert used == {"Deals": "feature", "dealValue": "unused", "Contract length": "unused",
                    "Past deals": "feature"}  # fmt: skip
    assert "--feature COLUMN decides" in roles["dealValue"].reason


@pytest.mark.parametrize(
    ("header", "words"), [("Status", ["active", "paused"]), ("Partner", ["Acme", "Globex"])]
)
def test_other_words_stay_features(header, words):
    roles = {role.column: role.role for role in read_creators(table(**{header: words * 8})).roles}
    assert roles[header] == "feature"


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"deal": ("Hired",)}, [1, 0, 0, None]),
        ({"deal": ("Hired",), "no_deal": ("lost",)}, [1, 0, None, None]),
        ({"deal": ("n>1",), "header": "n"}, None),
    ],
)
def test_rule_of_a_model_reads_later_outcomes_alike(rule, expected):
    rule = ColumnRule(column=LABEL, kind="label", insisted=True, **{"header": "Stage", **rule})
    again = ColumnRule.from_dict(rule.to_dict())
    assert again == rule
    if expected is None:
        assert read_labels(pa.array([1, 2]), again).values.tolist() == [0, 1]
        return
    labels = read_labels(pa.array(["hired", "Lost", "perhaps", None]), again).values
    assert [None if np.isnan(label) else label for label in labels] == expected


def test_request_keeps_words_through_json():
    request = Request(source="a.csv", deal_is=("Won",), no_deal_is=("Lost", "Dead"))
    assert Request.from_json(request.to_json()) == request


@pytest.mark.parametrize(
    ("frame", "options", "deal", "none", "got"),
    [
        (table(**{LABEL: [1, 0]}), {}, "deal", "no deal", "got a deal"),
        (table(Deal=["Yes", "No"]), {}, "deal", "no deal", "got a deal"),
        (table(Won=[1, 0]), {}, "Won", "not Won", "ended as Won"),
        (table(Deal=["Signed", "Declined"]), {}, "Signed", "Declined", "ended as Signed"),
        (table(S=["a", "b"]), {"deal_is": ("a",)}, "a", "not a", "ended as a"),
    ],
)
def test_words_of_the_outcome(frame, options, deal, none, got):
    words = read_creators(frame, **options).outcome
    assert (words.deal, words.none, words.got) == (deal, none, got)


def test_table_of_own_columns_is_read_when_its_outcome_is_named():
    text = "name,reach,kind,won\n" + "".join(
        f"n{n},{n * 7 % 50},{'ab'[n % 2]},{n % 3 % 2}\n" for n in range(30)
    )
    frame = pd.read_csv(io.StringIO(text)).rename(columns={"won": "chosen"})
    with pytest.raises(InputError, match="name the outcome"):
        read_creators(frame)
    creators = read_creators(frame, columns={LABEL: "chosen"})
    assert {role.column for role in creators.features} == {"reach", "kind"}
    assert "its own columns alone" in " ".join(creators.irregularities["action"])
