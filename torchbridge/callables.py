"""Formulas as functions of tensors."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from odeanalysis.errors import ModelError, TargetError, question
from odeanalysis.symbolic.formula import Formula
from odeanalysis.targets import torch_
from odeanalysis.targets.callables import compiled
from odeanalysis.targets.loops.callables import Loops

Function = Callable[..., tuple[Tensor, ...]]


def compile_torch(formula: Formula) -> Function:
    """A function of the formula's inputs, in order, that returns the tuple of its outputs, in order.

    Arguments are tensors of the inputs' shapes behind any leading batch axes, which broadcast; all have one floating-point dtype and
    one device, which the outputs have too. The attribute `text` is the module that was run. Raises TargetError for a node that cannot
    be written.
    """
    return compiled(torch_.program(formula))


class LoopsOnTensors:
    """A formula as compiled loops over tensors on the CPU, with one batch axis or none; where autograd must follow, as torch's own text.

    kept: outputs that are large.  passed: whether these are given as arrays, for a later call of such a function, which takes arrays as
    well as tensors.
    """

    def __init__(self, formula: Formula, kept: Iterable[str] = (), passed: bool = False):
        self.loops = Loops(formula, kept)
        arrays = self.loops.kept if passed else ()
        self.wrapped = [_as_it_is if name in arrays else torch.from_numpy for name, _ in formula.outputs]

    @cached_property
    def followed(self) -> Function:
        return compile_torch(self.loops.formula)

    def __call__(self, *values: Any) -> tuple[Any, ...]:
        if torch.is_grad_enabled() and any(isinstance(one, Tensor) and one.requires_grad for one in values):
            return self.followed(*values)
        found = self.loops(*[one if isinstance(one, np.ndarray) else memory(one) for one in values])
        return tuple([wrap(one) for wrap, one in zip(self.wrapped, found, strict=True)])


def memory(tensor: Tensor) -> np.ndarray:
    """The memory of a tensor as an array whose rows lie one behind the other."""
    if not tensor.is_cpu:
        raise TargetError(f"target 'loops' runs on the CPU, a tensor is on {tensor.device}; take target 'torch'")
    found = (tensor.detach() if tensor.requires_grad else tensor).numpy()
    return found if found.flags.c_contiguous else np.array(found, order="C")


def _as_it_is(value: Any) -> Any:
    return value


@dataclass(frozen=True)
class Target:
    """How a formula becomes a function of tensors, given which outputs are large, and whether these are but passed to a later call.

    ready: what stands for a tensor that many calls are given.
    """

    compile: Callable[[Formula, Iterable[str], bool], Function]
    ready: Callable[[Tensor], Any] = _as_it_is


TARGETS: Mapping[str, Target] = {
    "torch": Target(lambda formula, kept, passed: compile_torch(formula)),
    "loops": Target(LoopsOnTensors, memory),
}


def target_on_tensors(name: str) -> Target:
    """A target by its name. Raises ModelError where there is none."""
    if name not in TARGETS:
        raise ModelError(f"there is no target {name!r} on tensors; {question(name, TARGETS)}take one of {', '.join(TARGETS)}")
    return TARGETS[name]
