"""(dell/dtheta)(s) of every sample on the stored solution and the stored costate, and its integrals along the paths."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from odeanalysis.numerics.functional.costate import Costate
from odeanalysis.numerics.functional.quadrature import edges, over_unit
from odeanalysis.numerics.functional.seen import Seen
from odeanalysis.numerics.gradients.program import Array
from odeanalysis.numerics.solvers.grid import Grid
from odeanalysis.numerics.solvers.solution import ULPS, Side, locate

ENTRIES = 2**22
Test = Callable[[Array], Array]
Piece = tuple[int, Array, Array]  # a segment, and ends as fractions of it, [B, k] each


@dataclass(frozen=True, eq=False)
class Density:
    """dH/dtheta along the path of every sample, weighted as the samples are, 0 outside the path."""

    costate: Costate
    seen: Seen

    @property
    def grid(self) -> Grid:
        return self.costate.run.setting.path.grid

    def inside(self, segment: int, fraction: Array, kept: Array | float = 1.0) -> Array:
        """At fractions [B, M] of a segment: [B, M, *shape].  kept: which entries of the costate count, [n] (default: all)."""
        depth = self._depth(segment, fraction)
        state = self.costate.run.solution.inside(np.full(fraction.shape, segment), fraction)
        costate = kept * self.costate.inside(segment, fraction)
        along = (depth.T, state.swapaxes(0, 1), self.grid.pieces[:, segment], costate.swapaxes(0, 1))
        with np.errstate(all="ignore"):
            found = self.seen.density(self.costate.forms.environment(*along), depth.T.shape)
        return found.swapaxes(0, 1)

    def _depth(self, segment: int, fraction: Array) -> Array:
        a, b = (self.grid.nodes[:, segment + k, None] for k in (0, 1))
        return a + fraction * (b - a)

    def at(self, depths: Array, side: Side = "before") -> Array:
        """At depths [M], common to all samples: [B, M, *shape]."""
        met = self.meets(depths)
        ends = np.sort(self.grid.nodes[:, [0, -1]], axis=1)
        segment, fraction = locate(self.grid, np.clip(depths, ends[:, :1], ends[:, 1:]), side)
        found = np.zeros((*met.shape, *self.seen.shape))
        for j in np.unique(segment):
            here = ((segment == j) & met).any(axis=0)
            there = np.where(segment[:, here] == j, fraction[:, here], 0)
            chosen = _spread((segment[:, here] == j) & met[:, here], found.ndim)
            found[:, here] = np.where(chosen, self.inside(int(j), there), found[:, here])
        return found

    def meets(self, depths: Array) -> Array:
        """Whether the path of each sample meets depths [M], to rounding: [B, M]."""
        ends = np.sort(self.grid.nodes[:, [0, -1]], axis=1)
        slack = ULPS * np.spacing(np.abs(ends).max(axis=1, keepdims=True))
        return (depths >= ends[:, :1] - slack) & (depths <= ends[:, 1:] + slack)

    def step_depths(self, sample: int) -> Array:
        """The depths at which the steps of a sample end: [m]."""
        nodes = self.grid.nodes[sample]
        parts = [nodes[j] + self.costate.steps(j)[sample] * (nodes[j + 1] - nodes[j]) for j in range(self.grid.segments)]
        return np.concatenate(parts)

    def integral(self, test: Test, rule: str, breakpoints: Array, what: str) -> Array:
        """The signed integrals along each path of products with test functions.

        test: depths [B, k] -> [B, k, ...].  rule: how its values and those of the density, flattened to [B, k, c], are multiplied, as
        `einsum` reads it.  breakpoints: depths [B, m] at which a test function jumps.
        """
        pieces = list(self._pieces(breakpoints))

        def folded(u: float) -> Array:
            return np.sum([self._product(piece, u, test, rule) for piece in pieces], axis=0)

        if not pieces:
            return np.zeros(())
        size = sum(float(self._terms(piece, test, rule).max(initial=0)) for piece in pieces)
        return over_unit(folded, size, what)

    def _product(
        self, piece: Piece, u: float, test: Test, rule: str, kept: Array | float = 1.0, part: Callable[[Array], Array] = np.asarray
    ) -> Array:
        segment, low, high = piece
        fraction = low + u * (high - low)
        found = self.inside(segment, fraction, kept).reshape(*fraction.shape, self.seen.size)
        length = (high - low) * np.diff(self.grid.nodes[:, segment : segment + 2], axis=1)
        return np.einsum(rule, part(test(self._depth(segment, fraction))), part(found * length[..., None]))

    def _terms(self, piece: Piece, test: Test, rule: str) -> Array:
        """How large the product is before the terms of H cancel each other in it, those of each state and the running cost."""
        layout = self.costate.run.setting.layout
        masks = [np.repeat(np.arange(len(layout.sizes)) == i, layout.sizes) for i in range(len(layout.sizes))]
        return np.sum([self._product(piece, 0.5, test, rule, mask, np.abs) for mask in masks], axis=0)

    def _pieces(self, breakpoints: Array) -> Iterator[Piece]:
        """Segments cut where steps end and test functions jump, as fractions, no more at once than memory likes."""
        whole = np.zeros(self.grid.samples), np.ones(self.grid.samples)
        for j in range(self.grid.segments):
            a, b = (self.grid.nodes[:, j + k, None] for k in (0, 1))
            jumps = (breakpoints - a) / np.where(a == b, 1, b - a)
            low, high = edges(np.concatenate([self.costate.steps(j), jumps], axis=1), *whole)
            size = max(1, ENTRIES // (self.grid.samples * max(1, self.seen.size)))
            for first in range(0, low.shape[1], size):
                yield j, low[:, first : first + size], high[:, first : first + size]


def _spread(mask: Array, ndim: int) -> Array:
    return mask.reshape(*mask.shape, *[1] * (ndim - mask.ndim))
