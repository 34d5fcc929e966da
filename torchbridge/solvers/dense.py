"""Dense output: the states at depths inside segments, where no step has to end. All samples share their steps here."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from odeanalysis.numerics.solvers.record import Schedule
from odeanalysis.numerics.solvers.stepper import Array
from torchbridge.steps.interpolants import Around, Interpolation
from torchbridge.steps.pullback import pullback
from torchbridge.steps.stepper import Back, Place, State, Stepper


@dataclass(frozen=True, eq=False)
class Dense:
    """M depths, in the order of the path: their segments [M], the fractions of these [M], and how a state is read off the step around it.

    As a tensor that moves, the depths stand behind the nodes of the path: [1, K+1+M].
    """

    segment: Array
    fraction: Array
    interpolation: Interpolation

    def inside(self, schedule: Schedule, k: int) -> slice:
        """Those that lie in step k of a schedule: behind its start, up to its end."""
        segment, start = schedule.segment[k, 0], schedule.start[k, 0]
        low, high = np.searchsorted(self.segment, segment), np.searchsorted(self.segment, segment, "right")
        own = self.fraction[low:high]
        first = low + np.searchsorted(own, start, "right")
        last = high if schedule.closes[k, 0] else low + np.searchsorted(own, start + schedule.fraction[k, 0], "right")
        return slice(int(first), int(last))

    def moving(self, nodes: Tensor) -> Tensor:
        """The fractions as functions of nodes and depths [1, K+1+M]: (s - a) / (b - a)."""
        path, depth = nodes[0, : -len(self.segment)], nodes[0, -len(self.segment) :]
        start, end = path[self.segment], path[self.segment + 1]
        return (depth - start) / (end - start)


class Reading:
    """The states at the depths of dense output, collected while steps are taken.  fractions: [M], in float64."""

    def __init__(self, dense: Dense, stepper: Stepper, names: State, fractions: Tensor):
        self.dense, self.stepper, self.names, self.fractions = dense, stepper, names, fractions
        self.found: list[State] = []

    def see(self, schedule: Schedule, k: int, step: Around) -> None:
        """Looks at step k of a schedule."""
        rows = self.dense.inside(schedule, k)
        if rows.start < rows.stop:
            path = self.dense.interpolation(step, rows.stop - rows.start)
            self.found.append(path(_shares(self.fractions[rows], schedule, k)))

    def states(self) -> State:
        """Each block [M, ...]."""
        return tuple(torch.cat(blocks) for blocks in zip(*self.found, strict=True))


def reading(dense: Dense | None, stepper: Stepper, names: State, nodes: Tensor | None = None, like: Tensor | None = None) -> Reading | None:
    """What collects dense output, if there is any, with fractions that follow the nodes or, on the device of a tensor, stay."""
    if dense is None:
        return None
    fractions = torch.as_tensor(dense.fraction, device=like.device if like is not None else None) if nodes is None else dense.moving(nodes)
    return Reading(dense, stepper, names, fractions)


def _shares(fractions: Tensor, schedule: Schedule, k: int) -> Tensor:
    """The shares of step k at which fractions of its segment lie."""
    return (fractions - float(schedule.start[k, 0])) / float(schedule.fraction[k, 0])


class BackReading:
    """The way back: cotangents of the states read inside the steps.  nodes: [1, K+1+M].  bars: of those states, each block [M, ...]."""

    def __init__(self, dense: Dense, stepper: Stepper, schedule: Schedule, nodes: Tensor, names: State, bars: State):
        self.dense, self.stepper, self.schedule, self.nodes, self.names, self.bars = dense, stepper, schedule, nodes, names, bars
        self.fractions = dense.moving(nodes)
        self.sent = torch.zeros_like(self.fractions)

    def step(self, k: int, place: Place, state: State, kept: State, cotangent: State) -> Back:
        """The discrete adjoint of step k together with what was read inside it."""
        rows = self.dense.inside(self.schedule, k)
        if rows.start == rows.stop:
            return self.stepper.reverse(place, state, self.names, kept, cotangent)
        shares = _shares(self.fractions[rows], self.schedule, k)
        bars = (*cotangent, *(bar[rows] for bar in self.bars))
        back, (sent,) = pullback(self._outputs, place, state, self.names, bars, (shares.requires_grad_(self.nodes.requires_grad),))
        if sent is not None:
            self.sent[rows] = sent / float(self.schedule.fraction[k, 0])
        return back

    def to_nodes(self) -> Tensor | None:
        """The cotangents of nodes and depths, as far as they come from where in their segments the depths lie."""
        if not self.nodes.requires_grad:
            return None
        with torch.enable_grad():
            nodes = self.nodes.detach().requires_grad_()
            fractions = self.dense.moving(nodes)
        return torch.autograd.grad(fractions, nodes, self.sent)[0]

    def _outputs(self, place: Place, state: State, shares: Tensor) -> State:
        """The state after a step, and those read inside it."""
        first = self.stepper.slopes(place, state, self.names)
        taken = self.stepper.step(place, state, self.names, first)
        path = self.dense.interpolation(Around(self.stepper, place, state, self.names, taken, first), len(shares))
        return (*taken.after, *path(shares))
