"""The steps of the independent route: those of our solvers, taken without them."""

from functools import cache

import numpy as np
import pytest

import odeanalysis as oda
from odeanalysis.numerics.gradients.discrete import DiscreteAdjoint
from odeanalysis.tableaus import METHODS
from odeanalysis.verification.independent import gradients as independent
from odeanalysis.verification.independent import taylor
from odeanalysis.verification.independent.marching import EqualSteps, SameSteps, Scipy, counts, jacobian
from tests.cases import CASES

SOME = ("running_cost", "everything_moves", "kinks_in_depth", "backward_with_a_switch", "some_of_zero_length", "fourier_and_observations")
QUICK = ("heun2", "rk4", "dopri5", "rosenbrock23", "kvaerno5")


@cache
def run_of(name, method):
    return oda.solve_problem(CASES[name].problem(), CASES[name].values(), oda.Settings(method, steps=4))


def march(run):
    return independent.equal_steps(run.setting.problem, run.setting.bound, run.settings.method, run.settings.steps)


@pytest.mark.parametrize("method", QUICK)
@pytest.mark.parametrize("name", SOME)
def test_the_same_steps_give_the_same_loss_and_derivative(name, method):
    """To rounding, and for methods with a Jacobian to the accuracy of its differences; derivatives to that of differences of the loss."""
    run = run_of(name, method)
    bound, gradient = run.setting.bound, DiscreteAdjoint().gradients(run)
    assert independent.value(run.setting.problem, bound, march(run)) == pytest.approx(run.value, rel=1e-11)
    direction = taylor.directions(run, 1, 2)[0]
    found = independent.directional(run.setting.problem, bound, direction, march(run))
    assert found == pytest.approx(sum(np.sum(gradient[key] * d) for key, d in direction.items()), rel=1e-7, abs=1e-7)


@pytest.mark.parametrize("method", METHODS)
def test_every_method_takes_its_steps(method):
    run = run_of("running_cost", method)
    assert independent.value(run.setting.problem, run.setting.bound, march(run)) == pytest.approx(run.value, rel=1e-11)


def test_steps_are_counted_as_for_a_solve():
    assert counts([0, 1], 5) == (5,)
    assert counts([0, 0.5, 0.5, 1], 5) == (3, 1, 3)
    assert counts([1, 0.7, 0], 10) == (3, 7)
    assert counts([2, 2], 4) == (1,)


def test_depths_that_part_are_refused():
    steps = EqualSteps("rk4", ((2,),))
    with pytest.raises(oda.SolveError, match="two depths that met part"):
        steps(0, 1, lambda s, z: z, 0.0, 1.0, np.ones(1))


def test_a_jacobian_of_differences():
    matrix = np.array([[1.0, -2.0], [0.5, 3.0]])
    assert jacobian(lambda s, z: np.sin(matrix @ z), 0.0, np.zeros(2)) == pytest.approx(matrix, abs=1e-9)


def test_scipy_says_where_it_gives_up():
    with pytest.raises(oda.SolveError, match="SciPy's DOP853 fails"):
        Scipy()(0, 0, lambda s, z: z**2, 0.0, 2.0, np.ones(1))


def test_steps_taken_again_are_those_of_the_first_crossing():
    """To another end in proportion; a segment of quite another length, another number or another sample has steps of its own."""
    march, one = SameSteps(), np.ones(1)
    assert march(0, 0, lambda s, z: np.cos(s) * z, 0.0, 2.0, one) == pytest.approx(np.exp(np.sin(2.0)), rel=1e-11)
    first = march.crossed[0, 0]
    assert march(0, 0, lambda s, z: np.cos(s) * z, 0.1, 2.2, one) == pytest.approx(np.exp(np.sin(2.2) - np.sin(0.1)), rel=1e-11)
    assert march.crossed[0, 0] is first
    for key, end in (((0, 0), 20.0), ((0, 1), 2.0), ((1, 0), 2.0)):
        assert march(*key, lambda s, z: np.cos(s) * z, 0.0, end, one) == pytest.approx(np.exp(np.sin(end)), rel=1e-10)
        assert march.crossed[key] is not first


def stated(field):
    """z' = field, p = 0.4, z(0) = 0.2, the loss z(2)^2."""
    z, p = oda.block("z"), oda.block("p")
    problem = oda.Problem(oda.Model({z: field(z, p)}, {z: 0.2}, (0, 2), (p,), name="stated"), oda.Objective(0, z**2))
    return problem, oda.solve_problem(problem, {"p": 0.4}, oda.Settings(rtol=1e-12, atol=1e-13))


FIELDS = {
    "smooth": (lambda z, p: p * oda.cos(3 * z) + oda.sin(p * oda.depth), 1e-11, False),
    "a switch": (lambda z, p: oda.where(oda.depth < p, p * z, oda.cos(p + z)), 1e-11, False),
    "a kink of the state": (lambda z, p: oda.relu(z - p) + oda.cos(p * oda.depth), 1e-7, True),
    "a curved kink": (lambda z, p: abs(oda.sin(3 * oda.depth + p)) * z + p, 1e-7, True),
}


@pytest.mark.parametrize(("field", "bound", "kinks"), FIELDS.values(), ids=FIELDS)
def test_differences_of_losses_by_the_same_steps(field, bound, kinks):
    """Nearly without noise where the field is smooth, and by SciPy's own steps where a kink moves."""
    problem, run = stated(field)
    assert independent.Statement(problem).kinks is kinks
    known = float(oda.Forward().gradients(run)["p"])
    assert independent.directional(problem, run.setting.bound, {"p": np.ones(())}) == pytest.approx(known, rel=bound)


def test_terms_that_do_not_move_leave_no_rounding():
    """A cost a billion times the rest, of which a name knows nothing."""
    z, p, q = oda.block("z"), oda.block("p"), oda.block("q")
    model = oda.Model({z: p * z}, {z: 0.2}, (0, 1), (p, q), name="constant")
    problem = oda.Problem(model, oda.Objective(z, 0, (oda.Observation((0.5,), 1e9 * oda.cos(q)),)))
    bound = oda.solve_problem(problem, {"p": 0.4, "q": 0.3}).setting.bound
    found = independent.directional(problem, bound, {"p": np.ones(())})
    assert found == pytest.approx(0.2 * np.exp(0.4), rel=1e-11)
    assert independent.one_sided(problem, bound, {"p": np.ones(())}) == pytest.approx(0.2 * np.exp(0.4), rel=1e-11)
    twice = independent.curvature(problem, bound, {"p": np.ones(())}, {"p": np.ones(())})
    assert twice == pytest.approx(0.2 * np.exp(0.4), rel=1e-9)
