"""What a manager does at the pages in a browser, and what holds on each page."""

from __future__ import annotations

import contextlib

from axe_playwright_python.base import AXE_SCRIPT
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.desk.running import PASSWORD, PATIENCE, running_desk

expect.set_options(timeout=PATIENCE)
MESSY = "channel;Subs;eng. rate;growth;Category;quality;views\n" + "".join(
    f"MESSY-{i};{5 + i}K;{3 + i / 7:.2f};1,5%;fashion ;hd;{2 + i}K\n" for i in range(40)
)
STARS = (
    "Influencer_ID,Name,Profile,Followers,Engagement_Rate,Growth_Rate,Niche,Video_Quality,"
    "Avg_Views_per_Post\n"
) + "".join(
    f"STAR-{i},Star {i},https://example.com/star-{i},{40_000_000 + i},{60 + i % 30}%,30%,Fashion,"
    f"HD,{9_000_000 + i}\n"
    for i in range(60)
)
_RUN = """() => axe.run(document, {resultTypes: ['violations'], elementRef: false}).then(
    report => report.violations.map(one =>
        one.id + ': ' + one.nodes.slice(0, 3).map(n => n.target + ' ' + n.failureSummary)))"""
_SCHEMES = [(scheme, forced) for forced in ("none", "active") for scheme in ("light", "dark")]


@contextlib.contextmanager
def opened(browser, **options):
    """Give a page; nothing it loads may fail, and no script may complain."""
    context = browser.new_context(accept_downloads=True, **options)
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    complaints = []
    page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    context.close()
    assert complaints == []


@contextlib.contextmanager
def signed_in_as(browser, address, name):
    with visiting(browser) as page:
        page.goto(f"{address}/sign-in")
        sign_in(page, name)
        page.wait_for_url("**/shortlist")
        yield page


@contextlib.contextmanager
def visiting(browser):
    """A page of a browser of its own, in which no script fails."""
    faults = []
    with browser.new_context(reduced_motion="reduce") as context:
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        yield page
        page.goto("about:blank")
    assert faults == []


def sign_in(page, name):
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def for_everybody(page):
    """Look for what keeps somebody out: axe's rules, and a page wider than the screen."""
    report = Axe().run(page)
    assert report.violations_count == 0, (page.url, report.generate_report())
    beyond = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert beyond <= 0, page.url


def open_a_room(page):
    """Share the campaign that is open with a client; give the link."""
    page.get_by_role("link", name="Share with a client").click()
    page.get_by_label("What the client reads").fill("Spring: who feels right?")
    page.get_by_label("Client", exact=True).fill("Acme")
    page.get_by_role("button", name="Open the room").click()
    return page.inner_text(".said code")


def propose_a_campaign(page, address):
    page.goto(address + "/campaigns")
    page.get_by_label("Name", exact=True).fill("Spring")
    page.get_by_label("Creators, at most").fill("6")
    page.get_by_label("Budget").fill("2000")
    page.get_by_label("Fee of a nano creator").fill("150")
    page.get_by_label("Fee of a micro creator").fill("600")
    page.get_by_label("Fee of a mid creator").fill("2500")
    page.get_by_role("button", name="Propose creators").click()
    page.get_by_role("heading", name="Spring").wait_for()


def invite(page, address, name="Vera", role="viewer"):
    """Add somebody; give the link by which they choose a password."""
    page.goto(address + "/people")
    page.locator("form[action='/people'] [name=name]").fill(name)
    page.locator("form[action='/people'] select").select_option(role)
    page.get_by_role("button", name="Add", exact=True).click()
    return page.inner_text(".said code")


def sign_out(page):
    page.locator("details.menu.wide > summary").click()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/sign-in")


def preview_and_activate(page):
    """See what the other model would change, then let it decide."""
    page.get_by_role("button", name="Preview").click()
    page.get_by_role("link", name="See what it would change").click()
    page.get_by_text("on average the estimate moves").wait_for()
    page.get_by_role("button", name="Activate").click()


@contextlib.contextmanager
def entered(browser, databases, folder):
    """Open a desk of its own on a database; give its page and address."""
    store = ("--store", databases.make())
    with running_desk(folder, *store) as (address, link, _), opened(browser) as page:
        page.goto(link)
        page.get_by_role("button", name="Open the desk").click()
        page.wait_for_url("**/shortlist")
        yield page, address


def look_at(page, what):
    """Look for what keeps somebody out: axe's rules, and a page wider than the screen."""
    wrong = []

    def look(**how):
        if not page.evaluate("'axe' in window"):
            page.evaluate(AXE_SCRIPT)
        violations = page.evaluate(_RUN)
        beyond = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        if violations or beyond > 0:
            wrong.append((how, violations, beyond))

    for details in page.locator("details:not(.menu)").all():
        details.evaluate("one => one.open = true")
    for width in (1360, 390):
        page.set_viewport_size({"width": width, "height": 900})
        for scheme, forced in _SCHEMES:
            page.emulate_media(color_scheme=scheme, forced_colors=forced, reduced_motion="reduce")
            look(width=width, scheme=scheme, forced=forced)
    page.set_viewport_size({"width": 680, "height": 450})  # 1360 by 900, magnified twice
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, forced_colors="none")
        look(magnified=True, scheme=scheme)
    page.set_viewport_size({"width": 1360, "height": 900})
    page.emulate_media(media="print", color_scheme="light")
    look(media="print")
    page.emulate_media(media="screen")
    assert wrong == [], what
