"""The import page: what is previewed is what is scored, and it is remembered."""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime

import openpyxl
import pytest
from sqlalchemy import select, update

from durhampulse.creators.options import ReadOptions
from durhampulse.creators.rules import ColumnRule
from durhampulse.desk.imports.choices import digest_of, from_plain, to_plain
from durhampulse.desk.imports.form import read_form
from durhampulse.desk.imports.preview import preview
from durhampulse.desk.store.tables import creator, outcome, recipe, upload
from durhampulse.exceptions import InputError
from durhampulse.scoring.scorer import load_model
from tests.desk.forms import fields_of
from tests.desk.sent import HEADER, RIGHT, ROWS, choose, csv_of, send, settled, upload_of


def stored(desk, where):
    """Check and confirm an upload whose check has begun; give creator to row."""
    row = settled(desk, where)
    assert row.state == "checked", row.problem
    with desk.store.writing() as db:
        db.execute(update(upload).where(upload.c.id == row.id).values(state="applying"))
    assert settled(desk, where).state == "done"
    with desk.store.reading() as db:
        return {row.external_id: row for row in db.execute(select(creator))}


def test_a_changed_choice_is_previewed_before_anything_is_scored(visit, desk):
    """A manager takes another column for Followers and presses the score button at once."""
    ann = visit("reviewer")
    where = send(ann, csv_of())
    choose(ann, where, **RIGHT, **{"as": "Engagement_Rate=percent"})
    changed = {"role Reach": "out", "role Old reach": "Followers"}
    page = choose(ann, where, "check", **changed)
    assert upload_of(desk, where).state == "new"
    assert "Look again" in page
    assert fields_of(page)["role Old reach"] == "Followers"
    choose(ann, where, "check")
    assert stored(desk, where)["c0"].followers == 70


def test_the_page_as_shown_is_what_is_checked(visit, desk):
    ann = visit("reviewer")
    where = send(ann, csv_of())
    page = choose(ann, where, **RIGHT)
    assert "percentages" in page
    assert "Looks right" not in page
    page = choose(ann, where, **{"as": "Engagement_Rate=percent"})  # one click
    assert "Looks right" in page
    row = upload_of(desk, where)
    previewed = read_form(fields_of(page), from_plain(row.options))
    choose(ann, where, "check")
    assert from_plain(upload_of(desk, where).options) == previewed
    after = stored(desk, where)["c0"]
    assert (after.followers, after.engagement_rate) == (5000, pytest.approx(0.03))


def test_a_preview_by_another_model_is_shown_again(visit, desk):
    ann = visit("reviewer")
    where = send(ann, csv_of(["c,5000,70,0.05,0.01,Tech,HD,2000"]))
    page = choose(ann, where, **RIGHT)
    options = read_form(fields_of(page), from_plain(upload_of(desk, where).options))
    assert fields_of(page)["previewed"] == digest_of(options, desk.catalogue.current().version)
    choose(ann, where, "check", previewed=digest_of(options, "another"))
    assert upload_of(desk, where).state == "new"


def test_a_cell_of_two_meanings_is_said_in_the_preview(visit, desk):
    """One rate is written with a point and another with a comma, so 145.000 may be either."""
    ann = visit("reviewer")
    rows = [f"c{i};145.000;7.{i} %;2,{i} %;Tech;HD;2000" for i in range(9)]
    head = "who;Followers;Engagement_Rate;Growth_Rate;Niche;Video_Quality;Avg_Views_per_Post"
    where = send(ann, csv_of(rows, head))
    assert "Followers &#39;145.000&#39; may be 145000 or 145" in ann.get(where).text


def test_two_columns_of_one_role_come_back_at_the_field(visit, desk):
    ann = visit("reviewer")
    where = send(ann, csv_of())
    before = upload_of(desk, where).options
    answer = ann.post(f"{where}/read", data={
        **fields_of(ann.get(where).text), "role Reach": "Followers", "role Old reach": "Followers",
    })  # fmt: skip
    assert answer.status_code == 422
    assert "cannot both be Followers" in answer.text
    sent = fields_of(answer.text)
    assert (sent["role Reach"], sent["role Old reach"]) == ("Followers", "Followers")
    assert upload_of(desk, where).options == before


