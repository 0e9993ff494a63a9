"""Second opinions: what is hidden until when, from whom, and what comes of it."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import insert, select, update

from durhampulse.desk.outcomes.recording import record
from durhampulse.desk.people.erasure import erase
from durhampulse.desk.review import blind
from durhampulse.desk.review.decisions import REASONS, ReviewDecision, decide
from durhampulse.desk.review.mirror import mirror_of
from durhampulse.desk.review.queue import claim_next
from durhampulse.desk.review.undoing import undo
from durhampulse.desk.store.tables import audit, creator, opinion, proposal, review, score
from durhampulse.desk.web.opinions import lean_words
from durhampulse.evaluation.agreement import Lean
from durhampulse.exceptions import InputError
from durhampulse.scoring.record import UNLIKE_BIT
from tests.desk.conftest import add_people
from tests.desk.forms import fields_of


def reviewed(store, rules, person, choice="approve", lottery=0.5):
    """Have somebody decide their next creator of the queue, whose lot is as given."""
    number = claim_next(store, person, rules).creator_id
    with store.writing() as db:
        db.execute(update(creator).where(creator.c.id == number).values(lottery=lottery))
    made = ReviewDecision(choice=choice, reason=REASONS[0], note="", request=f"r{number:08}")
    kept, _ = decide(store, number, person, made, rules, queued=True)
    return number, kept


def next_for(store, person):
    with store.reading() as db:
        return blind.next_opinion(db, person)


def test_about_the_chosen_share_is_drawn(filled):
    with filled.reading() as db:
        lots = db.scalars(select(creator.c.lottery)).all()
        assert blind.blind_share(db) == 0.1
    drawn = sum(blind.drawn_blind(lot, 0.1) for lot in lots)
    assert 35 <= drawn <= 90  # of 597: 60, give or take four standard deviations
    blind.set_blind_share(filled, 0.0, "ada")
    with filled.reading() as db:
        assert blind.blind_share(db) == 0.0
    with pytest.raises(InputError) as caught:
        blind.set_blind_share(filled, 0.6, "ada")
    assert caught.value.field == "share"


def test_second_opinion_is_wanted_of_those_judged_blind_and_of_somebody_else(filled, rules):
    ann, bob, eve = add_people(filled, "reviewer", "reviewer", "reviewer")
    seen, _ = reviewed(filled, rules, ann, lottery=0.3)
    number, _ = reviewed(filled, rules, ann)
    assert next_for(filled, ann) is None
    assert next_for(filled, bob) == number
    with filled.reading() as db:
        flags = dict(db.execute(select(review.c.creator_id, review.c.blind)).all())
        state = db.scalar(select(creator.c.state).where(creator.c.id == number))
    assert flags == {seen: False, number: True}
    shown = blind.give_opinion(filled, number, bob, "decline", "bob", rules)
    assert (shown.own, shown.other) == ("decline", "approve")
    with filled.reading() as db:
        assert db.scalar(select(creator.c.state).where(creator.c.id == number)) == state
    assert next_for(filled, eve) is None
    for person, verdict in ((eve, "approve"), (ann, "approve"), (eve, "skip")):
        with pytest.raises(InputError):
            blind.give_opinion(filled, number, person, verdict, "x", rules)


def test_undone_decisions_and_known_outcomes_want_no_second_opinion(filled, rules):
    ann, bob = add_people(filled, "reviewer", "reviewer")
    number, kept = reviewed(filled, rules, ann)
    undo(filled, ann, kept)
    assert next_for(filled, bob) is None
    made = ReviewDecision(choice="approve", reason=REASONS[0], note="", request="again-again")
    decide(filled, number, ann, made, rules, queued=True)
    assert next_for(filled, bob) == number
    record(filled, number, deal=True, on=date(2026, 1, 5), by="ann")
    assert next_for(filled, bob) is None


def test_agreement_is_that_of_both_verdicts(filled, rules):
    ann, bob = add_people(filled, "reviewer", "reviewer")
    verdicts = [("approve", "approve"), ("decline", "decline"), ("approve", "decline")]
    for first, second in verdicts:
        number, _ = reviewed(filled, rules, ann, first)
        blind.give_opinion(filled, number, bob, second, "bob", rules)
    with filled.reading() as db:
        both = blind.agreement_of(db)
        assert (both.n, both.share) == (3, pytest.approx(2 / 3))
        assert [(row.first, row.second) for row in blind.differing(db)] == [("approve", "decline")]


def test_mirror_tells_lenience_and_what_came_of_overruling(filled, rules):
    """Two approved where the model said .6 and .2: .6 too often on average."""
    ann, bob = add_people(filled, "reviewer", "reviewer")
    for number, p, choice in ((3, 0.6, "approve"), (4, 0.2, "approve"), (5, 0.9, "decline"),
                              (6, 0.3, "approve")):  # fmt: skip
        band = next(b for b, (low, high) in rules.band_ranges.items() if low <= p < high)
        values = {"creator_id": number, "person_id": ann, "decision": choice, "reason": REASONS[0],
                  "note": "", "probability": p, "band": band, "why": "chosen", "previous": "open",
                  "request": f"request-{number}", "blind": number < 5}  # fmt: skip
        with filled.writing() as db:
            db.execute(insert(review).values(**values, at=datetime(2026, 1, 5, tzinfo=UTC)))
        record(filled, number, deal=number == 5, on=date(2026, 1, 5), by="ann")
    with filled.reading() as db:
        mirror, other = mirror_of(db, ann), mirror_of(db, bob)
    assert (mirror.lenience.n, mirror.lenience.mean) == (2, pytest.approx(0.6))
    assert (mirror.approved_no.n, mirror.approved_no.mean) == (2, pytest.approx(-0.25))
    assert mirror.declined_yes is None  # of one alone nothing can be said
    assert (mirror.overruled.n, mirror.overruled.mean) == (3, pytest.approx((0.1 - 0.5) / 3))
    assert (other.lenience, other.overruled) == (None, None)


def test_words_of_a_difference_say_which_way_and_whether_by_chance():
    ways, than = ("rarer", "more frequent"), "than it said"
    assert lean_words(Lean(n=140, mean=-0.11, low=-0.19, high=-0.03), ways, than) == (
        "11 points (3 to 19) rarer than it said"
    )
    assert lean_words(Lean(n=9, mean=0.05, low=0.01, high=0.09), ways, than) == (
        "5 points (1 to 9) more frequent than it said"
    )
    assert lean_words(Lean(n=9, mean=0.05, low=-0.01, high=0.11), ways, than) == (
        "5 points more frequent than it said (1 rarer to 11 more frequent), which may be chance"
    )


def drawn(desk, number):
    """Have a creator be among those drawn; give their identifier."""
    with desk.store.writing() as db:
        db.execute(update(creator).where(creator.c.id == number).values(lottery=0.55))
        return db.scalar(select(creator.c.external_id).where(creator.c.id == number))


def scored_as(desk, numbers, p):
    """Give some creators another score, wherever one is kept."""
    values = {"probability": p, "low": p - 0.01, "high": p + 0.01}
    with desk.store.writing() as db:
        db.execute(update(creator).where(creator.c.id.in_(numbers)).values(**values))
        for table in (score, proposal):
            db.execute(update(table).where(table.c.creator_id.in_(numbers)).values(**values))


def test_number_is_hidden_in_the_queue_until_one_has_decided(visit, desk):
    ann = visit("reviewer")
    creator_id = fields_of(ann.get("/queue").text, "review")["creator"]
    drawn(desk, int(creator_id))
    scored_as(desk, [int(creator_id)], 0.765)
    for path in ("/queue", f"/creators/{creator_id}"):
        page = ann.get(path).text
        assert "hidden until you have decided" in page
        for telling in ("Of 100 creators", "90% interval", "like this one:", "What lifts",
                        "Neither a clear Yes"):  # fmt: skip
            assert telling not in page, (path, telling)
        assert not re.search(r"(?<![\d.])7[67](?:\.\d)?%", re.sub("<[^>]*>", "", page)), path
    other = visit("viewer").get(f"/creators/{creator_id}").text
    assert "Of 100 creators" in other
    form = fields_of(ann.get("/queue").text, "review")
    sent = {**form, "csrf": ann.csrf, "decision": "approve", "reason": REASONS[0]}
    answer = ann.post("/queue/decide", data=sent)
    assert "The model said 76%" in ann.get(answer.headers["location"]).text
    bob = visit("reviewer")
    page = bob.get("/opinions").text
    assert f'action="/opinions/{creator_id}"' in page
    for telling in ("Of 100 creators", "approved", ann.who):
        assert telling not in page.split("<article")[1].split("</article>")[0]
    bob.post(f"/opinions/{creator_id}", data={"csrf": bob.csrf, "choice": "decline"})
    page = bob.get("/opinions").text
    assert f"You: declined. {ann.who}: approved. The model said 76%, Maybe." in page
    assert "you agree on <strong>0 of 100</strong>" in page


def test_creator_without_precedent_has_no_number_once_decided_either(visit, desk):
    ann = visit("reviewer")
    creator_id = fields_of(ann.get("/queue").text, "review")["creator"]
    drawn(desk, int(creator_id))
    scored_as(desk, [int(creator_id)], 0.765)
    with desk.store.writing() as db:
        unlike = update(creator).where(creator.c.id == int(creator_id))
        db.execute(unlike.values(flags=UNLIKE_BIT))
    form = fields_of(ann.get("/queue").text, "review")
    assert form["creator"] == creator_id
    sent = {**form, "csrf": ann.csrf, "decision": "approve", "reason": REASONS[0]}
    page = ann.get(ann.post("/queue/decide", data=sent).headers["location"]).text
    assert "The model said No precedent." in page


def test_erasure_takes_opinions(filled, rules):
    ann, bob = add_people(filled, "reviewer", "reviewer")
    number, _ = reviewed(filled, rules, ann)
    blind.give_opinion(filled, number, bob, "approve", "bob", rules)
    with filled.reading() as db:
        name = db.scalar(select(creator.c.external_id).where(creator.c.id == number))
    assert erase(filled, name, "ann")["rows"]["opinion"] == 1
    with filled.reading() as db:
        assert db.execute(select(opinion)).all() == []


def test_share_of_the_page_is_kept(visit, desk):
    ada = visit("admin")
    ada.post("/opinions/share", data={"csrf": ada.csrf, "share": "25%"})
    with desk.store.reading() as db:
        assert blind.blind_share(db) == 0.25
    assert re.search(r'name="share"[^>]* value="25%"', ada.get("/opinions").text)


VIEWS = ("", "sort=followers", "band=yes", "band=maybe", "band=no", "band=unlike", "edge=1",
         "search={name}", "state=open&order=asc")  # fmt: skip
PATHS = (
    "/queue", "/opinions", "/acts", "/pipeline", "/model", "/lists", "/imports",
    "/campaigns", "/campaigns/{campaign}", "/campaigns/{campaign}?search={name}", "/rooms",
    "/campaigns/{campaign}?ask={number}", "/campaigns/{campaign}/difference",
    "/campaigns/{campaign}/frontier", "/campaigns/{campaign}/frontier?wait=true",
    "/campaigns/{campaign}/export/csv",
    "/creators/{number}", "/creators/{number}?Followers=90", "/creators/{number}/panel",
    "/creators/{number}/what-if?Followers=90", "/creators/{number}/everything",
    "/shortlist/chosen?chosen={number}", "/shortlist/export/csv?search={name}",
    "/shortlist/reasons?creator={number}",
    "/shortlist/export/jsonl?search={name}", "/then?day=2030-01-01",
    *(f"/shortlist{part}?{view}" for view in VIEWS for part in ("", "/counts", "/facets", "/totals")),
)  # fmt: skip
"""Where a creator's number, answer, place or reasons might stand, but for counts of whole answers."""
CHANGING = re.compile(
    r"[0-9a-f]{24}|\d+ more minutes?|\d\d:\d\d:\d\d\.\d+|\d+ (?:second|minute)s? ago"
)


