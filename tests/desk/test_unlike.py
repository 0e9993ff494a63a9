"""Lists unlike the training rows are said, confirmed twice, and stay said while in place."""

from __future__ import annotations

import re
import shutil
import time
from dataclasses import asdict

import pytest
from sqlalchemy import select, update

from durhampulse.desk.models.unlikeness import Unlikeness, refresh_standing, standing_lists
from durhampulse.desk.store.tables import HAS_NO_PRECEDENT, audit, creator, run, upload
from tests.desk.conftest import DEMO, bring

HEADERS = (
    "Influencer_ID,Followers,Engagement_Rate,Growth_Rate,Niche,Video_Quality,Avg_Views_per_Post"
)


def unlike_list(folder, n=200):
    """A list of another market: views and followers of stars, and rates no training row has."""
    rows = [
        f"STAR-{i},{40_000_000 + 1000 * i},{60 + i % 30}%,{30 + i % 9}%,Fashion,High,{9_000_000 + i}"
        for i in range(n)
    ]
    path = folder / "stars.csv"
    path.write_text("\n".join([HEADERS, *rows]))
    return path


@pytest.fixture
def brought(filled, catalogue, tmp_path):
    return bring(filled, catalogue, unlike_list(tmp_path), confirm=False)


def confirm(client, number, **sent):
    return client.post(f"/imports/{number}/confirm", data={"csrf": client.csrf, **sent})


def wait_until_done(store, number):
    """Wait for the desk's own worker to put an import in place."""
    for _ in range(300):
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


def test_creator_without_precedent_has_no_figure(filled, catalogue, tmp_path, visit):
    bring(filled, catalogue, unlike_list(tmp_path))
    with filled.reading() as db:
        number = db.scalars(select(creator.c.id).where(HAS_NO_PRECEDENT)).first()
    page = visit("viewer").get(f"/creators/{number}").text
    assert page.count("The model has never seen the like.") == 1
    assert "learned from nobody like this" not in page  # the same again
    assert "Answer <strong>No precedent</strong>, could be anything" in page
    assert "Effect on the chance" not in page


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