def test_a_column_taken_away_stays_away(visit, desk):
    ann = visit("reviewer")
    rows = ["c,5000,70,0.05,0.01,Tech,HD,2000"]
    where = send(ann, csv_of(rows))
    page = choose(ann, where, **RIGHT, **{"role Growth_Rate": "out"})
    assert fields_of(page)["role Growth_Rate"] == "out"
    choose(ann, where, "check")
    assert stored(desk, where)["c"].growth_rate is None


def test_columns_are_chosen_one_by_one_where_too_few_are_known(visit, desk):
    """Each choice stays while the file cannot be read yet, and is sent with the next."""
    ann, row = visit("reviewer"), "c,5000,3%,Tech,2000,@lena,DE,lena@example.org,-"
    header = b"wer,Followers,rate of hearts,topic of it,seen,Handle,Country,E-mail,odd one\n"
    where = send(ann, header + row.encode())
    few = "It has 1 of the 6 columns that the model reads and needs 3. Not there: Engagement Rate, "
    assert few in ann.get(where).text
    choices = {"wer": "Influencer_ID", "topic of it": "Niche", "seen": "Avg_Views_per_Post",
               "rate of hearts": "Engagement_Rate"}  # fmt: skip
    for n, (header, role) in enumerate(choices.items(), 1):
        page = choose(ann, where, **{f"role {header}": role})
        fields = fields_of(page)
        assert fields["role Followers"] == "Followers"
        for made, its_role in [*choices.items()][:n]:
            assert fields[f"role {made}"] == its_role
    assert "Looks right" in page
    assert fields["role odd one"] == "out"
    choose(ann, where, "check")
    lena = stored(desk, where)["c"]
    assert lena.niche == "Tech"
    assert [cell[0] for cell in lena.carried] == ["handle", "country", "email"]


def test_sheets_of_a_workbook_can_be_chosen(visit, desk):
    book = openpyxl.Workbook()
    book.active.title = "Notes"
    book.active.append(["To whom it may concern"])
    sheet = book.create_sheet("Creators")
    for row in csv_of(["c,5000,70,0.05,0.01,Tech,HD,2000"]).decode().splitlines():
        sheet.append(row.split(","))
    content = io.BytesIO()
    book.save(content)
    ann = visit("reviewer")
    where = send(ann, content.getvalue(), "list.xlsx")
    assert "Creators" in ann.get(where).text
    page = choose(ann, where, table="Creators")
    assert fields_of(page)["role Niche"] == "Niche"
    choose(ann, where, **RIGHT)
    choose(ann, where, "check")
    assert stored(desk, where)["c"].followers == 5000


def test_the_next_file_of_the_shape_is_read_alike(visit, desk):
    ann, before = visit("reviewer"), datetime.now(UTC)
    where = send(ann, csv_of(), "list-may.csv")
    choose(ann, where, **RIGHT, **{"as": "Engagement_Rate=percent"})
    choose(ann, where, "check")
    stored(desk, where)
    columns = HEADER.split(",")
    order = [3, 0, 2, 1, 7, 6, 5, 4]
    moved = [",".join(row.split(",")[at] for at in order) for row in ROWS]
    second = send(ann, csv_of(moved, ",".join(columns[at] for at in order)), "list-june.csv")
    page = ann.get(second).text
    assert "list-may.csv" in page
    assert any(f"{day:%B %Y}" in page for day in (before, datetime.now(UTC)))
    assert "Looks right" in page
    choose(ann, second, "check")
    assert stored(desk, second)["c3"].engagement_rate == pytest.approx(0.033)
    third = send(ann, csv_of(), "list-july.csv")
    assert "list-june.csv" in ann.get(third).text
    ann.post(f"{third}/afresh", data={"csrf": ann.csrf})
    page = ann.get(third).text
    assert "list-june.csv" not in page
    assert fields_of(page)["role Reach"] == "out"
    fourth = send(ann, csv_of(), "list-august.csv")
    assert "list-june.csv" in ann.get(fourth).text
    ann.post(f"{fourth}/afresh", data={"csrf": ann.csrf, "forgotten": "true"})
    with desk.store.reading() as db:
        assert db.execute(select(recipe)).all() == []
    assert "list-june.csv" not in ann.get(send(ann, csv_of(), "list-september.csv")).text


