"""The classical Runge-Kutta method: order 4, 4 stages.

Source: Kutta, Z. Math. Phys. 46 (1901); Hairer, Norsett, Wanner, Solving ODEs I, Table II.1.2.
"""

from odeanalysis.tableaus.coefficients import Tableau
from odeanalysis.tableaus.exact import numbers, rows

RK4 = Tableau(
    name="rk4",
    order=4,
    c=numbers("0 1/2 1/2 1"),
    a=rows("0; 1/2; 0 1/2; 0 0 1"),
    b=numbers("1/6 1/3 1/3 1/6"),
)
