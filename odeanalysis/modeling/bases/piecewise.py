"""What the piecewise polynomials share: conditions on depth, from which the break points are read off."""

from abc import abstractmethod
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import sympy as sp

from odeanalysis.errors import ModelError
from odeanalysis.modeling.bases.basis import Basis, Domain, is_number, polynomial_integral
from odeanalysis.symbolic import scalars

S = sp.Symbol("s", real=True)


class Piecewise(Basis):
    """Polynomials in depth on each side of, and between, a sequence of edges."""

    @property
    @abstractmethod
    def edges(self) -> tuple[Any, ...]:
        """The depths between the pieces, increasing."""

    @abstractmethod
    def pieces(self, depth: sp.Symbol) -> Sequence[Sequence[Any]]:
        """For each of the len(edges) + 1 pieces, in order, the polynomial of each function."""

    def functions(self, depth: sp.Symbol, domain: Domain) -> tuple[Any, ...]:
        return tuple(chain(depth, self.edges, values) for values in zip(*self.pieces(depth), strict=True))

    def breakpoints(self, domain: Domain) -> tuple[Any, ...]:
        return self.edges

    def product(self, i: int, j: int, domain: Domain) -> Any:
        low, high = domain
        if not all(map(is_number, self.edges)):
            raise ModelError(
                f"the Gram matrix of {type(self).__name__} needs knots that are numbers, not {list(self.edges)}; substitute some"
            )
        cuts = [low, *(min(max(edge, low), high) for edge in self.edges), high]
        spans = zip(pairwise(cuts), self.pieces(S), strict=True)
        return sum(polynomial_integral(piece[i] * piece[j], S, *span) for span, piece in spans)


def chain(depth: sp.Symbol, edges: Sequence[Any], values: Sequence[Any]) -> Any:
    """values[0] before the first edge, values[1] before the second one, ..., as nested `where`; equal neighbours share a piece."""
    result = values[-1]
    for edge, value in zip(reversed(edges), reversed(values[:-1]), strict=True):
        first = result.args[1] if isinstance(result, scalars.where) else result
        result = result if value == first else scalars.where(depth < edge, value, result)
    return result
