"""Legendre polynomials, orthogonal on the interval."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sympy as sp

from odeanalysis.modeling.bases.orthogonal import Orthogonal


@dataclass(frozen=True)
class Legendre(Orthogonal):
    """P_0, P_1, ... of depth mapped to [-1, 1]: (j + 1) P_{j+1}(x) = (2 j + 1) x P_j(x) - j P_{j-1}(x).

    terms: how many of them.  interval: (low, high), mapped to (-1, 1); by default the domain, which then has to be of numbers.
    """

    def weights(self, degree: int) -> Mapping[int, Any]:
        """P_n(cos t) = sum_k g_k g_{n-k} cos((n - 2k) t) with g_k = binomial(2k, k)/4^k, all of one sign."""
        found: dict[int, Any] = {}
        for k in range(degree + 1):
            frequency = abs(degree - 2 * k)
            found[frequency] = found.get(frequency, sp.Integer(0)) + _g(k) * _g(degree - k)
        return found


def _g(k: int) -> Any:
    return sp.binomial(2 * k, k) / sp.Integer(4) ** k
