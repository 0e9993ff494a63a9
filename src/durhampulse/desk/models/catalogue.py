"""The models of the store, and the rules in force."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    delete,
    func,
    insert,
    select,
    text,
    true,
    update,
)

from durhampulse.decision.bands import NO_PRECEDENT, Thresholds
from durhampulse.desk.models.naming import model_names
from durhampulse.desk.models.preview import Comparison
from durhampulse.desk.models.rules import Rules, stored_frame
from durhampulse.desk.models.unlikeness import refresh_standing, typical_figures, unlikeness
from durhampulse.desk.store import clock
from durhampulse.desk.store.audit import note
from durhampulse.desk.store.bulk import insert_one, insert_rows, numbers_in
from durhampulse.desk.store.database import Store
from durhampulse.desk.store.ordering import renew_order
from durhampulse.desk.store.settings import read_setting, write_setting
from durhampulse.desk.store.tables import creator, model, model_file, run, score
from durhampulse.exceptions import InputError, ModelError
from durhampulse.files.cage import Cage
from durhampulse.files.scratch import scratch_folder
from durhampulse.scoring.scorer import Scorer, load_model

__all__ = [
    "Catalogue", "activate", "activation_lock", "add_model", "forget_prepared", "imports_since",
    "prepare", "prepared_run", "save_thresholds", "score_again",
]  # fmt: skip

_ACTIVE, _THRESHOLDS = "active_model", "thresholds"
_AT_ONCE = 20_000
_APPLYING = 7_126_452


class Catalogue:
    """A cache of the store's models, and of the rules in force."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._scorers: dict[str, Scorer] = {}
        self._rules: tuple[object, Rules] | None = None
        self._names: dict[str, str] = {}
        self._lock = threading.Lock()

    def current(self, db: Connection | None = None) -> Rules:
        """Return the rules in force.

        Raises
        ------
        InputError
            If the store has no model yet.
        """
        if db is None:
            with self._store.reading() as own:
                return self.current(own)
        version, moved = read_setting(db, _ACTIVE), read_setting(db, _THRESHOLDS)
        if version is None:
            raise InputError("The store holds no model.", "Start the desk with --model DIR.")
        key = (version, str(moved))
        cached = self._rules
        if cached is None or cached[0] != key:
            cached = key, self.rules_of(db, version)
            self._rules = cached
        return cached[1]

    def rules_of(self, db: Connection, version: str) -> Rules:
        """Return the rules as they would be with another model of the store."""
        moved = read_setting(db, _THRESHOLDS)
        thresholds = Thresholds(**moved) if moved else None
        return Rules.of(version, self.scorer(db, version), thresholds)

    def scorer(self, db: Connection, version: str) -> Scorer:
        """Return a model of the store, loaded once.

        Raises
        ------
        InputError
            If there is no such model.
        ModelError
            If what is stored of it cannot be read.
        """
        with self._lock:
            if version not in self._scorers:
                self._scorers[version] = _read(db, version)
            return self._scorers[version]

    def name_of(self, version: str) -> str:
        """Return what people call a model of the store."""
        if version not in self._names:
            with self._store.reading() as db:
                self._names = model_names(db)
        return self._names[version]


def _read(db: Connection, version: str) -> Scorer:
    files = db.execute(select(model_file).where(model_file.c.version == version)).all()
    if not files:
        raise InputError(f"There is no model {version}.", "Choose one of the list.")
    with scratch_folder() as folder:
        for file in files:
            Path(folder, Path(file.name).name).write_bytes(file.content)
        try:
            return load_model(folder)
        except ModelError as error:
            why = re.sub(rf"{re.escape(str(folder))}(/|: )", "", error.problem)
            raise ModelError(
                f"The model {version} cannot be read: {why}",
                "Start the desk once with its folder: durhampulse desk --model DIR.",
            ) from error


def add_model(store: Store, folder: Path, by: str) -> str:
    """Add a model folder, once verified, to the store; return its version.

    The first model of a store becomes active. Of one that is stored already, the files are written
    anew where they cannot be read.

    Raises
    ------
    ModelError
        If it is no model that can be used.
    """
    with Cage() as cage:
        scorer = load_model(folder, cage=cage)
    manifest, version = scorer.model.manifest, scorer.model.version
    names = ["manifest.json", *manifest["files"]]
    with store.writing() as db:
        if db.scalar(select(func.count()).where(model.c.version == version)):
            if not _is_readable(db, version):
                _write_files(db, version, folder, names)
                note(db, by, "model restored", version)
            return version
        origin = str(manifest.get("provenance", {}).get("source", folder.name))
        row = {"version": version, "name": manifest["name"], "origin": origin[:300],
               "added_at": clock.now(), "added_by": by}  # fmt: skip
        db.execute(insert(model), [row])
        _write_files(db, version, folder, names)
        note(db, by, "model added", version, {"name": manifest["name"], "origin": origin})
        if read_setting(db, _ACTIVE) is None:
            write_setting(db, _ACTIVE, version)
    return version