def noted(desk, after):
    """Give what the audit log says after an entry, and its last entry."""
    e = audit.c
    with desk.store.reading() as db:
        rows = db.execute(select(e.act, e.subject, e.detail, e.id).where(e.id > after)).all()
    return [tuple(row[:3]) for row in rows], max(row.id for row in rows)


@pytest.mark.slow
def test_pages_say_the_same_whatever_the_number_of_whom_one_judges_unseen(visit, desk):
    """One creator is before the reviewer in the queue, another waits for their second opinion."""
    bob = visit("reviewer")
    form = fields_of(bob.get("/queue").text, "review")
    second = int(form["creator"])
    names = [drawn(desk, second)]
    bob.post(
        "/queue/decide",
        data={**form, "csrf": bob.csrf, "decision": "approve", "reason": REASONS[0]},
    )
    bob.post("/queue/release", data={"csrf": bob.csrf})
    ann = visit("admin")
    first = int(fields_of(ann.get("/queue").text, "review")["creator"])
    numbers = (first, second)
    brief = {"csrf": bob.csrf, "name": "Spring", "number": "6", "aim": "deals", "per": "deal"}
    campaign = bob.post("/campaigns", data=brief).headers["location"].rpartition("/")[2]
    for number in numbers:
        bob.post(f"/campaigns/{campaign}/choose", data={
            "csrf": bob.csrf, "choice": "in", "creator_id": number, "sure": "true"})  # fmt: skip
    names.insert(0, drawn(desk, first))
    told = {}
    _, last = noted(desk, 0)
    for p in (0.3, 0.3, 0.97):  # from the second time on the same reasons come with a page
        scored_as(desk, numbers, p)
        told[p] = {
            (path, number): CHANGING.sub("", ann.get(path.format(number=number, name=name, campaign=campaign)).text)
            for number, name in zip(numbers, names, strict=True) for path in PATHS
        }  # fmt: skip
        bulk = {"csrf": ann.csrf, "what": "decide", "decision": "decline", "reason": REASONS[0]}
        for name in names:
            sent = {**bulk, "query": f"search={name}"}
            assert ann.post("/bulk", data=sent).status_code == 303  # nobody matches
            told[p]["/bulk", name] = CHANGING.sub("", ann.get("/keyboard").text)  # and its notice
        told[p]["/audit", ""], last = noted(desk, last)
    differing = {at[0] for at, text in told[0.3].items() if told[0.97][at] != text}
    assert differing == set()
    for number in numbers:
        page = ann.get(f"/creators/{number}").text
        assert "hidden until you have decided" in page
        assert bob.who not in page
    anybody = visit("viewer").get("/shortlist?search=" + names[0]).text
    assert "97%" in anybody
