"""The texts of model files that tests read, change and break."""

from pathlib import Path

CONTRACT = Path(__file__).parent.parent / "contract"

GROWTH = """
name = "growth"
domain = [0, 2]
[state]
z = []
v = [2]
[parameters]
k = []
W = [2, 2]
[inputs]
x = []
[ranges]
k = [0.1, 2]
[field]
z = "-k*z"
v = "W @ v"
[initial]
z = "x"
v = "zeros(2)"
[objective]
terminal = "z**2"
"""
OBSERVED = """
[[objective.observations]]
at = [0.5, 1]
data = { seen = [2] }
cost = "sumsq(v - seen)"
"""
SIGNAL = """
domain = [0, 2]
[state]
z = []
[parameters]
k = []
[field]
z = "-k*z"
[initial]
z = "k"
[objective]
terminal = "z**2 + k"
running = "k*z"
"""
GALERKIN = '[[transforms]]\nkind = "galerkin"\nparameters = ["k"]\nbasis = "monomial"\nterms = 2\n'
FLOW = '[[transforms]]\nkind = "flow"\nstate = "z"\nlog_det = "ld"\n'
REGULARIZE = '[[transforms]]\nkind = "regularize"\nkinetic = 0.01\n'


def changed(old: str, new: str, text: str = GROWTH) -> str:
    assert old in text
    return text.replace(old, new)
