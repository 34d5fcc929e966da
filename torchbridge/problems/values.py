"""Tensors for the names of a problem: checked by their shapes alone, so that nothing is copied or waited for."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from odeanalysis.errors import ModelError
from odeanalysis.modeling.model import Problem
from odeanalysis.modeling.values import Bound, bind

Shapes = tuple[tuple[str, tuple[int, ...]], ...]


def checked(problem: Problem, values: Mapping[str, Any]) -> tuple[dict[str, Tensor], Bound]:
    """The values as tensors of one dtype on one device, and which of them are batched.

    Numbers and arrays become tensors beside those given. Raises ModelError for shapes that do not fit, and where dtypes or devices differ.
    """
    given = {name: value for name, value in values.items() if isinstance(value, Tensor)}
    like = next((one for one in given.values() if one.is_floating_point()), torch.zeros((), dtype=torch.float64))
    tensors = {name: _tensor(name, value, like) for name, value in values.items()}
    _check_alike(problem, tensors, like)
    return tensors, shapes(problem, tuple((name, tuple(one.shape)) for name, one in tensors.items()))


def _tensor(name: str, value: Any, like: Tensor) -> Tensor:
    if isinstance(value, Tensor):
        if value.is_complex():
            raise ModelError(f"value {name!r} is {value.dtype}; give real numbers, or a name each for real and imaginary parts")
        return value if value.is_floating_point() else value.to(like)
    try:
        return torch.as_tensor(np.asarray(value, dtype=float)).to(like)
    except (TypeError, ValueError) as error:
        raise ModelError(f"value {name!r} is {type(value).__name__}, which is no array of numbers; give a tensor") from error


def _check_alike(problem: Problem, tensors: Mapping[str, Tensor], like: Tensor) -> None:
    for name, one in tensors.items():
        if one.dtype != like.dtype or one.device != like.device:
            first = next(other for other, tensor in tensors.items() if tensor.dtype == like.dtype and tensor.device == like.device)
            raise ModelError(
                f"values of {problem.name!r}: {name!r} is {one.dtype} on {one.device}, {first!r} is {like.dtype} on {like.device}; "
                "give all of them one dtype on one device"
            )


@lru_cache(maxsize=256)
def shapes(problem: Problem, given: Shapes) -> Bound:
    """What values of these shapes are: checked with zeros in their places."""
    return bind(problem, {name: np.broadcast_to(np.zeros(()), shape) for name, shape in given})
