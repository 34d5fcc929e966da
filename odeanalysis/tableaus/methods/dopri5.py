"""Dormand and Prince's pair: order 5(4), 7 stages, first same as last.

Source: Dormand, Prince, A family of embedded Runge-Kutta formulae, J. Comput. Appl. Math. 6 (1980), RK5(4)7M.
"""

from odeanalysis.tableaus.coefficients import Tableau
from odeanalysis.tableaus.exact import numbers, rows

A = rows("""
    0;
    1/5;
    3/40 9/40;
    44/45 -56/15 32/9;
    19372/6561 -25360/2187 64448/6561 -212/729;
    9017/3168 -355/33 46732/5247 49/176 -5103/18656;
    35/384 0 500/1113 125/192 -2187/6784 11/84
""")

DOPRI5 = Tableau(
    name="dopri5",
    order=5,
    embedded_order=4,
    c=numbers("0 1/5 3/10 4/5 8/9 1 1"),
    a=A,
    b=A[-1],
    b_hat=numbers("5179/57600 0 7571/16695 393/640 -92097/339200 187/2100 1/40"),
)
