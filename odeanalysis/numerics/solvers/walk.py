"""The state of a batch between two steps, and what a step does to it."""

from typing import NoReturn

import numpy as np

from odeanalysis.errors import ModelError
from odeanalysis.numerics.solvers.controller import Tolerance, rms
from odeanalysis.numerics.solvers.failure import ending, failure
from odeanalysis.numerics.solvers.grid import Grid, Place
from odeanalysis.numerics.solvers.initial_step import initial_step
from odeanalysis.numerics.solvers.interpolation import StepInterpolant
from odeanalysis.numerics.solvers.record import Record, Schedule, node_states
from odeanalysis.numerics.solvers.solution import Solution, Statistics
from odeanalysis.numerics.solvers.stepper import Array, Attempt, Stepper
from odeanalysis.numerics.solvers.stiffness import ESTIMATE, spectral_radius


class Walk:
    """All samples on their way, in lockstep, each with a step of its own.

    A sample that has finished, or whose step is null, is carried along with h = 0; one that has finished waits at the
    start of its last step. A sample's field at its step's start is kept while it stays valid: over a rejection, and
    over a step whose method ends with it, but never into a new segment, where the field may have jumped.
    """

    def __init__(self, stepper: Stepper, grid: Grid, y0: Array, tolerance: Tolerance | None = None):
        self.stepper, self.grid, self.tolerance = stepper, grid, tolerance or Tolerance()
        self.y = self.final = initial_states(grid, y0)
        self.first: Array | None = None
        self.fresh = np.zeros(grid.samples, dtype=bool)
        self.accepted, self.rejected, self.evaluations = np.zeros((3, grid.samples), dtype=int)
        self.stiff = self.fresh
        self.rows: list[tuple[Array, ...]] = []

    def start(self, place: Place, real: Array) -> tuple[Array, Array]:
        """The norms of the state and of its slope at the start, [B]; the slope is kept for the first step."""
        slope = np.asarray(self.stepper.field(place.depth, self.y, place.pieces))
        check_field(slope, place.depth, real)
        self.first, self.fresh = slope, real
        self.evaluations = self.evaluations + 2 * real
        scale = self.tolerance.scale(self.y)
        return rms(self.y / scale), rms(slope / scale)

    def bend(self, place: Place, step: Array) -> Array:
        """The norm of the slope's change over one Euler step, [B]."""
        assert self.first is not None
        ahead = self.stepper.field(place.depth + step, self.y + step[:, None] * self.first, place.pieces)
        return rms((np.asarray(ahead) - self.first) / self.tolerance.scale(self.y))

    def attempt(self, place: Place) -> Attempt:
        """Try one step of every sample; where h = 0 the state stays as it is."""
        moving = place.step != 0
        if not moving.any():
            return Attempt(self.y, np.zeros(self.y.shape), self.first, 0)
        if self.stepper.reuses:
            self._refresh(place, moving & ~self.fresh)
        first = self.first if self.stepper.reuses else None
        attempt = self.stepper.attempt(place.depth, place.step, self.y, place.pieces, first)
        self.evaluations = self.evaluations + moving * attempt.evaluations
        return attempt

    def advance(self, row: Schedule, place: Place, attempt: Attempt) -> None:
        """Take the attempted steps that `row`, a schedule of one iteration, accepts, and write them down."""
        accepted, closes, segment = row.accepted[0], row.closes[0], row.segment[0]
        if accepted.any():
            self.rows.append((row.start[0], row.fraction[0], segment, closes, self.y))
        y1 = np.where((place.step != 0)[:, None], attempt.y1, self.y)
        finishing = accepted & closes & (segment == self.grid.segments - 1)
        moving = accepted & ~finishing
        self.final = np.where(finishing[:, None], y1, self.final)
        self.y = np.where(moving[:, None], y1, self.y)
        self._keep_last(attempt.last, moving, moving & ~closes)
        self.accepted = self.accepted + accepted

    def first_sizes(self) -> Array:
        """|h| of the first steps, [B]."""
        return initial_step(self, self.stepper.order)

    def norm(self, place: Place, attempt: Attempt) -> Array:
        """The root mean square of an attempt's scaled errors, [B]."""
        return rms(self.scaled(place, attempt))

    def scaled(self, place: Place, attempt: Attempt) -> Array:
        """The error over its scale, 0 where no step is tried, NaN where the new state is not finite: [B, n]."""
        error = np.zeros(self.y.shape) if attempt.error is None else attempt.error
        scaled = np.where(np.isfinite(attempt.y1), error / self.tolerance.scale(self.y, attempt.y1), np.nan)
        return np.where((place.step == 0)[:, None], 0, scaled)

    def radius(self, place: Place) -> tuple[Array, int]:
        """An estimate of the spectral radius of the Jacobian, [B], and how many evaluations it cost."""
        return spectral_radius(self.stepper.field, place, self.y, self.tolerance.scale(self.y)), ESTIMATE

    def fail(self, event: str, place: Place, attempt: Attempt, sample: int) -> NoReturn:
        """Raises SolveError for a sample whose step became too small, or that tried too many."""
        shown = self.y
        if event == "small":
            event = ending(self.y[sample], attempt.y1[sample])
            shown = self.y if event == "overflow" else attempt.y1
        raise failure(event, place.depth[sample], sample, shown[sample], self.scaled(place, attempt)[sample], self.slopes(sample))

    def slopes(self, sample: int) -> Array | None:
        """The field [n] at the start of a sample's step, where it is known."""
        return None if self.first is None else self.first[sample]

    def solution(self) -> Solution:
        """The solved batch, once every sample has finished."""
        record = self._record()
        nodes = node_states(record, self.final, self.grid.segments)
        statistics = Statistics(self.accepted, self.rejected, self.evaluations, self.stiff)
        return Solution(self.grid, record, nodes, statistics, StepInterpolant(self.stepper, self.grid, record, nodes))

    def _refresh(self, place: Place, stale: Array) -> None:
        if not stale.any():
            return
        found = np.asarray(self.stepper.field(place.depth, self.y, place.pieces))
        check_field(found, place.depth, stale)
        self.first = found if self.first is None else np.where(stale[:, None], found, self.first)
        self.fresh = self.fresh | stale
        self.evaluations = self.evaluations + stale

    def _keep_last(self, last: Array | None, moving: Array, inside: Array) -> None:
        if last is not None and self.first is not None:
            self.first = np.where(inside[:, None], last, self.first)
            self.fresh = np.where(moving, inside, self.fresh)
        else:
            self.fresh = self.fresh & ~moving

    def _record(self) -> Record:
        if not self.rows:
            nothing = np.zeros((0, self.grid.samples))
            return Record(nothing, nothing, nothing.astype(int), nothing.astype(bool), self.y[None][:0])
        return Record(*(np.stack(parts) for parts in zip(*self.rows, strict=True)))


def initial_states(grid: Grid, y0: Array) -> Array:
    """y0 as an array [B, n] of float64 or complex128.

    Raises ModelError for another shape and SolveError for a value that is not finite.
    """
    y0 = np.asarray(y0)
    if y0.ndim != 2 or len(y0) != grid.samples or not y0.shape[1]:
        raise ModelError(f"initial states have shape {y0.shape}; give [{grid.samples}, n] to fit the grid, n >= 1")
    y0 = y0.astype(np.result_type(y0, np.float64))
    broken = ~np.isfinite(y0).all(1)
    if broken.any():
        sample = int(broken.argmax())
        raise failure("start", grid.nodes[sample, 0], sample, y0[sample], y0[sample])
    return y0


def check_field(values: Array, depth: Array, needed: Array) -> None:
    """Raise SolveError where a sample that needs its field values [B, n] has one that is not finite."""
    broken = needed & ~np.isfinite(values).all(1)
    if broken.any():
        sample = int(broken.argmax())
        raise failure("field", depth[sample], sample, values[sample], values[sample])
