"""A study run part by part, for the tests that need one of their own."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from durhampulse import study
from durhampulse.models import champion, teacher


@contextlib.contextmanager
def short_trainings() -> Iterator[None]:
    """A stretch in which blends and their students learn for a fraction of the usual time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(teacher, "_EPOCHS", 10)
        patch.setattr(champion, "_FOLD_ROWS", 20_000)
        patch.setattr(champion, "distil", partial(champion.distil, rows=50_000))
        yield


def run_parts(path: Path, seed: int = 0) -> study.Study:
    """Return the study of a table: the notebook's parts with shorter trainings."""
    a1 = study.load_and_inspect(path)
    judged = study.judge(a1.creators, random_state=seed)
    a2 = study.explore(judged.creators)
    b1 = study.prepare(judged.creators, random_state=seed)
    b2 = study.compare_classifiers(b1)
    b3 = study.read_confusion(b1, b2)
    c2 = study.train_network(b1, study.MLP)
    c3 = study.compare_with_baseline(b1, b2, c2, seeds=(0, 1))
    d1 = study.train_network(b1, study.REGULARISED)
    d2 = study.measure_regularisation(b1, *c3.runs, d1, seeds=(0, 1))
    e = study.decide(b1, b2, judged)
    return study.Study(
        a1=a1, judged=judged, a2=a2, b1=b1, b2=b2, b3=b3, c2=c2, c3=c3, d1=d1, d2=d2, e=e
    )
