"""Forms that cannot be taken come back as they were sent, with what is wrong at its field."""

from __future__ import annotations

import errno
import html
import re
from html.parser import HTMLParser

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError
from starlette.testclient import TestClient

from durhampulse.creators.typed import read_typed
from durhampulse.desk.campaigns.deliverables import add_deliverable
from durhampulse.desk.campaigns.rooms import RoomWish, make_room
from durhampulse.desk.people import people
from durhampulse.desk.review.page import read_changes
from durhampulse.desk.shortlist.lists import make_list
from durhampulse.desk.shortlist.saved import save_view
from durhampulse.desk.store.tables import audit, person, proposal, remark
from durhampulse.desk.web.filling import fill_form
from durhampulse.exceptions import InputError
from tests.desk.conftest import PASSWORD, bring
from tests.desk.forms import fields_of
from tests.desk.lists import unlike_list
from tests.desk.routes import routes

DECISION = {"decision": "decline", "reason": "Other", "note": "", "request_name": "a" * 12,
            "seen": "0"}  # fmt: skip
BRIEF = {"name": "Spring <launch>", "number": "12", "budget": "20000", "fee nano": "100"}
OWNER = {"owner": "", "on": "2027-01-31", "text": "Kept <b>", "seen": "0"}
LIST = ("won.csv", b"id,deal\nINF-1003,1\n")
TWICE = {"role followers": "Followers", "role views": "Followers", "role id": "Influencer_ID"}
DECIDE_ALL = {"what": "decide", "decision": "decline", "reason": "", "note": "Kept <b>"}
FORMS = [
    ("nobody", "/sign-in", {"name": "Özlem <b>", "password": "not this one"}, "password"),
    ("nobody", "/welcome/{welcome}", {"password": "short"}, "password"),
    ("reviewer", "/creators/3/decide", {**DECISION, "note": " "}, "note"),
    ("reviewer", "/creators/3/decide", {**DECISION, "reason": "", "note": "Kept <b>"}, "reason"),
    ("reviewer", "/creators/3/outcome", {"deal": "false", "on": "2999-01-31"}, "on"),
    ("reviewer", "/creators/3/outcome", {"deal": "false", "on": "soon"}, "on"),
    ("reviewer", "/creators/3/remark", {"text": "long " * 500}, "text"),
    ("reviewer", "/creators/3/owner", {**OWNER, "on": "2020-01-31"}, "on"),
    ("reviewer", "/creators/3/owner", {**OWNER, "on": ""}, "on"),
    ("reviewer", "/creators/3/owner", {**OWNER, "text": "long " * 70}, "text"),
    ("reviewer", "/creators/3/reminders", {"on": "2020-01-31", "text": "Kept <b>"}, "on"),
    ("reviewer", "/creators/3/reminders", {"on": "", "text": "Kept <b>"}, "on"),
    ("reviewer", "/creators/3/reminders", {"on": "2027-01-31", "text": "long " * 70}, "text"),
    ("reviewer", "/queue/decide", {**DECISION, "creator": "{queued}", "note": " "}, "note"),
    ("reviewer", "/queue/enough", {"deals": "-1"}, "deals"),
    ("reviewer", "/shortlist/decide", {**DECIDE_ALL, "chosen": "{first}", "request_name": "a" * 12,
                                       "seen": "0"}, "reason"),
    ("reviewer", "/shortlist/owner", {"owner": "", "chosen": "{first}"}, "owner"),
    ("reviewer", "/bulk", DECIDE_ALL, "reason"),
    ("reviewer", "/bulk", {"what": "owner", "owner": ""}, "owner"),
    ("reviewer", "/bulk", {"what": "add", "into": "", "new": "Kept <b>"}, "into"),
    ("reviewer", "/lists/members", {"what": "add", "into": "", "chosen": "{first}"}, "into"),
    ("reviewer", "/lists/members", {"what": "add", "new": "Spring", "chosen": "{first}"}, "new"),
    ("reviewer", "/lists", {"name": "Spring", "client": "Acme <b>", "note": "Kept"}, "name"),
    ("reviewer", "/lists", {"name": "Autumn", "client": "x" * 101, "note": "Kept"}, "client"),
    ("reviewer", "/lists/{list}", {"name": " ", "client": "Acme <b>", "note": "Kept"}, "name"),
    ("reviewer", "/views", {"name": "x" * 101, "shared": "true", "query": "band=no"}, "name"),
    ("admin", "/views/{view}", {"name": "\x07", "shared": "true"}, "name"),
    ("reviewer", "/campaigns", {**BRIEF, "number": "many"}, "number"),
    ("reviewer", "/campaigns", {**BRIEF, "budget": "2.500"}, "budget"),
    ("reviewer", "/campaigns", {**BRIEF, "fee nano": "2.500"}, "fee nano"),
    ("reviewer", "/campaigns", {**BRIEF, "fee micro": "-5"}, "fee micro"),
    ("reviewer", "/campaigns", {**BRIEF, "most_per_niche": "0"}, "most_per_niche"),
    ("reviewer", "/campaigns", {**BRIEF, "currency": "shells"}, "currency"),
    ("reviewer", "/campaigns", {**BRIEF, "aim": "return", "worth": ""}, "worth"),
    ("reviewer", "/campaigns/{draft}", {**BRIEF, "number": "many"}, "number"),
    ("reviewer", "/campaigns/{draft}/choose", {"choice": "fee", "creator_id": "{planned}",
                                               "fee": "2.500"}, "fee"),
    ("reviewer", "/campaigns/{agreed}/state", {"state": "draft", "note": " "}, "note"),
    ("reviewer", "/campaigns/{agreed}/deliverables", {"creator_id": "{planned}", "text": " ",
                                                      "due": "2027-01-31"}, "text"),
    ("reviewer", "/campaigns/{agreed}/deliverables", {"creator_id": "{planned}", "text": "Reel <b>",
                                                      "due": "soon"}, "due"),
    ("reviewer", "/campaigns/{agreed}/deliverables/due", {"deliverable": "{reel}", "due": "soon"},
     "due"),
    ("reviewer", "/rooms", {"name": "Kept <b>", "client": "Acme", "source": "campaign-{draft}",
                            "days": "7", "colour": "purple"}, "colour"),
    ("reviewer", "/rooms", {"name": "Kept <b>", "client": "Acme", "source": "campaign-{draft}",
                            "days": "91", "colour": "#123456"}, "days"),
    ("reviewer", "/rooms/{room}", {"pitch-3": "x" * 301, "pitch-4": "Kept <b>"}, "pitch-3"),
    ("nobody", "/r/{token}", {"liked-4": "yes", "comment-3": "x" * 501}, "comment-3"),
    ("reviewer", "/outcomes", {"on": "soon", "deal_is": "Signed", "file": LIST}, "on"),
    ("reviewer", "/outcomes", {"on": "2026-01-31", "deal_is": "Signed"}, "file"),
    ("reviewer", "/imports", {}, "file"),
    ("reviewer", "/imports", {"file": ("list.exe", b"MZ")}, "file"),
    ("reviewer", "/imports/{new}/read", TWICE, "role views"),
    ("reviewer", "/imports/{new}/check", TWICE, "role views"),
    ("reviewer", "/imports/{unlike}/confirm", {}, "unlike"),
    ("admin", "/creators/3/erase", {"confirm": "INF-1 <b>", "objects": "true"}, "confirm"),
    ("admin", "/thresholds", {"yes_at": "0.8", "review_at": "55"}, "yes_at"),
    ("admin", "/thresholds", {"yes_at": "70", "review_at": "85"}, "review_at"),
    ("admin", "/opinions/share", {"share": "80%"}, "share"),
    ("admin", "/hooks", {"url": "http://crm.example/<b>"}, "url"),
    ("admin", "/people", {"name": "\x07", "role": "reviewer"}, "name"),
    ("admin", "/people", {"name": "Rita", "role": "queen"}, "role"),
    ("admin", "/people/{myself}", {"role": "viewer", "active": "true"}, "sure"),
    ("admin", "/keys", {"name": " ", "role": "reviewer"}, "name"),
    ("viewer", "/account/password", {"present": "wrong", "password": "long enough 7"}, "present"),
    ("viewer", "/account/password", {"present": PASSWORD, "password": "short"}, "password"),
]  # fmt: skip
"""Who sends what where, and which field is wrong; what stands in braces is made first."""

