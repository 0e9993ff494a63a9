"""What a model is exported to scores as the scorer does."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from dataclasses import replace
from importlib.util import find_spec
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from benchmarks import export

from durhampulse.creators.block import Block
from durhampulse.creators.blockreader import BlockReader
from durhampulse.creators.rules import ColumnRule
from durhampulse.decision.bands import ANSWERS, Thresholds
from durhampulse.exceptions import InputError
from durhampulse.export.graph.model import graph_of
from durhampulse.export.javascript import javascript_of
from durhampulse.export.program import program_from, program_of
from durhampulse.export.sql.dialects import DIALECTS
from durhampulse.export.sql.query import query_of
from durhampulse.export.targets import TARGETS, ExportOptions
from durhampulse.features.codes import LevelCode
from durhampulse.features.encoding import Encoding
from durhampulse.features.precedent import REACH, Span
from durhampulse.market.market import draw_creators
from durhampulse.market.sampling import simulate_market
from durhampulse.models.families import WeightedSum
from durhampulse.models.fitted import FittedModel
from durhampulse.models.splines import SplineLogistic
from durhampulse.models.weights import DenseNetwork, Logistic
from durhampulse.scoring.scorer import Scorer, load_model
from tests.commands import run
from tests.desk.servers import find_tool, own_server
from tests.exported import identity, run_graph, run_script
from tests.messy import messy_creators
from tests.models import write_logistic

ROWS = 400


def expected_scores(scorer: Scorer, table: pd.DataFrame) -> pd.DataFrame:
    """What the scorer itself says of text cells, uncut."""
    cells = scorer.read_table("messy", pa.Table.from_pandas(table, preserve_index=False))
    scores = scorer.compute(cells.block)
    reasons = scorer.reasons_not_to(cells.block, scores, cells.unclear)
    frame = pd.DataFrame(
        {
            "probability": scores.y_prob,
            "low": scores.low,
            "high": scores.high,
            "recommendation": [*map([*ANSWERS, ""].__getitem__, scores.band)],
            "unlike": [*map(scorer.kinds.__getitem__, scores.unlike)],
            "refusal": [reasons.get(row, "") for row in range(len(table))],
        }
    )
    refused = frame["refusal"] != ""
    frame.loc[refused, ["probability", "low", "high"]] = np.nan
    frame.loc[refused, ["recommendation", "unlike"]] = ""
    return frame


def agreement(scored: pd.DataFrame, expected: pd.DataFrame, within: float = 1e-9) -> None:
    """Assert that scores are the expected ones."""
    for column in ("recommendation", "unlike"):
        assert scored[column].tolist() == expected[column].tolist()
    for column in ("probability", "low", "high"):
        np.testing.assert_allclose(
            scored[column].astype(float), expected[column], rtol=0, atol=within
        )


@pytest.fixture(scope="module")
def messy():
    """Some of them with far too many views and no engagement to compare them with."""
    odd = simulate_market(10, seed=6).table.drop(columns="Sponsorship_Status").astype("str")
    views = (pd.to_numeric(odd["Avg_Views_per_Post"], errors="coerce") * 60).fillna(1).astype(int)
    odd = odd.assign(Engagement_Rate="", Avg_Views_per_Post=views.astype("str"))
    return pd.concat([messy_creators(ROWS, seed=5), odd], ignore_index=True)


@pytest.fixture(scope="module")
def demo(demo_model):
    return load_model(demo_model)


def test_messy_creators_show_every_answer(demo, messy):
    expected = expected_scores(demo, messy)
    assert set(expected["recommendation"]) == {*ANSWERS, ""}
    kinds = ("may be", "is a range", "cannot be", "columns of the model are empty")
    assert all(expected["refusal"].str.contains(kind).any() for kind in kinds)


def test_exported_script_scores_as_the_scorer(demo, messy, demo_model, tmp_path):
    path = tmp_path / "model.js"
    result = run("model", "export", demo_model, "--to", "js", "--out", path)
    assert result.returncode == 0, result.stderr
    assert path.stat().st_size <= 100_000
    expected = expected_scores(demo, messy)
    scored = pd.DataFrame(run_script(path, messy.to_dict("records")))
    assert scored["refusal"].tolist() == expected["refusal"].tolist()
    agreement(scored, expected)


def only_loudly_refused(scored: pd.DataFrame, expected: pd.DataFrame) -> pd.DataFrame:
    """Which rows both score, where a target refuses what the program refuses, and nothing else."""
    unread = scored["refusal"].str.contains("is not read by|letters beyond ASCII")
    same = scored["refusal"] == expected["refusal"]
    kinds = ("may be", "cannot be", "columns of the model are empty")
    for kind in kinds:
        same |= scored["refusal"].str.contains(kind) & (expected["refusal"] != "")
    assert same.all()
    assert not unread.any()
    return (scored["refusal"] == "") & (expected["refusal"] == "")


def compare(scored: pd.DataFrame, expected: pd.DataFrame) -> None:
    both = only_loudly_refused(scored, expected)
    agreement(scored[both], expected[both])


def test_exported_query_scores_as_the_scorer_in_sqlite(demo, messy, demo_model, tmp_path):
    path = tmp_path / "model.sql"
    result = run("model", "export", demo_model, "--to", "sql", "--dialect", "sqlite", "-o", path)
    assert result.returncode == 0, result.stderr
    with contextlib.closing(sqlite3.connect(":memory:")) as database:
        messy.to_sql("creators", database, index=False)
        scored = pd.read_sql(path.read_text("utf-8"), database)
    assert [*scored.columns[1:8]] == [*messy.columns]
    compare(scored, expected_scores(demo, messy))


def test_sqlite_joins_answers_by_an_index(demo):
    """Each row with each took minutes for 100,000."""
    query = query_of(program_of(demo.model), "sqlite", "creators", "0")
    with contextlib.closing(sqlite3.connect(":memory:")) as database:
        messy_creators(3).to_sql("creators", database, index=False)
        plan = [line for *_, line in database.execute(f"EXPLAIN QUERY PLAN {query}")]
    assert any(line.startswith(("SEARCH r USING", "SEARCH s USING")) for line in plan)


@pytest.fixture(scope="module")
def logistic(market_file, tmp_path_factory):
    return write_logistic(market_file, tmp_path_factory.mktemp("logistic") / "model")


def test_exported_query_takes_typed_columns_of_duckdb(logistic):
    duckdb = pytest.importorskip("duckdb")
    table = simulate_market(300, seed=8).table
    numbers = ["Followers", "Engagement_Rate", "Growth_Rate", "Avg_Views_per_Post"]
    typed = table.assign(
        **{c: pd.to_numeric(table[c], errors="coerce").astype("float64") for c in numbers}
    )
    typed.loc[0, "Avg_Views_per_Post"] = 123.456  # as text it may be one number or another
    query = query_of(program_of(logistic.model), "duckdb", "main.creators", "0")
    with duckdb.connect() as database:
        database.register("frame", typed)
        database.execute("CREATE TABLE creators AS FROM frame")
        scored = database.execute(query).df()
    compare(scored, expected_scores(logistic, typed.drop(columns="Sponsorship_Status")))


@pytest.mark.parametrize("dialect", [*DIALECTS])
def test_each_dialect_is_parsed_by_sqlglot(dialect, logistic, own_columns):
    sqlglot = pytest.importorskip("sqlglot")
    for scorer in (logistic, own_columns):
        query = query_of(program_of(scorer.model), dialect, "brand.creators", "0")
        parsed = sqlglot.parse_one(query, dialect=dialect)
        names = [e.alias_or_name for e in parsed.selects]
        assert names[-3:] == ["recommendation", "unlike", "refusal"]


def test_exported_graph_scores_as_the_scorer(demo, messy, demo_model, tmp_path):
    pytest.importorskip("onnx")
    path = tmp_path / "model.onnx"
    result = run("model", "export", demo_model, "--to", "onnx", "-o", path)
    assert result.returncode == 0, result.stderr
    compare(run_graph(path.read_bytes(), messy), expected_scores(demo, messy))


@pytest.fixture(scope="module")
def own_columns(tmp_path_factory):
    """A model of figures, prices, percentages and towns of a list's own."""
    return export.own_columns_scorer(tmp_path_factory.mktemp("own"))


