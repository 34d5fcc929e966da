"""What several tests ask of the same case: its solve, its gradient, how well conditioned it is."""

from functools import cache

import numpy as np
import pytest

import odeanalysis as oda
from odeanalysis.numerics.gradients.second import hessian_vector
from odeanalysis.verification.independent.compare import peak, scales
from tests.cases import CASES

TOLERANCE = 1e-10
EVERY = pytest.mark.parametrize("name", CASES)
# the cases whose state crosses kinks: there the error of a step's gradient is of the order of the step's length
KINKED = ("kinks", "continuous_condition", "kinked_network")
# errors of the whole solve, and of the costate's own solve, in units of the tolerance for one step
ACCUMULATED = 3000
# where the state crosses a kink, a step's gradient errs by the order of its length, and steps there have the root of the tolerance
KINK = 30 * TOLERANCE**0.5


@cache
def solved(name, tolerance=TOLERANCE, method="tsit5"):
    case = CASES[name]
    return oda.solve_problem(case.problem(), case.values(), oda.Settings(method, rtol=tolerance, atol=tolerance))


@cache
def stepped(name, method, steps):
    case = CASES[name]
    return oda.solve_problem(case.problem(), case.values(), oda.Settings(method, steps=steps))


@cache
def discrete(name):
    return oda.DiscreteAdjoint().gradients(solved(name))


@cache
def conditioning(name):
    """How much the gradient changes, relatively, for a relative change of all values; at least 1."""
    run = solved(name)
    moved = hessian_vector(run, {key: np.nan_to_num(array) for key, array in run.setting.bound.arrays.items()})
    return max(1.0, *(peak(moved[key]) / scale for key, scale in scales(discrete(name)).items()))


def gradients(run, sensitivity):
    with np.errstate(all="ignore"):
        return sensitivity.gradients(run)


def bound_on(name):
    """How far the continuous gradients of a case may be from the discrete ones."""
    return KINK if name in KINKED else ACCUMULATED * TOLERANCE * conditioning(name)