BUTTONS = {
    "/sign-out", "/bulk/{number}/stop", "/lists/{number}/delete", "/views/{number}/delete",
    "/creators/{number}/remark/delete", "/creators/{number}/outcome/withdraw", "/queue/undo",
    "/queue/release", "/acts/{number}/undo", "/imports/{number}/afresh", "/imports/{number}/drop",
    "/imports/{number}/columns", "/imports/{number}/undo", "/campaigns/{number}/delete",
    "/campaigns/{number}/propose", "/outcomes/files/{number}/record",
    "/outcomes/files/{number}/drop", "/model/activate", "/model/preview", "/model/preview/discard",
    "/people/{number}/link", "/people/{number}/sessions/end", "/keys/{number}/revoke", "/account/sessions/{number}/end",
    "/account/sessions/end", "/rooms/{number}/close",
    "/campaigns/{number}/budget", "/opinions/{number}", "/deliverables/{number}", "/account/second",
    "/account/second/codes", "/people/{number}/factor/end", "/hooks/{number}", "/today/done", "/reminders/{number}",
    "/today/later", "/today/undo", "/today/seen", "/today/unseen",
}  # fmt: skip
"""Forms without a field that people fill in: nothing of them can be wrong, or lost."""

OWN_PAGES = {"/bulk/start", "/campaigns/add"}
"""Forms of a page that is no address of its own, or whose only choice is whom they tick."""

