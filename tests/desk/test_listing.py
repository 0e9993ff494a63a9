"""The pages of the list and of a creator, and what is exported of them."""

from __future__ import annotations

import base64
import csv
import html
import io
import json
import re

import openpyxl
import pyarrow.parquet as pq
from sqlalchemy import delete, select, update

from durhampulse.decision.bands import Thresholds
from durhampulse.desk.models.rules import Rules, stored_frame
from durhampulse.desk.review.decisions import REASONS
from durhampulse.desk.review.page import what_if
from durhampulse.desk.shortlist import export as listexport
from durhampulse.desk.shortlist.reasons import TopReasons
from durhampulse.desk.store.search import refresh_search
from durhampulse.desk.store.tables import HAS_PRECEDENT, creator, score
from durhampulse.scoring.record import UNLIKE_BIT

SHOWN = re.compile('title="([^"]+)"><span class="sign">')
"""Of a row's main reason."""


def test_first_line_of_the_list_says_whom_to_contact_review_and_confirm(visit, desk):
    """Of those nobody has decided about, and whose outcome is not known."""
    c = creator.c
    with desk.store.writing() as db:
        db.execute(update(creator).where(c.id % 5 == 0).values(state="approved"))
        db.execute(update(creator).where(c.id % 5 == 1).values(deal=True))
    with desk.store.reading() as db:
        waits = select(c.probability, c.flags).where(c.state == "open", c.deal.is_(None))
        rows = db.execute(waits).all()
        rules = desk.catalogue.current(db)
    at, known = rules.thresholds, [row.probability for row in rows if row.flags < UNLIKE_BIT]
    yes, no = (sum(p >= at.yes_at for p in known), sum(p < at.review_at for p in known))
    heading = re.search(r"<h1>(.*?)</h1>", visit("reviewer").get("/shortlist").text, re.DOTALL)[1]
    shown = re.sub(r"<[^>]+>|\s+", " ", heading).split()
    words = f"{yes} to contact , {len(rows) - yes - no} to review , {no} to confirm as No ."
    assert shown == words.split()


def test_notice_is_shown_once_and_not_from_the_address(visit):
    ann = visit("reviewer")
    form = {"csrf": ann.csrf, "decision": "approve", "reason": REASONS[0], "chosen": [3, 4],
            "request_name": "b" * 12, "back": "sort=followers", "seen": 0}  # fmt: skip
    sent = ann.post("/shortlist/decide", data=form)
    assert sent.headers["location"] == "/shortlist?sort=followers"
    assert "2 decided." in ann.get("/shortlist").text
    assert "2 decided." not in ann.get("/shortlist").text
    assert "Pay INF-1" not in ann.get("/shortlist?said=Pay+INF-1").text


def test_bulk_decision_returns_to_the_same_page(visit):
    ann, bob = visit("reviewer"), visit("reviewer")

    def form_of(who, page):
        fields = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page)
        form = {name: html.unescape(value) for name, value in fields}
        chosen = re.findall(r'name="chosen" value="(\d+)"', page)[:3]
        return {**form, "decision": "decline", "reason": REASONS[0], "chosen": chosen}

    first = ann.get("/shortlist?sort=followers").text
    where = html.unescape(re.search(r'href="(/shortlist\?[^"]*after=[^"]*)"', first)[1])
    hers, his = (form_of(who, who.get(where).text) for who in (ann, bob))
    assert ann.post("/shortlist/decide", data=hers).headers["location"] == where
    assert bob.post("/shortlist/decide", data=his).status_code == 303
    assert "0 decided. Left alone: 3 decided by others since." in bob.get(where).text


def test_row_shows_handle_platform_and_country_below_the_name(visit, desk):
    carried = [["handle", "Handle", "@lena_x"], ["platform", "On", "TikTok"],
               ["country", "Land", "DE"], ["email", "Mail", "lena@example.org"]]  # fmt: skip
    with desk.store.writing() as db:
        every = select(creator.c.id).order_by(creator.c.id)
        first, second = db.scalars(every.limit(2))
        named = update(creator).where(creator.c.id == first)
        db.execute(named.values(name="Lena Sim", carried=carried, external_id="A-1"))
        db.execute(update(creator).where(creator.c.id == second).values(external_id="A-2"))
    ann = visit("reviewer")
    page = ann.get("/shortlist?sort=external_id&order=asc").text
    (row,) = re.findall(rf'<tr data-id="{first}".*?</th>', page, re.DOTALL)
    assert ">@lena_x \u00b7 TikTok \u00b7 DE</small>" in row
    (row,) = re.findall(rf'<tr data-id="{second}".*?</th>', page, re.DOTALL)
    assert "<small" not in row  # it is known by its identifier alone, which is its name
    assert "mailto:lena@example.org" in ann.get(f"/creators/{first}/panel").text


