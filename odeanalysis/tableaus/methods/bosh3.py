"""Bogacki and Shampine's pair: order 3(2), 4 stages, first same as last.

Source: Bogacki, Shampine, A 3(2) pair of Runge-Kutta formulas, Appl. Math. Lett. 2 (1989).
"""

from odeanalysis.tableaus.coefficients import Tableau
from odeanalysis.tableaus.exact import numbers, rows

A = rows("0; 1/2; 0 3/4; 2/9 1/3 4/9")

BOSH3 = Tableau(
    name="bosh3",
    order=3,
    embedded_order=2,
    c=numbers("0 1/2 3/4 1"),
    a=A,
    b=A[-1],
    b_hat=numbers("7/24 1/4 1/3 1/8"),
)
