"""The Rosenbrock pair of ode23s: order 2(3), 3 stages, first same as last, L-stable.

In the source's words, with d = gamma and e_32 = 6 + sqrt(2), this is Gamma = d (1; -1 1; e_32 - 2, -e_32, 1),
alpha = (0; 1/2; 0 1), w = (0, 1, 0) and w_hat = (1, 4, 1)/6; here its transformed form.
Source: Shampine, Reichelt, The MATLAB ODE suite, SIAM J. Sci. Comput. 18 (1997), section 3.
"""

import sympy as sp

from odeanalysis.tableaus.coefficients import Tableau
from odeanalysis.tableaus.exact import numbers

R = sp.sqrt(2)

ROSENBROCK23 = Tableau(
    name="rosenbrock23",
    order=2,
    embedded_order=3,
    gamma=1 - R / 2,
    c=numbers("0 1/2 1"),
    d=(1 - R / 2, sp.Integer(0), R / 2 - 1),
    a=((), (1 + R / 2,), (2 + R, 2 + R)),
    coupling=((), (-2 - R,), (-4 - 2 * R, -14 - 8 * R)),
    b=(2 + R, 2 + R),
    b_hat=((14 + 7 * R) / 6, (11 + 6 * R) / 3, (2 + R) / 6),
)
