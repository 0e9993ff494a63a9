from __future__ import annotations

import io
from xml.etree import ElementTree as ET

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from durhampulse.report import plots
from durhampulse.report.decisionplots import front_finding, group_calibration
from durhampulse.report.figures import draw_figure, naming_source

_SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("share", [0.02, 0.07, 0.3, 0.7])
def test_words_beside_points_stay_above_the_axis(share):
    """Where few creators get a deal, so few are found by lot that no words fit below the point."""
    n = 10_000
    found = np.minimum(np.arange(1, n + 1), share * n)
    curve = pd.DataFrame({"k": np.arange(1, n + 1), "found": found})
    finding = front_finding(curve, invited=100)
    finding.figure.canvas.draw()
    by_list, by_lot = (text.get_window_extent() for text in finding.texts)
    plt.close(finding.figure)
    assert by_lot.y0 > finding.bbox.y0
    assert by_list.y0 > finding.bbox.y0


def test_words_on_lines_are_outlined_in_the_colour_of_the_page():
    """A white outline of ink made the words of a dark page blots."""
    n = 400
    curve = pd.DataFrame({"k": np.arange(1, n + 1), "found": np.arange(1, n + 1) / 2})
    svg = draw_figure("x", "x", curve, lambda: front_finding(curve, invited=100)).svg
    assert "stroke: var(--paper)" in svg
    assert "stroke: #fff" not in svg


def test_picture_for_slides_names_its_source_below_and_the_page_does_not():
    """The line stands in a strip of 0.2 inches, 32 pixels at 160 dots an inch."""
    table = pd.DataFrame({"feature": ["a"]})

    def draw():
        axes = plt.subplots(figsize=(4, 2))[1]
        axes.plot([0, 1], [0, 1])
        return axes

    with plt.rc_context({"svg.hashsalt": "same"}):
        bare = draw_figure("x", "x", table, draw)
        with naming_source("Data: my $1 and $2 list.csv, simulated"):
            named = draw_figure("x", "x", table, draw)
    before, after = (plt.imread(io.BytesIO(figure.png)) for figure in (bare, named))
    assert (before.shape[:2], after.shape[:2]) == ((320, 640), (352, 640))
    assert (after[320:, :, :3] < 0.9).any()
    assert named.svg == bare.svg


@pytest.mark.parametrize("level", ["$100-$500", r"$\frac$", "a_b^c", "<b> & *c*"])
def test_levels_are_drawn_letter_by_letter(level):
    """Between two dollar signs stands a formula in TeX, which may also be a wrong one."""
    plots.use_style()
    groups = pd.DataFrame({"group": [level], "share": [0.4], "low": [0.3], "high": [0.5]})
    figure = draw_figure("level", "Shares", groups, lambda: plots.groups(groups, level))
    texts = [text.text for text in ET.fromstring(figure.svg).iter(f"{_SVG}text")]
    assert {level, f"Share of deals by {level}, 95% interval"} <= {*texts}


def test_legend_of_groups_stands_beside_them():
    """Where few groups fill the picture, one within it covered their marks."""
    groups = pd.DataFrame(
        {"group": ["a", "b"], "creators": 9, "measured": [0.3, 0.6], "predicted": [0.4, 0.5]}
    ).assign(low=0.1, high=0.9)
    plots.use_style()
    axes = group_calibration(groups)
    axes.figure.canvas.draw()
    legend = axes.get_legend().get_window_extent()
    plt.close(axes.figure)
    assert legend.x0 >= axes.bbox.x1
    assert legend.x1 <= axes.figure.bbox.x1
