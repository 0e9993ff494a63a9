"""Boosted oblivious trees as plain tables that score with numpy alone.

A tree is oblivious when all nodes of a level ask the same question (Prokhorenkova et al. 2018,
CatBoost): a row's leaf is then a number whose binary digits are the answers. Questions that trees
share are asked once, and trees that ask alike stand in one table of the sums of their leaves. Of
the borders of one column a row is above the lowest few, so their number says all: a table has one
digit a column, with one value more than there are borders. The tables hold whole multiples of a
power of two as 32-bit integers: their sum is exact, so that a row's score depends on the row alone.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from durhampulse.files.scratch import scratch_folder
from durhampulse.models.weights import LogOdds, require_array

if TYPE_CHECKING:
    from catboost import CatBoostClassifier

__all__ = ["ObliviousTrees"]

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int32]

_AT_ONCE = 32_768
"""Rows whose answers are held at once: so many that the calls between them cost little."""
_SUMS, _HALF = 16_384, 256
"""The most sums of a table, and the most that a half of its digits tells apart, in one byte."""
_VALUES = [np.array(value, np.uint8) for value in range(_HALF)]
"""Of a digit: arrays, which numpy need not make of numbers at each call."""
_NEAR = 60
"""Trees among which those that share questions are looked for."""
_DEEPEST, _MOST_TREES, _WIDEST = 6, 4_000, 10_000
_LARGEST = 2.0**16
"""The largest sum of leaves that is read: far beyond any log-odds."""


@dataclass(frozen=True, kw_only=True)
class ObliviousTrees(LogOdds):
    """The sum of oblivious trees.

    Attributes
    ----------
    columns, borders
        What is asked: whether the encoded column is above the border, both in single precision, as
        CatBoost compares; shape (n_questions,), in the order of the columns.
    questions
        Of each tree, the first digit of its leaves' numbers first, shape (n_trees, depth).
    leaves
        Log-odds by tree and leaf, shape (n_trees, 2**depth).
    intercept
        Shape (1,).
    """

    columns: Integers
    borders: npt.NDArray[np.float32]
    questions: Integers
    leaves: Floats
    intercept: Floats
    family: ClassVar[str] = "trees"

    def decision_function(self, X: Floats) -> Floats:
        """Return the log-odds of a deal, shape (n_rows,); no row's depend on other rows."""
        parts = [self._tables.sums(X[i : i + _AT_ONCE]) for i in range(0, len(X), _AT_ONCE)]
        return np.concatenate([np.empty(0), *parts]) + self.intercept

    def whole_leaves(self) -> tuple[Integers, int]:
        """Return the leaves in units of 2**-digits, shape (n_trees, 2**depth), and the digits.

        A sum over all trees, in units, fits in 32 bits.
        """
        largest = max(float(np.abs(self.leaves).max(axis=1).sum()), 1.0)
        digits = int(np.floor(np.log2((2.0**31 - 1 - len(self.leaves)) / largest)))
        return np.rint(self.leaves * 2.0**digits).astype(np.int32), digits

    @cached_property
    def _tables(self) -> _Tables:
        return _Tables.of(self)

    def arrays(self) -> dict[str, Array]:
        """Return the tables by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Array]) -> ObliviousTrees:
        """Rebuild from :meth:`arrays`.

        Raises
        ------
        ValueError
            If they are not the arrays of such a model.
        """
        if set(arrays) != {field.name for field in fields(cls)}:
            raise ValueError(f"trees of {', '.join(sorted(arrays))}")
        trees = cls(**arrays)
        for name in ("columns", "questions"):
            require_array(arrays[name], 1 + (name == "questions"), np.int32)
        require_array(trees.borders, 1, np.float32)
        require_array(trees.leaves, 2, np.float64)
        require_array(trees.intercept, 1, np.float64)
        n_trees, depth = trees.questions.shape
        asked = len(trees.borders)
        if (
            not (0 < depth <= _DEEPEST and 0 < n_trees <= _MOST_TREES)
            or trees.leaves.shape != (n_trees, 2**depth)
            or len(trees.intercept) != 1
            or not 0 < len(trees.columns) == asked <= n_trees * depth
        ):
            raise ValueError(f"{n_trees} trees of {depth} levels, {asked} questions")
        steps = np.diff(trees.columns, prepend=0, append=_WIDEST)
        if not (np.all(steps >= 0) and np.all((trees.questions >= 0) & (trees.questions < asked))):
            raise ValueError("trees with questions that nobody asks")
        if not np.abs(trees.leaves).max(axis=1).sum() <= _LARGEST:
            raise ValueError("leaves beyond any log-odds")
        return trees

    @classmethod
    def from_catboost(cls, model: CatBoostClassifier) -> ObliviousTrees:
        """Return the trees of a model fitted to two outcomes and numbers without missing values."""
        with scratch_folder() as folder:
            path = Path(folder, "model.json")
            model.save_model(str(path), format="json")
            fitted = json.loads(path.read_text(encoding="utf-8"))
        scale, (bias,) = fitted["scale_and_bias"]
        trees = fitted["oblivious_trees"]
        asked = [[_question(split) for split in reversed(tree["splits"])] for tree in trees]
        distinct = sorted({question for tree in asked for question in tree}) or [(0, 0.0)]
        place = {question: i for i, question in enumerate(distinct)}
        depth = max(1, *(len(tree) for tree in asked))
        questions = np.zeros((len(trees), depth), np.int32)
        leaves = np.empty((len(trees), 2**depth))
        for i, (tree, own) in enumerate(zip(trees, asked, strict=True)):
            questions[i, depth - len(own) :] = [place[question] for question in own]
            leaves[i] = np.resize(tree["leaf_values"], 2**depth)  # the same whatever is asked first
        columns, borders = zip(*distinct, strict=True)
        return cls(
            columns=np.array(columns, np.int32),
            borders=np.array(borders, np.float32),
            questions=questions,
            leaves=scale * leaves,
            intercept=np.array([bias], np.float64),
        )


def _question(split: Mapping[str, Any]) -> tuple[int, float]:
    return int(split["float_feature_index"]), float(np.float32(split["border"]))


Digit = list[int]
"""The questions about one column in a table, by their borders."""
Half = list[Digit]
"""Some digits of a table's numbers, the first one first."""


