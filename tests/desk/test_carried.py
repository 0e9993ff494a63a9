"""Carried columns: who a creator is, kept, shown, found, exported, and gone after an erasure."""

from __future__ import annotations

import json
import re
from pathlib import Path

import openpyxl
import pandas as pd
import pyarrow as pa
import pytest
from sqlalchemy import select, update

from durhampulse.desk.imports.fees import read_fees
from durhampulse.desk.people import people
from durhampulse.desk.people.erasure import erase, everything_about
from durhampulse.desk.shortlist import pages as shortlist
from durhampulse.desk.shortlist.export import write_list
from durhampulse.desk.shortlist.reasons import TopReasons
from durhampulse.desk.shortlist.view import View
from durhampulse.desk.store.carried import carried_cells, read_carried
from durhampulse.desk.store.search import refresh_search
from durhampulse.desk.store.tables import creator, upload
from tests.desk.conftest import bring

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
        refresh_search(db, [row.id])
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
    assert re.search(r"<h2[^>]*><a[^>]*>Lena Próbst<", page)
    assert 'href="mailto:lena@example.org"' in page


@pytest.mark.parametrize(
    "search",
    ["Próbst", "na pró", "1003", "inf-1003", "LENA", "PRÓBST", "lena@EXAMPLE.org", "@example",
     "https://example.org/lena", "http://www.example.org/LENA", "org/len"],
)  # fmt: skip
def test_any_part_of_a_name_identifier_link_or_address_is_found(visit, named, search):
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


PEOPLE = (
    "Name,Username,Profile URL,E-mail,Country,Subs,ER,Growth_Rate,Niche,Quality,Views,Mood\n"
    "Lena Próbst,lena_sim,https://example.org/lena,lena@example.org,DE,5000,0.05,0.01,Tech,HD,2000,x\n"
    "=HYPERLINK(1),jo_sim,example.org/jo,,FR,7000,0.04,0.02,Tech,HD,3000,y\n"
)


def list_of(folder, text=PEOPLE, name="people.csv"):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def people_of(store):
    with store.reading() as db:
        return {row.external_id: row for row in db.execute(select(creator))}


def cells_of(row):
    return {header: text for _, header, text in row.carried or ()}


def test_an_import_keeps_who_creators_are(bare, tmp_path):
    store, catalogue = bare
    row = bring(store, catalogue, list_of(tmp_path), keep=("Mood",))
    assert row.state == "done", row.problem
    lena = people_of(store)["lena_sim"]
    assert lena.name == "Lena Próbst"
    assert cells_of(lena) == {
        "Name": "Lena Próbst", "Profile URL": "https://example.org/lena",
        "E-mail": "lena@example.org", "Country": "DE", "Mood": "x",
    }  # fmt: skip
    assert lena.followers == 5000


def test_a_later_import_says_who_they_are_as_a_whole(bare, tmp_path):
    """As with figures: what the newer list does not say is no longer said."""
    store, catalogue = bare
    bring(store, catalogue, list_of(tmp_path))
    shorter = "Username,Name,Subs,ER,Niche\nlena_sim,Lena P.,6000,0.05,Tech\n"
    bring(store, catalogue, list_of(tmp_path, shorter))
    lena = people_of(store)["lena_sim"]
    assert (lena.name, cells_of(lena), lena.followers) == ("Lena P.", {"Name": "Lena P."}, 6000)
    assert people_of(store)["jo_sim"].name == "=HYPERLINK(1)"


def test_a_dropped_column_is_nowhere(bare, tmp_path):
    store, catalogue = bare
    bring(store, catalogue, list_of(tmp_path), drop=("E-mail", "Name"))
    lena = people_of(store)["lena_sim"]
    assert lena.name is None
    assert "lena@example.org" not in str(lena)


@pytest.mark.parametrize("kind", ["csv", "xlsx", "parquet", "jsonl"])
def test_exports_say_who_it_is_right_after_the_identifier(bare, tmp_path, kind):
    store, catalogue = bare
    bring(store, catalogue, list_of(tmp_path, PEOPLE.replace("Mood", "Review")), keep=("Review",))
    path = tmp_path / f"list.{kind}"
    with store.reading() as db:
        parts = shortlist.walk(db, View(), catalogue.current())
        write_list(path, parts, catalogue.current(), TopReasons(), about="", by="ann",
                   carried=read_carried(db))  # fmt: skip
    table = read_raw(path)
    assert [*table][:7] == [
        "Influencer ID", "Name", "Profile URL", "E-mail", "Country", "Review (as found)",
        "Predicted Sponsorship",
    ]  # fmt: skip
    rows = {row["Influencer ID"]: row for row in table.to_dict("records")}
    assert rows["lena_sim"]["E-mail"] == "lena@example.org"
    assert rows["lena_sim"]["Review (as found)"] == "x"
    assert rows["lena_sim"]["Review"] == "open"
    formula = "'=HYPERLINK(1)" if kind == "csv" else "=HYPERLINK(1)"
    assert rows["jo_sim"]["Name"] == formula
    if kind == "xlsx":
        sheet = openpyxl.load_workbook(path)["Decisions"]
        links = {cell.value: cell.hyperlink for row in sheet for cell in row if cell.hyperlink}
        assert links["https://example.org/lena"].target == "https://example.org/lena"


