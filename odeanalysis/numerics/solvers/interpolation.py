"""Dense output to a method's full order, for any method, from the recorded steps alone.

Inside a step the method is taken again from the step's start with parts of its size: each such state has the method's
own local error O(h^(p+1)). An interpolant through m of them, with slopes, has the error O(h^(2m)); with 2m >= p+1 the
path is as good as the steps. Where slopes amplify errors (stiff problems) p+1 states without slopes do the same.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from odeanalysis.numerics.solvers.grid import Grid, Place, sample_rows
from odeanalysis.numerics.solvers.record import Record
from odeanalysis.numerics.solvers.stepper import Array, Stepper

ENTRIES = 2**16  # of the states of steps that are taken side by side: the stages of most methods then fit a processor's cache


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
    def along(self) -> tuple[Array, Array]:
        """The places of all steps, sample by sample, on a line where each segment has the length 1; and the first step of each sample."""
        sample, turn = np.nonzero(self.record.accepted.T)
        counts = self.ranges[1][:, -1]
        return self._place(sample, self.record.segment[turn, sample], self.record.start[turn, sample]), np.cumsum(counts) - counts

    def _place(self, sample: Array, segment: Array, fraction: Array) -> Array:
        return sample * self.grid.segments + segment + fraction

    def _find(self, segment: Array, fraction: Array) -> Array:
        """The last of a segment's steps that starts at or before a fraction: [B, M].

        Rounded places keep their order, but may fall together with those of later steps: the fractions themselves decide.
        """
        rows = sample_rows(segment)
        first, end = (bound[rows, segment] for bound in self.ranges)
        places, begin = self.along
        near = np.searchsorted(places, self._place(rows, segment, fraction), "right") - 1 - begin[rows]
        found = np.clip(near, first, np.maximum(end - 1, first))
        while (late := (found > first) & (self.starts[np.minimum(found, len(self.starts) - 1), rows] > fraction)).any():
            found = found - late
        return found

    # ------------------------------------------------------------ what is known of each step

    @cached_property
    def support(self) -> tuple[Array, Array | None]:
        """States, and slopes times the step where they are used, at the points of every step: [N, B, m, n] each."""
        parts = [self._supported(part) for part in self._portions()]
        if not parts:
            nothing = np.zeros((0, *self.node_states.shape[:1], len(self.points), self.node_states.shape[2]))
            return nothing, None
        states = np.concatenate([states for states, _ in parts])
        return states, None if self.stepper.stiff else np.concatenate([slopes for _, slopes in parts])

    def _portions(self) -> Iterator[slice]:
        """Recorded steps to be taken side by side: one, or as many as memory likes where the stepper broadcasts."""
        size = max(1, ENTRIES // max(1, self.node_states[:, 0].size)) if self.stepper.broadcasts else 1
        return (slice(k, min(k + size, len(self.record))) for k in range(0, len(self.record), size))

    def _supported(self, part: slice) -> tuple[Array, Array]:
        """The states [k, B, m, n] of k steps at the points, and the slopes there times the step."""
        place, y = self._places(part), self.record.states[part]
        if not self.stepper.broadcasts:
            place, y = Place(place.depth[0], place.step[0], place.pieces[0]), y[0]
        slope = self.stepper.field(place.depth, y, place.pieces)
        states = [y, *(self._restep(place, x, y, slope) for x in self.points[1:-1]), self._after(part).reshape(y.shape)]
        shape = (*self.record.states[part].shape[:2], len(self.points), y.shape[-1])
        if self.stepper.stiff:
            return np.stack(states, axis=-2).reshape(shape), np.zeros(0)
        slopes = [slope, *(self._slope(place, x, at) for x, at in zip(self.points[1:], states[1:], strict=True))]
        step = place.step[..., None, None]
        moved = np.where(step == 0, 0, np.stack(slopes, axis=-2) * step)
        return np.stack(states, axis=-2).reshape(shape), moved.reshape(shape)

    def _places(self, part: slice) -> Place:
        """Depth [k, B], step [k, B] and pieces [k, B, P] of k steps."""
        record = self.record
        place = self.grid.place(record.segment[part].T, record.start[part].T, record.fraction[part].T)
        return Place(place.depth.T, place.step.T, place.pieces.swapaxes(0, 1))

    def _restep(self, place: Place, part: float, y: Array, slope: Array) -> Array:
        attempt = self.stepper.attempt(place.depth, part * place.step, y, place.pieces, slope)
        return np.where((place.step == 0)[..., None], y, attempt.y1)

    def _slope(self, place: Place, part: float, y: Array) -> Array:
        return self.stepper.field(place.depth + part * place.step, y, place.pieces)

    def _after(self, part: slice) -> Array:
        """The states at the end of k steps: [k, B, n]."""
        record, rows = self.record, np.arange(self.grid.samples)
        at_node = self.node_states[rows, record.segment[part] + 1]
        inside = record.states[np.minimum(np.arange(len(record))[part] + 1, len(record) - 1)]
        return np.where(record.closes[part][..., None], at_node, inside)


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
