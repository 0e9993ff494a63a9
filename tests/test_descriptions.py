"""Alternative texts of pictures, against counts and means made here from the same study."""

from __future__ import annotations

import io
from base64 import b64decode
from html.parser import HTMLParser

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score, confusion_matrix, roc_auc_score

from durhampulse.report import decisionplots, plots
from durhampulse.report.context import build_report
from durhampulse.report.display import with_words


def text_of(axes):
    figure = np.ravel(axes)[0].figure
    plt.close(figure)
    return figure.get_label()


@pytest.fixture(scope="module")
def report(whole):
    return build_report(whole)


def test_each_picture_of_the_report_says_in_words_what_it_shows(report):
    texts = [figure.alt for figure in report.figures]
    assert len(texts) == len({*texts})
    assert all(any(letter.isdigit() for letter in text) for text in texts)
    assert not [text for text in texts if "nan" in text.split() or len(text) > 900]


def test_picture_in_a_notebook_carries_its_words():
    """As HTML too, which is what nbconvert takes; it leaves the words of a PNG out."""
    table = pd.DataFrame({"outcome": ['"a" & <b>', "c"], "creators": [1, 3], "share": [0.25, 0.75]})
    plots.use_style()
    axes = plots.target(table)
    data, metadata = with_words(axes.figure)
    plt.close("all")
    words = metadata["image/png"]["alt"]
    assert words == 'Bars of creators by outcome: "a" & <b> 1 (25.0%); c 3 (75.0%)'
    page = _Image()
    page.feed(data["text/html"])
    assert page.attributes["alt"] == words
    assert page.attributes["src"] == f"data:image/png;base64,{data['image/png']}"
    picture = plt.imread(io.BytesIO(b64decode(data["image/png"])))
    assert picture.shape[:2] == (242, 704)  # 6.4 by 2.2 inches at 110 dots an inch


class _Image(HTMLParser):
    def handle_starttag(self, tag, attrs):
        assert tag == "img"
        self.attributes = dict(attrs)


def test_words_of_outcomes_and_confusion_count_the_table(whole):
    labels = whole.b1.creators.labelled["Sponsorship_Status"]
    deals, total = int((labels == 1).sum()), len(labels)
    text = text_of(plots.target(whole.a2.target))
    assert f"deal (1) {deals:,} ({100 * deals / total:.1f}%)" in text
    p = whole.b2.y_prob[whole.b2.baseline]
    (right, false), (missed, hit) = confusion_matrix(whole.b1.y_test, p >= 0.5).tolist()
    text = text_of(plots.confusion(whole.b3.table))
    assert f"of {right + false:,} no deal, {right:,} predicted as no deal and {false:,} " in text
    assert f"of {missed + hit:,} deal, {missed:,} predicted as no deal and {hit:,} " in text


def test_words_of_curves_name_their_areas(whole):
    text = text_of(plots.ranking(whole.b2.curves, whole.b2.tested))
    for name, p in whole.b2.y_prob.items():
        assert f"{name} {roc_auc_score(whole.b1.y_test, p):.3f}" in text
        assert f"{name} {average_precision_score(whole.b1.y_test, p):.3f}" in text


def test_words_of_bands_and_groups_give_their_shares(whole):
    part, y = whole.e, whole.b1.y_test
    text = text_of(decisionplots.bands(part.hit_rates))
    table = part.table.set_index("Influencer ID")["Sponsorship Recommendation"]
    answer = table.reindex(whole.b1.test["Influencer_ID"])
    for band in ("Yes", "Maybe (manual review)", "No"):
        here = (answer == band).to_numpy()
        assert f"{band}, {y[here].mean():.0%} of {here.sum():,} (" in text
    niche = whole.b1.test["Niche"].to_numpy() == "Fashion"
    p = part.champion.predict_proba(whole.b1.test)
    text = text_of(decisionplots.group_calibration(part.groups))
    assert f"Fashion {p[niche].mean():.0%} and {y[niche].mean():.0%}" in text


def test_words_of_the_first_page_say_what_its_pictures_count(whole, report):
    ranking, finding = report.opening
    counts = whole.e.table["Sponsorship Recommendation"].value_counts()
    assert f"{counts['Yes']:,} to sponsor" in ranking.alt
    assert f"{counts['No']:,} to leave" in ranking.alt
    assert f"the first 100 of this list hold {whole.e.gain['found'][99]:.0f}" in finding.alt


def test_long_pictures_name_their_first_parts_and_count_the_others():
    table = pd.DataFrame(
        {"feature": [f"c{i}" for i in range(30)], "mean_abs": np.arange(30, 0, -1)}
    )
    text = text_of(decisionplots.importance(table))
    assert "c11 19.00; 18 more" in text
    assert "c12" not in text
