"""The study's parts A to E, in the order in which the notebook and the command line call them."""

from __future__ import annotations

from durhampulse.study.baselines import BASE_RATE, compare_classifiers, read_confusion
from durhampulse.study.deciding import decide
from durhampulse.study.networks import (
    MLP,
    REGULARISED,
    UNREGULARISED,
    compare_with_baseline,
    measure_regularisation,
    train_network,
)
from durhampulse.study.request import JudgeOptions, Request
from durhampulse.study.results import Study
from durhampulse.study.steps import explore, judge, load_and_inspect, prepare
from durhampulse.study.suspicion import ask_again

__all__ = [
    "BASE_RATE",
    "MLP",
    "REGULARISED",
    "UNREGULARISED",
    "JudgeOptions",
    "Request",
    "Study",
    "ask_again",
    "compare_classifiers",
    "compare_with_baseline",
    "decide",
    "explore",
    "judge",
    "load_and_inspect",
    "measure_regularisation",
    "prepare",
    "read_confusion",
    "train_network",
]
