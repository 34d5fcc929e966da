"""A problem as callables: its formulas, derived, emitted and compiled once, each when it is first needed.

Every callable takes and gives arrays with leading batch axes. Gradients of values that the samples share are summed over the batch inside
the formula (`BatchSum`), in this one place.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from odeanalysis.derivations.adjoint import seeds
from odeanalysis.derivations.kinks import Kinks, kinks
from odeanalysis.derivations.parts import COST, H, Parts, parts
from odeanalysis.derivations.sensitivity import variational
from odeanalysis.derivations.step import step_jvp, step_vjp
from odeanalysis.modeling.model import Problem
from odeanalysis.symbolic.calculus.forward import jvp, tangent_of
from odeanalysis.symbolic.calculus.jacobian import flat_jacobian
from odeanalysis.symbolic.calculus.reverse import vjp
from odeanalysis.symbolic.expressions import is_zero
from odeanalysis.symbolic.formula import Formula, share
from odeanalysis.symbolic.nodes import Array as ArrayNode
from odeanalysis.symbolic.nodes import BatchSum, BatchTotal, Leaf
from odeanalysis.tableaus import tableau
from odeanalysis.targets.callables import compile_numpy

Array = NDArray[Any]
Values = Mapping[str, Array]


@dataclass(frozen=True, eq=False)
class Compiled:
    """A formula bound to NumPy: names in, names out."""

    formula: Formula
    function: Callable[..., tuple[Array, ...]]

    def __call__(self, values: Values) -> dict[str, Array]:
        results = self.function(*[values[name] for name in self.taken])
        return dict(zip(self.given, results, strict=True))

    @cached_property
    def taken(self) -> tuple[str, ...]:
        return (*(leaf.name for leaf in self.formula.inputs), *self.formula.networks)

    @cached_property
    def given(self) -> tuple[str, ...]:
        return tuple(name for name, _ in self.formula.outputs)


def compiled(formula: Formula) -> Compiled:
    return Compiled(formula, compile_numpy(formula))


def summed(formula: Formula, shared: frozenset[str]) -> Formula:
    """The formula with the outputs of shared names summed over the batch."""
    outputs = {name: _summed(value) if name in shared else value for name, value in formula.outputs}
    return share(formula.name, formula.inputs, formula.lets, outputs, formula.source)


def _summed(value: Any) -> Any:
    if is_zero(value):
        return value
    return BatchSum(value) if isinstance(value, ArrayNode) else BatchTotal(value)


class AtNodes(ABC):
    """What stands at the nodes of a path (initial value, costs, the marks' depths), each bound when it is first needed."""

    parts: Parts

    @abstractmethod
    def bind(self, formula: Formula) -> Compiled:
        """What is computed of one of the formulas."""

    @cached_property
    def initial(self) -> Compiled:
        return self.bind(self.parts.initial)

    @cached_property
    def terminal(self) -> Compiled:
        return self.bind(self.parts.terminal)

    @cached_property
    def observations(self) -> tuple[Compiled, ...]:
        return tuple(map(self.bind, self.parts.observations))

    @cached_property
    def marks(self) -> Compiled:
        return self.bind(self.parts.met)

    @cached_property
    def gaps(self) -> Compiled:
        return self.bind(self.parts.gaps)


@dataclass(frozen=True, eq=False)
class Program(AtNodes):
    """The callables of one problem, for a given set of shared names."""

    parts: Parts
    shared: frozenset[str]

    def bind(self, formula: Formula) -> Compiled:
        return compiled(formula)

    @cached_property
    def field(self) -> Compiled:
        return compiled(self.parts.field if self.parts.has_cost else self.parts.field.only(*(z.name for z in self.parts.states)))

    @cached_property
    def marks(self) -> Compiled:
        """The depths of all marks, whether a path meets them or not."""
        return compiled(self.parts.marks)

    @cached_property
    def flags(self) -> Compiled:
        return compiled(self.parts.flags)

    @cached_property
    def kinks(self) -> Kinks:
        """The kinks that a path can cross."""
        return kinks(self.parts)

    @cached_property
    def kink_gaps(self) -> Compiled:
        """What changes sign where a path crosses each of its kinks."""
        return compiled(self.kinks.gaps)

    @cached_property
    def nodes(self) -> Compiled:
        return compiled(self.parts.nodes)

    def reverse(self, formula: Formula, cotangents: Mapping[str, Any] | None = None) -> Compiled:
        """The vector-Jacobian product of a formula with respect to all its inputs that move."""
        return compiled(summed(vjp(formula, cotangents, _moving(self.parts, formula)), self.shared))

    @cached_property
    def vjp(self) -> "Derived":
        """The vector-Jacobian products of what stands at the nodes."""
        return Derived(self.parts, self.reverse)

    @cached_property
    def adjoint(self) -> Compiled:
        """dH with respect to states and names, for every sample by itself: its integrands are integrated along each path."""
        weights = {**seeds(self.parts), COST.name: sp.Symbol("_weight", real=True)}
        return compiled(vjp(self.parts.field, weights, (*self.parts.states, *self.parts.names), "adjoint"))

    def step_vjp(self, method: str) -> Compiled:
        """The exact discrete adjoint of one step of a method."""
        return _step_vjp(self, method)

    @cached_property
    def jacobian(self) -> Compiled:
        """`jacobian`: the derivative of the field, and of the running cost, in the states, flattened: [..., n, n]."""
        stated = self.parts
        outputs = (*(z.name for z in stated.states), *((COST.name,) if stated.has_cost else ()))
        return compiled(flat_jacobian(stated.field, outputs, (*stated.states, *((COST,) if stated.has_cost else ()))))

    @cached_property
    def depth_derivative(self) -> Compiled:
        """The derivative of the field, and of the running cost, in depth."""
        return compiled(jvp(self.parts.field, {self.parts.depth: sp.Integer(1)}, "depth_derivative"))

    @cached_property
    def variational(self) -> Compiled:
        """The tangent of the field and of the running cost along tangents of states and names."""
        return compiled(variational(self.parts))

    def forward(self, formula: Formula) -> Compiled:
        """The tangent of a formula along tangents of all its inputs that move."""
        return compiled(jvp(formula, {leaf: tangent_of(leaf) for leaf in _moving(self.parts, formula)}))

    @cached_property
    def jvp(self) -> "Derived":
        """The tangents of what stands at the nodes."""
        return Derived(self.parts, self.forward)

    def tangent_of_reverse(self, formula: Formula) -> Compiled:
        """How the vector-Jacobian product of a formula moves with its inputs and its cotangents: second derivatives."""
        return self.tangent(vjp(formula, None, _moving(self.parts, formula)))

    def tangent(self, formula: Formula) -> Compiled:
        """The tangent of a formula along all its inputs that move, summed over the batch for shared names."""
        moved = jvp(formula, {leaf: tangent_of(leaf) for leaf in _moving(self.parts, formula)})
        return compiled(summed(moved, self.shared))

    @cached_property
    def second(self) -> "Second":
        return Second(self.parts, self)


@dataclass(frozen=True, eq=False)
class Derived(AtNodes):
    """What stands at the nodes, as one rule derives it."""

    parts: Parts
    rule: Callable[[Formula], Compiled]

    def bind(self, formula: Formula) -> Compiled:
        return self.rule(formula)


@dataclass(frozen=True, eq=False)
class Second(AtNodes):
    """The tangents of a program's reverse formulas."""

    parts: Parts
    first: Program

    def bind(self, formula: Formula) -> Compiled:
        return self.first.tangent_of_reverse(formula)

    def step(self, method: str) -> Compiled:
        """The tangent of a step."""
        return _step_jvp(self.first, method)

    def step_vjp(self, method: str) -> Compiled:
        """The tangent of a step's discrete adjoint."""
        return _step_vjp_jvp(self.first, method)


@lru_cache(maxsize=64)
def _step_jvp(ready: Program, method: str) -> Compiled:
    return compiled(step_jvp(ready.parts, tableau(method), still(ready.parts)))


@lru_cache(maxsize=64)
def _step_vjp_jvp(ready: Program, method: str) -> Compiled:
    return ready.tangent(step_vjp(ready.parts, tableau(method), still(ready.parts)))


@lru_cache(maxsize=64)
def _step_vjp(ready: Program, method: str) -> Compiled:
    return compiled(summed(step_vjp(ready.parts, tableau(method), still(ready.parts)), ready.shared))


def still(stated: Parts) -> tuple[Leaf, ...]:
    """Inputs of formulas that no value moves: flags, and where no end, break point or observation moves, depths and steps."""
    flags = (*stated.pieces.flags, *stated.meets.values())
    return flags if stated.moves else (*flags, stated.depth, H)


def _moving(stated: Parts, formula: Formula) -> tuple[Leaf, ...]:
    at_rest = still(stated)
    return tuple(leaf for leaf in formula.inputs if leaf not in at_rest)


@lru_cache(maxsize=64)
def program(problem: Problem, shared: frozenset[str]) -> Program:
    """The program of a problem; asked again for the same, it is the same object."""
    return Program(stated(problem), shared)


@lru_cache(maxsize=64)
def stated(problem: Problem) -> Parts:
    return parts(problem)


@dataclass(frozen=True)
class Layout:
    """How the states of a problem lie in one vector [B, n]; the running cost, where there is one, is the last entry."""

    names: tuple[str, ...]
    shapes: tuple[tuple[int, ...], ...]

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        return tuple(int(np.prod(shape)) for shape in self.shapes)

    @cached_property
    def starts(self) -> tuple[int, ...]:
        return tuple(int(start) for start in np.cumsum((0, *self.sizes)))

    @cached_property
    def places(self) -> tuple[tuple[str, slice, tuple[int, ...]], ...]:
        """Each state, where it lies in the vector, and its shape."""
        ends = zip(self.names, self.starts, self.sizes, self.shapes, strict=False)
        return tuple((name, slice(start, start + size), shape) for name, start, size, shape in ends)

    def unpack(self, y: Array) -> dict[str, Array]:
        """[..., n] -> each state with its own shape behind the leading axes."""
        lead = y.shape[:-1]
        return {name: y[..., place].reshape(lead + shape) for name, place, shape in self.places}

    def pack(self, states: Values, lead: tuple[int, ...]) -> Array:
        """The states, broadcast to the leading axes, as [..., n]."""
        whole = [_stretched(states[name], lead + shape) for name, _, shape in self.places]
        flat = [array.reshape((*lead, size)) for array, size in zip(whole, self.sizes, strict=True)]
        return flat[0] if len(flat) == 1 else np.concatenate(flat, axis=-1)

    def entry(self, component: int) -> str:
        """The name of a component of the vector, as a user writes it."""
        for name, start, size, shape in zip(self.names, self.starts, self.sizes, self.shapes, strict=False):
            if start <= component < start + size:
                place = np.unravel_index(component - start, shape) if shape else ()
                return f"{name}[{', '.join(map(str, map(int, place)))}]" if shape else name
        return str(component)


def _stretched(array: Array, shape: tuple[int, ...]) -> Array:
    """The array itself where it has the shape already, as it mostly does: to ask NumPy costs more than the sums of a small field."""
    return array if np.shape(array) == shape else np.broadcast_to(array, shape)


def layout(stated: Parts, shapes: Mapping[str, tuple[int, ...]]) -> Layout:
    names = tuple(state.name for state in stated.states)
    extra = (COST.name,) if stated.has_cost else ()
    return Layout((*names, *extra), (*(tuple(shapes[name]) for name in names), *((),) * len(extra)))