def test_tabs_count_what_a_press_on_them_lists(visit, desk):
    ann = visit("reviewer")
    with desk.store.writing() as db:
        numbers = db.scalars(select(creator.c.id).order_by(creator.c.id).limit(6)).all()
        db.execute(update(creator).where(creator.c.id.in_(numbers[:4])).values(deal=True))
        db.execute(update(creator).where(creator.c.id.in_(numbers[3:])).values(state="declined"))
    for query in ("", "outcome=deal", "band=yes", "state=declined&tier=nano"):
        page = ann.get(f"/shortlist?{query}").text
        (tabs,) = re.findall(r'<nav class="tabs" id="tabs".*?</nav>', page, re.DOTALL)
        links = re.findall(r'href="([^"]*)"[^>]*>.*?<span class="count">([\d,]+)</span>', tabs)
        assert len(links) > 6
        for address, shown in links:
            listed = ann.get(address.replace("/shortlist", "/shortlist/export/csv", 1).replace(
                "&amp;", "&")).text  # fmt: skip
            assert len(listed.splitlines()) - 1 == int(shown.replace(",", "")), address


def test_empty_desk_asks_for_a_list(visit, desk):
    with desk.store.writing() as db:
        db.execute(delete(creator))
    page = visit("reviewer").get("/shortlist").text
    assert re.search(r'<form[^>]* action="/imports"[^>]*enctype="multipart/form-data"', page)
    assert "No creator matches" not in page
    assert 'type="file"' not in visit("viewer").get("/shortlist").text


def test_list_that_nothing_matches_says_what_to_do_in_place_of_a_table(visit):
    page = visit("viewer").get("/shortlist?search=nobody").text
    assert '<p class="empty">No creator matches. <a href="/shortlist">Show all</a>' in page
    assert '<table class="list">' not in page
    assert 'id="totals"' not in page


def test_invalid_cursor_and_figures_are_refused(visit):
    viewer = visit("viewer")
    for cursor in ([10**30, 5], ["\ud800", 5], [{"a": 1}, 5], [True, []]):
        place = base64.urlsafe_b64encode(json.dumps(cursor).encode()).decode().rstrip("=")
        for sort in ("probability", "external_id"):
            answer = viewer.get(f"/shortlist?sort={sort}&after={place}")
            assert answer.status_code in (200, 422), cursor
    assert viewer.get("/shortlist?niche=a%00b").status_code == 422
    assert "min_engagement=120%25" in viewer.get("/shortlist?min_engagement=120%25").text


def test_threshold_sliders_start_from_the_current_bands(visit):
    page = visit("viewer").get("/shortlist/totals").text
    counted = re.findall(r'<dt><span class="band.*?<dd>([\d,]+)</dd>', page, re.DOTALL)
    table = re.findall(r'data-band.*?<td class="n">([\d,]+)</td>', page, re.DOTALL)
    assert counted == table
    assert len(table) == 3
    filtered = visit("viewer").get("/shortlist/totals?niche=Tech").text
    assert "whatever is filtered" in filtered  # thresholds hold for everybody
    assert re.findall(r'data-band.*?<td class="n">([\d,]+)</td>', filtered, re.DOTALL) == table


def test_totals_of_chosen_creators(desk, visit):
    with desk.store.reading() as db:
        rows = db.execute(select(creator).order_by(creator.c.id).limit(7)).all()
    vera = visit("viewer")
    page = vera.get("/shortlist/chosen", params={"chosen": [row.id for row in rows]}).text
    expected = sum(row.probability for row in rows)
    assert f"7 ticked: {expected:.1f} deals" in page
    low, high = map(float, re.search(r"\(([\d.]+) to ([\d.]+)\)", page).groups())
    assert low < expected < high
    assert "ticked" not in vera.get("/shortlist/chosen").text