def _is_readable(db: Connection, version: str) -> bool:
    try:
        _read(db, version)
    except (InputError, ModelError):
        return False
    return True


def _write_files(db: Connection, version: str, folder: Path, names: Sequence[str]) -> None:
    db.execute(delete(model_file).where(model_file.c.version == version))
    db.execute(
        insert(model_file),
        [{"version": version, "name": n, "content": (folder / n).read_bytes()} for n in names],
    )


def save_thresholds(store: Store, thresholds: Thresholds, by: str, rules: Rules) -> None:
    """Store new thresholds; no stored score changes."""
    with store.writing() as db:
        write_setting(db, _THRESHOLDS, asdict(thresholds))
        note(db, by, "thresholds moved", rules.version,
             {"from": asdict(rules.thresholds), "to": asdict(thresholds)})  # fmt: skip


def prepare(
    store: Store,
    catalogue: Catalogue,
    version: str,
    by: str,
    progress: Callable[[float], object] = lambda _share: None,
) -> int:
    """Score all creators with a model beside the scores in force; return the number of the run.

    The run keeps what the model would change, in place of any that was prepared before. Nothing
    else is written: the desk goes on by the model in force.

    Raises
    ------
    InputError
        If the run was deleted meanwhile, by another that was begun or an import that was undone.
    """
    with store.writing() as db:
        activation_lock(db)  # so that imports from here on have later runs
        new = catalogue.rules_of(db, version)
        comparison = Comparison(old=catalogue.current(db), new=new)
        run_id = _start_run(db, version, by)
        last = db.scalar(select(func.max(creator.c.id))) or 0
    done = 0
    while done < last:
        with store.writing() as db:
            if not db.scalar(select(run.c.id).where(run.c.id == run_id).with_for_update()):
                raise _overtaken()
            done = _score_some(db, new.scorer, run_id, done, comparison=comparison) or last
        progress(min(done / max(last, 1), 1.0))
    with store.writing() as db:
        kept = {"preview": comparison.to_plain(), "unlike": _unlike(db, comparison, by)}
        if not db.execute(update(run).where(run.c.id == run_id).values(**kept)).rowcount:
            raise _overtaken()
    return run_id


def prepared_run(db: Connection, version: str | None = None) -> Row[Any] | None:
    """Return the run of the model that waits to be activated; None where none does."""
    waiting = select(run).where(
        run.c.kind == "model", run.c.applied_at.is_(None), run.c.preview.is_not(None)
    )
    if version is not None:
        waiting = waiting.where(run.c.model_version == version)
    return db.execute(waiting.order_by(run.c.id.desc()).limit(1)).first()


def forget_prepared(db: Connection) -> None:
    """Delete the scores of models that were prepared, or interrupted, and never activated."""
    waiting = select(run.c.id).where(run.c.kind == "model", run.c.applied_at.is_(None))
    numbers = db.scalars(waiting.with_for_update()).all()  # a server that scores by one ends first
    db.execute(delete(score).where(score.c.run_id.in_(numbers)))
    db.execute(delete(run).where(run.c.id.in_(numbers)))


def imports_since(db: Connection, run_id: int) -> int:
    """Return how many imports were put in place since a run was prepared."""
    later = (run.c.kind == "import", run.c.id > run_id)
    return db.scalar(select(func.count()).where(*later)) or 0


def activate(
    store: Store,
    catalogue: Catalogue,
    version: str,
    by: str,
    progress: Callable[[float], object] = lambda _share: None,
) -> int:
    """Activate a model with the scores that were prepared, or score all creators first.

    The switch is one transaction. Creators imported since the scores were made are scored again in
    it. A model's own thresholds come with it unless the desk has moved them.

    Returns
    -------
    int
        Number of creators scored.
    """
    with store.reading() as db:
        waiting = prepared_run(db, version)
    run_id = waiting.id if waiting else prepare(store, catalogue, version, by, progress)
    with store.writing() as db:
        activation_lock(db)
        scorer = catalogue.scorer(db, version)
        since = select(run.c.id).where(run.c.kind == "import", run.c.id > run_id)
        _score_again(db, scorer, run_id, creator.c.run_id.in_(since))
        changed = _take_over(db, run_id)
        _close(db, run_id, changed)
        before = read_setting(db, _ACTIVE)
        write_setting(db, _ACTIVE, version)
        refresh_standing(db)
        note(db, by, "model activated", version, {"before": before, "creators": changed})
    store.tidy()
    return changed


