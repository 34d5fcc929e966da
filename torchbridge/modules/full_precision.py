"""Solves under autocast: in the precision of the parameters, whatever that of the layers around them.

Half precision does not resolve the tolerances by which steps are accepted; and the way back, where autocast is off, would differentiate
another solve than the one that was taken.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

import torch
from torch import Tensor, nn

HALF = (torch.bfloat16, torch.float16)
Solve = TypeVar("Solve", bound=Callable[..., Any])


def full_precision(solve: Solve) -> Solve:
    """A method of a module without autocast; tensors in half precision, which other layers have made of theirs, come back to the
    parameters' dtype. Where autocast is off, nothing changes.
    """

    @wraps(solve)
    def called(module: nn.Module, *arguments: Any) -> Any:
        device = _device(module, arguments)
        if not torch.is_autocast_enabled(device):
            return solve(module, *arguments)
        dtype = next((one.dtype for one in module.parameters() if one.is_floating_point()), torch.float32)
        with torch.autocast(device, enabled=False):
            return solve(module, *(_widened(one, dtype) for one in arguments))

    return cast(Solve, called)


def _device(module: nn.Module, arguments: tuple[Any, ...]) -> str:
    given = (one for one in arguments if isinstance(one, Tensor))
    return next((one.device.type for one in (*given, *module.parameters())), "cpu")


def _widened(value: Any, dtype: torch.dtype) -> Any:
    if isinstance(value, dict):
        return {name: _widened(one, dtype) for name, one in value.items()}
    return value.to(dtype) if isinstance(value, Tensor) and value.dtype in HALF else value
