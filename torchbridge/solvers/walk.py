"""The states of a batch between two steps whose sizes a pilot chooses."""

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from odeanalysis.numerics.solvers.grid import Grid
from odeanalysis.numerics.solvers.grid import Place as Numbers
from odeanalysis.numerics.solvers.initial_step import initial_step
from odeanalysis.numerics.solvers.record import Schedule
from odeanalysis.numerics.solvers.solution import Statistics
from odeanalysis.numerics.solvers.stepper import Array
from odeanalysis.numerics.solvers.stiffness import ESTIMATE, ITERATIONS
from torchbridge.solvers.dense import Dense, reading
from torchbridge.solvers.failing import Failed, failed_of
from torchbridge.solvers.failure import ending, failure, worst
from torchbridge.solvers.nodes import AtNodes
from torchbridge.solvers.places import place as tensors
from torchbridge.solvers.settings import Steps
from torchbridge.solvers.states import aligned, chosen, depth_like, finite
from torchbridge.solvers.tapes import Plan
from torchbridge.solvers.waiting import Waiting
from torchbridge.steps.interpolants import Around
from torchbridge.steps.stepper import Place, State, Stepper, Taken, evaluated


class Walk:
    """All samples in lockstep, with a step size for each (S = B) or one for all (S = 1); see `odeanalysis`' pilot for what is asked of it.

    The slopes at the start of a step are kept over rejections, and over steps whose method ends with them, never into a new segment.
    Under autograd, the steps go on its tape; what decides on their sizes does not.
    """

    def __init__(
        self,
        stepper: Stepper,
        grid: Grid,
        state: State,
        names: State,
        steps: Steps,
        plan: Plan,
        dense: Dense | None = None,
        batch: int | None = None,
    ):
        self.stepper, self.grid, self.names = stepper, grid, names
        self.states = Waiting(state, grid.segments)
        self.steps, self.measure = steps, steps.norm
        self.samples = grid.samples
        self.keep = plan.keeps_stages and self.samples == 1
        self.tape = plan.tape()
        self.nodes = AtNodes(grid.segments, reading(dense, stepper, names, like=state[0]))
        self.first: State | None = None
        self.accepted, self.rejected, self.evaluations = np.zeros((3, self.samples), dtype=int)
        self.stiff = np.zeros(self.samples, dtype=bool)
        self.batch = batch if self.samples == 1 else self.samples
        self.broken = np.zeros(self.samples, dtype=bool)
        self.rows: list[Schedule] = []
        self.errors, self.worst = np.zeros(self.samples), 0.0

    @property
    def state(self) -> State:
        """What the next step starts from."""
        return self.states.start

    # ------------------------------------------------------------ sizes

    def first_sizes(self) -> Array:
        return initial_step(self, self.stepper.order) if self.steps.first is None else np.full(self.samples, self.steps.first)

    def start(self, place: Numbers, real: Array) -> tuple[Array, Array]:
        """The norms of the state and of its slope at the start; the slope is kept for the first step."""
        found = self.stepper.slopes(self._place(place), self.state, self.names)
        slopes = tuple(k.expand_as(y) for k, y in zip(found, self.state, strict=True))
        self._check(slopes, place, real)
        self.first = slopes if self.stepper.reuses else None
        self._slopes = slopes
        self.evaluations = self.evaluations + 2 * real
        with torch.no_grad():
            scale = self.measure.scale(self.state)
            return self._size(self.state, scale), self._size(slopes, scale)

    @torch.no_grad()
    def bend(self, place: Numbers, step: Array) -> Array:
        here = self._place(place, step)
        ahead = tuple(y + aligned(here.step, y) * k for y, k in zip(self.state, self._slopes, strict=True))
        found = self.stepper.slopes(replace(here, depth=here.depth + here.step), ahead, self.names)
        change = tuple(a - b for a, b in zip(found, self._slopes, strict=True))
        return self._size(change, self.measure.scale(self.state))

    @torch.no_grad()
    def norm(self, place: Numbers, attempt: Taken) -> Array:
        assert attempt.error is not None
        found = self._size(_where_finite(attempt), self.measure.scale(self.state, attempt.after))
        if self.measure.norm is not None and not bool(finite(attempt.after, 1)):
            found = np.full(1, np.nan)
        found = np.where(np.abs(place.step) <= self.steps.shortest, np.minimum(found, 1), found)
        self.errors = np.where(place.step == 0, 0, found)
        return self.errors

    @torch.no_grad()
    def radius(self, place: Numbers) -> tuple[Array, int]:
        """The spectral radius by the power method on differences of the field."""
        here, scale = self._place(place), self.measure.scale(self.state)
        at = direction = self.stepper.slopes(here, self.state, self.names)
        growth = np.zeros(self.samples)
        for _ in range(ITERATIONS):
            size = self._size(direction, scale)
            factor = self._tensor(1 / np.where(size == 0, 1, size))
            moved = tuple(y + aligned(factor, y) * d for y, d in zip(self.state, direction, strict=True))
            direction = tuple(a - b for a, b in zip(self.stepper.slopes(here, moved, self.names), at, strict=True))
            growth = self._size(direction, scale)
        return growth, ESTIMATE

    # ------------------------------------------------------------ steps

    def attempt(self, place: Numbers) -> Taken:
        here, moving = self._place(place), place.step != 0
        self.here = here
        for watch in self.steps.watches:
            watch.tried(here, self.state)
        if self.keep or not self.stepper.reuses:
            taken = self.stepper.step(here, self.state, self.names, keep=self.keep)
            self.evaluations = self.evaluations + moving * evaluated(self.stepper, taken)
        else:
            self.first = self.first or self.stepper.slopes(here, self.state, self.names)
            taken = self.stepper.step(here, self.state, self.names, self.first)
            self.evaluations = self.evaluations + moving * (self.stepper.stages - 1)
        return taken if moving.all() else replace(taken, after=chosen(moving, taken.after, self.state))

    def advance(self, row: Schedule, place: Numbers, attempt: Taken) -> None:
        accepted, closes = row.accepted[0], row.closes[0]
        self._tell(bool(accepted.any()), attempt)
        if not accepted.any():
            return
        self.worst = max(self.worst, float(self.errors[accepted].max()))
        self.nodes.see(row, 0, self.state)
        self.nodes.look(row, 0, Around(self.stepper, self.here, self.state, self.names, attempt, self.first))
        self.rows.append(row)
        self.tape.add(self.state, attempt.kept)
        self.states.advance(row, 0, attempt.after)
        self.accepted = self.accepted + accepted
        if (accepted & closes).any() or attempt.last is None:
            self.first = None
        elif self.first is not None:
            self.first = chosen(accepted, attempt.last, self.first)

    def fail(self, event: str, place: Numbers, attempt: Taken, sample: int) -> None:
        """Raises SolveError, or gives the sample up."""
        self.broken[sample] = True
        if self.steps.throw:
            who = self._blamed(attempt, sample)
            raise failure(ending(self.state, attempt.after, who) if event == "small" else event, float(place.depth[sample]), who)

    def schedule(self) -> Schedule:
        """All steps that were accepted; those of samples that failed are null."""
        if not self.rows:
            nothing = np.zeros((0, self.samples))
            return Schedule(nothing, nothing, nothing.astype(int), nothing.astype(bool))
        start, fraction, segment, closes = (
            np.concatenate([getattr(row, name) for row in self.rows]) for name in ("start", "fraction", "segment", "closes")
        )
        return Schedule(start, np.where(self.broken, 0, fraction), segment, closes)

    @property
    def failed(self) -> Failed | None:
        return failed_of(self.broken, self.state[0])

    def statistics(self) -> Statistics:
        return Statistics(self.accepted, self.rejected, self.evaluations, self.stiff)

    # ------------------------------------------------------------ parts

    def _place(self, place: Numbers, step: Array | None = None) -> Place:
        return tensors(place.depth, place.step if step is None else step, place.pieces, self.state[0])

    def _tensor(self, values: Array) -> Tensor:
        found = depth_like(torch.as_tensor(values), self.state[0])
        return found[0] if self.samples == 1 else found

    def _size(self, state: State, scale: State) -> Array:
        return self.measure.size(state, scale, self.samples)

    def _tell(self, accepted: bool, attempt: Taken) -> None:
        for watch in self.steps.watches:
            if accepted:
                watch.accepted(self.here, self.state, attempt)
            else:
                watch.rejected(self.here, self.state)

    @torch.no_grad()
    def _check(self, slopes: State, place: Numbers, needed: Array) -> None:
        """Raises SolveError where a sample starts from something that is not finite; where none is to raise, it fails by itself later."""
        both = (*self.state, *slopes)
        broken = needed & ~finite(both, self.samples).cpu().numpy()
        if broken.any() and self.steps.throw:
            first = int(broken.argmax())
            who = first if self.samples > 1 else None if self.batch is None else int(finite(both, self.batch).int().argmin())
            event = "field" if bool(finite(self.state, self.samples)[first]) else "start"
            raise failure(event, float(place.depth[first]), who)

    def _blamed(self, attempt: Taken, sample: int) -> int | None:
        """The sample that failed; where all share their steps, the one whose error is the largest."""
        if self.samples > 1 or self.batch is None:
            return sample if self.samples > 1 else None
        assert attempt.error is not None
        scale = self.measure.scale(self.state, attempt.after)
        return worst(tuple(error / allowed for error, allowed in zip(_where_finite(attempt), scale, strict=True)), self.batch)


def _where_finite(attempt: Taken) -> State:
    """The errors of an attempt, NaN where it ends in something that is not finite."""
    assert attempt.error is not None
    return tuple(torch.where(torch.isfinite(y), error, torch.nan) for y, error in zip(attempt.after, attempt.error, strict=True))
