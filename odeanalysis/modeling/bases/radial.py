"""Gaussian bumps."""

from dataclasses import dataclass
from typing import Any

import sympy as sp

from odeanalysis.modeling.bases.basis import Basis, Domain, positive, scalars


@dataclass(frozen=True)
class Radial(Basis):
    """psi_j(s) = exp(-((s - c_j)/width)^2).

    centers: one depth for each function; terms = len(centers).  width: above 0. Both are numbers, or expressions in parameters and
    inputs, which then learn them.
    """

    centers: Any
    width: Any

    def __post_init__(self) -> None:
        object.__setattr__(self, "centers", scalars(self.centers, "centers", 1))
        object.__setattr__(self, "width", positive(self.width, "width"))

    @property
    def terms(self) -> int:
        return len(self.centers)

    def functions(self, depth: sp.Symbol, domain: Domain) -> tuple[Any, ...]:
        return tuple(sp.exp(-(((depth - center) / self.width) ** 2)) for center in self.centers)

    def product(self, i: int, j: int, domain: Domain, order: int = 0) -> Any:
        """The product of two bumps is a bump at their middle m, narrower by sqrt(2): exp(-2 d^2/w^2) exp(-2 (s - m)^2/w^2), where the
        centers are m + d and m - d; that of their derivatives has the factor 4 ((s - m)^2 - d^2)/w^4."""
        low, high = domain
        width, middle, half = self.width, (self.centers[i] + self.centers[j]) / 2, (self.centers[i] - self.centers[j]) / 2
        area = _difference(lambda u: width * sp.sqrt(sp.pi / 8) * sp.erf(sp.sqrt(2) * u / width), low - middle, high - middle)
        if order:
            moment = _difference(lambda u: -(width**2) / 4 * u * sp.exp(-2 * (u / width) ** 2), low - middle, high - middle)
            area = 4 / width**4 * (moment + (width**2 / 4 - half**2) * area)
        return sp.exp(-2 * (half / width) ** 2) * area

    def antiderivatives(self, depth: sp.Symbol, domain: Domain) -> tuple[Any, ...]:
        return tuple(self.width * sp.sqrt(sp.pi) / 2 * sp.erf((depth - center) / self.width) for center in self.centers)


def _difference(function: Any, low: Any, high: Any) -> Any:
    return function(high) - function(low)
