"""A graph of ONNX that grows by nodes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import onnx

__all__ = ["Nodes"]

_OPSET, _IR = 21, 10
"""Of opset 21, in ONNX Runtime since 1.18."""


class Nodes:
    """Nodes and constants of a graph; a value is known by its name."""

    def __init__(self) -> None:
        from onnx import helper, numpy_helper

        self._helper, self._numpy = helper, numpy_helper
        self._nodes: list[onnx.NodeProto] = []
        self._constants: dict[tuple[str, bytes, tuple[int, ...]], str] = {}
        self._tensors: list[onnx.TensorProto] = []

    def add(self, operator: str, *inputs: str, outputs: int = 1, **attributes: Any) -> str:
        """Append a node, and return its first output's name."""
        name = f"dp_n{len(self._nodes)}"
        names = [name, *(f"{name}_{more}" for more in range(1, outputs))]
        self._nodes.append(self._helper.make_node(operator, [*inputs], names, **attributes))
        return name

    def constant(self, values: npt.ArrayLike, kind: npt.DTypeLike | None = None) -> str:
        """Return the name of a constant; text where values are text."""
        array = np.asarray(values, kind)
        if array.dtype.kind == "U":
            array = array.astype(object)
        raw = repr(array.tolist()).encode() if array.dtype == object else array.tobytes()
        key = (str(array.dtype), raw, array.shape)
        if key not in self._constants:
            name = f"dp_c{len(self._constants)}"
            self._constants[key] = name
            self._tensors.append(self._numpy.from_array(array, name))
        return self._constants[key]

    def number(self, value: float) -> str:
        """Return the name of a number of double precision."""
        return self.constant(float(value), np.float64)

    def whole(self, value: npt.ArrayLike) -> str:
        """Return the name of a whole number, or of several."""
        return self.constant(value, np.int64)

    def equals(self, name: str, *values: int) -> str:
        """Return whether a whole number is one of some, row by row."""
        return self.either(*(self.add("Equal", name, self.whole(value)) for value in values))

    def cast(self, name: str, kind: npt.DTypeLike) -> str:
        """Return a value in another type."""
        to = self._helper.np_dtype_to_tensor_dtype(np.dtype(kind))
        return self.add("Cast", name, to=to)

    def where(self, condition: str, yes: str, no: str) -> str:
        """Return one of two values, row by row."""
        return self.add("Where", condition, yes, no)

    def either(self, *conditions: str) -> str:
        """Return whether any of some conditions holds."""
        return self._chained("Or", conditions)

    def every(self, *conditions: str) -> str:
        """Return whether all of some conditions hold."""
        return self._chained("And", conditions)

    def negated(self, condition: str) -> str:
        """Return whether a condition does not hold."""
        return self.add("Not", condition)

    def total(self, *names: str) -> str:
        """Return a sum, added up in the order of the names."""
        return self._chained("Add", names)

    def joined(self, *texts: str) -> str:
        """Return texts one behind the other, row by row."""
        return self._chained("StringConcat", texts)

    def _chained(self, operator: str, names: Sequence[str]) -> str:
        first, *others = names
        for other in others:
            first = self.add(operator, first, other)
        return first

    def matches(self, text: str, pattern: str) -> str:
        """Return whether text matches a regular expression as a whole."""
        return self.add("RegexFullMatch", text, pattern=pattern)

    def chosen(self, values: str, condition: str) -> str:
        """Return the values of the rows where a condition holds."""
        return self.add("Compress", values, condition, axis=0)

    def put(self, values: str, condition: str, chosen: str) -> str:
        """Return values with others in the rows where a condition holds."""
        places = self.add("Squeeze", self.add("NonZero", condition), self.whole([0]))
        return self.add("ScatterElements", values, places, chosen, axis=0)

    def split(self, values: str, parts: int) -> list[str]:
        """Return values as parts of one length."""
        first = self.add("Split", values, outputs=parts, num_outputs=parts, axis=0)
        return [first, *(f"{first}_{more}" for more in range(1, parts))]

    def column(self, matrix: str, at: int) -> str:
        """Return a column of a matrix, shape (n_rows,)."""
        return self.add("Gather", matrix, self.whole(at), axis=1)

    def matrix(self, columns: Sequence[str]) -> str:
        """Return columns side by side, shape (n_rows, n_columns)."""
        axis = self.whole([1])
        return self.add("Concat", *(self.add("Unsqueeze", c, axis) for c in columns), axis=1)

    def reached(self, name: str, steps: npt.NDArray[np.float64]) -> str:
        """Return how many of some rising steps each number has reached, shape (n_rows,)."""
        axis = self.whole([1])
        across = self.add("Unsqueeze", name, axis)
        above = self.add("GreaterOrEqual", across, self.constant(steps[None]))
        return self.add("ReduceSum", self.cast(above, np.int64), axis, keepdims=0)

    def clip(self, name: str, limit: float) -> str:
        """Return numbers of double precision within a limit either way."""
        return self.add("Clip", name, self.number(-limit), self.number(limit))

    @property
    def names(self) -> set[str]:
        """The names of all values."""
        return {name for node in self._nodes for name in node.output} | {*self._constants.values()}

    def model(
        self, inputs: Sequence[str], outputs: dict[str, tuple[str, bool]], about: str
    ) -> onnx.ModelProto:
        """Return the graph with its inputs, text of shape (n_rows,), and outputs.

        Parameters
        ----------
        inputs
            Their names.
        outputs
            Name to the value's name, and whether it is text; else of double precision.
        about
            What the graph is.
        """
        from onnx import TensorProto

        make = self._helper.make_tensor_value_info
        for name, (value, _) in outputs.items():
            self._nodes.append(self._helper.make_node("Identity", [value], [name]))
        graph = self._helper.make_graph(
            self._nodes,
            "durhampulse",
            [make(name, TensorProto.STRING, ["rows"]) for name in inputs],
            [
                make(name, TensorProto.STRING if text else TensorProto.DOUBLE, ["rows"])
                for name, (_, text) in outputs.items()
            ],
            initializer=self._tensors,
        )
        opset = [self._helper.make_opsetid("", _OPSET)]
        return self._helper.make_model(
            graph, opset_imports=opset, ir_version=_IR, producer_name="durhampulse",
            doc_string=about,
        )  # fmt: skip