def test_own_columns_are_learned_as_what_they_hold(own_columns):
    rules = own_columns.model.rules
    learned = {name: rules[name].kind for name in own_columns.model.model.encoding.columns[6:]}
    assert learned == {
        **dict.fromkeys(("Likes", "Past_Deals", "Ad_Spend", "Completion"), "any"),
        "City": "levels",
    }
    assert rules["Ad_Spend"].currency == "$"
    assert rules["Completion"].decimal == ","


@pytest.mark.parametrize("target", ["node", "onnxruntime", "SQLite", "DuckDB"])
def test_messy_own_columns_score_as_in_the_scorer(target, own_columns):
    ask = dict(export.targets()).get(target)
    if ask is None or not all(map(find_spec, ("duckdb", "onnx", "onnxruntime"))):
        pytest.skip(f"no {target}")
    table = export.own_columns_table(1_000)
    answer = export.compared(
        ask(program_of(own_columns.model), table), export.own_scores(own_columns, table)
    )
    assert_parity(target, answer, 1_000)


def assert_parity(target, answer, rows):
    """Assert that a target scores as the scorer; a graph has no operator for digits of scripts."""
    unread = {"node": 0, "onnxruntime": 0.05}.get(target, 0.01)
    assert answer["only refused"] <= unread * rows, target
    assert answer["both score"] > 0.7 * rows, target
    assert float(answer["gap"]) <= 1e-6, target
    assert [n for what, n in answer.items() if what.startswith("other")] == [0, 0, 0], target


