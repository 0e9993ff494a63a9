"""Boosted oblivious trees as plain tables that score with numpy alone.

A tree is oblivious when all nodes of a level ask the same question (Prokhorenkova et al. 2018,
CatBoost): a row's leaf is then a number whose binary digits are the answers. Questions that trees
share are asked once, and the leaves of trees that have at most 12 questions between them stand in
one table of their sums. The tables hold whole multiples of a power of two as 32-bit integers: their
sum is exact, so that a row's score depends on the row alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
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

_AT_ONCE = 8_192
"""Rows whose answers fit in a processor's cache."""
_TABLES_AT_ONCE = 16
_QUESTIONS = 12
"""Of one table: 4,096 sums of 4 bytes, half of a core's nearest cache."""
_NEAR = 300
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
        """Take over a model fitted to two outcomes and numeric columns without missing values."""
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


@dataclass(frozen=True, kw_only=True)
class _Tables:
    """Trees prepared to be summed.

    Attributes
    ----------
    spans
        Each column asked about, and where its questions begin and end.
    borders
        Shape (n_questions, 1).
    questions
        Of each table the questions that are its numbers' digits, in two halves, the first digit
        first, shape (n_tables, 2, 6).
    sums_of_leaves
        In units of 2**-digits, shape (n_tables, 4096).
    """

    spans: list[tuple[int, int, int]]
    borders: npt.NDArray[np.float32]
    questions: npt.NDArray[np.intp]
    sums_of_leaves: Integers
    digits: int

    @classmethod
    def of(cls, trees: ObliviousTrees) -> _Tables:
        """Prepare trees; the sum of them moves by at most half a unit a tree."""
        units, digits = trees.whole_leaves()
        columns = np.unique(trees.columns)
        starts, ends = (np.searchsorted(trees.columns, columns, side) for side in ("left", "right"))
        shared = _shared_tables(trees.questions)
        asked = np.array([[*own, *own[:1] * (_QUESTIONS - len(own))] for own, _ in shared])
        return cls(
            spans=list(zip(columns.tolist(), starts.tolist(), ends.tolist(), strict=True)),
            borders=trees.borders[:, None],
            questions=asked.reshape(len(shared), 2, -1),
            sums_of_leaves=np.stack(
                [_summed(own, trees.questions[some], units[some]) for own, some in shared]
            ),
            digits=digits,
        )

    def sums(self, X: Floats) -> Floats:
        """Return the sum over all trees, shape (n_rows,)."""
        answers = self._answers(X)
        total, part = np.zeros(len(X), np.int32), np.empty(len(X), np.int32)
        for start in range(0, len(self.questions), _TABLES_AT_ONCE):
            some = slice(start, start + _TABLES_AT_ONCE)
            numbers = _numbers(answers, self.questions[some])
            for table, number in zip(self.sums_of_leaves[some], numbers, strict=True):
                table.take(number, out=part, mode="wrap")  # the mode that needs no copy
                total += part
        return np.asarray(total * 2.0**-self.digits, np.float64)

    def _answers(self, X: Floats) -> npt.NDArray[np.uint8]:
        """Return 1 where a row is above a border, shape (n_questions, n_rows)."""
        cells = np.ascontiguousarray(X.T, np.float32)
        answers = np.empty((len(self.borders), len(X)), np.bool_)
        for column, start, end in self.spans:
            np.greater(cells[column], self.borders[start:end], out=answers[start:end])
        return answers.view(np.uint8)


def _shared_tables(questions: Integers) -> list[tuple[list[int], list[int]]]:
    """Return what is asked in each table, at most 12 questions, and its trees.

    A table takes the tree that adds the fewest questions to its own, until none fits.
    """
    asked = [{*tree} for tree in questions.tolist()]
    left, tables = [*range(len(asked))], []
    while left:
        first = left.pop(0)
        own, trees = {*asked[first]}, [first]
        while left:
            near = left[:_NEAR]
            added = [len(asked[tree] - own) for tree in near]
            if len(own) + min(added) > _QUESTIONS:
                break
            tree = left.pop(int(np.argmin(added)))
            own |= asked[tree]
            trees.append(tree)
        tables.append((sorted(own), trees))
    return tables


def _summed(own: Sequence[int], questions: Integers, leaves: Integers) -> Integers:
    """Return the sum of some trees' leaves for all answers to a table's questions, (4096,)."""
    numbers = np.arange(2**_QUESTIONS)
    place = {question: _QUESTIONS - 1 - i for i, question in enumerate(own)}
    total = np.zeros(len(numbers), np.int32)
    for asked, values in zip(questions.tolist(), leaves, strict=True):
        leaf = np.zeros(len(numbers), np.intp)
        for question in asked:
            leaf = 2 * leaf + (numbers >> place[question] & 1)
        total += values[leaf]
    return total


def _numbers(
    answers: npt.NDArray[np.uint8], questions: npt.NDArray[np.intp]
) -> npt.NDArray[np.intp]:
    """Return each row's place in some tables, shape (n_tables, n_rows)."""
    halves = answers.take(questions[:, :, 0], axis=0)
    for digit in range(1, questions.shape[2]):
        halves += halves
        halves |= answers.take(questions[:, :, digit], axis=0)
    number = halves[:, 0].astype(np.uint16)
    number <<= questions.shape[2]
    number |= halves[:, 1].astype(np.uint16)
    return number.astype(np.intp)
