"""Euler's method: order 1, 1 stage.

Source: Euler, Institutionum calculi integralis I (1768), chapter 7.
"""

from odeanalysis.tableaus.coefficients import Tableau
from odeanalysis.tableaus.exact import numbers, rows

EULER = Tableau(
    name="euler",
    order=1,
    c=numbers("0"),
    a=rows("0"),
    b=numbers("1"),
)
