"""The explicit midpoint rule: order 2, 2 stages.

Source: Runge, Math. Ann. 46 (1895); Hairer, Norsett, Wanner, Solving ODEs I, (1.4) of II.1.
"""

from odeanalysis.tableaus.coefficients import Tableau
from odeanalysis.tableaus.exact import numbers, rows

MIDPOINT = Tableau(
    name="midpoint",
    order=2,
    c=numbers("0 1/2"),
    a=rows("0; 1/2"),
    b=numbers("0 1"),
)