OF_OTHERS = {
    "/account/second/confirm", "/account/second/end", "/people/factor", "/sign-in/second",
    "/people/{number}/identity",
}  # fmt: skip
"""Forms that need a second factor or a provider: their own modules send them wrongly."""


class _Forms(HTMLParser):
    """What each form of a page would send, and its controls, by the form's action."""

    def __init__(self, page):
        super().__init__()
        self.sends, self.marked, self._form, self._control, self._option = {}, [], None, None, None
        self.visible, self._actions, self._outside, self._owner = set(), {}, [], ""
        self.feed(page)
        for owner, field in self._outside:
            self.sends[self._actions[owner]].append(field)

    def _add(self, name, value):
        if self._owner:
            self._outside.append((self._owner, (name, value)))
        elif self._form is not None and name:
            self.sends[self._form].append((name, value))

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        if tag == "form":
            self._form = given.get("action")
            self._actions[given.get("id")] = self._form
            self.sends.setdefault(self._form, [])
        if tag in ("input", "select", "textarea", "button"):
            self._owner = given.get("form", "")
        if tag in ("select", "textarea") or (tag == "input" and given.get("type") != "hidden"):
            self.visible.add(self._form)
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


@pytest.fixture
def made(desk, tmp_path):  # noqa: C901 - a function for each thing that forms are about
    """Give what a form is about, by its name: made when it is asked for."""

    def campaign(client):
        brief = {"name": "Spring", "number": "6", "fee nano": "100"}
        number = post(client, "/campaigns", brief).headers["location"].rpartition("/")[2]
        with desk.store.reading() as db:
            planned = select(proposal.c.creator_id).where(proposal.c.campaign_id == int(number))
            return {"draft": number, "planned": str(db.scalar(planned.limit(1)))}

    def agreed(client):
        drafted = campaign(client)
        number = drafted["draft"]
        post(client, f"/campaigns/{number}/state", {"state": "agreed"})
        return {"agreed": number, "planned": drafted["planned"]}

    def reel(_client):
        with desk.store.writing() as db:
            row = db.execute(select(proposal.c.campaign_id, proposal.c.creator_id)).first()
            return {"reel": str(add_deliverable(db, *row, "Reel", None, "test"))}

    def new_import(client):
        file = ("a.csv", b"id,followers,views\nA-1,20000,3000\nA-2,30000,4000\n")
        sent = post(client, "/imports", {"file": file})
        return {"new": sent.headers["location"].rpartition("/")[2]}

    def link(_client):
        with desk.store.writing() as db:
            number = people.add_person(db, "Lena", "viewer", "test")
            return {"welcome": people.make_link(db, "password", "test", number)}

    def view(_client):
        with desk.store.writing() as db:
            maker = people.add_person(db, "Lena", "reviewer", "test")
            who = people.Principal(maker, "Lena", "reviewer")
            return {"view": str(save_view(db, "Nordics", "band=no", who, shared=True))}

    def myself(client):
        with desk.store.reading() as db:
            number = db.scalar(select(person.c.id).where(person.c.name == client.who))
        return {"myself": str(number)}

    def unlike(_client):
        row = bring(desk.store, desk.catalogue, unlike_list(tmp_path), confirm=False)
        return {"unlike": str(row.id)}

    def room(_client):
        wish = RoomWish(name="Spring", client="Acme", colour="#123456", days=7, shows=[],
                        creators=range(3, 9))  # fmt: skip
        number, token = make_room(desk.store, wish, "test")
        return {"room": str(number), "token": token}

    makers = {
        "room": room, "token": room,
        "welcome": link, "view": view, "myself": myself, "unlike": unlike, "draft": campaign,
        "agreed": agreed, "reel": reel, "new": new_import,
        "queued": lambda client: {
            "queued": fields_of(client.get("/queue").text, "review")["creator"]},
        "first": lambda client: {
            "first": re.search('name="chosen" value="([0-9]+)"', client.get("/shortlist").text)[1]},
        "list": lambda client: {"list": "1"},
    }  # fmt: skip

    def _made(client, path, sent):
        with desk.store.writing() as db:
            make_list(db, "Spring", "test")
        texts, known = [path, *(text for text in sent.values() if isinstance(text, str))], {}
        for name in dict.fromkeys(re.findall(r"\{(\w+)\}", " ".join(texts))):
            known |= makers[name](client) if name in makers and name not in known else {}
        filled = {name: value.format(**known) if isinstance(value, str) else value
                  for name, value in sent.items()}  # fmt: skip
        return path.format(**known), filled

    return _made


