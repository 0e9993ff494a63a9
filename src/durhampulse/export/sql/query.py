"""A whole model as one query over a table of creators."""

from __future__ import annotations

from collections.abc import Sequence

from durhampulse.export.program import Program
from durhampulse.export.sql.amounts import words_tables
from durhampulse.export.sql.dialects import Dialect, dialect_named
from durhampulse.export.sql.encoding import encode_row
from durhampulse.export.sql.judging import judge_row
from durhampulse.export.sql.reading import read_cells
from durhampulse.export.sql.stages import Stages
from durhampulse.export.sql.sums import sum_row

__all__ = ["query_of"]


def query_of(program: Program, dialect: str, table: str, version: str) -> str:
    """Return a query that scores the creators of a table, each row by itself.

    It gives ``dp_row``, the row's place, the table's own columns, and ``probability``, ``low``,
    ``high``, ``recommendation``, ``unlike`` and ``refusal``. The table's columns have the headers
    of the model's own table; those of numbers may be of numbers or of text.

    Parameters
    ----------
    program
        The model.
    dialect
        One of :data:`.DIALECTS`.
    table
        The table's name, with its schema before a point where it has one.
    version
        Of this package, for the first line.

    Raises
    ------
    InputError
        If there is no such dialect, or a column has the name that the query gives to rows' numbers.
    """
    program.require_free({"dp_row"}, "the query", str.lower)
    spoken = dialect_named(dialect)
    stages = Stages()
    refusal = read_cells(program, spoken, stages)
    wide, near = encode_row(program, stages)
    log_odds = sum_row(program, near, spoken, stages)
    answers = judge_row(program, log_odds, wide, refusal, stages)
    source = ".".join(spoken.named(part) for part in table.split("."))
    first = (
        f"dp_source AS {spoken.once}(\n  SELECT row_number() OVER () AS dp_row, t.*\n"  # noqa: S608 - the name is quoted
        f"  FROM {source} AS t\n)"
    )
    parts = [
        *words_tables(program, spoken),
        first,
        *stages.text(spoken, "dp_source", [*answers.values()]),
    ]
    columns = ", ".join(f"r.{column} AS {name}" for name, column in answers.items())
    title = " ".join(f"{program.name}, written by DurhamPulse {version}".split())
    last = f"dp_stage_{len(stages.stages) - 1}"
    if spoken.guesses_few:
        parts.append(_with_rows_guessed(last, [*answers.values()], source, spoken))
        last = "dp_answers"
    query = spoken.rewritten(
        "WITH " + ",\n".join(parts) + f"\nSELECT s.*, {columns}\nFROM dp_source AS s\n"
        f"JOIN {last} AS r ON r.dp_row = s.dp_row\nORDER BY s.dp_row\n"
    )
    return f"-- {title}, for {spoken.name}\n{query}"


def _with_rows_guessed(stage: str, columns: Sequence[str], source: str, dialect: Dialect) -> str:
    """Return a stage beside no rows of the table, so that as many are guessed as the table has."""
    names, nulls = ", ".join(["dp_row", *columns]), ", ".join(["NULL"] * (len(columns) + 1))
    none = f"SELECT {nulls} FROM {source} WHERE FALSE"  # noqa: S608 - the name is quoted
    both = f"SELECT {names} FROM {stage}\n  UNION ALL {none}"  # noqa: S608 - names of our own
    return f"dp_answers AS {dialect.once}(\n  {both}\n)"
