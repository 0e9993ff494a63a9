"""Tables and a whole study that several tests share."""

from __future__ import annotations

import os
import textwrap
import warnings
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as the command line does, before numpy

import pytest
from hypothesis import settings

from durhampulse import study
from durhampulse.market.sampling import write_market
from durhampulse.scoring.artifact import write_model

# How long an example takes says more about the machine than about the code.
settings.register_profile("durhampulse", deadline=None)
settings.load_profile("durhampulse")


@pytest.fixture
def write(tmp_path):
    """Write a text as a file and give its path."""

    def _write(text: str, name: str = "creators.csv", encoding: str = "utf-8") -> Path:
        path = tmp_path / name
        path.write_bytes(textwrap.dedent(text).lstrip("\n").encode(encoding))
        return path

    return _write


@pytest.fixture(scope="session")
def market_file(tmp_path_factory) -> Path:
    """A simulated table of 1,200 rows."""
    path = tmp_path_factory.mktemp("market") / "creators.csv"
    write_market(path, 1_200, seed=3)
    return path


def run_parts(path: Path, seed: int = 0) -> study.Study:
    """Run the parts as the notebook does, with shorter trainings."""
    a1 = study.load_and_inspect(path)
    judged = study.judge(a1.creators, random_state=seed)
    a2 = study.explore(judged.creators)
    b1 = study.prepare(judged.creators, random_state=seed)
    b2 = study.compare_classifiers(b1)
    b3 = study.read_confusion(b1, b2)
    c2 = study.train_network(b1, study.MLP)
    c3 = study.compare_with_baseline(b1, b2, c2)
    d1 = study.train_network(b1, study.REGULARISED)
    d2 = study.measure_regularisation(b1, c2, d1, seeds=(0, 1))
    e = study.decide(b1, b2, judged)
    return study.Study(
        a1=a1, judged=judged, a2=a2, b1=b1, b2=b2, b3=b3, c2=c2, c3=c3, d1=d1, d2=d2, e=e
    )


@pytest.fixture(scope="session")
def whole(market_file) -> study.Study:
    """All parts on the simulated table."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return run_parts(market_file)


@pytest.fixture(scope="session")
def model_folder(whole, tmp_path_factory) -> Path:
    """The model of that study, written."""
    folder = tmp_path_factory.mktemp("scorer") / "model"
    creators = whole.a1.creators
    verdict = whole.judged.verdict
    write_model(
        folder,
        whole.e.champion,
        facts={
            "units": dict(creators.units),
            "verdict": {"word": verdict.word, "refusal": verdict.refusal},
            "provenance": {"source": creators.source.name, "simulated": True},
        },
        card="# card\n",
        peers=whole.e.peers,
        thresholds=whole.e.thresholds,
        background=whole.e.background,
        train=whole.b1.train,
    )
    return folder