@dataclass(frozen=True, kw_only=True)
class _Table:
    """The sums of some trees' leaves.

    Attributes
    ----------
    halves
        The digits of a row's number; of the first half if all fit in a byte.
    lower
        Values of the second half.
    sums
        By number, in units of 2**-digits.
    """

    halves: tuple[Half, Half]
    lower: npt.NDArray[np.uint16]
    sums: Integers


@dataclass(frozen=True, kw_only=True)
class _Tables:
    """Trees prepared to be summed.

    Attributes
    ----------
    spans
        Each column asked about, and where its questions begin and end.
    borders
        Shape (n_questions, 1).
    tables
        Of all trees.
    digits
        Sums are in units of 2**-digits.
    """

    spans: list[tuple[int, int, int]]
    borders: npt.NDArray[np.float32]
    tables: list[_Table]
    digits: int

    @classmethod
    def of(cls, trees: ObliviousTrees) -> _Tables:
        """Prepare trees; the sum of them moves by at most half a unit a tree."""
        units, digits = trees.whole_leaves()
        columns = np.unique(trees.columns)
        starts, ends = (np.searchsorted(trees.columns, columns, side) for side in ("left", "right"))
        return cls(
            spans=list(zip(columns.tolist(), starts.tolist(), ends.tolist(), strict=True)),
            borders=trees.borders[:, None],
            tables=[
                _summed(halves, trees.questions[some], units[some])
                for halves, some in _shared_tables(trees)
            ],
            digits=digits,
        )

    def sums(self, X: Floats) -> Floats:
        """Return the sum over all trees, shape (n_rows,)."""
        answers = [*self._answers(X)]
        parts = [np.empty(len(X), np.uint8) for _ in range(2)]
        short, number = np.empty(len(X), np.uint16), np.empty(len(X), np.intp)
        total, part = np.zeros(len(X), np.int32), np.empty(len(X), np.int32)
        for table in self.tables:
            upper, lower = (
                _count(answers, half, part) for half, part in zip(table.halves, parts, strict=True)
            )
            np.multiply(upper, table.lower, short)
            np.add(short, lower, short)
            np.copyto(number, short)
            table.sums.take(number, out=part, mode="wrap")  # the mode that needs no copy
            np.add(total, part, total)
        return np.asarray(total * 2.0**-self.digits, np.float64)

    def _answers(self, X: Floats) -> npt.NDArray[np.uint8]:
        """Return 1 where a row is above a border, shape (n_questions, n_rows)."""
        cells = np.ascontiguousarray(X.T, np.float32)
        answers = np.empty((len(self.borders), len(X)), np.bool_)
        for column, start, end in self.spans:
            np.greater(cells[column], self.borders[start:end], out=answers[start:end])
        return answers.view(np.uint8)


