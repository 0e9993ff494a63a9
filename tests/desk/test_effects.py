"""The way from the usual rate to a creator's probability, step by step."""

from __future__ import annotations

from itertools import pairwise

import pytest

from durhampulse.desk.review.page import creator_page


def test_steps_lead_from_the_usual_rate_to_the_percentage_that_is_shown(filled, rules):
    with filled.reading() as db:
        pages = [creator_page(db, number, rules) for number in range(1, 598, 20)]
    assert len({page.account.recommendation for page in pages}) > 2
    for page in pages:
        steps, shown = page.effects, 100 * page.account.probability
        assert steps[0].start == pytest.approx(page.usual)
        assert all(before.end == after.start for before, after in pairwise(steps))
        assert steps[-1].end == pytest.approx(shown, abs=0.01)  # shown is cut to four decimals
        assert int(page.usual) + sum(step.points for step in steps) == int(shown + 1e-9)
        assert all((step.end >= step.start) or step.points <= 0 for step in steps)
