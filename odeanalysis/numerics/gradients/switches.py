"""Which conditions on depth hold in each segment of a path, and at which of its nodes each of them switches."""

import numpy as np

from odeanalysis.derivations.parts import Parts
from odeanalysis.numerics.gradients.clusters import neighbours
from odeanalysis.numerics.gradients.listed import listed
from odeanalysis.numerics.gradients.program import Array, Program, Values


def pieces(program: Program, values: Values, nodes: Array, source: Array) -> tuple[Array, Array]:
    """The flags of each segment, [B, K, P], and the nodes at which conditions listed by hand switch, [B, K+1, Q].

    Each is decided at the segment's midpoint. A segment of length zero has the flags of the one before it, but for the conditions that the
    nodes passed since then switch: so each node at a depth that several share makes its own difference. Raises ModelError as `listed` does.
    """
    held = decided(program, values, (nodes[:, :-1] + nodes[:, 1:]) / 2)
    found = listed(program, values, nodes, source, held[:, :, list(program.parts.listed)])
    empty = nodes[:, :-1] == nodes[:, 1:]
    rows = np.nonzero(empty.any(axis=1))[0]
    held[rows] = _filled(held[rows], empty[rows], switched(program.parts, source[rows], found[rows]))
    return held, found


def decided(program: Program, values: Values, depths: Array) -> Array:
    """The flags at depths of each sample: [B, K] -> [B, K, P]."""
    held = np.zeros((*depths.shape, len(program.parts.pieces.flags)))
    with np.errstate(all="ignore"):
        for i, flag in enumerate(program.flags({**values, program.parts.depth.name: depths.T}).values()):
            held[:, :, i] = np.broadcast_to(flag, depths.T.shape).T
    return held


def switched(stated: Parts, source: Array, found: Array) -> Array:
    """The conditions that each node switches, by the mark it comes from, or as found for those listed by hand: [B, K+1, P]."""
    table = np.zeros((len(stated.marks.outputs), len(stated.switches)), dtype=bool)
    for piece, mark in enumerate(stated.switches):
        if mark is not None:
            table[mark, piece] = True
    at_nodes = table[source]
    at_nodes[:, :, list(stated.listed)] = found
    return at_nodes


def _filled(held: Array, empty: Array, at_nodes: Array) -> Array:
    """The flags of empty segments from those around them. On a path without length the midpoint, its one depth, has decided."""
    before, behind = neighbours(empty)
    rows, last = np.arange(len(held)), held.shape[1] - 1
    for j in range(last + 1):
        first, final = before[:, j] < 0, behind[:, j] > last
        past, next_ = held[:, j - 1], held[rows, np.minimum(behind[:, j], last)]
        ahead = (at_nodes[:, j] | first[:, None]) & ~final[:, None]
        inside = ~empty[:, j] | (first & final)
        held[:, j] = np.where(inside[:, None], held[:, j], np.where(ahead, next_, past))
    return held
