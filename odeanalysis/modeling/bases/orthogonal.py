"""What the orthogonal polynomials share: depth mapped to [-1, 1], and Chebyshev polynomials, of which all are made.

T_{2k} = 2 T_k^2 - 1,   T_{2k+1} = 2 T_k T_{k+1} - x
"""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

import sympy as sp

from odeanalysis.modeling.bases.basis import Basis, Domain, limits, polynomial_integral

X = sp.Symbol("x", real=True)
ADVICE = "give the interval that is mapped to [-1, 1], as interval = [low, high]"


class Orthogonal(Basis):
    """Polynomials of degree 0, 1, 2, ... in x, which is depth mapped to [-1, 1].

    interval: what is mapped, by default the domain, its lower end to -1 also where it runs backward.
    """

    interval: Any

    @abstractmethod
    def weights(self, degree: int) -> Mapping[int, Any]:
        """The polynomial of a degree as a sum of Chebyshev polynomials: degree -> weight."""

    def polynomials(self, x: Any) -> tuple[Any, ...]:
        """All polynomials at x; none cancels digits, and each is written in about as many parts as its degree squared."""
        found = chebyshev_polynomials(self.terms, x)
        return tuple(sp.Add(*(weight * found[k] for k, weight in self.weights(j).items())) for j in range(self.terms))

    def mapped(self, domain: Domain) -> Domain:
        return limits(domain, type(self).__name__, ADVICE) if self.interval is None else self.interval

    def functions(self, depth: sp.Symbol, domain: Domain) -> tuple[Any, ...]:
        low, high = self.mapped(domain)
        return self.polynomials((2 * depth - low - high) / (high - low))

    def product(self, i: int, j: int, domain: Domain) -> Any:
        low, high = self.mapped(domain)
        ends = ((2 * end - low - high) / (high - low) for end in domain)
        found = self.polynomials(X)
        return polynomial_integral(found[i] * found[j], X, *ends) * (high - low) / 2


def chebyshev_polynomials(count: int, x: Any) -> list[Any]:
    """T_0(x), T_1(x), ..., by doubling: a three-term recurrence would be a tree that grows exponentially with the degree."""
    found = [sp.Integer(1), x]
    for degree in range(2, count):
        k, odd = divmod(degree, 2)
        found.append(2 * found[k] * found[k + 1] - x if odd else 2 * found[k] ** 2 - 1)
    return found
