from __future__ import annotations

import pandas as pd
import pytest

from durhampulse.decision.bands import NO, NO_PRECEDENT, YES
from durhampulse.decision.phrases import in_one_cell
from durhampulse.report.tables import brief_table, decision_view


@pytest.fixture
def decided():
    """Decisions whose probability lies beside the end of its interval, to two decimals."""
    rows = [(0.9985, 0.9978, 0.9999, YES), (0.29, 0.29, 0.57, NO), (0.0012, 0.0, 0.0042, NO)]
    columns = ["Predicted Sponsorship", "Interval Low", "Interval High"]
    columns += ["Sponsorship Recommendation"]
    empty = {"Engagement Rate": 0.05, "Edge": "", "Flags": ""}
    empty |= {"Reasons For": "", "Reasons Against": "", "Not Known": ""}
    table = pd.DataFrame(rows, columns=columns).assign(**empty)
    table["Influencer ID"], table["Follower Count"] = ["A", "B", "C"], [1, 2, 3]
    return table


def test_interval_in_report_contains_its_probability(decided):
    shown = [row[1] for row in decision_view(decided).rows]
    assert shown == ["0.99 (0.99 to 1.00)", "0.29 (0.29 to 0.57)", "0.00 (0.00 to 0.01)"]


def test_interval_in_notebook_contains_its_probability(decided):
    shown = brief_table(decided)["90% interval"].tolist()
    assert shown == ["99 to 100%", "29 to 57%", "0 to 1%"]


def test_report_gives_no_precedent_no_probability_and_figures_a_minus_sign(decided):
    reason = "no precedent: growth -45% a month: nearly all creators had -4% to 9%"
    flags = in_one_cell([reason, "views over 100 times the followers"])
    decided.loc[2, ["Sponsorship Recommendation", "Flags"]] = [NO_PRECEDENT, flags]
    decided.loc[2, ["Interval Low", "Interval High"]] = [0.0, 1.0]
    last = decision_view(decided).rows[-1]
    assert last[1] == "\N{EN DASH} (0.00 to 1.00)"
    assert last[-1] == reason.replace("-", "\N{MINUS SIGN}")
    assert brief_table(decided)["Predicted Sponsorship"].tolist() == ["0.99", "0.29", "\N{EN DASH}"]
