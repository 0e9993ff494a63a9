"""Carried columns: who a creator is, kept, shown, found, exported, and gone after an erasure."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select, update

from durhampulse.desk.people.erasure import erase, everything_about
from durhampulse.desk.store.carried import carried_cells
from durhampulse.desk.store.tables import creator, upload

LENA = [
    ["name", "Name", "Lena Próbst"],
    ["link", "Profile URL", "https://example.org/lena?a=1&b=2"],
    ["email", "E-mail", "lena@example.org"],
    ["fee", "Fee", "900 €"],
    ["other", "Agency", "<b>Lindqvale</b>"],
]


@pytest.fixture
def named(filled):
    """The number of a creator of whom the list says more than figures."""
    with filled.writing() as db:
        row = db.execute(select(creator).where(creator.c.external_id == "INF-1003")).one()
        values = {"name": "Lena Próbst", "carried": LENA, "state": "open"}
        db.execute(update(creator).where(creator.c.id == row.id).values(**values))
    return row.id


def test_who_a_creator_is_stands_on_every_page(visit, desk, named):
    ann = visit("reviewer")
    page = ann.get(f"/creators/{named}").text
    link = (
        '<a href="https://example.org/lena?a=1&amp;b=2" target="_blank" rel="noopener noreferrer"'
    )
    assert link in page
    assert 'href="mailto:lena@example.org"' in page
    assert "900 €" in page
    assert "&lt;b&gt;Lindqvale&lt;/b&gt;" in page
    assert "<b>Lindqvale" not in page
    listed = ann.get("/shortlist?search=INF-1003").text
    assert ">Lena Próbst</a>" in listed
    assert link in listed
    assert "INF-1003" in listed
    where = ann.post("/campaigns", data={"csrf": ann.csrf, "name": "Spring", "number": "5"})
    choice = {"csrf": ann.csrf, "choice": "in", "name": "INF-1003"}
    assert ann.post(f"{where.headers['location']}/choose", data=choice).status_code == 303
    assert ">Lena Próbst</a>" in ann.get(where.headers["location"]).text


def test_the_review_queue_says_who_it_is(visit, desk, named):
    rita = visit("reviewer")
    with desk.store.writing() as db:
        db.execute(update(creator).where(creator.c.id != named).values(state="approved"))
        maybe = (sum(desk.catalogue.current().band_ranges["Maybe (manual review)"])) / 2
        db.execute(update(creator).where(creator.c.id == named).values(probability=maybe))
    page = rita.get("/queue").text
    assert ">Lena Próbst</a></h2>" in page
    assert 'href="mailto:lena@example.org"' in page


@pytest.mark.parametrize("search", ["Próbst", "na pró", "1003", "inf-1003", "LENA"])
def test_any_part_of_a_name_or_identifier_is_found(visit, named, search):
    page = visit("viewer").get("/shortlist", params={"search": search}).text
    assert f'href="/creators/{named}"' in page


@pytest.mark.parametrize("search", ["%", "L_na", "nobody"])
def test_signs_of_patterns_are_searched_for_as_they_are(visit, named, search):
    page = visit("viewer").get("/shortlist", params={"search": search}).text
    assert "No creator matches" in page


@pytest.mark.parametrize(
    "text",
    ["javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x", "//evil.example", "vbscript:x",
     "http:evil", "https://", " https://x y", "ftp://example.org/x", "file:///etc/passwd"],
)  # fmt: skip
def test_only_addresses_of_the_web_become_links(text):
    for kind in ("link", "picture", "email", "name", "other"):
        (cell,) = carried_cells([[kind, "Profile", text]])
        assert cell.href == ""


def test_who_is_erased_stands_nowhere_in_the_file(filled, named):
    """A manager erases a creator; somebody opens the store's file with an editor."""
    path = filled.engine.url.database
    if not filled.is_sqlite:
        pytest.skip("PostgreSQL gives the space back at its next VACUUM")
    words = ["Lena Pr", "lena@example.org", "example.org/lena", "Lindqvale", "INF-1003"]
    with filled.writing() as db:
        values = {"name": "Lena Próbst", "carried": [*LENA, ["other", "Old", "Lindqvale Ltd"]]}
        db.execute(update(creator).where(creator.c.id == named).values(**values))
        db.execute(update(upload).values(problem="such as 'Lena Próbst'", way_out="Choose."))
    assert "Lena Próbst" in str(everything_about_(filled))
    erase(filled, "INF-1003", "ann")
    files = [Path(path), *Path(path).parent.glob(f"{Path(path).name}-*")]  # its log among them
    content = b"".join(file.read_bytes() for file in files)
    assert len(content) > 100_000
    assert [word for word in words if word.encode() in content] == []


def everything_about_(store):
    with store.reading() as db:
        return everything_about(db, "INF-1003")
