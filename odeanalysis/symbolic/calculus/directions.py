"""Derivatives entry by entry: forward sweeps along unit directions, reverse sweeps of single entries; for explicit sizes of any rank."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import product
from typing import Any

import sympy as sp

from odeanalysis.errors import DerivationError
from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic.calculus.forward import push
from odeanalysis.symbolic.calculus.reverse import sweep
from odeanalysis.symbolic.formula import Formula, Let, like, name_of
from odeanalysis.symbolic.nodes import Concat, Leaf, Place, shape_of
from odeanalysis.symbolic.rewrite import leaves, substitute
from odeanalysis.symbolic.shapes import Shape, show
from odeanalysis.symbolic.sharing import is_trivial

Index = tuple[Any, ...]


class Lets:
    """Collects the lets of several sweeps over one formula, each under names of its own."""

    def __init__(self) -> None:
        self.items: list[Let] = []
        self.sweeps = 0

    def take(self, lets: Iterable[Let], values: Iterable[Any]) -> list[Any]:
        """Adds the lets of one more sweep; its values, with the names that the lets have here."""
        self.sweeps += 1
        known: dict[Any, Any] = {}
        for leaf, expression in lets:
            fresh = like(leaf, f"_{self.sweeps}{name_of(leaf)}")
            self.items.append((fresh, substitute(expression, {}, known)))
            known[leaf] = fresh
        return [substitute(value, {}, known) for value in values]

    def name(self, value: Any) -> Any:
        """A name for a value; of a vector put together from scalars, or of placed values, the values are named."""
        if is_trivial(value):
            return value
        if isinstance(value, Place):
            return ex.place(self.name(value.args[0]), *value.args[1:])
        if isinstance(value, Concat) and all(shape_of(part) == () for part in value.args):
            return ex.concat(*map(self.name, value.args))
        leaf = like(value, f"_J{len(self.items)}")
        self.items.append((leaf, value))
        return leaf

    def forward(self, formula: Formula, leaf: Leaf, direction: Any) -> dict[str, Any]:
        """The tangent of each output along one direction of one input."""
        lets, outputs = push(formula, {leaf: direction})
        return dict(zip(outputs, self.take(lets, outputs.values()), strict=True))

    def reverse(self, formula: Formula, output: str, seed: Any, wrt: tuple[Leaf, ...]) -> dict[Leaf, Any]:
        """The derivative of one entry of an output (or a weighted sum of entries) in each input."""
        return self.pulled(formula, {output: seed}, wrt)

    def pulled(self, formula: Formula, seeds: Mapping[str, Any], wrt: tuple[Leaf, ...]) -> dict[Leaf, Any]:
        """The cotangents of inputs for those of outputs."""
        lets, gradients = sweep(formula, seeds, wrt)
        return dict(zip(wrt, self.take(lets, [gradients[leaf] for leaf in wrt]), strict=True))


def narrowed(formula: Formula, output: str) -> Formula:
    """The formula of one output, with those of its lets that the output needs, under their own names."""
    wanted = leaves(formula.output[output])
    kept: list[Let] = []
    for leaf, expression in reversed(formula.lets):
        if leaf in wanted:
            kept.append((leaf, expression))
            wanted |= leaves(expression)
    return Formula(formula.name, formula.inputs, tuple(reversed(kept)), ((output, formula.output[output]),), formula.source)


def is_explicit(shape: Shape) -> bool:
    return all(isinstance(size, int) for size in shape)


def indices(what: str, shape: Shape) -> Iterator[Index]:
    """Every index of a shape, row by row; a symbolic size is refused."""
    if not is_explicit(shape):
        raise DerivationError(f"{what!r} of shape {show(shape)} has no derivative entry by entry; substitute numbers for its sizes")
    return (tuple(map(sp.Integer, index)) for index in product(*(range(int(size)) for size in shape)))


def unit(index: Index, shape: Shape) -> Any:
    """One at an index, zero elsewhere; the number one for a scalar."""
    return ex.place(sp.Integer(1), index, shape) if shape else sp.Integer(1)


def entry(value: Any, index: Index) -> Any:
    return ex.part(value, index) if index else value


def flat(value: Any, what: str) -> Any:
    """The entries of an array as one vector, row by row; a vector is itself, a scalar a vector of length 1."""
    rank = len(shape_of(value))
    if rank <= 1:
        return value if rank else ex.concat(value)
    rows = (entry(value, (*index, sp.Tuple(0, shape_of(value)[-1], 1))) for index in indices(what, shape_of(value)[:-1]))
    return ex.concat(*rows)
