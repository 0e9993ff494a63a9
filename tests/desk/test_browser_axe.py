"""Every page of the desk for everybody: axe's rules in all schemes, widths, 200% and print."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from durhampulse.desk.models.catalogue import add_model
from durhampulse.desk.people import people
from durhampulse.desk.server import fill_with_demo
from durhampulse.desk.store import clock
from durhampulse.desk.store.database import open_store
from tests.desk.browsing import MESSY, STARS, look_at
from tests.desk.conftest import PASSWORD
from tests.desk.routes import NEEDS, OPEN
from tests.desk.running import PATIENCE, running_desk, wait_for

PAGES = ("/shortlist?search=INF-10&sort=followers", "/shortlist?search=nobody", "/shortlist/totals",
         "/shortlist/facets", "/creators/5", "/creators/600", "/creators/5?Followers=9M",
         "/creators/99999", "/today", "/queue", "/opinions", "/imports", "/imports/1", "/imports/2",
         "/imports/2/undo", "/imports/3", "/imports/4", "/campaigns", "/campaigns/1",
         "/campaigns/1?search=INF-10", "/campaigns/1/frontier", "/campaigns/1/difference",
         "/campaigns/2", "/campaigns/3", "/campaigns/4", "/rooms", "/rooms/1", "/outcomes",
         "{file of outcomes}", "/acts", "/bulk/1", "/lists", "/then", "/model", "/model/preview",
         "/pipeline", "/thresholds", "/thresholds?yes_at=90&review_at=50", "/people", "/audit",
         "/hooks", "/account", "/account/second", "/keyboard", "/nowhere", "{room}", "{welcome}",
         "/sign-in", "/welcome/nonsense")  # fmt: skip
"""By address; what stands in braces is known once the desk is filled."""
REFUSED = {"/creators/99999": 404, "/nowhere": 404, "/welcome/nonsense": 422}
"""The pages among them that say what is wrong, and their status."""
NO_PAGES = {"/shortlist/chosen", "/shortlist/counts", "/shortlist/reasons",
            "/creators/{number}/panel", "/creators/{number}/what-if", "/imports/{number}/progress", "/model/progress",
            "/bulk/{number}/progress", "/views/{number}", "/shortlist/export/{kind}",
            "/campaigns/{number}/export/{kind}", "/imports/{number}/refused",
            "/creators/{number}/everything", "/audit/log.jsonl", "/", "/healthz", "/readyz",
            "/openapi.json", "/r/{token}/colour.css", "/sign-in/provider",
            "/sign-in/provider/callback", "/sign-in/second"}  # fmt: skip
"""Parts of pages, files and redirects; test_browser_account looks at the second factor,
test_browser_states at what only an act or a mistake brings up."""


def test_every_page_is_among_those_looked_at():
    asked = [page.partition("?")[0] for page in PAGES]
    asked += ["/r/x", "/welcome/x", "/outcomes/files/1"]
    known = {path for paths in NEEDS["GET"].values() for path in paths} | OPEN
    for path in known - NO_PAGES:
        pattern = re.compile(re.sub(r"\\{\w+\\}", r"\\w+", re.escape(path)))
        assert any(pattern.fullmatch(one) for one in asked), path


@pytest.fixture(scope="module")
def desk_at_work(browser, tmp_path_factory, model_folder):
    """A desk with something on each page, and a page of its admin: address, page, addresses."""
    folder = tmp_path_factory.mktemp("work")
    store = open_store(f"sqlite:///{folder / 'team.db'}")
    fill_with_demo(store)
    other = add_model(store, model_folder, "test")
    with store.writing() as db:
        people.add_person(db, "Kim", "admin", "test", PASSWORD)
    store.close()
    complaints = []
    with (
        running_desk(folder, "--store", f"sqlite:///{folder / 'team.db'}") as (address, _, _),
        browser.new_context(reduced_motion="reduce") as context,
    ):
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
        page.goto(f"{address}/sign-in")
        page.get_by_label("Name").fill("Kim")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url("**/shortlist")
        yield address, page, Filling(address, page).fill(other)
        page.goto("about:blank")
    # Pages that say what went wrong come with a status of 4xx, which the console repeats.
    assert [text for text in complaints if "Failed to load resource" not in text] == []


class Filling:
    """Puts something on each page by the forms that stand there."""

    def __init__(self, address, page):
        self.address, self.page = address, page
        self.csrf = page.locator("input[name=csrf]").first.get_attribute("value")

    def post(self, path, *, file=None, **form):
        """Send a form; give the answer, a redirect followed."""
        form["csrf"] = self.csrf
        if file:
            name, text = file
            form["file"] = {"name": name, "mimeType": "text/csv", "buffer": text.encode()}
        sent = {"multipart" if file else "form": form}
        answer = self.page.request.post(self.address + path, timeout=PATIENCE, **sent)
        assert answer.status == 200, (path, answer.status, answer.text()[-600:])
        return answer

    def wait(self, path, words):
        wait_for(lambda: words in self.page.request.get(self.address + path).text())

    def check(self, number):
        self.page.goto(f"{self.address}/imports/{number}")
        self.page.get_by_role("button", name="Looks right").click()
        self.page.get_by_label("I know that its recommendations are guesses").wait_for()

    def fill(self, other_model):
        """Give the addresses of a file of outcomes, a client's room and an invitation."""
        post = self.post
        post("/keys", name="CRM", role="viewer", days="90")
        post("/hooks", url="https://crm.example/hooks")
        post("/lists", name="Spring picks", client="Acme", note="of March")
        post("/views", name="To contact", query="band=yes")
        post("/imports", file=("stars.csv", STARS))
        self.check(2)
        post("/imports/2/confirm", unlike="true")
        self.wait("/imports/2", "See them in the shortlist")
        post("/imports", file=("messy.csv", MESSY))
        post("/imports", file=("more.csv", STARS.replace("STAR", "MORE")))
        self.check(4)
        for number in (4, 5, 9):
            post(f"/creators/{number}/decide", decision="approve", reason="Track record",
                 note="seen", request_name=f"request-{number}", seen=str(2**60))  # fmt: skip
        brief = {"number": "6", "budget": "2000", "fee nano": "150", "fee micro": "600"}
        for name in ("Spring", "Summer", "Autumn"):
            post("/campaigns", name=name, **brief)
        post("/campaigns", name="Nobody fits", **{**brief, "budget": "1"})
        for number, states in ((2, ("agreed",)), (3, ("agreed", "done"))):
            for state in states:
                post(f"/campaigns/{number}/state", state=state)
        room = post("/rooms", name="Who feels right?", client="Acme", source="campaign-1",
                    days="14", colour="#ffe08a", shows="followers").text()  # fmt: skip
        post("/people", name="Mia", role="reviewer")
        for number, on in ((6, clock.today()), (7, clock.today() + timedelta(days=5))):
            post(f"/creators/{number}/owner", on=on.isoformat(), text="Ask for a rate", seen="0")
        post("/shortlist/owner", chosen="8", owner="2")
        post("/people/2", role="viewer", active="true")  # whose creators are to be handed over
        rows = "".join(f"INF-{i},{'Yes' if i % 3 else 'No'}\n" for i in range(1001, 1060))
        outcomes = f"Influencer_ID,Sponsorship_Status\n{rows}"
        post("/outcomes", file=("spring.csv", outcomes), on="2026-01-31")
        post("/outcomes/files/1/record")
        summer = post("/outcomes", on="2026-01-31",
                      file=("summer.csv", outcomes.replace("INF-", "INF-1")))  # fmt: skip
        self.decline_all_that_match()
        post("/model/preview", version=other_model)
        self.wait("/model", "is ready: nothing has changed yet")
        welcome = post("/people", name="Ada", role="viewer").text()
        return {
            "{file of outcomes}": summer.url,
            "{room}": re.search(r"http://[^<\s]+/r/[\w-]+", room)[0],
            "{welcome}": re.search(r"http://[^<\s]+/welcome/[\w-]+", welcome)[0],
        }

    def decline_all_that_match(self):
        page = self.page
        page.goto(f"{self.address}/shortlist?search=INF-11&band=no&state=open")
        page.locator("#bulk [name=decision]").select_option("decline")
        page.locator("#bulk [name=reason]").select_option("Off brand")
        page.get_by_role("button", name=re.compile("Decide about all")).click()
        page.locator("#confirmation").wait_for()
        look_at(page, "bulk")
        page.locator("#confirmation button.main").click()
        page.get_by_role("heading", name=re.compile("^Declined")).wait_for()


@pytest.mark.slow
@pytest.mark.parametrize("path", PAGES)
def test_page_passes_axe_however_it_is_looked_at(desk_at_work, path):
    address, page, addresses = desk_at_work
    answer = page.goto(addresses.get(path) or address + path)
    assert answer.status == REFUSED.get(path, 200)
    page.wait_for_load_state("networkidle")
    if path == "/queue":
        page.set_viewport_size({"width": 680, "height": 450})
        assert page.locator("#review").bounding_box()["height"] < 0.4 * 450
    if path == PAGES[0]:
        page.locator(".list tbody tr").first.click()
        page.locator("#panel h2").wait_for()
    look_at(page, path)
