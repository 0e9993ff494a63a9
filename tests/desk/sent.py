"""A list that is sent to the page of imports, and what is chosen there."""

from __future__ import annotations

import time

from sqlalchemy import select

from durhampulse.desk.store.tables import upload
from tests.desk.forms import fields_of

HEADER = "who,Reach,Old reach,ER,Growth_Rate,Niche,Video_Quality,Avg_Views_per_Post"
ROWS = [f"c{i},{5000 + i},{70 + i},{3 + i / 10:.1f},0.01,Tech,HD,2000" for i in range(30)]
RIGHT = {"role who": "Influencer_ID", "role Reach": "Followers", "role ER": "Engagement_Rate"}


def csv_of(rows=ROWS, header=HEADER):
    """Give rows below a header as a file."""
    return "\n".join([header, *rows]).encode() + b"\n"


def send(who, content, name="list.csv"):
    """Send a file; give the address of its import."""
    answer = who.post("/imports", data={"csrf": who.csrf}, files={"file": (name, content)})
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def choose(who, where, act="read", **changes):
    """Change some fields of the form and press a button; give the page that comes."""
    form = {**fields_of(who.get(where).text), **changes}
    answer = who.post(f"{where}/{act}", data=form)
    return who.get(where).text if answer.status_code == 303 else answer.text


def upload_of(desk, where):
    """Give the row of the upload at an address."""
    with desk.store.reading() as db:
        return db.execute(select(upload).where(upload.c.id == int(where.split("/")[-1]))).one()


def settled(desk, where):
    """Wait until the worker has done what it can; give the upload's row."""
    end = time.monotonic() + 180
    while (row := upload_of(desk, where)).state in ("checking", "applying"):
        assert time.monotonic() < end
        if not desk.worker.work():
            time.sleep(0.05)  # the application's own worker is at it
    return row