def page_form(path):
    """Give the action of the form that a button sends elsewhere."""
    if path in ("/bulk", "/lists/members", "/shortlist/owner"):
        return "/shortlist/decide"
    return path.replace("/check", "/read")


@pytest.mark.parametrize(("role", "path", "sent", "wrong"), FORMS)
def test_wrong_form_comes_back_with_the_message_at_its_field(
    visit, made, role, path, sent, wrong
):  # fmt: skip
    client = visit(None if role == "nobody" else role)
    path, sent = made(client, path, sent)
    answer = post(client, path, sent)
    forms = _Forms(answer.text)
    assert answer.status_code == (403 if path == "/sign-in" else 422)
    assert {one["name"] for one in forms.marked} == {wrong}
    assert "autofocus" in forms.marked[0]
    assert f'id="{forms.marked[0]["aria-describedby"]}"' in answer.text
    # Buttons, what is made anew, and what never comes back.
    pressed = {
        "decision",
        "request_name",
        "seen",
        "file",
        "what",
        "password",
        "present",
        "choice",
        "state",
    }
    if path.startswith(("/shortlist", "/bulk")):
        pressed.remove("decision")
    expected = {(n, v) for n, v in sent.items() if n not in pressed and v not in ("", "queen")}
    assert expected <= {*forms.sends[page_form(path)]}
    assert sent.get("password", "short") not in {value for _, value in forms.sends[page_form(path)]}


