"""Piecewise constant functions: the coefficients are the values between the nodes."""

from dataclasses import dataclass, replace
from typing import Any

import sympy as sp

from odeanalysis.modeling.bases.basis import increasing
from odeanalysis.modeling.bases.piecewise import Piece, Piecewise, halved


@dataclass(frozen=True)
class Indicator(Piecewise):
    """psi_j is 1 from node j to node j + 1, else 0; the first and the last go on outside. What `stacked` uses, as a basis.

    nodes: two or more increasing depths, numbers or expressions in parameters and inputs; terms = len(nodes) - 1.
    """

    nodes: Any

    def __post_init__(self) -> None:
        object.__setattr__(self, "nodes", increasing(self.nodes, "nodes"))

    @property
    def terms(self) -> int:
        return len(self.nodes) - 1

    def refined(self) -> "Indicator":
        return replace(self, nodes=halved(self.nodes))

    @property
    def rising(self) -> tuple[Any, ...]:
        return self.nodes

    @property
    def edges(self) -> tuple[Any, ...]:
        return self.nodes[1:-1]

    @property
    def continuous(self) -> bool:
        return self.terms == 1

    def pieces(self) -> list[Piece]:
        return [Piece(self.nodes[j], {j: (sp.Integer(1),)}) for j in range(self.terms)]
