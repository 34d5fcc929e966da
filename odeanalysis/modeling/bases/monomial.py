"""Powers of depth."""

from dataclasses import dataclass
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

    def product(self, i: int, j: int, domain: Domain) -> Any:
        low, high = domain
        power = i + j + 1
        return (high**power - low**power) / power