def test_exports_are_formula_safe_and_carry_provenance(visit, desk, monkeypatch):
    viewer = visit("viewer")
    with desk.store.writing() as db:
        db.execute(update(creator).where(creator.c.id == 3).values(
            external_id="=HYPERLINK(1)", niche="@SUM(1)", probability=0.7999999))  # fmt: skip
        refresh_search(db, [3])
    answer = viewer.get("/shortlist/export/csv?search==H")
    assert 'filename="shortlist-search-' in answer.headers["content-disposition"]
    (row,) = csv.DictReader(io.StringIO(answer.text))
    assert row["Influencer ID"] == "'=HYPERLINK(1)"
    assert row["Niche"] == "'@SUM(1)"
    assert row["Edge"] == "true"
    assert row["Top Reason"].startswith("for: ")
    assert (row["Predicted Sponsorship"], row["Sponsorship Recommendation"]) == (
        "0.7999", "Maybe (manual review)"
    )  # fmt: skip
    book = openpyxl.load_workbook(io.BytesIO(viewer.get("/shortlist/export/xlsx").content))
    rows = list(book["Decisions"].values)
    assert len(rows) == 598
    chances = [row[1] for row in rows[1:]]
    assert chances == sorted(chances, reverse=True)
    assert all(row[rows[0].index("Top Reason")] for row in rows[1:])
    monkeypatch.setattr(listexport, "_MOST_EXPLAINED", 596)
    many = pq.read_table(io.BytesIO(viewer.get("/shortlist/export/parquet").content))
    assert many["Top Reason"].null_count == many.num_rows == 597
    assert b"of more than 596" in many.schema.metadata[b"top_reasons"]
    cell = next(c for c in book["Decisions"]["A"] if c.value == "=HYPERLINK(1)")
    assert cell.data_type == "s"
    about = dict(book["Provenance"].values)
    assert about["trained_on_simulated_data"] is True
    assert about["exported_by"] == viewer.who
    file = io.BytesIO(viewer.get("/shortlist/export/parquet?band=yes").content)
    assert set(pq.read_table(file)["Sponsorship Recommendation"].to_pylist()) == {"Yes"}
    assert pq.read_metadata(file).metadata[b"model"] == about["model"].encode()
    assert viewer.get("/shortlist/export/provenance").json()["model"] == about["model"]


def test_totals_of_creators_without_precedent_are_no_zero(desk, visit):
    """Of one creator without precedent the list said 0 deals, from 0 to 0."""
    c, vera = creator.c, visit("viewer")
    with desk.store.writing() as db:
        usual, unlike = db.scalars(select(c.id).where(c.deal.is_(None), HAS_PRECEDENT).limit(2))
        db.execute(update(creator).where(c.id == usual).values(probability=0.99, low=0.9, high=1))
        db.execute(update(creator).where(c.id == unlike).values(flags=UNLIKE_BIT, low=0, high=1))
        name = db.scalar(select(c.external_id).where(c.id == unlike))

    def ticked(*numbers):
        page = vera.get("/shortlist/chosen", params={"chosen": numbers}).text
        return " ".join(re.sub("<[^>]+>", "", page).split())

    assert ticked(unlike) == "1 ticked: no number of deals can be told; 1 has no precedent"
    both = ticked(usual, unlike)
    assert both.startswith("2 ticked: 1.0 deals among creators like these in the past (")
    assert both.endswith(" to 1.0); 1 has no precedent")  # of one creator no more than one deal
    totals = vera.get("/shortlist/totals", params={"search": name}).text
    assert (
        re.search(r"among creators like these in the past</dt><dd>(.*?)</dd>", totals)[1]
        == "\u2013"
    )


def test_reasons_further_down_come_after_the_page(visit):
    """Each row has one by then, that of the export; what is known is shown at once."""
    vera = visit("viewer")
    page = vera.get("/shortlist?sort=followers").text
    first, waiting = SHOWN.findall(page), re.findall('id="why-(\\d+)"><span aria-hidden', page)
    assert (len(first), len(waiting)) == (18, 32)
    asked = re.search('hx-get="(/shortlist/reasons[^"]+)"', page)[1].replace("&amp;", "&")
    rest = vera.get(asked).text
    assert re.findall('id="why-(\\d+)" hx-swap-oob="true"', rest) == sorted(waiting, key=int)
    again = vera.get("/shortlist?sort=followers").text
    assert "/shortlist/reasons" not in again
    shown = SHOWN.findall(again)
    assert shown[:18] == first
    assert sorted(shown[18:]) == sorted(SHOWN.findall(rest))
    table = csv.DictReader(io.StringIO(vera.get("/shortlist/export/csv?sort=followers").text))
    exported = [row["Top Reason"] for row in table]
    words = {"+ ": "for: ", "\u2212 ": "against: "}
    assert [words.get(text[:2], text[:2]) + text[2:] for text in map(html.unescape, shown)] == (
        exported[:50]
    )


