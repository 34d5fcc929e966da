"""The functions of one solve of a field: the field, and the costs whose integrals are computed beside the state."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from odeanalysis.errors import ModelError
from torchbridge.modules.callables import Cost, Function, cost, function
from torchbridge.steps.stepper import State


@dataclass(frozen=True, eq=False)
class Parts:
    """field, costs: functions of depth, state and data; a cost sees the slope of the state as well.

    derives: whether a cost differentiates the slope in the state, which then carries a graph, also where autograd is off.  x: the data.
    """

    field: Function
    costs: tuple[Cost, ...]
    derives: bool
    x: Tensor | None

    def slopes(self, depth: Tensor, blocks: State) -> State:
        """The slope of the state, [B, ...], and the costs, [B] each."""
        z, recording = blocks[0], torch.is_grad_enabled()
        with torch.set_grad_enabled(recording or self.derives):
            z = z.detach().requires_grad_() if self.derives and not z.requires_grad else z
            slope = self.field(depth, z, self.x)
        costs = tuple(one(depth, z, self.x, slope) for one in self.costs)
        return (slope if recording else slope.detach(), *costs)


def parts(field: Callable[..., Tensor], costs: Sequence[Callable[..., Tensor]], z: Tensor, x: Tensor | None) -> Parts:
    """The functions of a solve from a state z with data x. Raises ModelError where the field takes data and there are none.

    A cost with a method `drawn(z)` gives by it the function of this solve, whose noise stays the same from its first step to its last
    gradient, whatever else is solved in between.
    """
    call, takes_data = function(field)
    if takes_data and x is None:
        raise ModelError("the field takes data, f(s, z, x); call the module with it: module(z, x)")
    derives = any(_derives(one) for one in costs)
    drawn = (one.drawn(z) if hasattr(one, "drawn") else one for one in costs)
    return Parts(call, tuple(map(cost, drawn)), derives, x)


def _derives(running: Any) -> bool:
    return getattr(running, "derives", False)
