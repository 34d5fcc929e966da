"""The states at the nodes of a path, collected while it is walked."""

import numpy as np
import torch

from odeanalysis.numerics.solvers.record import Schedule
from torchbridge.solvers.states import chosen
from torchbridge.steps.stepper import State


class AtNodes:
    """The state before the first step of each segment, sample by sample, and the last state at the end."""

    def __init__(self, segments: int):
        self.found: list[State | None] = [None] * segments

    def see(self, schedule: Schedule, k: int, state: State) -> None:
        """Looks at step k of a schedule, which starts from a state."""
        for j, rows in starting(schedule, k):
            known = self.found[j]
            self.found[j] = state if known is None else chosen(rows, state, known)

    def states(self, final: State) -> State:
        """Each block with a leading axis of nodes: [K+1, ...]."""
        known = [final if state is None else state for state in self.found]
        return tuple(torch.stack([*blocks, last]) for *blocks, last in zip(*known, final, strict=True))


def starting(schedule: Schedule, k: int) -> list[tuple[int, np.ndarray]]:
    """The segments that begin with step k, and in which samples they do: [S]."""
    begins = schedule.accepted[k] & (schedule.start[k] == 0)
    return [(int(j), begins & (schedule.segment[k] == j)) for j in np.unique(schedule.segment[k][begins])]