def test_a_file_of_another_shape_starts_afresh(visit, desk):
    ann = visit("reviewer")
    where = send(ann, csv_of(), "list-may.csv")
    choose(ann, where, **RIGHT, **{"as": "Engagement_Rate=percent"})
    choose(ann, where, "check")
    stored(desk, where)
    another = send(ann, csv_of(["c,5000,70,3,0.01,Tech,HD,2000,x"], HEADER + ",Agency"))
    assert "list-may.csv" not in ann.get(another).text


def test_options_survive_the_store():
    plain = {"columns": {"Followers": "Reach"}, "units": {"Engagement_Rate": "percent"}}
    assert to_plain(from_plain(plain)) == plain
    assert to_plain(from_plain({**plain, "of another version": 1})) == plain


def recorded(desk):
    """Give identifier to outcome of all outcomes of the store."""
    pairs = select(creator.c.external_id, outcome.c.deal)
    with desk.store.reading() as db:
        return dict(db.execute(pairs.join(outcome, creator.c.id == outcome.c.creator_id)).all())


def test_outcomes_are_read_in_the_words_of_the_page(visit, desk):
    """A list with an outcome of its own words: previewed with it, and recorded by the same file."""
    ann = visit("reviewer")
    content = csv_of(
        [f"INF-100{i},5000,70,0.05,0.01,Tech,HD,2000,{word}"
         for i, word in ((3, "Booked"), (4, "Passed"), (5, "Thinking"))],
        HEADER + ",Sponsorship_Status",
    )  # fmt: skip
    where = send(ann, content)
    assert "not understood" in choose(ann, where, **RIGHT)
    page = choose(ann, where, deal_is="Booked", no_deal_is="Passed")
    assert "deal · no deal · not known" in page
    choose(ann, where, "check")
    assert stored(desk, where).keys() >= {"INF-1003", "INF-1004"}
    form = {"csrf": ann.csrf, "on": "2026-05-01"}
    sent = ann.post("/outcomes", data=form, files={"file": ("list.csv", content)})
    assert "Record 2 outcomes" in ann.get(sent.headers["location"]).text
    ann.post(f"{sent.headers['location']}/record", data={"csrf": ann.csrf})
    assert recorded(desk) == {"INF-1003": True, "INF-1004": False}


def test_empty_outcomes_are_none_where_the_page_is_told_so(visit, desk):
    ann = visit("reviewer")
    content = csv_of(
        [f"INF-100{i},5000,70,0.05,0.01,Tech,HD,2000,{word}" for i, word in ((3, "done"), (4, ""))],
        HEADER + ",Sponsorship_Status",
    )
    where = send(ann, content)
    choose(ann, where, **RIGHT)
    page = choose(ann, where, deal_is="done", no_deal_is="(empty), Lost")
    assert 'value="(empty), Lost"' in page
    choose(ann, where, "check")
    assert stored(desk, where).keys() >= {"INF-1003", "INF-1004"}
    form = {"csrf": ann.csrf, "on": "2026-05-01", "deal_is": "done", "no_deal_is": "(empty)"}
    form |= {"column Influencer_ID": HEADER.partition(",")[0]}
    sent = ann.post("/outcomes", data=form, files={"file": ("list.csv", content)})
    ann.post(f"{sent.headers['location']}/record", data={"csrf": ann.csrf})
    assert recorded(desk) == {"INF-1003": True, "INF-1004": False}


def test_words_for_no_deal_alone_come_back_at_the_field_for_a_deal(visit):
    ann = visit("reviewer")
    lines = ["INF-1003,5000,70,0.05,0.01,Tech,HD,2000,done"]
    content = csv_of(lines, HEADER + ",Sponsorship_Status")
    where, problem = send(ann, content), "&#39;Lost&#39; is no deal, and no word is one"
    choose(ann, where, **RIGHT)
    assert problem in choose(ann, where, deal_is="", no_deal_is="(empty), Lost")
    form = {"csrf": ann.csrf, "on": "2026-05-01", "no_deal_is": "(empty), Lost"}
    answer = ann.post("/outcomes", data=form, files={"file": ("list.csv", content)})
    assert answer.status_code == 422
    assert problem in answer.text


