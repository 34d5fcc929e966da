"""Steps that are recorded once and taken again: in training, one solve is much like the one before it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from odeanalysis.numerics.solvers.grid import Grid
from odeanalysis.numerics.solvers.record import Schedule
from torchbridge.solvers.measure import Measure
from torchbridge.steps.stepper import Place, State, Taken

RECORDED = 0.5  # the share of what is allowed that recorded steps use up, so that they serve for a while
LONGER = 0.25  # of the error that they had: where steps of twice the length had less, they would do


@dataclass(frozen=True, eq=False)
class Recorded:
    """Steps, and the largest of their error estimates beside what is allowed."""

    schedule: Schedule
    worst: float

    def serves(self, worst: float, order: int) -> bool:
        """Whether the steps serve where the largest of their error estimates, of some order, is `worst` beside what is allowed.

        What is no number does not; nor do steps that have become far too small, for longer ones would do.
        """
        return worst <= 1 and worst * 2 ** (order + 1) >= LONGER * self.worst


@dataclass(eq=False)
class Replay:
    """The steps of the last solve that chose its own, with half the error that is allowed, for the solves after it.

    Where recorded steps do not serve any more, because an error estimate is above what is allowed, or so far below what it was that steps
    of twice the length would do, a solve chooses its steps again, and these are recorded. Gradients are those of the steps that were
    taken, either way. recordings, replays: how often the one and the other happened.
    """

    recordings: int = 0
    replays: int = 0
    records: dict[tuple[int, int], Recorded] = field(default_factory=dict)

    def known(self, grid: Grid) -> Recorded | None:
        """The steps of the last solve over as many segments with as many samples that have steps of their own."""
        return self.records.get((grid.segments, grid.samples))

    def record(self, grid: Grid, schedule: Schedule, worst: float) -> None:
        self.records[grid.segments, grid.samples] = Recorded(schedule, worst)
        self.recordings += 1

    @property
    def counts(self) -> Mapping[str, int]:
        return {"recordings": self.recordings, "replays": self.replays}


class Worst:
    """A watch that sees the largest error estimate beside what is allowed, without waiting for a device."""

    done = False

    def __init__(self, measure: Measure, samples: int, like: Tensor):
        self.measure, self.samples = measure, samples
        self.found = torch.zeros((), dtype=torch.float64, device=like.device)

    def tried(self, place: Place, state: State) -> None: ...

    def rejected(self, place: Place, state: State) -> None: ...

    def accepted(self, place: Place, state: State, taken: Taken) -> None:
        assert taken.error is not None
        size = self.measure.on_device(taken.error, self.measure.scale(state, taken.after), self.samples)
        self.found = torch.maximum(self.found, size.max().to(self.found))
