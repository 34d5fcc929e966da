"""The invariant along the path: constant for a right adjoint, and broken at the depth where the adjoint is wrong."""

from dataclasses import replace

import numpy as np
import pytest

import odeanalysis as oda
from odeanalysis.numerics.gradients.program import Program
from odeanalysis.verification.certificate.invariant import drift, hamiltonian_drift
from odeanalysis.verification.independent.taylor import directions
from tests.cases import CASES

EVERY = pytest.mark.parametrize("name", CASES)


def run_of(name):
    return oda.solve_problem(CASES[name].problem(), CASES[name].values(), oda.Settings("heun2", steps=8))


class Broken(Program):
    """A program whose reverse step is wrong by a thousandth behind a depth."""

    behind = 0.5

    def step_vjp(self, method):
        right = super().step_vjp(method)
        place = [leaf.name for leaf in right.formula.inputs].index(self.parts.depth.name)

        def wrong(*arrays):
            factor = np.where(arrays[place] > self.behind, 1.001, 1.0)
            return tuple(found * factor if found.shape == factor.shape else found for found in right.function(*arrays))

        return replace(right, function=wrong)


@EVERY
def test_it_is_constant_to_rounding(name):
    run = run_of(name)
    assert drift(run, directions(run, 1, seed=2)[0]).worst < 1e-13


@pytest.mark.parametrize("name", ["closed_form", "observed_everywhere"])
def test_it_breaks_where_the_adjoint_is_wrong(name):
    run = run_of(name)
    program = Broken(run.setting.program.parts, run.setting.program.shared)
    broken = replace(run, setting=replace(run.setting, program=program))
    found = drift(broken, directions(run, 1, seed=2)[0])
    assert found.worst > 1e-5 and found.depth > 0.5


def test_a_direction_that_does_nothing():
    run = run_of("unused_names")
    still = {name: np.zeros(array.shape) for name, array in run.setting.bound.arrays.items()}
    assert drift(run, still).worst == 0


# ---------------------------------------------------------------- the Hamiltonian


def tight(problem, values, rtol=1e-12):
    return oda.solve_problem(problem, values, oda.Settings(rtol=rtol, atol=rtol))


AUTONOMOUS = (
    "closed_form",
    "observed_unordered",
    "moving_observation",
    "predator_prey",
    "state_blocks",
    "moving_switch",
    "holes_of_their_own",
)


@pytest.mark.parametrize("name", AUTONOMOUS)
def test_the_hamiltonian_is_one_number_between_nodes(name):
    """Whatever jumps at observations and switches."""
    found = hamiltonian_drift(tight(CASES[name].problem(), CASES[name].values()))
    assert found is not None and found.worst < 1e-11


@pytest.mark.parametrize("name", ["running_cost", "moving_ends", "network_batch"])
def test_where_the_depth_stands_in_the_field_it_is_no_invariant(name):
    assert hamiltonian_drift(tight(CASES[name].problem(), CASES[name].values())) is None


def test_coarse_steps_do_not_keep_it():
    assert hamiltonian_drift(run_of("closed_form")) is None


def test_it_falls_with_the_tolerance():
    problem, values = CASES["predator_prey"].problem(), CASES["predator_prey"].values()
    loose, closer = (hamiltonian_drift(tight(problem, values, rtol)) for rtol in (1e-4, 1e-7))
    assert loose is not None and closer is not None and 1e-9 < closer.worst < loose.worst / 50


def test_it_breaks_where_the_costate_is_wrong():
    run = tight(CASES["closed_form"].problem(), CASES["closed_form"].values())
    broken = Broken(run.setting.program.parts, run.setting.program.shared)
    found = hamiltonian_drift(replace(run, setting=replace(run.setting, program=broken)))
    assert found is not None and found.worst > 1e-5 and found.depth > 0.5


def test_a_path_without_length_keeps_it():
    found = hamiltonian_drift(tight(CASES["zero_length"].problem(), CASES["zero_length"].values()))
    assert found is not None and found.worst == 0
