"""Forms that cannot be taken come back as they were sent, with what is wrong at its field."""

from __future__ import annotations

import html
from html.parser import HTMLParser

import pytest
from sqlalchemy import func, select

from durhampulse.creators.typed import read_typed
from durhampulse.desk.store.tables import audit, person
from durhampulse.desk.web.filling import fill_form
from durhampulse.exceptions import InputError

DECISION = {"decision": "decline", "reason": "Other", "note": "", "request_name": "a" * 12,
            "seen": "0"}  # fmt: skip
BRIEF = {"name": "Spring <launch>", "number": "12", "budget": "20000", "fee nano": "100"}
LIST = ("won.csv", b"id,deal\nINF-1003,1\n")
FORMS = [
    ("reviewer", "/creators/3/decide", {**DECISION, "note": " "}, "note"),
    ("reviewer", "/creators/3/decide", {**DECISION, "reason": "", "note": "Kept <b>"}, "reason"),
    ("reviewer", "/creators/3/outcome", {"deal": "false", "on": "2999-01-31"}, "on"),
    ("reviewer", "/creators/3/outcome", {"deal": "false", "on": "soon"}, "on"),
    ("reviewer", "/campaigns", {**BRIEF, "number": "many"}, "number"),
    ("reviewer", "/campaigns", {**BRIEF, "budget": "2.500"}, "budget"),
    ("reviewer", "/campaigns", {**BRIEF, "fee nano": "2.500"}, "fee nano"),
    ("reviewer", "/campaigns", {**BRIEF, "fee micro": "-5"}, "fee micro"),
    ("reviewer", "/campaigns", {**BRIEF, "most_per_niche": "0"}, "most_per_niche"),
    ("reviewer", "/campaigns", {**BRIEF, "currency": "shells"}, "currency"),
    ("reviewer", "/campaigns", {**BRIEF, "aim": "return", "worth": ""}, "worth"),
    ("reviewer", "/outcomes", {"on": "soon", "deal_is": "Signed", "file": LIST}, "on"),
    ("reviewer", "/outcomes", {"on": "2026-01-31", "deal_is": "Signed"}, "file"),
    ("reviewer", "/imports", {}, "file"),
    ("reviewer", "/imports", {"file": ("list.exe", b"MZ")}, "file"),
    ("admin", "/thresholds", {"yes_at": "0.8", "review_at": "55"}, "yes_at"),
    ("admin", "/thresholds", {"yes_at": "70", "review_at": "85"}, "review_at"),
    ("admin", "/people", {"name": "\x07", "role": "reviewer"}, "name"),
    ("admin", "/people", {"name": "Rita", "role": "queen"}, "role"),
    ("admin", "/keys", {"name": " ", "role": "reviewer"}, "name"),
]
"""Who sends what where, and which field is wrong."""


class _Forms(HTMLParser):
    """What each form of a page would send, and its controls, by the form's action."""

    def __init__(self, page):
        super().__init__()
        self.sends, self.marked, self._form, self._control, self._option = {}, [], None, None, None
        self.feed(page)

    def _add(self, name, value):
        if self._form is not None and name:
            self.sends[self._form].append((name, value))

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        if tag == "form":
            self._form = given.get("action")
            self.sends.setdefault(self._form, [])
        if given.get("aria-invalid") == "true":
            self.marked.append(given)
        if tag == "input" and (
            given.get("type") not in ("checkbox", "radio") or "checked" in given
        ):
            self._add(given.get("name"), given.get("value", ""))
        if tag in ("select", "textarea"):
            self._control = given.get("name")
        if tag == "textarea":
            self._option = ""
        if tag == "option" and "selected" in given:
            self._option = given.get("value", "")
            if "value" in given:
                self._add(self._control, self._option)
                self._option = None

    def handle_data(self, data):
        if self._option is not None:
            self._option += data

    def handle_endtag(self, tag):
        if tag in ("option", "textarea") and self._option is not None:
            self._add(self._control, self._option.removeprefix("\n"))
            self._option = None
        if tag == "form":
            self._form = None


def post(client, path, sent):
    texts = {name: value for name, value in sent.items() if isinstance(value, str)}
    files = {name: value for name, value in sent.items() if not isinstance(value, str)}
    return client.post(path, data={"csrf": client.csrf, **texts}, files=files or None)


