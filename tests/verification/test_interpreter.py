"""Stated expressions, evaluated node by node, are what the printed code computes."""

import numpy as np
import pytest
import sympy as sp

import odeanalysis as oda
from odeanalysis.numerics.gradients.program import compiled
from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic import nodes
from odeanalysis.symbolic.formula import formula
from odeanalysis.symbolic.functions import FUNCTIONS
from odeanalysis.verification.independent.interpreter import ELEMENTARY, evaluate

v, M, x = oda.block("v", 3), oda.block("M", 3, 3), oda.block("x")
VALUES = {"v": np.array([0.3, -0.7, 0.5]), "M": np.arange(9.0).reshape(3, 3) / 10 - 0.3, "x": np.array(0.4)}
ARRAYS = {
    "sum": v + 2 * v[0] - 1,
    "product": v * x * v,
    "power": (v**2 + 1) ** 0.5,
    "matrix products": M @ v + v @ M,
    "transpose": (M.T @ M)[1],
    "outer": oda.outer(v, v)[:, 2],
    "concat": oda.concat(v[1:], x, v[0]),
    "slices": M[::-1, 1] + M[-1],
    "fill": oda.ones(3) * x + oda.zeros(3),
    "identity": oda.eye(3) @ v,
    "diag": oda.diag(v) @ v,
    "diagonal": oda.diag(M),
    "where": oda.where(v > 0, v, -v),
}
SCALARS = {
    "total": oda.sum(M) + oda.sumsq(v),
    "dot": oda.dot(v, M @ v),
    "trace": oda.trace(M @ M),
    "element": M[1, 2] * v[0],
    "and": oda.where(sp.And(x > 0, x < 1), x, 0),
    "or": oda.where(sp.Or(x > 1, x <= 0.4), x, 0),
    "not": oda.where(sp.Not(x >= 1), x, 0),
    "pi": sp.pi * x / 3,
}


def printed(expression):
    return compiled(formula("f", [v, M, x], {"y": expression}))(VALUES)["y"]


@pytest.mark.parametrize("name", ARRAYS | SCALARS)
def test_it_agrees_with_printed_code(name):
    expression = (ARRAYS | SCALARS)[name]
    found = evaluate(ex.as_expression(expression), VALUES)
    assert np.shape(found) == np.shape(printed(expression)) and found == pytest.approx(printed(expression), rel=1e-14)


@pytest.mark.parametrize("name", list(FUNCTIONS))
def test_every_function_of_the_vocabulary_is_known_for_scalars_and_arrays(name):
    function = FUNCTIONS[name]
    for first, second in ((x, sp.Rational(1, 3)), (v / 2 + x, x)):
        expression = function(first) if function.arity == 1 else function(first, second)
        if name == "log":
            expression = function(first**2)
        assert evaluate(expression, VALUES) == pytest.approx(printed(expression), rel=1e-14)
    assert name in ELEMENTARY


def test_a_node_without_a_rule_is_refused_by_name():
    with pytest.raises(oda.DerivationError, match="the independent route cannot evaluate gamma; add it to its table"):
        evaluate(sp.gamma(x), VALUES)
    with pytest.raises(oda.DerivationError, match="cannot evaluate Solve"):
        evaluate(nodes.Solve(M, v), VALUES)
