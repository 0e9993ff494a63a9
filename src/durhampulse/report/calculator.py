"""The report's calculator: the model itself, which scores a creator on the page."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from durhampulse.creators.schema import COLUMNS
from durhampulse.decision.reasons import REASONS_NOTE
from durhampulse.export.javascript import explaining_script
from durhampulse.export.program import Input, Program, program_from
from durhampulse.study.results import Study

__all__ = ["Calculator", "Field", "build_calculator", "study_calculator"]

_PAGE = Path(__file__).with_name("templates") / "calculator.js"


@dataclass(frozen=True)
class Field:
    """A figure that is asked for."""

    column: str
    header: str
    title: str
    example: str


@dataclass(frozen=True)
class Calculator:
    """What the page needs to score a creator.

    Attributes
    ----------
    fields
        In the order in which the model uses them.
    script
        The model, the rows that stand for unknown columns, and what answers the form.
    note
        What the reasons' figures mean.
    """

    fields: list[Field]
    script: str
    note: str = REASONS_NOTE


def study_calculator(study: Study) -> Calculator:
    """Return the calculator of a study's model."""
    program = program_from(
        study.e.champion,
        study.b1.creators.rules,
        study.e.thresholds,
        study.judged.verdict.refusal,
    )
    return build_calculator(program, study.e.background)


def build_calculator(program: Program, background: pd.DataFrame) -> Calculator:
    """Return the calculator of a model.

    Parameters
    ----------
    program
        The model.
    background
        The rows that stand for unknown columns, shape (n_rows, any).
    """
    script = explaining_script(program, background) + _PAGE.read_text("utf-8")
    return Calculator([_field(each) for each in program.inputs], script)


def _field(each: Input) -> Field:
    standard = COLUMNS.get(each.column)
    title = standard.short.capitalize() if standard else each.column.replace("_", " ")
    example = standard.example if standard else ""
    if standard and standard.kind == "rate":
        return Field(each.column, each.header, title, f"{float(example):.1%}")
    return Field(each.column, each.header, title, str(example))