def test_filled_outcomes_are_deals_where_the_page_names_empty_ones_alone(visit, desk):
    ann = visit("reviewer")
    content = b"Influencer_ID,Signed on\nINF-1003,2026-03-04\nINF-1004,\n"
    form = {"csrf": ann.csrf, "on": "2026-05-01", "column Sponsorship_Status": "Signed on"}

    def post(**more):
        return ann.post("/outcomes", data={**form, **more}, files={"file": ("x.csv", content)})

    assert "alone as none makes every filled cell a deal" in post().text
    sent = post(no_deal_is="(empty)")
    assert "Record 2 outcomes" in ann.get(sent.headers["location"]).text
    ann.post(f"{sent.headers['location']}/record", data={"csrf": ann.csrf})
    assert recorded(desk) == {"INF-1003": True, "INF-1004": False}


def test_outcomes_that_are_not_understood_come_back_at_the_field(visit):
    ann = visit("reviewer")
    content = b"Influencer_ID,Status\nINF-1003,Booked\nINF-1004,Passed\n"
    form = {"csrf": ann.csrf, "on": "2026-05-01"}

    def post(**more):
        return ann.post("/outcomes", data={**form, **more}, files={"file": ("x.csv", content)})

    answer = post(**{"column Sponsorship_Status": "Status"})
    assert answer.status_code == 422
    assert "Write which words mean a deal" in answer.text
    assert 'value="Status"' in answer.text
    for more, wrong in (
        ({}, "column Sponsorship_Status"),
        ({"column Influencer_ID": "Nope"}, "column Influencer_ID"),
    ):
        page = post(**more).text
        assert re.search(rf'<input name="{wrong}"[^>]* aria-invalid="true"', page)
        assert "<details open><summary>Other words, another column" in page
    right = {"column Sponsorship_Status": "Status", "deal_is": "Booked", "no_deal_is": "Passed"}
    assert "Record 2 outcomes" in ann.get(post(**right).headers["location"]).text


def test_the_desk_speaks_of_the_models_own_outcome(visit, desk, monkeypatch):
    rule = ColumnRule(column="Sponsorship_Status", kind="label", header="Booked by us", insisted=True,
                      deal=("paid post",), no_deal=("organic",))  # fmt: skip
    monkeypatch.setitem(desk.catalogue.current().scorer.model.rules, "Sponsorship_Status", rule)
    ann = visit("reviewer")
    page = ann.get("/creators/3").text
    assert '<option value="true">paid post</option><option value="false">organic</option>' in page
    ann.post("/creators/3/outcome", data={"csrf": ann.csrf, "deal": "true", "on": "2026-05-01"})
    assert "<strong>paid post</strong>" in ann.get("/creators/3").text
    page = ann.get("/outcomes").text
    assert "paid post or organic" in page
    assert "Paid post in the past" in ann.get("/shortlist/totals").text


def test_an_encoding_that_does_not_fit_is_told_where_it_was_chosen(visit):
    ann = visit("reviewer")
    where = send(ann, csv_of([f"{row}x" for row in ROWS], header=f"{HEADER}s"))
    page = choose(ann, where, encoding="utf-16")
    (select_tag,) = re.findall(r'<select id="encoding"[^>]*>', page)
    assert 'aria-invalid="true"' in select_tag
    assert "its bytes do not fit utf-16" in page.lower()


def test_the_encoding_can_be_chosen_where_the_file_does_not_tell(visit, desk):
    ann = visit("reviewer")
    rows = ["c,5000,70,0.05,0.01,Tech,HD,2000", "Grünwald,6000,70,0.05,0.01,Tech,HD,2000"]
    where = send(ann, csv_of(rows).decode().encode("cp1252"))
    page = ann.get(where).text
    if 'id="encoding"' in page and "Looks right" not in page:
        assert 'name="encoding"' in page
    page = choose(ann, where, encoding="cp1252")
    assert fields_of(page)["encoding"] == "cp1252"
    choose(ann, where, **RIGHT)
    choose(ann, where, "check")
    assert "Grünwald" in stored(desk, where)


