"""How the nodes of a path move along one direction of the values, drawn once: nodes that move alike along it move alike in all."""

import numpy as np

from odeanalysis.derivations.parts import Parts
from odeanalysis.numerics.gradients.program import Array, Program, Values

SEED = 2002


def met(stated: Parts, source: Array) -> dict[str, Array]:
    """For each inner mark that moves, which samples' paths meet it, as `Parts.met` wants to know: [B] each.  source: [B, K+1]."""
    places = {name: i for i, (name, _) in enumerate(stated.marks.outputs)}
    return {flag.name: (source == places[name]).any(axis=1).astype(float) for name, flag in stated.meets.items()}


def direction(values: Values) -> dict[str, Array]:
    """A direction of the values: `_dot_<name>` -> an array of the value's shape."""
    draw = np.random.default_rng(SEED)
    return {f"_dot_{name}": draw.normal(size=np.shape(value)) for name, value in values.items()}


def node_tangents(program: Program, values: Values, source: Array) -> Array:
    """The tangents of the nodes along that direction: [B, K+1]."""
    with np.errstate(all="ignore"):
        found = program.jvp.marks({**values, **direction(values), **met(program.parts, source)})
    marks = np.stack([np.broadcast_to(dot, (len(source),)) for dot in found.values()], axis=1)
    return np.take_along_axis(marks, source, axis=1)
