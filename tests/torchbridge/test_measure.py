"""How large an error is: beside the larger state of a step, entry by entry, and as large as it is meant for complex numbers."""

import numpy as np
import pytest
import torch

from torchbridge.solvers.measure import Measure


def tensor(*values):
    return torch.tensor(values, dtype=torch.complex128 if any(isinstance(value, complex) for value in values) else torch.float64)


def test_what_is_allowed_grows_with_the_larger_state():
    found = Measure(0.1, 0.01).scale((tensor(1.0, -3.0),), (tensor(-2.0, 0.5),))
    assert torch.allclose(found[0], tensor(0.21, 0.31), rtol=0, atol=1e-15)


def test_blocks_and_entries_have_their_own_tolerances():
    found = Measure([0.1, 0.0], [tensor(0.0, 1.0), 2.0]).scale((tensor(1.0, 1.0), tensor(5.0)))
    assert torch.allclose(torch.cat(found), tensor(0.1, 1.1, 2.0), rtol=0, atol=1e-15)


def test_complex_numbers_are_as_large_as_they_are_long():
    measure = Measure(0.0, 1.0)
    scale = measure.scale((tensor(3 + 4j),))
    assert scale[0].dtype == torch.float64 and measure.size((tensor(3 + 4j),), scale, 1) == 5
    assert torch.allclose(Measure(1.0, 0.0).scale((tensor(3 + 4j),))[0], tensor(5.0))


@pytest.mark.parametrize("norm", [None, lambda blocks: 7 * blocks[0].abs().max()])
def test_the_size_is_the_root_mean_square_or_what_a_norm_says(norm):
    errors, scale = (tensor(3.0, 4.0), tensor(5.0, 0.0)), (tensor(1.0, 1.0), tensor(1.0, 1.0))
    assert np.isclose(Measure(norm=norm).size(errors, scale, 1), np.sqrt(50 / 4) if norm is None else 28).all()


def test_samples_with_steps_of_their_own_have_sizes_of_their_own():
    errors = (torch.tensor([[3.0, 4.0], [0.0, 2.0]], dtype=torch.float64),)
    assert np.allclose(Measure().size(errors, (torch.ones(2, 2, dtype=torch.float64),), 2), [np.sqrt(12.5), np.sqrt(2)])
