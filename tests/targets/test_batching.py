"""A printed NumPy program on a batch gives what the interpreter gives on each sample by itself."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from odeanalysis.targets.callables import compile_numpy
from tests.targets.formulas import batched_values, formulas
from tests.targets.reference import run_batched

ROUNDING = 1e-10  # relative to the largest entry: sums and products in another order


def assert_agree(found, expected, batch):
    for one, other in zip(found, expected, strict=True):
        core = other.shape[len(batch) :]
        assert one.shape[one.ndim - len(core) :] == core
        scale = max(1.0, np.max(np.abs(other), initial=0.0))
        np.testing.assert_allclose(np.broadcast_to(one, other.shape), other, rtol=0, atol=ROUNDING * scale)


@given(st.data())
def test_a_batch_is_its_samples(data):
    program = data.draw(formulas())
    batch, values = data.draw(batched_values(program))
    with np.errstate(all="ignore"):
        assert_agree(compile_numpy(program)(*values), run_batched(program, batch, values), batch)
