"""What every sensitivity starts from: a solve as a task, and the autograd function that a backward rule makes of it."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import torch
from torch import Tensor

from odeanalysis.numerics.solvers.grid import Grid
from torchbridge.solvers.dense import Dense
from torchbridge.solvers.solve import Steps, Trace, replayed, solve
from torchbridge.solvers.states import aligned
from torchbridge.solvers.tapes import Plan
from torchbridge.steps.stepper import State, Stepper

Gradients = tuple[Tensor | None, ...]
"""Cotangents of nodes, of the blocks of the first state, and of the names."""


@dataclass(eq=False)
class Task:
    """A solve that is to be differentiated; `trace` is there once it has been run.

    dense: depths between the nodes whose states are wanted, too, where all samples share their steps: `nodes` below are then [1, K+1+M],
    nodes and those depths, and states at nodes [K+1+M, ...]. `Direct()` and `DiscreteAdjoint()` know it.
    """

    stepper: Stepper
    grid: Grid
    steps: Steps
    dense: Dense | None = None
    trace: Trace | None = field(default=None)

    @property
    def solved(self) -> Trace:
        assert self.trace is not None
        return self.trace


class Sensitivity(Protocol):
    """A way to differentiate.

    nodes: [S, K+1] in float64, the nodes of the grid as a tensor; gradients flow to it, to the state at the first node, and to the names.
    Gives the states at the nodes, each block [K+1, ...].
    """

    @property
    def name(self) -> str: ...

    def states(self, task: Task, nodes: Tensor, state: State, names: State) -> State: ...


Rule = Callable[[Task, Tensor, State, State, State], Gradients]
"""(task, nodes, first state, names, cotangents of the states at the nodes) -> cotangents."""


def through(task: Task, plan: Plan, rule: Rule, nodes: Tensor, state: State, names: State) -> State:
    """The states at the nodes, with a rule for their gradient. Differentiated once more, the recorded steps are taken again as plain
    operations, which autograd follows to any order.
    """
    return _Through.apply(task, plan, rule, len(state), nodes, *state, *names)  # type: ignore[no-any-return]


class _Through(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, task: Task, plan: Plan, rule: Rule, blocks: int, nodes: Tensor, *tensors: Tensor) -> State:
        task.trace = solve(task.stepper, task.grid, tensors[:blocks], tensors[blocks:], task.steps, plan, task.dense)
        ctx.task, ctx.rule, ctx.blocks = _unlinked(task), rule, blocks
        ctx.save_for_backward(nodes, *tensors)
        return where_solved(task, task.trace.nodes, torch.nan)

    @staticmethod
    def backward(ctx: Any, *bars: Tensor) -> tuple[Any, ...]:
        nodes, *tensors = ctx.saved_tensors
        state, names = tuple(tensors[: ctx.blocks]), tuple(tensors[ctx.blocks :])
        known = where_solved(ctx.task, bars, 0.0)
        if torch.is_grad_enabled():
            return (*(None,) * 4, *_taped(ctx.task, nodes, state, names, known, ctx.needs_input_grad[4:]))
        found = ctx.rule(ctx.task, nodes, state, names, known)
        return (*(None,) * 4, *_or_zeros(found, (nodes, *state, *names), ctx.needs_input_grad[4:]))


def _unlinked(task: Task) -> Task:
    """The task as the graph keeps it: its results know the graph, and would keep it alive when nobody else does."""
    return replace(task, trace=replace(task.solved, nodes=tuple(node.detach() for node in task.solved.nodes)))


def _taped(task: Task, nodes: Tensor, state: State, names: State, bars: State, wanted: tuple[bool, ...]) -> Gradients:
    """The gradients of the recorded steps by autograd, so that they can be differentiated again."""
    gate = _Gate()
    nodes, *start = (_Gated.apply(gate, one) for one in (nodes, *state))
    found = replayed(task.stepper, nodes, task.grid, task.solved.schedule, tuple(start), names, task.dense)
    inputs = [one for one, flag in zip((nodes, *start, *names), wanted, strict=True) if flag]
    gradients = iter(torch.autograd.grad(found, inputs, bars, create_graph=True, allow_unused=True, materialize_grads=True))
    gate.open = True
    return tuple(next(gradients) if flag else None for flag in wanted)


@dataclass(eq=False)
class _Gate:
    open: bool = False


class _Gated(torch.autograd.Function):
    """The identity. While its gate is shut no gradient passes: what a first state owes to a name is counted behind the solve, not in it."""

    @staticmethod
    def forward(ctx: Any, gate: _Gate, value: Tensor) -> Tensor:
        ctx.gate = gate
        return value.view_as(value)

    @staticmethod
    def backward(ctx: Any, *bars: Tensor) -> tuple[None, Tensor | None]:
        return None, bars[0] if ctx.gate.open else None


def _or_zeros(found: Gradients, inputs: State, wanted: tuple[bool, ...]) -> Gradients:
    """Zeros where nothing depends on an input: a solve gives a gradient to everything that asks for one."""
    pairs = zip(found, inputs, wanted, strict=True)
    return tuple((torch.zeros_like(one) if bar is None else bar) if flag else None for bar, one, flag in pairs)


def where_solved(task: Task, blocks: State, other: float) -> State:
    """Blocks [K+1, ...] at the nodes, with another value in samples that failed."""
    failed = task.solved.failed
    if not failed.any():
        return blocks
    if len(failed) == 1:
        return tuple(torch.full_like(block, other) for block in blocks)
    flags = torch.as_tensor(failed, device=blocks[0].device)
    return tuple(torch.where(aligned(flags, block[0]), other, block) for block in blocks)
