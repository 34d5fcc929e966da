"""The sections that every module has, as ordinary Python beside the small model that stands in for one."""

import numpy as np
import pytest

import odeanalysis as oda
from odeanalysis.generation.runtime.gradient import value_and_gradient

z, p, u, seen = oda.block("z"), oda.block("p"), oda.block("u"), oda.block("seen")
FIELD = u - oda.where(oda.depth < 0.5, 1, 0) * p * z
MODEL = oda.Model({z: FIELD}, {z: u}, (0, p), (p,), (u,), name="example")
PROBLEM = oda.Problem(MODEL, oda.Objective(oda.depth * z, z**2, (oda.Observation((0.25,), (z - seen) ** 2, (seen,)),)))
VALUES = {
    "one": {"p": 0.8, "u": 0.3, "seen": [0.2]},
    "a batch with a datum missing": {"p": 0.8, "u": [0.3, 0.5], "seen": [[0.2], [None]]},
    "parameters of each sample's own": {"p": [0.8, 0.4], "u": [0.3, 0.5], "seen": [0.2]},
}


@pytest.mark.parametrize("values", VALUES.values(), ids=VALUES)
def test_the_stand_in_is_solved_as_the_model_that_it_states(values):
    known = oda.value_and_gradient(PROBLEM, values, method="heun2", steps=5)
    found = value_and_gradient(values, method="heun2", steps=5)
    assert found[0] == pytest.approx(known[0], rel=1e-13)
    for name, gradient in known[1].items():
        assert np.allclose(found[1][name], gradient, rtol=1e-12, atol=1e-14)
