"""Problems too stiff for an explicit method are told apart from those whose steps follow their error."""

from contextlib import suppress

import numpy as np
import pytest
import sympy as sp

from odeanalysis.errors import SolveError
from odeanalysis.numerics.solvers import Grid, Tolerance, scipy_method, solve
from odeanalysis.numerics.solvers.grid import Place
from odeanalysis.numerics.solvers.listening import Reached, listening
from odeanalysis.numerics.solvers.stiffness import METHODS_FOR_STIFF, spectral_radius
from odeanalysis.tableaus import METHODS, tableau
from odeanalysis.tableaus.stability import stability
from tests.solvers.problems import EXPLICIT, Problem, counting, one

CONTROLLED = [name for name in EXPLICIT if tableau(name).adaptive]


def robertson(s, y, pieces):
    a, b, c = y.T
    return np.stack([-0.04 * a + 1e4 * b * c, 0.04 * a - 1e4 * b * c - 3e7 * b**2, 3e7 * b**2], axis=1)


def van_der_pol(stiffness):
    return lambda s, y, pieces: np.stack([y[:, 1], stiffness * (1 - y[:, 0] ** 2) * y[:, 1] - y[:, 0]], axis=1)


def heat(s, y, pieces):
    """Along a rod of 32 points: the slow solution is smooth, the fast modes decay 400 times a unit of depth."""
    padded = np.pad(y, ((0, 0), (1, 1)))
    return 100 * (padded[:, 2:] - 2 * y + padded[:, :-2])


def predator_prey(s, y, pieces):
    return np.stack([y[:, 0] * (1 - y[:, 1]), y[:, 1] * (y[:, 0] - 1)], axis=1)


def lorenz(s, y, pieces):
    a, b, c = y.T
    return np.stack([10 * (b - a), a * (28 - c) - b, a * b - 8 / 3 * c], axis=1)


def follower(rate):
    return lambda s, y, pieces: -rate * (y - np.cos(s)[:, None])


# field, initial state, end of the domain
STIFF = {
    "Robertson": (robertson, [1.0, 0.0, 0.0], 40.0),
    "van der Pol": (van_der_pol(1000), [2.0, 0.0], 1.0),
    "follower": (follower(1e4), [1.0], 1.0),
    "heat": (heat, np.sin(np.pi * np.arange(1, 33) / 33), 5.0),
}
CALM = {
    "predator and prey": (predator_prey, [2.0, 1.0], 200.0),
    "van der Pol": (van_der_pol(5), [2.0, 0.0], 50.0),
    "Lorenz": (lorenz, [1.0, 1.0, 1.0], 30.0),
    "follower": (follower(30), [1.0], 30.0),
}


def told(case, method) -> list[Reached]:
    """What a listener hears of the first 700 steps of a solve with the default tolerances."""
    field, start, end = case
    heard: list[Reached] = []
    stepper = scipy_method(method, field) if method not in METHODS else Problem(field).stepper(method)
    with listening(heard.append), suppress(SolveError):
        solve(stepper, one([0, end]), np.array([start], dtype=float), max_steps=700)
    return heard


@pytest.mark.parametrize("name", EXPLICIT)
def test_the_interval_ends_where_the_stability_function_leaves_the_disk(name):
    """By the exact stability function, from determinants."""
    z = sp.Symbol("z")
    growth = sp.lambdify(z, stability(tableau(name), z))
    end = Problem(lambda s, y, p: y).stepper(name).stability
    assert np.abs(growth(-np.linspace(1e-3, 0.999, 400) * end)).max() <= 1 < abs(growth(-1.001 * end))


@pytest.mark.parametrize("name", ["rosenbrock23", "rodas5p", "kvaerno5", "radau"])
def test_methods_for_stiff_problems_have_no_such_end(name):
    problem = Problem(lambda s, y, p: y, lambda s, y, p: y[:, :, None], lambda s, y, p: y)
    assert problem.stepper(name).stability == np.inf


def test_the_spectral_radius_of_a_linear_field():
    """Rates of 1 and 1000, mixed: the largest is found to one per cent, for each sample its own."""
    random = np.random.default_rng(0)
    mix = random.normal(size=(4, 4))
    matrices = [mix @ np.diag(rates) @ np.linalg.inv(mix) for rates in ([-1, -2, -3, -1000], [1, -1, 2, 50])]
    y = random.normal(size=(2, 4))
    found = spectral_radius(lambda s, y, p: np.stack([m @ v for m, v in zip(matrices, y, strict=True)]), place(2), y, 1e-8 + 0 * y)
    assert found == pytest.approx([1000, 50], rel=0.01)


