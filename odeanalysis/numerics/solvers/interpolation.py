"""Dense output to a method's full order, for any method, from the recorded steps alone.

Inside a step the method is taken again from the step's start with parts of its size: each such state has the method's
own local error O(h^(p+1)). An interpolant through m of them, with slopes, has the error O(h^(2m)); with 2m >= p+1 the
path is as good as the steps. Where slopes amplify errors (stiff problems) p+1 states without slopes do the same.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from odeanalysis.numerics.solvers.grid import Grid, Place, sample_rows
from odeanalysis.numerics.solvers.record import Record
from odeanalysis.numerics.solvers.stepper import Array, Stepper


@dataclass(frozen=True, eq=False)
class StepInterpolant:
    """The path inside recorded steps; worked out for all steps when first asked for, then kept."""

    stepper: Stepper
    grid: Grid
    record: Record
    node_states: Array

    def evaluate(self, segment: Array, fraction: Array) -> Array:
        """States at fractions of segments: [B, M], [B, M] -> [B, M, n]."""
        rows = sample_rows(segment)
        step = self.order[self._find(segment, np.real(fraction)), rows]
        theta = (fraction - self.record.start[step, rows]) / self.record.fraction[step, rows]
        states, slopes = self.support
        if slopes is None:
            return np.einsum("bmk,bmki->bmi", self.through.lagrange(theta), states[step, rows])
        values, derivatives = self.through.hermite(theta)
        path = np.einsum("bmk,bmki->bmi", values, states[step, rows])
        return path + np.einsum("bmk,bmki->bmi", derivatives, slopes[step, rows])

    @cached_property
    def through(self) -> "Through":
        return Through(self.points)

    @cached_property
    def points(self) -> Array:
        """The fractions of a step where its path is known: [m]."""
        order = self.stepper.order
        count = order + 1 if self.stepper.stiff else max(2, (order + 2) // 2)
        return (1 - np.cos(np.pi * np.arange(count) / (count - 1))) / 2

    @cached_property
    def order(self) -> Array:
        """The iterations in which each sample's steps were accepted, in turn, then the others: [N, B]."""
        return np.argsort(~self.record.accepted, axis=0, kind="stable")

    @cached_property
    def starts(self) -> Array:
        """The fractions at which each sample's steps begin, in that order: [N, B]."""
        return np.take_along_axis(self.record.start, self.order, axis=0)

    @cached_property
    def ranges(self) -> tuple[Array, Array]:
        """The first of a sample's steps in each segment, and the one after the last: [B, K] each."""
        counts = np.zeros((self.grid.samples, self.grid.segments), dtype=int)
        iteration, sample = np.nonzero(self.record.accepted)
        np.add.at(counts, (sample, self.record.segment[iteration, sample]), 1)
        ends = np.cumsum(counts, axis=1)
        return ends - counts, ends

    @cached_property
    def support(self) -> tuple[Array, Array | None]:
        """States, and slopes times the step where they are used, at the points of every step: [N, B, m, n] each."""
        found = [self._step_support(k) for k in range(len(self.record))]
        if not found:
            nothing = np.zeros((0, *self.node_states.shape[:1], len(self.points), self.node_states.shape[2]))
            return nothing, None
        states = np.stack([states for states, _ in found])
        return states, None if self.stepper.stiff else np.stack([slopes for _, slopes in found])

    def _find(self, segment: Array, fraction: Array) -> Array:
        """The last of a segment's steps that starts at or before a fraction, by bisection: [B, M]."""
        rows = sample_rows(segment)
        low, high = (bound[rows, segment] for bound in self.ranges)
        while (high - low > 1).any():
            middle = (low + high) // 2
            right = self.starts[middle, rows] <= fraction
            low, high = np.where(right, middle, low), np.where(right, high, middle)
        return low

    def _step_support(self, k: int) -> tuple[Array, Array]:
        record, y = self.record, self.record.states[k]
        place = self.grid.place(record.segment[k], record.start[k], record.fraction[k])
        slope = self.stepper.field(place.depth, y, place.pieces)
        states = [y, *(self._restep(place, x, y, slope) for x in self.points[1:-1]), self._after(k)]
        if self.stepper.stiff:
            return np.stack(states, axis=1), np.zeros(0)
        slopes = [slope, *(self._slope(place, x, at) for x, at in zip(self.points[1:], states[1:], strict=True))]
        step = place.step[:, None, None]
        return np.stack(states, axis=1), np.where(step == 0, 0, np.stack(slopes, axis=1) * step)

    def _restep(self, place: Place, part: float, y: Array, slope: Array) -> Array:
        attempt = self.stepper.attempt(place.depth, part * place.step, y, place.pieces, slope)
        return np.where((place.step == 0)[:, None], y, attempt.y1)

    def _slope(self, place: Place, part: float, y: Array) -> Array:
        return self.stepper.field(place.depth + part * place.step, y, place.pieces)

    def _after(self, k: int) -> Array:
        """The states at the end of the steps of iteration k: [B, n]."""
        record = self.record
        at_node = self.node_states[sample_rows(record.segment[k]), record.segment[k] + 1]
        inside = record.states[min(k + 1, len(record) - 1)]
        return np.where(record.closes[k][:, None], at_node, inside)


@dataclass(frozen=True, eq=False)
class Through:
    """The polynomials through given points [m]."""

    points: Array

    @cached_property
    def own(self) -> Array:
        return np.eye(len(self.points), dtype=bool)

    @cached_property
    def apart(self) -> Array:
        """x_i - x_j, and 1 for i = j."""
        return np.where(self.own, 1, self.points[:, None] - self.points)

    @cached_property
    def slopes(self) -> Array:
        """l_i'(x_i) = sum_j 1/(x_i - x_j), j other than i."""
        return (1 / self.apart).sum(1) - 1

    def lagrange(self, theta: Array) -> Array:
        """The polynomials that are 1 at one of the points and 0 at the others, at theta [...]: [..., m]."""
        distance = np.asarray(theta)[..., None] - self.points
        return (np.where(self.own, 1, distance[..., None, :]) / self.apart).prod(-1)

    def hermite(self, theta: Array) -> tuple[Array, Array]:
        """Hermite's polynomials for values and for slopes at the points, at theta [...]: [..., m] each.

        With l_i Lagrange's: (1 - 2 (theta - x_i) l_i'(x_i)) l_i^2 and (theta - x_i) l_i^2.
        """
        squares, distance = self.lagrange(theta) ** 2, np.asarray(theta)[..., None] - self.points
        return (1 - 2 * distance * self.slopes) * squares, distance * squares
