"""First values for the parameters of a stated model."""

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from odeanalysis.errors import ModelError
from odeanalysis.modeling.model import Problem, describe
from odeanalysis.symbolic.nodes import Leaf, shape_of

Sizes = Mapping[Any, int]


def initial_values(
    problem: Problem, given: Mapping[str, Any], sizes: Sizes, dtype: torch.dtype, held: Collection[str] = ()
) -> dict[str, Tensor]:
    """A tensor for every parameter, but for those held elsewhere: the value given, else drawn by torch's generator.

    Drawn are: uniform in the problem's range of a name; a matrix, or a stack of them, uniform in +-1/sqrt(number of its columns); a vector
    0; a number normal with standard deviation 1/2.  sizes: symbol -> length, for shapes with symbols that no given value tells.
    Raises ModelError for values that are of no parameter, or of another shape, and sizes that nothing tells.
    """
    parameters = {leaf.name: leaf for leaf in problem.model.parameters if leaf.name not in held}
    for name in given:
        if name not in parameters:
            raise ModelError(f"values has {name!r}, which is no parameter of {problem.name!r}; there are {', '.join(parameters) or 'none'}")
    values = {name: torch.as_tensor(value, dtype=dtype) for name, value in given.items()}
    lengths = _lengths(parameters, values, sizes)
    ranges = dict(problem.ranges)
    return {
        name: _checked(leaf, values[name], lengths) if name in values else _drawn(_shape(leaf, lengths), ranges.get(name), dtype)
        for name, leaf in parameters.items()
    }


def _lengths(parameters: Mapping[str, Leaf], values: Mapping[str, Tensor], sizes: Sizes) -> dict[Any, int]:
    found = dict(sizes)
    for name, value in values.items():
        for size, length in zip(shape_of(parameters[name]), value.shape, strict=False):
            if not isinstance(size, int):
                found.setdefault(size, length)
    return found


def _shape(leaf: Leaf, lengths: Mapping[Any, int]) -> tuple[int, ...]:
    try:
        return tuple(size if isinstance(size, int) else int(size.subs(lengths)) for size in shape_of(leaf))
    except TypeError as error:
        raise ModelError(f"parameter {describe(leaf)} has a size that nothing tells; give sizes={{symbol: length}} or its value") from error


def _checked(leaf: Leaf, value: Tensor, lengths: Mapping[Any, int]) -> Tensor:
    shape = _shape(leaf, lengths)
    if tuple(value.shape) != shape:
        raise ModelError(f"the value of parameter {leaf.name!r} has shape {tuple(value.shape)}; give {shape}")
    return value.clone()


def _drawn(shape: tuple[int, ...], limits: tuple[float, float] | None, dtype: torch.dtype) -> Tensor:
    if limits is not None:
        return torch.empty(shape, dtype=dtype).uniform_(*limits)
    if not shape:
        return torch.randn((), dtype=dtype) / 2
    if len(shape) == 1:
        return torch.zeros(shape, dtype=dtype)
    reach = 1 / np.sqrt(max(shape[-1], 1))
    return torch.empty(shape, dtype=dtype).uniform_(-reach, reach)
