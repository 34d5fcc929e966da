"""Every method behind the one call: its order on a field that depends on depth, and which gradients it has."""

from functools import cache

import numpy as np
import pytest

import odeanalysis as oda
from odeanalysis.numerics.solvers.scipy_ import USES_JACOBIAN
from odeanalysis.tableaus import METHODS, tableau
from odeanalysis.verification.independent.compare import relative_difference

IMPLICIT = ("radau", "kvaerno5")
FIXED = ("euler", "midpoint", "heun2", "rk4", "rk4_38")
SCIPY = tuple(name for name in USES_JACOBIAN if name != "RK23")
DIRECTIONS = {"forward": (0, 1.6), "backward": (1.6, 0)}
# steps: small enough that the leading term rules, large enough to stay above rounding, and a multiple of four segments
COUNTS = {1: (64, 256), 2: (32, 128), 3: (16, 64), 4: (12, 48), 5: (12, 48), 8: (8, 16)}
s = oda.depth
z, p, z0, w = (oda.block(name) for name in ("z", "p", "z0", "w"))
P, Z0 = np.array([1.3, -0.8, 2.1]), np.array([0.7, 1.2, 0.4])
VALUES = {"p": P, "z0": Z0}  # samples, so that the leading error term vanishes for one of them at most


@cache
def driven(ends):
    """z' = p z cos s, l = cos s log z, and observations that cut the domain into a quarter, a half, a quarter."""
    objective = oda.Objective(z, oda.cos(s) * oda.log(z), (oda.Observation((0.4, 1.2), z * s),))
    return oda.Problem(oda.Model({z: p * z * oda.cos(s)}, {z: z0}, ends, (p, z0), name="driven"), objective)


def exact(ends, p=P, z0=Z0):
    """z = z0 e^{p (sin s - sin s0)}; with u = sin s - sin s0 the running cost integrates to log(z0) u + p u^2/2."""
    first, second, last = (np.sin(depth) - np.sin(ends[0]) for depth in (0.4, 1.2, ends[1]))
    observed = 0.4 * np.exp(p * first) + 1.2 * np.exp(p * second)
    return z0 * (np.exp(p * last) + observed) + np.log(z0) * last + p * last**2 / 2


def exact_gradient(ends):
    """The complex step of the closed form; the loss is the mean of three samples'."""
    tiny = 1e-40
    return {"p": exact(ends, p=P + 1j * tiny).imag / tiny / 3, "z0": exact(ends, z0=Z0 + 1j * tiny).imag / tiny / 3}


def order(errors, counts):
    return np.log(errors[0] / errors[1]) / np.log(counts[1] / counts[0])


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("method", METHODS)
def test_the_value_has_the_order_of_the_method(method, direction):
    ends, due = DIRECTIONS[direction], tableau(method).order
    runs = [oda.solve_problem(driven(ends), VALUES, oda.Settings(method, steps=n)) for n in COUNTS[due]]
    errors = [np.abs(run.losses - exact(ends)).max() for run in runs]
    assert errors[1] > 1e-14
    assert order(errors, COUNTS[due]) > due - 0.5


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("method", METHODS)
def test_the_gradient_has_the_order_of_the_method(method, direction):
    ends, due = DIRECTIONS[direction], tableau(method).order
    found = [oda.value_and_gradient(driven(ends), VALUES, method=method, steps=n)[1] for n in COUNTS[due]]
    errors = [relative_difference(gradient, exact_gradient(ends)) for gradient in found]
    assert errors[1] > 1e-14
    assert order(errors, COUNTS[due]) > due - 0.5


@pytest.mark.parametrize("method", METHODS)
def test_a_switch_keeps_the_order(method):
    """z' = p z cos s up to w, -z behind: steps end at w and start afresh there, with the pieces of their segment."""
    field = oda.where(s < w, p * z * oda.cos(s), -z)
    problem = oda.Problem(oda.Model({z: field}, {z: z0}, (0, 1), (p, z0, w)), oda.Objective(z))
    counts = COUNTS[tableau(method).order]
    runs = [oda.solve_problem(problem, {**VALUES, "w": 0.25}, oda.Settings(method, steps=n)) for n in counts]
    errors = [np.abs(run.losses - Z0 * np.exp(P * np.sin(0.25) - 0.75)).max() for run in runs]
    assert order(errors, counts) > tableau(method).order - 0.5 or errors[1] < 1e-14


