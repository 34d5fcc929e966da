"""The states of a batch while its steps are taken: those from which steps start, and those of samples that have finished."""

import numpy as np

from odeanalysis.numerics.solvers.record import Schedule
from odeanalysis.numerics.solvers.stepper import Array
from torchbridge.solvers.states import chosen
from torchbridge.steps.stepper import State


class Waiting:
    """start: what the next step starts from. A sample that has finished waits where its last step began: there its field is known to be
    finite, and null steps bring nothing into the gradients of those that go on.
    """

    def __init__(self, start: State, segments: int):
        self.start, self.ended, self.segments = start, start, segments
        self.finished: Array = np.zeros(1, dtype=bool)

    def advance(self, schedule: Schedule, k: int, moved: State) -> None:
        """Takes step k of a schedule, which ends in the states `moved`."""
        if schedule.all_go_on[k]:
            self.start = moved
            return
        finishing = _finishing(schedule, k, self.segments)
        self.ended = chosen(finishing, moved, self.ended)
        self.start = after(schedule, k, self.segments, moved, self.start)
        self.finished = self.finished | finishing

    @property
    def final(self) -> State:
        """The last state of every sample, as far as it has come."""
        return chosen(self.finished, self.ended, self.start)


def after(schedule: Schedule, k: int, segments: int, moved: State, start: State) -> State:
    """The state from which the step behind step k starts."""
    if schedule.all_go_on[k]:
        return moved
    return chosen(schedule.accepted[k] & ~_finishing(schedule, k, segments), moved, start)


def _finishing(schedule: Schedule, k: int, segments: int) -> Array:
    return schedule.accepted[k] & schedule.closes[k] & (schedule.segment[k] == segments - 1)
