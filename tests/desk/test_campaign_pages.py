"""The pages of a campaign."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter

import openpyxl
import pytest
from sqlalchemy import select, update

from durhampulse.desk.campaigns import choices
from durhampulse.desk.review.decisions import REASONS
from durhampulse.desk.store import counting
from durhampulse.desk.store.tables import campaign, creator, proposal
from tests.desk.plans import planned


def test_creators_without_a_niche_stand_in_a_campaign_without_one(visit, desk):
    with desk.store.writing() as db:
        db.execute(update(creator).values(niche=None))
    ann = visit("reviewer")
    brief = {"csrf": ann.csrf, "name": "Spring", "number": "5"}
    page = ann.get(ann.post("/campaigns", data=brief).headers["location"]).text
    beside = re.findall(r"<small[^>]*>([^<]*)</small></span></span></th>", page)
    assert len(beside) == 5
    assert set(beside) <= {"nano", "micro", "mid", "macro", "mega"}


def test_campaign_pages(visit, desk):
    ann, brief = visit("reviewer"), {"name": "Spring / 2026", "number": "5",
                                     "tier": ["nano", "micro"], "fee nano": "100",
                                     "fee micro": "250.50", "currency": "eur",
                                     "budget": "1,000"}  # fmt: skip
    where = ann.post("/campaigns", data={"csrf": ann.csrf, **brief}).headers["location"]
    answer = ann.get(f"{where}/export/xlsx")
    assert 'filename="campaign-1-Spring-2026.xlsx"' in answer.headers["content-disposition"]
    book = openpyxl.load_workbook(io.BytesIO(answer.content))
    heads, *rows = book["Decisions"].values
    cell = book["Decisions"]["B2"]
    assert (heads[1], cell.number_format) == ("Predicted Sponsorship", "0.00%")
    rows = [dict(zip(heads, row, strict=True)) for row in rows]
    assert 0 < len(rows) <= 5
    assert [row["Place"] for row in rows] == [*range(1, len(rows) + 1)]
    assert {(row["Tier"], row["Fee"]) for row in rows} <= {("nano", 100), ("micro", 250.5)}
    assert {(row["Currency"], row["By Hand"], row["Campaign State"]) for row in rows} == {
        ("EUR", False, "draft")
    }
    assert rows[-1]["Cost So Far"] == sum(row["Fee"] for row in rows) <= 1000
    about = dict(book["Provenance"].values)
    assert (about["budget"], about["currency"]) == (1000, "EUR")
    assert "of 1,000 EUR" in about["Fees if all agree"]
    out = {"csrf": ann.csrf, "choice": "out", "name": rows[0]["Influencer ID"]}
    assert ann.post(f"{where}/choose", data=out).status_code == 303
    wider = {"csrf": ann.csrf, **brief, "number": "1,000", "most_per_niche": "2", "budget": ""}
    assert ann.post(where, data=wider).status_code == 303
    with desk.store.reading() as db:
        kept = db.scalar(
            select(creator.c.id).where(creator.c.external_id == rows[1]["Influencer ID"])
        )
    made = {"csrf": ann.csrf, "decision": "approve", "reason": REASONS[0], "note": "Seen live",
            "request_name": "b" * 12, "seen": "0"}  # fmt: skip
    assert ann.post(f"/creators/{kept}/decide", data=made).status_code == 303
    exported = [*csv.DictReader(io.StringIO(ann.get(f"{where}/export/csv").text))]
    assert {(row["Reviewer"], row["Review Note"]) for row in exported} == {
        ("", ""), (ann.who, "Seen live")
    }  # fmt: skip
    assert max(Counter(row["Niche"] for row in exported).values()) == 2
    assert rows[0]["Influencer ID"] not in {row["Influencer ID"] for row in exported}
    assert ann.get(f"{where}/export/exe").status_code == 404
    assert ann.post(f"{where}/delete", data={"csrf": ann.csrf}).status_code == 303
    assert "Deleted." in ann.get("/campaigns").text
    assert ann.get(where).status_code == 404


def test_what_is_not_known_of_a_campaign_is_named_on_its_card(visit):
    """A phone shows no heads of columns: 'not known yet' alone said nothing."""
    ann = visit("reviewer")
    ann.post("/campaigns", data={"csrf": ann.csrf, "name": "Spring", "number": "5"})
    page = ann.get("/campaigns").text
    cells = re.findall(r"<td([^>]*)><span class=\"quiet\">not known yet", page)
    assert len(cells) == 1
    assert 'data-label="outcomes"' in cells[0]


def test_todays_data_are_offered_only_after_something_changed(visit, desk):
    """A set that was proposed a minute ago from the same list has nothing to compare."""
    ann = visit("reviewer")
    where = ann.post("/campaigns", data={"csrf": ann.csrf, "name": "Spring", "number": "5"})
    where = where.headers["location"]
    offered, page = f'href="{where}/difference"', ann.get(where).text
    assert offered not in page
    inside = {int(number) for number in re.findall(r'href="/creators/(\d+)"', page)}
    with desk.store.reading() as db:
        other = db.scalar(select(creator.c.id).where(creator.c.id.not_in(inside)).limit(1))
    decided = {"csrf": ann.csrf, "decision": "decline", "reason": REASONS[0], "seen": "0"}

    def decline(number):
        sent = {**decided, "request_name": f"decline{number:05}"}
        assert ann.post(f"/creators/{number}/decide", data=sent).status_code == 303
        return ann.get(where).text

    assert offered not in decline(other)
    assert offered in decline(min(inside))
    assert offered not in visit("viewer").get(where).text


def test_fees_that_are_not_known_are_said_beside_the_sum_of_the_others(visit, desk):
    """A set half of whom had no fee was headed by the fees of the other half alone."""
    ann = visit("reviewer")
    number = planned(desk.store, desk.catalogue, currency="EUR")
    with desk.store.writing() as db:
        ours = proposal.c.campaign_id == number
        db.execute(update(proposal).where(ours, proposal.c.place < 4).values(fee=200.0))
    page = ann.get(f"/campaigns/{number}").text
    assert "800 EUR</strong> if all agree, without 4 whose fee is not known." in page
    (foot,) = re.findall(r"<tfoot>.*?</tfoot>", page, re.DOTALL)
    assert re.search(r">800<br><small[^>]*>without 4 not known</small>", foot)
    (beside,) = re.findall(r"<dt>Fees if all agree</dt><dd>(.*?)</dd>", page)
    assert "without 4 whose fee is not known" in beside
    assert "4 of them are without a fee, so no return is compared with the cost." in page
    with desk.store.writing() as db:
        db.execute(update(proposal).where(ours).values(fee=200.0))
    page = ann.get(f"/campaigns/{number}").text
    assert "1,600 EUR</strong> if all agree" in page
    assert "not known." not in page
    assert "without a fee. The fees are" not in page


def test_looking_at_a_campaign_solves_nothing(visit, monkeypatch):
    ann = visit("reviewer")
    brief = {"name": "Spring", "number": "5", "budget": "900", "fee nano": "150"}
    where = ann.post("/campaigns", data={"csrf": ann.csrf, **brief}).headers["location"]
    monkeypatch.setattr("durhampulse.desk.campaigns.proposal.best_set", None)
    monkeypatch.setattr("durhampulse.desk.campaigns.proposal.candidates", None)
    page = ann.get(where).text
    assert ">nan<" not in page
    assert "deals among creators like these in the past" in page.lower()
    assert "without a fee" in page
    assert ann.get(f"{where}/export/csv").status_code == 200
    assert ann.get("/campaigns").status_code == 200


def test_difference_of_a_long_list_is_found_after_its_page(visit, monkeypatch):
    """With a million creators finding a set takes half a second."""
    ann = visit("reviewer")
    made = ann.post("/campaigns", data={"csrf": ann.csrf, "name": "Spring", "number": "5"})
    path = f"{made.headers['location']}/difference"
    monkeypatch.setattr(counting, "_FEW", 0)
    with monkeypatch.context() as nothing_is_found:
        nothing_is_found.setattr("durhampulse.desk.campaigns.proposal.best_set", None)
        page = ann.get(path).text
    assert f'hx-get="{path}?wait=true" hx-trigger="load"' in page
    assert f'<noscript><p><a class="button main" href="{path}?wait=true"' in page
    assert "would propose" not in page
    page = ann.get(f"{path}?wait=true").text
    assert "would propose the same creators" in page
    assert "?wait=true" not in page


def test_members_declined_since_are_marked_and_kept_only_if_somebody_means_it(visit, desk):
    """A creator who was declined after they came into a set was marked nowhere."""
    ann, vic = visit("reviewer"), visit("viewer")
    number = planned(desk.store, desk.catalogue)
    where = f"/campaigns/{number}"
    tick = '<input type="checkbox" name="sure" value="true" required'
    assert tick not in ann.get(where).text
    with desk.store.reading() as db:
        ours = proposal.c.campaign_id == number
        first, second, *_ = db.scalars(select(proposal.c.creator_id).where(ours)).all()
    decided = {"csrf": ann.csrf, "decision": "decline", "reason": REASONS[0], "seen": "0",
               "request_name": "d" * 12}  # fmt: skip
    assert ann.post(f"/creators/{first}/decide", data=decided).status_code == 303

    def marked(client):
        rows = re.findall(r"<tr>.*?</tr>", client.get(where).text, re.DOTALL)
        return [
            int(re.search(r"/creators/(\d+)", row)[1]) for row in rows if "declined since</" in row
        ]

    assert (marked(ann), marked(vic)) == ([first], [first])
    for page in (ann.get(where).text, vic.get(where).text):
        assert "1 of these was declined since." in page
    assert ann.get(where).text.count(f'href="{where}/difference"') == 1
    with desk.store.writing() as db:  # as after an import
        db.execute(update(campaign).where(campaign.c.id == number).values(run_id=None))
        db.execute(update(creator).where(creator.c.id == second).values(state="declined"))
    page = ann.get(where).text
    assert "2 of these were declined since." in page
    assert page.count(f'href="{where}/difference"') == 1
    assert tick in page
    agreed = {"csrf": ann.csrf, "state": "agreed", "edition": "1"}
    refused = ann.post(f"{where}/state", data=agreed)
    assert refused.status_code == 422
    assert "2 of this set were declined since." in refused.text
    assert re.search(r'name="sure"[^>]*aria-invalid="true"', refused.text)
    assert ann.post(f"{where}/state", data={**agreed, "sure": "true"}).status_code == 303
    assert marked(ann) == [first, second]
    assert "2 of these were declined since." in ann.get(where).text


def test_whoever_was_put_in_though_declined_is_marked_and_asks_nothing_more(visit, desk):
    ann = visit("reviewer")
    number = planned(desk.store, desk.catalogue)
    where = f"/campaigns/{number}"
    with desk.store.writing() as db:
        inside = select(proposal.c.creator_id).where(proposal.c.campaign_id == number)
        scored = creator.c.id.not_in(inside) & creator.c.probability.is_not(None)
        at = db.scalar(select(creator.c.id).where(scored).limit(1))
        db.execute(update(creator).where(creator.c.id == at).values(state="declined"))
    choices.put_in(desk.store, desk.catalogue, number, [at], "ann")
    page = ann.get(where).text
    assert "declined</span>" in page
    assert "declined since" not in page
    agreed = {"csrf": ann.csrf, "state": "agreed"}
    assert ann.post(f"{where}/state", data=agreed).status_code == 303


@pytest.fixture
def by_hand(desk):
    """Give a campaign with a budget that somebody was put into by hand, and who that is."""
    number = planned(desk.store, desk.catalogue, number=3, budget=1000.0, fees={"micro": 300.0})
    with desk.store.reading() as db:
        inside = select(proposal.c.creator_id).where(proposal.c.campaign_id == number)
        at = db.scalar(inside.order_by(proposal.c.place).limit(1))
    choices.put_in(desk.store, desk.catalogue, number, [at], "ann")
    return f"/campaigns/{number}", at


@pytest.mark.parametrize("wait", ["", "?wait=true"])
@pytest.mark.parametrize(
    ("sent", "stays"), [({"choice": "fee", "fee": "250"}, True), ({"choice": "out"}, False)]
)
def test_whoever_needs_a_fee_by_todays_data_gets_one_or_leaves(
    visit, desk, by_hand, wait, sent, stays
):
    """An import moved a creator put in by hand to a tier without a fee: the page was an error."""
    ann, (where, at) = visit("reviewer"), by_hand
    with desk.store.writing() as db:
        name = db.scalar(select(creator.c.external_id).where(creator.c.id == at))
        db.execute(update(creator).where(creator.c.id == at).values(followers=800_000))
    answer = ann.get(f"{where}/difference{wait}")
    assert answer.status_code == 200
    assert f"{name} was put in by hand and has no fee." in answer.text
    assert f'<a class="button" href="{where}">Back to Spring</a>' in answer.text
    (form,) = re.findall(rf'<form method="post" action="{where}/choose".*?</form>', answer.text)
    assert f'name="creator_id" value="{at}"' in form
    assert f"Leave {name} out" in form
    assert "hx-get" not in answer.text.partition('id="change"')[2].partition(">")[0]
    done = ann.post(f"{where}/choose", data={"csrf": ann.csrf, "creator_id": str(at), **sent})
    assert (done.status_code, done.headers["location"]) == (303, where)
    answer = ann.get(f"{where}/difference")
    assert (answer.status_code, "has no fee" in answer.text) == (200, False)
    assert (f'href="/creators/{at}"' in ann.get(where).text) is stays


def test_difference_of_limits_that_no_set_keeps_says_so_on_its_page(visit, desk, by_hand):
    ann, (where, at) = visit("reviewer"), by_hand
    with desk.store.writing() as db:
        db.execute(update(creator).where(creator.c.id == at).values(fee=1001.0))
    answer = ann.get(f"{where}/difference")
    assert (answer.status_code, "No set of creators keeps within" in answer.text) == (200, True)
    assert f'<a class="button" href="{where}">Back to Spring</a>' in answer.text


def test_campaign_is_agreed_compared_and_opened_again(visit, desk):
    ann, vic = visit("reviewer"), visit("viewer")

    def act(path, **data):
        return ann.post(f"{where}/{path}", data={"csrf": ann.csrf, **data})

    made = ann.post("/campaigns", data={"csrf": ann.csrf, "name": "Spring", "number": "5"})
    where = made.headers["location"]
    page = ann.get(f"{where}/difference").text
    assert "would propose the same creators" in page
    assert f'<a class="button main" href="{where}">Back to Spring</a>' in page
    with desk.store.writing() as db:
        (first, *_) = re.findall(r'href="/creators/(\d+)"', ann.get(where).text)
        db.execute(update(creator).where(creator.c.id == int(first)).values(state="declined"))
    page = ann.get(f"{where}/difference").text
    assert "would swap 1 of Spring" in page
    (seen,) = re.findall(r'name="seen" value="(\w+)"', page)
    assert act("propose", seen=seen).status_code == 303
    assert f'href="/creators/{first}"' not in ann.get(where).text
    assert act("propose", seen="other").status_code == 422
    assert "Agree on this set" not in vic.get(where).text
    assert act("state", state="agreed").status_code == 303
    page = ann.get(where).text
    assert "Leave out" not in page
    assert "Change the brief" not in page
    assert act("choose", choice="out", creator_id="3").status_code == 422
    assert act("state", state="draft").status_code == 422  # nobody said why
    assert act("state", state="done").status_code == 303
    assert act("state", state="draft", note="they want more").status_code == 303
    assert re.search(r"<q\b[^>]*>they want more</q>", ann.get(where).text)


def test_creators_are_added_to_a_campaign_from_elsewhere(visit, desk):
    ann = visit("reviewer")
    made = ann.post("/campaigns", data={"csrf": ann.csrf, "name": "Spring", "number": "5"})
    where, number = made.headers["location"], made.headers["location"].rsplit("/")[-1]
    with desk.store.writing() as db:
        db.execute(update(creator).where(creator.c.id == 4).values(state="declined"))
    sent = {"csrf": ann.csrf, "campaign": number, "chosen": ["3", "4"]}
    asked = ann.post("/campaigns/add", data=sent).headers["location"]
    page = ann.get(asked).text
    assert "was declined" in page
    assert 'href="/creators/3"' in page
    assert 'href="/creators/4"' not in page
    sure = {"csrf": ann.csrf, "choice": "in", "creator_id": "4", "sure": "true"}
    assert ann.post(f"{where}/choose", data=sure).status_code == 303
    assert 'href="/creators/4"' in ann.get(where).text
    assert "Spring" in ann.get("/creators/4").text
    found = ann.post(f"{where}/choose", data={"csrf": ann.csrf, "choice": "in", "name": "inf-1438"})
    assert "Put in INF-1438" in ann.get(found.headers["location"]).text
    assert ann.post("/campaigns/add", data={**sent, "chosen": []}).status_code == 422


@pytest.mark.parametrize(
    ("given", "words"),
    [({"number": "5", "budget": "2.000"}, "may be 2000 or 2"),
     ({"number": "2,5"}, "2.5 is not whole"), ({"number": "many"}, "not a number"),
     ({"number": "5", "most_per_niche": "1.5"}, "1.5 is not whole"),
     ({"number": "5", "budget": "-1"}, "amounts from 0 on"),
     ({"number": "5", "budget": "5%"}, "is not a number")],
)  # fmt: skip
def test_invalid_campaign_form_is_refused(visit, given, words):
    ann = visit("reviewer")
    answer = ann.post("/campaigns", data={"csrf": ann.csrf, "name": "Odd", **given})
    assert (answer.status_code, words in answer.text) == (422, True)


def test_limits_that_no_set_keeps_are_refused_and_nothing_changes(visit, desk):
    ann = visit("reviewer")
    brief = {"csrf": ann.csrf, "name": "One", "number": "1"}
    where = ann.post("/campaigns", data=brief).headers["location"]
    put_in = {"csrf": ann.csrf, "choice": "in", "name": "INF-1002"}
    assert ann.post(f"{where}/choose", data=put_in).status_code == 303
    assert "In: INF-1002." in ann.get(where).text
    before = ann.get(where).text
    answer = ann.post(f"{where}/choose", data={**put_in, "name": "INF-1003"})
    assert (answer.status_code, "No set of creators keeps within" in answer.text) == (422, True)
    priced = ann.post(where, data={**brief, "budget": "900"})
    assert (priced.status_code, "put in by hand and has no fee" in priced.text) == (422, True)
    assert ann.get(where).text == before
