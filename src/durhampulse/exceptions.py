"""Every error DurhamPulse raises on purpose.

::

    DurhamPulseError
    ├── InputError         the table, file or option cannot be used      exit code 2
    ├── OutputError        the result cannot be written where asked      exit code 2
    ├── CannotJudgeError   the data were read, but allow no judgement    exit code 1
    └── ModelError         a model folder is damaged, foreign or unsafe  exit code 1

Each message names what is wrong and where; ``way_out`` says what the reader can do about it. It
names flags of the command line; a traceback ends with the keywords that do the same.
"""

from __future__ import annotations

import re
from typing import ClassVar

__all__ = ["CannotJudgeError", "DurhamPulseError", "InputError", "ModelError", "OutputError"]

_KEYWORDS = {
    "--map": 'columns={"COLUMN": "HEADER"}',
    "--unit": 'units={"COLUMN": "UNIT"}',
    "--id": 'identifier="COLUMN"',
    "--keep": 'keep=["COLUMN"]',
    "--drop": 'drop=["COLUMN"]',
    "--feature": 'feature=["COLUMN"]',
    "--deal-is": 'deal_is=["VALUE"]',
    "--no-deal-is": 'no_deal_is=["VALUE"]',
    "--outcomes": 'outcomes="FILE"',
    "--considered": 'considered="COLUMN"',
    "--protect": 'protect=["COLUMN"]',
    "--allow": 'allow=["COLUMN"]',
    "--table": 'table="NAME"',
    "--query": 'query="SELECT"',
    "--encoding": 'encoding="NAME"',
    "--header-row": "header_row=1",
}
"""Flag of whatever reads a table to the keyword of functions that read one."""


class DurhamPulseError(Exception):
    """Root of the tree; catch it to catch every deliberate error of this package.

    Parameters
    ----------
    problem
        What is wrong, with the file, row, column and rule where they are known.
    way_out
        What the reader can do about it.
    """

    exit_code: ClassVar[int] = 2
    field: str = ""

    def __init__(self, problem: str, way_out: str = "") -> None:
        super().__init__(f"{problem}\n{way_out}" if way_out else problem)
        self.problem = problem
        self.way_out = way_out
        flags = dict.fromkeys(re.findall(r"--[a-z-]+", str(self)))
        if keywords := [_KEYWORDS[flag] for flag in flags if flag in _KEYWORDS]:
            self.add_note(f"In Python: {', '.join(keywords)}.")


class InputError(DurhamPulseError):
    """The table, file or option cannot be used as given.

    Parameters
    ----------
    problem, way_out
        As of :class:`DurhamPulseError`.
    field
        Name of the form's field that holds it; empty where none does.
    """

    def __init__(self, problem: str, way_out: str = "", field: str = "") -> None:
        super().__init__(problem, way_out)
        self.field = field


class OutputError(DurhamPulseError):
    """The result cannot be written where it was asked for."""


class CannotJudgeError(DurhamPulseError):
    """The data were read without trouble, but allow no judgement."""

    exit_code = 1


class ModelError(DurhamPulseError):
    """A model folder is damaged, foreign or unsafe."""

    exit_code = 1
