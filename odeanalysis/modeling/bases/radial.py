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

    def product(self, i: int, j: int, domain: Domain) -> Any:
        """The product of two bumps is a bump at their middle c, narrower by sqrt(2): exp(-(c_i - c_j)^2/(2 w^2)) exp(-2 ((s - c)/w)^2)."""
        low, high = domain
        middle, apart = (self.centers[i] + self.centers[j]) / 2, self.centers[i] - self.centers[j]
        ends = (sp.erf(sp.sqrt(2) * (end - middle) / self.width) for end in (high, low))
        upper, lower = ends
        return sp.exp(-(apart**2) / (2 * self.width**2)) * self.width * sp.sqrt(sp.pi / 8) * (upper - lower)
