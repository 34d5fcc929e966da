"""The change of variable to [0, 1] leaves the value and all gradients of every case as they are."""

import pytest

import odeanalysis as oda
from odeanalysis.modeling.transforms.unit_domain import unit_domain
from odeanalysis.verification.independent.compare import relative_difference
from tests.cases import CASES
from tests.gradients.solved import EVERY, TOLERANCE, bound_on, discrete, gradients, solved


@EVERY
def test_value_and_gradients_are_those_of_the_stated_domain(name):
    problem = unit_domain(CASES[name].problem())
    assert problem.model.domain == (0, 1)
    run = oda.solve_problem(problem, CASES[name].values(), oda.Settings(rtol=TOLERANCE, atol=TOLERANCE))
    assert float(run.value) == pytest.approx(float(solved(name).value), rel=3000 * TOLERANCE, abs=1e-9)
    assert relative_difference(gradients(run, oda.DiscreteAdjoint()), discrete(name)) < bound_on(name)
