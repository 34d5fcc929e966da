"""The continuous adjoint (Prop. 1 in full), on the dense solution, and backward re-integration of the state under its own name.

a' = -dH/dz,   g' = -dH/dname,   solved from S back to s0, with the costate's jumps at the nodes. In each segment, from s_j to s_j+1, the
fraction sigma of it is what is integrated over, so that samples may differ in their depths and share the steps:

    da/dsigma = -(s_j+1 - s_j) dH/dz,   dg/dsigma = -sum over the batch of (s_j+1 - s_j) dH/dname
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from odeanalysis.errors import ModelError
from odeanalysis.numerics.solvers.grid import Grid
from torchbridge.gradients.solving import Gradients, Task, through
from torchbridge.solvers.places import places
from torchbridge.solvers.solve import Steps, solve
from torchbridge.solvers.states import aligned
from torchbridge.solvers.tapes import EveryStep, Full, Nothing
from torchbridge.steps.opaque import OpaqueStepper
from torchbridge.steps.stepper import Place, State

States = Callable[[Tensor], State]
"""sigma -> the state there."""


@dataclass(frozen=True)
class ContinuousAdjoint:
    """The costate equation solved backward with the solve's own method and tolerances; the state is read off the stored solution.

    Its gradient is that of the solution up to tolerances, not the exact one of the steps that were taken. Explicit methods only: to an
    implicit one the integrals of the names would be part of one large linear system.
    """

    name = "adjoint"

    def states(self, task: Task, nodes: Tensor, state: State, names: State) -> State:
        _check_explicit(task, self.name)
        return through(task, Full(stages=False), stored_sweep, nodes, state, names)


@dataclass(frozen=True)
class Backsolve:
    """The costate equation solved together with the state, which is integrated again from S to s0: little memory, and wrong on fields
    that contract: z' = -50 z loses every digit. Never the default."""

    name = "backsolve"

    def states(self, task: Task, nodes: Tensor, state: State, names: State) -> State:
        _check_explicit(task, self.name)
        return through(task, Nothing(), back_sweep, nodes, state, names)


def _check_explicit(task: Task, name: str) -> None:
    if not np.isfinite(task.stepper.stability):
        raise ModelError(
            f"sensitivity {name!r} takes explicit methods, and {task.stepper.name!r} is none; take DiscreteAdjoint(), or tsit5 or dopri5"
        )


def stored_sweep(task: Task, nodes: Tensor, state: State, names: State, bars: State) -> Gradients:
    """The sweep beside the stored solution."""
    return _sweep(Sweep(task, nodes, names), bars, stored=True)


def back_sweep(task: Task, nodes: Tensor, state: State, names: State, bars: State) -> Gradients:
    """The sweep beside the state that is solved for again."""
    return _sweep(Sweep(task, nodes, names), bars, stored=False)


def _sweep(sweep: "Sweep", bars: State, stored: bool) -> Gradients:
    at_nodes = sweep.task.solved.nodes
    costate = tuple(bar[-1] for bar in bars)
    integrals = sweep.zeros
    moved = [torch.zeros_like(sweep.nodes[:, 0]) for _ in range(sweep.nodes.shape[1])]
    again = tuple(block[-1] for block in at_nodes)
    for j in range(sweep.nodes.shape[1] - 2, -1, -1):
        moved[j + 1] = moved[j + 1] + sweep.hamiltonian(j, 1.0, again, costate)
        again, costate, integrals = sweep.segment(j, None if stored else again, costate, integrals)
        again = tuple(block[j] for block in at_nodes) if stored else again
        moved[j] = moved[j] - sweep.hamiltonian(j, 0.0, again, costate)
        costate = tuple(a + bar[j] for a, bar in zip(costate, bars, strict=True))
    return (torch.stack(moved, 1), *costate, *integrals)


