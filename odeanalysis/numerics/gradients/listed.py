"""Conditions on depth whose depths are listed by hand: checked to stay as they are inside every segment, and to switch where a node does.

What is listed cannot be trusted as what is read off can: a depth may be missing, or may not move as the condition's switch moves, and
either would make the value or the gradient wrong.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NoReturn

import numpy as np

from odeanalysis.errors import ModelError
from odeanalysis.modeling.pieces import shown
from odeanalysis.numerics.gradients.clusters import clusters, in_cluster, neighbours
from odeanalysis.numerics.gradients.motion import direction, node_tangents
from odeanalysis.numerics.gradients.program import Array, Program, Values
from odeanalysis.symbolic.rewrite import leaves

# where in a segment its conditions are looked at: at equal distances, and ever nearer to its ends, as near as listed depths are meant
EDGE = np.array([1e-6, 1e-5, 1e-4, 1e-3])
SAMPLES = np.concatenate([EDGE, np.linspace(0, 1, 201)[1:-1], 1 - EDGE[::-1]])[:, None]
# the lowest samples are looked at more closely, between their neighbours, several times
CLOSER, TIMES = np.linspace(0, 1, 9)[:, None], 8
HALVINGS = 50
# over so small a fraction only rounding changes the side of a gap; a switch this near to an end of the domain is at the end
ROUNDING = 1e-9
CLOSE = ROUNDING * np.linspace(-1, 1, 17)[:, None]
# how well the motions of a switch and of its node have to cancel, since its depth is known no better
FOLLOWING = 1e-5

Height = Callable[[Array], Array]


@dataclass(frozen=True, eq=False)
class Listed:
    """The conditions listed by hand, on the paths of all samples.  nodes, source: [B, K+1].  held: their flags, [B, K, Q]."""

    program: Program
    values: Values
    nodes: Array
    source: Array
    held: Array

    @cached_property
    def conditions(self) -> list[Any]:
        items = self.program.parts.pieces.items
        return [items[place].condition for place in self.program.parts.listed]

    def names(self, q: int) -> set[str]:
        """What a condition depends on beside depth."""
        return {leaf.name for leaf in leaves(self.conditions[q]) - {self.program.parts.depth}}

    def gaps(self, values: Values, depth: Array) -> Array:
        """The gap of each condition at depths [..., M], for values of M samples: [..., M, Q]."""
        with np.errstate(all="ignore"):
            found = self.program.gaps({**values, self.program.parts.depth.name: depth})
        return np.stack([np.broadcast_to(gap, depth.shape) for gap in found.values()], axis=-1)

    def refuse(self, q: int, what: str) -> NoReturn:
        raise ModelError(f"the condition {shown(self.conditions[q])} of {self.program.parts.problem.name!r} {what}")


def listed(program: Program, values: Values, nodes: Array, source: Array, held: Array) -> Array:
    """The nodes at which each condition listed by hand switches, [B, K+1, Q].  held: their flags in each segment, [B, K, Q].

    A switch that meets an end of the domain, and moves apart from it, is said to be at the end where no break point moves along with it.
    Raises ModelError, naming the condition, the place and the sample, where one switches inside a segment, or at a node that does not move
    along with it.
    """
    found = Listed(program, values, nodes, source, held)
    for q in range(held.shape[2]):
        _check_steady(found, q)
    still = not held.shape[2] or not (program.parts.moves or any(map(found.names, range(held.shape[2]))))
    return np.zeros((*nodes.shape, held.shape[2]), dtype=bool) if still else _switching(found)


# ---------------------------------------------------------------- inside the segments


@dataclass(frozen=True, eq=False)
class Spans:
    """Segments of some length, of one sample each, and whether the condition holds there (side 1) or fails (-1): all [M]."""

    sample: Array
    start: Array
    length: Array
    side: Array

    def picked(self, rows: Array) -> "Spans":
        return Spans(self.sample[rows], self.start[rows], self.length[rows], self.side[rows])


def _spans(found: Listed, q: int) -> Spans:
    """The segments to look at; where all samples share what the condition needs, equal ones once."""
    start, length = found.nodes[:, :-1], np.diff(found.nodes, axis=1)
    sample, segment = np.nonzero(np.abs(length) > ROUNDING * np.abs(start))
    side = np.where(found.held[sample, segment, q] > 0, 1.0, -1.0)
    spans = Spans(sample, start[sample, segment], length[sample, segment], side)
    if not found.names(q) <= found.program.shared:
        return spans
    return spans.picked(np.unique([spans.start, spans.length, side], axis=1, return_index=True)[1])


def _check_steady(found: Listed, q: int) -> None:
    """Nowhere inside a segment is the gap on the other side than at its midpoint: at no sample, nor where it dips between samples."""
    spans = _spans(found, q)
    heights = _height(found, q, spans)(SAMPLES)
    row, place = np.nonzero((heights < 0).T)
    _check_rows(found, q, spans.picked(row), SAMPLES[place, 0])
    edge = np.full((1, heights.shape[1]), np.inf)
    row, place = np.nonzero(((heights <= np.concatenate([edge, heights[:-1]])) & (heights <= np.concatenate([heights[1:], edge]))).T)
    dips, last = spans.picked(row), len(SAMPLES) - 1
    left, right = SAMPLES[np.maximum(place - 1, 0), 0], SAMPLES[np.minimum(place + 1, last), 0]
    _check_rows(found, q, dips, _lowest(_height(found, q, dips), left, right))


def _check_rows(found: Listed, q: int, spans: Spans, fraction: Array) -> None:
    """At one place of each span, the gap is not on the other side: by rounding it may be, but not all around the place."""
    for row in np.nonzero(_height(found, q, spans)(fraction + CLOSE).max(axis=0) < 0)[0]:
        _refuse_switch(found, q, spans.picked(np.array([row])), float(fraction[row]))


def _height(found: Listed, q: int, spans: Spans) -> Height:
    """How far the gap is, at fractions of the spans, on the side where it has to stay. A condition fails where its gap is not defined."""
    shared = found.program.shared
    values = {name: value if name in shared else value[spans.sample] for name, value in found.values.items()}

    def height(fraction: Array) -> Array:
        gap = spans.side * found.gaps(values, spans.start + fraction * spans.length)[..., q]
        return np.where(np.isnan(gap), -np.inf * spans.side, gap)

    return height


def _lowest(height: Height, left: Array, right: Array) -> Array:
    """The lowest place between two fractions: [M]."""
    rows, place = np.arange(len(left)), left
    for _ in range(TIMES):
        fractions = left + (right - left) * CLOSER
        best = height(fractions).argmin(axis=0)
        place = fractions[best, rows]
        left, right = fractions[np.maximum(best - 1, 0), rows], fractions[np.minimum(best + 1, len(CLOSER) - 1), rows]
    return place


def _refuse_switch(found: Listed, q: int, span: Spans, beyond: float) -> NoReturn:
    """Halves the way from the midpoint, so that the message can tell the depth that is missing."""
    height, inside = _height(found, q, span), 0.5
    for _ in range(HALVINGS):
        middle = (inside + beyond) / 2
        inside, beyond = (inside, middle) if height(np.array([middle])) < 0 else (middle, beyond)
    start, length = float(span.start[0]), float(span.length[0])
    found.refuse(
        q,
        f"switches between {start:.12g} and {start + length:.12g} (sample {int(span.sample[0])}), near {start + beyond * length:.12g}; "
        "list that depth, as an expression where it moves, under breakpoints",
    )


# ---------------------------------------------------------------- at the nodes


def _switching(found: Listed) -> Array:
    """Where conditions change, and a node moves along with their switch: [B, K+1, Q]."""
    changes, follows = _changes(found), _follows(found)
    cluster = clusters(found.nodes[:, :-1] == found.nodes[:, 1:])
    lost = changes & ~in_cluster(cluster, changes & follows)
    at_end = (cluster == 0) | (cluster == cluster[:, -1:])
    for sample, node, q in np.argwhere(lost & ~at_end[:, :, None]):
        found.refuse(
            q,
            f"switches at {found.nodes[sample, node]:.12g} (sample {sample}), where no break point moves along with it; "
            "list that depth as an expression under breakpoints",
        )
    switching = changes & follows & (found.source >= 2)[:, :, None]
    switching[:, [0, -1]] |= lost[:, [0, -1]]
    return switching


def _changes(found: Listed) -> Array:
    """Whether each condition is another one on the two sides of each node: [B, K+1, Q]."""
    before, behind = neighbours(found.nodes[:, :-1] == found.nodes[:, 1:])
    rows, last = np.arange(len(before))[:, None], before.shape[1] - 2
    held = found.held > 0
    outside = _outside(found)
    first = np.where((before < 0)[:, :, None], outside[0][:, None], held[rows, np.maximum(before, 0)])
    then = np.where((behind > last)[:, :, None], outside[1][:, None], held[rows, np.minimum(behind, last)])
    return first != then


def _outside(found: Listed) -> list[Array]:
    """The conditions just before the start and just behind the end: two of [B, Q]."""
    start, end = found.nodes[:, 0], found.nodes[:, -1]
    scale = np.maximum(np.abs(end - start), np.maximum(np.abs(start), np.abs(end)))
    step = ROUNDING * np.where(end >= start, 1, -1) * np.where(scale > 0, scale, 1)
    return [found.gaps(found.values, depth) > 0 for depth in (start - step, end + step)]


def _follows(found: Listed) -> Array:
    """Whether each node moves so that the gap of each condition stays as it is: [B, K+1, Q]."""
    depth, moved = found.program.parts.depth.name, node_tangents(found.program, found.values, found.source).T
    along = {**found.values, **direction(found.values), depth: found.nodes.T}

    def tangents(dot: Array) -> Array:
        with np.errstate(all="ignore"):
            found_ = found.program.jvp.gaps({**along, f"_dot_{depth}": dot})
        return np.stack([np.broadcast_to(one, dot.shape).T for one in found_.values()], axis=2)

    still, whole = tangents(np.zeros(moved.shape)), tangents(moved)
    return np.abs(whole) <= FOLLOWING * (np.abs(still) + np.abs(whole - still))
