"""Lists unlike the training rows are said, confirmed twice, and stay said while in place."""

from __future__ import annotations

import csv
import re
import shutil
import time
from dataclasses import asdict

import pytest
from sqlalchemy import select, update

from durhampulse.desk.models.unlikeness import Unlikeness, refresh_standing, standing_lists
from durhampulse.desk.store.tables import (
    HAS_NO_PRECEDENT,
    audit,
    creator,
    proposal,
    run,
    score,
    upload,
)
from durhampulse.scoring.record import UNLIKE_BIT
from tests.desk.conftest import DEMO, bring
from tests.desk.lists import unlike_list


@pytest.fixture
def brought(filled, catalogue, tmp_path):
    return bring(filled, catalogue, unlike_list(tmp_path), confirm=False)


def confirm(client, number, **sent):
    return client.post(f"/imports/{number}/confirm", data={"csrf": client.csrf, **sent})


def wait_until_done(store, number):
    """Wait for the desk's own worker to put an import in place."""
    for _ in range(1_800):  # three minutes, as long as a busy machine takes
        with store.reading() as db:
            if db.scalar(select(upload.c.state).where(upload.c.id == number)) == "done":
                return
        time.sleep(0.1)
    raise TimeoutError


def test_unlike_list_is_said_above_its_counts_in_words(brought, visit):
    page = visit("reviewer").get(f"/imports/{brought.id}").text
    finding = page.index("This list is unlike the ")
    assert finding < page.index("</strong> creator")
    assert "Engagement: typically 74%" in page
    assert "times as high" in page
    assert not re.search(r"\bPSI\b", re.sub("<[^>]*>", "", page[: page.index("<details>")]))


def test_unlike_list_needs_a_second_confirmation(filled, brought, visit):
    ann = visit("reviewer")
    refused = confirm(ann, brought.id)
    assert refused.status_code == 422
    assert 'name="unlike" value="true" required aria-invalid="true"' in refused.text
    with filled.reading() as db:
        assert db.scalar(select(upload.c.state).where(upload.c.id == brought.id)) == "checked"
    assert confirm(ann, brought.id, unlike="true").status_code == 303
    with filled.reading() as db:
        (detail,) = db.scalars(select(audit.c.detail).where(audit.c.act == "import confirmed"))
        assert "known to be unlike in" in detail
    wait_until_done(filled, brought.id)
    for path in ("/shortlist", "/model", f"/imports/{brought.id}"):
        page = visit("viewer").get(path).text
        assert "This list is unlike the " in page, path
        assert ann.who in page, path
    with filled.reading() as db:
        (standing,) = standing_lists(db)
        assert (standing.upload, standing.creators, standing.by) == (brought.id, 200, ann.who)


def test_several_unlike_lists_are_one_line_that_opens(filled, catalogue, tmp_path, visit):
    """They stood one below the other, and pushed the list out of a phone's screen."""
    first = bring(filled, catalogue, unlike_list(tmp_path))
    lines = unlike_list(tmp_path).read_text().splitlines()
    other = tmp_path / "other.csv"
    other.write_text("\n".join([lines[0], *(f"more-{line}" for line in lines[1:])]))
    second = bring(filled, catalogue, other)
    for path in ("/shortlist", "/model"):
        page = visit("viewer").get(path).text
        box = page.split('aria-label="Lists unlike the training rows"')[1].split("</section>")[0]
        line, folded = box.split("<details>")
        assert "2 lists are unlike what the model learned from." in line
        assert "/imports/" not in line
        for number in (first.id, second.id):
            assert f'href="/imports/{number}"' in folded


def test_creator_without_precedent_has_no_figure(filled, catalogue, tmp_path, visit):
    bring(filled, catalogue, unlike_list(tmp_path))
    with filled.reading() as db:
        number = db.scalars(select(creator.c.id).where(HAS_NO_PRECEDENT)).first()
    page = visit("viewer").get(f"/creators/{number}").text
    assert page.count("The model has never seen the like.") == 1
    assert "learned from nobody like this" not in page  # the same again
    assert "Answer <strong>No precedent</strong>, could be anything" in page
    assert "Effect on the chance" not in page


def test_row_without_precedent_says_what_was_never_seen_and_no_reason(
    filled, catalogue, tmp_path, visit
):
    """A reason for or against would tell of the number that the row hides."""
    bring(filled, catalogue, unlike_list(tmp_path, n=3))
    page = visit("viewer").get("/shortlist?search=STAR-1").text
    cell = re.search(r'<td class="reason">(.*?)</td>', page, re.DOTALL)[1]
    shown = re.search(r'<span class="sign">(.*?)</span>(.*?)</span>', cell, re.DOTALL)
    assert shown.groups() == ("", "Video quality &#39;High&#39;: never seen")
    assert 'title="no precedent: video quality &#39;High&#39;: never seen"' in cell
    (row,) = csv.DictReader(
        visit("viewer").get("/shortlist/export/csv?search=STAR-1").text.splitlines()
    )
    assert row["Top Reason"] == "no precedent: video quality 'High': never seen"


def test_unlike_list_is_said_until_other_figures_replace_it(filled, catalogue, tmp_path, rules):
    done = bring(filled, catalogue, unlike_list(tmp_path))
    with filled.writing() as db:
        number = db.scalar(select(run.c.id).where(run.c.upload_id == done.id))
        ours = creator.c.run_id == number
        db.execute(update(creator).where(ours, creator.c.id % 2 == 0).values(run_id=1))
        refresh_standing(db)
        (half,) = standing_lists(db)
        assert half.creators == 100
        db.execute(update(creator).where(ours).values(run_id=1))
        refresh_standing(db)
        assert standing_lists(db) == []