def place(samples) -> Place:
    return Place(np.zeros(samples), np.ones(samples), np.zeros((samples, 0)))


@pytest.mark.parametrize("method", [*CONTROLLED, "RK45", "RK23", "DOP853"])
@pytest.mark.parametrize("case", STIFF)
def test_a_stiff_problem_is_seen(case, method):
    heard = told(STIFF[case], method)
    assert any(one.stiff for one in heard)
    assert not any(one.stiff for one in heard[:200])


@pytest.mark.parametrize("method", [*CONTROLLED, "RK45", "RK23", "DOP853"])
@pytest.mark.parametrize("case", CALM)
def test_a_problem_whose_steps_follow_their_error_is_not(case, method):
    assert not any(one.stiff for one in told(CALM[case], method))


@pytest.mark.parametrize("method", ["tsit5", "RK45"])
def test_a_stiff_failure_names_methods_that_work(method):
    with pytest.raises(SolveError, match=f"looks stiff at depth .*{METHODS_FOR_STIFF}"):
        stepper = scipy_method(method, robertson) if method == "RK45" else Problem(robertson).stepper(method)
        solve(stepper, one([0, 40]), np.array([[1.0, 0, 0]]), max_steps=400)
    assert set(METHODS_FOR_STIFF.replace(" or", ",").split(", ")) <= set(METHODS)


def test_each_sample_has_evidence_of_its_own():
    """One sample of two is stiff; the other is behind it on its way, and what is told is about the one behind."""

    def field(s, y, pieces):
        return -np.array([[1e4], [30.0]]) * (y - np.cos(s)[:, None])

    for end, stiff in (([1.0, 100.0], False), ([1.0, 1e-3], True)):
        heard: list[Reached] = []
        with listening(heard.append), pytest.raises(SolveError, match="looks stiff"):
            solve(Problem(field).stepper("tsit5"), Grid(np.array([[0, e] for e in end])), np.ones((2, 1)), max_steps=1000)
        assert heard[-1].stiff is stiff


def test_looking_is_counted_and_changes_no_step():
    field, calls = counting(follower(1e4))
    solution = solve(Problem(field).stepper("tsit5"), one([0, 0.1]), np.ones((1, 1)))
    tried = int(solution.statistics.accepted[0] + solution.statistics.rejected[0])
    assert tried > 200 and solution.statistics.evaluations[0] == len(calls)


def test_a_listener_hears_how_far_the_sample_is_that_is_behind():
    heard: list[Reached] = []
    grid = Grid(np.array([[0.0, 1.0, 2.0], [3.0, 0.0, -9.0]]))
    stepper = Problem(lambda s, y, p: -y).stepper("dopri5")
    with listening(heard.append):
        solve(stepper, grid, np.ones((2, 1)))
    assert {one.end for one in heard} == {2.0, -9.0} and heard[-1].depth in (2.0, -9.0)
    behind = [(one.depth / 2 if one.end == 2 else (3 - one.depth) / 12) for one in heard]
    assert max(behind[:3]) < 0.5 and behind[-1] == 1
    assert all(np.diff([one.steps for one in heard if one.end == -9]) >= 0)
    count = len(heard)
    solve(stepper, grid, np.ones((2, 1)))
    assert len(heard) == count  # no longer listening


def test_a_listener_hears_of_steps_that_are_given():
    heard: list[Reached] = []
    with listening(heard.append):
        solve(Problem(lambda s, y, p: -y).stepper("rk4"), one([0, 1]), np.ones((1, 1)), steps=4)
    assert [(one.depth, one.steps) for one in heard] == [(0.25, 1), (0.5, 2), (0.75, 3), (1.0, 4)]


def test_looks_follow_the_tolerance():
    """A look changes each component by about what the tolerance allows, so that small components are not swamped."""
    seen = []
    field = Problem(lambda s, y, p: seen.append(y.copy()) or -y).field
    y = np.array([[1.0, 1e-6]])
    spectral_radius(field, place(1), y, Tolerance(1e-8, 1e-12).scale(y))
    assert all(np.abs(one - y).max() <= 2e-8 and abs(one[0, 1] - 1e-6) <= 2e-12 for one in seen[1:])
