"""Steps that control their error: all samples in lockstep, each with a step size of its own."""

import numpy as np

from odeanalysis.errors import ModelError
from odeanalysis.numerics.solvers.controller import Controller, Tolerance, rms
from odeanalysis.numerics.solvers.failure import ending, failure
from odeanalysis.numerics.solvers.grid import Grid, Place
from odeanalysis.numerics.solvers.initial_step import initial_step
from odeanalysis.numerics.solvers.listening import Reached, listener
from odeanalysis.numerics.solvers.record import Schedule
from odeanalysis.numerics.solvers.solution import Solution
from odeanalysis.numerics.solvers.stepper import Array, Attempt, Stepper
from odeanalysis.numerics.solvers.stiffness import Stiffness
from odeanalysis.numerics.solvers.walk import Walk

ULPS = 10
MEMORY_FLOOR = 1e-4


def adapt(stepper: Stepper, grid: Grid, y0: Array, tolerance: Tolerance, controller: Controller, max_steps: int) -> Solution:
    """Solve from y0 [B, n] with steps whose scaled error has a root mean square of at most 1.

    The error is scaled by atol + rtol max(|y|, |y1|). Steps end at the nodes and start afresh there.
    Raises SolveError where a field or a step size fails or a sample tries more than max_steps steps, ModelError for a
    method without an error estimate.
    """
    if not stepper.adaptive:
        raise ModelError(f"method '{stepper.name}' has no error estimate; give a number of steps, or take tsit5")
    with np.errstate(all="ignore"):
        pilot, tell = Pilot(stepper, grid, y0, tolerance, controller), listener()
        while pilot.live.any():
            pilot.iterate(max_steps)
            if tell is not None:
                tell(pilot.reached())
        return pilot.walk.solution()


class Pilot:
    """The step sizes of all samples, and where each stands: segment [B] and fraction of it [B]."""

    def __init__(self, stepper: Stepper, grid: Grid, y0: Array, tolerance: Tolerance, controller: Controller):
        self.walk = Walk(stepper, grid, y0)
        self.grid, self.tolerance, self.controller = grid, tolerance, controller
        self.k = stepper.error_order + 1
        self.segment = np.zeros(grid.samples, dtype=int)
        self.start = np.zeros(grid.samples)
        self.live = np.ones(grid.samples, dtype=bool)
        self.memory = np.ones(grid.samples)  # the error norm of the last accepted step
        self.growing = np.ones(grid.samples, dtype=bool)  # the last step was not rejected
        self.size = initial_step(self.walk, tolerance)  # |h| that is wished for
        self.iterations = 0
        self.stiffness = Stiffness(grid.samples, stepper, tolerance)

    def iterate(self, max_steps: int) -> None:
        """Try one step of every sample that has not finished, and accept or reject it."""
        wish, fraction, closes = self._choose()
        place = self.grid.place(self.segment, self.start, fraction)
        self._look(place)
        attempt = self.walk.attempt(place)
        scaled = _scaled_error(self.walk.y, attempt, place, self.tolerance)
        norm = rms(scaled)
        accepted = self.live & (norm <= 1)
        self._resize(place, wish, fraction, norm, accepted)
        taken = np.where(accepted, fraction, 0)
        row = Schedule(self.start[None], taken[None], self.segment[None], (closes & accepted)[None])
        self.walk.advance(row, place, attempt)
        self.walk.rejected = self.walk.rejected + (self.live & ~accepted)
        self._move(taken, accepted, closes & accepted)
        self._check(place, attempt, scaled, max_steps)

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
            cost = self.stiffness.look(self.walk.stepper.field, place, self.walk.y)
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

    def _check(self, place: Place, attempt: Attempt, scaled: Array, max_steps: int) -> None:
        """Raise SolveError where the next step would be too small to move, or a sample has tried too many."""
        a, b = self.grid.ends(self.segment)
        ulp = np.spacing(np.abs(place.depth)) + np.spacing(self.start) * np.abs(b - a)
        unfinished = self.live & (place.step != 0) & ((self.start > 0) | ~self.growing)
        small = unfinished & (self.size < ULPS * ulp)
        spent = self.live & (self.walk.accepted + self.walk.rejected >= max_steps)
        if small.any():
            b = int(small.argmax())
            event = ending(self.walk.y[b], attempt.y1[b])
            shown = self.walk.y if event == "overflow" else attempt.y1
            raise failure(event, place.depth[b], b, shown[b], scaled[b], self.walk.slopes(b))
        if spent.any():
            b = int(spent.argmax())
            event = "stiff" if self.stiffness.found[b] else "steps"
            raise failure(event, place.depth[b], b, self.walk.y[b], scaled[b], self.walk.slopes(b))


def _scaled_error(y: Array, attempt: Attempt, place: Place, tolerance: Tolerance) -> Array:
    """The error over its scale, 0 where no step is tried, NaN where the new state is not finite: [B, n]."""
    error = np.zeros(y.shape) if attempt.error is None else attempt.error
    scaled = np.where(np.isfinite(attempt.y1), error / tolerance.scale(y, attempt.y1), np.nan)
    return np.where((place.step == 0)[:, None], 0, scaled)