def _shared_tables(trees: ObliviousTrees) -> list[tuple[tuple[Half, Half], list[int]]]:
    """Return the digits of each table, in two halves, and its trees.

    A table takes the tree that makes it grow the least, until none of those near fits.
    """
    column, border = trees.columns.tolist(), trees.borders.tolist()
    asked = [{*tree} for tree in trees.questions.tolist()]
    left, tables = [*range(len(asked))], []
    while left:
        some = [left.pop(0)]
        own = asked[some[0]]
        halves = _halves(own, column, border)
        if halves is None:  # never so: a tree has at most 64 leaves
            raise ValueError(f"a tree of {len(own)} questions")
        while left:
            asks = Counter(column[question] for question in own)
            grown = [
                _growth(asks, (column[question] for question in asked[tree] - own))
                for tree in left[:_NEAR]
            ]
            best = grown.index(min(grown))
            wider = _halves(own | asked[left[best]], column, border)
            if wider is None:
                break
            own, halves = own | asked[left[best]], wider
            some.append(left.pop(best))
        tables.append((halves, some))
    return tables


def _growth(asks: Mapping[int, int], more: Iterable[int]) -> float:
    """Return a table's sums after more questions of some columns, for one before."""
    growth, values = 1.0, {**asks}
    for column in more:
        values[column] = values.get(column, 0) + 1
        growth *= 1 + 1 / values[column]
    return growth


def _halves(
    questions: Iterable[int], column: Sequence[int], border: Sequence[float]
) -> tuple[Half, Half] | None:
    """Return a table's digits in two halves of a byte each; none where they do not fit."""
    borders: dict[int, list[int]] = {}
    for question in sorted(questions, key=border.__getitem__):
        borders.setdefault(column[question], []).append(question)
    halves: tuple[Half, Half] = [], []
    sizes = [1, 1]
    for own in sorted(borders.values(), key=len, reverse=True):
        at = int(sizes[1] < sizes[0])
        sizes[at] *= len(own) + 1
        halves[at].append(own)
    return halves if max(sizes) <= _HALF and sizes[0] * sizes[1] <= _SUMS else None


def _summed(halves: tuple[Half, Half], questions: Integers, leaves: Integers) -> _Table:
    """Return the sums of some trees' leaves for all answers to a table's questions."""
    upper, lower = (prod(len(digit) + 1 for digit in half) for half in halves)
    numbers = rest = np.arange(upper * lower)
    above: dict[int, npt.NDArray[np.bool_]] = {}
    for digit in reversed([*halves[0], *halves[1]]):
        rest, value = np.divmod(rest, len(digit) + 1)
        above |= {question: value > i for i, question in enumerate(digit)}
    total = np.zeros(len(numbers), np.int32)
    for asked, values in zip(questions.tolist(), leaves, strict=True):
        leaf = np.zeros(len(numbers), np.uint8)
        for question in asked:
            leaf += leaf
            leaf |= above[question].view(np.uint8)
        total += values[leaf]
    return _Table(halves=halves, lower=np.array(lower, np.uint16), sums=total)


def _count(
    answers: Sequence[npt.NDArray[np.uint8]], half: Half, out: npt.NDArray[np.uint8]
) -> npt.NDArray[np.uint8]:
    """Return the number that some digits make, shape (n_rows,), in `out` or an answer itself."""
    number = None
    for first, *others in half:
        if number is None:
            number = answers[first]
        else:
            number = np.multiply(number, _VALUES[len(others) + 2], out)
            np.add(number, answers[first], out)
        for question in others:
            number = np.add(number, answers[question], out)
    return np.zeros_like(out) if number is None else number
