"""Acts that write files: scoring, sampling, models, studies and keys."""

from __future__ import annotations

import asyncio
import json
import pickle
import shutil
import sys
from collections.abc import Callable
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from durhampulse import cli
from durhampulse.exceptions import DurhamPulseError, InputError
from durhampulse.files.cage import Cage
from durhampulse.files.caged import Reader
from durhampulse.files.export import open_sink, replacing
from durhampulse.files.shortage import shortage
from durhampulse.files.tables import read_source
from durhampulse.irregularities import Ledger
from durhampulse.market.sampling import write_market
from durhampulse.report import notebook
from durhampulse.scoring import estimators, scorer
from durhampulse.service.served import ServedModel
from tests.nth.failing import disarm, sparing_memory
from tests.nth.walk import Act, End, unclear

MODEL = Path(str(files("durhampulse").joinpath("desk", "demo", "model")))
ROWS = 2_000
FORMATS = (".csv", ".parquet", ".xlsx", ".jsonl", ".csv.gz", ".tsv", ".arrow")
OLD = {"": b"the table before\n", ".refused.csv": b"its refused rows\n",
       ".provenance.json": b"its provenance\n"}  # fmt: skip


def answered_here(cage: Cage, name: str, *sent: Any) -> tuple[dict[str, Any], pa.Buffer]:
    """What the cage's process would answer, or that it ended over the file.

    That process has a memory of its own, and ends alone where it has none: Arrow ends its process.
    """
    reader = vars(cage).setdefault("reader", Reader())
    try:
        with sparing_memory():
            answer, cells = reader.answer(*pickle.loads(pickle.dumps(sent)))
    except DurhamPulseError:
        raise
    except Exception as error:
        raise InputError(f"{name}: its reader failed over it.") from error
    return json.loads(json.dumps(answer)), pa.py_buffer(cells)


def make_acts(apart: Path) -> dict[str, Callable[[], Act]]:
    """What makes each act on files, by name; what they read is written into a folder first."""
    Cage.ask = answered_here
    loaded = scorer.load_model(MODEL)
    scorer.load_model = lambda _folder, **_: loaded
    table = apart / "creators.csv"
    write_market(table, ROWS, seed=1)
    acts: dict[str, Callable[[], Act]] = {
        f"score {suffix}": partial(scoring, table, suffix) for suffix in FORMATS
    }
    return acts | {
        "score new": partial(scoring, table, ".csv", old=False),
        "sample": partial(sampling, ".parquet"),
        "sample .csv": partial(sampling, ".csv"),
        "save": saving,
        "study": partial(studying, table),
        "write": writing,
        "key": key,
        "reload": reloading,
    }


def command(*arguments: object) -> int:
    """Run the command line; give its exit code."""
    sys.argv = ["durhampulse", *map(str, arguments)]
    cli.main()
    return 0


def contents(folder: Path) -> dict[str, bytes]:
    """What stands in a folder under names that are not hidden."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not any(p.startswith(".") for p in path.relative_to(folder).parts)
    }


def whole_or_before(
    folder: Path, end: End, before: dict[str, bytes], faults: Callable[[], list[str]]
) -> list[str]:
    """What is wrong with the files an act has left: whole where it succeeded, else as before.

    An error after the last move, as where a summary cannot be printed, finds the new ones whole.
    """
    problems = unclear(end)
    if end.code and contents(folder / "out") == before:
        return problems
    return problems + faults()


def scoring(table: Path, suffix: str, *, old: bool = True) -> Act:
    """A table scored into a file of a format, over an earlier one."""
    out = f"scored{suffix}"
    before = {out + end: content for end, content in OLD.items()} if old else {}
    expected: list[Any] = []

    def prepare(folder: Path) -> None:
        (folder / "out").mkdir()
        for name, content in before.items():
            (folder / "out" / name).write_bytes(content)
        shutil.copy(table, folder / "creators.csv")

    def run(folder: Path, _: object = None) -> int:
        return command("score", folder / "creators.csv", "-o", folder / "out" / out,
                       "--model", MODEL)  # fmt: skip

    def check(folder: Path, end: End) -> list[str]:
        return whole_or_before(
            folder, end, before, lambda: faults_of(folder / "out" / out, expected)
        )

    return Act(prepare=prepare, run=run, check=check)


def faults_of(out: Path, expected: list[Any]) -> list[str]:
    """What is wrong with a scored file; the first that is looked at is what is expected."""
    explained = out.with_name(out.name + ".provenance.json")
    refused = out.with_name(out.name + ".refused.csv")
    if not out.exists():
        return ["success without a file"]
    now = (
        read_source(out, Ledger()).cells,
        json.loads(explained.read_text(encoding="utf-8"))["rows"],
        refused.read_bytes() if refused.exists() else None,
    )
    if not expected:
        expected.append(now)
    return [] if now == expected[0] else ["success with another file"]


def sampling(suffix: str) -> Act:
    """A simulated table, over an earlier one."""
    out = f"market{suffix}"
    before = {out: b"old", f"{out}.provenance.json": b"old"}
    expected: list[Any] = []

    def prepare(folder: Path) -> None:
        (folder / "out").mkdir()
        for name, content in before.items():
            (folder / "out" / name).write_bytes(content)

    def check(folder: Path, end: End) -> list[str]:
        now = contents(folder / "out")
        if not end.code and not expected:
            expected.append(now)
        wrong = [] if expected and now == expected[0] else ["success with other files"]
        return whole_or_before(folder, end, before, lambda: wrong)

    return Act(
        prepare=prepare,
        run=lambda folder, _: command("sample", "--rows", 3_000, "-o", folder / "out" / out),
        check=check,
    )


def writing() -> Act:
    """A Parquet file of more rows than a page holds, over an earlier one."""
    before = {"a.parquet": b"old"}
    letters = pa.array(["Tech", "Food", "Gaming"] * 10_000)
    cells = pa.record_batch({"Niche": letters, "Probability": [n / 30_000 for n in range(30_000)]})
    expected = pa.Table.from_batches([cells])

    def prepare(folder: Path) -> None:
        (folder / "out").mkdir()
        (folder / "out" / "a.parquet").write_bytes(before["a.parquet"])

    def run(folder: Path, _: object) -> int:
        try:
            with (
                replacing(folder / "out" / "a.parquet") as (part,),
                open_sink(part, ".parquet", cells.schema, {}) as sink,
            ):
                sink.write(cells)
        except (OSError, MemoryError) as error:
            sys.stderr.write(f"durhampulse: {shortage(error)}\n")
            return 2
        return 0

    def check(folder: Path, end: End) -> list[str]:
        def faults() -> list[str]:
            return (
                [] if pq.read_table(folder / "out" / "a.parquet") == expected else ["other cells"]
            )

        return whole_or_before(folder, end, before, faults)

    return Act(prepare=prepare, run=run, check=check)


def copy_model(_estimator: object, folder: Path, _thresholds: object) -> None:
    """Write a model folder as estimators do, but for the learning: file by file."""
    folder.mkdir()
    for path in MODEL.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())


def saving() -> Act:
    """An estimator's model saved to a folder that is not there."""

    class Fitted:
        model_ = None

    def run(folder: Path, _: object = None) -> int:
        estimators._write = copy_model
        try:
            estimators.save_model(Fitted(), folder / "out" / "model")
        except (DurhamPulseError, MemoryError) as error:
            sys.stderr.write(f"durhampulse: {error}\n")
            return 2
        return 0

    def check(folder: Path, end: End) -> list[str]:
        now = contents(folder / "out")
        wrong = (
            [] if now == {f"model/{k}": v for k, v in contents(MODEL).items()} else ["not whole"]
        )
        return whole_or_before(folder, end, {}, lambda: wrong)

    # A second save is refused, since the folder is there: only what failed is tried again.
    def again(folder: Path, _: object) -> int:
        return 0 if (folder / "out" / "model").exists() else run(folder)

    return Act(prepare=lambda f: (f / "out").mkdir(), run=again, check=check)


