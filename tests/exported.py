"""Exported models at work: a script under JavaScript, a graph under ONNX Runtime, queries."""

from __future__ import annotations

import contextlib
import json
import shutil
import sqlite3
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from durhampulse.export.graph.model import graph_of
from durhampulse.export.sql.query import query_of
from durhampulse.features.codes import NumberCode
from durhampulse.features.encoding import Encoding
from durhampulse.models.fitted import FittedModel
from durhampulse.models.weights import Logistic


def node() -> str:
    """A program that runs JavaScript: the one of the system, or Playwright's own."""
    place = shutil.which("node")
    if place is None:
        driver = pytest.importorskip("playwright._impl._driver")
        place = str(driver.compute_driver_executable()[0])
    return place


def run_script(script: Path, rows: object) -> object:
    """What a script's model says of rows."""
    asked = "JSON.stringify(JSON.parse(require('fs').readFileSync(0)).map(require(process.argv[1]).score))"
    command = [node(), "-p", asked, str(script)]
    answer = subprocess.run(
        command, input=json.dumps(rows).encode(), capture_output=True, check=True
    )
    return json.loads(answer.stdout)


def run_graph(blob: bytes, table: pd.DataFrame) -> pd.DataFrame:
    onnxruntime = pytest.importorskip("onnxruntime")
    session = onnxruntime.InferenceSession(blob, providers=["CPUExecutionProvider"])
    cells = {each.name: table[each.name].to_numpy(object) for each in session.get_inputs()}
    names = [each.name for each in session.get_outputs()]
    return pd.DataFrame(dict(zip(names, session.run(None, cells), strict=True)))


def identity(column, unit=1e3):
    """A model whose log-odds are a column's number in units."""
    code = NumberCode(
        column=column, scale="linear", unit=1.0, mean=0.0, sd=unit, fill=0.0, indicator=False
    )
    return FittedModel(
        name="identity",
        encoding=Encoding((code,)),
        weights=Logistic(np.ones(1), np.zeros(1)),
    )


def by_sqlite(program, cells):
    """What the query for SQLite makes of cells."""
    with contextlib.closing(sqlite3.connect(":memory:")) as database:
        pd.DataFrame({"cell": cells}).to_sql("creators", database, index=False)
        return pd.read_sql(query_of(program, "sqlite", "creators", "0"), database)


def by_duckdb(program, cells):
    """What the query for DuckDB makes of cells."""
    duckdb = pytest.importorskip("duckdb")
    with duckdb.connect() as database:
        database.register("creators", pd.DataFrame({"cell": cells}, dtype="str"))
        return database.execute(query_of(program, "duckdb", "creators", "0")).df()


def by_onnxruntime(program, cells):
    """What the graph makes of cells."""
    pytest.importorskip("onnx")
    return run_graph(graph_of(program, "0"), pd.DataFrame({"cell": cells}, dtype="str"))


ENGINES = {"sqlite": by_sqlite, "duckdb": by_duckdb, "onnxruntime": by_onnxruntime}


def answers(scored):
    """Probabilities, or ``nothing``, ``unclear`` or ``unread``."""
    words = {"are empty": "nothing", "may be": "unclear", "is not read": "unread"}
    read = []
    for refusal, p in zip(scored["refusal"], scored["probability"], strict=True):
        word = next((word for part, word in words.items() if part in refusal), refusal)
        read.append(word or p)
    return read
