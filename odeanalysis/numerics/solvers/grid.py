"""Where a solve takes place: the nodes along every sample's path and the piece each segment lies in."""

from dataclasses import dataclass, field

import numpy as np

from odeanalysis.errors import ModelError
from odeanalysis.numerics.solvers.stepper import Array


@dataclass(frozen=True, eq=False)
class Place:
    """Depth, signed step and pieces of one trial step: [B], [B], [B, P]."""

    depth: Array
    step: Array
    pieces: Array


@dataclass(frozen=True, eq=False, repr=False)
class Grid:
    """The nodes of each sample, in the order of its path, and flags that say which piece each segment lies in.

    nodes: [B, K+1], monotone in each sample, forward or backward; equal neighbours make a segment of length zero.
        May be complex, for derivatives by a complex step: then the real parts are monotone.
    pieces: [B, K, P] flags handed to the field, constant inside a segment (default: P = 0).
    turning: whether a path may turn round, as one whose steps are taken again between moved nodes does where nodes that
        stood together have passed each other.

    A depth inside segment j, with ends a and b, is stored as a fraction t of it: s = a + t (b - a).
    Raises ModelError where shapes disagree, a node is not finite, or a path turns round.
    """

    nodes: Array
    pieces: Array = field(default_factory=lambda: np.zeros(0))
    turning: bool = False

    def __post_init__(self):
        nodes = np.asarray(self.nodes)
        nodes = nodes.astype(np.result_type(nodes, np.float64))
        if nodes.ndim != 2 or nodes.shape[1] < 2:
            raise ModelError(f"nodes have shape {nodes.shape}; give [samples, segments + 1] with one segment or more")
        pieces = np.asarray(self.pieces, dtype=float)
        pieces = pieces if pieces.ndim > 1 else np.zeros((len(nodes), nodes.shape[1] - 1, 0))
        if pieces.ndim != 3 or pieces.shape[:2] != (len(nodes), nodes.shape[1] - 1):
            raise ModelError(f"pieces have shape {pieces.shape} beside nodes {nodes.shape}; give [samples, segments, P]")
        _check_path(nodes, self.turning)
        object.__setattr__(self, "nodes", nodes)
        object.__setattr__(self, "pieces", pieces)

    def __repr__(self) -> str:
        samples, segments, flags = self.pieces.shape
        return f"Grid({samples} samples, {segments} segments, {flags} flags)"

    @property
    def samples(self) -> int:
        return self.nodes.shape[0]

    @property
    def segments(self) -> int:
        return self.nodes.shape[1] - 1

    @property
    def lengths(self) -> Array:
        """Signed length of each segment: [B, K]."""
        return np.diff(self.nodes, axis=1)

    def ends(self, segment: Array) -> tuple[Array, Array]:
        """The two nodes of a segment of each sample: [B] or [B, M] -> two arrays of that shape."""
        rows = sample_rows(segment)
        return self.nodes[rows, segment], self.nodes[rows, segment + 1]

    def depth(self, segment: Array, fraction: Array) -> Array:
        """s = a + t (b - a): [B] or [B, M] -> the same shape."""
        a, b = self.ends(segment)
        return a + fraction * (b - a)

    def place(self, segment: Array, start: Array, fraction: Array) -> Place:
        """The step of `fraction` from `start` in a segment of each sample, all [B]."""
        a, b = self.ends(segment)
        return Place(a + start * (b - a), fraction * (b - a), self.pieces[sample_rows(segment), segment])


def sample_rows(segment: Array) -> Array:
    """Row numbers that pick each sample's own entry beside `segment` [B] or [B, M]."""
    return np.arange(len(segment)).reshape(-1, *[1] * (segment.ndim - 1))


def _check_path(nodes: Array, may_turn: bool) -> None:
    if not np.isfinite(nodes).all():
        sample, node = np.argwhere(~np.isfinite(nodes))[0]
        raise ModelError(f"node {node} of sample {sample} is {nodes[sample, node]}; give finite depths")
    steps = np.diff(np.real(nodes), axis=1)
    turning = (steps > 0).any(1) & (steps < 0).any(1)
    if turning.any() and not may_turn:
        sample = int(turning.argmax())
        raise ModelError(f"nodes of sample {sample} turn round: {nodes[sample]}; list them along the path, one way")
