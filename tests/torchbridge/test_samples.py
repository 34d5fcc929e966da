"""A sample is solved and differentiated as if it were alone: neither the ends nor the failures of those beside it reach it."""

import numpy as np
import pytest

import odeanalysis as oda
from tests.torchbridge.solved import AGREED, difference, on_arrays, on_tensors
from torchbridge.gradients.direct import Direct
from torchbridge.gradients.discrete import DiscreteAdjoint
from torchbridge.solvers.tapes import Checkpointed, Full

WAYS = {
    "all stages kept": DiscreteAdjoint(Full()),
    "states kept": DiscreteAdjoint(Full(stages=False)),
    "checkpoints": DiscreteAdjoint(Checkpointed()),
    "one checkpoint": DiscreteAdjoint(Checkpointed(1)),
    "autograd": Direct(),
}
LOOSE = oda.Settings("dopri5", rtol=1e-1, atol=1e-1)
s = oda.depth
z, k, x, w = (oda.block(name) for name in "zkxw")


def ending(end, field, start):
    """A problem that ends at a depth, perhaps w, of each sample's own."""
    return oda.Problem(oda.Model({z: field}, {z: start}, (0, end), [k], [x, w]), oda.Objective(z**2, k * z))


# fields that are not defined where a sample would stand if it were carried on, or where a step that is rejected leads
NARROW = {
    "beside the path": (ending(w, k * oda.sqrt(s - z), -x), {"k": 4.0, "x": [0.07, 0.06, 0.08], "w": [0.5, 2.0, -0.01]}),
    "behind the end": (ending(w, -k * oda.sqrt(z), x), {"k": 1.0, "x": [0.05, 2.0, 3.0], "w": [0.44, 1.0, 2.5]}),
    "behind an end that stands": (ending(0.44, -k * oda.sqrt(z), x), {"k": 1.0, "x": [0.05, 2.0, 3.0], "w": 0.0}),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", NARROW)
def test_a_field_that_ends_beside_a_path_leaves_the_gradients_of_all_samples_finite(name, way):
    problem, values = NARROW[name]
    known = on_arrays(problem, values, LOOSE)
    assert all(np.isfinite(one).all() for one in known.gradients.values())
    assert difference(on_tensors(problem, values, LOOSE, WAYS[way]), known) < AGREED