def test_main_reason_speaks_for_the_answer(filled, rules):
    """Rows of No gave what speaks for the creator, so that nobody saw why they are none."""
    with filled.reading() as db:
        rows = db.execute(select(creator).where(HAS_PRECEDENT).order_by(creator.c.id)).all()
    reasons = rules.reasons(stored_frame(rules.scorer, rows))
    kept = TopReasons()
    for thresholds in (rules.thresholds, Thresholds(0.4, 0.1)):  # those kept are of the first
        now = Rules.of(rules.version, rules.scorer, thresholds)
        signs = [text[:1] for text in kept.of(now, rows)]
        for sign, row, good, bad in zip(
            signs, rows, reasons["Reasons For"], reasons["Reasons Against"], strict=True
        ):
            is_no = row.probability < thresholds.review_at
            assert sign == ("\u2212" if bad and (is_no or not good) else "+" if good else "")
        assert {*signs} == {"+", "\u2212"}


def test_exports_are_in_the_audit_log_without_what_was_looked_for(visit, desk):
    ann, admin = visit("reviewer"), visit("admin")
    assert ann.get("/shortlist/export/csv?search=INF-1003&sort=followers").status_code == 200
    assert ann.request("HEAD", "/shortlist/export/csv").status_code == 200  # takes nothing along
    where = ann.post("/campaigns", data={"csrf": ann.csrf, "name": "Spring", "number": "2"})
    assert ann.get(f"{where.headers['location']}/export/hubspot").status_code == 200
    assert ann.get("/imports/1/refused").status_code == 200
    log = [json.loads(line) for line in admin.get("/audit/log.jsonl").text.splitlines()]
    exported = [entry for entry in log if entry["act"] == "exported"]
    assert [(entry["who"], entry["subject"], entry["detail"]) for entry in exported] == [
        (ann.who, "list", {"rows": 1, "format": "csv", "narrowed_by": ["search"]}),
        (ann.who, "campaign 1", {"rows": 2, "format": "hubspot"}),
        (ann.who, "upload 1", {"rows": 3, "format": "csv"}),
    ]
    assert "INF-1003" not in json.dumps(exported)


def test_what_if_starts_from_stored_figures(visit, desk):
    with desk.store.writing() as db:
        db.execute(update(creator).where(creator.c.id == 3).values(niche=None))
    ann = visit("viewer")
    niches = ann.get("/creators/3").text.split('<select name="Niche">')[1].split("</select>")[0]
    assert niches.startswith('<option value="" selected>not known</option>')
    asked = ann.get("/creators/3?Followers=1M&Niche=Tech").text
    assert 'value="1M"' in asked
    for figure, words in (("1e30", "cannot be so large"), ("-5", "Followers cannot be")):
        assert words in ann.get(f"/creators/3?Followers={figure}").text


def test_what_if_says_by_how_many_points_it_differs(visit, desk):
    with desk.store.reading() as db:
        rules = desk.catalogue.current(db)
        row = db.execute(select(creator).where(creator.c.id == 3)).one()
    then = what_if(rules, row, {"Engagement_Rate": "9%"}).probability
    asked = visit("viewer").get("/creators/3/what-if?Engagement_Rate=9%25").text
    points = re.search(r"; ([+\N{MINUS SIGN}]?\d+) points", asked)[1]
    assert int(points.replace("\N{MINUS SIGN}", "-")) == round(100 * (then - row.probability)) != 0


def test_upper_end_of_a_former_range_is_widened(visit, desk):
    with desk.store.writing() as db:
        ends = {"probability": 0.031, "low": 0.0096, "high": 0.0571}
        db.execute(update(score).where(score.c.creator_id == 5).values(**ends))
    page = visit("viewer").get("/creators/5").text
    assert re.search(r"Answer <strong>3%</strong>, most likely 0 to 6\b", page)
