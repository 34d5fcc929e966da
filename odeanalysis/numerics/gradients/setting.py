"""A problem with its values, before anything is solved: names bound, path laid, initial state known."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from odeanalysis.derivations.parts import COST
from odeanalysis.modeling.model import Problem
from odeanalysis.modeling.networks import check_bound
from odeanalysis.modeling.values import Bound, bind
from odeanalysis.numerics.gradients.motion import met
from odeanalysis.numerics.gradients.paths import Path, moved, path
from odeanalysis.numerics.gradients.program import Array, Layout, Program, layout, program
from odeanalysis.numerics.networks import ArrayNetwork, on_arrays
from odeanalysis.symbolic.nodes import shape_of


@dataclass(frozen=True, eq=False)
class Setting:
    """A problem with its values: what is there before anything is solved. `batch` is at least 1; `values` hold no data, but
    the networks.
    """

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

    @cached_property
    def met(self) -> dict[str, Array]:
        """Which marks the samples' paths meet, as the derivatives of their depths want to know: [B] each."""
        return met(self.program.parts, self.path.source)

    def environment(self, depth: Array, y: Array, pieces: Array) -> dict[str, Array]:
        """Names -> arrays for formulas along the path, at depths [..., B] and states [..., B, n]."""
        flags = self.program.parts.pieces.flags
        found = {flag.name: pieces[..., i] for i, flag in enumerate(flags)}
        return {**self.values, **found, **self.layout.unpack(y), self.program.parts.depth.name: depth}

    def environment_of(self, sample: Array, depth: Array, y: Array, pieces: Array) -> dict[str, Array]:
        """The same for picked samples [M], with their depths [M], states [M, n] and pieces [M, P]."""
        own = {name: self.values[name][sample] for name in self.bound.batched & set(self.values)}
        return {**self.environment(depth, y, pieces), **own}


def prepare(problem: Problem, values: Mapping[str, Any] | Bound, networks: Mapping[str, ArrayNetwork] | None = None) -> Setting:
    """Binds values and networks, and lays out path and initial state.

    Raises ModelError for values that do not fit, TargetError for a network that is bound to nothing.

    Warns where a sample's domain runs backward although a cost wants it to run forward.
    """
    bound = values if isinstance(values, Bound) else replace(bind(problem, values), networks=on_arrays(problem, networks or {}))
    check_bound(problem, bound.networks)
    shared = frozenset(leaf.name for leaf in problem.model.names) - bound.batched
    setting = settle(program(problem, shared), bound)
    if problem.one_way:
        _warn_backward(setting)
    return setting


def _warn_backward(setting: Setting) -> None:
    nodes = setting.path.grid.nodes
    backward = nodes[:, -1] < nodes[:, 0]
    if backward.any():
        warnings.warn(
            f"the domain of {setting.problem.name!r} runs backward for sample {int(backward.argmax())}, and its integrals are signed: the "
            'weights of regularize reward speed instead of limiting it; give measure = "absolute", or keep the ends in order',
            stacklevel=3,
        )


def settle(ready: Program, bound: Bound, old: Path | None = None) -> Setting:
    """The setting of bound values, on their own path or, perturbed, on a path given before."""
    batch = 1 if bound.batch is None else bound.batch
    names = {leaf.name: bound.arrays[leaf.name] for leaf in ready.parts.names}
    way = path(ready, names, batch) if old is None else moved(ready, names, batch, old)
    named = {**names, **bound.networks}
    states = initial_states(ready, named, way)
    shapes = {z.name: np.shape(states[z.name])[np.ndim(states[z.name]) - len(shape_of(z)) :] for z in ready.parts.states}
    form = layout(ready.parts, shapes)
    y0 = form.pack({**states, COST.name: np.zeros(())}, (batch,))
    return Setting(ready, bound, named, batch, way, form, y0)


def initial_states(ready: Program, names: Mapping[str, Array], way: Path) -> dict[str, Array]:
    pieces = way.grid.pieces[:, 0]
    flags = {flag.name: pieces[:, i] for i, flag in enumerate(ready.parts.pieces.flags)}
    with np.errstate(all="ignore"):
        return ready.initial({**names, **flags, ready.parts.depth.name: way.grid.nodes[:, 0]})
