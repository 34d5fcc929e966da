"""Arguments of a solve, checked where they come in: the state, its field, and the times."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from odeanalysis.errors import ModelError, SolveError
from torchbridge.steps.stepper import State

Shown = Tensor | tuple[Tensor, ...]
"""A state as users see it."""
Func = Callable[[Tensor, Any], Any]


@dataclass(frozen=True, eq=False)
class Given:
    """What is to be solved.  times: [T] in float64, on the state's device, with its gradient.  single: whether the state is one tensor."""

    func: Func
    state: State
    times: Tensor
    single: bool

    def shown(self, blocks: State) -> Any:
        """Blocks as the user gave the state: a tensor or a tuple."""
        return blocks[0] if self.single else tuple(blocks)

    def field(self, depth: Tensor, blocks: State) -> State:
        """The slopes of the blocks."""
        return self._blocks(self.func(depth, self.shown(blocks)), blocks)

    def check_finite(self) -> None:
        if not all(bool(torch.isfinite(block).all()) for block in self.state):
            raise SolveError("y0 has entries that are not finite; check the values it is computed from")

    def _blocks(self, found: Any, blocks: State) -> State:
        if self.single:
            return (_fitted(found, blocks[0], "y0", False),)
        if not isinstance(found, (tuple, list)) or len(found) != len(blocks):
            shown = f"{len(found)} entries" if isinstance(found, (tuple, list)) else type(found).__name__
            raise ModelError(f"func returns {shown} for a state of {len(blocks)} tensors; return a tuple of as many slopes")
        return tuple(_fitted(one, block, f"y0[{i}]", True) for i, (one, block) in enumerate(zip(found, blocks, strict=True)))


def given(func: Func, y0: Any, t: Any) -> Given:
    """The arguments, checked. Raises ModelError for a state or times that are none."""
    state = _state(y0)
    return Given(func, state, _times(t, state[0].device), isinstance(y0, Tensor))


def _state(y0: Any) -> State:
    if not isinstance(y0, (Tensor, tuple)) or not len(_tuple(y0)) or not all(isinstance(one, Tensor) for one in _tuple(y0)):
        raise ModelError(f"y0 is {type(y0).__name__}; give a tensor, or a tuple of tensors")
    state = _tuple(y0)
    for i, block in enumerate(state):
        if not (block.is_floating_point() or block.is_complex()):
            name = "y0" if isinstance(y0, Tensor) else f"y0[{i}]"
            raise ModelError(f"{name} has dtype {block.dtype}; give floating-point numbers: {name}.to(torch.float32)")
    kinds = {(block.dtype, block.device) for block in state}
    if len(kinds) > 1:
        raise ModelError(f"the tensors of y0 have {' and '.join(f'{a} on {b}' for a, b in sorted(kinds, key=str))}; give all of one kind")
    return state


def _tuple(y0: Any) -> tuple[Any, ...]:
    return (y0,) if isinstance(y0, Tensor) else y0


def _times(t: Any, device: torch.device) -> Tensor:
    if not isinstance(t, Tensor) or not t.is_floating_point():
        raise ModelError(f"t is {t.dtype if isinstance(t, Tensor) else type(t).__name__}; give a tensor of floating-point numbers")
    if t.ndim != 1 or not len(t):
        raise ModelError(f"t has shape {tuple(t.shape)}; give one dimension, with the time of y0 first")
    if t.device != device:
        warnings.warn(f"t is on {t.device} and y0 on {device}: t is copied there; create it there", stacklevel=4)
    times = t.to(device, torch.float64)
    _check_monotone(times.detach())
    return times


def _check_monotone(times: Tensor) -> None:
    steps = times.diff()
    wrong = ~(steps > 0) if len(times) > 1 and times[-1] > times[0] else ~(steps < 0)
    if wrong.any():
        i = int(wrong.nonzero()[0])
        pair = f"t[{i}] = {float(times[i]):.10g} and t[{i + 1}] = {float(times[i + 1]):.10g}"
        raise ModelError(f"t must be strictly increasing or decreasing, and {pair} are not in order; sort the times and drop repeats")


def _fitted(slope: Any, block: Tensor, name: str, flat: bool) -> Tensor:
    """A slope in the shape and dtype of its block, as far as it is meant: numbers spread out, and in tuples entries read in their order."""
    if not isinstance(slope, Tensor):
        raise ModelError(f"func returns {type(slope).__name__} for {name}; return a tensor of shape {tuple(block.shape)}")
    if slope.dtype != block.dtype:
        if slope.is_complex() and not block.is_complex():
            raise ModelError(f"func returns {slope.dtype} for {name}, which is {block.dtype}; give y0 complex numbers")
        slope = slope.to(block.dtype)
    if slope.shape == block.shape:
        return slope
    if flat and slope.numel() == block.numel():
        return slope.reshape(block.shape)
    if slope.ndim <= block.ndim and all(n in (1, m) for n, m in zip(slope.shape[::-1], block.shape[::-1], strict=False)):
        return slope.expand(block.shape)
    raise ModelError(f"func returns shape {tuple(slope.shape)} for {name} of shape {tuple(block.shape)}; return slopes like the state")
