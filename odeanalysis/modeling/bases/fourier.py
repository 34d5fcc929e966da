"""Trigonometric polynomials, which repeat themselves after a period."""

from dataclasses import dataclass, replace
from typing import Any

import sympy as sp

from odeanalysis.modeling.bases.basis import Basis, Domain, positive, whole


@dataclass(frozen=True)
class Fourier(Basis):
    """1, cos(2 pi s/period), sin(2 pi s/period), cos(4 pi s/period), ...

    terms: how many of them.  period: a number above 0, or an expression in parameters and inputs, which then learn it.
    """

    terms: int
    period: Any

    def __post_init__(self) -> None:
        object.__setattr__(self, "terms", whole(self.terms, "terms", 1))
        object.__setattr__(self, "period", positive(self.period, "period"))

    def functions(self, depth: sp.Symbol, domain: Domain) -> tuple[Any, ...]:
        return tuple(sp.cos(w * depth) if j % 2 or not j else sp.sin(w * depth) for j, w in enumerate(self.frequencies))

    def refined(self) -> "Fourier":
        return replace(self, terms=2 * self.terms + 1)

    @property
    def frequencies(self) -> tuple[Any, ...]:
        """The angular frequency of each function: 0, 2 pi/period, 2 pi/period, 4 pi/period, ..."""
        return tuple(2 * sp.pi * ((j + 1) // 2) / self.period for j in range(self.terms))

    def product(self, i: int, j: int, domain: Domain, order: int = 0) -> Any:
        """cos(u) cos(v) = (cos(u - v) + cos(u + v))/2, where a sine is a cosine a quarter of a turn later, and a derivative w times one
        a quarter of a turn earlier."""
        (p, a), (q, b) = ((self.frequencies[k], _phase(k) - order * sp.pi / 2) for k in (i, j))
        return (p * q) ** order * (_integral(p - q, a - b, domain) + _integral(p + q, a + b, domain)) / 2

    def antiderivatives(self, depth: sp.Symbol, domain: Domain) -> tuple[Any, ...]:
        waves = enumerate(self.frequencies)
        return tuple(sp.cos(w * depth - _phase(j) - sp.pi / 2) / w if j else depth for j, w in waves)


def _phase(k: int) -> Any:
    return sp.Integer(0) if k % 2 or not k else sp.pi / 2


def _integral(frequency: Any, phase: Any, domain: Domain) -> Any:
    """int cos(frequency s - phase) ds."""
    low, high = domain
    if frequency == 0:
        return (high - low) * sp.cos(phase)
    return (sp.sin(frequency * high - phase) - sp.sin(frequency * low - phase)) / frequency
