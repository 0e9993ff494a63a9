"""The notebook, the report and the folder: one small study run for real."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import textwrap
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import pandas as pd
import pytest

import durhampulse as dp
from durhampulse import study
from durhampulse.decision.bands import NO_PRECEDENT, Thresholds
from durhampulse.exceptions import InputError, OutputError
from durhampulse.report import notebook
from durhampulse.report.kernel import execute
from durhampulse.report.notebook import make_notebook, part_names, run_study
from durhampulse.study.request import Request

HEADINGS = [
    "A1. Load and inspect the dataset",
    "A2. Visual and statistical insights",
    "B1. Data preparation",
    "B2. Build the models",
    "B3. Interpretation",
    "C1. Build the MLP with Keras",
    "C2. Train and visualise",
    "C3. Compare with the baseline",
    "D1. Dropout and L2",
    "D2. The effect",
    "D3. A thought experiment: a CNN",
    "Part E: report to the marketing team",
]


@pytest.fixture(scope="session")
def folder(market_file, tmp_path_factory):
    out = tmp_path_factory.mktemp("study") / "out"
    seconds = run_study(Request(source=str(market_file)), out)
    return out, seconds


def test_notebook_parts_are_in_order():
    names = list(dict.fromkeys(part_names(make_notebook(Request()))))
    assert [name for name in names if name in HEADINGS] == HEADINGS


def test_cells_hold_no_logic():
    for cell in make_notebook(Request()).cells:
        if cell.cell_type == "code":
            assert not re.search(
                r"^\s*(def|class|while|lambda|import numpy)\b", cell.source, re.MULTILINE
            )


@pytest.mark.parametrize("source", [None, "mine.csv"])
def test_each_part_of_the_notebook_finds_what_it_names(source):
    """A part may use what another imports or computes, so only the whole can be checked."""
    cells = make_notebook(Request(source=source)).cells
    code = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--select", "F", "-"]
    done = subprocess.run(command, input=code, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_notebook_of_user_data_does_not_simulate():
    text = str(make_notebook(Request(source="mine.csv")))
    assert "write_market" not in text
    assert "mine.csv" in text
    assert "write_market" in str(make_notebook(Request()))


@pytest.mark.parametrize(
    "source", ["o'brien/it's.csv", 'a """b.csv', '"', "c\\d.csv", "\u00e9.csv"]
)
def test_request_round_trips_through_notebook(source):
    asked = Request(
        source=source,
        columns={"Followers": source},
        units={"Growth_Rate": "percent"},
        thresholds=Thresholds(yes_at=0.805, review_at=0.003),
        drop_leaks=True,
        seed=7,
    )
    (cell,) = [c for c in make_notebook(asked).cells if c.source.startswith("request =")]
    names = {"study": study}
    exec(cell.source, names)
    assert names["request"] == asked
    assert '\n  "seed": 7' in cell.source  # a reader sees each option on a line of its own


def test_request_with_unknown_option_is_refused():
    with pytest.raises(InputError, match="no option 'sead'"):
        Request.from_json('{"sead": 7}')
    with pytest.raises(InputError, match="not JSON"):
        Request.from_json("seed: 7")


@pytest.mark.slow
def test_study_never_overwrites_foreign_files(folder, tmp_path, market_file):
    done = tmp_path / "done"
    shutil.copytree(folder[0], done)
    mine = done / "scored.csv"
    mine.write_text("mine")
    with pytest.raises(OutputError, match=r"other than an earlier study: scored\.csv"):
        run_study(Request(source=str(market_file)), done)
    mine.unlink()
    shutil.copy(market_file, done / "creators.csv")
    with pytest.raises(OutputError, match="which is to be studied"):
        run_study(Request(source=str(done / "creators.csv")), done)


def test_notebook_finds_relative_source(tmp_path, monkeypatch, market_file):
    asked = []

    def look(notebook, *_given):
        asked.extend(c.source for c in notebook.cells if c.source.startswith("request ="))
        raise KeyboardInterrupt

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(notebook, "_execute", look)
    for source in ("creators.csv", "sqlite:///crm.db"):
        with pytest.raises(KeyboardInterrupt):
            run_study(Request(source=source), tmp_path / "out")
    assert f'"source": "{tmp_path}/creators.csv"' in asked[0]
    assert f'"source": "sqlite:///{tmp_path}/crm.db"' in asked[1]


@pytest.mark.slow
def test_study_folder_is_complete(folder):
    out, seconds = folder
    names = {path.name for path in out.iterdir()}
    assert names == {
        "report.html",
        "notebook.ipynb",
        "decisions.csv",
        "decisions.csv.provenance.json",
        "decisions.xlsx",
        "not-scored.csv",
        "irregularities.csv",
        "figures",
        "model",
    }
    assert len(list((out / "figures").glob("*.png"))) >= 12
    assert "A1. Load and inspect the dataset" in seconds
    decisions = pd.read_csv(out / "decisions.csv")
    odd = decisions["Sponsorship Recommendation"] == NO_PRECEDENT
    for part in (decisions[~odd], decisions[odd]):
        assert part["Predicted Sponsorship"].is_monotonic_decreasing
    assert odd.is_monotonic_increasing  # they stand last
    manifest = json.loads((out / "model" / "manifest.json").read_text())
    assert manifest["provenance"]["simulated"] is True
    assert dp.load_model(out / "model").model.manifest["name"] == manifest["name"]


