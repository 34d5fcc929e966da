"""The bases to test, listed once: every property of bases runs over these, on one domain."""

from dataclasses import dataclass
from typing import Any

import sympy as sp

from odeanalysis.modeling.bases import Basis, Chebyshev, Dilated, Fourier, Hat, Indicator, Legendre, Monomial, Radial, Spline

DOMAIN: Any = (0.5, 2.5)


@dataclass(frozen=True)
class Example:
    """A basis, a bound on the condition number of its Gram matrix (what the theory or a coarse estimate gives), and whether its functions
    are orthogonal on the domain."""

    basis: Basis
    condition: float
    orthogonal: bool = False


BASES_TRIED: dict[str, Example] = {
    "fourier": Example(Fourier(7, period=2), 2 + 1e-9, orthogonal=True),
    "fourier, even number of terms": Example(Fourier(4, period=2), 2 + 1e-9, orthogonal=True),
    "fourier, half a period": Example(Fourier(5, period=4), 1e4),
    "chebyshev": Example(Chebyshev(6), 30),
    "chebyshev on a wider interval": Example(Chebyshev(4, interval=(0, 3)), 1e3),
    "one chebyshev polynomial": Example(Chebyshev(1), 1 + 1e-9, orthogonal=True),
    "legendre": Example(Legendre(6), 11 + 1e-9, orthogonal=True),
    "monomial": Example(Monomial(5), 1e8),
    "indicator": Example(Indicator([0.5, 1, 1.7, 2.5]), 0.8 / 0.5 + 1e-9, orthogonal=True),
    "hat": Example(Hat([0.5, 1, 1.8, 2.5]), 30),
    "hat with a knot outside": Example(Hat([0, 1, 1.8]), 100),
    "spline": Example(Spline([0.5, 1, 1.7, 2.5]), 1e3),
    "spline of degree 1": Example(Spline([0.5, 1, 2.5], degree=1), 30),
    "spline of degree 0": Example(Spline([0.5, 1, 2.5], degree=0), 3 + 1e-9, orthogonal=True),
    "radial": Example(Radial([0.5, 1.5, 2.5], width=0.8), 100),
    "dilated hat": Example(Dilated(Hat([0.5, 1, 1.8]), scale=1.5, shift=-0.5), 100),
    "dilated legendre": Example(Dilated(Legendre(4), scale=1.2, shift=sp.Rational(1, 10)), 1e4),
    "shifted fourier": Example(Dilated(Fourier(5, period=2), shift=0.3), 2 + 1e-9, orthogonal=True),
    "dilated radial": Example(Dilated(Radial([0, 1], 1), scale=0.7, shift=0.9), 100),
}
