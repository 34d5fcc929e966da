"""The path of every sample: its nodes in order, where each comes from, and the pieces that hold between them.

A node is a mark (s0, S, a break point, an observed depth). Gradients with respect to nodes flow back to the marks, so that moving ends,
break points and observations need no rule of their own.
"""

from dataclasses import dataclass
from itertools import islice

import numpy as np

from odeanalysis.derivations.parts import Parts
from odeanalysis.errors import ModelError
from odeanalysis.numerics.gradients.program import Array, Program, Values
from odeanalysis.numerics.gradients.switches import pieces
from odeanalysis.numerics.solvers.grid import Grid

START, END = 0, 1


@dataclass(frozen=True, eq=False)
class Path:
    """grid: nodes [B, K+1] and flags [B, K, P].  source: the mark of each node, [B, K+1].  node: the node of each mark, [B, M].

    switching: which conditions whose depths are listed by hand each node switches, [B, K+1, Q].
    """

    grid: Grid
    source: Array
    node: Array
    switching: Array

    def flags_at(self, node: Array) -> Array:
        """The flags of the segment that ends at a node, the side of s0: [B, m] -> [B, m, P]."""
        rows = np.arange(len(node))[:, None]
        return self.grid.pieces[rows, np.maximum(node - 1, 0)]


def mark_values(program: Program, values: Values, batch: int) -> Array:
    """The depths of the marks of every sample: [B, M]; infinite or NaN where a sample has no such place."""
    with np.errstate(all="ignore"):
        found = program.marks(values).values()
    return np.stack([np.broadcast_to(depth, (batch,)) for depth in found], axis=1)


def path(program: Program, values: Values, batch: int, still: frozenset[str] = frozenset()) -> Path:
    """The nodes in the order of each sample's path, with break points that lie outside moved to its ends.

    still: names whose values nobody moves, so that observations at depths of theirs may stand anywhere.
    Raises ModelError for an end that is not finite, nodes of piecewise constant names that do not increase or do not contain the domain, an
    observation outside the domain, one that a moving mark passes through, and conditions that `switches.pieces` refuses.
    """
    stated = program.parts
    marks = mark_values(program, values, batch)
    _check_ends(stated, marks)
    _check_nodes(program, values, marks)
    observed = sorted({mark for one in stated.observed for mark in one})
    _check_observed(stated, marks, observed, still)
    source, node = _order(marks, observed)
    nodes = np.take_along_axis(marks, source, axis=1)
    held, switching = pieces(program, values, nodes, source)
    return Path(Grid(nodes, held), source, node, switching)


def moved(program: Program, values: Values, batch: int, old: Path) -> Path:
    """The same path, in the same order and pieces, for values that moved its marks a little (or off the real line).

    Where marks that stood together pass each other, a segment between them runs back, which keeps the loss smooth.
    """
    marks = mark_values(program, values, batch)
    nodes = np.take_along_axis(marks, old.source, axis=1)
    return Path(Grid(nodes, old.grid.pieces, turning=True), old.source, old.node, old.switching)


def _order(marks: Array, observed: list[int]) -> tuple[Array, Array]:
    count, total = marks.shape
    start, end = marks[:, START], marks[:, END]
    way = np.where(end >= start, 1.0, -1.0)
    inner = np.arange(2, total)
    after = np.array([mark not in observed for mark in inner], dtype=float)
    along = way[:, None] * (marks[:, 2:] - start[:, None])
    length = way * (end - start)
    along = np.where(np.isnan(along), np.inf, along)
    order = np.lexsort((np.broadcast_to(after, along.shape), along), axis=1)
    sorted_along = np.take_along_axis(along, order, axis=1)
    source = np.where(sorted_along < 0, START, np.where(sorted_along > length[:, None], END, inner[order] if total > 2 else order))
    ends = np.full((count, 1), START), np.full((count, 1), END)
    source = np.concatenate([ends[0], source, ends[1]], axis=1)
    node = np.zeros((count, total), dtype=int)
    rows = np.arange(count)
    for place in range(source.shape[1]):
        node[rows, source[:, place]] = place
    node[:, START] = 0
    return source, node


def _check_ends(stated: Parts, marks: Array) -> None:
    bad = ~np.isfinite(marks[:, :2])
    if bad.any():
        sample, which = (int(place) for place in np.argwhere(bad)[0])
        end = stated.problem.model.domain[which]
        raise ModelError(f"domain of {stated.problem.name!r}: {end} is {marks[sample, which]} for sample {sample}; change the values")


def _span(marks: Array) -> tuple[Array, Array]:
    """The lower and the upper end of each sample's domain: [B], [B]."""
    return marks[:, :2].min(axis=1), marks[:, :2].max(axis=1)


def _check_nodes(program: Program, values: Values, marks: Array) -> None:
    """What was left to be checked for each sample: that the nodes of piecewise constant names increase and contain its domain."""
    model = program.parts.problem.model
    found, (low, high) = iter(program.nodes(values).values() if model.nodes else ()), _span(marks)
    for stated in model.nodes:
        nodes = np.stack([np.broadcast_to(node, (len(marks),)) for node in islice(found, len(stated))], axis=1)
        for sample, place in np.argwhere(~(np.diff(nodes, axis=1) > 0)):
            raise ModelError(
                f"nodes of {model.name!r}: {stated[place + 1]} is {nodes[sample, place + 1]} for sample {sample}, not above "
                f"{stated[place]}, which is {nodes[sample, place]}; change the values so that the nodes increase"
            )
        for sample in np.nonzero(~((nodes[:, 0] <= low) & (high <= nodes[:, -1])))[0]:
            raise ModelError(
                f"nodes of {model.name!r} run from {nodes[sample, 0]} to {nodes[sample, -1]} for sample {sample} and do not "
                f"contain its domain [{low[sample]}, {high[sample]}]; move the first or last node"
            )


def _check_observed(stated: Parts, marks: Array, observed: list[int], still: frozenset[str]) -> None:
    low, high = _span(marks)
    for mark in observed:
        outside = ~((marks[:, mark] >= low) & (marks[:, mark] <= high))
        if outside.any():
            sample = int(outside.argmax())
            raise ModelError(
                f"objective.observations of {stated.problem.name!r}: depth {stated.depths[mark]} (sample {sample}) lies outside the domain "
                f"[{low[sample]}, {high[sample]}]; move it inside"
            )
        _check_passing(stated, marks, mark, still)


def _harmless(stated: Parts, mark: int) -> set[int]:
    """The marks that an observation may meet: itself, other observations, and where it is an end, which it never leaves, the other end."""
    passive = {one for one in range(2, len(stated.depths)) if one not in stated.switching}
    return {mark, *passive, *((START, END) if mark in (START, END) else ())}


def _check_passing(stated: Parts, marks: Array, mark: int, still: frozenset[str]) -> None:
    """An observation and another mark at one depth, of which one moves: the loss has two one-sided derivatives there."""
    for other in range(marks.shape[1]):
        fixed = stated.is_fixed(mark, still) and stated.is_fixed(other, still)
        if fixed or other in _harmless(stated, mark):
            continue
        meeting = marks[:, other] == marks[:, mark]
        if meeting.any():
            raise ModelError(
                f"objective.observations of {stated.problem.name!r}: the observation at {stated.depths[mark]} coincides with "
                f"{stated.depths[other]} for sample {int(meeting.argmax())}; one passes through "
                "the other, where the loss has two one-sided derivatives: move one"
            )