@dataclass(frozen=True, eq=False)
class Sweep:
    """The equations of the costate and of the integrals of the names, segment by segment."""

    task: Task
    nodes: Tensor
    names: State

    @property
    def zeros(self) -> State:
        return tuple(torch.zeros_like(name) for name in self.names)

    def place(self, j: int, sigma: Tensor | float, like: Tensor) -> tuple[Place, Tensor]:
        """Where sigma is in segment j, and the segment's length, both without an axis where all samples have one path."""
        a, b = self.nodes[:, j], self.nodes[:, j + 1]
        pieces = self.task.grid.pieces[:, j]
        flags = torch.as_tensor(pieces).to(like)
        depth, length = ((a + sigma * (b - a)).to(like), (b - a).to(like))
        return Place(_own(depth), _own(length), tuple(map(_own, flags.unbind(1))), pieces), _own(length)

    def segment(self, j: int, state: State | None, costate: State, integrals: State) -> tuple[State, State, State]:
        """Carries costate and integrals, and the state where it is solved for again, from the end of segment j to its start."""
        carried = (*(state or ()), *costate, *integrals)
        n, first = len(costate), len(state or ())
        read = Dense(self, j).at if state is None else None

        def field(sigma: Tensor, blocks: State) -> State:
            here, length = self.place(j, sigma, blocks[first])
            known = blocks[:n] if read is None else read(sigma)
            scaled = tuple(aligned(length, a) * a for a in blocks[first : first + n])
            back = self.task.stepper.pull(here, known, self.names, scaled)
            fallen = (*(-bar for bar in back.state), *(_negative(bar, one) for bar, one in zip(back.names, self.names, strict=True)))
            if read is not None:
                return fallen
            slopes = self.task.stepper.slopes(here, known, self.names)
            return (*(aligned(length, z) * k for z, k in zip(known, slopes, strict=True)), *fallen)

        found = self._solved(j, field, carried)
        return found[:first], found[first : first + n], found[first + n :]

    def _solved(self, j: int, field: Callable[[Tensor, State], State], carried: State) -> State:
        steps = self.task.steps
        schedule = self.task.solved.schedule
        taken = int(((schedule.segment == j) & schedule.accepted).sum(0).max(initial=1))
        alike = Steps(None if steps.count is None else taken, steps.tolerance, steps.controller, steps.max_steps, steps.throw)
        stepper = OpaqueStepper(self.task.stepper.tableau, field)
        trace = solve(stepper, Grid(np.array([[1.0, 0.0]])), carried, (), alike, Nothing())
        return tuple(block[-1] for block in trace.nodes)

    def hamiltonian(self, j: int, sigma: float, state: State, costate: State) -> Tensor:
        """a^T f at an end of segment j, [S]; the running cost is one of the states."""
        here, _ = self.place(j, sigma, state[0])
        slopes = self.task.stepper.slopes(here, state, self.names)
        samples = len(self.nodes)
        products = [(a * k).reshape(samples, -1).sum(1) for a, k in zip(costate, slopes, strict=True)]
        return torch.stack(products).sum(0).to(self.nodes)


@dataclass(frozen=True, eq=False)
class Dense:
    """The stored solution inside segment j, to the method's order: part of a step, taken from its start."""

    sweep: Sweep
    j: int

    @cached_property
    def rows(self) -> np.ndarray:
        """The first and the last of each sample's steps in the segment: [2, S]."""
        schedule = self.sweep.task.solved.schedule
        inside = (schedule.segment == self.j) & schedule.accepted
        return np.stack([inside.argmax(0), len(inside) - 1 - inside[::-1].argmax(0)])

    @cached_property
    def states(self) -> list[State]:
        tape = self.sweep.task.solved.tape
        assert isinstance(tape, EveryStep)
        return tape.states

    @cached_property
    def places(self) -> list[Place]:
        sweep = self.sweep
        return places(sweep.nodes, sweep.task.grid.pieces, sweep.task.solved.schedule, self.states[0][0])

    def at(self, sigma: Tensor) -> State:
        """The state at a fraction of the segment."""
        schedule, value = self.sweep.task.solved.schedule, float(sigma)
        begun = (schedule.segment == self.j) & schedule.accepted & (schedule.start <= value)
        step = np.where(begun.any(0), len(begun) - 1 - begun[::-1].argmax(0), self.rows[0])
        samples = np.arange(len(step))
        part = (value - schedule.start[step, samples]) / np.where(
            schedule.fraction[step, samples] == 0, 1, schedule.fraction[step, samples]
        )
        state, place = self._start(step)
        share = _own(torch.as_tensor(part).to(place.step))
        return self.sweep.task.stepper.step(replace(place, step=share * place.step), state, self.sweep.names).after

    def _start(self, step: np.ndarray) -> tuple[State, Place]:
        """The state before each sample's step, and where this is taken."""
        first = int(step[0])
        if (step == first).all():
            return self.states[first], self.places[first]
        rows, own = np.unique(step, return_inverse=True)
        index, samples = torch.as_tensor(own), torch.arange(len(step))

        def gathered(parts: list[Tensor]) -> Tensor:
            return torch.stack(parts)[index, samples]

        state = tuple(map(gathered, map(list, zip(*(self.states[k] for k in rows), strict=True))))
        here = [self.places[k] for k in rows]
        flags = tuple(map(gathered, map(list, zip(*(one.flags for one in here), strict=True))))
        return state, Place(
            gathered([one.depth for one in here]), gathered([one.step for one in here]), flags, self.sweep.task.grid.pieces[:, self.j]
        )


def _own(values: Tensor) -> Tensor:
    """[S] as it is, [1] without its axis."""
    return values[0] if len(values) == 1 else values


def _negative(bar: Tensor | None, like: Tensor) -> Tensor:
    return torch.zeros_like(like) if bar is None else -bar