def test_the_line_of_the_header_can_be_chosen(visit, desk):
    ann = visit("reviewer")
    content = b"Agency list,Q4,,,,,,\n" + csv_of(["c,5000,70,0.05,0.01,Tech,HD,2000"])
    where = send(ann, content)
    page = choose(ann, where, header_row="2")
    assert fields_of(page)["header_row"] == "2"
    choose(ann, where, **RIGHT)
    choose(ann, where, "check")
    row = upload_of(desk, where)
    assert row.options["header_row"] == 2
    assert stored(desk, where)["c"].followers == 5000
    following = send(ann, b"Another list,Q1,,,,,,\n" + csv_of(), "next.csv")
    assert fields_of(ann.get(following).text)["header_row"] == "2"  # remembered for the shape


@pytest.mark.parametrize("line", ["0", "10000", "x", "9" * 5000])
def test_line_that_no_file_has_is_refused(line):
    with pytest.raises(InputError) as error:
        read_form({"header_row": line}, ReadOptions())
    assert error.value.field == "header_row"


def test_a_column_can_be_kept_and_left_out(visit, desk):
    ann = visit("reviewer")
    where = send(ann, csv_of(["c,5000,70,0.05,0.01,Tech,HD,2000,blue,x"], HEADER + ",Mood,Country"))
    page = choose(ann, where, **RIGHT)
    assert fields_of(page)["role Mood"] == "out"
    assert fields_of(page)["role Country"] == "carried"
    choose(ann, where, **{"role Mood": "carried", "role Country": "out"})
    choose(ann, where, "check")
    assert stored(desk, where)["c"].carried == [["other", "Mood", "blue"]]


def test_a_bare_header_is_proposed_where_its_figures_fit(visit):
    """`views` may be those of all posts together: the page proposes by their size, and shows it."""
    ann = visit("reviewer")
    header = "id,Followers,ER,growth,Niche,views"
    few = send(ann, csv_of(["c,5000,0.05,0.01,Tech,2000"], header))
    page = fields_of(ann.get(few).text)
    assert (page["role growth"], page["role views"]) == ("Growth_Rate", "Avg_Views_per_Post")
    many = send(ann, csv_of(["c,5000,0.05,0.01,Tech,9000000"], header), "other.csv")
    assert fields_of(ann.get(many).text)["role views"] == "out"


def test_what_is_odd_is_what_an_import_does_about_it(tmp_path, demo_model):
    path = tmp_path / "list.csv"
    path.write_text("Influencer_ID,Followers,Avg_Views_per_Post,Audience Country,avg likes,Niche\n"
                    "a,212.1M,900,India,9.8K,\na,5K,80,DE,290,Tech\n")  # fmt: skip
    seen = preview(load_model(demo_model), path, path.name, ReadOptions())
    assert {(one["code"], one["column"]): one["action"] for one in seen.irregularities} == {
        ("missing", "Niche"): "left empty",
        ("number-format", "Followers"): "read as the number it stands for",
        ("conflicting-id", "Influencer_ID"): "the first is taken, the others are refused",
    }
    assert seen.columns[1].read == ("212,100,000", "5,000")
    assert {column.header for column in seen.columns if column.role == "out"} == {
        "Audience Country", "avg likes"}  # fmt: skip


def test_notes_are_in_the_pages_words_before_and_after_the_check(visit, desk):
    ann = visit("reviewer")
    head = "Influencer_ID,Followers,Engagement_Rate,Niche,Video_Quality,Avg_Views_per_Post"
    where = send(ann, csv_of([f"c{i},{5000 + i},0.05,Tech,HD,2000" for i in range(9)], head))
    note = "No column Growth Rate, which the model uses; its rows are scored without it."
    assert note in ann.get(where).text
    choose(ann, where, "check")
    assert settled(desk, where).state == "checked"
    assert note in ann.get(where).text