def _unlike(db: Connection, comparison: Comparison, by: str) -> dict[str, Any] | None:
    """Return in what the whole list is unlike the rows a model was trained on, as plain data."""
    drift, preview = comparison.drift(), comparison.done()
    names = [str(row["column"]) for row in drift]
    facts = unlikeness(
        comparison.new, drift, typical_figures(db, creator, true(), names),
        creators=preview.creators,
        without_precedent=sum(n for _, to, n in preview.moves if to == NO_PRECEDENT),
    )  # fmt: skip
    return {"facts": asdict(facts), "by": by} if facts else None


def _start_run(db: Connection, version: str, by: str) -> int:
    """Return the number of a new run, in place of those that wait or were interrupted."""
    forget_prepared(db)
    new = {"kind": "model", "model_version": version, "by": by, "creators": 0}
    return insert_one(db, run, **new, at=clock.now())


def score_again(db: Connection, scorer: Scorer, run_id: int, numbers: Sequence[int]) -> None:
    """Score creators whose figures have changed by the model in force, as its run would have.

    Parameters
    ----------
    scorer, run_id
        The model, and the run that activated it.
    numbers
        The creators.
    """
    if numbers:
        these = creator.c.id.in_(numbers_in(db, numbers))
        _score_again(db, scorer, run_id, these)
        _take_over(db, run_id, these)


def _take_over(db: Connection, run_id: int, *which: ColumnElement[bool]) -> int:
    """Return the number of creators, after each has taken over the scores of a run."""
    changes: dict[str, Any] = {
        name: score.c[name] for name in ("probability", "low", "high", "flags", "run_id")
    }
    of_run = (score.c.creator_id == creator.c.id, score.c.run_id == run_id)
    renew_order(db)
    return int(db.execute(update(creator).values(**changes).where(*of_run, *which)).rowcount)


def _close(db: Connection, run_id: int, changed: int) -> None:
    """Write down that a run was applied.

    Raises
    ------
    InputError
        If the run was deleted since, by another that was begun.
    """
    applied = update(run).where(run.c.id == run_id)
    taken = {"applied_at": clock.now(), "creators": changed, "preview": None}
    if not db.execute(applied.values(**taken)).rowcount:
        raise _overtaken()


def _overtaken() -> InputError:
    return InputError(
        "Another server has begun to prepare a model, or the list was put back.", "Try again."
    )


def activation_lock(db: Connection) -> None:
    """Take the lock under which an import or a model is put in place, one at a time."""
    if db.dialect.name == "postgresql":
        db.execute(text("select pg_advisory_xact_lock(:key)"), {"key": _APPLYING})


def _score_again(
    db: Connection, scorer: Scorer, run_id: int, imported: ColumnElement[bool]
) -> None:
    """Score creators again that imports have added or changed during the activation."""
    changed = select(creator.c.id).where(imported)
    db.execute(delete(score).where(score.c.run_id == run_id, score.c.creator_id.in_(changed)))
    last = 0
    while last := _score_some(db, scorer, run_id, last, imported):
        pass


def _score_some(
    db: Connection, scorer: Scorer, run_id: int, after: int, *which: ColumnElement[bool],
    comparison: Comparison | None = None,
) -> int:  # fmt: skip
    """Score the next creators by number; return the last number, 0 when there is none."""
    creators = select(creator).where(creator.c.id > after, *which).order_by(creator.c.id)
    rows = db.execute(creators.limit(_AT_ONCE)).all()
    if not rows:
        return 0
    block = scorer.read_figures(stored_frame(scorer, rows))
    scores = scorer.compute(block)
    unknown = scorer.reasons_not_to(block, scores)
    columns = {
        "creator_id": [row.id for row in rows],
        "run_id": [run_id] * len(rows),
        **{name: getattr(scores, kept).tolist()
           for name, kept in (("probability", "y_prob"), ("low", "low"), ("high", "high"))},
        "flags": scores.stored_flags.tolist(),
    }  # fmt: skip
    for at in unknown:
        for name in ("probability", "low", "high"):
            columns[name][at] = None
    insert_rows(db, score, columns)
    if comparison is not None:
        comparison.add(rows, block, columns)
    return int(rows[-1].id)
