"""The library in a notebook: verdicts, studies and models of tables in memory, and their types."""

from __future__ import annotations

import os
import subprocess
import sys
import traceback

import pandas as pd
import polars as pl
import pyarrow.parquet as pq
import pytest

import durhampulse as dp
from durhampulse.cli.reading import FLAGS
from durhampulse.creators.options import ReadOptions
from durhampulse.creators.schema import LABEL
from durhampulse.evaluation.verdict import Check, Verdict
from durhampulse.files.databases import PASSWORD_VARIABLE
from durhampulse.report import notebook


@pytest.fixture(scope="module")
def market():
    return dp.simulate_market(600, seed=4).table


def test_verdict_is_the_same_wherever_the_table_is(market, tmp_path):
    market.to_csv(tmp_path / "creators.csv", index=False)
    expected = dp.judge(tmp_path / "creators.csv")
    assert expected.word in ("ready", "use with care")
    assert dp.judge(pl.from_pandas(market)) == expected
    assert repr(expected).splitlines()[0] == f"Verdict: {expected.word}"


def test_verdict_takes_options_of_reading_and_judging(market):
    table = market.rename(columns={"Followers": "crowd"}).assign(Paid=market[LABEL])
    creators = dp.read_creators(table, columns={"Followers": "crowd"})
    assert dp.judge(creators, drop_leaks=True).dropped == ("Paid",)
    with pytest.raises(TypeError, match="drop_leeks"):
        dp.judge(table, drop_leeks=True)


def test_table_without_outcomes_gets_a_verdict_and_no_error(market):
    table = market.rename(columns={"Followers": "crowd"}).drop(columns=LABEL)
    verdict = dp.judge(table, columns={"Followers": "crowd"})
    assert (verdict.word, verdict.blocker.code) == ("not ready", "target")


def test_html_escapes_every_text():
    bad = "<img src=x onerror=alert(1)>"
    verdict = Verdict(
        (Check(code="rows", severity="care", figure=bad, reason=bad, columns=(bad,)),)
    )
    html = verdict._repr_html_()
    assert "<img" not in html
    assert html.count("&lt;img src=x onerror=alert(1)&gt;") == 3
    table = pd.DataFrame({"Followers": [10, 20, 30], bad: ["a", "b", "a"]})
    creators = dp.read_creators(table)
    assert "<img" not in creators._repr_html_()
    assert "3 rows, 1 features; 0 outcomes known" in repr(creators)


def test_model_and_account_are_shown_in_words(demo_model):
    model = dp.load_model(demo_model)
    assert "3,983 creators of creators.csv (simulated)" in repr(model)
    assert "Yes from 0.8" in model._repr_html_()
    account = model.explain({"Followers": 5_000, "Engagement_Rate": 0.03, "Niche": "<b>"})
    assert repr(account) == account.text()
    assert "<b>" not in account._repr_html_()
    assert "Creator not given" not in account._repr_html_()


def test_study_of_a_frame_keeps_it_for_the_notebook(market, tmp_path, monkeypatch):
    """The notebook's process reads the folder's own file, so that the folder may be moved."""

    def look(made, folder, _progress):
        (cell,) = [c.source for c in made.cells if c.source.startswith("request =")]
        assert '"source": "creators.parquet"' in cell
        assert '"seed": 3' in cell
        table = pq.read_table(folder / "creators.parquet")
        assert table.column_names == ["crowd", *market.columns]
        for name in ("report.html", "model"):
            (folder / name).write_text("")
        return {}

    monkeypatch.setattr(notebook, "_execute", look)
    frame = market.set_index(pd.RangeIndex(len(market), name="crowd"))
    for _ in range(2):  # the second replaces the first
        dp.run_study(frame, tmp_path / "out", seed=3)
    assert (tmp_path / "out" / "creators.parquet").exists()
    with pytest.raises(dp.InputError, match="reads its table itself"):
        dp.run_study(dp.read_creators(market), tmp_path / "out")


def test_password_of_a_database_reaches_the_notebook_unwritten(tmp_path, monkeypatch):
    def look(made, _folder, _progress):
        assert "geheim" not in str(made)
        assert "postgresql://me:***@db/creators" in str(made)
        assert os.environ[PASSWORD_VARIABLE] == "geheim"
        raise KeyboardInterrupt

    monkeypatch.delenv(PASSWORD_VARIABLE, raising=False)
    monkeypatch.setattr(notebook, "_execute", look)
    with pytest.raises(KeyboardInterrupt):
        dp.run_study("postgresql://me:geheim@db/creators", tmp_path / "out", table="creators")
    assert PASSWORD_VARIABLE not in os.environ


@pytest.mark.slow
def test_types_are_kept_and_misspelt_names_refused(tmp_path):
    """A module-wide `__getattr__` would make every name valid."""
    pytest.importorskip("mypy")
    (tmp_path / "user.py").write_text(USER)
    command = ["-m", "mypy", "--strict", "--ignore-missing-imports", "--cache-dir", tmp_path / "c"]
    done = subprocess.run(
        [sys.executable, *command, "user.py"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    lines = [line.partition(": ") for line in done.stdout.splitlines() if "user.py" in line]
    by_line = {place.rpartition(":")[2]: text for place, _, text in lines}
    assert "load_modle" in by_line["5"]
    for line, kind in {
        "9": "pandas", "10": "polars", "11": "DataFrame", "12": "Verdict", "13": "Account",
    }.items():  # fmt: skip
        assert kind in by_line[line], done.stdout
    assert "error" in by_line["14"]


USER = """\
import pandas as pd
import polars as pl
import durhampulse as dp

dp.load_modle
model = dp.load_model("model")
frame: pd.DataFrame = pd.DataFrame()
polar: pl.DataFrame = pl.DataFrame()
reveal_type(model.score(frame))
reveal_type(model.score(polar))
reveal_type(model.score(dp.read_creators(frame)))
reveal_type(dp.judge(frame))
reveal_type(model.explain({}))
model.decide(frame).no_such_method()
"""


def test_traceback_ends_with_keywords_where_the_message_names_flags(market):
    renamed = market.rename(columns={name: f"c{at}" for at, name in enumerate(market)})
    with pytest.raises(dp.InputError) as refused:
        dp.read_creators(renamed)
    assert "--map Followers=subs" in str(refused.value)
    assert "In Python" not in str(refused.value)  # what the command line prints
    *_, last = traceback.format_exception(refused.value)
    assert last.startswith('In Python: columns={"COLUMN": "HEADER"}')


@pytest.mark.parametrize(("name", "kind"), FLAGS.items())
def test_each_flag_of_whatever_reads_a_table_has_its_keyword(name, kind):
    (option,) = kind.__metadata__
    (flag,) = (word for word in (option.default, *option.param_decls) if word)
    (note,) = dp.InputError("It is odd.", f"Add {flag} VALUE.").__notes__
    keywords = eval(f"dict({note.removeprefix('In Python: ').removesuffix('.')})")
    assert [*keywords] == [name]
    assert vars(ReadOptions(**keywords))[name] == keywords[name]
