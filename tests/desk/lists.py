"""Lists of creators as files, and the undo of their import."""

from __future__ import annotations

import threading

from sqlalchemy import select

from durhampulse.desk.imports.undoing import ask_to_undo, undo_import
from durhampulse.desk.models.catalogue import Catalogue
from durhampulse.desk.store.pace import Pace
from durhampulse.desk.store.tables import creator

HEADER = (
    "Influencer_ID,Followers,Engagement_Rate,Growth_Rate,Niche,Video_Quality,Avg_Views_per_Post"
)
ROW = "{},5000,0.05,0.01,Tech,HD,2000"


def write_list(folder, *rows, name="list.csv"):
    """Write rows below the header; give the path."""
    path = folder / name
    path.write_text("\n".join([HEADER, *rows]) + "\n", encoding="utf-8")
    return path


def unlike_list(folder, n=200):
    """A list of another market: views and followers of stars, and rates no training row has."""
    rows = [
        f"STAR-{i},{40_000_000 + 1000 * i},{60 + i % 30}%,{30 + i % 9}%,Fashion,High,{9_000_000 + i}"
        for i in range(n)
    ]
    return write_list(folder, *rows, name="stars.csv")


def write_people(path, *names, followers=5_000, niche="Tech", called="Kaja"):
    """Write a row for each identifier, with a name and a fee; give the path."""
    header = HEADER.replace("Influencer_ID", "Influencer_ID,Name") + ",Fee"
    lines = [f"{name},{called} {name},{followers},0.05,0.01,{niche},HD,2000,100" for name in names]
    path.write_text("\n".join([header, *lines]))
    return path


def number_of(store, name):
    """Give the number of the creator of an identifier; none where there is none."""
    with store.reading() as db:
        return db.scalar(select(creator.c.id).where(creator.c.external_id == name))


class OneByOne(Pace):
    """Steps of one creator."""

    def __init__(self, store):
        super().__init__(store)
        self.size = 1

    def pause(self):
        self.size = 1


def undone(store, number):
    """Undo an import; give the counts."""
    ask_to_undo(store, number, "ann")
    return undo_import(store, Catalogue(store), number, threading.Event())
