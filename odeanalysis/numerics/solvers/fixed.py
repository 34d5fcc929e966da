"""Steps that are given: so many per segment, at given fractions, or as an earlier solve recorded them."""

from collections.abc import Sequence
from typing import Literal

import numpy as np

from odeanalysis.errors import ModelError
from odeanalysis.numerics.solvers.failure import failure
from odeanalysis.numerics.solvers.grid import Grid, Place
from odeanalysis.numerics.solvers.listening import Reached, listener
from odeanalysis.numerics.solvers.record import Record, Schedule
from odeanalysis.numerics.solvers.solution import Solution
from odeanalysis.numerics.solvers.stepper import Array, Attempt, Stepper
from odeanalysis.numerics.solvers.walk import Walk

ROUNDING = 1e-9


def step_counts(grid: Grid, steps: int) -> Array:
    """Steps for each segment of each sample, [B, K]: ceil(steps |segment| / |domain|), and at least 1."""
    if steps < 1:
        raise ModelError(f"steps = {steps}; give a number of steps of 1 or more")
    lengths = np.abs(grid.lengths)
    whole = lengths.sum(1, keepdims=True)
    share = steps * lengths / np.where(whole == 0, 1, whole)
    return np.maximum(1, np.ceil(share - ROUNDING)).astype(int)


def equal_steps(grid: Grid, counts: Array) -> Schedule:
    """`counts` equal steps in each segment: integers [B, K], of 1 or more.

    Samples that need fewer steps than others take null steps at the end.
    Raises ModelError for another shape or a count below 1.
    """
    counts = np.asarray(counts)
    if counts.shape != (grid.samples, grid.segments) or counts.dtype.kind not in "iu" or (counts < 1).any():
        raise ModelError(
            f"step counts {counts.tolist()} do not fit the grid; give integers of 1 or more, shape {(grid.samples, grid.segments)}"
        )
    patterns, which = np.unique(counts, axis=0, return_inverse=True)
    cuts = [[np.arange(count + 1) / count for count in row] for row in patterns.tolist()]
    return _pad([_sample_steps(parts) for parts in cuts], which.reshape(-1))


def given_steps(grid: Grid, fractions: Sequence[Array]) -> Schedule:
    """The same steps for every sample: for each segment the fractions 0 = t_0 < t_1 < ... < t_N = 1 they end at.

    Raises ModelError where these are not K increasing sequences from 0 to 1.
    """
    parts = [np.asarray(part, dtype=float) for part in fractions]
    good = [part.ndim == 1 and len(part) > 1 and part[0] == 0 and part[-1] == 1 for part in parts]
    if len(parts) != grid.segments or not all(good) or any((np.diff(part) <= 0).any() for part in parts):
        raise ModelError(
            f"{len(parts)} sequences of fractions for {grid.segments} segments; give each segment one that increases from 0 to 1"
        )
    return _pad([_sample_steps(parts)], np.zeros(grid.samples, dtype=int))


def follow(stepper: Stepper, grid: Grid, schedule: Schedule, y0: Array) -> Solution:
    """Take exactly the steps of a schedule from y0 [B, n].

    Raises SolveError where a step ends in a state that is not finite, ModelError where the schedule does not fit.
    """
    _check_fit(grid, schedule)
    with np.errstate(all="ignore"):
        walk, tell = Walk(stepper, grid, y0), listener()
        for k in range(len(schedule)):
            row = iteration(schedule, k)
            place = grid.place(row.segment[0], row.start[0], row.fraction[0])
            attempt = walk.attempt(place)
            _check_states(walk, place, attempt, row.accepted[0])
            walk.advance(row, place, attempt)
            if tell is not None:
                tell(Reached(float(np.real(place.depth[0] + place.step[0])), float(np.real(grid.nodes[0, -1])), k + 1))
        return walk.solution()


def replay(stepper: Stepper, grid: Grid, record: Record, y0: Array) -> Solution:
    """Take the recorded steps again, as the same fractions, perhaps between moved nodes and from another y0 [B, n].

    The nodes and y0 may be complex (a complex step). With the same grid and y0 the result is the recorded one, bit for
    bit. Raises like `follow`.
    """
    return follow(stepper, grid, record, y0)


def iteration(schedule: Schedule, k: int) -> Schedule:
    """One iteration of a schedule, as a schedule."""
    here = slice(k, k + 1)
    return Schedule(schedule.start[here], schedule.fraction[here], schedule.segment[here], schedule.closes[here])


def _sample_steps(parts: Sequence[Array]) -> Schedule:
    """One sample's steps, [N, 1], from the fractions its segments are cut at."""
    counts = [len(part) - 1 for part in parts]
    closes = np.zeros(sum(counts), dtype=bool)
    closes[np.cumsum(counts) - 1] = True
    start = np.concatenate([part[:-1] for part in parts])
    fraction = np.concatenate([np.diff(part) for part in parts])
    segment = np.repeat(np.arange(len(parts)), counts)
    return Schedule(start[:, None], fraction[:, None], segment[:, None], closes[:, None])


def _pad(patterns: Sequence[Schedule], which: Array) -> Schedule:
    """Samples [B] side by side, each with its pattern's steps; one that finishes early waits where its last began."""
    length = max((len(pattern) for pattern in patterns), default=0)

    def beside(name: str, mode: Literal["edge", "constant"]) -> Array:
        columns = [getattr(pattern, name) for pattern in patterns]
        padded = [np.pad(column, ((0, length - len(column)), (0, 0)), mode=mode) for column in columns]
        return np.hstack(padded)[:, which] if padded else np.zeros((0, 0))

    start, fraction = beside("start", "edge"), beside("fraction", "constant")
    return Schedule(start, fraction, beside("segment", "edge").astype(int), beside("closes", "constant").astype(bool))


def _check_fit(grid: Grid, schedule: Schedule) -> None:
    samples = schedule.start.shape[1]
    closed = (schedule.accepted & schedule.closes).sum(0)
    if samples != grid.samples or (closed != grid.segments).any():
        raise ModelError(
            f"steps for {samples} samples that close {closed.tolist()} segments do not fit a grid of {grid.samples} "
            f"samples and {grid.segments} segments; take the record and the grid from the same model and batch size"
        )


def _check_states(walk: Walk, place: Place, attempt: Attempt, accepted: Array) -> None:
    broken = accepted & (place.step != 0) & ~np.isfinite(attempt.y1).all(1)
    if broken.any():
        sample = int(broken.argmax())
        raise failure("state", place.depth[sample], sample, attempt.y1[sample], attempt.y1[sample], walk.slopes(sample))
