from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from importlib.metadata import version
from unittest import mock

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import typer

from durhampulse.cli import command_line, studying
from durhampulse.cli.options import parts_bar
from durhampulse.market.sampling import simulate_market
from tests.commands import run
from tests.environment import without

DURHAMPULSE = [sys.executable, "-c", "from durhampulse.cli import main; main()"]


def test_sample_then_inspect(tmp_path):
    done = run("sample", "--rows", 300, "--seed", 7, "-o", tmp_path / "a.csv")
    assert done.returncode == 0
    assert "simulated" in done.stdout
    assert len((tmp_path / "a.csv").read_text().splitlines()) == 301
    shown = run("inspect", tmp_path / "a.csv")
    assert "300 rows, 8 columns" in shown.stdout
    facts = json.loads(run("inspect", tmp_path / "a.csv", "--json").stdout)
    assert facts["simulated"] is True
    assert facts["shape"] == [300, 8]
    assert facts["units"]["Growth_Rate"] == "fraction"


@pytest.mark.parametrize(
    ("problem", "is_clear"),
    [("<built-in function exec> returned NULL without setting an exception", True),
     ("bad argument to internal function", False)],
)  # fmt: skip
def test_memory_that_python_itself_lacked_is_one_clear_error(tmp_path, problem, is_clear):
    """`exec` of Python 3.11 loses the MemoryError of its parser; other SystemErrors are defects."""
    run("sample", "--rows", 300, "-o", tmp_path / "a.csv")
    failing = mock.patch("jupytext.reads", side_effect=SystemError(problem))
    defect = contextlib.nullcontext() if is_clear else pytest.raises(SystemError)
    with failing, defect:
        done = run("study", tmp_path / "a.csv", "-o", tmp_path / "out")
        assert done.returncode == 2
        assert done.stderr.count("durhampulse: There is not enough memory.") == 1
    assert not (tmp_path / "out").exists()


def test_a_file_of_few_kilobytes_that_fills_any_memory_is_one_clear_error(tmp_path, demo_model):
    """5,000 rows whose niche is one text of 1 MiB, said once: 5 GB, in each command."""
    table = pa.Table.from_pandas(simulate_market(5_000).table, preserve_index=False)
    long = pa.DictionaryArray.from_arrays([0] * 5_000, ["x" * (1 << 20)])
    table = table.set_column(table.column_names.index("Niche"), "Niche", long)
    pq.write_table(table, tmp_path / "bomb.parquet", compression="zstd")
    for command in (
        ["inspect", "bomb.parquet"],
        ["study", "bomb.parquet", "-o", "new"],
        ["score", "bomb.parquet", "-o", "out.csv", "--model", demo_model],
    ):
        done = run(*command, cwd=tmp_path)
        assert done.returncode == 2
        assert "column 'Niche': after row 0 a cell of 1,048,576 bytes stands" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["bomb.parquet"]


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (["inspect", "nowhere.csv"], 2, "no such file"),
        (["inspect", "a.csv", "--map", "Followers"], 2, "COLUMN=VALUE"),
        (["inspect", "a.csv", "--unit", "Growth_Rate=per mille"], 2, "no such unit"),
        (["inspect", "a.csv", "--unit", "Followers=percent"], 2, "has no unit"),
        (["inspect", "a.csv", "--map", "Followers=none"], 2, "no column 'none'"),
        (["study", "a.csv", "--yes-at", "0.5"], 2, "thresholds"),
        (["study", "a.csv", "-o", "full"], 2, "other than an earlier study"),
        (["study", "a.csv", "-o", "a.csv"], 2, "a file of this name"),
        (["study", "a.csv", "-o", "a.csv/below"], 2, "a.csv"),
        (["study", "a.csv", "-o", "new"], 1, "too few"),
        (["study", "unlabelled.csv", "-o", "new"], 1, "--map Sponsorship_Status"),
    ],
)
def test_wrong_usage_gives_one_message_and_writes_nothing(tmp_path, args, code, message):
    head = "Influencer_ID,Followers,Growth_Rate"
    (tmp_path / "a.csv").write_text(f"{head},Sponsorship_Status\n1,10,0.1,1\n2,20,0.1,0\n")
    (tmp_path / "unlabelled.csv").write_text(f"{head}\n1,10,0.1\n2,20,0.1\n")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "precious.txt").write_text("mine")
    before = sorted(tmp_path.rglob("*"))
    done = run(*args, cwd=tmp_path)
    assert done.returncode == code, done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert sorted(tmp_path.rglob("*")) == before