@pytest.mark.slow
def test_written_model_reproduces_decisions(folder, market_file):
    out, _ = folder
    decisions = pd.read_csv(out / "decisions.csv").set_index("Influencer ID")
    table = dp.read_creators(market_file).table
    table = table[table["Influencer_ID"].isin(decisions.index)]
    y_prob = pd.Series(dp.load_model(out / "model").predict_proba(table), table["Influencer_ID"])
    gap = (y_prob - decisions["Predicted Sponsorship"]).dropna()
    assert gap.between(-1e-9, 1.001e-4).all()


@pytest.mark.slow
def test_executed_notebook_shows_network_code(folder):
    notebook = nbformat.read(folder[0] / "notebook.ipynb", as_version=4)
    nbformat.validate(notebook)
    outputs = [o for c in notebook.cells if c.cell_type == "code" for o in c.outputs]
    assert not [o for o in outputs if o.output_type == "error" or o.get("name") == "stderr"]
    pictures = [o["data"] for o in outputs if "image/png" in o.get("data", {})]
    assert len(pictures) >= 12
    for picture in pictures:
        assert re.match('<img alt="[A-Z][^"]*[0-9]', picture["text/html"])
        assert picture["image/png"].strip() in picture["text/html"]
    shown = str(outputs)
    network = ("zip((64, 32)", "layers.Dense(units", "layers.Dropout", "binary_crossentropy")
    for code in (*network, "layers.Conv2D"):
        assert code in shown
    assert "Did deep learning improve results?" in shown
    assert "Did regularization reduce overfitting?" in shown


class _Page(HTMLParser):
    def __init__(self):
        super().__init__()
        self.headings, self.links, self.pictures, self.text = [], [], 0, []
        self.in_script = False

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.in_script = tag == "script"
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag in ("link", "img", "iframe") or "src" in attrs:
            self.links.append(attrs)
        if attrs.get("role") == "img":
            self.pictures += 1
            assert attrs["aria-label"]

    def handle_endtag(self, tag):
        self.in_script = False

    def handle_data(self, data):
        if not self.in_script:
            self.text.append(data)


@pytest.mark.slow
def test_report_is_offline_and_has_outline(folder):
    page = _Page()
    page.feed((folder[0] / "report.html").read_text())
    assert page.links == []
    assert page.headings[0] == 1
    assert all(b - a <= 1 for a, b in zip(page.headings, page.headings[1:], strict=False))
    assert page.pictures >= 12
    text = " ".join(page.text)
    assert "Simulated data." in text
    assert "Maybe (manual review)" in text
    assert "**" not in text


@pytest.mark.slow
def test_failed_study_keeps_the_previous_one(folder, tmp_path, write):
    out = tmp_path / "out"
    shutil.copytree(folder[0], out)
    before = (out / "decisions.csv").read_bytes()
    bad = write("Influencer_ID,Followers,Sponsorship_Status\n1,2,1\n", "bad.csv")
    with pytest.raises(dp.CannotJudgeError, match="one outcome only"):
        run_study(Request(source=str(bad)), out)
    assert (out / "decisions.csv").read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} == {"out", "bad.csv"}


