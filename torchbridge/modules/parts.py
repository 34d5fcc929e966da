"""The functions of one solve of a field: the field, and the costs whose integrals are computed beside the state."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from odeanalysis.errors import ModelError
from torchbridge.modules.callables import Cost, Function, drawn, function
from torchbridge.modules.held import Held
from torchbridge.steps.stepper import State


@dataclass(frozen=True, eq=False)
class Parts:
    """field, costs: functions of depth, state and data; a cost sees the slope of the state as well.

    derives: whether the field or a cost differentiates in the state, which then carries a graph, also where autograd is off.  x: the data.
    held: the parameters that they read.
    """

    field: Function
    costs: tuple[Cost, ...]
    derives: bool
    x: Tensor | None
    held: Held

    def slopes(self, depth: Tensor, blocks: State) -> State:
        """The slope of the state, [B, ...], and the costs, [B] each."""
        with self.held.back():
            return self._slopes(depth, blocks)

    def _slopes(self, depth: Tensor, blocks: State) -> State:
        z, recording = blocks[0], torch.is_grad_enabled()
        with torch.set_grad_enabled(recording or self.derives):
            z = z.detach().requires_grad_() if self.derives and not z.requires_grad else z
            slope = self.field(depth, z, self.x)
        costs = tuple(one(depth, z, self.x, slope) for one in self.costs)
        return (slope if recording else slope.detach(), *costs)


def parts(field: Callable[..., Tensor], costs: Sequence[Callable[..., Tensor]], z: Tensor, x: Tensor | None, held: Held) -> Parts:
    """The functions of a solve from a state z with data x. Raises ModelError where the field takes data and there are none."""
    call, takes_data = function(field)
    if takes_data and x is None:
        raise ModelError("the field takes data, f(s, z, x); call the module with it: module(z, x)")
    derives = any(getattr(one, "derives", False) for one in (field, *costs))
    return Parts(call, tuple(drawn(one, z) for one in costs), derives, x, held)
