"""Piecewise linear functions: the coefficients are the values at the knots."""

from dataclasses import dataclass, replace
from typing import Any

import sympy as sp

from odeanalysis.modeling.bases.basis import increasing
from odeanalysis.modeling.bases.piecewise import Piece, Piecewise, halved

ONE = sp.Integer(1)


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

    def refined(self) -> "Hat":
        return replace(self, knots=halved(self.knots))

    @property
    def rising(self) -> tuple[Any, ...]:
        return self.knots

    @property
    def edges(self) -> tuple[Any, ...]:
        return self.knots

    def pieces(self) -> list[Piece]:
        last = self.terms - 1
        return [Piece(self.knots[0], {0: (ONE,)}), *map(self._between, range(last)), Piece(self.knots[-1], {last: (ONE,)})]

    def _between(self, i: int) -> Piece:
        low, high = self.knots[i : i + 2]
        slope = ONE / (high - low)
        return Piece(low, {i: (ONE, -slope), i + 1: (sp.Integer(0), slope)})