def test_help_of_every_command_has_an_example():
    names = dict(commands())
    assert {"score", "serve", "model verify", "key add"} <= set(names)
    for name, command in names.items():
        assert f"Example: durhampulse {name}" in command.help, name


def commands(group=None, before=""):
    for name, command in (group or command_line()).commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{before}{name} ")
        if not getattr(command, "no_args_is_help", False):
            yield f"{before}{name}", command


def test_help_loads_no_heavy_library():
    code = "import sys\nsys.argv=['durhampulse','--help']\nfrom durhampulse.cli import main\n"
    code += "try: main()\nexcept SystemExit: pass\nprint(*sys.modules)"
    out = subprocess.check_output([sys.executable, "-c", code], text=True)
    assert "pandas" not in out.split()


def test_database_name_hides_password():
    from durhampulse.files.databases import without_password
    from durhampulse.report.notebook import make_notebook
    from durhampulse.study.request import Request

    address = without_password("postgresql://me:geheim@db/creators")
    notebook = make_notebook(Request(source=address, table="creators"))
    assert "geheim" not in str(notebook)
    assert "***" in str(notebook)


@pytest.fixture(scope="module")
def leaky(tmp_path_factory):
    """A study of a table with samples that only creators with a deal were sent."""
    folder = tmp_path_factory.mktemp("leaky")
    table = simulate_market(1_000, seed=4).table
    table["Samples_Sent"] = (table["Followers"] * 0.01).where(table["Sponsorship_Status"] == 1)
    table.to_csv(folder / "creators.csv", index=False)
    return folder, run("study", "creators.csv", "-o", "out", cwd=folder)


@pytest.mark.slow
def test_leak_is_reported_and_blocks_recommendations(leaky):
    folder, done = leaky
    assert done.returncode == 1, done.stderr
    assert "Verdict: not ready." in done.stdout
    assert "Samples_Sent" in done.stdout
    decisions = pd.read_csv(folder / "out" / "decisions.csv")
    assert decisions["Sponsorship Recommendation"].isna().all()
    assert decisions["Verdict"].str.contains("Samples_Sent").all()
    report = (folder / "out" / "report.html").read_text()
    assert "Nothing is recommended." in report
    explained = run(
        "explain",
        "creators.csv",
        "--model",
        "out/model",
        "--id",
        str(decisions["Influencer ID"].iloc[0]),
        cwd=folder,
    )
    assert explained.returncode == 0, explained.stderr
    assert "no recommendation (not ready" in explained.stdout


