"""The steps of a solve as data, so that they can be taken again, differentiated, and interpolated."""

from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np

from odeanalysis.errors import ModelError
from odeanalysis.numerics.solvers.stepper import Array


@dataclass(frozen=True, eq=False, repr=False)
class Schedule:
    """Which step each sample takes in each of N lockstep iterations; every array is [N, B].

    start: the fraction t of the segment where the step begins.
    fraction: the step dt as a fraction of the segment; 0 is a null step (rejected, or the sample has finished).
    segment: the segment's number.
    closes: whether the step ends its segment.
    """

    start: Array
    fraction: Array
    segment: Array
    closes: Array

    def __post_init__(self):
        shapes = {part.name: getattr(self, part.name).shape for part in fields(Schedule)}
        if len(set(shapes.values())) > 1 or len(shapes["start"]) != 2:
            raise ModelError(f"a schedule's arrays have shapes {shapes}; give the same [iterations, samples] to each")

    def __repr__(self) -> str:
        iterations, samples = self.start.shape
        return f"{type(self).__name__}({iterations} iterations, {samples} samples, {self.accepted.sum()} steps)"

    def __len__(self) -> int:
        return len(self.start)

    @cached_property
    def accepted(self) -> Array:
        """Steps that are no null steps: [N, B]."""
        return self.fraction != 0

    @cached_property
    def opens(self) -> Array:
        """Which steps begin a segment: [N, B]."""
        return self.accepted & (self.start == 0)

    @cached_property
    def all_go_on(self) -> Any:
        """Iterations in which every sample takes a step that closes no segment: [N]."""
        return np.logical_and(self.accepted, ~self.closes).all(axis=1)


@dataclass(frozen=True, eq=False, repr=False)
class Record(Schedule):
    """A schedule and the states [N, B, n] its steps started from.

    A sample that has finished waits at the start of its last step, where its field is known to be finite.
    """

    states: Array

    def __post_init__(self):
        super().__post_init__()
        if self.states.ndim != 3 or self.states.shape[:2] != self.start.shape:
            raise ModelError(f"states have shape {self.states.shape}, the steps {self.start.shape}; give [iterations, samples, n]")


def node_states(record: Record, final: Array, segments: int) -> Array:
    """The states [B, K+1, n] at the nodes: where each segment's first step starts, and `final` [B, n] at the end."""
    samples, components = final.shape
    found = np.empty((samples, segments + 1, components), dtype=np.result_type(record.states, final))
    iteration, sample = np.nonzero(record.opens)
    found[sample, record.segment[iteration, sample]] = record.states[iteration, sample]
    found[:, segments] = final
    return found
