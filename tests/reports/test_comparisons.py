"""What data are compared with, as it is read off the costs."""

import pytest

from odeanalysis.modeling.modelfile import loads
from odeanalysis.reports.comparisons import comparisons

MODEL = """
domain = [0, 1]
[state]
y = []
z = [2]
[parameters]
k = []
C = [2, 2]
[field]
y = "-k*y"
z = "-z"
[initial]
y = "1"
z = "ones(2)"
[[objective.observations]]
at = [0.5]
data = {{ seen = {shape} }}
cost = "{cost}"
"""
# cost, shape of the data -> entry of the data and the prediction, as text
COSTS = {
    "difference": ("(y - seen)**2", [], {(): "y"}),
    "the other way round": ("(seen - y)**2/(2*k**2) + log(k)", [], {(): "y"}),
    "scaled": ("((3*seen - y)/k)**2", [], {(): "y/3"}),
    "logarithms": ("(log(y) - log(seen))**2", [], {(): "y"}),
    "a logarithm of data": ("(k*y - log(seen))**2", [], {(): "exp(k*y)"}),
    "roots": ("(sqrt(y) - sqrt(seen))**2", [], {(): "y"}),
    "vectors": ("sumsq(z - seen)", [2], {(0,): "z[0]", (1,): "z[1]"}),
    "a linear map": ("sumsq(C @ z - seen)", [2], {(0,): "(C @ z)[0]", (1,): "(C @ z)[1]"}),
    "entries": ("(seen[1] - y)**2 + (z[0] - seen[0])**2", [2], {(0,): "z[0]", (1,): "y"}),
    "concatenated": ("sumsq(log(concat(y, k)) - log(seen))", [2], {(0,): "y", (1,): "k"}),
    "weighted": ("dot((z - seen)/concat(k, 2), z - seen)", [2], {(0,): "z[0]", (1,): "z[1]"}),
    "no difference": ("-seen*log(y)", [], {}),
    "data alone": ("seen**2 + y", [], {}),
}


@pytest.mark.parametrize("name", COSTS)
def test_comparisons_are_read_off(name: str):
    cost, shape, wanted = COSTS[name]
    found = comparisons(loads(MODEL.format(cost=cost, shape=shape)))
    assert {one.entry: str(one.prediction) for one in found} == wanted
    assert all(one.data.name == "seen" and one.observation == 0 for one in found)
