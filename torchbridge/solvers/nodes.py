"""The states at the nodes of a path, collected while it is walked."""

import numpy as np
import torch

from odeanalysis.numerics.solvers.record import Schedule
from torchbridge.solvers.dense import Reading
from torchbridge.solvers.states import chosen
from torchbridge.steps.interpolants import Around
from torchbridge.steps.stepper import State


class AtNodes:
    """The state before the first step of each segment, sample by sample, and the last state at the end; then those of dense output."""

    def __init__(self, segments: int, reading: Reading | None = None):
        self.found: list[State | None] = [None] * segments
        self.reading = reading

    def see(self, schedule: Schedule, k: int, state: State) -> None:
        """Looks at step k of a schedule, which starts from a state."""
        for j, rows in starting(schedule, k):
            known = self.found[j]
            self.found[j] = state if known is None else chosen(rows, state, known)

    def look(self, schedule: Schedule, k: int, step: Around) -> None:
        """Looks into step k, which has been taken."""
        if self.reading is not None:
            self.reading.see(schedule, k, step)

    def states(self, final: State) -> State:
        """Each block with a leading axis of nodes, [K+1, ...], or [K+1+M, ...] with dense output."""
        known = [final if state is None else state for state in self.found]
        at_nodes = tuple(torch.stack([*blocks, last]) for *blocks, last in zip(*known, final, strict=True))
        return at_nodes if self.reading is None else tuple(map(_behind, at_nodes, self.reading.states()))


def starting(schedule: Schedule, k: int) -> list[tuple[int, np.ndarray]]:
    """The segments that begin with step k, and in which samples they do: [S]."""
    begins = schedule.opens[k]
    if not begins.any():
        return []
    return [(int(j), begins & (schedule.segment[k] == j)) for j in np.unique(schedule.segment[k][begins])]


def _behind(first: torch.Tensor, then: torch.Tensor) -> torch.Tensor:
    return torch.cat([first, then])