@pytest.mark.parametrize("method", [*(name for name in METHODS if name not in FIXED), *SCIPY])
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_methods_that_control_their_error_reach_the_tolerance(method, direction):
    ends = DIRECTIONS[direction]
    run = oda.solve_problem(driven(ends), VALUES, oda.Settings(method, rtol=1e-6, atol=1e-8))
    assert run.losses == pytest.approx(exact(ends), rel=1e-4)


@pytest.mark.parametrize("method", FIXED)
def test_methods_without_an_error_estimate_want_a_number_of_steps(method):
    with pytest.raises(oda.ModelError, match=f"method '{method}' has no error estimate: give a number of steps"):
        oda.Settings(method)


@pytest.mark.parametrize("way", ["adjoint", "forward", "backsolve"])
@pytest.mark.parametrize("method", [*IMPLICIT, *SCIPY])
def test_ways_that_need_no_steps_work_with_every_method(method, way):
    ends, sensitivity = DIRECTIONS["forward"], oda.SENSITIVITIES[way]
    found = oda.evaluate(driven(ends), VALUES, oda.Settings(method, rtol=1e-7, atol=1e-9), sensitivity)
    assert relative_difference(found.gradients, exact_gradient(ends)) < 1e-4
    assert found.statistics["method"] == method and found.statistics["sensitivity"] == way


@pytest.mark.parametrize("method", [name for name in METHODS if name not in FIXED])
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_ways_through_the_steps_agree_at_loose_tolerances(method, direction):
    """They differentiate the same steps; what these are worth is the tolerance's doing."""
    ends = DIRECTIONS[direction]
    run = oda.solve_problem(driven(ends), VALUES, oda.Settings(method, rtol=1e-6, atol=1e-8))
    found, truth, rough = (way.gradients(run) for way in (oda.DiscreteAdjoint(), oda.ComplexStep(), oda.Differences()))
    assert relative_difference(found, truth) < 1e-12 and relative_difference(found, rough) < 1e-8
    assert relative_difference(found, exact_gradient(ends)) < 1e-4


@pytest.mark.parametrize("way", ["discrete", "complex step", "differences"])
@pytest.mark.parametrize("method", SCIPY)
def test_ways_through_the_steps_are_refused_for_scipys_solvers(method, way):
    with pytest.raises(oda.ModelError, match=f"method '{method}' keeps no steps"):
        oda.value_and_gradient(driven((0, 1.6)), VALUES, method=method, sensitivity=oda.SENSITIVITIES[way])


def test_the_default_way_names_another_for_scipys_solvers():
    """By the name that the command line takes, and as Python writes it."""
    with pytest.raises(oda.ModelError, match=r"take the sensitivity 'adjoint' \(ContinuousAdjoint\(\)\), or a method of ours") as refused:
        oda.value_and_gradient(driven((0, 1.6)), VALUES, method="RK45")
    assert "--" not in str(refused.value)


def test_scipys_solvers_refuse_a_number_of_steps():
    with pytest.raises(oda.ModelError, match="RK45 chooses its own steps"):
        oda.value_and_gradient(driven((0, 1.6)), VALUES, method="RK45", steps=10, sensitivity=oda.ContinuousAdjoint())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"method": "rk5"}, "there is no method 'rk5'; did you mean 'rk4'\\? take one of euler, .* or of SciPy's: RK45, "),
        ({"rtol": -1e-3}, "rtol = -0.001; give a finite number of 0 or more"),
        ({"atol": float("nan")}, "atol = nan; give a finite number"),
        ({"rtol": 0.0, "atol": 0.0}, "rtol and atol are both 0"),
        ({"steps": 0}, "steps = 0; give a number of steps of 1 or more"),
    ],
)
def test_bad_settings(settings, message):
    with pytest.raises(oda.ModelError, match=message):
        oda.Settings(**settings)


@pytest.mark.parametrize(("steps", "taken"), [(1, 1 + 1 + 1), (6, 2 + 3 + 2), (8, 8), (100, 100)])
def test_steps_are_spread_over_the_segments(steps, taken):
    """ceil(N * segment/domain) in each of a quarter, a half and a quarter of the domain."""
    assert oda.evaluate(driven((0, 1.6)), VALUES, oda.Settings("rk4", steps=steps)).statistics["steps"] == taken


def test_wrt_selects_and_refuses():
    problem = driven((0, 1.6))
    assert list(oda.value_and_gradient(problem, VALUES, wrt=["z0"])[1]) == ["z0"]
    with pytest.raises(oda.ModelError, match="no value is named 'z00'; did you mean 'z0'\\? gradients exist with respect to p, z0"):
        oda.value_and_gradient(problem, VALUES, wrt=["z00"])
