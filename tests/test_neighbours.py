from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from durhampulse.creators.schema import IDENTIFIER, LABEL
from durhampulse.features.codes import LevelCode, NumberCode
from durhampulse.features.encoding import Encoding
from durhampulse.features.neighbours import Neighbours, learn_neighbours
from tests.markets import market
from tests.models import write_logistic

NUMBER = NumberCode(column="x", scale="linear", unit=1, mean=0, sd=2, fill=0, indicator=False)
ENCODING = Encoding((NUMBER, LevelCode("Niche", ("Tech", "Pets"), rare=False, missing=False)))


def past(x, niche, deal):
    return pd.DataFrame({"x": x, "Niche": pd.array(niche, "str"), LABEL: deal})


def test_another_level_is_as_far_as_one_standard_deviation():
    rows = past([0.0, 1.9, 2.1], ["Pets", "Tech", "Tech"], [1, 0, 1])
    one = past([0.0], ["Tech"], [np.nan])
    assert Neighbours(rows).nearest(ENCODING, one)["x"].tolist() == [1.9, 0.0, 2.1]
    assert len(Neighbours(rows).nearest(ENCODING, one, 2)) == 2


def test_identifiers_are_kept_only_where_asked():
    train = past([1.0, 2.0], ["Tech", "Pets"], [0, 1]).assign(**{IDENTIFIER: ["a", "b"]})
    assert IDENTIFIER not in learn_neighbours(ENCODING, train).rows
    kept = learn_neighbours(ENCODING, train, keep_identifiers=True).rows
    assert sorted(kept[IDENTIFIER]) == ["a", "b"]


@pytest.fixture(scope="module")
def account(tmp_path_factory):
    scorer = write_logistic(market(600, 4), tmp_path_factory.mktemp("neighbours") / "model")
    creator = market(1, 9).iloc[0].drop(LABEL).to_dict()
    return scorer.explain(creator)


def test_an_account_names_twelve_past_creators_and_their_outcomes(account):
    assert len(account.alike) == 12
    assert {"deal", "Followers", "Niche"} <= {*account.alike[0]}
    assert IDENTIFIER not in account.alike[0]
    deals = sum(row["deal"] for row in account.alike)
    line = f"Past creators most like this one: {deals} of 12 got a deal"
    assert account.precedents == line
    assert f"{line}:\n  - " in account.text()
