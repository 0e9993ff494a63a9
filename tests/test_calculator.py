"""The report's calculator says what the command line says."""

from __future__ import annotations

import math
import shutil

import pytest

from durhampulse.decision.reasons import REASONS_NOTE
from durhampulse.export.program import program_of
from durhampulse.report.calculator import build_calculator
from durhampulse.scoring.scorer import load_model
from tests.exported import run_script

CREATORS = [
    {"Followers": "145,000", "Engagement_Rate": "6.8%", "Growth_Rate": "0.021", "Niche": "fashion ",
     "Video_Quality": "4k", "Avg_Views_per_Post": "30K"},
    {"Followers": "2,300", "Engagement_Rate": "", "Growth_Rate": "-0.01", "Niche": "Tech",
     "Video_Quality": "SD", "Avg_Views_per_Post": "1200"},
    {"Followers": "12000", "Engagement_Rate": "0.09", "Growth_Rate": "n/a", "Niche": "Yodelling",
     "Video_Quality": "HD", "Avg_Views_per_Post": "9,000"},
]  # fmt: skip


@pytest.fixture(scope="module")
def scorer(demo_model):
    return load_model(demo_model)


@pytest.fixture(scope="module")
def calculator(scorer):
    return build_calculator(program_of(scorer.model), scorer.model.background)


def test_calculator_gives_the_account_of_the_command_line(scorer, calculator, tmp_path):
    script = tmp_path / "calculator.js"
    script.write_text(calculator.script, encoding="utf-8")
    for record, item in zip(CREATORS, run_script(script, CREATORS), strict=True):
        account = scorer.explain(record)
        assert item["recommendation"] == account.recommendation
        for name in ("probability", "low", "high"):
            assert 0 <= item[name] - getattr(account, name) < 1e-4 + 1e-12, (
                name
            )  # the account's is cut
        effects = {each["column"]: each["effect"] for each in item["effects"]}
        known = {column: account.effects[column] for column in effects}
        assert effects == pytest.approx(known, abs=1e-9)
        assert {*account.effects} - {*effects} == {c for c in record if record[c] in ("", "n/a")}


@pytest.mark.slow
def test_page_scores_a_pasted_row_without_network(scorer, calculator):
    playwright = pytest.importorskip("playwright.sync_api")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("no Chromium on this machine")
    from durhampulse.report.rendering import _environment

    part = _environment().get_template("calculator.html.j2").render(calculator=calculator)
    record = {**CREATORS[0], "Followers": "14,500"}  # with ten times as many it has no precedent
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page()
        page.set_default_timeout(60_000)  # a busy machine is no fault of the page
        page.context.set_offline(True)
        page.set_content(f"<!doctype html><html lang=en><title>t</title><main>{part}</main>")
        text = "\t".join([*record]) + "\n" + "\t".join(record.values())
        page.evaluate(
            """text => {
              const data = new DataTransfer();
              data.setData('text', text);
              document.querySelector('#calculator input').dispatchEvent(
                new ClipboardEvent('paste', {clipboardData: data, bubbles: true, cancelable: true}));
            }""",
            text,
        )
        account = scorer.explain(record)
        answer = page.inner_text("#calculator-answer")
        page.fill("#calculator input[name=Niche]", "Yodelling")
        page.click("#calculator button")
        odd = page.inner_text("#calculator-answer")
        browser.close()
    cut = math.floor(1000 * account.probability) / 10  # never rounded into the next band
    assert f"{cut:.1f}%, {account.recommendation}" in answer
    assert REASONS_NOTE in answer
    for reason in (*account.reasons_for, *account.reasons_against):
        assert reason[reason.rindex("(without this: ") :] in answer
    assert odd.split("\n")[0] == "No precedent (manual review)"
    assert "No number counts here, so a person decides." in odd
    assert "without this" not in odd