def test_every_form_is_in_the_table(app):
    sent = {path for method, path in routes(app) if method == "POST" and "/v1/" not in path}
    tried = {re.sub(r"[0-9]+|\{\w+\}", "{number}", path) for _, path, _, _ in FORMS}
    tried = {re.sub("^/(welcome|r)/{number}", r"/\1/{token}", path) for path in tried}
    assert tried | BUTTONS | OWN_PAGES | OF_OTHERS == sent
    assert not tried & BUTTONS


def test_forms_of_buttons_hold_nothing_to_fill_in(visit, desk):
    ada = visit("admin")
    with desk.store.writing() as db:
        make_list(db, "Spring", "test")
    for path in ("/shortlist", "/lists", "/creators/3", "/queue", "/imports", "/campaigns",
                 "/outcomes", "/acts", "/model", "/people"):  # fmt: skip
        for action in _Forms(ada.get(path).text).visible:
            shape = re.sub("[0-9]+", "{number}", action or "").partition("?")[0]
            assert shape not in BUTTONS, (path, action)


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
    assert answer.text.count("<tr data-id=") > 20


def test_unknown_identifier_comes_back_with_its_campaign(visit):
    ann = visit("reviewer")
    where = post(ann, "/campaigns", BRIEF).headers["location"]
    asked = post(ann, f"{where}/choose", {"choice": "in", "name": "nobody"}).headers["location"]
    page = ann.get(asked).text
    assert "Nobody of that name is in the list" in page
    assert ("search", "nobody") in _Forms(page).sends[f"{where}#add"]
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
    assert page.status_code == 404
    assert 'href="/shortlist?niche=Tech" class="button main">Back' in page.text
    part = viewer.get("/creators/99999/what-if", headers={"hx-request": "true"})
    assert (part.status_code, part.headers["hx-retarget"]) == (404, "main")
    page = viewer.get("/creators/99999", headers={"referer": "https://evil.example/x"})
    assert "evil.example" not in page.text


NUMBERED = {"/creators/{number}", "/creators/{number}/panel", "/campaigns/{number}",
            "/campaigns/{number}/frontier", "/imports/{number}", "/imports/{number}/undo",
            "/imports/{number}/refused", "/bulk/{number}", "/rooms/{number}", "/views/{number}",
            "/outcomes/files/{number}"}  # fmt: skip
"""Addresses of what has a number."""


@pytest.mark.parametrize("path", sorted(NUMBERED))
def test_page_of_what_is_not_there_is_a_404_with_the_navigation(visit, path):
    page = visit("reviewer").get(path.replace("{number}", "99999"))
    assert page.status_code == 404
    assert 'href="/campaigns"' in page.text


def test_form_about_an_act_that_is_not_there_is_a_404_with_what_was_written(visit):
    ann = visit("reviewer")
    page = post(ann, "/acts/99999/undo", {"note": "Kept <b>"})
    assert page.status_code == 404
    assert "There is no such act." in page.text
    assert 'href="/campaigns"' in page.text
    assert "Kept &lt;b&gt;" in page.text
    assert post(ann, "/creators/99999/remark", {"text": "Kept <b>"}).status_code == 404


def fail_with(error):
    def fail(*_given, **_named):
        raise error

    return fail


FAULTS = {
    500: ValueError("worn out"),
    503: OperationalError("INSERT", {}, Exception("gone")),
    507: OSError(errno.ENOSPC, "No space left on device"),
}


@pytest.mark.parametrize("status", FAULTS)
def test_fault_keeps_what_was_written(app, visit, desk, monkeypatch, status):
    """Where nothing was changed it is sent again in one press."""
    ann = visit("reviewer")
    client = TestClient(app, raise_server_exceptions=False, cookies=ann.cookies)
    form = {"csrf": ann.csrf, "text": "Kept <b>", "back": ""}
    with monkeypatch.context() as faulty:
        fault = fail_with(FAULTS[status])
        faulty.setattr("durhampulse.desk.web.creators.add_remark", fault)
        page = client.post("/creators/3/remark", data=form)
    assert page.status_code == status
    assert "Kept &lt;b&gt;</dd>" in page.text
    again = _Forms(page.text).sends.get("/creators/3/remark")
    assert again == (None if status == 500 else [*form.items()])
    if again:
        assert client.post("/creators/3/remark", data=dict(again)).status_code in (200, 303)
        with desk.store.reading() as db:
            assert db.scalar(select(func.count()).select_from(remark)) == 1


