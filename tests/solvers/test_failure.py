"""A failed solve says what happened, at which depth, in which sample and component; nothing warns."""

import warnings

import numpy as np
import pytest

from odeanalysis.errors import ModelError, SolveError
from odeanalysis.numerics.solvers import Grid, bind, solve
from odeanalysis.tableaus import tableau
from tests.solvers.problems import ADAPTIVE, NONLINEAR, Problem, one


@pytest.fixture(autouse=True)
def no_warnings():
    """Floating-point warnings must not leak from a solve."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def scalar(function, slope) -> Problem:
    """z' = function(z) beside a calm component: the scalar one is component 1."""
    return Problem(
        lambda s, y, p: np.stack([0 * s, function(y[:, 1])], axis=1),
        lambda s, y, p: np.stack([0 * y, np.stack([0 * s, slope(y[:, 1])], 1)], axis=1),
        lambda s, y, p: 0 * y,
    )


# the field, its slope, the initial value, the domain, the depth where the solution ends, and what is said of it;
# the last is beyond Newton's method, and where a state grows beyond all bounds its equations may be too, before the step size vanishes
VANISHED, UNDEFINED, OVERFLOWN = "the step size vanished at", "no step, however short, ends in a finite state at", "the state overflows at"
ENDS = {
    "blow-up": (lambda z: z**2, lambda z: 2 * z, 1.0, (0, 2), 1.0, (VANISHED, UNDEFINED)),
    "blow-up backward": (lambda z: -(z**2), lambda z: -2 * z, 1.0, (0, -2), -1.0, (VANISHED, UNDEFINED)),
    "no field below zero": (lambda z: -0.5 / z, lambda z: 0.5 / z**2, 1.0, (0, 2), 1.0, (VANISHED, UNDEFINED)),
    "overflow": (lambda z: z, lambda z: 1 + 0 * z, 1e290, (0, 99), np.log(np.finfo(float).max / 1e290), (OVERFLOWN,)),
    "exponential": (
        lambda z: np.exp(z),
        lambda z: np.exp(z),
        0.0,
        (0, 2),
        1.0,
        (VANISHED, UNDEFINED),
    ),
}


@pytest.mark.parametrize("name", ADAPTIVE)
@pytest.mark.parametrize("case", ENDS)
def test_a_solution_that_ends_is_reported_where_it_ends(name, case):
    function, slope, start, domain, end, words = ENDS[case]
    y0 = np.array([[0.0, 0.0], [0.0, start]])
    calm = np.array([[0.0, 1e-9], [domain[0], domain[1]]])  # the first sample is done before anything happens
    y0[0, 1] = 1.0
    with pytest.raises(SolveError) as caught:
        solve(scalar(function, slope).stepper(name), Grid(calm), y0, rtol=1e-5, atol=1e-8)
    assert caught.value.depth == pytest.approx(end, rel=0.1 if case == "overflow" else 2e-3)
    assert (caught.value.sample, caught.value.component) == (1, 1)
    assert "component 1 of sample 1" in str(caught.value)
    assert str(caught.value).startswith(words)


def test_a_field_that_is_nan_from_a_depth_on_is_reported_there():
    root = Problem(lambda s, y, p: np.stack([0 * s, np.sqrt(0.5 - s) + 0 * y[:, 1]], 1))
    with pytest.raises(SolveError, match=rf"{UNDEFINED} depth .*: component 1 of sample 0 is nan") as caught:
        solve(root.stepper("tsit5"), one([0, 1]), np.ones((1, 2)))
    assert caught.value.depth == pytest.approx(0.5, rel=1e-3)


@pytest.mark.parametrize("steps", [None, 5])
def test_a_field_that_is_not_finite_at_the_start_is_reported_at_once(steps):
    pole = Problem(lambda s, y, p: 1 / (s - 0.25)[:, None] + 0 * y)
    with pytest.raises(SolveError, match=r"not finite at depth 0\.25: component 0 of sample 0 is inf") as caught:
        solve(pole.stepper("tsit5"), one([0.25, 1]), np.ones((1, 1)), steps=steps)
    assert (caught.value.depth, caught.value.sample, caught.value.component) == (0.25, 0, 0)


