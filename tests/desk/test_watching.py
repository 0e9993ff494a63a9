"""Whether the model holds at this desk: bands watched, and the lottery of No."""

from __future__ import annotations

import re
from dataclasses import asdict, replace
from datetime import UTC, date, datetime

import numpy as np
import pytest
from sqlalchemy import insert, select, update

from durhampulse.decision.bands import MAYBE, NO, YES, Thresholds
from durhampulse.decision.promise import keep_promise
from durhampulse.desk.models.catalogue import activate
from durhampulse.desk.models.rules import Rules
from durhampulse.desk.outcomes.recording import record, withdraw
from durhampulse.desk.outcomes.watching import (
    WatchedBands,
    count_bands,
    draw_of_no,
    watched_bands,
)
from durhampulse.desk.people.erasure import erase
from durhampulse.desk.store.tables import creator, review
from durhampulse.scoring.record import UNLIKE_BIT
from durhampulse.scoring.scorer import Scorer
from tests.desk.conftest import add_people
from tests.desk.plans import planned

DAY = date(2026, 1, 31)


def in_band(store, rules, band, n):
    """The numbers of the first creators of a band."""
    low, high = rules.band_ranges[band]
    within = (creator.c.probability >= low, creator.c.probability < high)
    with store.reading() as db:
        return db.scalars(select(creator.c.id).where(*within).order_by(creator.c.id).limit(n)).all()


def watches(store, rules):
    with store.reading() as db:
        return {row.band: row for row in watched_bands(db, rules)}


def test_band_without_outcomes_is_expected_to_have_its_mean_probability(filled, rules):
    rows = watches(filled, rules)
    assert [*rows] == [YES, MAYBE, NO]
    with filled.reading() as db:
        listed = count_bands(db, rules)
    assert listed[YES][1] > 0.8
    assert 0.6 <= listed[MAYBE][1] < 0.8
    assert rows[YES].watch.outcomes == 0


def test_bands_are_counted_with_the_mean_of_their_creators(filled, rules):
    with filled.writing() as db:
        db.execute(update(creator).values(flags=UNLIKE_BIT))
        for at, (p, flags) in enumerate([(0.8, 0), (0.9, 0), (0.7, 3), (0.1, UNLIKE_BIT)], 1):
            own = update(creator).where(creator.c.id == at)
            db.execute(own.values(probability=p, flags=flags))
        db.execute(update(creator).where(creator.c.id == 5).values(probability=None, flags=0))
        counts = count_bands(db, rules)
    means = {band: (n, mean and pytest.approx(mean)) for band, (n, mean) in counts.items()}
    assert means == {YES: (2, 0.85), MAYBE: (1, 0.7), NO: (0, None)}


def test_yes_without_a_single_deal_is_called_and_no_is_not(filled, rules):
    # Ten misses at .8 or more: even at .8 each multiplies the wealth by .3 / .2, and 1.5 ** 8 > 20.
    yes, no = (in_band(filled, rules, band, 10) for band in (YES, NO))
    for number in (*yes, *no):
        record(filled, number, deal=False, on=DAY, by="ann")
    rows = watches(filled, rules)
    assert rows[YES].watch.called_after <= 8
    assert not rows[NO].watch.is_called
    for number in yes:
        withdraw(filled, number, "ann")
    assert watches(filled, rules)[YES].watch.outcomes == 0


def test_another_model_starts_anew(filled, catalogue, rules):
    for number in in_band(filled, rules, YES, 10):
        record(filled, number, deal=False, on=DAY, by="ann")
    activate(filled, catalogue, rules.version, "ann")
    assert watches(filled, rules)[YES].watch.outcomes == 0


def test_kept_bands_follow_what_becomes_of_outcomes_and_models(filled, catalogue, rules):
    cache, yes = WatchedBands(), in_band(filled, rules, YES, 12)

    def forget(number):
        with filled.reading() as db:
            name = db.scalar(select(creator.c.external_id).where(creator.c.id == number))
        erase(filled, name, "ann")

    def seen():
        with filled.reading() as db:
            (band, *_), broken = cache.of(db, rules), cache.broken(db, rules)
        return band.watch.outcomes, [band.band for band in broken]

    assert seen() == (0, [])
    for number in yes[:10]:
        record(filled, number, deal=False, on=DAY, by="ann")
    assert seen() == (10, [YES])
    forget(yes[0])  # neither the latest outcome nor one that was replaced
    assert seen() == (9, [YES])
    forget(yes[9])  # of the latest outcome, whose number may come again
    for number in yes[10:]:
        record(filled, number, deal=True, on=DAY, by="ann")
    assert seen() == (10, [YES])
    activate(filled, catalogue, rules.version, "ann")
    assert seen() == (0, [])


