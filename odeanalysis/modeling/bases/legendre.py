"""Legendre polynomials, orthogonal on the interval."""

from dataclasses import dataclass
from typing import Any

import sympy as sp

from odeanalysis.modeling.bases.basis import interval_of, whole
from odeanalysis.modeling.bases.orthogonal import Orthogonal


@dataclass(frozen=True)
class Legendre(Orthogonal):
    """P_0, P_1, ... of depth mapped to [-1, 1]: (j + 1) P_{j+1}(x) = (2 j + 1) x P_j(x) - j P_{j-1}(x).

    terms: how many of them.  interval: (low, high), mapped to (-1, 1); by default the domain, which then has to be of numbers.
    """

    terms: int
    interval: Any = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "terms", whole(self.terms, "terms", 1))
        if self.interval is not None:
            object.__setattr__(self, "interval", interval_of(self.interval, "interval"))

    def recurrence(self, j: int) -> tuple[Any, Any]:
        return sp.Rational(2 * j + 1, j + 1), sp.Rational(j, j + 1)
