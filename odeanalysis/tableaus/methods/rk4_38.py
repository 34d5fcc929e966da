"""Kutta's 3/8 rule: order 4, 4 stages.

Source: Kutta, Z. Math. Phys. 46 (1901); Hairer, Norsett, Wanner, Solving ODEs I, Table II.1.2.
"""

from odeanalysis.tableaus.coefficients import Tableau
from odeanalysis.tableaus.exact import numbers, rows

RK4_38 = Tableau(
    name="rk4_38",
    order=4,
    c=numbers("0 1/3 2/3 1"),
    a=rows("0; 1/3; -1/3 1; 1 -1 1"),
    b=numbers("1/8 3/8 3/8 1/8"),
)