@pytest.mark.slow
def test_ten_thousand_messy_creators_score_alike_everywhere(
    demo, own_columns, monkeypatch, tmp_path
):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))  # pgserver warns where there is none
    for module in ("duckdb", "onnx", "onnxruntime"):
        pytest.importorskip(module)
    tool = find_tool()
    if tool is None or shutil.which("node") is None:
        pytest.skip("no PostgreSQL or no node")
    own_table, table = export.own_columns_table(10_000), messy_creators(10_000, seed=11)
    with own_server(tool) as (url, _):
        monkeypatch.setenv("DURHAMPULSE_TEST_POSTGRES", url)
        for scorer, messy in ((demo, table), (own_columns, own_table)):
            program, expected = program_of(scorer.model), export.own_scores(scorer, messy)
            answers = {
                n: export.compared(ask(program, messy), expected) for n, ask in export.targets()
            }
            assert {*answers} == {"node", "onnxruntime", "SQLite", "DuckDB", "PostgreSQL"}
            for name, answer in answers.items():
                assert_parity(name, answer, len(messy))
                assert scorer is own_columns or answer["only refused"] == 0, name


def families(encoding, seed=3):
    """Weights of the other kinds, as they are and in a sum."""
    rng = np.random.default_rng(seed)
    n = len(encoding.names)
    kernels = [rng.normal(size=s, scale=0.4).astype(np.float32) for s in ((n, 6), (6, 1))]
    biases = [rng.normal(size=s).astype(np.float32) for s in (6, 1)]
    networks = {a: DenseNetwork((*kernels,), (*biases,), a) for a in ("relu", "silu")}
    breaks = np.sort(rng.normal(size=(2, 4)), axis=1)
    breaks[1, 1] = breaks[1, 0]
    splines = SplineLogistic(
        columns=np.array([0, 2], np.int32),
        breaks=breaks,
        pieces=rng.normal(size=(2, 4, 4), scale=0.1),
        coef=rng.normal(size=n),
        intercept=np.array([0.3]),
    )
    return {
        **networks,
        "splines": splines,
        "sum": WeightedSum((splines, networks["relu"]), np.array([0.4, 0.5]), np.array([-0.1])),
    }


