"""What a change of model or thresholds would do is shown before it is made."""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from datetime import UTC, datetime

import pytest
from sqlalchemy import func, insert, select, update

from durhampulse.decision.bands import MAYBE, NO, NO_PRECEDENT, YES, Thresholds
from durhampulse.decision.promise import NO_YES_AT
from durhampulse.desk.models.catalogue import (
    activate,
    add_model,
    forget_prepared,
    prepare,
    prepared_run,
    save_thresholds,
)
from durhampulse.desk.models.naming import model_names
from durhampulse.desk.models.preview import Preview, threshold_moves
from durhampulse.desk.models.rules import Rules
from durhampulse.desk.people.erasure import erase
from durhampulse.desk.store.tables import creator, model, model_file, run, score
from durhampulse.exceptions import InputError
from tests.desk.conftest import DEMO, bring


@pytest.fixture
def other(filled, model_folder):
    return add_model(filled, model_folder, "ann")


def stored(store):
    with store.reading() as db:
        rows = db.execute(select(creator).order_by(creator.c.id)).all()
    return {row.id: (row.probability, row.flags) for row in rows}


def previewed(store, catalogue, version):
    run_id = prepare(store, catalogue, version, "ann")
    with store.reading() as db:
        waiting = prepared_run(db, version)
        assert waiting.id == run_id
        return Preview(**waiting.preview["facts"])


def test_preview_says_what_activation_then_does(filled, catalogue, rules, other):
    before = stored(filled)
    preview = previewed(filled, catalogue, other)
    assert stored(filled) == before  # nothing has changed
    assert catalogue.current().version == rules.version
    assert activate(filled, catalogue, other, "ann") == len(before)
    after, new = stored(filled), catalogue.current()
    assert new.version == other
    moves = Counter((rules.band(*before[n]), new.band(*after[n])) for n in before)
    assert {(one, to): n for one, to, n in preview.moves} == dict(moves)
    changes = {
        n: after[n][0] - before[n][0]
        for n in before
        if NO_PRECEDENT not in (rules.band(*before[n]), new.band(*after[n]))
    }  # whose number is hidden now or then is in no figure
    assert 0 < len(changes) < len(before)
    assert preview.mean_change == pytest.approx(sum(changes.values()) / len(changes))
    assert preview.risen == sum(change >= 0.01 for change in changes.values())
    assert sum(preview.changes) == len(changes)
    movers = [mover["id"] for mover in preview.movers]
    assert movers[0] == max(changes, key=lambda n: abs(changes[n]))
    assert {*movers} <= {*changes}
    with filled.reading() as db:
        assert prepared_run(db) is None


def test_activation_uses_the_scores_of_the_preview(filled, catalogue, other, monkeypatch):
    previewed(filled, catalogue, other)
    monkeypatch.setattr("durhampulse.desk.models.catalogue.prepare", None)
    assert activate(filled, catalogue, other, "ann") == 597


def test_creators_imported_since_the_preview_are_scored_at_the_switch(
    filled, catalogue, other, tmp_path
):
    previewed(filled, catalogue, other)
    path = tmp_path / "new.csv"
    head, first, *_ = (DEMO / "creators.csv").read_text().splitlines()
    path.write_text("\n".join([head, first, first.replace("INF-1001", "NEW-1")]))
    bring(filled, catalogue, path)
    assert activate(filled, catalogue, other, "ann") == 598
    with filled.reading() as db:
        newest = db.scalar(select(func.max(run.c.id)).where(run.c.kind == "model"))
        assert db.scalar(select(func.count()).where(creator.c.run_id == newest)) == 598


def test_preview_is_forgotten_without_a_trace(filled, catalogue, other):
    before = stored(filled)
    previewed(filled, catalogue, other)
    with filled.writing() as db:
        forget_prepared(db)
        assert prepared_run(db) is None
        assert db.scalar(select(func.count(func.distinct(score.c.run_id)))) == 1
    assert stored(filled) == before


def test_run_forgotten_while_it_is_prepared_leaves_no_score(filled, catalogue, other, monkeypatch):
    monkeypatch.setattr("durhampulse.desk.models.catalogue._AT_ONCE", 200)

    def forget(_share):
        with filled.writing() as db:
            forget_prepared(db)

    with pytest.raises(InputError, match="the list was put back"):
        prepare(filled, catalogue, other, "ann", forget)
    with filled.reading() as db:
        assert not db.scalar(
            select(func.count()).where(score.c.run_id.not_in(select(run.c.id).scalar_subquery()))
        )


