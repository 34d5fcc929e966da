"""Stiff problems: every way to the gradient stays right, with methods that use the derived Jacobian."""

from functools import cache

import numpy as np
import pytest
import sympy as sp

import odeanalysis as oda
from odeanalysis.verification.independent.compare import relative_difference

s = oda.depth
FAINT = 1e-4  # the gradient in k is 1e-8, in a loss solved at 1e-8: 1e-4 of it is an error of 1e-12
OURS = ("rodas5p", "radau", "kvaerno5")
WAYS = ("discrete", "adjoint", "forward", "complex step")


@cache
def approach(method):
    """z' = -k (z - cos s), k = 1000: a fast approach to a slow solution."""
    z, k, z0 = oda.block("z"), oda.block("k"), oda.block("z0")
    model = oda.Model({z: -k * (z - oda.cos(s))}, {z: z0}, (0, 2), (k, z0), name="approach")
    problem = oda.Problem(model, oda.Objective(terminal=z**2, running=z))
    return oda.solve_problem(problem, {"k": 1000.0, "z0": 0.3}, oda.Settings(method, rtol=1e-8, atol=1e-10))


@cache
def approach_exactly():
    """The linear equation solved by SymPy, its value and gradient at k = 1000, z0 = 0.3."""
    t, k, z0 = sp.symbols("t k z0", positive=True)
    slow = k * (k * sp.cos(t) + sp.sin(t)) / (1 + k**2)
    z = slow + (z0 - slow.subs(t, 0)) * sp.exp(-k * t)
    assert sp.simplify(sp.diff(z, t) + k * (z - sp.cos(t))) == 0
    loss = z.subs(t, 2) ** 2 + sp.integrate(sp.expand(z), (t, 0, 2))
    at = {k: 1000, z0: sp.Rational(3, 10)}
    return float(loss.subs(at)), {str(name): np.array(float(sp.diff(loss, name).subs(at))) for name in (k, z0)}


@cache
def robertson(method, end=1000):
    """Robertson's kinetics, with rates over nine orders of magnitude."""
    a, b, c, k1, k2, k3 = (oda.block(name) for name in ("a", "b", "c", "k1", "k2", "k3"))
    field = {a: -k1 * a + k3 * b * c, b: k1 * a - k2 * b**2 - k3 * b * c, c: k2 * b**2}
    model = oda.Model(field, {a: 1, b: 0, c: 0}, (0, end), (k1, k2, k3), name="robertson")
    problem = oda.Problem(model, oda.Objective(terminal=oda.log(c) + a))
    values = {"k1": 0.04, "k2": 3e7, "k3": 1e4}
    return oda.solve_problem(problem, values, oda.Settings(method, rtol=1e-6, atol=1e-10))


@pytest.mark.parametrize("method", ["rodas5p", "radau", "kvaerno5", "Radau", "BDF", "LSODA"])
def test_the_value(method):
    value, _ = approach_exactly()
    assert float(approach(method).value) == pytest.approx(value, rel=1e-6)


@pytest.mark.parametrize("method", OURS)
@pytest.mark.parametrize("way", WAYS)
def test_every_way_is_right_where_explicit_steps_would_have_to_be_tiny(method, way):
    run = approach(method)
    assert run.solution.statistics.accepted < 300
    _, exact = approach_exactly()
    assert relative_difference(oda.SENSITIVITIES[way].gradients(run), exact) < FAINT


@pytest.mark.parametrize("way", ["adjoint", "forward"])
@pytest.mark.parametrize("method", ["Radau", "LSODA"])
def test_methods_without_a_discrete_adjoint_are_right_too(method, way):
    _, exact = approach_exactly()
    assert relative_difference(oda.SENSITIVITIES[way].gradients(approach(method)), exact) < FAINT


@pytest.mark.parametrize("method", OURS)
@pytest.mark.parametrize("way", ["adjoint", "forward", "complex step"])
def test_kinetics_over_nine_orders_of_magnitude(method, way):
    """Each rate by itself: their gradients differ by ten orders of magnitude."""
    run = robertson(method)
    known = oda.DiscreteAdjoint().gradients(run)
    found = oda.SENSITIVITIES[way].gradients(run)
    bound = 1e-12 if way == "complex step" else 1e-4
    for name, gradient in known.items():
        assert found[name] == pytest.approx(gradient, rel=bound)


@pytest.mark.parametrize("method", OURS)
def test_kinetics_to_ten_thousand(method):
    """The discrete adjoint beside the forward sensitivities, which SciPy's Radau solves in one system with the state."""
    run = robertson(method, 10_000)
    known = oda.DiscreteAdjoint().gradients(run)
    for name, gradient in oda.Forward().gradients(run).items():
        assert known[name] == pytest.approx(gradient, rel=3e-6)


@pytest.mark.parametrize("way", ["adjoint", "forward"])
def test_kinetics_with_one_of_scipys_solvers(way):
    known = oda.DiscreteAdjoint().gradients(robertson("rodas5p"))
    found = oda.SENSITIVITIES[way].gradients(robertson("BDF"))
    for name, gradient in known.items():
        assert found[name] == pytest.approx(gradient, rel=1e-3)


@pytest.mark.parametrize("way", ["adjoint", "forward"])
def test_a_batch_with_own_ends_switches_and_observations(way):
    """A stiff solve of costates and tangents, sample by sample, over segments of their own, one without length."""
    z, k, w, x, seen = (oda.block(name) for name in ("z", "k", "w", "x", "seen"))
    field = -k * (z - oda.where(s < w, oda.cos(s), oda.sin(s) * z))
    model = oda.Model({z: field}, {z: x}, (0, x), (k, w), (x,), name="approaches")
    problem = oda.Problem(model, oda.Objective(z**2, z, (oda.Observation((0,), (z - seen) ** 2, (seen,)),)))
    values = {"k": 300.0, "w": 0.4, "x": [1.0, 0.3, 0.0], "seen": [[0.1], [0.4], [float("nan")]]}
    run = oda.solve_problem(problem, values, oda.Settings("rodas5p", rtol=1e-6, atol=1e-8))
    known = oda.DiscreteAdjoint().gradients(run)
    assert relative_difference(oda.SENSITIVITIES[way].gradients(run), known) < 1e-4
