"""What the orthogonal polynomials share: three-term recurrences in depth mapped to [-1, 1]."""

from abc import abstractmethod
from typing import Any

import sympy as sp

from odeanalysis.modeling.bases.basis import Basis, Domain, limits, polynomial_integral

X = sp.Symbol("x", real=True)


class Orthogonal(Basis):
    """Polynomials P_0 = 1, P_1 = x, P_{j+1} = a_j x P_j - c_j P_{j-1} in x, which is depth mapped to [-1, 1].

    interval: what is mapped, by default the domain, its lower end to -1 also where it runs backward.
    """

    interval: Any

    @abstractmethod
    def recurrence(self, j: int) -> tuple[Any, Any]:
        """(a_j, c_j)."""

    def polynomials(self, x: Any) -> tuple[Any, ...]:
        """P_0(x), P_1(x), ..., each written with the ones before it, so that high degrees neither cancel nor are computed twice."""
        found = [sp.Integer(1), x]
        for j in range(1, self.terms - 1):
            a, c = self.recurrence(j)
            found.append(a * (x * found[j]) - c * found[j - 1])
        return tuple(found[: self.terms])

    def mapped(self, domain: Domain) -> Domain:
        return (
            limits(domain, type(self).__name__, "give the interval that is mapped to [-1, 1], as interval = [low, high]")
            if self.interval is None
            else self.interval
        )

    def functions(self, depth: sp.Symbol, domain: Domain) -> tuple[Any, ...]:
        low, high = self.mapped(domain)
        return self.polynomials((2 * depth - low - high) / (high - low))

    def product(self, i: int, j: int, domain: Domain) -> Any:
        low, high = self.mapped(domain)
        ends = ((2 * end - low - high) / (high - low) for end in domain)
        found = self.polynomials(X)
        return polynomial_integral(found[i] * found[j], X, *ends) * (high - low) / 2
