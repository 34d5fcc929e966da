"""Chebyshev polynomials of the first kind."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sympy as sp

from odeanalysis.modeling.bases.orthogonal import Orthogonal


@dataclass(frozen=True)
class Chebyshev(Orthogonal):
    """T_0, T_1, ... of depth mapped to [-1, 1]: T_j(cos t) = cos(j t). Orthogonal with the weight 1/sqrt(1 - x^2).

    terms: how many of them.  interval: (low, high), mapped to (-1, 1); by default the domain, which then has to be of numbers.
    """

    def weights(self, degree: int) -> Mapping[int, Any]:
        return {degree: sp.Integer(1)}