@pytest.mark.slow
def test_dropped_leak_is_reported_and_study_decides(leaky):
    folder, _ = leaky
    done = run("study", "creators.csv", "-o", "dropped", "--drop-leaks", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "Left out: Samples_Sent." in done.stdout
    decisions = pd.read_csv(folder / "dropped" / "decisions.csv")
    assert decisions["Sponsorship Recommendation"].notna().all()
    ledger = pd.read_csv(folder / "dropped" / "irregularities.csv")
    assert "Samples_Sent" in set(ledger.loc[ledger["code"] == "left-out", "column"])
    manifest = json.loads((folder / "dropped" / "model" / "manifest.json").read_text())
    assert manifest["verdict"]["dropped"] == ["Samples_Sent"]


def test_explain_without_model_is_refused(tmp_path, market_file):
    done = run("explain", str(market_file), "--model", "nowhere", "--id", "1", cwd=tmp_path)
    assert done.returncode == 1
    assert "no manifest.json" in done.stderr


def test_scoring_from_the_command_line(demo_model, market_file, tmp_path):
    model = ["--model", str(demo_model)]
    done = run("score", str(market_file), "-o", "s.csv", *model, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "1,200 rows: 1,200 scored, 0 refused." in done.stdout
    assert done.stderr == ""  # off a terminal there is no progress
    assert len((tmp_path / "s.csv").read_text().splitlines()) == 1_201
    done = run(
        "score", str(market_file), "-o", "t.xlsx", "--top", "5", "--json", *model, cwd=tmp_path
    )
    assert json.loads(done.stdout)["scored"] == 1_200
    for args, message in (
        (["none.csv", "-o", "u.csv"], "no such file"),
        ([str(market_file), "-o", "u.json"], "cannot be written"),
        ([str(market_file), "-o", "u", "--engine", "dask"], "which cluster?"),
        ([str(market_file), "-o", "u.csv", "--map", "Followers=subs"], "no column 'subs'"),
    ):
        done = run("score", *args, *model, cwd=tmp_path)
        assert done.returncode == 2
        assert message in done.stderr
        assert "Traceback" not in done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {
        "s.csv",
        "s.csv.provenance.json",
        "t.xlsx",
        "t.xlsx.provenance.json",
    }


def test_scoring_keeps_the_memory_that_arrow_frees(demo_model, market_file, tmp_path):
    """Arrow chooses its pool when it is first imported, so this asks a process that was not."""
    code = (
        "import contextlib\nfrom durhampulse.cli import main\n"
        "with contextlib.suppress(SystemExit):\n    main()\n"
        "import pyarrow\nprint(pyarrow.default_memory_pool().backend_name)"
    )
    args = ["score", str(market_file), "-o", "s.csv", "--model", str(demo_model)]
    done = subprocess.run(
        [sys.executable, "-c", code, *args],
        cwd=tmp_path, capture_output=True, text=True, check=True,
        env=without("ARROW_DEFAULT_MEMORY_POOL"),
    )  # fmt: skip
    assert done.stdout.splitlines()[-1] == "system"


@pytest.mark.parametrize("closed", [1, 2])
def test_command_without_an_output_of_its_own_works(closed, demo_model, market_file, tmp_path):
    """Where nothing is open as standard output or error, Python has None in its place."""
    args = [*DURHAMPULSE, "score", market_file, "-o", "s.csv", "--model", demo_model]
    shell = ["sh", "-c", f'"$@" {closed}>&-', "sh", *map(str, args)]
    done = subprocess.run(shell, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "s.csv").exists()
    shell = ["sh", "-c", f'"$@" {closed}>&-', "sh", *DURHAMPULSE, "inspect", "none.csv"]
    done = subprocess.run(shell, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_table_for_a_closed_output_is_refused(demo_model, market_file, tmp_path):
    args = [*DURHAMPULSE, "score", market_file, "-o", "-", "--model", demo_model]
    shell = ["sh", "-c", '"$@" >&-', "sh", *map(str, args)]
    done = subprocess.run(shell, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "standard output is closed" in done.stderr
    assert "Traceback" not in done.stderr


def test_letters_that_the_output_has_not_are_escaped(tmp_path):
    (tmp_path / "t.csv").write_text("Followers,\u65e5\u672c\n1000,a\n2000,b\n", encoding="utf-8")
    done = subprocess.run(
        [*DURHAMPULSE, "inspect", "t.csv"], cwd=tmp_path, capture_output=True, check=False,
        env={**os.environ, "PYTHONIOENCODING": "latin-1"},
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, b"")
    assert rb"\u65e5\u672c" in done.stdout


@pytest.mark.skipif(sys.platform != "linux", reason="names of files are any bytes there")
def test_name_that_is_no_utf8_is_one_clear_error(demo_model, market_file, tmp_path):
    """Such as a name in Latin-1 of an old archive, which Python holds by lone surrogates."""
    name = os.fsdecode(b"caf\xe9.csv")
    done = run("score", market_file, "-o", name, "--model", demo_model, cwd=tmp_path)
    assert done.returncode == 2
    assert "the bytes of this name are no UTF-8" in done.stderr
    assert [*tmp_path.iterdir()] == []


def test_model_show_and_verify(demo_model, tmp_path):
    assert "Yes from 0.8" in run("model", "show", str(demo_model), cwd=tmp_path).stdout
    assert (
        "undamaged; it holds data only"
        in run("model", "verify", str(demo_model), cwd=tmp_path).stdout
    )
    done = run("model", "verify", str(tmp_path), cwd=tmp_path)
    assert done.returncode == 1
    assert "there is no manifest.json" in done.stderr


def test_key_is_shown_once_and_public_service_requires_keys(demo_model, tmp_path):
    made = run("key", "add", "crm", "--keys", "keys.json", "--scope", "score", cwd=tmp_path)
    assert made.stdout.startswith("dp_")
    assert made.stdout.strip() not in (tmp_path / "keys.json").read_text()
    assert run("key", "list", "--keys", "keys.json", cwd=tmp_path).stdout.startswith(
        "crm: score; 2"
    )
    assert run("key", "revoke", "crm", "--keys", "keys.json", cwd=tmp_path).returncode == 0
    assert ", revoked 2" in run("key", "list", "--keys", "keys.json", cwd=tmp_path).stdout
    done = run("serve", "--model", str(demo_model), "--host", "0.0.0.0", cwd=tmp_path)
    assert done.returncode == 2
    assert "Anybody could use" in done.stderr


@pytest.mark.parametrize(
    ("module", "extra", "args"),
    [
        ("jupytext", "study", ["study", "-o", "x"]),
        ("sqlalchemy", "study", ["inspect", "sqlite:///x.db", "--table", "x"]),
        ("sqlalchemy", "desk", ["erase", "--id", "x"]),
        ("sqlalchemy", "desk", ["desk"]),
        ("uvicorn", "serve", ["serve", "--model", "x"]),
        (
            "fsspec",
            "dask",
            ["score", "a", "-o", "x", "--engine", "dask", "--scheduler", "tcp://a:1"],
        ),
    ],
)
def test_missing_extra_is_named(module, extra, args, demo_model, tmp_path):
    args = [str(demo_model) if arg == "x" and "--model" in args else arg for arg in args]
    args += ["--model", str(demo_model)] if args[0] == "score" else []
    code = f"import sys; sys.modules[{module!r}] = None; sys.argv = ['durhampulse', *{args!r}]"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}; from durhampulse.cli import main; main()"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 2
    assert f'pip install -e ".[{extra}]"' in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("start", [DURHAMPULSE, [sys.executable, "-m", "durhampulse"]])
def test_version_by_either_entry_point(start):
    done = subprocess.run([*start, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"durhampulse {version('durhampulse')}\n"


def run_without(module, code):
    """Run Python in which a module cannot be imported."""
    code = f"import sys; sys.modules[{module!r}] = None; import durhampulse as dp\n{code}"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("code", "module", "problem"),
    [
        ("dp.SponsorshipClassifier", "sklearn", "durhampulse.SponsorshipClassifier needs sklearn"),
        ("dp.run_study", "nbclient", "durhampulse.run_study needs nbclient"),
        ("dp.judge", "scipy", "durhampulse.judge needs scipy"),
        ("dp.read_creators('sqlite:///a.db', table='a')", "sqlalchemy", "A database needs sqlal"),
    ],
)
def test_python_without_an_extra_names_the_extra(code, module, problem):
    done = run_without(module, code)
    last = done.stderr.splitlines()[-1]
    assert problem in last
    assert 'pip install -e ".[study]"' in last


def test_star_import_without_extras_brings_the_rest():
    code = "from durhampulse import *; load_model, read_creators; print('SponsorshipClassifier' in dir())"
    done = run_without("sklearn", code)
    assert (done.stdout, done.stderr) == ("False\n", "")


def test_progress_off_a_terminal_is_a_line_per_part(capsys):
    with parts_bar() as show:
        for part in ("A1. Load", "A1. Load", "B1. Prepare"):
            show(part, 0.5)
    assert capsys.readouterr().err == "A1. Load ...\nB1. Prepare ...\n"


@pytest.mark.parametrize(
    ("refusal", "verb"),
    [("", " decides: ROC AUC"), ("not ready: No signal.", " would decide: ROC")],
)
def test_no_model_decides_where_nothing_is_recommended(demo_model, tmp_path, capsys, refusal, verb):
    manifest = json.loads((demo_model / "manifest.json").read_text())
    manifest["verdict"]["refusal"] = refusal
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "manifest.json").write_text(json.dumps(manifest))
    ends = pytest.raises(typer.Exit) if refusal else contextlib.nullcontext()
    with ends:
        studying._print_result(tmp_path, 1.0)
    assert manifest["name"] + verb in capsys.readouterr().out
