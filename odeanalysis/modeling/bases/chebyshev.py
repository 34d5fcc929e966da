"""Chebyshev polynomials of the first kind."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sympy as sp

from odeanalysis.modeling.bases.basis import interval_of, whole
from odeanalysis.modeling.bases.orthogonal import Orthogonal


@dataclass(frozen=True)
class Chebyshev(Orthogonal):
    """T_0, T_1, ... of depth mapped to [-1, 1]: T_j(cos t) = cos(j t).

    terms: how many of them.  interval: (low, high), mapped to (-1, 1); by default the domain, which then has to be of numbers.
    """

    terms: int
    interval: Any = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "terms", whole(self.terms, "terms", 1))
        if self.interval is not None:
            object.__setattr__(self, "interval", interval_of(self.interval, "interval"))

    def weights(self, degree: int) -> Mapping[int, Any]:
        return {degree: sp.Integer(1)}
