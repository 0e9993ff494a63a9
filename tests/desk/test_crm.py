"""The list and a campaign as files for customer systems: who is in them, and who never is."""

from __future__ import annotations

import csv
import io

from sqlalchemy import select, update

from durhampulse.desk.campaigns import campaigns
from durhampulse.desk.campaigns.brief import Brief
from durhampulse.desk.campaigns.proposal import propose
from durhampulse.desk.people.erasure import erase
from durhampulse.desk.store.carried import add_carried
from durhampulse.desk.store.tables import creator
from durhampulse.scoring.crm import CRM_FORMATS
from durhampulse.scoring.record import UNLIKE_BIT


def rows_of(answer):
    assert answer.headers["content-type"].startswith("text/csv")
    return {next(iter(row.values())): row for row in csv.DictReader(io.StringIO(answer.text))}


def test_list_for_a_customer_system_leaves_out_declined_and_erased_creators(visit, desk):
    vic = visit("viewer")
    with desk.store.writing() as db:
        known = dict(db.execute(select(creator.c.id, creator.c.external_id)).all())
        for number, values in {
            3: {"state": "declined"},
            4: {"state": "approved", "carried": [["email", "Mail", "lena@example.org"]]},
            5: {"probability": 0.97, "flags": UNLIKE_BIT},
        }.items():
            db.execute(update(creator).where(creator.c.id == number).values(**values))
        add_carried(db, {"Mail": "email"})
    erase(desk.store, known[6], "test", objects=True)
    rows = rows_of(vic.get("/shortlist/export/hubspot"))
    assert {n for n, name in known.items() if name not in rows} == {3, 6}
    assert rows[known[4]]["Email"] == "lena@example.org"
    assert rows[known[4]]["DurhamPulse Review"] == "approved"
    assert rows[known[5]]["DurhamPulse Recommendation"] == "No precedent (manual review)"
    ticked = {row["DurhamPulse Recommendation"] for row in rows.values()
              if row["DurhamPulse Recommended"] == "True"}  # fmt: skip
    assert ticked == {"Yes"}
    page = vic.get("/shortlist").text
    for kind, form in CRM_FORMATS.items():
        assert f"For {form.name}</a>" in page
        answer = vic.get(f"/shortlist/export/{kind}?band=yes")
        assert f'{kind}.csv"' in answer.headers["content-disposition"]
    assert vic.get("/shortlist/export/pipedrive").status_code == 404


def test_campaign_for_a_customer_system_holds_its_creators(visit, desk, rules):
    number = campaigns.make(desk.store, Brief(name="Spring", number=5), "test")
    propose(desk.store, desk.catalogue, number, "test")
    vic = visit("viewer")
    rows = rows_of(vic.get(f"/campaigns/{number}/export/salesforce"))
    assert len(rows) == 5
