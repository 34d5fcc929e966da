"""Piecewise linear functions: the coefficients are the values at the knots."""

from dataclasses import dataclass
from typing import Any

import sympy as sp

from odeanalysis.modeling.bases.basis import increasing
from odeanalysis.modeling.bases.piecewise import Piecewise


@dataclass(frozen=True)
class Hat(Piecewise):
    """psi_j is 1 at knot j, 0 at the others, linear between neighbours and constant outside: an input becomes an interpolated signal.

    knots: two or more increasing depths, numbers or expressions in parameters and inputs; terms = len(knots).
    """

    knots: Any

    def __post_init__(self) -> None:
        object.__setattr__(self, "knots", increasing(self.knots, "knots"))

    @property
    def terms(self) -> int:
        return len(self.knots)

    @property
    def edges(self) -> tuple[Any, ...]:
        return self.knots

    def pieces(self, depth: sp.Symbol) -> list[list[Any]]:
        last = self.terms - 1
        return [self._values({0: sp.Integer(1)}), *(self._between(i, depth) for i in range(last)), self._values({last: sp.Integer(1)})]

    def _between(self, i: int, depth: sp.Symbol) -> list[Any]:
        low, high = self.knots[i : i + 2]
        return self._values({i: (high - depth) / (high - low), i + 1: (depth - low) / (high - low)})

    def _values(self, present: dict[int, Any]) -> list[Any]:
        return [present.get(j, sp.Integer(0)) for j in range(self.terms)]
