"""The verdict on a table, wherever the table is."""

from __future__ import annotations

from typing import Any

from durhampulse.creators.reading import read_creators
from durhampulse.creators.table import Creators
from durhampulse.evaluation import judgement
from durhampulse.evaluation.verdict import Verdict
from durhampulse.exceptions import CannotJudgeError
from durhampulse.study import steps
from durhampulse.study.request import Request

__all__ = ["judge"]


def judge(source: Any, **options: Any) -> Verdict:
    """Return whether a creators' table can be judged, before any model is trained on it.

    Parameters
    ----------
    source
        A file, a database address, a pandas, polars or Arrow table, or :class:`.Creators`.
    options
        Fields of :class:`.Request`: how to read the table (``columns``, ``units``), and how to
        judge it (``drop_leaks``, ``time``, ``group``, ``seed``).

    Returns
    -------
    Verdict
        Shown as a table of its checks in a notebook. Where outcomes are missing or too few, only
        with the checks up to the one that stops.

    Raises
    ------
    InputError
        If the source cannot be read as a creators' table.

    Examples
    --------
    >>> import durhampulse as dp
    >>> dp.judge(dp.simulate_market(40, seed=1).table).word
    'not ready'
    """
    request = Request(**options)
    creators = source if isinstance(source, Creators) else read_creators(source, request)
    try:
        return steps.judge(creators, request, random_state=request.seed).verdict
    except CannotJudgeError:
        verdict = judgement.judge(creators, random_state=request.seed)  # ends at the same check
        if verdict.blocker is None:
            raise
        return verdict