def read_raw(path):
    if path.suffix == ".parquet":
        return pd.read_parquet(path)
    if path.suffix == ".jsonl":
        return pd.DataFrame([json.loads(line) for line in path.read_text("utf-8").splitlines()])
    return pd.read_excel(path, engine="openpyxl") if path.suffix == ".xlsx" else pd.read_csv(path)


def test_rest_says_who_it_is(visit, desk, named):
    with desk.store.writing() as db:
        key = people.add_key(db, "crm", "viewer", "test")
    headers = {"authorization": f"Bearer {key}"}
    answer = visit().get("/v1/creators?search=pró", headers=headers)
    (item,) = answer.json()["creators"]
    assert (item["creator"], item["name"]) == ("INF-1003", "Lena Próbst")
    assert item["carried"][1] == dict(zip(("kind", "header", "text"), LENA[1], strict=True))


def test_who_is_imported_and_erased_stands_nowhere_in_the_file(bare, tmp_path):
    store, catalogue = bare
    if not store.is_sqlite:
        pytest.skip("PostgreSQL gives the space back at its next VACUUM")
    bring(store, catalogue, list_of(tmp_path))
    bring(store, catalogue, list_of(tmp_path, PEOPLE.replace("5000", "5500")))
    waiting = bring(store, catalogue, list_of(tmp_path, name="again.csv"), confirm=False)
    receipt = erase(store, "lena_sim", "ann", files=True)
    assert receipt["rows"]["staged"] == 1
    path = Path(store.engine.url.database)
    content = b"".join(file.read_bytes() for file in path.parent.glob(f"{path.name}*"))
    assert b"jo_sim" in content
    words = (b"lena_sim", b"Lena Pr", b"lena@example", b"example.org/lena")
    assert [word for word in words if word in content] == []
    assert waiting.state == "checked"


FEES = (
    "Username,Fee per post (EUR),Subs,ER,Niche\n"
    'a_sim,"1.250,50",5000,0.05,Tech\n'
    "b_sim,900 €,5000,0.05,Tech\n"
    "c_sim,500-700,5000,0.05,Tech\n"
    "d_sim,on request,5000,0.05,Tech\n"
    "e_sim,,5000,0.05,Tech\n"
    "f_sim,2.5k,5000,0.05,Tech\n"
)


def test_a_fee_is_an_amount_with_its_currency_or_left_empty_and_counted(bare, tmp_path):
    store, catalogue = bare
    row = bring(store, catalogue, list_of(tmp_path, FEES))
    fees = {name: (row.fee, row.currency) for name, row in people_of(store).items()}
    assert fees == {
        "a_sim": (1250.5, "EUR"), "b_sim": (900, "EUR"), "c_sim": (None, None),
        "d_sim": (None, None), "e_sim": (None, None), "f_sim": (2500, "EUR"),
    }  # fmt: skip
    assert (row.summary["fees"], row.summary["unclear_fees"]) == (3, 2)
    assert cells_of(people_of(store)["c_sim"]) == {"Fee per post (EUR)": "500-700"}


@pytest.mark.parametrize(
    ("header", "cell", "fee"),
    [("Fee", "1,200", (1200, None)), ("Fee", "1.500", (None, None)), ("Fee", "$1,200", (1200, "$")),
     ("Price", "US$ 90", (90, "USD")), ("Fee ($)", "90 USD", (90, "USD")), ("Fee", "-5", (None, None)),
     ("Fee (EUR)", "1.500", (1500, "EUR")), ("Fee (EUR)", "$90", (None, None)),
     ("Fee", "500+", (None, None)), ("Fee", "5%", (None, None)), ("Fee", "inf", (None, None)),
     ("FEE ALL IN", "7", (7, None)), ("Fee", "0", (0, None))],
)  # fmt: skip
def test_a_fee_is_read_as_the_one_reader_reads_amounts(header, cell, fee):
    fees = read_fees(header, pa.array([cell, None, "n/a"]))
    assert (fees.amounts[0], fees.currencies[0]) == fee
    assert fees.unclear == (fee[0] is None)
