"""Powers of depth."""

from dataclasses import dataclass, replace
from typing import Any

import sympy as sp

from odeanalysis.modeling.bases.basis import Basis, Domain, whole


@dataclass(frozen=True)
class Monomial(Basis):
    """1, s, s^2, ...  Badly conditioned from about ten terms on: Legendre spans the same functions.

    terms: how many of them.
    """

    terms: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "terms", whole(self.terms, "terms", 1))

    def functions(self, depth: sp.Symbol, domain: Domain) -> tuple[Any, ...]:
        return tuple(depth**j for j in range(self.terms))

    def refined(self) -> "Monomial":
        return replace(self, terms=2 * self.terms)

    def product(self, i: int, j: int, domain: Domain, order: int = 0) -> Any:
        low, high = domain
        factor, power = (i * j) ** order, i + j + 1 - 2 * order
        return factor * (high**power - low**power) / power if factor else sp.Integer(0)

    def antiderivatives(self, depth: sp.Symbol, domain: Domain) -> tuple[Any, ...]:
        return tuple(depth ** (j + 1) / (j + 1) for j in range(self.terms))
