"""The independent route: right by itself, and untouched by whatever happens to our calculus."""

from dataclasses import replace

import numpy as np
import pytest

import odeanalysis as oda
from odeanalysis.modeling.values import bind
from odeanalysis.symbolic import functions
from odeanalysis.symbolic.calculus import rules
from odeanalysis.verification import independent
from tests.cases import CASES

s = oda.depth
z, k, w = oda.block("z"), oda.block("k"), oda.block("w")


def bound(name):
    problem = CASES[name].problem()
    return problem, bind(problem, CASES[name].values())


def test_a_closed_form():
    """ell = theta z0^2 (e^{2 theta S} - 1)/2."""
    problem, values = bound("closed_form")
    p, a, end = 0.4, 1.2, 1.5
    grown = np.exp(2 * p * end)
    assert independent.value(problem, values) == pytest.approx(p * a**2 * (grown - 1) / 2, rel=1e-11)
    slope = independent.directional(problem, values, {"theta": np.array(1.0)})
    assert slope == pytest.approx(a**2 * (grown - 1) / 2 + p * a**2 * end * grown, rel=1e-9)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_reductions(reduction):
    problem, values = bound("network_batch")
    one = independent.value(replace(problem, reduction=reduction), values)
    assert one == pytest.approx(oda.value_and_gradient(problem, CASES["network_batch"].values(), reduction=reduction)[0], rel=1e-7)


@pytest.mark.parametrize("method", ["DOP853", "Radau"])
def test_both_of_its_solvers(method):
    problem, values = bound("everything_moves")
    assert independent.value(problem, values, method) == pytest.approx(independent.value(problem, values), rel=1e-9)


def test_nodes_are_found_from_the_statement():
    """Where conditions and kinks in depth change sides, at observations, and where they are given by hand."""
    field = oda.where(s < w, z, -z) + abs(s - 0.7) + oda.maximum(s, 0.9) + oda.where(oda.sin(s * k) > 0, 1, 0)
    problem = oda.Problem(oda.Model({z: field}, {z: 1}, (0, 1), (k, w), (), (), (0.25, np.pi / 5)), oda.Objective(z))
    statement = independent.Statement(problem)
    nodes = statement._nodes({"k": 5.0, "w": 0.4}, 0.0, 1.0, [0.1, 0.7, 1.0])
    assert sorted(set(np.round(nodes, 12))) == pytest.approx([0, 0.1, 0.25, 0.4, np.pi / 5, 0.7, 0.9, 1])


def test_it_uses_none_of_our_calculus(monkeypatch):
    """Every rule and every derivative exchanged for one that fails: the route gives the same digits."""

    def fails(*_):
        raise AssertionError("a rule of our calculus was used")

    problem, values = bound("observed_on_a_switch")
    direction = {"w": np.array(1.0), "k": np.array(0.5)}
    before = independent.value(problem, values), independent.directional(problem, values, direction)
    for table in (rules.PULLBACKS, rules.PUSHES):
        for node in table:
            monkeypatch.setitem(table, node, fails)
    for name, function in functions.FUNCTIONS.items():
        monkeypatch.setitem(functions.FUNCTIONS, name, replace(function, partials=(fails,) * function.arity))
    fresh = CASES["observed_on_a_switch"].problem()
    assert (independent.value(fresh, values), independent.directional(fresh, values, direction)) == before


def test_a_statement_that_scipy_cannot_solve():
    problem = oda.Problem(oda.Model({z: z**2}, {z: k}, (0, 2), (k,), name="trial"), oda.Objective(z))
    with pytest.raises(oda.SolveError, match="SciPy's DOP853 fails in 'trial': "):
        independent.value(problem, bind(problem, {"k": 1.0}))
