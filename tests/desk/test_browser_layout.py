"""What stands where: in print, at 768 pixels, above the fold, and in high contrast."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.desk.browsing import for_everybody, opened, propose_a_campaign

WINDOW = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}
TABLET = {"width": 768, "height": 1024}
PRINTED = ("/shortlist", "/creators/5", "/queue", "/campaigns", "/imports", "/lists", "/outcomes",
           "/acts", "/model", "/pipeline", "/rooms", "/people", "/audit", "/then", "/account")  # fmt: skip
_SHOWN = """element => {
    const box = element.getBoundingClientRect();
    return box.width > 1 && box.height > 1 && getComputedStyle(element).visibility !== 'hidden';
}"""
_OVERLAPS = f"""holders => holders.flatMap(holder => {{
    const shown = {_SHOWN};
    const parts = [...holder.children].filter(shown).filter(
        part => !['absolute', 'fixed', 'sticky'].includes(getComputedStyle(part).position));
    const found = [];
    parts.forEach((one, at) => parts.slice(at + 1).forEach(other => {{
        const a = one.getBoundingClientRect(), b = other.getBoundingClientRect();
        const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
        const down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
        if (across > 1 && down > 1) found.push(one.outerHTML.slice(0, 80) + ' | ' + other.outerHTML.slice(0, 80));
    }}));
    return found;
}})"""
"""The parts that lie over one another within each of some elements."""


def shown(page, selector):
    """Give the elements that one can see, as HTML."""
    return page.locator(selector).evaluate_all(
        f"all => all.filter({_SHOWN}).map(one => one.outerHTML.slice(0, 90))"
    )


@pytest.fixture
def campaign(browser, demo, signed_in):
    """The address of a campaign with a set."""
    address, _, _ = demo
    with opened(browser, storage_state=signed_in) as page:
        propose_a_campaign(page, address)
        return page.url.removeprefix(address)


@pytest.mark.slow
def test_every_page_prints_as_a_document(browser, demo, signed_in, campaign):
    """No way to go, press or type is printed; what the page says is."""
    address, _, _ = demo
    with opened(browser, storage_state=signed_in, viewport=WINDOW) as page:
        for path in (*PRINTED, campaign):
            page.goto(address + path)
            page.wait_for_load_state("networkidle")
            page.emulate_media(media="print")
            controls = shown(page, "nav, button, input, select, textarea, .menu, .panel, .toast")
            assert controls == [], path
            assert shown(page, "main h1, main h2, main table, main .lead"), path
            expect(page.locator(".sim")).to_be_visible()
            page.emulate_media(media="screen")


@pytest.mark.slow
def test_shortlist_prints_as_a_table(browser, demo, signed_in):
    address, _, _ = demo
    with opened(browser, storage_state=signed_in, viewport=WINDOW) as page:
        page.goto(address + "/shortlist")
        rows = page.locator(".list tbody tr")
        expect(rows).to_have_count(50)
        sheets = len(re.findall(rb"/Type\s*/Page\b", page.pdf(format="A4")))
        assert 1 <= sheets <= 4  # cards were five to a sheet
        page.emulate_media(media="print")
        page.set_viewport_size({"width": 703, "height": 1000})  # A4 less its margins
        assert rows.first.evaluate("row => getComputedStyle(row).display") == "table-row"
        expect(page.locator(".list thead")).to_be_visible()


@pytest.mark.slow
def test_room_of_thirty_prints_on_one_page(browser, demo, signed_in):
    address, _, _ = demo
    with opened(browser, storage_state=signed_in, viewport=WINDOW) as page:
        page.goto(f"{address}/campaigns")
        csrf = page.locator("input[name=csrf]").first.get_attribute("value")
        brief = {"csrf": csrf, "name": "Autumn", "number": "30"}
        number = page.request.post(f"{address}/campaigns", form=brief).url.rsplit("/", 1)[1]
        room = {"csrf": csrf, "name": "Who feels right?", "client": "Acme", "days": "14",
                "source": f"campaign-{number}", "colour": "#2f5d8a", "shows": "followers"}  # fmt: skip
        made = page.request.post(f"{address}/rooms", form=room).text()
        page.goto(re.search(r"http://[^<\s]+/r/[\w-]+", made)[0])
        expect(page.locator(".cards > li")).to_have_count(30)
        assert len(re.findall(rb"/Type\s*/Page\b", page.pdf(format="A4"))) == 1


@pytest.mark.slow
def test_rows_become_compact_and_stay_so(browser, demo, signed_in):
    """40 pixels each, 32 if one likes; one more column of those that can be chosen."""
    address, _, _ = demo

    def height(page):
        box = page.locator(".list tbody tr").nth(3).bounding_box()
        return round(box["height"])

    with opened(browser, storage_state=signed_in, viewport=WINDOW) as page:
        page.goto(address + "/shortlist")
        assert height(page) == 40
        page.locator("summary", has_text="Table").click()
        page.get_by_role("button", name="Compact rows").click()
        assert height(page) == 32
        page.get_by_role("link", name="Views").click()
        expect(page.locator(".list thead")).to_contain_text("Views")
        assert height(page) == 32


@pytest.mark.slow
def test_tablet_shows_each_page_whole_and_its_menu(browser, demo, signed_in, campaign):
    address, _, _ = demo
    with opened(browser, storage_state=signed_in, viewport=TABLET) as page:
        for path in (*PRINTED, campaign, "/keyboard", "/thresholds"):
            page.goto(address + path)
            page.wait_for_load_state("networkidle")
            assert page.evaluate("document.documentElement.scrollWidth") <= 768, path
            parts = page.locator(
                ".top, .top .right, .filters, .tabs, .headed, .todo, .person, .row"
            )
            assert parts.evaluate_all(_OVERLAPS) == [], path
        menu = page.locator(".top details.menu:visible > summary").last
        menu.click()
        links = page.locator(".top details[open] a")
        places = {link.get_attribute("href") for link in links.all()}
        assert {"/shortlist", "/queue", "/campaigns", "/imports", "/people"} <= places
        for link in links.all():
            box = link.bounding_box()
            assert box["x"] >= 0, link
            assert box["x"] + box["width"] <= 768, link
            assert box["y"] + box["height"] <= 1024, link
        page.locator(".top details[open] a[href='/campaigns']").click()
        page.wait_for_url("**/campaigns")


def reachable(page, names):
    """Give whether each button can be pressed where it stands, without scrolling."""
    on_top = """button => {
        const box = button.getBoundingClientRect();
        const at = document.elementFromPoint((box.left + box.right) / 2, (box.top + box.bottom) / 2);
        return box.top >= 0 && box.bottom <= innerHeight && button.contains(at);
    }"""
    return {
        name: page.locator("#review").get_by_role("button", name=name).evaluate(on_top)
        for name in names
    }


@pytest.mark.slow
@pytest.mark.parametrize("size", [WINDOW, PHONE], ids=["window", "phone"])
def test_queue_is_decided_without_scrolling(browser, demo, signed_in, size):
    address, _, _ = demo
    verdicts = ("Approve", "Decline", "Tentative")
    with opened(browser, storage_state=signed_in, viewport=size) as page:
        page.goto(address + "/queue")
        for _ in range(2):  # what was done is said from the second one on
            assert reachable(page, verdicts) == dict.fromkeys(verdicts, True)
            assert page.evaluate("scrollY") == 0
            expect(page.locator("#creator")).to_be_in_viewport()
            assert page.locator("#review").bounding_box()["height"] < 0.4 * size["height"]
            request = page.locator("#review [name=request_name]")
            before = request.input_value()
            page.locator("#review input[type=radio]").first.check(force=True)
            page.locator("#review").get_by_role("button", name="Tentative").click()
            expect(request).not_to_have_value(before)


@pytest.mark.slow
def test_bar_of_ticks_stands_in_one_place_and_leaves_the_list_in_view(browser, demo, signed_in):
    address, _, _ = demo
    with opened(browser, storage_state=signed_in) as page:
        for size, most in ((WINDOW, 0.2), (PHONE, 0.32), ({"width": 640, "height": 400}, 0.44)):
            page.set_viewport_size(size)
            page.goto(address + "/shortlist")
            page.locator(".list tbody input[name=chosen]").first.check()
            page.get_by_text("1 ticked: ").wait_for()
            bar = page.locator(".bulk")
            assert bar.locator("xpath=..").evaluate_all(_OVERLAPS) == []
            assert bar.bounding_box()["height"] <= most * size["height"], size


@pytest.mark.slow
def test_head_of_the_list_stays_while_it_scrolls(browser, demo, signed_in):
    address, _, _ = demo
    with opened(browser, storage_state=signed_in, viewport=WINDOW) as page:
        page.goto(address + "/shortlist")
        page.locator(".list tbody tr").nth(40).scroll_into_view_if_needed()
        expect(page.locator(".list thead").get_by_text("Followers")).to_be_in_viewport()


@pytest.mark.slow
def test_wide_window_is_used(browser, demo, signed_in):
    address, _, _ = demo
    with opened(browser, storage_state=signed_in, viewport={"width": 1920, "height": 1000}) as page:
        page.goto(address + "/shortlist")
        table = page.locator(".list").bounding_box()
        assert table["width"] >= 1400
        heights = page.locator(".list tbody tr").evaluate_all(
            "rows => rows.map(row => row.getBoundingClientRect().height)"
        )
        assert max(heights) < 50  # one line each


@pytest.mark.slow
def test_reasons_stand_whole_beside_the_open_panel(browser, demo, signed_in):
    address, _, _ = demo
    with opened(browser, storage_state=signed_in, viewport=WINDOW) as page:
        page.goto(address + "/shortlist")
        page.locator("body").press("j")
        page.locator("body").press("Space")
        page.locator("#panel h2").wait_for()
        reasons = page.locator(".list tbody .reason")
        lengths = reasons.evaluate_all("all => all.map(one => one.scrollWidth - one.clientWidth)")
        assert len(lengths) > 1
        assert max(lengths) <= 0
        heights = page.locator(".list tbody tr").evaluate_all(
            "rows => rows.map(row => row.getBoundingClientRect().height)"
        )
        assert max(heights) < 50  # two lines of a reason take no more room


@pytest.mark.slow
def test_likely_ranges_line_up_whatever_the_probability(browser, demo, signed_in, campaign):
    address, _, _ = demo
    with opened(browser, storage_state=signed_in, viewport=WINDOW) as page:
        for path in ("/shortlist", "/shortlist?order=asc", campaign, "/then"):
            page.goto(address + path)
            boxes = page.locator("td.c-strip svg.strip").evaluate_all(
                "all => all.map(one => one.getBoundingClientRect()).map(b => [b.left, b.width])"
            )
            assert len(boxes) > 1, path
            assert len({tuple(map(round, box)) for box in boxes}) == 1, path
            assert boxes[0][1] >= 100, path


@pytest.mark.slow
def test_phone_shows_fee_and_way_out_of_a_campaign(browser, demo, signed_in, campaign):
    address, _, _ = demo
    with opened(browser, storage_state=signed_in, viewport=PHONE) as page:
        page.goto(address + campaign)
        row = page.locator(".plan tbody tr").first
        for part in (
            row.locator(".c-fee"),
            row.get_by_role("button", name=re.compile("Leave out")),
        ):
            box = part.bounding_box()
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= 390
        page.goto(address + "/shortlist")
        assert page.locator(".top").bounding_box()["height"] <= 60
        heights = page.locator(".list tbody tr").evaluate_all(
            "rows => rows.map(row => row.getBoundingClientRect().height)"
        )
        assert sum(heights) / len(heights) < 140  # cards of four lines


FLAGGED = """Influencer_ID,Followers,Engagement_Rate,Growth_Rate,Niche,Video_Quality,\
Avg_Views_per_Post
FLAG-1,12000,12%,2%,Tech,4K,36000
FLAG-2,12000,12%,2%,Beauty,4K,36000
"""
"""Their engagement is far above that of their tier."""


@pytest.fixture(scope="module")
def flagged(browser, demo, signed_in):
    """The address of a list whose creators are Yes and flagged."""
    address, _, _ = demo
    with opened(browser, storage_state=signed_in, viewport=WINDOW) as page:
        page.goto(f"{address}/imports")
        file = {"name": "flagged.csv", "mimeType": "text/csv", "buffer": FLAGGED.encode()}
        page.locator("input[type=file]").set_input_files(file)
        page.get_by_role("button", name="Upload").click()
        page.get_by_role("button", name="Looks right").click()
        page.get_by_role("button", name=re.compile("^Import ")).wait_for()
        if (unlike := page.locator("[name=unlike]")).count():
            unlike.check()
        page.get_by_role("button", name=re.compile("^Import ")).click()
        page.get_by_text("See them in the shortlist").click()
        page.wait_for_url("**/shortlist?*")
        return page.url


_LOOKS = """() => {
    const probe = document.body.appendChild(document.createElement('i'));
    const role = name => {
        probe.style.color = `var(--${name})`;
        return getComputedStyle(probe).color;
    };
    const roles = {Yes: role('yes'), Maybe: role('maybe'), No: role('no'),
                   'No precedent': role('none'), ink: role('ink')};
    probe.remove();
    const rows = [...document.querySelectorAll('.list tbody tr')].map(row => {
        const band = row.querySelector('.band');
        const colours = [band, band.querySelector('.shape')].map(part => getComputedStyle(part).color);
        return [band.textContent.trim(), !!row.querySelector('.flag'), ...colours];
    });
    const green = [...document.querySelectorAll('body *')].filter(one => {
        const look = getComputedStyle(one), colours = [look.color, look.backgroundColor];
        if (one.ownerSVGElement) colours.push(look.fill, look.stroke);
        return colours.includes(roles.Yes) && !one.closest('.yes:not(.flagged), .f-yes');
    }).map(one => one.outerHTML.slice(0, 80));
    return {roles, rows, green};
}"""
"""What the answers' colours are, each row's answer, flag and colours, and what else is green."""


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_colour_of_an_answer_stands_where_it_should(browser, demo, signed_in, flagged, theme):
    """Green for a Yes alone, and ink where a figure of it is flagged."""
    address, _, _ = demo
    answers = set()
    options = {"storage_state": signed_in, "viewport": WINDOW, "color_scheme": theme}
    with opened(browser, **options) as page:
        bands = (f"{address}/shortlist?band={band}" for band in ("yes", "maybe", "no", "unlike"))
        for where in (flagged, *bands):
            page.goto(where)
            looks = page.evaluate(_LOOKS)
            assert looks["green"] == [], where
            for answer, is_flagged, text, shape in looks["rows"]:
                role = "ink" if is_flagged and answer == "Yes" else answer
                assert text == shape == looks["roles"][role], (where, answer, is_flagged)
                answers.add((answer, is_flagged))
        known = {("Yes", True), ("Yes", False), ("Maybe", False), ("No", False)}
        assert answers >= known | {("No precedent", False)}
        page.goto(flagged)
        page.locator(".list tbody th a").first.click()
        page.locator(".panel .fall").wait_for()
        colours = page.locator(".panel .end rect").evaluate_all(
            "bars => bars.map(bar => getComputedStyle(bar).fill)"
        )
        assert looks["roles"]["Yes"] not in colours
        assert looks["roles"]["ink"] in colours


@pytest.mark.slow
def test_row_of_a_phone_has_four_lines(browser, demo, signed_in):
    """Name and answer, identifier and state, range and engagement, and the main reason."""
    address, _, _ = demo
    with opened(browser, storage_state=signed_in, viewport=PHONE) as page:
        page.goto(f"{address}/shortlist?column=views")
        row = page.locator(".list tbody tr").first
        answer, state, strip, engagement, reason = (
            row.locator(part).bounding_box()
            for part in (".c-ans .band", ".c-state .state", ".c-strip .strip", ".c-eng", ".reason")
        )
        bottoms = [part["y"] + part["height"] for part in (answer, state, strip, reason)]
        assert bottoms[0] <= state["y"] + 1
        assert bottoms[1] <= strip["y"] + 1
        assert bottoms[2] <= reason["y"] + 1
        assert engagement["y"] < bottoms[2] < engagement["y"] + engagement["height"]
        card = row.bounding_box()
        assert bottoms[3] <= card["y"] + card["height"]
        who = row.locator(".c-who").bounding_box()
        assert who["y"] < bottoms[0] <= bottoms[1] <= strip["y"]
        assert who["x"] + who["width"] <= answer["x"]
        for hidden in (".c-fol", ".c-niche", ".c-more"):
            expect(row.locator(hidden)).to_be_hidden()


@pytest.mark.slow
@pytest.mark.parametrize("size", [PHONE, {"width": 640, "height": 400}], ids=["phone", "zoom"])
def test_row_of_a_narrow_window_is_ticked(browser, demo, signed_in, size):
    """At twice the size the boxes were hidden, and the form about those ticked was not."""
    address, _, _ = demo
    with opened(browser, storage_state=signed_in, viewport=size) as page:
        page.goto(f"{address}/shortlist")
        label = page.locator(".list tbody .tick label").first
        label.click()
        expect(page.locator(".bulk .ticked")).to_contain_text("1 ticked")
        target, name = label.bounding_box(), page.locator(".list tbody .who a").first.bounding_box()
        assert min(target["width"], target["height"]) >= 44
        assert target["x"] + target["width"] <= name["x"] + 4
        label.click()


@pytest.mark.slow
def test_high_contrast_tells_the_page_one_is_on(browser, demo, signed_in):
    address, _, _ = demo
    looks = (
        "link => (({borderBottom, outline, textDecoration, fontWeight, boxShadow}) => "
        "[borderBottom, outline, textDecoration, fontWeight].join())(getComputedStyle(link))"
    )
    with opened(browser, storage_state=signed_in, viewport=WINDOW) as page:
        page.emulate_media(forced_colors="active")
        page.goto(address + "/campaigns")
        current = page.locator(".top nav.wide a[aria-current=page]")
        others = page.locator(".top nav.wide a:not([aria-current])")
        assert current.evaluate(looks) != others.first.evaluate(looks)


ZOOMED = {"width": 640, "height": 400}
"""A window of 1280 by 800, magnified twice."""


def tick(page, address, n=2):
    """Tick some rows of the whole list; wait until the bar tells how many match."""
    page.goto(f"{address}/shortlist")
    every = page.locator("#decide-all")
    expect(every).to_have_text(re.compile(r"all [\d,]+ that match"))
    # as many digits as a desk with more than 1,000 creators shows
    every.evaluate("button => { button.textContent = 'Decide about all 1,234 that match'; }")
    for box in page.locator(".list tbody input[name=chosen]").all()[:n]:
        box.check()
    page.get_by_text(f"{n} ticked: ").wait_for()


@pytest.mark.slow
def test_sheet_of_the_tick_bar_lies_in_the_window(browser, demo, signed_in):
    """Wherever its chip wraps to; with four digits it lay left of the window."""
    address, _, _ = demo
    with opened(browser, storage_state=signed_in, viewport=WINDOW) as page:
        tick(page, address)
        for name in ("Owner", "Lists and campaigns"):
            page.locator(".bulk summary", has_text=name).click()
            sheet = page.locator(".bulk details[open] .sheet")
            for width in (390, 460, 640, 719, 720, 800, 1024, 1080, 1200, 1280, 1440, 1920):
                page.set_viewport_size({"width": width, "height": 800})
                sheet.scroll_into_view_if_needed()
                box = sheet.bounding_box()
                assert box["x"] >= 0, (name, width)
                assert box["x"] + box["width"] <= width, (name, width)
                assert box["y"] >= 0, (name, width)
                assert box["y"] + box["height"] <= 800, (name, width)


def rows_of(page, selector):
    """Give how many rows some elements stand in, and where they end at the right."""
    boxes = [part.bounding_box() for part in page.locator(selector).all()]
    middles = {round((box["y"] + box["height"] / 2) / 12) for box in boxes}
    return len(middles), max(box["x"] + box["width"] for box in boxes)


@pytest.mark.slow
def test_tick_bar_uses_the_width_of_the_list(browser, demo, signed_in):
    """One row below what it says of those ticked; two where the window has not the room."""
    address, _, _ = demo
    parts = (
        ".bulk [name=decision], .bulk [name=reason], .bulk [name=note], .bulk summary, #decide-all"
    )
    with opened(browser, storage_state=signed_in, viewport=WINDOW) as page:
        tick(page, address)
        for width, most in ((1280, 1), (1440, 1), (1920, 1), (1024, 2), (768, 2)):
            page.set_viewport_size({"width": width, "height": 800})
            n, right = rows_of(page, parts)
            bar = page.locator(".bulk").bounding_box()
            assert n <= most, width
            assert bar["x"] + bar["width"] - right <= 20, width
            text = page.locator(".bulk .ticked").bounding_box()
            below = page.locator(".bulk [name=decision]").bounding_box()
            assert text["y"] + text["height"] <= below["y"], width


@pytest.mark.slow
@pytest.mark.parametrize("size", [PHONE, ZOOMED], ids=["phone", "zoom"])
def test_strip_says_how_many_are_ticked_and_leads_to_the_bar(browser, demo, signed_in, size):
    """The bar stands below the list there, which is out of sight after a tick."""
    address, _, _ = demo
    with opened(browser, storage_state=signed_in, viewport=size) as page:
        page.goto(f"{address}/shortlist")
        strip = page.locator(".to-bar")
        expect(strip).to_be_hidden()
        tick(page, address)
        page.evaluate("scrollTo(0, 0)")
        expect(strip).to_contain_text("2 ticked")
        box = strip.bounding_box()
        assert size["height"] - 60 <= box["y"]
        assert box["y"] + box["height"] <= size["height"]
        for_everybody(page)
        strip.click()
        decision = page.locator(".bulk [name=decision]")
        expect(decision).to_be_focused()
        expect(decision).to_be_in_viewport()
        bar, box = page.locator(".bulk").bounding_box(), strip.bounding_box()
        assert bar["y"] <= box["y"] + 1  # the strip lies under the bar, which says more
        for_everybody(page)
        page.get_by_role("button", name="Untick all").click()
        expect(strip).to_be_hidden()


@pytest.mark.slow
def test_strip_leads_to_the_bar_without_scripts(browser, demo, signed_in):
    address, _, _ = demo
    options = {"storage_state": signed_in, "viewport": PHONE, "java_script_enabled": False}
    with opened(browser, **options) as page:
        page.goto(f"{address}/shortlist")
        page.locator(".list tbody input[name=chosen]").first.check()
        page.locator(".to-bar").click()
        expect(page.locator(".bulk [name=decision]")).to_be_in_viewport()