@pytest.mark.parametrize(("role", "path", "sent", "wrong"), FORMS)
def test_wrong_form_comes_back_with_the_message_at_its_field(visit, role, path, sent, wrong):
    answer = post(visit(role), path, sent)
    forms = _Forms(answer.text)
    assert answer.status_code == 422
    assert {one["name"] for one in forms.marked} == {wrong}
    assert "autofocus" in forms.marked[0]
    assert f'id="{forms.marked[0]["aria-describedby"]}"' in answer.text
    pressed = {"decision", "request_name", "seen", "file"}  # buttons, and what is made anew
    expected = {(n, v) for n, v in sent.items() if n not in pressed and v not in ("", "queen")}
    assert expected <= {*forms.sends[path]}


def test_wrong_filter_keeps_the_others_and_the_list(visit):
    asked = "/shortlist?niche=Tech&min_engagement=0.05&min_followers=lots&sort=followers"
    answer = visit("viewer").get(asked)
    forms = _Forms(answer.text)
    assert answer.status_code == 422
    assert [one["name"] for one in forms.marked] == ["min_followers", "min_engagement"]
    assert "may be 5% or 0.05%" in answer.text
    sent = {("niche", "Tech"), ("min_engagement", "0.05"), ("min_followers", "lots"),
            ("sort", "followers")}  # fmt: skip
    assert sent <= {*forms.sends["/shortlist"]}
    assert answer.text.count("<tr>") > 20


def test_unknown_identifier_comes_back_with_its_campaign(visit):
    ann = visit("reviewer")
    where = post(ann, "/campaigns", BRIEF).headers["location"]
    asked = post(ann, f"{where}/choose", {"choice": "in", "name": "nobody"}).headers["location"]
    page = ann.get(asked).text
    assert "Nobody of that name is in the list" in page
    assert ("search", "nobody") in _Forms(page).sends[where]
    assert html.escape(BRIEF["name"]) in page


def test_a_note_never_moves_to_another_creator(visit):
    """The queue's page is about somebody else by now where this creator is gone."""
    ann, note = visit("reviewer"), "About this one only"
    sent = {**DECISION, "creator": "99999", "reason": "Off brand", "note": note}
    answer = post(ann, "/queue/decide", sent)
    assert answer.status_code == 422
    forms = _Forms(answer.text)
    assert all(("note", note) not in fields for fields in forms.sends.values())
    assert note in answer.text  # what was written is shown all the same


def test_page_of_no_form_links_back_to_where_one_came_from(visit):
    viewer = visit("viewer")
    before = "http://testserver/shortlist?niche=Tech"
    page = viewer.get("/creators/99999", headers={"referer": before})
    assert page.status_code == 422
    assert 'href="/shortlist?niche=Tech">← Back' in page.text
    page = viewer.get("/creators/99999", headers={"referer": "https://evil.example/x"})
    assert "evil.example" not in page.text


def test_htmx_shows_a_returned_page_in_place_of_the_part(visit):
    ann = visit("reviewer")
    form = {"csrf": ann.csrf, **BRIEF, "number": "many"}
    answer = ann.post("/campaigns", data=form, headers={"hx-request": "true"})
    assert (answer.status_code, answer.headers["hx-retarget"]) == (422, "main")
    assert answer.headers["hx-reselect"] == "main"
    assert "<main" in answer.text


def test_wrong_password_keeps_the_name_and_never_the_password(visit):
    nobody = visit()
    answer = nobody.post("/sign-in", data={"name": "Özlem <b>", "password": "hush hush"})
    assert answer.status_code == 403
    assert ("name", "Özlem <b>") in _Forms(answer.text).sends["/sign-in"]
    assert "hush" not in answer.text


def test_lowering_ones_own_role_is_asked_and_no_change_is_no_act(visit, desk):
    ada = visit("admin")
    visit("admin")
    with desk.store.reading() as db:
        number = db.scalar(select(person.c.id).where(person.c.name == ada.who))
    wish = {"role": "viewer", "active": "true"}
    answer = post(ada, f"/people/{number}", wish)
    assert (answer.status_code, "your own rights" in answer.text) == (422, True)
    changed = select(func.count()).where(audit.c.act == "person changed")
    same = post(ada, f"/people/{number}", {"role": "admin", "active": "true"})
    assert same.status_code == 303
    with desk.store.reading() as db:
        assert db.scalar(changed) == 0
    assert "stays as before" in ada.get("/people").text
    assert post(ada, f"/people/{number}", {**wish, "sure": "true"}).status_code == 303
    with desk.store.reading() as db:
        assert db.scalar(changed) == 1
        assert db.scalar(select(person.c.role).where(person.c.id == number)) == "viewer"