def test_no_is_watched_for_more_deals_than_promised(filled, rules):
    for number in in_band(filled, rules, NO, 12):
        record(filled, number, deal=True, on=DAY, by="ann")
    row = watches(filled, rules)[NO]
    assert row.against == "more"
    assert row.watch.is_called


def test_lottery_counts_what_reviewers_approve_among_those_drawn(filled, rules):
    (person,) = add_people(filled, "reviewer")
    numbers = in_band(filled, rules, NO, 12)
    decided = ["approve"] * 4 + ["decline"] * 6 + ["skip", "decline"]
    with filled.writing() as db:
        for i, (number, decision) in enumerate(zip(numbers, decided, strict=True)):
            row = {
                "creator_id": number, "person_id": person, "decision": decision, "reason": "",
                "note": "", "probability": 0.1, "band": NO, "previous": "open",
                "why": "sample" if i < 11 else "chosen", "request": f"r{i}",
                "at": datetime.now(UTC),
            }  # fmt: skip
            db.execute(insert(review).values(row))
    record(filled, numbers[0], deal=True, on=DAY, by="ann")
    with filled.reading() as db:
        lottery = draw_of_no(db)
    assert (lottery.reviewed, lottery.approved, lottery.known, lottery.deals) == (10, 4, 1, 1)
    # Wilson's interval of 4 of 10, from the tables: .168 to .687.
    assert lottery.low == pytest.approx(0.168, abs=0.001)
    assert lottery.high == pytest.approx(0.687, abs=0.001)
    assert lottery.is_above


def test_page_says_in_a_sentence_that_a_band_does_not_hold(visit, filled, rules):
    client = visit("viewer")
    assert "Record what became of the creators" in client.get("/outcomes").text
    for number in in_band(filled, rules, YES, 10):
        record(filled, number, deal=False, on=DAY, by="ann")
    page = client.get("/outcomes").text
    assert "Yes does not hold here" in page
    cells = re.findall(r'data-label="does it hold\?">(.*?)</td>', page)
    held = [re.sub("<[^>]+>", "", cell) for cell in cells]
    assert re.fullmatch(r"no, since outcome \d+", held[0])
    few = r"too few outcomes yet \(\d+ more needed\)"
    assert all(re.fullmatch(few, text) for text in held[1:])
    assert "durhampulse study" not in page
    assert "durhampulse study" in client.get("/model").text
    shown = client.get("/model").text
    assert all(text in re.sub("<[^>]+>", "", shown) for text in held[1:])
    assert "It does not hold here: act" in shown
    assert "Verdict on its data" not in shown


def test_shortlist_and_drafts_say_that_a_band_does_not_hold_until_it_does(
    visit, filled, catalogue, rules
):
    client, yes = visit("viewer"), in_band(filled, rules, YES, 10)
    draft = f"/campaigns/{planned(filled, catalogue)}"
    for path in ("/shortlist", draft):
        assert "does not hold here" not in client.get(path).text
    for number in yes:
        record(filled, number, deal=False, on=DAY, by="ann")
    page = client.get("/shortlist").text
    assert "Yes does not hold here:" in page
    assert "of 100 so marked 0 got a deal where" in page
    assert "Yes does not hold here:" in client.get(draft).text
    for number in yes:
        withdraw(filled, number, "ann")
    for path in ("/shortlist", draft):
        assert "does not hold here" not in client.get(path).text


def test_band_holds_only_once_a_fall_would_have_been_seen(visit, filled, rules):
    yes = in_band(filled, rules, YES, 200)
    for number in yes[:5]:
        record(filled, number, deal=True, on=DAY, by="ann")
    row = watches(filled, rules)[YES]
    assert row.state == "early"
    # Of a promise near 0.9: ln 20 / KL(0.8 || 0.9) = 3.00 / 0.0444, so 67.4 and thus 68.
    assert 40 < row.needed < 100
    page = visit("viewer").get("/model").text
    assert f"too few outcomes yet ({row.needed - 5} more needed)" in page
    seen = replace(row, watch=replace(row.watch, outcomes=row.needed))
    assert seen.state == "holds"


def test_promise_of_the_study_is_shown_until_the_thresholds_are_moved(rules):
    facts = asdict(keep_promise(np.ones(100), np.full(100, 0.9), 0.8))
    model = rules.scorer.model
    manifest = {**model.manifest, "promise": facts, "thresholds": asdict(rules.thresholds)}
    promised = Rules.of("v", Scorer(replace(model, manifest=manifest)), None)
    moved = Rules.of("v", promised.scorer, Thresholds(yes_at=0.9, review_at=0.5))
    assert "At least 80% of those marked Yes get a deal" in promised.promise
    assert moved.promise == rules.promise == ""
