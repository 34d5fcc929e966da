"""Kvaerno's pair: order 5(4), 7 stages, the first explicit, L-stable; b and b_hat are the last two rows of a.

Source: Kvaerno, Singly diagonally implicit Runge-Kutta methods with an explicit first stage, BIT 44 (2004), ESDIRK 5/4.
"""

from odeanalysis.tableaus.coefficients import Tableau
from odeanalysis.tableaus.exact import numbers, rows

A = rows("""
    0;
    0.26 0.26;
    0.13 0.84033320996790809 0.26;
    0.22371961478320505 0.47675532319799699 -0.06470895363112615 0.26;
    0.16648564323248321 0.10450018841591720 0.03631482272098715 -0.13090704451073998 0.26;
    0.13855640231268224 0 -0.04245337201752043 0.02446657898003141 0.61943039072480676 0.26;
    0.13659751177640291 0 -0.05496908796538376 -0.04118626728321046 0.62993304899016403 0.06962479448202728 0.26
""")

KVAERNO5 = Tableau(
    name="kvaerno5",
    order=5,
    embedded_order=4,
    exact=False,
    c=numbers("0 0.52 1.23033320996790809 0.89576598435007589 0.43639360985864757 1 1"),
    a=A,
    b=A[-1],
    b_hat=A[-2],
)
