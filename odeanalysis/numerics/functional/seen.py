"""A name at its depth, numerically: its value there, and the derivatives of H and of the costs in that value, for each sample."""

from dataclasses import dataclass

import numpy as np
import sympy as sp

from odeanalysis.derivations.pointwise import pointwise, shared_flags, value_at_depth, varying_leaf
from odeanalysis.modeling.model import Problem
from odeanalysis.numerics.gradients.program import Array, Compiled, Program, Values, compiled, program
from odeanalysis.numerics.gradients.setting import Setting
from odeanalysis.symbolic.nodes import Leaf, shape_of
from odeanalysis.symbolic.rewrite import leaves


@dataclass(frozen=True, eq=False)
class Seen:
    """What the derivatives in a name's value at a depth are computed with.

    name: the leaf.  shape: its lengths.  value: its value at a depth.  pointwise: the problem with the name as a parameter, nothing summed
    over the samples.  flags: its flags, and where they are found.
    """

    name: Leaf
    shape: tuple[int, ...]
    value: Compiled
    pointwise: Program
    flags: dict[sp.Symbol, sp.Symbol]

    @property
    def size(self) -> int:
        """How many entries the name's value has."""
        return int(np.prod(self.shape))

    def environment(self, known: Values) -> dict[str, Array]:
        """Names -> arrays for the formulas of the pointwise problem, from those of the problem itself."""
        flags = {flag.name: known[origin.name] for flag, origin in self.flags.items()}
        return {**known, **flags, self.name.name: self.value(known)["value"]}

    def of(self, found: Values, lead: tuple[int, ...]) -> Array:
        """What a derived formula of the pointwise problem found for the name, with these leading axes."""
        return np.broadcast_to(found[self.name.name], (*lead, *self.shape))

    def density(self, known: Values, lead: tuple[int, ...]) -> Array:
        """dH/dtheta."""
        return self.of(self.pointwise.adjoint(self.environment(known)), lead)


def seen(setting: Setting, name: str | Leaf) -> Seen:
    """A name of a setting at its depth. Raises ModelError for one that has no gradient in function space."""
    stated = setting.program.parts
    leaf = varying_leaf(stated.problem, name)
    found = program(pointwise(stated.problem, leaf), frozenset())
    flags = shared_flags(found.parts, stated, leaf)
    sizes = {symbol: sp.Integer(size) for symbol, size in setting.bound.sizes.items()}
    shape = tuple(int(str(sp.sympify(size).xreplace(sizes))) for size in shape_of(leaf))
    return Seen(leaf, shape, compiled(value_at_depth(stated, leaf)), found, flags)


def is_own(problem: Problem, leaf: Leaf, batched: frozenset[str]) -> bool:
    """Whether each sample has a function of its own, because a value that it is made of is each sample's own."""
    value = dict(problem.model.functions).get(leaf, leaf)
    return any(one.name in batched for one in leaves(value))
