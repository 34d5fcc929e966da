"""Formulas as functions of tensors."""

from collections.abc import Callable

from torch import Tensor

from odeanalysis.symbolic.formula import Formula
from odeanalysis.targets import torch_
from odeanalysis.targets.callables import compiled


def compile_torch(formula: Formula) -> Callable[..., tuple[Tensor, ...]]:
    """A function of the formula's inputs, in order, that returns the tuple of its outputs, in order.

    Arguments are tensors of the inputs' shapes behind any leading batch axes, which broadcast; all have one floating-point dtype and
    one device, which the outputs have too. The attribute `text` is the module that was run. Raises TargetError for a node that cannot
    be written.
    """
    return compiled(torch_.program(formula))
