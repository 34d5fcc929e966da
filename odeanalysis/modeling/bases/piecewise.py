"""What the piecewise polynomials share: conditions on depth, from which the break points are read off."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import sympy as sp

from odeanalysis.errors import ModelError
from odeanalysis.modeling.bases.basis import Basis, Domain, is_number
from odeanalysis.symbolic import scalars


@dataclass(frozen=True)
class Polynomial:
    """c_0 + c_1 (s - origin) + c_2 (s - origin)^2 + ...: in powers of the distance from a near depth, which keeps its digits."""

    origin: Any
    coefficients: tuple[Any, ...] = ()

    def at(self, s: Any) -> Any:
        return sp.Add(*(c * (s - self.origin) ** k for k, c in enumerate(self.coefficients)))

    def derivative(self, order: int) -> "Polynomial":
        return Polynomial(self.origin, tuple(sp.ff(k, order) * c for k, c in enumerate(self.coefficients) if k >= order))

    def antiderivative(self, constant: Any) -> "Polynomial":
        """The one that is `constant` at the origin."""
        return Polynomial(self.origin, (constant, *(c / (k + 1) for k, c in enumerate(self.coefficients))))

    def times(self, other: "Polynomial") -> "Polynomial":
        """The product of two polynomials of one origin."""
        found = [sp.Integer(0)] * max(len(self.coefficients) + len(other.coefficients) - 1, 0)
        for i, a in enumerate(self.coefficients):
            for j, b in enumerate(other.coefficients):
                found[i + j] += a * b
        return Polynomial(self.origin, tuple(found))

    def integral(self, low: Any, high: Any) -> Any:
        whole = self.antiderivative(sp.Integer(0))
        return whole.at(high) - whole.at(low)


@dataclass(frozen=True)
class Piece:
    """The polynomials of one piece: function -> coefficients in powers of the distance from the origin; the others are 0.

    origin: the edge at which the piece begins; any depth for the first piece.
    """

    origin: Any
    present: dict[int, Sequence[Any]]

    def of(self, j: int) -> Polynomial:
        return Polynomial(self.origin, tuple(self.present.get(j, ())))


class Piecewise(Basis):
    """Polynomials in depth on each side of, and between, a sequence of edges."""

    @property
    @abstractmethod
    def edges(self) -> tuple[Any, ...]:
        """The depths between the pieces, increasing."""

    @abstractmethod
    def pieces(self) -> Sequence[Piece]:
        """The len(edges) + 1 pieces, in order."""

    def functions(self, depth: sp.Symbol, domain: Domain) -> tuple[Any, ...]:
        pieces = self.pieces()
        return tuple(chain(depth, self.edges, [piece.of(j).at(depth) for piece in pieces]) for j in range(self.terms))

    def breakpoints(self, domain: Domain) -> tuple[Any, ...]:
        return self.edges

    def antiderivatives(self, depth: sp.Symbol, domain: Domain) -> tuple[Any, ...]:
        return tuple(chain(depth, self.edges, [one.at(depth) for one in self._integrated(j)]) for j in range(self.terms))

    def _integrated(self, j: int) -> list[Polynomial]:
        """Antiderivatives of function j on each piece, each equal to the one before at the edge between them, its origin."""
        found: list[Polynomial] = []
        for piece in self.pieces():
            found.append(piece.of(j).antiderivative(found[-1].at(piece.origin) if found else sp.Integer(0)))
        return found

    def product(self, i: int, j: int, domain: Domain, order: int = 0) -> Any:
        low, high = domain
        if not all(map(is_number, self.edges)):
            raise ModelError(
                f"the Gram matrix of {type(self).__name__} needs knots that are numbers, not {list(self.edges)}; substitute some"
            )
        cuts = [low, *(min(max(edge, low), high) for edge in self.edges), high]
        spans = zip(pairwise(cuts), self.pieces(), strict=True)
        return sp.Add(*(piece.of(i).derivative(order).times(piece.of(j).derivative(order)).integral(*span) for span, piece in spans))


def chain(depth: sp.Symbol, edges: Sequence[Any], values: Sequence[Any]) -> Any:
    """values[0] before the first edge, values[1] before the second one, ..., as nested `where`; equal neighbours share a piece."""
    result = values[-1]
    for edge, value in zip(reversed(edges), reversed(values[:-1]), strict=True):
        first = result.args[1] if isinstance(result, scalars.where) else result
        result = result if value == first else scalars.where(depth < edge, value, result)
    return result


def halved(depths: Sequence[Any]) -> tuple[Any, ...]:
    """The depths, and one in the middle between each two neighbours."""
    middles = [(low + high) / 2 for low, high in pairwise(depths)]
    return (*(depth for pair in zip(depths, middles, strict=False) for depth in pair), depths[-1])
