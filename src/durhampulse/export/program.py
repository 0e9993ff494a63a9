"""A model as a small program: what is read, how it is encoded, summed, judged and banded.

The one description that every writer of this package starts from. It holds numbers and names
alone, no code and no creator.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from durhampulse.creators.rules import ColumnRule, plain_rule
from durhampulse.creators.schema import COLUMNS
from durhampulse.decision.bands import Thresholds
from durhampulse.decision.unlike import kind_names
from durhampulse.exceptions import InputError
from durhampulse.features.codes import Code
from durhampulse.features.precedent import Precedent
from durhampulse.models.exact import ExactLayers
from durhampulse.models.families import WeightedSum
from durhampulse.models.fitted import FittedModel
from durhampulse.models.interval import Interval
from durhampulse.models.splines import SplineLogistic
from durhampulse.models.trees import ObliviousTrees
from durhampulse.models.weights import DenseNetwork, Logistic, Weights
from durhampulse.scoring.model import StoredModel

__all__ = [
    "Curves",
    "Input",
    "Part",
    "Program",
    "Sum",
    "Trees",
    "program_from",
    "program_of",
]


@dataclass(frozen=True)
class Input:
    """A column that is read.

    Attributes
    ----------
    rule
        How its cells are read.
    low, high
        Closed range outside which a number cannot be true.
    """

    rule: ColumnRule
    low: float
    high: float

    @property
    def column(self) -> str:
        """The column's name."""
        return self.rule.column

    @property
    def header(self) -> str:
        """The header it had in the table that the model learned from.

        A count whose header said thousands has the column's own: written models take full figures.
        """
        return self.column if self.rule.size != 1 else self.rule.header or self.column


@dataclass(frozen=True)
class Curves:
    """Curves of single columns, and the rest as a layer of one unit."""

    linear: ExactLayers
    splines: SplineLogistic


@dataclass(frozen=True)
class Trees:
    """Oblivious trees whose leaves are whole multiples of 2**-digits, (n_trees, 2**depth)."""

    trees: ObliviousTrees
    leaves: npt.NDArray[np.int32]
    digits: int


@dataclass(frozen=True)
class Sum:
    """Parts, the weight of each, and what is added to their sum; added up in their order."""

    members: tuple[Part, ...]
    coef: tuple[float, ...]
    intercept: float


Part = ExactLayers | Curves | Trees | Sum


@dataclass(frozen=True, kw_only=True)
class Program:
    """All that a score depends on.

    Attributes
    ----------
    name
        The model's.
    inputs
        The columns read, in the order in which the model uses them.
    codes
        From columns to encoded figures.
    part
        From encoded figures to log-odds.
    interval, precedent, thresholds
        What the score says beside its probability.
    refusal
        Why the data learned from allow no recommendation; empty where they do.
    """

    name: str
    inputs: tuple[Input, ...]
    codes: tuple[Code, ...]
    part: Part
    interval: Interval
    precedent: Precedent | None
    thresholds: Thresholds
    refusal: str

    @cached_property
    def kinds(self) -> list[str]:
        """What the kinds of missing precedents are called; empty text for none."""
        return kind_names(self.precedent)

    def require_free(
        self, names: Container[str], target: str, fold: Callable[[str], str] = str
    ) -> None:
        """Require that no header is a name which what is written needs for something else.

        Parameters
        ----------
        names
            The names that are taken.
        target
            What is written, in words.
        fold
            From a header to the spelling in which it is compared.

        Raises
        ------
        InputError
            If there is one.
        """
        for each in self.inputs:
            if fold(each.header) in names:
                raise InputError(
                    f"The model reads a column {each.header!r}, a name that {target} needs for "
                    "something else.",
                    "Call the column something else and train again.",
                )

    @cached_property
    def by_column(self) -> Mapping[str, Input]:
        """The inputs by their column."""
        return {each.column: each for each in self.inputs}


def program_of(loaded: StoredModel) -> Program:
    """Return what a verified model does, as a program.

    Raises
    ------
    InputError
        If its weights are of a kind that no writer knows.
    """
    refusal = str(loaded.manifest.get("verdict", {}).get("refusal", ""))
    return program_from(loaded.model, loaded.rules, loaded.thresholds, refusal)


def program_from(
    model: FittedModel, rules: Mapping[str, ColumnRule], thresholds: Thresholds, refusal: str
) -> Program:
    """Return what a model does, as a program.

    Parameters
    ----------
    model
        Encoding, weights, interval and precedent.
    rules
        Column to how its cells are read.
    thresholds
        Where the bands begin.
    refusal
        Why the data it learned from allow no recommendation; empty where they do.

    Raises
    ------
    InputError
        If its weights are of a kind that no writer knows.
    """
    used = {name: rules.get(name) or plain_rule(name) for name in model.encoding.columns}
    return Program(
        name=model.name,
        inputs=tuple(_input(name, rule) for name, rule in used.items()),
        codes=model.encoding.codes,
        part=_part(model.weights),
        interval=model.interval,
        precedent=model.precedent,
        thresholds=thresholds,
        refusal=refusal,
    )


def _input(column: str, rule: ColumnRule) -> Input:
    standard = COLUMNS.get(column)
    low, high = standard.possible if standard else (-np.inf, np.inf)
    return Input(rule, float(low), float(high))


def _part(weights: Weights) -> Part:
    match weights:
        case Logistic():
            return ExactLayers.of([weights.coef[:, None]], [weights.intercept])
        case DenseNetwork():
            return ExactLayers.of(weights.kernels, weights.biases, weights.activation)
        case SplineLogistic():
            linear = ExactLayers.of([weights.coef[:, None]], [weights.intercept])
            return Curves(linear, weights)
        case ObliviousTrees():
            return Trees(weights, *weights.whole_leaves())
        case WeightedSum():
            members = tuple(_part(member) for member in weights.members)
            return Sum(members, tuple(weights.coef.tolist()), float(weights.intercept[0]))
    raise InputError(
        f"A model of the kind {type(weights).__name__} cannot be written out.",
        "Train it again with durhampulse study.",
    )
