"""Solving a stated problem on tensors, and its loss."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from odeanalysis.modeling.model import Problem
from odeanalysis.modeling.values import Bound
from odeanalysis.numerics.gradients.paths import Path
from odeanalysis.numerics.gradients.settings import Settings
from odeanalysis.numerics.solvers.controller import Tolerance
from odeanalysis.symbolic.nodes import shape_of
from torchbridge.gradients.discrete import DiscreteAdjoint
from torchbridge.gradients.solving import Sensitivity, Task
from torchbridge.networks import OnTensors, bind
from torchbridge.problems.paths import lay, node_depths
from torchbridge.problems.program import Program, program
from torchbridge.problems.values import checked
from torchbridge.solvers.replay import Replay
from torchbridge.solvers.solve import Steps, Trace
from torchbridge.steps.methods import STEPPERS, on_tensors
from torchbridge.steps.stepper import State


@dataclass(frozen=True, eq=False)
class Solved:
    """A solved problem. values: tensors by name.  depths: the nodes [S, K+1].  states: each block at the nodes, [K+1, ...]."""

    program: Program
    values: Mapping[str, Tensor]
    bound: Bound
    path: Path
    depths: Tensor
    states: State
    trace: Trace
    method: str
    target: str = "torch"
    networks: Mapping[str, OnTensors] = field(default_factory=dict)

    @property
    def final(self) -> dict[str, Tensor]:
        """The states at S."""
        return {z.name: block[-1] for z, block in zip(self.program.parts.states, self.states, strict=False)}

    def observed(self, i: int) -> dict[str, Tensor]:
        """The states at the depths of an observation: each [m, B, ...]."""
        return {z.name: block for z, block in zip(self.program.parts.states, self._gathered(i), strict=False)}

    @property
    def statistics(self) -> dict[str, Any]:
        """Counts over the batch: the most steps of a sample, all rejected steps and evaluations, and which samples failed."""
        return {"method": self.method, "target": self.target, **counts(self.trace)}

    @property
    def running(self) -> Tensor:
        """The integral of the running cost, [B] or one number."""
        return self.states[-1][-1] if self.program.parts.has_cost else self.states[0].new_zeros(())

    @cached_property
    def losses(self) -> Tensor:
        """The loss of each sample, [B], or one number where nothing is batched; NaN where a sample failed, which sends no gradient."""
        if self.trace.failed is not None:
            return torch.where(self.trace.failed.flags, torch.nan, self._with_others.losses)
        found = self.program.terminal(self._at_end())["terminal"] + self.running
        for i in range(len(self.program.parts.observations)):
            found = found + self._observed(i)
        return found if self.bound.batch is None else found.expand(self.bound.batch)

    @property
    def _with_others(self) -> "Solved":
        """With others in the place of the samples that failed, and all at their start where all did: every cost has a derivative."""
        trace = self.trace
        assert trace.failed is not None
        pairs = zip(trace.failed.stood_in(self.states, 1), trace.nodes, strict=True)
        states = tuple(trace.failed.unless_all(known, nodes[:1].expand_as(nodes)) for known, nodes in pairs)
        return replace(self, states=states, trace=replace(trace, failed=None))

    @property
    def value(self) -> Tensor:
        """The loss, reduced as the problem says."""
        return self.losses.mean() if self.program.parts.problem.reduction == "mean" else self.losses.sum()

    def _at_end(self) -> dict[str, Tensor]:
        flags = torch.as_tensor(self.path.grid.pieces[:, -1]).to(self.states[0])
        return self._environment(_own(self.depths[:, -1]), tuple(block[-1] for block in self.states), flags)

    def _environment(self, depth: Tensor, states: State, flags: Tensor) -> dict[str, Any]:
        """Names -> tensors at depths; flags: [..., P] beside depths."""
        stated = self.program.parts
        found = {flag.name: _own(flags[..., i]) for i, flag in enumerate(stated.pieces.flags)}
        blocks = {z.name: block for z, block in zip(stated.states, states, strict=False)}
        return {**self.values, **self.networks, **found, **blocks, stated.depth.name: depth.to(self.states[0])}

    def _observed(self, i: int) -> Tensor:
        """The sum of an observation's costs over its depths, without missing data."""
        stated = self.program.parts
        node = self.path.node[:, list(stated.observed[i])]
        index, batched = torch.as_tensor(node.T), self.bound.batch is not None
        rows = torch.arange(len(node))
        states = self._gathered(i)
        flags = torch.as_tensor(self.path.flags_at(node)).to(self.states[0]).movedim(1, 0)
        depth, flags = self.depths[rows, index], flags if batched else flags[:, 0]
        environment = self._environment(depth if batched else depth[:, 0], states, flags)
        data, seen = self._data(i)
        cost = self.program.observations[i]({**environment, **data})["cost"]
        return torch.where(seen, cost, 0).sum(0)

    def _gathered(self, i: int) -> State:
        """The states at an observation's depths: each block [m, ...]."""
        index = torch.as_tensor(self.path.node[:, list(self.program.parts.observed[i])].T)
        return tuple(_gathered(block, index) for block in self.states)

    def _data(self, i: int) -> tuple[dict[str, Tensor], Tensor]:
        """The data with the depths as first axis, and which have no missing entry: [m] or [m, B]."""
        found, seen = {}, torch.ones((), dtype=torch.bool, device=self.depths.device)
        for leaf in self.program.parts.problem.objective.observations[i].data:
            data = self.values[leaf.name]
            if leaf.name in self.bound.batched:
                data = data.movedim(1, 0)
            elif self.bound.batch is not None:
                data = data.unsqueeze(1)
            missing = data.isnan()
            found[leaf.name] = torch.where(missing, STAND_IN, data)
            axes = tuple(range(-len(shape_of(leaf)), 0))
            seen = seen & ~(missing.any(axes) if axes else missing)
        return found, seen


