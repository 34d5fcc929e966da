"""A printed torch program on tensors gives what the NumPy program gives on arrays, for every node and every mix of batch axes."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from odeanalysis.symbolic.formula import Formula
from odeanalysis.targets.callables import compile_numpy
from tests.targets.formulas import batched_values, closed, formulas, random_values
from tests.targets.test_vocabulary import NODES, SCALARS
from torchbridge.callables import compile_torch

ROUNDING = 1e-13  # relative to the largest entry of a node's value
SEVERAL = 1e-11  # of expressions of some depth, which let rounding grow


def agree(program: Formula, values: list[np.ndarray], rounding: float) -> None:
    with np.errstate(all="ignore"):
        expected = compile_numpy(program)(*values)
    for found, wanted in zip(compile_torch(program)(*map(torch.tensor, values)), expected, strict=True):
        assert isinstance(found, torch.Tensor) and found.shape == np.shape(wanted)
        scale = max(1.0, np.max(np.abs(wanted), initial=0.0))
        np.testing.assert_allclose(found.numpy(), wanted, rtol=0, atol=rounding * scale)


@pytest.mark.parametrize("examples", [*NODES.values(), *SCALARS.values()], ids=[cls.__name__ for cls in (*NODES, *SCALARS)])
def test_each_node_is_what_it_is_for_numpy(examples: list[Any]):
    for program in map(closed, examples):
        if program.inputs:
            agree(program, random_values(program, 3), ROUNDING)


@given(st.data())
def test_a_program_gives_what_it_gives_for_numpy(data):
    program = data.draw(formulas())
    if program.inputs:
        agree(program, data.draw(batched_values(program))[1], SEVERAL)
