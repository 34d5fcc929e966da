"""Who chooses the step sizes of a batch: each sample, or group of samples with common steps, has a step size of its own.

A pilot sees error norms and never a state, so that the states may be arrays of any library.
"""

from typing import Any, Protocol

import numpy as np

from odeanalysis.numerics.solvers.controller import Controller
from odeanalysis.numerics.solvers.grid import Grid, Place
from odeanalysis.numerics.solvers.listening import Reached
from odeanalysis.numerics.solvers.record import Schedule
from odeanalysis.numerics.solvers.stepper import Array
from odeanalysis.numerics.solvers.stiffness import Bounded, Stiffness

ULPS = 10
MEMORY_FLOOR = 1e-4


class Method(Bounded, Protocol):
    """What a pilot wants to know of a method."""

    @property
    def error_order(self) -> int: ...


class Steered(Protocol):
    """States on their way, which a pilot steers; arrays are [S], an entry for each step size.

    first_sizes: |h| of the first steps.  norm: the root mean square of a trial's scaled errors, NaN where its state is not finite.
    radius: an estimate of the spectral radius of the Jacobian, and how many evaluations it cost.  fail: raises SolveError, or
    notes that a sample goes no further.
    """

    grid: Grid
    accepted: Array
    rejected: Array
    evaluations: Array
    stiff: Array

    @property
    def stepper(self) -> Method: ...
    def first_sizes(self) -> Array: ...
    def attempt(self, place: Place) -> Any: ...
    def norm(self, place: Place, attempt: Any) -> Array: ...
    def advance(self, row: Schedule, place: Place, attempt: Any) -> None: ...
    def radius(self, place: Place) -> tuple[Array, int]: ...
    def fail(self, event: str, place: Place, attempt: Any, sample: int) -> None: ...


class Pilot:
    """The step sizes of all samples, and where each stands: segment [B] and fraction of it [B]."""

    def __init__(self, walk: Steered, controller: Controller):
        grid = walk.grid
        self.walk, self.grid, self.controller = walk, grid, controller
        self.k = walk.stepper.error_order + 1
        self.segment = np.zeros(grid.samples, dtype=int)
        self.start = np.zeros(grid.samples)
        self.live = np.ones(grid.samples, dtype=bool)
        self.memory = np.ones(grid.samples)  # the error norm of the last accepted step
        self.growing = np.ones(grid.samples, dtype=bool)  # the last step was not rejected
        self.size = walk.first_sizes()  # |h| that is wished for
        self.iterations = 0
        self.stiffness = Stiffness(grid.samples, walk.stepper)

    def iterate(self, max_steps: int) -> None:
        """Try one step of every sample that has not finished, and accept or reject it."""
        wish, fraction, closes = self._choose()
        place = self.grid.place(self.segment, self.start, fraction)
        self._look(place)
        attempt = self.walk.attempt(place)
        norm = self.walk.norm(place, attempt)
        accepted = self.live & (norm <= 1)
        self._resize(place, wish, fraction, norm, accepted)
        taken = np.where(accepted, fraction, 0)
        row = Schedule(self.start[None], taken[None], self.segment[None], (closes & accepted)[None])
        self.walk.advance(row, place, attempt)
        self.walk.rejected = self.walk.rejected + (self.live & ~accepted)
        self._move(taken, accepted, closes & accepted)
        self._check(place, attempt, max_steps)

    def reached(self) -> Reached:
        """How far the sample is that is furthest behind."""
        b = int(np.where(self.live, self.segment + self.start, self.grid.segments).argmin())
        end = self.grid.nodes[b, -1]
        depth = self.grid.depth(self.segment, self.start)[b] if self.live[b] else end
        steps = int(self.walk.accepted[b] + self.walk.rejected[b])
        return Reached(float(np.real(depth)), float(np.real(end)), steps, bool(self.stiffness.found[b]))

    def _look(self, place: Place) -> None:
        """Now and then, see whether stability holds the steps."""
        self.iterations += 1
        if self.stiffness.is_due(self.iterations):
            radius, cost = self.walk.radius(place)
            self.stiffness.note(place.step, radius)
            self.walk.evaluations = self.walk.evaluations + self.live * cost
            self.walk.stiff = self.stiffness.seen

    def _choose(self) -> tuple[Array, Array, Array]:
        """The steps wished for and those to try, as fractions, and whether these end their segments: [B] each."""
        a, b = self.grid.ends(self.segment)
        length = np.abs(b - a)
        left = 1 - self.start
        wish = np.where(length == 0, 1, self.size / np.where(length == 0, 1, length))
        last = left <= (1 + self.controller.stretch) * wish
        fraction = np.where(last, left, np.where(left < 2 * wish, left / 2, wish))
        return wish, np.where(self.live, fraction, 0), last & self.live

    def _resize(self, place: Place, wish: Array, fraction: Array, norm: Array, accepted: Array) -> None:
        """Choose the next sizes; a step cut short to end at a node does not make later ones smaller."""
        tried = np.abs(place.step)
        grown = self.controller.grow(norm, self.memory, self.k)
        factor = np.where(self.growing, grown, np.minimum(grown, 1))
        shrunk = tried * self.controller.shrink(norm, self.k)
        kept = np.where(fraction < wish, self.size, 0)
        size = np.where(accepted, np.maximum(kept, tried * factor), shrunk)
        real = self.live & (tried > 0)
        self.size = np.where(real, size, self.size)
        self.memory = np.where(real & accepted, np.maximum(norm, MEMORY_FLOOR), self.memory)
        self.growing = np.where(real, accepted, self.growing)

    def _move(self, taken: Array, accepted: Array, closing: Array) -> None:
        finishing = closing & (self.segment == self.grid.segments - 1)
        crossing = closing & ~finishing
        self.live = self.live & ~finishing
        self.start = np.where(accepted & ~closing, self.start + taken, np.where(crossing, 0, self.start))
        self.segment = self.segment + crossing

    def _check(self, place: Place, attempt: Any, max_steps: int) -> None:
        """Let samples fail whose next step would be too small to move, or that have tried too many; those that go on are left alone."""
        a, b = self.grid.ends(self.segment)
        ulp = np.spacing(np.abs(place.depth)) + np.spacing(self.start) * np.abs(b - a)
        unfinished = self.live & (place.step != 0) & ((self.start > 0) | ~self.growing)
        small = unfinished & (self.size < ULPS * ulp)
        spent = self.live & (self.walk.accepted + self.walk.rejected >= max_steps)
        for b in np.flatnonzero(small | spent):
            event = "small" if small[b] else "stiff" if self.stiffness.found[b] else "steps"
            self.walk.fail(event, place, attempt, int(b))
            self.live[b] = False
