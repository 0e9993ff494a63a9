"""The decision in a sentence: its words follow from the numbers."""

from __future__ import annotations

import re
from dataclasses import replace
from math import ceil, floor

import pandas as pd
import pytest

from durhampulse.creators.rules import ColumnRule
from durhampulse.creators.schema import LABEL
from durhampulse.decision.bands import NO_PRECEDENT, Thresholds
from durhampulse.decision.promise import NO_YES_AT
from durhampulse.scoring.account import account_of
from durhampulse.scoring.scorer import load_model
from durhampulse.scoring.sentence import sentence_of
from tests.desk.conftest import DEMO


@pytest.fixture(scope="module")
def scorer():
    return load_model(DEMO / "model")


def creators(scorer):
    """Give the past creators that the demo's model keeps, as rows to score."""
    rows = scorer.model.neighbours.rows[scorer.seen]
    return rows.assign(Influencer_ID=[f"INF-{at}" for at in range(len(rows))])


@pytest.fixture(scope="module")
def spoken(scorer):
    """Accounts of the demo's creators, and what is said of each."""
    rows = creators(scorer)
    spoken = []
    for at in range(24):
        row = rows.iloc[[at]].reset_index(drop=True)
        account = account_of(scorer.model, row)
        spoken.append((row, account, sentence_of(scorer.model, row, account)))
    return spoken


def test_share_is_cut_and_its_range_widened(spoken):
    for _, account, text in spoken:
        match = re.search(r"Of 100 creators like this one (fewer than 1|\d+) got a deal "
                          r"\(most likely (\d+) to (\d+)\)", text)  # fmt: skip
        if account.recommendation == NO_PRECEDENT:
            assert match is None
            continue
        share = 0 if match[1] == "fewer than 1" else int(match[1])
        assert share == floor(100 * account.probability)
        assert (int(match[2]), int(match[3])) == (
            floor(100 * account.low), ceil(100 * account.high)
        )  # fmt: skip


def test_strongest_figure_is_that_of_the_largest_effect(spoken):
    heads = {"Yes": r"What lifts this one is (\w+)", "No": r"What holds this one back is (\w+)"}
    seen = set()
    for row, account, text in spoken:
        known = {c: e for c, e in account.shares.items() if pd.notna(row[c].iloc[0])}
        if account.recommendation not in heads:
            continue
        match = re.search(heads[account.recommendation], text)
        pick = max if account.recommendation == "Yes" else min
        column = pick(known, key=known.get)
        if match and column in ("Engagement_Rate", "Growth_Rate", "Niche"):
            assert match[1] == column.split("_")[0].lower()
            seen.add(account.recommendation)
    assert seen == {"Yes", "No"}


def test_figure_that_would_change_the_answer_does(scorer, spoken):
    """A Yes with the figure it names, and any below it, is none."""
    tried = 0
    for row, account, text in spoken:
        match = re.search(r"With engagement below ([\d.]+)% it would be (a No|no Yes)", text)
        if account.recommendation != "Yes" or not match:
            continue
        tried += 1
        changed = row.copy()
        for share in (1.0, 0.9, 0.7):
            changed["Engagement_Rate"] = share * float(match[1]) / 100
            p = float(scorer.model.model.predict_proba(changed)[0])
            limit = scorer.model.thresholds
            assert p < (limit.review_at if match[2] == "a No" else limit.yes_at)
    assert tried


def test_figure_that_would_lift_to_the_next_band_does(scorer, spoken):
    tried = 0
    for row, account, text in spoken:
        match = re.search(r"With engagement ([\d.]+)% it would be a (Maybe|Yes)\.", text)
        if not match:
            continue
        tried += 1
        changed = row.assign(Engagement_Rate=float(match[1]) / 100)
        p = float(scorer.model.model.predict_proba(changed)[0])
        limit = scorer.model.thresholds
        assert p >= (limit.review_at if match[2] == "Maybe" else limit.yes_at)
        assert account.recommendation != match[2]
    assert tried


def test_nobody_is_called_he_or_she(scorer, spoken):
    row, account, _ = spoken[0]
    others = [replace(account, recommendation=NO_PRECEDENT), replace(account, refusal="chance")]
    texts = [sentence_of(scorer.model, row, other, deal=deal)
             for other in others for deal in (None, True, False)]  # fmt: skip
    for text in [*texts, *(text for *_, text in spoken)]:
        assert not re.search(r"\b(he|she|her|his|him|hers)\b", text, re.IGNORECASE)


def test_no_number_is_said_where_there_is_no_precedent_or_no_recommendation(scorer, spoken):
    row, account, _ = spoken[0]
    unlike = replace(account, recommendation=NO_PRECEDENT, unlike=["20 times the usual views"])
    text = sentence_of(scorer.model, row, unlike)
    assert "learned from nobody like this: 20 times the usual views." in text
    assert "of 100" not in text.lower()
    refused = replace(account, recommendation="", refusal="the labels are noise")
    text = sentence_of(scorer.model, row, refused, deal=False)
    assert text == "The outcome is known: no deal. Nothing is recommended: the labels are noise."


def test_known_outcome_is_said_first_in_the_tables_own_words(scorer, spoken):
    row, account, _ = spoken[0]
    assert sentence_of(scorer.model, row, account, deal=True).startswith(
        "The outcome is known: a deal. Of 100 creators"
    )
    rule = ColumnRule(column=LABEL, kind="label", header="Converted", deal=("1",))
    model = replace(scorer.model, rules={**scorer.model.rules, LABEL: rule})
    text = sentence_of(model, row, account, deal=False)
    assert text.startswith("The outcome is known: not Converted. Of 100 ")
    assert "ended as Converted (most likely" in text


def test_missing_figures_are_named_and_never_strongest(scorer):
    rows = creators(scorer)
    row = rows.iloc[[0]].reset_index(drop=True).assign(Engagement_Rate=float("nan"))
    account = account_of(scorer.model, row)
    text = sentence_of(scorer.model, row, account, alike=(0, 0))
    if account.recommendation != NO_PRECEDENT:
        assert "Not known: engagement." in text
        assert "is engagement" not in text
        assert "most alike" not in text


def test_the_next_band_is_not_promised_where_there_is_no_yes(scorer, spoken):
    maybe = next((row, a) for row, a, _ in spoken if a.recommendation.startswith("Maybe"))
    model = replace(scorer.model, thresholds=Thresholds(NO_YES_AT, 0.6))
    text = sentence_of(model, maybe[0], replace(maybe[1], changes=[]))
    assert "Yes" not in text


def test_how_many_of_the_most_alike_got_a_deal_is_counted(scorer, spoken):
    row, account, text = spoken[0]
    if account.alike:
        deals = sum(past["deal"] for past in account.alike)
        assert f"Of the {len(account.alike)} most alike {deals} got a deal." in text
    assert "Of the 12 most alike 9 got a deal." in sentence_of(
        scorer.model, row, replace(account, recommendation="Yes"), alike=(9, 12)
    )