def test_number_of_a_forgotten_run_is_not_given_again(filled, catalogue, other):
    first = prepare(filled, catalogue, other, "ann")
    with filled.writing() as db:
        forget_prepared(db)
    assert prepare(filled, catalogue, other, "ann") > first


def test_activation_of_a_run_forgotten_meanwhile_changes_no_score(
    filled, catalogue, other, tmp_path, monkeypatch
):
    """As when an import is undone, and another made, between an activation's two transactions."""
    previewed(filled, catalogue, other)
    path = tmp_path / "new.csv"
    path.write_text("\n".join((DEMO / "creators.csv").read_text().splitlines()[:9]))

    def overtaken(db, version):
        waiting = prepared_run(db, version)
        with filled.writing() as other_db:
            forget_prepared(other_db)
        bring(filled, catalogue, path)
        return waiting

    monkeypatch.setattr("durhampulse.desk.models.catalogue.prepared_run", overtaken)
    before = catalogue.current().version
    with pytest.raises(InputError, match="Try again"):
        activate(filled, catalogue, other, "ann")
    assert catalogue.current().version == before
    newest = select(func.max(run.c.id)).scalar_subquery()
    with filled.reading() as db:
        assert db.scalar(select(run.c.kind).where(run.c.id == newest)) == "import"
        assert db.scalar(select(func.count()).where(score.c.run_id == newest)) == 8


def test_erased_creator_leaves_the_preview(filled, catalogue, other):
    preview = previewed(filled, catalogue, other)
    gone = preview.movers[0]["id"]
    with filled.reading() as db:
        name = db.scalar(select(creator.c.external_id).where(creator.c.id == gone))
    erase(filled, name, "ann")
    with filled.reading() as db:
        facts = prepared_run(db).preview["facts"]
    assert gone not in {mover["id"] for mover in facts["movers"]}


def test_moved_thresholds_are_counted_exactly(filled, rules):
    new = Rules.of(rules.version, rules.scorer, Thresholds(yes_at=0.875, review_at=0.555))
    before = stored(filled)
    moves = Counter((rules.band(*before[n]), new.band(*before[n])) for n in before)
    with filled.reading() as db:
        assert {(one, to): n for one, to, n in threshold_moves(db, rules, new)} == dict(moves)
    assert moves[YES, MAYBE]
    assert moves[NO, MAYBE]
    assert not moves[NO, NO_PRECEDENT]


def post(client, path, **sent):
    return client.post(path, data={"csrf": client.csrf, **sent})


def wait_for_words(client, words):
    """Wait until the model's page says something."""
    for _ in range(1_800):  # three minutes, as long as a busy machine takes
        if words in client.get("/model").text:
            return
        time.sleep(0.1)
    raise TimeoutError(words)


def test_admin_previews_a_model_and_activates_it(visit, desk, filled, catalogue, other):
    ann = visit("admin")
    first = catalogue.current().version
    in_plan = post(ann, "/campaigns", name="Spring", number="5").headers["location"]
    with filled.reading() as db:
        moved = db.scalars(select(creator.c.external_id).limit(40)).all()
    for name in moved:
        post(ann, f"{in_plan}/choose", choice="in", name=name)
    assert ann.get("/model/preview").headers["location"] == "/model"
    assert post(ann, "/model/preview", version=other).status_code == 303
    wait_for_words(ann, "is ready: nothing has changed")
    page = ann.get("/model/preview").text
    assert catalogue.current().version == first
    assert "on average the estimate moves" in page
    assert "From answer to answer" in page
    assert 'role="img"' in page
    assert "In campaigns" in page
    vera = visit("viewer").get("/model/preview").text
    assert "An admin can activate it" in vera
    with filled.writing() as db:
        db.execute(update(creator).where(creator.c.id == 3).values(probability=0.5))
    assert post(ann, "/model/activate", version=other).status_code == 303
    wait_for_words(ann, "creators were scored with it")
    assert catalogue.current().version == other