@pytest.mark.parametrize(
    ("ending", "expected"),
    [
        ("raise OSError(28, 'No space left on device')", dp.OutputError),
        ("import os; os._exit(1)", dp.CannotJudgeError),
    ],
)
def test_aborted_study_leaves_no_files(tmp_path, monkeypatch, ending, expected):
    monkeypatch.setattr(notebook, "make_notebook", lambda _: notebook_of(ending))
    with pytest.raises(expected):
        run_study(Request(), tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def notebook_of(code):
    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    made.metadata["kernelspec"] = {"name": "python3", "display_name": "", "language": "python"}
    return made


def test_study_runs_in_long_temporary_folder(tmp_path, monkeypatch):
    """Names of Unix sockets end at 107 bytes; batch systems give folders of 90."""
    folder = tmp_path / ("x" * 80)
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    notebook = notebook_of("print(1 + 1)")
    execute(notebook, tmp_path, on_cell=lambda _: None)
    assert notebook.cells[0].outputs[0]["text"] == "2\n"
    assert list(folder.iterdir()) == []


def test_another_kernel_of_the_same_name_is_not_used(tmp_path, monkeypatch):
    other = tmp_path / "kernels" / "python3"
    other.mkdir(parents=True)
    spec = {"argv": ["/bin/false"], "display_name": "Python 3", "language": "python"}
    (other / "kernel.json").write_text(json.dumps(spec))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    notebook = notebook_of("import sys; print(sys.executable)")
    execute(notebook, tmp_path, on_cell=lambda _: None)
    assert notebook.cells[0].outputs[0]["text"] == f"{sys.executable}\n"


@pytest.mark.parametrize("at_start", [True, False])
def test_interrupted_study_leaves_no_files(tmp_path, at_start):
    """Both while the kernel starts and while a cell runs."""
    code = """
        import os, signal, sys, threading, time
        from pathlib import Path
        import nbformat
        from durhampulse.cli import main
        from durhampulse.report import kernel, notebook

        cell = nbformat.v4.new_code_cell("import time; open('ran', 'w'); time.sleep(60)")
        notebook.make_notebook = lambda _: nbformat.v4.new_notebook(cells=[cell])
        at_start, out = sys.argv.pop(1) == "True", Path("out").absolute()

        def interrupt():
            began = (lambda: True) if at_start else (lambda: list(out.parent.glob(".*/ran")))
            while not began():
                time.sleep(0.01)
            os.kill(os.getpid(), signal.SIGINT)

        make = kernel._make_client
        def make_client(*given):
            client = make(*given)
            start = client.async_start_new_kernel
            async def started(**keywords):
                threading.Thread(target=interrupt).start()
                await start(**keywords)
            client.async_start_new_kernel = started
            return client
        kernel._make_client = make_client
        sys.argv = ["durhampulse", "study", "-o", str(out)]
        main()
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), str(at_start)],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        timeout=120,
    )
    assert done.returncode == 130, done.stderr
    assert done.stderr.splitlines()[-1] == "Stopped; nothing was written."
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name != "posix", reason="links and modes are those of POSIX systems")
def test_study_follows_link_and_keeps_file_modes(tmp_path, monkeypatch):
    def write(notebook, folder, _progress):
        for name in ("report.html", "model"):
            (folder / name).write_text(str(folder))
        return {}

    monkeypatch.setattr(notebook, "_execute", write)
    monkeypatch.setattr(notebook, "make_notebook", lambda _: notebook_of(""))
    before = os.umask(0o027)
    try:
        run_study(Request(), tmp_path / "real")
        assert stat.S_IMODE((tmp_path / "real").stat().st_mode) == 0o750
        (tmp_path / "real").chmod(0o700)
        (tmp_path / "link").symlink_to("real")
        first = (tmp_path / "real" / "report.html").read_text()
        run_study(Request(), tmp_path / "link")
    finally:
        os.umask(before)
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real" / "report.html").read_text() != first
    assert stat.S_IMODE((tmp_path / "real").stat().st_mode) == 0o700
    assert {path.name for path in tmp_path.iterdir()} == {"real", "link"}


@pytest.mark.slow
def test_same_seed_gives_same_study(folder, market_file, tmp_path):
    run_study(Request(source=str(market_file)), tmp_path / "again")
    for name in ("decisions.csv", "irregularities.csv", "model/weights.safetensors"):
        assert (tmp_path / "again" / name).read_bytes() == (folder[0] / name).read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_report_in_browser(folder, scheme):
    sync_api = pytest.importorskip("playwright.sync_api")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("no Chromium on this machine")
    flags = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=flags)
        for width in (390, 1200):
            page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
            asked, errors = [], []
            page.on("request", lambda request, asked=asked: asked.append(request.url))
            page.on("console", lambda message, errors=errors: errors.append(message.text))
            page.goto((Path(folder[0]) / "report.html").as_uri())
            assert len(asked) == 1
            assert errors == []
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            assert page.evaluate(_UNREADABLE) == []
            assert page.evaluate(_CUT_OFF) == []
        assert page.evaluate(_PAST_THE_MARGIN) == 0
        browser.close()


# The first page's pictures of which a part is only seen by scrolling sideways.
_CUT_OFF = """() => [...document.querySelectorAll('.opening .picture')]
    .filter(e => e.scrollWidth > e.clientWidth).map(e => e.getAttribute('aria-label'))"""

# By how much the first page's table is too wide where a list has long names and large followings.
_PAST_THE_MARGIN = """() => {
  const texts = ['TI1_a_singer_official', '0.79 (0.41 to 1.00)', '358,600,000', '4.7%',
      'Maybe (manual review), may be a Yes', 'for: views, as many as usual; '.repeat(9)];
  const row = document.querySelector('.decisions tbody tr');
  texts.forEach((text, i) => { row.cells[i].textContent = text; });
  const box = row.closest('.scroll');
  return box.scrollWidth - box.clientWidth;
}"""

# Text whose contrast with the page is below 4.5 : 1 (WCAG 2.2 AA), pictures' own cells aside.
_UNREADABLE = """() => {
  const rgb = c => c.match(/[\\d.]+/g).slice(0, 3).map(Number);
  const light = c => { const [r, g, b] = rgb(c).map(v => v / 255)
      .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const behind = e => { for (; e; e = e.parentElement) {
      const c = getComputedStyle(e).backgroundColor; if (!/, 0\\)$/.test(c)) return c; }
    return 'rgb(255,255,255)'; };
  return [...document.querySelectorAll('p, td, th, dt, dd, a, h1, h2, h3, li, figcaption, summary')]
    .filter(e => { const a = light(getComputedStyle(e).color), b = light(behind(e));
      return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05) < 4.5; })
    .map(e => e.textContent.slice(0, 40));
}"""