@pytest.fixture(scope="module")
def learned(demo):
    """The shipped model with precedents of other creators, and halves that fall and stretch."""
    table, _ = draw_creators(3_000, np.random.default_rng(4))
    table.insert(0, "Influencer_ID", np.arange(len(table)))
    model = demo.model.model.with_precedent(table)
    below = model.interval.below
    return replace(model, interval=replace(model.interval, fall=below / 3, empty_rise=2.0))


def test_messy_creators_are_odd_beside_empty_cells(demo, learned, messy):
    """Some by their range and some by what is usual for their size; so the targets are held to it."""
    scorer = Scorer(replace(demo.model, model=learned))
    expected = expected_scores(scorer, messy)
    precedent = learned.precedent
    reach = np.full(len(precedent.judged), REACH)
    ranges = replace(precedent, alone_low=-reach, alone_high=reach)
    without = replace(demo.model, model=replace(learned, precedent=ranges))
    fewer = expected_scores(Scorer(without), messy)
    assert ((expected["unlike"] != "") & (fewer["unlike"] == "")).sum() >= 3
    assert ((expected["unlike"] == "") & (fewer["unlike"] != "")).sum() == 0


@pytest.mark.parametrize("family", ["relu", "silu", "splines", "sum"])
def test_every_family_is_written_by_every_target(family, demo, learned, messy, tmp_path):
    model = learned
    weights = families(model.encoding)[family]
    loaded = replace(demo.model, model=replace(model, weights=weights))
    program, expected = program_of(loaded), expected_scores(Scorer(loaded), messy)
    path = tmp_path / "model.js"
    path.write_text(javascript_of(program, "0"), encoding="utf-8")
    agreement(pd.DataFrame(run_script(path, messy.to_dict("records"))), expected)
    with contextlib.closing(sqlite3.connect(":memory:")) as database:
        messy.to_sql("creators", database, index=False)
        scored = pd.read_sql(query_of(program, "sqlite", "creators", "0"), database)
    both = only_loudly_refused(scored, expected)
    agreement(scored[both], expected[both], within=1e-6 if family == "silu" else 1e-9)
    if find_spec("onnx"):
        compare(run_graph(graph_of(program, "0"), messy), expected)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--to", "pmml"], "--to pmml: no such target.\nUse one of js, sql, onnx."),
        (["--to", "sql", "--dialect", "oracle"], "--dialect oracle: no such dialect."),
    ],
)
def test_unknown_targets_are_refused_with_what_there_is(options, words, demo_model, tmp_path):
    result = run("model", "export", demo_model, *options, "--out", tmp_path / "x")
    assert result.returncode == 2
    assert words in result.stderr
    assert not (tmp_path / "x").exists()