def test_list_like_the_training_rows_is_confirmed_once(request, filled, catalogue, tmp_path):
    path = shutil.copy(DEMO / "creators.csv", tmp_path)  # a file is gone once it is in place
    row = bring(filled, catalogue, path, confirm=False)
    assert row.summary["unlike"] is None
    ann = request.getfixturevalue("visit")("reviewer")  # whose desk has a worker of its own
    assert 'name="unlike"' not in ann.get(f"/imports/{row.id}").text
    assert confirm(ann, row.id).status_code == 303
    wait_until_done(filled, row.id)
    with filled.reading() as db:
        assert standing_lists(db) == []


VIEWS = ("", "order=asc", "sort=niche", "sort=state", "sort=followers", "band=unlike")
PATHS = (
    *(f"/shortlist?search={{part}}&{view}" for view in VIEWS),
    *(f"/shortlist/{part}?band=unlike" for part in ("counts", "totals", "facets")),
    "/shortlist/chosen?chosen={number}", "/shortlist/reasons?creator={number}",
    "/creators/{number}", "/creators/{number}/panel",
    "/creators/{number}?Followers=9M", "/campaigns/1", "/campaigns/1?search={name}",
    "/campaigns/1/difference", "/then?day=2030-01-01", "/pipeline",
)  # fmt: skip
"""Where a probability, or an order by it, might stand."""


@pytest.fixture
def without_precedent(filled, visit):
    """Three creators without precedent, put in a campaign by hand, and the reviewer who did."""
    with filled.writing() as db:
        few = select(creator.c.id, creator.c.external_id).where(
            creator.c.external_id.like("INF-11%"), creator.c.deal.is_(None))  # fmt: skip
        rows = db.execute(few.order_by(creator.c.id).limit(3)).all()
        ours = creator.c.id.in_([row.id for row in rows])
        values = {"flags": creator.c.flags + UNLIKE_BIT, "low": 0.0, "high": 1.0}
        db.execute(update(creator).where(ours).values(**values))
        db.execute(update(score).where(score.c.creator_id.in_([row.id for row in rows])).values(
            flags=score.c.flags + UNLIKE_BIT, low=0.0, high=1.0))  # fmt: skip
    ann = visit("reviewer")
    ann.post("/campaigns", data={"csrf": ann.csrf, "name": "Spring", "number": "6"})
    for row in rows:
        put_in = {"csrf": ann.csrf, "choice": "in", "creator_id": row.id, "sure": "true"}
        assert ann.post("/campaigns/1/choose", data=put_in).status_code == 303
    ann.get("/campaigns/1")  # with the notice of the last act
    return ann, rows


def set_probabilities(store, numbers, probabilities):
    """Set the hidden probabilities of creators wherever they are stored."""
    for table, key in ((creator, "id"), (score, "creator_id"), (proposal, "creator_id")):
        with store.writing() as db:
            for number, p in zip(numbers, probabilities, strict=True):
                db.execute(update(table).where(table.c[key] == number).values(probability=p))


@pytest.mark.slow
def test_hidden_number_stands_on_no_page_and_orders_none(filled, without_precedent):
    ann, rows = without_precedent
    numbers, name = [row.id for row in rows], rows[0].external_id
    pages = []
    first = 0.11, 0.5, 0.97
    for probabilities in (first, first, (0.93, 0.4, 0.07)):
        set_probabilities(filled, numbers, probabilities)
        ann.post("/campaigns/1/propose", data={"csrf": ann.csrf})  # which orders the set anew
        ann.get("/campaigns/1")
        asked = {path: path.format(number=numbers[0], name=name, part="INF-11") for path in PATHS}
        pages.append({
            path: re.sub(r"[0-9a-f]{16,24}|<time .*?</time>|\d+ seconds? ago|"
                         r'name="edition" value="\d+"', "",
                         ann.get(address).text) for path, address in asked.items()
        })  # fmt: skip
    _, before, after = pages  # from the second time on the same reasons come with a page
    assert [path for path in PATHS if before[path] != after[path]] == []
    plan = before["/campaigns/1"]
    assert plan.count("No precedent</span>") == 3


def test_flag_takes_the_green_away(filled, visit, rules):
    """A Yes with a figure that stands out is not drawn as one without; its words are the same."""
    with filled.writing() as db:
        high = select(creator.c.id).where(creator.c.probability >= rules.thresholds.yes_at)
        plain, flagged = db.scalars(high.limit(2)).all()
        for number, flags in ((plain, 0), (flagged, 1)):
            db.execute(update(creator).where(creator.c.id == number).values(flags=flags))
    page = visit("viewer").get("/shortlist?band=yes").text
    answers = {
        number: re.search(rf'<tr data-id="{number}".*?class="band ([^"]*)"', page, re.DOTALL)[1]
        for number in (plain, flagged)
    }
    assert answers == {plain: "yes", flagged: "yes flagged"}


@pytest.mark.parametrize(
    ("columns", "without", "words"),
    [(5, 0, "in 5 of 6 figures."), (0, 30, "30 of 200 have no precedent at all."),
     (3, 30, "in 3 of 6 figures, and 30 of 200 have no precedent at all.")],
)  # fmt: skip
def test_finding_is_a_sentence(columns, without, words):
    facts = Unlikeness(columns=columns, of=6, trained=3982, creators=200,
                       without_precedent=without, details=[])  # fmt: skip
    assert facts.text == f"This list is unlike the 3,982 creators the model learned from: {words}"
    assert Unlikeness(**asdict(facts)) == facts
