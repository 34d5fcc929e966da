"""A problem with its values, before anything is solved: names bound, path laid, initial state known."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from odeanalysis.derivations.parts import COST
from odeanalysis.modeling.model import Problem
from odeanalysis.modeling.values import Bound, bind
from odeanalysis.numerics.gradients.paths import Path, moved, path
from odeanalysis.numerics.gradients.program import Array, Layout, Program, layout, program
from odeanalysis.symbolic.nodes import shape_of


@dataclass(frozen=True, eq=False)
class Setting:
    """A problem with its values: what is there before anything is solved. `batch` is at least 1; `values` hold no data."""

    program: Program
    bound: Bound
    values: Mapping[str, Array]
    batch: int
    path: Path
    layout: Layout
    y0: Array

    @property
    def problem(self) -> Problem:
        return self.program.parts.problem

    @cached_property
    def weights(self) -> Array:
        """What each sample's loss weighs in the value: 1/B for the mean, 1 for the sum."""
        return np.full(self.batch, 1 / self.batch if self.problem.reduction == "mean" else 1.0)

    def environment(self, depth: Array, y: Array, pieces: Array) -> dict[str, Array]:
        """Names -> arrays for formulas along the path, at depths [..., B] and states [..., B, n]."""
        flags = self.program.parts.pieces.flags
        found = {flag.name: pieces[..., i] for i, flag in enumerate(flags)}
        return {**self.values, **found, **self.layout.unpack(y), self.program.parts.depth.name: depth}


def prepare(problem: Problem, values: Mapping[str, Any] | Bound) -> Setting:
    """Binds values and lays out path and initial state. Raises ModelError for values that do not fit."""
    bound = values if isinstance(values, Bound) else bind(problem, values)
    shared = frozenset(leaf.name for leaf in problem.model.names) - bound.batched
    return settle(program(problem, shared), bound)


def settle(ready: Program, bound: Bound, old: Path | None = None) -> Setting:
    """The setting of bound values, on their own path or, perturbed, on a path given before."""
    batch = 1 if bound.batch is None else bound.batch
    names = {leaf.name: bound.arrays[leaf.name] for leaf in ready.parts.names}
    way = path(ready, names, batch) if old is None else moved(ready, names, batch, old)
    states = initial_states(ready, names, way)
    shapes = {z.name: np.shape(states[z.name])[np.ndim(states[z.name]) - len(shape_of(z)) :] for z in ready.parts.states}
    form = layout(ready.parts, shapes)
    y0 = form.pack({**states, COST.name: np.zeros(())}, (batch,))
    return Setting(ready, bound, names, batch, way, form, y0)


def initial_states(ready: Program, names: Mapping[str, Array], way: Path) -> dict[str, Array]:
    pieces = way.grid.pieces[:, 0]
    flags = {flag.name: pieces[:, i] for i, flag in enumerate(ready.parts.pieces.flags)}
    with np.errstate(all="ignore"):
        return ready.initial({**names, **flags, ready.parts.depth.name: way.grid.nodes[:, 0]})
