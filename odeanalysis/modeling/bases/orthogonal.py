"""What the orthogonal polynomials share: depth mapped to [-1, 1], and Chebyshev polynomials, of which all are made.

T_{2k} = 2 T_k^2 - 1,   T_{2k+1} = 2 T_k T_{k+1} - x
"""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import sympy as sp

from odeanalysis.modeling.bases.basis import Basis, Domain, interval_of, limits, polynomial_integral, whole

X = sp.Symbol("x", real=True)
ADVICE = "give the interval that is mapped to [-1, 1], as interval = [low, high]"


@dataclass(frozen=True)
class Orthogonal(Basis):
    """Polynomials of degree 0, 1, 2, ... in x, which is depth mapped to [-1, 1].

    terms: how many of them.  interval: (low, high), mapped to (-1, 1); by default the domain, which then has to be of numbers, its
    lower end to -1 also where it runs backward.
    """

    terms: int
    interval: Any = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "terms", whole(self.terms, "terms", 1))
        if self.interval is not None:
            object.__setattr__(self, "interval", interval_of(self.interval, "interval"))

    @abstractmethod
    def weights(self, degree: int) -> Mapping[int, Any]:
        """The polynomial of a degree as a sum of Chebyshev polynomials: degree -> weight."""

    def polynomials(self, x: Any) -> tuple[Any, ...]:
        """All polynomials at x; none cancels digits, and each is written in about as many parts as its degree squared."""
        return self._weighted(chebyshev_polynomials(self.terms, x))

    def _weighted(self, parts: list[Any]) -> tuple[Any, ...]:
        return tuple(sp.Add(*(weight * parts[k] for k, weight in self.weights(j).items())) for j in range(self.terms))

    def mapped(self, domain: Domain) -> Domain:
        return limits(domain, type(self).__name__, ADVICE) if self.interval is None else self.interval

    def refined(self) -> Self:
        return replace(self, terms=2 * self.terms)

    def on(self, domain: Domain) -> Self:
        return replace(self, interval=self.mapped(domain))

    def functions(self, depth: sp.Symbol, domain: Domain) -> tuple[Any, ...]:
        low, high = self.mapped(domain)
        return self.polynomials((2 * depth - low - high) / (high - low))

    def product(self, i: int, j: int, domain: Domain, order: int = 0) -> Any:
        low, high = self.mapped(domain)
        ends = ((2 * end - low - high) / (high - low) for end in domain)
        found = self.polynomials(X)
        left, right = (sp.diff(found[k], X, order) for k in (i, j))
        return polynomial_integral(left * right, X, *ends) * ((high - low) / 2) ** (1 - 2 * order)

    def antiderivatives(self, depth: sp.Symbol, domain: Domain) -> tuple[Any, ...]:
        """int T_n dx = (T_{n+1}/(n + 1) - T_{n-1}/(n - 1))/2, but T_1 for n = 0 and T_2/4 for n = 1."""
        low, high = self.mapped(domain)
        t = chebyshev_polynomials(self.terms + 2, (2 * depth - low - high) / (high - low))
        higher = ((t[n + 1] / (n + 1) - t[n - 1] / (n - 1)) / 2 for n in range(2, self.terms))
        return tuple((high - low) / 2 * integral for integral in self._weighted([t[1], t[2] / 4, *higher]))


def chebyshev_polynomials(count: int, x: Any) -> list[Any]:
    """T_0(x), T_1(x), ..., by doubling: a three-term recurrence would be a tree that grows exponentially with the degree."""
    found = [sp.Integer(1), x]
    for degree in range(2, count):
        k, odd = divmod(degree, 2)
        found.append(2 * found[k] * found[k + 1] - x if odd else 2 * found[k] ** 2 - 1)
    return found
