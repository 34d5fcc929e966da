"""The continuous ways to a gradient: near the steps' own, by tolerances and by the order of the method; and what they are not for."""

import numpy as np
import pytest

import odeanalysis as oda
from odeanalysis.numerics.gradients.second import hessian_vector
from odeanalysis.verification.independent.compare import relative_difference
from tests.cases import CASES
from tests.gradients.solved import ACCUMULATED, conditioning
from tests.torchbridge.solved import difference, hessian_times, on_tensors
from torchbridge.gradients.continuous import Backsolve, ContinuousAdjoint
from torchbridge.gradients.discrete import DiscreteAdjoint

WAYS = {"adjoint": ContinuousAdjoint(), "backsolve": Backsolve()}
# all that can move, jump and be missing; samples that share their path, and samples that do not
SMOOTH = (
    "observed_everywhere",
    "everything_moves",
    "adaptive",
    "interpolated_input",
    "running_cost",
    "network_batch",
    "moving_switch",
    "backward_domain",
    "some_of_zero_length",
    "no_length",
)
TOLERANCE = 1e-9
TIGHT = oda.Settings("tsit5", rtol=TOLERANCE, atol=TOLERANCE)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", SMOOTH)
def test_they_agree_with_the_steps_up_to_tolerances(name, way):
    problem, values = CASES[name].problem(), CASES[name].values()
    found, known = (on_tensors(problem, values, TIGHT, how) for how in (WAYS[way], DiscreteAdjoint()))
    assert found.value == pytest.approx(known.value, rel=1e-12)
    assert difference(found, known) < ACCUMULATED * TOLERANCE * conditioning(name)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", ["everything_moves", "network_batch", "some_of_zero_length"])
def test_their_hessians_are_near_those_of_the_steps(name, way):
    problem, values = CASES[name].problem(), CASES[name].values()
    draw = np.random.default_rng(5)
    along = {key: draw.normal(size=np.shape(value)) for key, value in values.items()}
    expected = hessian_vector(oda.solve_problem(problem, values, TIGHT), along)
    assert relative_difference(hessian_times(problem, values, TIGHT, WAYS[way], along), expected) < ACCUMULATED * TOLERANCE * 10


@pytest.mark.parametrize(("method", "order"), [("heun2", 2), ("bosh3", 3), ("rk4", 4)])
@pytest.mark.parametrize("way", WAYS)
def test_the_gap_to_the_steps_falls_at_the_order_of_the_method(way, method, order):
    problem, values = CASES["moving_ends"].problem(), CASES["moving_ends"].values()

    def gap(steps):
        settings = oda.Settings(method, steps=steps)
        found, known = (on_tensors(problem, values, settings, how).gradients for how in (WAYS[way], DiscreteAdjoint()))
        return relative_difference(found, known)

    assert order - 0.4 < np.log2(gap(12) / gap(24)) < order + 1
