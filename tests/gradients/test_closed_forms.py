"""Values and gradients that are known in closed form."""

import numpy as np
import pytest

import odeanalysis as oda
from odeanalysis.verification.independent.compare import relative_difference

WAYS = ("discrete", "adjoint", "forward", "complex step")
TIGHT = {"rtol": 1e-11, "atol": 1e-12}
s = oda.depth
z, theta, z0, S, s0, w = (oda.block(name) for name in ("z", "theta", "z0", "S", "s0", "w"))


def growth(objective, domain=(0, 1.5), extra=()):
    return oda.Problem(oda.Model({z: theta * z}, {z: z0}, domain, (theta, z0, *extra)), objective)


def computed(problem, values, way):
    return oda.value_and_gradient(problem, values, sensitivity=oda.SENSITIVITIES[way], **TIGHT)


@pytest.mark.parametrize("way", WAYS)
def test_running_cost_of_exponential_growth(way):
    """f = theta z, l = z^2: ell = z0^2 (e^{2 theta S} - 1)/(2 theta)."""
    p, a, end = 0.4, 1.2, 1.5
    grown = np.exp(2 * p * end)
    value, gradient = computed(growth(oda.Objective(running=z**2)), {"theta": p, "z0": a}, way)
    assert value == pytest.approx(a**2 * (grown - 1) / (2 * p), rel=1e-11)
    expected = {
        "theta": np.array(a**2 * (end * grown / p - (grown - 1) / (2 * p**2))),
        "z0": np.array(a * (grown - 1) / p),
    }
    assert relative_difference(gradient, expected) < 1e-10


@pytest.mark.parametrize("way", WAYS)
def test_running_cost_that_contains_the_parameter(way):
    """f = theta z, l = theta^2 z^2: ell = theta z0^2 (e^{2 theta S} - 1)/2, of which Prop. 1 as printed gives one part."""
    p, a, end = 0.4, 1.2, 1.5
    grown = np.exp(2 * p * end)
    value, gradient = computed(growth(oda.Objective(running=theta**2 * z**2)), {"theta": p, "z0": a}, way)
    assert value == pytest.approx(p * a**2 * (grown - 1) / 2, rel=1e-11)
    assert gradient["theta"] == pytest.approx(a**2 * (grown - 1) / 2 + p * a**2 * end * grown, rel=1e-10)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("ends", [(0.2, 1.1), (1.1, 0.2), (0.5, 0.5)], ids=["forward", "backward", "no length"])
def test_both_ends(way, ends):
    """z(S) = z0 e^{theta (S - s0)}: dell/dS = theta z(S), dell/ds0 = -theta z(S) for L = z."""
    first, last = ends
    problem = growth(oda.Objective(terminal=z), (s0, S), (s0, S))
    value, gradient = computed(problem, {"theta": 0.7, "z0": 1.3, "s0": first, "S": last}, way)
    reached = 1.3 * np.exp(0.7 * (last - first))
    assert value == pytest.approx(reached, rel=1e-11)
    known = {"theta": (last - first) * reached, "z0": reached / 1.3, "S": 0.7 * reached, "s0": -0.7 * reached}
    assert relative_difference(gradient, {name: np.array(number) for name, number in known.items()}) < 1e-10


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("backward", [False, True])
def test_the_depth_of_a_switch(way, backward):
    """z' = theta up to w and -1 behind: z(S) is linear in w, with slope H(w-) - H(w+), on either way of the path."""
    ends = (1, 0) if backward else (0, 1)
    field = oda.where(s < w, theta, -1)
    problem = oda.Problem(oda.Model({z: field}, {z: z0}, ends, (theta, z0, w)), oda.Objective(terminal=z))
    value, gradient = computed(problem, {"theta": 2.0, "z0": 0.1, "w": 0.3}, way)
    way_along = -1 if backward else 1
    assert value == pytest.approx(0.1 + way_along * (2.0 * 0.3 - 0.7), rel=1e-12)
    assert gradient["w"] == pytest.approx(3.0 * way_along, rel=1e-11)
    assert gradient["theta"] == pytest.approx(0.3 * way_along, rel=1e-11)


@pytest.mark.parametrize("way", WAYS)
def test_the_depth_of_an_observation(way):
    """L_i = z(w)^2 s: dell/dw = z^2 + 2 z theta z w."""
    objective = oda.Objective(observations=(oda.Observation((w,), z**2 * s),))
    value, gradient = computed(growth(objective, (0, 1), (w,)), {"theta": 0.7, "z0": 1.3, "w": 0.4}, way)
    there = 1.3 * np.exp(0.7 * 0.4)
    assert value == pytest.approx(there**2 * 0.4, rel=1e-11)
    assert gradient["w"] == pytest.approx(there**2 + 2 * 0.7 * there**2 * 0.4, rel=1e-10)


@pytest.mark.parametrize("way", WAYS)
def test_the_signed_integral_of_a_domain_that_runs_backward(way):
    """z = z0: int_0^{S} z ds = S z0, negative for S < 0."""
    problem = oda.Problem(oda.Model({z: 0 * z}, {z: z0}, (0, S), (z0, S)), oda.Objective(running=z))
    value, gradient = computed(problem, {"z0": 1.5, "S": -0.8}, way)
    assert value == pytest.approx(-1.2, rel=1e-13)
    assert gradient["S"] == pytest.approx(1.5, rel=1e-12) and gradient["z0"] == pytest.approx(-0.8, rel=1e-12)


@pytest.mark.parametrize("way", [*WAYS, "differences"])
def test_saturated_activations_have_finite_gradients(way):
    v = oda.block("v", 3)
    field = oda.concat(oda.sigmoid(1000 * v[0]), oda.softplus(-1000 * v[1]), oda.tanh(1000 * v[2]))
    problem = oda.Problem(oda.Model({v: field}, {v: z0 * oda.ones(3)}, (0, 1), (z0,)), oda.Objective(oda.sum(v)))
    value, gradient = computed(problem, {"z0": 1.0}, way)
    assert value == pytest.approx(5.0, rel=1e-9) and gradient["z0"] == pytest.approx(3.0, rel=1e-6)