def studying(table: Path) -> Act:
    """A study over an earlier one; its notebook writes files and learns nothing."""
    before = {"notebook.ipynb": b"old", "report.html": b"old", "model/manifest.json": b"old"}
    written = {"report.html": b"new" * 50_000, "decisions.csv": b"a\n1\n"}

    def prepare(folder: Path) -> None:
        for name, content in before.items():
            path = folder / "out" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

    def execute(_notebook: object, folder: Path, _progress: object) -> dict[str, float]:
        copy_model(None, folder / "model", None)
        for name, content in written.items():
            (folder / name).write_bytes(content)
        return {"A": 1.0}

    def run(folder: Path, _: object = None) -> int:
        notebook._execute = execute
        return command("study", table, "-o", folder / "out")

    def check(folder: Path, end: End) -> list[str]:
        now = contents(folder / "out")
        new = {**written, **{f"model/{name}": blob for name, blob in contents(MODEL).items()}}
        wrong = [] if {**now, **new} == now and "notebook.ipynb" in now else ["not whole"]
        return whole_or_before(folder, end, before, lambda: wrong)

    return Act(prepare=prepare, run=run, check=check)


def key() -> Act:
    """A key added to a file of keys."""
    before = {"keys.json": b"[]\n"}

    def prepare(folder: Path) -> None:
        (folder / "out").mkdir()
        (folder / "out" / "keys.json").write_bytes(before["keys.json"])

    def check(folder: Path, end: End) -> list[str]:
        names = [key["name"] for key in json.loads((folder / "out/keys.json").read_bytes())]
        whole = names in (["crm"], ["crm", "later"])
        return whole_or_before(folder, end, before, lambda: [] if whole else ["no key"])

    def new_name(folder: Path) -> str:
        kept = (folder / "out" / "keys.json").read_text(encoding="utf-8")
        return "later" if "crm" in kept else "crm"

    def run(folder: Path, name: str) -> int:
        return command("key", "add", name, "--keys", folder / "out/keys.json")

    return Act(prepare=prepare, ready=new_name, run=run, check=check)


def reloading() -> Act:
    """A service whose model folder is replaced; it serves the one or the other, and looks again."""

    def ready(folder: Path) -> ServedModel:
        served = ServedModel(folder / "model")
        shutil.copytree(MODEL, folder / "next")
        shutil.rmtree(folder / "model")
        (folder / "next").rename(folder / "model")
        return served

    def run(_folder: Path, served: ServedModel) -> int:
        first = served.current
        asyncio.run(served.refresh())
        disarm()
        asyncio.run(served.refresh())
        return 0 if served.current is not first else 1

    def check(_folder: Path, end: End) -> list[str]:
        return [] if end.code == 0 else [f"it ended with {end.code}"]

    return Act(
        prepare=lambda folder: shutil.copytree(MODEL, folder / "model"),
        ready=ready,
        run=run,
        check=check,
    )