@pytest.mark.parametrize("status", FAULTS)
def test_page_that_fails_is_asked_for_again(app, visit, monkeypatch, status):
    ann = visit("reviewer")
    client = TestClient(app, raise_server_exceptions=False, cookies=ann.cookies)
    monkeypatch.setattr("durhampulse.desk.web.creators.creator_page", fail_with(FAULTS[status]))
    page = client.get("/creators/3?Followers=900")
    assert page.status_code == status
    assert '<a href="/creators/3?Followers=900" class="button main">Try again' in page.text


def test_fault_shows_no_password_and_sends_none_again(visit, monkeypatch):
    ada = visit("admin")
    fault = fail_with(FAULTS[503])
    monkeypatch.setattr("durhampulse.desk.web.people.people.add_person", fault)
    page = post(ada, "/people", {"name": "Eve <b>", "role": "viewer", "password_again": "hush"})
    assert page.status_code == 503
    assert "Eve &lt;b&gt;" in page.text
    assert "hush" not in page.text


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
     ("2.5%", "count", "not a number"), ("5%", "amount", "not a number"),
     ("5 %", "amount", "not a number")],
)  # fmt: skip
def test_typed_figure_that_may_be_two_is_asked_about(typed, kind, words):
    with pytest.raises(InputError) as error:
        read_typed(typed, kind, field="min_engagement")
    assert words in str(error.value)
    assert error.value.field == "min_engagement"


def test_figure_that_cannot_be_true_is_refused_with_what_can(rules):
    with pytest.raises(InputError) as error:
        read_changes(rules, {"Engagement_Rate": "999999999999"})
    assert "cannot be 999,999,999,999%. Write a figure from 0% to 1,000,000%." in " ".join(
        str(error.value).split()
    )
    assert error.value.field == "Engagement_Rate"


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("min_engagement=999999999999", "cannot be 999,999,999,999%. Write a figure from 0% to"),
        ("max_engagement=-3%", "cannot be -3%. Write a figure from 0% to"),
        ("min_followers=99999999999", "Followers cannot be 100B. Write a figure from 0 to 10B."),
    ],
)
def test_filter_that_no_creator_can_pass_is_refused_as_in_what_if(visit, query, words):
    """The filter took it, kept it as a chip, and found nobody."""
    answer = visit("viewer").get(f"/shortlist?{query}&niche=Fashion")
    page = " ".join(html.unescape(re.sub("<[^>]+>", "", answer.text)).split())
    assert answer.status_code == 422
    assert words in page.replace("\u2212", "-")
    assert '<table class="list">' in answer.text  # what the other filters leave


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


@pytest.mark.parametrize("path", ["/creators/3", "/creators/3/what-if"])
def test_every_figure_that_cannot_be_read_has_its_message(visit, path):
    """With scripts the messages come as parts of their own, without as parts of the page."""
    figures = {"Followers": "lots", "Engagement_Rate": "0.05", "Growth_Rate": "2%"}
    page = html.unescape(visit("viewer").get(path, params=figures).text)
    messages = dict(re.findall(r'<span class="wrong" id="wrong-(\w+)"[^>]*>(.*?)</span>', page))
    assert "'lots' is not" in messages["Followers"]
    assert "may be 5% or 0.05%" in messages["Engagement_Rate"]
    assert messages["Growth_Rate"] == ""
    marked = re.findall(r'<input name="(\w+)"[^>]* aria-invalid="true"', page)
    assert marked == ([] if path.endswith("what-if") else ["Followers", "Engagement_Rate"])


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
