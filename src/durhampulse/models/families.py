"""The families of models that a model folder may hold, each alone or several in a sum."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, Self, runtime_checkable

import numpy as np
import numpy.typing as npt

from durhampulse.models.splines import SplineLogistic
from durhampulse.models.trees import ObliviousTrees
from durhampulse.models.weights import Blend, DenseNetwork, Logistic, Weights, require_array

__all__ = ["FAMILIES", "StoredWeights", "WeightedSum"]

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]

_MOST_MEMBERS = 16


@runtime_checkable
class StoredWeights(Weights, Protocol):
    """What a model offers that a folder may hold."""

    family: ClassVar[str]

    def arrays(self) -> dict[str, Array]:
        """Return the model's arrays by name."""
        ...

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Array]) -> Self:
        """Rebuild from :meth:`arrays`.

        Raises
        ------
        ValueError
            If they are not the arrays of such a model.
        """
        ...


_SINGLE: dict[str, type[StoredWeights]] = {
    kind.family: kind for kind in (Logistic, SplineLogistic, DenseNetwork, ObliviousTrees)
}


@dataclass(frozen=True)
class WeightedSum(Blend):
    """A blend whose members a folder may hold too, of other families."""

    members: tuple[StoredWeights, ...]
    family: ClassVar[str] = "sum"

    def arrays(self) -> dict[str, Array]:
        """Return the weights, and each member's arrays behind its number and family."""
        arrays: dict[str, Array] = {"coef": self.coef, "intercept": self.intercept}
        for i, member in enumerate(self.members):
            for name, array in member.arrays().items():
                arrays[f"{i}.{member.family}.{name}"] = array
        return arrays

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Array]) -> WeightedSum:
        """Rebuild from :meth:`arrays`.

        Raises
        ------
        ValueError
            If they are not the arrays of such a model.
        """
        parts: dict[tuple[int, str], dict[str, Array]] = {}
        for name in sorted(set(arrays) - {"coef", "intercept"}):
            number, family, inner = name.split(".", 2)
            parts.setdefault((int(number), family), {})[inner] = arrays[name]
        if not 0 < len(parts) <= _MOST_MEMBERS or {i for i, _ in parts} != {*range(len(parts))}:
            raise ValueError(f"a sum of the parts {sorted(parts)}")
        coef, intercept = arrays["coef"], arrays["intercept"]
        require_array(coef, 1, np.float64)
        require_array(intercept, 1, np.float64)
        if len(coef) != len(parts) or len(intercept) != 1:
            raise ValueError(f"{len(coef)} weights of {len(parts)} parts")
        members = tuple(
            _SINGLE[family].from_arrays(parts[i, family]) for i, family in sorted(parts)
        )
        return cls(members, coef, intercept)


FAMILIES: dict[str, type[StoredWeights]] = {**_SINGLE, WeightedSum.family: WeightedSum}
"""What a model folder may hold."""
