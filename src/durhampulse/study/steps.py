"""The study's first steps: the table read, judged, explored and prepared (A1, A2 and B1).

Each function of the study's steps takes what earlier ones gave and gives a part of
:mod:`durhampulse.study.results`. Words about them come from
:mod:`durhampulse.report.interpretation`, pictures from :mod:`durhampulse.report.plots`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from durhampulse.creators.options import ReadOptions
from durhampulse.creators.reading import read_creators
from durhampulse.creators.schema import LABEL
from durhampulse.creators.table import Creators
from durhampulse.evaluation import judgement
from durhampulse.evaluation.drift import compare_splits
from durhampulse.exceptions import CannotJudgeError
from durhampulse.features.copies import kept_together
from durhampulse.features.encoding import learn_encoding, split_creators
from durhampulse.files.cage import Cage
from durhampulse.study import exploration
from durhampulse.study.request import JudgeOptions
from durhampulse.study.results import Exploration, Inspection, Judgement, Preparation

if TYPE_CHECKING:
    from durhampulse.evaluation.drift import Kind

__all__ = ["explore", "judge", "load_and_inspect", "prepare"]

_MOST_ROWS = 30_000


def load_and_inspect(
    source: Any,
    options: ReadOptions | None = None,
    *,
    cage: Cage | None = None,
    **keywords: Any,
) -> Inspection:
    """A1: load a creators' table and look at it.

    Parameters
    ----------
    source
        As for :func:`durhampulse.read_creators`.
    options
        How to read it. Its fields as keywords count before it.
    cage
        As for :func:`durhampulse.read_creators`.
    """
    creators = read_creators(source, options, cage=cage, **keywords)
    return Inspection(
        creators=creators,
        shape=(creators.rows_read, creators.columns_read),
        columns=exploration.column_overview(creators),
        head=creators.table.head(),
        irregularities=creators.irregularities,
    )


def judge(
    creators: Creators,
    options: JudgeOptions | None = None,
    *,
    random_state: int = 0,
    **keywords: Any,
) -> Judgement:
    """Return the verdict on a table before any part is made of it.

    Parameters
    ----------
    options
        What to leave out and which splits to compare. Its fields as keywords count before it.

    Raises
    ------
    CannotJudgeError
        If outcomes are missing or too few of one kind to learn from.
    """
    options = replace(options or JudgeOptions(), **keywords)
    if options.time in {role.column for role in creators.features}:
        reason = "a time of the past says nothing about those to come"
        creators = creators.without([options.time], reason)
    verdict = judgement.judge(creators, random_state=random_state)
    if gate := verdict.blocker:
        raise CannotJudgeError(
            f"{creators.source.name}: not ready. {gate.reason} ({gate.figure})",
            f"Add past outcomes; if another column holds them, name it: --map {LABEL}=HEADER.",
        )
    if options.drop_leaks:
        verdict, creators = judgement.drop_leaks(creators, random_state=random_state)
    creators, splits = kept_together(creators), []
    asked: dict[Kind, str | None] = {"time": options.time, "group": options.group}
    for kind, column in asked.items():
        if column is not None:
            finding, scores = compare_splits(creators, column, kind, random_state=random_state)
            check = judgement.DRIFT.check(finding)
            verdict = replace(verdict, checks=(*verdict.checks, check))
            splits.append(scores)
    return Judgement(verdict, creators, pd.concat(splits) if splits else pd.DataFrame())


def explore(creators: Creators) -> Exploration:
    """A2: the target's distribution, and the features that go with it.

    Raises
    ------
    CannotJudgeError
        If no feature tells creators apart.
    """
    associations = exploration.associations(creators)
    if associations.empty:
        out = [role.column for role in creators.roles if role.role == "left out"]
        raise CannotJudgeError(
            f"{creators.source.name}: not ready. No feature holds two different values"
            + (f" once {', '.join(out)} is left out." if out else "."),
            "Add columns that tell creators apart.",
        )
    feature = exploration.surest(associations)
    return Exploration(
        creators=creators,
        target=exploration.target_distribution(creators.labelled, creators.outcome),
        associations=associations,
        feature=feature,
        by_group=exploration.outcome_by_group(creators, feature),
        histograms=exploration.outcome_histograms(creators),
        correlations=exploration.correlations(creators),
    )


def prepare(creators: Creators, *, random_state: int = 0) -> Preparation:
    """B1: split 80/20, encode and normalise; all that is learned comes from the training part."""
    parts = split_creators(creators.labelled, random_state=random_state)
    train, test = (
        part.sample(min(len(part), _MOST_ROWS), random_state=random_state).sort_index()
        for part in parts
    )
    left_out = len(creators.labelled) - len(train) - len(test)
    encoding = learn_encoding(train, creators.features)
    return Preparation(
        train=train,
        test=test,
        encoding=encoding,
        X_train=encoding.frame(train),
        X_test=encoding.frame(test),
        y_train=train[LABEL].to_numpy(np.float64),
        y_test=test[LABEL].to_numpy(np.float64),
        left_out=left_out,
        creators=creators,
        random_state=random_state,
    )
