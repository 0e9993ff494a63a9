"""The store that each seed begins with: a small list, two models and imports that were checked."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from sqlalchemy import delete, insert, select, update

from durhampulse.decision.bands import Thresholds
from durhampulse.desk.imports import intake
from durhampulse.desk.imports.worker import Worker
from durhampulse.desk.models.catalogue import Catalogue, add_model, save_thresholds
from durhampulse.desk.people.people import add_person
from durhampulse.desk.store.database import open_store
from durhampulse.desk.store.niches import count_niches
from durhampulse.desk.store.search import forget_search
from durhampulse.desk.store.tables import (
    claim,
    creator,
    model,
    model_file,
    score,
    search,
    upload,
)
from durhampulse.scoring.record import UNLIKE_BIT

REVIEWERS, CREATORS, OTHER = 20, 16, "another"
DEMO = Path(str(files("durhampulse.desk").joinpath("demo")))
IMPORTS = (("INF-1000", "INF-1001", "INF-1002", "new-1", "new-2"),
           ("INF-1002", "INF-1003", "new-2", "new-3"))  # fmt: skip
HEADER = (
    "Influencer_ID,Followers,Engagement_Rate,Growth_Rate,Niche,Video_Quality,Avg_Views_per_Post"
)


def make_template(url: str, folder: Path) -> None:
    """Fill an empty store."""
    store = open_store(url)
    add_model(store, DEMO / "model", "demo")
    catalogue = Catalogue(store)
    worker = Worker(store, catalogue)
    lines = (DEMO / "creators.csv").read_text(encoding="utf-8").splitlines()
    path = folder / "list.csv"
    path.write_text("\n".join(lines[: 4 * CREATORS]), encoding="utf-8")
    check(store, worker, path)
    with store.writing() as db:
        db.execute(update(upload).where(upload.c.state == "checked").values(state="applying"))
    worker.work()
    _shorten(store)
    for i, names in enumerate(IMPORTS):
        path = folder / f"import-{i}.csv"
        rows = [f"{name},{7_000 + i},0.05,0.01,Tech,HD,2000" for name in names]
        path.write_text("\n".join([HEADER, *rows]), encoding="utf-8")
        check(store, worker, path)
    with store.writing() as db:
        for i in range(REVIEWERS):
            add_person(db, f"Reviewer {i}", "reviewer", "demo")
    save_thresholds(store, Thresholds(0.999, 0.001), "demo", catalogue.current())  # all are Maybe
    store.close()


def check(store, worker: Worker, path: Path) -> None:
    """Have a file checked, as the pages do."""
    with store.writing() as db:
        intake.begin(db, path, path.name, "demo", state="checking")
    worker.work()


def _shorten(store) -> None:
    """Leave few creators, all but two of them with precedent, and add the model once more."""
    with store.writing() as db:
        kept = select(creator.c.id).where(creator.c.probability.is_not(None))
        numbers = db.scalars(kept.order_by(creator.c.id).limit(CREATORS)).all()
        for table in (score, search, claim):
            db.execute(delete(table).where(table.c.creator_id.not_in(numbers)))
        db.execute(delete(creator).where(creator.c.id.not_in(numbers)))
        flags = creator.c.flags % UNLIKE_BIT
        db.execute(update(creator).values(flags=flags))
        odd = creator.c.id.in_(numbers[:2])
        db.execute(update(creator).where(odd).values(flags=flags + UNLIKE_BIT))
        forget_search(db)
        count_niches(db)
        version = db.scalar(select(model.c.version))
        for table in (model, model_file):
            rows = db.execute(select(table).where(table.c.version == version)).mappings().all()
            db.execute(insert(table), [{**row, "version": OTHER} for row in rows])