@pytest.mark.parametrize(
    ("typed", "kind", "read"),
    [("5%", "rate", 0.05), ("5", "rate", 0.05), ("5,5", "rate", 0.055), ("120%", "rate", 1.2),
     ("0", "rate", 0.0), ("", "rate", None), ("10,000", "count", 1e4), ("12.5k", "count", 12_500),
     ("1.5m", "amount", 1.5e6), ("€2.500", "amount", 2500), ("2 500 €", "amount", 2500),
     ("2500.50", "amount", 2500.5)],
)  # fmt: skip
def test_typed_figure_is_read(typed, kind, read):
    assert read_typed(typed, kind) == read


@pytest.mark.parametrize(
    ("typed", "kind", "words"),
    [("0.05", "rate", "may be 5% or 0.05%"), ("-0,3", "rate", "may be -30% or -0.3%"),
     ("1", "rate", "may be 100% or 1%"), ("2.500", "amount", "Write 2500 or 2.5."),
     ("2.505", "count", "Write 2505 or 2.5050."), ("5 mil", "count", "may be 5000 or 5000000"),
     ("lots", "rate", "not a number"), ("inf", "count", "cannot be so large"),
     ("2.5%", "count", "not a number")],
)  # fmt: skip
def test_typed_figure_that_may_be_two_is_asked_about(typed, kind, words):
    with pytest.raises(InputError) as error:
        read_typed(typed, kind, field="min_engagement")
    assert words in str(error.value)
    assert error.value.field == "min_engagement"


DOORS = {
    "filter": lambda client, text: client.get("/shortlist", params={"min_engagement": text}),
    "what-if": lambda client, text: client.get("/creators/3", params={"Engagement_Rate": text}),
    "thresholds": lambda client, text: post(client, "/thresholds",
                                            {"yes_at": text, "review_at": "4%"}),
}  # fmt: skip


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(("typed", "reading"), [("5%", 5), ("5", 5), ("0.05", None)])
def test_every_door_reads_a_rate_alike(visit, desk, door, typed, reading):
    admin = visit("admin")
    answer = DOORS[door](admin, typed)
    page = html.unescape(answer.text)
    if reading is None:
        assert "'0.05' may be 5% or 0.05%. Write 5% or 0.05%." in " ".join(
            page.replace("<strong>", "").replace("</strong>", "").split()
        )
    elif door == "filter":
        assert ("min_engagement", "5%") in _Forms(answer.text).sends["/shortlist"]
    elif door == "what-if":
        assert "engagement 5.00%" in page or "engagement 5%" in page
    else:
        assert desk.catalogue.current().thresholds.yes_at == 0.05


PAGE = """<title>x</title><form action="/a" method="post"><input type="hidden" name="id" value="1">
<details><summary>More</summary><fieldset><legend>Which</legend>
<label><input type="radio" name="one" value="a"> A</label>
<label><input type="radio" name="one" value="b" checked> B</label></fieldset></details>
<input name="text" value="old" autofocus><textarea name="long">old</textarea></form>
<select name="role" form="other"><option selected>x</option><option>y &amp; z</option></select>
<form id="other" action="/b?c=1"></form>"""


def test_a_page_is_filled_in_like_a_form_sent_anew():
    wrong = InputError("No.", "Yes.", "one")
    sent = [("id", "1"), ("one", "a"), ("text", '"><b>'), ("long", "\nnew </textarea>")]
    page = fill_form(PAGE, "/a", sent, wrong)
    assert '<input type="radio" name="one" value="b"' in page
    assert {("one", "a"), ("text", '"><b>'), ("long", "\nnew </textarea>")} <= {
        *_Forms(page).sends["/a"]
    }
    assert page.index("</legend>") < page.index("<strong>No.</strong>") < page.index('value="a"')
    assert "<details open>" in page
    assert page.count("autofocus") == 1
    assert fill_form(PAGE, "/a", [("id", "2")], wrong) is None
    assert fill_form(PAGE, "/c", [], wrong) is None
    other = fill_form(PAGE, "/b", [("role", "y & z")], InputError("No.", "", "role"))
    assert "<option selected>y &amp; z" in other
    assert "<option>x" in other