def test_thresholds_are_previewed_before_they_are_saved(visit, catalogue):
    before = catalogue.current().thresholds
    ann = visit("admin")
    page = ann.get("/thresholds?yes_at=90&review_at=50&back=niche%3DTech").text
    assert re.search(r"<b>\d+</b> of 597 creators would change their answer", page)
    assert "In campaigns" in page
    assert catalogue.current().thresholds == before
    saved = post(ann, "/thresholds", yes_at="90%", review_at="50%", back="niche=Tech")
    assert saved.headers["location"] == "/shortlist?niche=Tech"  # the filter is kept
    assert catalogue.current().thresholds == Thresholds(0.9, 0.5)
    wrong = ann.get("/thresholds?yes_at=0.9&review_at=50")
    assert (wrong.status_code, "may be 90% or 0.9%" in wrong.text) == (422, True)
    assert (
        "Save for everybody" not in visit("viewer").get("/thresholds?yes_at=90&review_at=50").text
    )


def test_yes_that_cannot_be_promised_is_said_wherever_it_begins(filled, rules, visit):
    """A study that promises more than its outcomes allow puts Yes out of reach, not at 99%."""
    save_thresholds(filled, Thresholds(NO_YES_AT, 0.6), "ann", rules)
    viewer = visit("viewer")
    assert "Maybe from 60%, no Yes can be promised" in viewer.get("/creators/3").text
    for path in ("/shortlist/totals", "/thresholds"):
        page = viewer.get(path).text
        assert "No Yes can be promised, so nobody is marked Yes" in page
        assert "99%" not in page.split("<main")[1]
    save_thresholds(filled, Thresholds(0.99, 0.6), "ann", rules)
    assert "Yes begins at 99% now" in viewer.get("/thresholds").text


def test_model_is_named_by_its_day_and_by_a_number_after_the_first_of_it(store):
    """A day of the folder, or of its arrival; a later model changes no name."""
    written = {"one": "2026-03-12T09:50:25+00:00", "two": "2026-03-12T08:00:00+00:00", "old": ""}
    with store.writing() as db:
        for hour, (version, at) in enumerate(written.items()):
            added = datetime(2026, 5, 2, hour, tzinfo=UTC)
            about = {"version": version, "name": "x", "origin": "x", "added_by": "ann"}
            db.execute(insert(model).values(added_at=added, **about))
            manifest = json.dumps({"provenance": {"written": at}}).encode()
            file = {"version": version, "name": "manifest.json", "content": manifest}
            db.execute(insert(model_file).values(**file))
    with store.reading() as db:
        assert model_names(db) == {"one": "model of 12 March 2026",
                                   "two": "model of 12 March 2026 (2)",
                                   "old": "model of 2 May 2026"}  # fmt: skip


def test_pages_name_a_model_by_its_day_and_not_by_its_hash(visit, desk, catalogue, other):
    ann = visit("reviewer")
    brief = {"csrf": ann.csrf, "name": "Spring", "number": "6", "fee nano": "100"}
    campaign = ann.post("/campaigns", data=brief).headers["location"]
    prepare(desk.store, catalogue, other, "ann")
    versions = {catalogue.current().version: 3, other: 1}
    pages = ("/creators/3", campaign, "/then", "/model/preview")
    texts = [re.sub(r"<[^>]*>", "", ann.get(path).text) for path in pages]
    for version, n in versions.items():
        assert sum(catalogue.name_of(version) in text for text in texts) >= n
        assert all(version not in text for text in texts)
    assert all(version in ann.get("/model").text for version in versions)  # for engineers


def test_page_of_models_shows_the_others_where_one_cannot_be_read(visit, desk, other, model_folder):
    """And the folder, added once more, mends it."""
    with desk.store.writing() as db:
        damaged = update(model_file).where(
            model_file.c.version == other, model_file.c.name != "manifest.json"
        )
        db.execute(damaged.values(content=b"x"))
    admin = visit("admin")
    answer = admin.get("/model")
    assert answer.status_code == 200
    assert f"The model {other} cannot be read" in answer.text
    assert "durhampulse desk --model DIR" in answer.text
    assert "/tmp" not in answer.text
    assert f'value="{other}"' not in answer.text  # nothing to preview
    form = {"csrf": admin.csrf, "version": other}
    assert admin.post("/model/preview", data=form).status_code == 422
    assert add_model(desk.store, model_folder, "ann") == other
    page = admin.get("/model").text
    assert "cannot be read" not in page
    assert f'value="{other}"' in page
