"""What a solve gives back: states at the nodes, the steps taken, and the path between them."""

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from odeanalysis.errors import ModelError
from odeanalysis.numerics.solvers.grid import Grid
from odeanalysis.numerics.solvers.record import Record
from odeanalysis.numerics.solvers.stepper import Array

Side = Literal["before", "after"]
ULPS = 32


@dataclass(frozen=True, eq=False)
class Statistics:
    """Per sample [B]: accepted steps, rejected steps, evaluations of the field, and whether stability, not the error, held steps."""

    accepted: Array
    rejected: Array
    evaluations: Array
    stiff: Array


class Interpolant(Protocol):
    """The path inside the segments."""

    def evaluate(self, segment: Array, fraction: Array) -> Array:
        """States at fractions of segments: [B, M], [B, M] -> [B, M, n]."""
        ...


@dataclass(frozen=True, eq=False, repr=False)
class Solution:
    """A solved batch.

    grid: where it was solved.
    record: the accepted steps; None where the solver keeps none (SciPy's).
    node_states: [B, K+1, n].
    statistics: counts per sample.
    interpolant: the path inside segments, worked out when first asked for.
    """

    grid: Grid
    record: Record | None
    node_states: Array
    statistics: Statistics
    interpolant: Interpolant

    def __repr__(self) -> str:
        samples, nodes, components = self.node_states.shape
        kept = "no record" if self.record is None else repr(self.record)
        return f"Solution({samples} samples, {nodes - 1} segments, {components} components, {kept})"

    @property
    def final(self) -> Array:
        """The states at the end of each sample's path: [B, n]."""
        return self.node_states[:, -1]

    def dense(self, depths: Array, side: Side = "before") -> Array:
        """The states at depths [M], common to all samples, or [B, M], to the order of the method: [B, M, n].

        At a node `side` picks the segment: "before" is the side of s0, also on a path that runs backward.
        Raises ModelError for a depth outside a sample's path.
        """
        depths = np.asarray(depths)
        wanted = np.broadcast_to(depths, (self.grid.samples, depths.shape[-1]))
        return self.inside(*locate(self.grid, wanted, side))

    def inside(self, segment: Array, fraction: Array) -> Array:
        """The states at fractions in [0, 1] of given segments: [B, M], [B, M] -> [B, M, n]."""
        with np.errstate(all="ignore"):
            return self.interpolant.evaluate(segment, fraction)


def locate(grid: Grid, depths: Array, side: Side = "before") -> tuple[Array, Array]:
    """Segment and fraction of depths [B, M] along each sample's path, as two arrays [B, M].

    Raises ModelError for a depth that is NaN, or outside a sample's path (by more than rounding).
    """
    nodes, along = np.real(grid.nodes), np.real(depths)
    way = np.where(nodes[:, -1] >= nodes[:, 0], 1.0, -1.0)[:, None]
    _check_inside(nodes, way, along)
    inner, position = (way * nodes[:, 1:-1])[:, None, :], (way * along)[:, :, None]
    segment = (inner < position if side == "before" else inner <= position).sum(-1)
    a, b = grid.ends(segment)
    length = np.where(a == b, 1, b - a)
    fraction = (depths - a) / length
    return segment, fraction if np.iscomplexobj(fraction) else np.clip(fraction, 0, 1)


def _check_inside(nodes: Array, way: Array, depths: Array) -> None:
    if np.isnan(depths).any():
        raise ModelError("a depth is nan, which is not a number; ask for depths on the path")
    first, last = nodes[:, :1], nodes[:, -1:]
    slack = ULPS * np.spacing(np.maximum(np.abs(first), np.abs(last)))
    inside = (way * (depths - first) >= -slack) & (way * (last - depths) >= -slack)
    if not inside.all():
        sample, place = np.argwhere(~inside)[0]
        raise ModelError(
            f"depth {depths[sample, place]} lies outside the path of sample {sample}, "
            f"from {nodes[sample, 0]} to {nodes[sample, -1]}; ask for depths on it"
        )