CELLS = (
    "145,000", "145.000", "1.2M", "1,2M", "1,234K", "12,34,567", "1'234'567", "1\u2019234.5", "1 234",
    "1\u00a0234\u00a0567,8", "1.234.567", "1.234,5", "6.8%", "6,8 %", "\u22125", "- 5", "+5", "5.",
    ".5", "0.125", "5,125", "2.28E+11", "2,5e3", "1e400", "inf", "-Infinity", "12.3\u4e07", "1.2\u5104",
    "1,2 Mio.", "12 \u0442\u044b\u0441.", "1.2 lakh", "3 mil", "3,5 mil", "15K+", "10-20k", "10 to 20",
    "$1,200", "1.200 \u20ac", "12 USD", "R$ 5", "\u0661\u0662\u0663", "\u0661\u0662\u066a", "\uff11\uff12\uff0c\uff10\uff10\uff10",
    "5 \u212a", "12abc", "abc", "1.2.3", "1,2,3", "\u00bd", "2\u00b2", "", " - ", "#N/A", "None", "n.a.",
    "0", "-0", "1234567890123456789012345678901234567890",
    "9007199254740993", "0.1e-7", "\ufeff5", "5\x1c", "1 2", "1  234", "01,234", "1,23", "12,3456",
    "$1.234", "KWD 1.234", "1.5 bn", "2MN", "1_000", "0x10", "5 %%", "--5", "5-", "1/2",
    "(2.7%)", "( 12,5 % )", "(1.5", "3,1%-", "%5,6", "% 5", "($1,200)", "(K)", ".-1M", "\u2014", "...", "(\u0665)", "-(5)",
    "constructor 5", "5 constructor", "5 __proto__", "11.2K followers", "12,300 Views", "1.2\u4e07\u4eba",
    "145.000 Abonnenten", "Followers: 900", "3 mil seguidores", "10-20 fans", "15 likes", "3.4 pct", "38,9 \u2030",
    "240 bps", "-12 bp.", "2.4 pp", "5 % percent", "5 followers views",
    "ca. 4.2K", "~4.2K", "~ -5%", "Approx. 4,200", "rund 4.200", "4,200 (est.)", "\u7d044.2\u4e07", "ca4200", "cafe 5",
    "<1%", "\u2264 1%", "<= 5", ">10K", "over 10K followers", "10K or more", "1\u4e07\u4ee5\u4e0a", "ca. 5-6%", "5 - ca. 6",
    "~$500", "ca. 500 \u20ac", "up to 5 pct", "over the 5", "<abc", "about x1", "~ 3 mil",
    "'12345", "\u200b12345", "5\u2060%",
)  # fmt: skip


@pytest.mark.parametrize("decimal", [None, ".", ","])
@pytest.mark.parametrize("kind", ["count", "rate", "any"])
def test_script_reads_single_cells_as_the_reader(kind, decimal, tmp_path):
    """A model whose log-odds are the figure itself shows how each cell is read."""
    column = {"count": "Followers", "rate": "Growth_Rate", "any": "Fee"}[kind]
    rule = ColumnRule(column=column, kind=kind, header=column, decimal=decimal, currency="$")
    rule = rule if kind == "any" else ColumnRule(**{**vars(rule), "currency": ""})
    model = identity(column)
    script = written(model, [rule], tmp_path)
    cells = BlockReader("cells", {column: rule}).read({column: pa.array(CELLS)})
    values, expected = cells.block.numbers(column), model.predict_proba(cells.block)
    for at, (cell, item) in enumerate(
        zip(CELLS, run_script(script, [{column: c} for c in CELLS]), strict=True)
    ):
        if at in cells.unclear:
            assert item["refusal"].startswith(cells.unclear[at]), cell
        elif np.isnan(values[at]):
            assert "columns of the model are empty" in item["refusal"], cell
        elif "cannot be" not in item["refusal"] and np.isfinite(values[at]):
            assert item["probability"] == pytest.approx(expected[at], abs=1e-12), cell


def test_script_reads_the_words_behind_a_columns_figures(tmp_path):
    rule = ColumnRule(column="Online", kind="any", header="Online", words=("years", "year"))
    cells = [
        "7 years",
        "1 YEAR",
        "2,5 years",
        "ca. 3 years",
        "7",
        "30 months",
        "5-6 years",
        "1.2K years",
    ]
    read = rule.read_number_words(cells)
    model = identity("Online")
    expected = model.predict_proba(Block(len(cells), {"Online": read.values}))
    scored = run_script(written(model, [rule], tmp_path), [{"Online": cell} for cell in cells])
    for cell, item, value, unclear, p in zip(
        cells, scored, read.values, read.unclear, expected, strict=True
    ):
        if unclear:
            assert item["refusal"].startswith("Online '5-6 years' is a range"), cell
        elif np.isnan(value):
            assert "columns of the model are empty" in item["refusal"], cell
        else:
            assert item["probability"] == pytest.approx(p, abs=1e-12), cell


