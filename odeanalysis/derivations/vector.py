"""All states as one vector, the running cost last: what the linear systems of a step are about."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Any

import sympy as sp

from odeanalysis.derivations.parts import COST, Parts
from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic.calculus.directions import flat, indices
from odeanalysis.symbolic.calculus.jacobian import flat_jacobian
from odeanalysis.symbolic.formula import Formula
from odeanalysis.symbolic.nodes import Leaf, shape_of
from odeanalysis.symbolic.shapes import Shape, as_size, size_of


@dataclass(frozen=True)
class Vector:
    """The states of a problem, each flattened row by row, and the running cost where there is one, one behind the other."""

    stated: Parts

    @cached_property
    def leaves(self) -> tuple[Leaf, ...]:
        return (*self.stated.states, *((COST,) if self.stated.has_cost else ()))

    @cached_property
    def names(self) -> tuple[str, ...]:
        return tuple(leaf.name for leaf in self.leaves)

    @cached_property
    def starts(self) -> tuple[Any, ...]:
        return tuple(accumulate((size_of(shape_of(leaf)) for leaf in self.leaves), initial=sp.Integer(0)))

    @property
    def size(self) -> Any:
        return as_size(self.starts[-1])

    def flat(self, values: Mapping[str, Any]) -> Any:
        """The values of states and running cost as one vector. Raises DerivationError for a matrix with a symbolic size."""
        return ex.concat(*(flat(values[name], name) for name in self.names))

    def split(self, vector: Any) -> dict[str, Any]:
        """A vector as the parts of the states, and that of the running cost, by name."""
        return {leaf.name: _shaped(vector, start, leaf) for leaf, start in zip(self.leaves, self.starts, strict=False)}

    def jacobian(self) -> Formula:
        """`jacobian`: the derivative of the field in the states, [size, size]."""
        return flat_jacobian(self.stated.field, self.names, self.leaves)


def _shaped(vector: Any, start: Any, leaf: Leaf) -> Any:
    """The entries from `start` on in the shape of a leaf."""
    shape = shape_of(leaf)
    if len(shape) <= 1:
        return ex.part(vector, (sp.Tuple(start, shape[0], 1) if shape else start,))
    return ex.add(*(_placed_row(vector, start, row, index, shape) for row, index in enumerate(indices(leaf.name, shape[:-1]))))


def _placed_row(vector: Any, start: Any, row: int, index: tuple[Any, ...], shape: Shape) -> Any:
    width = shape[-1]
    return ex.place(ex.part(vector, (sp.Tuple(start + row * width, width, 1),)), (*index, sp.Tuple(0, width, 1)), shape)
