"""The segment between two nodes that a solve is in, for fields that are made of pieces.

The last stage of a step may stand on the node behind its segment, where the depth belongs to the next piece already. So a solver says
where it is, and a field takes its piece by the segment's middle: looked up by the depth of a stage, RK4 would fall to order 1.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import numpy as np

from odeanalysis.numerics.solvers.stepper import Array


@dataclass(frozen=True, eq=False)
class Segment:
    """The ends of the segments that samples are in, in the order of their paths: [S], numbers of the host, S = 1 where all share it.

    Where one sample is looked at on its own (`torch.func.vmap`), they are its tensors, which have no values that could be asked for.
    """

    start: Any
    end: Any

    @property
    def middle(self) -> Any:
        return (self.start + self.end) / 2

    @property
    def direction(self) -> Any:
        """1 forward, -1 backward, 0 where a segment has no length."""
        return np.sign(self.end - self.start)


_CURRENT: ContextVar[Segment | None] = ContextVar("segment", default=None)


def current() -> Segment | None:
    """The segment that the field is evaluated in; None outside of solves."""
    return _CURRENT.get()


def inside(pieces: Array) -> AbstractContextManager[None]:
    """Evaluations of a field within a segment.  pieces: its ends, as `ends` gives them, [S, 2]; [S, 0] for a solve that knows no pieces."""
    return within(Segment(pieces[:, 0], pieces[:, 1]) if pieces.shape[1] else None)


@contextmanager
def within(segment: Segment | None) -> Iterator[None]:
    """Evaluations of a field within a segment, or outside of all."""
    token = _CURRENT.set(segment)
    try:
        yield
    finally:
        _CURRENT.reset(token)


def ends(nodes: Array) -> Array:
    """The ends of all segments of a path, in the place of a grid's pieces: nodes [S, K+1] -> [S, K, 2]."""
    return np.stack([nodes[:, :-1], nodes[:, 1:]], -1)