def test_script_does_not_read_what_every_object_of_javascript_has(demo, messy, tmp_path):
    rule = ColumnRule(column="constructor", kind="any", header="constructor")
    script = written(identity("constructor"), [rule], tmp_path)
    empty, read = run_script(script, [{}, {"constructor": "1000"}])
    assert empty["refusal"] == "1 of 1 columns of the model are empty"
    assert read["probability"] == pytest.approx(1 / (1 + np.exp(-1)))
    table = messy.assign(Video_Quality="constructor")
    script.write_text(javascript_of(program_of(demo.model), "0"), encoding="utf-8")
    scored = pd.DataFrame(run_script(script, table.to_dict("records")))
    agreement(scored, expected_scores(demo, table))


@pytest.mark.parametrize(
    ("header", "target"),
    [("low", "onnx"), ("dp_n0", "onnx"), ("dp_c0", "onnx"), ("DP_Row", "sql"), ("__proto__", "js")],
)
def test_header_that_a_target_needs_for_itself_is_refused(header, target):
    if target == "onnx":
        pytest.importorskip("onnx")
    rules = {header: ColumnRule(column=header, kind="any", header=header)}
    program = program_from(identity(header), rules, Thresholds(), "")
    with pytest.raises(InputError, match=f"column '{header}'.*\n.*train again"):
        TARGETS[target](program, ExportOptions())


@pytest.mark.parametrize("dialect", [*DIALECTS])
@pytest.mark.parametrize("header", ["a\"b'c`d; -- /* e", "ends in \\"])
def test_headers_are_names_in_each_dialect_whatever_their_signs(header, dialect):
    sqlglot = pytest.importorskip("sqlglot")
    rules = {"own": ColumnRule(column="own", kind="any", header=header)}
    program = program_from(identity("own"), rules, Thresholds(), "")
    [query] = sqlglot.parse(query_of(program, dialect, "creators", "0"), dialect=dialect)
    stage = next(part for part in query.ctes if part.alias == "dp_stage_0")
    assert {column.name for column in stage.find_all(sqlglot.exp.Column)} == {"dp_row", header}


@pytest.mark.parametrize("dialect", ["bigquery", "snowflake"])
def test_levels_of_several_lines_are_text_of_one(dialect):
    code = LevelCode(column="City", levels=("New\nYork", "it's \\"), rare=False, missing=True)
    weights = Logistic(np.ones(3), np.zeros(1))
    model = FittedModel(name="towns", encoding=Encoding((code,)), weights=weights)
    rule = ColumnRule(column="City", kind="levels", header="City", levels=code.levels)
    query = query_of(
        program_from(model, {"City": rule}, Thresholds(), ""), dialect, "creators", "0"
    )
    assert "= 'New\\nYork'" in query
    assert ("= 'it\\'s \\\\'" if dialect == "bigquery" else "= 'it''s \\\\'") in query
    assert "New\nYork" not in query


def test_a_figure_is_unlike_all_where_none_was_known_in_training(learned, demo, messy, tmp_path):
    precedent = learned.precedent
    column = precedent.columns[precedent.judged[0]]
    spans = {**precedent.spans, column: Span(float("inf"), float("-inf"))}
    loaded = replace(demo.model, model=replace(learned, precedent=replace(precedent, spans=spans)))
    expected, program = expected_scores(Scorer(loaded), messy), program_of(loaded)
    before = expected_scores(Scorer(replace(demo.model, model=learned)), messy)
    assert (expected["unlike"] != before["unlike"]).any()
    script = tmp_path / "model.js"
    script.write_text(javascript_of(program, "0"), encoding="utf-8")
    agreement(pd.DataFrame(run_script(script, messy.to_dict("records"))), expected)
    with contextlib.closing(sqlite3.connect(":memory:")) as database:
        messy.to_sql("creators", database, index=False)
        scored = pd.read_sql(query_of(program, "sqlite", "creators", "0"), database)
    compare(scored, expected)


def written(model, rules, folder):
    """The script of a model that stands in no folder."""

    loaded = SimpleNamespace(
        model=model,
        rules={rule.column: rule for rule in rules},
        thresholds=Thresholds(),
        manifest={},
    )
    path = folder / "identity.js"
    path.write_text(javascript_of(program_of(loaded), "0"), encoding="utf-8")
    return path
