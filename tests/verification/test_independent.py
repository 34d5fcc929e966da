"""The independent route: right by itself, and untouched by whatever happens to our calculus."""

from dataclasses import replace

import numpy as np
import pytest
import sympy as sp

import odeanalysis as oda
from odeanalysis.modeling.values import bind
from odeanalysis.symbolic import functions
from odeanalysis.symbolic.calculus import rules
from odeanalysis.verification.independent import gradients as independent
from odeanalysis.verification.independent.interpreter import evaluate
from odeanalysis.verification.independent.marching import Scipy
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


def test_second_derivatives_of_a_closed_form():
    """d^2 ell of theta z0^2 (e^{2 theta S} - 1)/2 along two directions, by SymPy."""
    problem, values = bound("closed_form")
    p, a = sp.symbols("theta z0")
    bent = sp.hessian(p * a**2 * (sp.exp(2 * p * sp.Rational(3, 2)) - 1) / 2, (p, a)).subs({p: 0.4, a: 1.2})
    along, beside = ({"theta": np.array(one), "z0": np.array(other)} for one, other in ((1.0, 0.5), (-0.3, 1.0)))
    known = float((sp.Matrix([[1, 0.5]]) * bent * sp.Matrix([-0.3, 1]))[0])
    assert independent.curvature(problem, values, along, beside) == pytest.approx(known, rel=1e-8)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_reductions(reduction):
    problem, values = bound("network_batch")
    one = independent.value(replace(problem, reduction=reduction), values)
    assert one == pytest.approx(oda.value_and_gradient(problem, CASES["network_batch"].values(), reduction=reduction)[0], rel=1e-7)


@pytest.mark.parametrize("method", ["DOP853", "Radau"])
def test_both_of_its_solvers(method):
    problem, values = bound("everything_moves")
    assert independent.value(problem, values, Scipy(method)) == pytest.approx(independent.value(problem, values), rel=1e-9)


def test_nodes_are_found_from_the_statement():
    """Where conditions and kinks in depth change sides, at observations, and where they are given by hand."""
    field = oda.where(s < w, z, -z) + abs(s - 0.7) + oda.maximum(s, 0.9) + oda.where(oda.sin(s * k) > 0, 1, 0)
    problem = oda.Problem(oda.Model({z: field}, {z: 1}, (0, 1), (k, w), (), (), (0.25, np.pi / 5)), oda.Objective(z))
    observed = oda.Objective(oda.where(s < 0.95, z, 2 * z), 0, (oda.Observation((0.1, 0.7, 1), z),))
    statement = independent.Statement(replace(problem, objective=observed))
    assert statement.nodes({"k": 5.0, "w": 0.4}) == pytest.approx([0, 0.1, 0.25, 0.4, np.pi / 5, 0.7, 0.9, 0.95, 1])


def test_a_kink_whose_depth_cannot_be_read_off_is_no_node():
    """As for the solver, which steps across it: |sin 5 s| bends at pi/5."""
    problem = oda.Problem(oda.Model({z: abs(oda.sin(5 * s)) * k}, {z: 1}, (0, 1), (k,)), oda.Objective(z))
    assert independent.Statement(problem).nodes({"k": 5.0}) == [0, 1]


@pytest.mark.parametrize("name", ["sign", "relu", "maximum", "minimum", "abs"])
def test_kinks_and_conditions_are_decided_in_the_middle_of_a_segment(name):
    """So that a stage beyond the end of its segment still sees the branch that holds inside."""
    node = {"sign": sp.sign(s - w), "relu": oda.relu(s - w), "maximum": oda.maximum(s, w), "minimum": oda.minimum(s, w), "abs": abs(s - w)}[
        name
    ]
    problem = oda.Problem(oda.Model({z: node + oda.where(s < w, 1, 2)}, {z: 1}, (0, 1), (w,)), oda.Objective(z))
    statement = independent.Statement(problem)
    for middle in (0.2, 0.7):
        slopes = statement.right_side({"w": 0.4}, statement.pieces({"w": 0.4}, middle))
        inside = slopes(middle, np.zeros(2))[0]
        beyond = {"sign": 0, "relu": 0.3 * (middle > 0.4), "maximum": 0.3 * (middle > 0.4), "minimum": 0.3 * (middle < 0.4)}
        beyond["abs"] = 0.3 if middle > 0.4 else -0.3
        assert slopes(middle + 0.3, np.zeros(2))[0] - inside == pytest.approx(beyond[name])
        assert inside - evaluate(node, {"s": middle, "w": 0.4}) == pytest.approx(1 if middle < 0.4 else 2)


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
    with pytest.raises(oda.SolveError, match="'trial': SciPy's DOP853 fails: "):
        independent.value(problem, bind(problem, {"k": 1.0}))
