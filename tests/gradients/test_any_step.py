"""The discrete adjoint is exact at any step, however coarse: it is the derivative of what was computed, not of the solution."""

import numpy as np
import pytest

import odeanalysis as oda
from odeanalysis.verification.independent.compare import relative_difference
from tests.cases import in_turn
from tests.gradients.solved import gradients, stepped

EXPLICIT = ("euler", "midpoint", "heun2", "rk4", "rk4_38", "bosh3", "dopri5", "tsit5", "dopri8")
STIFF = ("rosenbrock23", "rodas5p", "radau", "kvaerno5")
# a moving end, observation and initial value; a moving switch; a network over a batch; samples in segments of their own
COARSE = ("everything_moves", "moving_switch", "network_batch", "ragged_switches")
STATES = ("everything_moves", "moving_switch", "observed_everywhere", "network_batch", "own_matrices", "state_blocks", "symbolic_sizes")


def gap(run):
    """The relative distance from the complex step, which differentiates the same steps without any derivation.

    A block is measured against a thousandth of the largest one at least: the gradient of a break point is the difference of H on
    its two sides, which may all but cancel, and then its rounding is that of the sides.
    """
    found, exact = (gradients(run, one) for one in (oda.DiscreteAdjoint(), oda.ComplexStep()))
    largest = max(np.max(np.abs(block), initial=0) for block in exact.values())
    return max(
        np.max(np.abs(found[key] - exact[key]), initial=0) / max(np.max(np.abs(exact[key]), initial=0), largest / 1000) for key in exact
    )


@pytest.mark.parametrize("steps", [1, 2, 5])
@pytest.mark.parametrize("method", EXPLICIT)
@pytest.mark.parametrize("name", COARSE)
def test_explicit_methods(name, method, steps):
    assert gap(stepped(name, method, steps)) < 1e-12


@pytest.mark.parametrize("steps", [1, 2, 5])
@pytest.mark.parametrize("method", STIFF)
@pytest.mark.parametrize("name", STATES)
def test_methods_with_the_derived_jacobian_in_the_step(name, method, steps):
    assert gap(stepped(name, method, steps)) < 1e-12


@pytest.mark.parametrize(("name", "method"), [*in_turn("heun2"), *in_turn("radau", "kvaerno5")])
def test_every_case_in_few_steps(name, method):
    """So few that the errors are of the order of a percent, and enough to keep the populations positive."""
    assert gap(stepped(name, method, 8)) < 1e-12


def test_coarse_steps_are_far_from_the_solution():
    """So that the tests above tell the derivative of the steps from that of the solution."""
    run = stepped("everything_moves", "heun2", 2)
    fine = stepped("everything_moves", "heun2", 400)
    assert relative_difference(gradients(run, oda.DiscreteAdjoint()), gradients(fine, oda.DiscreteAdjoint())) > 1e-2


@pytest.mark.parametrize("method", ["tsit5", "rodas5p", "radau", "kvaerno5"])
def test_adaptive_steps_with_rejections(method):
    """Lanes of a batch that reject, wait and finish at different iterations."""
    r, z, x = oda.block("r"), oda.block("z"), oda.block("x")
    model = oda.Model({z: r * oda.cos(9 * oda.depth) * z}, {z: x}, (0, 1 + x), (r,), (x,))
    problem = oda.Problem(model, oda.Objective(z**2, z * r))
    run = oda.solve_problem(problem, {"r": 4.0, "x": np.array([0.2, 3.0, -0.9, 0.0])}, oda.Settings(method, rtol=1e-4, atol=1e-6))
    counts = run.solution.statistics
    assert (counts.rejected > 0).any() and len(set(counts.accepted)) > 2
    assert gap(run) < 1e-12
