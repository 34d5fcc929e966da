"""Radau IIA: order 5, 3 stages, fully implicit, L-stable.

Source: Ehle (1969); Hairer, Wanner, Solving ODEs II, Table IV.5.6.
"""

import sympy as sp

from odeanalysis.tableaus.coefficients import Tableau

R = sp.sqrt(6)
A = (
    ((88 - 7 * R) / 360, (296 - 169 * R) / 1800, (-2 + 3 * R) / 225),
    ((296 + 169 * R) / 1800, (88 + 7 * R) / 360, (-2 - 3 * R) / 225),
    ((16 - R) / 36, (16 + R) / 36, sp.Rational(1, 9)),
)

RADAU = Tableau(
    name="radau",
    order=5,
    c=((4 - R) / 10, (4 + R) / 10, sp.Integer(1)),
    a=A,
    b=A[-1],
)
