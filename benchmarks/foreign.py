"""What is said of other platforms' creators: `python -m benchmarks.foreign TABLE ...`.

Each table is read as the program reads any; `COLUMN=percent` among the arguments gives a rate's
unit where it cannot be told. A table whose video qualities are none of the usual ones is taken
apart by them: there they name the platform, or another part. The shipped model, learned from the
built-in market, is asked of how many creators it says that they have no precedent, as they are and
by their figures alone; then one learned from four fifths of each table is asked about the fifth
that was held out and about the other tables. For figures alone each creator gets a niche and a
quality drawn from those learned from.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.demo import MODEL
from benchmarks.quality import features
from durhampulse.creators.reading import read_creators
from durhampulse.creators.schema import LABEL, NICHE, QUALITIES, QUALITY
from durhampulse.features.encoding import learn_encoding, split_creators
from durhampulse.models.fitted import FittedModel
from durhampulse.scoring.scorer import load_model
from durhampulse.scoring.summary import has_too_few_precedents


def main(arguments: list[str]) -> None:
    """Print the shares of creators without precedent by the shipped model and by each other."""
    units = dict(argument.split("=") for argument in arguments if "=" in argument)
    tables = dict(
        part for argument in arguments if "=" not in argument for part in parts(argument, units)
    )
    shipped = load_model(MODEL).model.model
    rows = {}
    for name, table in tables.items():
        alone = shipped.unlike(figures_alone(shipped, table)) > 0
        rows[name] = {
            "rows": len(table),
            "as they are": share(shipped, table),
            "figures alone": 100 * alone.mean(),
            "list called unlike": has_too_few_precedents(int(alone.sum()), len(alone)),
        }
    print("Without precedent by the shipped model, %")
    print(pd.DataFrame(rows).T.to_string())
    print("\nBy figures alone, learned from four fifths of the table of each line, %")
    print(pd.DataFrame(dict(among(tables))).T.round(2).to_string())


def parts(path: str, units: dict[str, str]) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield the tables of a file by name."""
    known = {c: unit for c, unit in units.items() if c in pd.read_csv(path, nrows=0)}
    table = read_creators(path, units=known).table
    if table[QUALITY].isin(QUALITIES).any() or table[QUALITY].nunique() > len(QUALITIES):
        yield Path(path).stem, table
        return
    for platform, rows in table.groupby(QUALITY):
        yield f"{Path(path).stem}, {platform}", rows.reset_index(drop=True)


def among(tables: dict[str, pd.DataFrame]) -> Iterator[tuple[str, dict[str, float]]]:
    """Yield what a model of each table says of the rows held out of it and of the others."""
    for name, table in tables.items():
        train, held_out = split_creators(table[table[LABEL].notna()])
        roles = [role for role in features() if role.column in table]
        model = FittedModel(name=name, encoding=learn_encoding(train, roles), weights=None)
        model = model.with_precedent(train)
        yield (
            name,
            {
                "own": share(model, held_out),
                **{
                    other: share(model, figures_alone(model, rows))
                    for other, rows in tables.items()
                    if other != name and {*table} <= {*rows}
                },
            },
        )


def figures_alone(model: FittedModel, table: pd.DataFrame) -> pd.DataFrame:
    """Return creators with niches and qualities drawn from those that a model learned from."""
    rng = np.random.default_rng(0)
    levels = model.precedent.levels
    drawn = {c: rng.choice(levels[c], len(table)) for c in (NICHE, QUALITY) if c in levels}
    return table.assign(**drawn)


def share(model: FittedModel, table: pd.DataFrame) -> float:
    """Return the percentage of creators without precedent."""
    return 100 * float((model.unlike(table) > 0).mean())


if __name__ == "__main__":
    main(sys.argv[1:])