def test_a_field_that_is_not_finite_after_a_node_is_reported_at_the_node():
    late = Problem(lambda s, y, p: np.where(p[:, :1] > 0, np.nan, 1.0) + 0 * y)
    grid = Grid(np.array([[0.0, 0.5, 1.0]]), np.array([[[0.0], [1.0]]]))
    with pytest.raises(SolveError, match=r"the field is not finite at depth 0\.5"):
        solve(late.stepper("dopri5"), grid, np.ones((1, 1)))


def test_a_fixed_step_into_overflow_is_reported():
    steep = scalar(lambda z: 1e308 + 0 * z, None).stepper("rk4")
    with pytest.raises(SolveError, match="ends in a state that is not finite at depth 1: component 1 of") as caught:
        solve(steep, one([0, 4]), np.zeros((1, 2)), steps=4)
    assert (caught.value.depth, caught.value.sample, caught.value.component) == (1, 0, 1)


def test_an_initial_state_that_is_not_finite_is_reported():
    with pytest.raises(SolveError, match="the initial state is not finite at depth 0: component 1 of sample 0 is nan"):
        solve(NONLINEAR.stepper("tsit5"), one([0, 1]), np.array([[1.0, np.nan]]))


def test_too_many_steps_are_reported_with_where_they_led():
    wave = Problem(lambda s, y, p: np.stack([y[:, 1], -y[:, 0]], 1)).stepper("tsit5")
    with pytest.raises(SolveError, match=r"not reached within max_steps at depth .*raise max_steps") as caught:
        solve(wave, one([0, 1e6]), np.array([[0.0, 1.0]]), max_steps=50)
    assert caught.value.depth is not None and 0 < caught.value.depth < 1e3
    enough = solve(wave, one([0, 1.0]), np.array([[0.0, 1.0]])).statistics
    tried = int(enough.accepted[0] + enough.rejected[0])
    assert solve(wave, one([0, 1.0]), np.array([[0.0, 1.0]]), max_steps=tried).statistics.accepted[0] > 0
    with pytest.raises(SolveError, match="max_steps"):
        solve(wave, one([0, 1.0]), np.array([[0.0, 1.0]]), max_steps=tried - 1)


def test_a_state_that_overflows_without_an_error_is_no_solution():
    """The stages of a constant field agree, so that its error is rounding; the state is infinite all the same."""
    steep = scalar(lambda z: np.full_like(z, 1e308), None).stepper("bosh3")
    with pytest.raises(SolveError) as caught:
        solve(steep, one([0, 4]), np.zeros((1, 2)), rtol=1e-3, atol=1e-3)
    assert caught.value.component == 1
    assert caught.value.depth == pytest.approx(np.finfo(float).max / 1e308, rel=0.2)


def test_a_trial_step_out_of_the_domain_of_the_field_is_only_rejected():
    """z' = -sqrt(z) is NaN below zero, where long trial steps end; the solution (1 - s/2)^2 stays above."""
    root = scalar(lambda z: -np.sqrt(z), lambda z: -0.5 / np.sqrt(z))
    final = solve(root.stepper("tsit5"), one([0, 1.99]), np.array([[0.0, 1.0]]), rtol=1e-3, atol=1e-3).final
    assert final[0, 1] == pytest.approx((1 - 1.99 / 2) ** 2, abs=3e-3)


@pytest.mark.parametrize("name", ["radau", "rodas5p", "kvaerno5"])
def test_a_method_that_needs_a_jacobian_asks_for_it(name):
    with pytest.raises(ModelError, match=f"'{name}' needs the field's Jacobian"):
        bind(tableau(name), NONLINEAR.field)
