"""Heun's method, the explicit trapezoidal rule: order 2, 2 stages.

Source: Heun, Z. Math. Phys. 45 (1900); Butcher, Numerical Methods for ODEs, section 232.
"""

from odeanalysis.tableaus.coefficients import Tableau
from odeanalysis.tableaus.exact import numbers, rows

HEUN2 = Tableau(
    name="heun2",
    order=2,
    c=numbers("0 1"),
    a=rows("0; 1"),
    b=numbers("1/2 1/2"),
)
