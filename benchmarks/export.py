"""Messy rows through every target that a model is exported to, beside the scorer's own answers.

For each target: rows that both score, rows that the target alone refuses (cells that it does not
read), the largest gap of a probability, bands and refusals that differ, and processor seconds, of
which a query's planning is a part. PostgreSQL is asked where ``DURHAMPULSE_TEST_POSTGRES`` gives
its address.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pyarrow as pa
from tests.messy import messy_creators, with_own_columns
from tests.models import write_logistic

from benchmarks.demo import MODEL
from benchmarks.timing import processor_seconds
from durhampulse.creators.blockreader import BlockReader
from durhampulse.decision.bands import ANSWERS
from durhampulse.export.graph.model import graph_of
from durhampulse.export.javascript import javascript_of
from durhampulse.export.program import Program, program_of
from durhampulse.export.sql.query import query_of
from durhampulse.market.sampling import simulate_market
from durhampulse.scoring.scorer import Scorer, load_model

ROWS = 10_000
_UNSETTLED = 500
"""Rows that are read together, too few for questions about a whole column."""
_SCORE = (
    "JSON.stringify(JSON.parse(require('fs').readFileSync(0)).map(require(process.argv[1]).score))"
)
Run = Callable[[Program, pd.DataFrame], pd.DataFrame]


def main() -> None:
    """Print how each target's answers compare with the scorer's own, model by model."""
    with tempfile.TemporaryDirectory() as folder:
        shipped = load_model(MODEL), messy_creators(ROWS, seed=11)
        own = own_columns_scorer(Path(folder)), own_columns_table(ROWS)
        for name, (scorer, table) in {"shipped": shipped, "own columns": own}.items():
            expected = own_scores(scorer, table)
            refused = (expected["refusal"] != "").sum()
            print(f"{name}: {ROWS:,} rows, {refused:,} refused by the scorer")
            print(pd.DataFrame(_answers(program_of(scorer.model), table, expected)).to_string())


def _answers(
    program: Program, table: pd.DataFrame, expected: pd.DataFrame
) -> Iterator[dict[str, object]]:
    for name, run in targets():
        before = processor_seconds()
        scored = run(program, table)
        seconds = processor_seconds() - before
        yield {"target": name, **compared(scored, expected), "CPU s": round(seconds, 1)}


def own_columns_scorer(folder: Path) -> Scorer:
    """Return the scorer of a model of standard columns and five of a list's own."""
    table = simulate_market(3_000, seed=2).table.astype("str").replace("nan", "")
    source = folder / "own.csv"
    with_own_columns(table, seed=2, odd=0).to_csv(source, index=False)
    return write_logistic(source, folder / "model")


def own_columns_table(rows: int) -> pd.DataFrame:
    """Return messy rows of such a list, a fifth of its own cells drawn from all that is written."""
    return with_own_columns(messy_creators(rows, seed=12), seed=12, odd=0.2)


def own_scores(scorer: Scorer, table: pd.DataFrame) -> pd.DataFrame:
    """Return the scorer's own answers to a table's rows, each by itself."""
    rules = {c: scorer.model.rules[c] for c in scorer.model.model.encoding.columns}
    units = dict.fromkeys(("Engagement_Rate", "Growth_Rate"), "fraction")  # as in its own table
    reader = BlockReader("messy", rules, units=units)
    frames = []
    for first in range(0, len(table), _UNSETTLED):
        rows = table[first : first + _UNSETTLED]
        cells = reader.read({c: pa.array(rows[rule.header]) for c, rule in rules.items()})
        scores = scorer.compute(cells.block)
        reasons = scorer.reasons_not_to(cells.block, scores, cells.unclear)
        answers = {
            "probability": scores.y_prob,
            "recommendation": [*map([*ANSWERS, ""].__getitem__, scores.band)],
            "unlike": [*map(scorer.kinds.__getitem__, scores.unlike)],
            "refusal": [reasons.get(row, "") for row in range(len(rows))],
        }
        frames.append(pd.DataFrame(answers))
    return pd.concat(frames, ignore_index=True)


def compared(scored: pd.DataFrame, expected: pd.DataFrame) -> dict[str, object]:
    """Return how many answers of a target differ from the scorer's, and by how much."""
    own, theirs = scored["refusal"] != "", expected["refusal"] != ""
    both = ~own & ~theirs
    gap = (scored["probability"].astype(float) - expected["probability"]).abs()[both].max()
    unread = scored["refusal"].str.contains("is not read by|letters beyond ASCII")
    differ = {
        f"other {name}": int((scored[name] != expected[name])[both].sum())
        for name in ("recommendation", "unlike")
    }
    return {
        "both score": int(both.sum()),
        "only refused": int((unread & ~theirs).sum()),
        "gap": f"{gap:.1e}",
        **differ,
        "other refusal": int(((own != theirs) & ~unread).sum()),
    }


def targets() -> Iterator[tuple[str, Run]]:
    """Yield the name and the run of each target that is installed."""
    if shutil.which("node"):
        yield "node", in_node
    yield "onnxruntime", in_onnxruntime
    yield "SQLite", in_sqlite
    yield "DuckDB", in_duckdb
    if os.environ.get("DURHAMPULSE_TEST_POSTGRES"):
        yield "PostgreSQL", in_postgres


def in_node(program: Program, table: pd.DataFrame) -> pd.DataFrame:
    """Return the answers of the JavaScript file."""
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder, "model.js")
        script.write_text(javascript_of(program, "0"), encoding="utf-8")
        command = ["node", "-p", _SCORE, str(script)]
        rows = json.dumps(table.to_dict("records")).encode()
        return pd.DataFrame(json.loads(subprocess.check_output(command, input=rows)))


def in_onnxruntime(program: Program, table: pd.DataFrame) -> pd.DataFrame:
    """Return the answers of the ONNX graph."""
    import onnxruntime

    session = onnxruntime.InferenceSession(graph_of(program, "0"))
    cells = {each.name: table[each.name].to_numpy(object) for each in session.get_inputs()}
    names = [each.name for each in session.get_outputs()]
    return pd.DataFrame(dict(zip(names, session.run(None, cells), strict=True)))


def in_sqlite(program: Program, table: pd.DataFrame) -> pd.DataFrame:
    """Return the answers of the query for SQLite."""
    with contextlib.closing(sqlite3.connect(":memory:")) as database:
        table.to_sql("creators", database, index=False)
        return pd.read_sql(query_of(program, "sqlite", "creators", "0"), database)


def in_duckdb(program: Program, table: pd.DataFrame) -> pd.DataFrame:
    """Return the answers of the query for DuckDB."""
    import duckdb

    with duckdb.connect() as database:
        database.register("creators", table)
        return database.execute(query_of(program, "duckdb", "creators", "0")).df()


def in_postgres(program: Program, table: pd.DataFrame) -> pd.DataFrame:
    """Return the answers of the query for PostgreSQL."""
    import sqlalchemy

    url = os.environ["DURHAMPULSE_TEST_POSTGRES"]
    engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool)
    with engine.begin() as connection:
        table.to_sql("creators", connection, index=False, if_exists="replace")
        connection.exec_driver_sql("SET jit = off")  # compiling a query of this size takes minutes
        query = query_of(program, "postgres", "creators", "0").replace("%", "%%")
        scored = pd.DataFrame(connection.exec_driver_sql(query).mappings().all())
        connection.exec_driver_sql("DROP TABLE creators")
    cells = [*table.columns]  # a table has no order
    places = table.sort_values(cells, kind="stable").index
    return scored.sort_values(cells, kind="stable").set_index(places).sort_index()