def counts(trace: Trace) -> dict[str, Any]:
    """The counts of a solve, over the batch."""
    found = trace.statistics
    return {
        "steps": int(np.max(found.accepted, initial=0)),
        "rejected": int(np.sum(found.rejected)),
        "evaluations": int(np.sum(found.evaluations)),
        "stiff": bool(np.any(found.stiff)),
        "failed": [] if trace.failed is None else trace.failed.flags.nonzero().flatten().tolist(),
    }


STAND_IN = 0.73  # what a missing datum is while its cost, which is dropped, is computed


def _own(values: Tensor) -> Tensor:
    """[S] as it is, [1] without its axis; more axes as they are."""
    return values[0] if values.shape == (1,) else values


def _gathered(block: Tensor, index: Tensor) -> Tensor:
    """A block [K+1, ...] at the nodes of each sample: index [m, S] -> [m, ...]."""
    if index.shape[1] == 1:
        return block[index[:, 0]]
    return block[index, torch.arange(index.shape[1])]


def solve(
    problem: Problem,
    values: Mapping[str, Any],
    settings: Settings | None = None,
    sensitivity: Sensitivity | None = None,
    *,
    own_steps: bool = True,
    throw: bool = True,
    target: str = "torch",
    replay: Replay | None = None,
    networks: Mapping[str, nn.Module] | None = None,
) -> Solved:
    """Solves a stated problem for tensors, which may require gradients.

    values: name -> tensor, number or array, of the name's shape or with a leading batch axis.  sensitivity: `DiscreteAdjoint()` by default.
    own_steps: whether each sample of a batch has step sizes of its own, which then do not depend on the samples beside it.
    throw: whether a sample that fails raises; else its states are NaN, and it sends no gradient.
    target: what the steps run as: `torch`, or on the CPU `loops`, which Numba compiles at the first solve, in seconds.
    replay: where chosen steps are recorded, and taken from as long as they serve.
    networks: name -> module of the problem's opaque networks, whose parameters are values, as vectors, like others: `weights_of(module)`.
    Raises TargetError for a network that is bound to nothing, ModelError for values that do not fit and methods that take no steps on
    tensors, SolveError for a solve that fails.
    """
    chosen = settings or Settings()
    used = on_tensors(chosen.method)
    modules = bind(problem, networks or {})
    tensors, bound = checked(problem, values)
    shared = frozenset(leaf.name for leaf in problem.model.names) - bound.batched
    ready = program(problem, shared)
    way = lay(ready, tensors, bound.batched, bound.batch, own_steps and chosen.steps is None)
    like = next(iter(tensors.values()), torch.zeros((), dtype=torch.float64))
    depths = node_depths(ready, tensors, way, like.device)
    applied = tuple(modules[name] for name in ready.parts.field.networks)
    stepper = STEPPERS[used.kind](used, ready.parts, shared, way.grid.samples == 1, target, applied)
    steps = Steps(chosen.steps, Tolerance(chosen.rtol, chosen.atol), max_steps=chosen.max_steps, throw=throw, replay=replay)
    task = Task(stepper, way.grid, steps, batch=bound.batch)
    state = _initial(ready, tensors, modules, bound, way, depths)
    names = tuple(tensors[leaf.name] for leaf in ready.parts.names)
    states = (sensitivity or DiscreteAdjoint()).states(task, depths, state, names)
    return Solved(ready, tensors, bound, way, depths, states, task.solved, chosen.method, target, modules)


def _initial(
    ready: Program, tensors: Mapping[str, Tensor], modules: Mapping[str, OnTensors], bound: Bound, way: Path, depths: Tensor
) -> State:
    """The states at s0, one for each sample, and a running cost of 0."""
    like = next(iter(tensors.values()), depths)
    pieces = torch.as_tensor(way.grid.pieces[:, 0]).to(like)
    flags = {flag.name: _own(pieces[:, i]) for i, flag in enumerate(ready.parts.pieces.flags)}
    found = ready.initial({**tensors, **modules, **flags, ready.parts.depth.name: _own(depths[:, 0]).to(like)})
    blocks = [found[z.name] for z in ready.parts.states]
    if bound.batch is not None:
        ranks = [len(shape_of(z)) for z in ready.parts.states]
        blocks = [block.expand(bound.batch, *block.shape[block.ndim - rank :]) for block, rank in zip(blocks, ranks, strict=True)]
    if ready.parts.has_cost:
        blocks.append(like.new_zeros(() if bound.batch is None else (bound.batch,)))
    return tuple(blocks)
