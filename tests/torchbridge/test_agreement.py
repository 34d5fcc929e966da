"""Values and gradients on tensors are those of `odeanalysis`, by every method and every memory plan."""

from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import odeanalysis as oda
from odeanalysis.tableaus import METHODS
from odeanalysis.verification.strategies.problems import networks, own_depths, problems
from tests.cases import CASES
from tests.torchbridge.solved import AGREED, difference, expected, on_arrays, on_tensors
from torchbridge.gradients.direct import Direct
from torchbridge.gradients.discrete import DiscreteAdjoint
from torchbridge.solvers.tapes import Checkpointed, Full

# where a path crosses a kink, its error does not fall smoothly with a step: roundings decide on the sizes of adaptive ones
CROSSING = ("kinks", "continuous_condition")
FIXED = oda.Settings("rk4", steps=5)
ADAPTIVE = oda.Settings("tsit5", rtol=1e-5, atol=1e-7)
SINGLE = 5e-5  # of float32, whose rounding is 6e-8
WAYS = {
    "all stages kept": DiscreteAdjoint(Full()),
    "states kept": DiscreteAdjoint(Full(stages=False)),
    "checkpoints": DiscreteAdjoint(Checkpointed()),
    "one checkpoint": DiscreteAdjoint(Checkpointed(1)),
    "autograd": Direct(),
}
# each method on a case that asks something else of it
METHODS_ON = {
    "euler": "structured_and_stacked",
    "midpoint": "ragged_switches",
    "heun2": "observed_unordered",
    "rk4": "ragged_observations",
    "rk4_38": "holes_of_their_own",
    "bosh3": "network_batch",
    "dopri5": "everything_moves",
    "tsit5": "adaptive",
    "dopri8": "signed_depth",
    "rosenbrock23": "network_batch",
    "rodas5p": "everything_moves",
    "radau": "holes_of_their_own",
    "kvaerno5": "everything_moves",
}
# cases whose samples take steps of their own, and some of these end earlier, run backward or have no length
RAGGED = ("adaptive", "ragged_switches", "some_of_zero_length", "vanishing_slope")
# cases whose samples can share their steps
ALIKE = ("network_batch", "own_matrices", "interpolated_input", "switch")


@pytest.mark.parametrize("name", CASES)
def test_of_fixed_steps(name):
    case = CASES[name]
    assert difference(on_tensors(case.problem(), case.values(), FIXED), expected(name, FIXED)) < AGREED


@pytest.mark.parametrize("name", CASES)
def test_of_fixed_steps_in_float32(name):
    """Beside float64: of each block, or of a tenth of the largest one where that is more."""
    case = CASES[name]
    known, found = expected(name, FIXED), on_tensors(case.problem(), case.values(), FIXED, dtype=torch.float32)
    assert abs(found.value - known.value) <= SINGLE * max(abs(known.value), 1e-8)
    largest = max(np.abs(one).max(initial=0.0) for one in known.gradients.values())
    for block, one in known.gradients.items():
        assert np.abs(found.gradients[block] - one).max(initial=0.0) <= SINGLE * max(np.abs(one).max(initial=0.0), largest / 10)


@pytest.mark.parametrize("name", [name for name in CASES if name not in CROSSING])
def test_of_adaptive_steps_of_each_samples_own(name):
    case = CASES[name]
    assert difference(on_tensors(case.problem(), case.values(), ADAPTIVE), expected(name, ADAPTIVE)) < AGREED


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("method", METHODS_ON)
def test_of_every_method_and_memory_plan(method, way):
    name, chosen = METHODS_ON[method], oda.Settings(method, steps=4)
    case = CASES[name]
    assert difference(on_tensors(case.problem(), case.values(), chosen, WAYS[way]), expected(name, chosen)) < AGREED


def test_every_method_is_there():
    assert set(METHODS) == set(METHODS_ON)


@pytest.mark.parametrize(("name", "way"), list(product(RAGGED, WAYS)))
def test_of_memory_plans_where_samples_end_apart(name, way):
    chosen = oda.Settings("bosh3", rtol=1e-3, atol=1e-5)
    case = CASES[name]
    assert difference(on_tensors(case.problem(), case.values(), chosen, WAYS[way]), expected(name, chosen)) < AGREED


@pytest.mark.parametrize("name", ALIKE)
def test_common_steps_have_one_gradient_by_all_ways(name):
    """That of autograd through the same steps; it is close to that of steps of their own, and not the same."""
    chosen, case = oda.Settings("bosh3", rtol=1e-4, atol=1e-6), CASES[name]
    found = [on_tensors(case.problem(), case.values(), chosen, way, own_steps=False) for way in WAYS.values()]
    assert max(difference(one, found[-1]) for one in found) < 1e-12
    apart = difference(found[-1], expected(name, chosen))
    assert 1e-9 < apart < 1e-2


@settings(max_examples=10)
@given(st.one_of(problems(moving_ends=True), networks(), own_depths()), st.sampled_from(sorted(WAYS)))
def test_of_drawn_problems(drawn, way):
    chosen = oda.Settings("heun2", steps=4)
    known = on_arrays(drawn.problem, drawn.values, chosen)
    found = on_tensors(drawn.problem, drawn.values, chosen, WAYS[way])
    assert np.isfinite(known.value) and difference(found, known) < AGREED
