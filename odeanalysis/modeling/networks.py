"""Opaque networks: functions of arrays inside a stated model of which nothing is stated but their shapes."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import sympy as sp

from odeanalysis.errors import ModelError, TargetError, question
from odeanalysis.modeling.model import Problem
from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic.language import check_name
from odeanalysis.symbolic.nodes import Apply, shape_of
from odeanalysis.symbolic.rewrite import walk
from odeanalysis.symbolic.shapes import Shape, as_shape, show


@dataclass(frozen=True)
class Network:
    """A function of arrays that is bound later, to a torch module: `conv = Network("conv", [(3, 8, 8)], (3, 8, 8))`, then `conv(z)`.

    inputs, output: shapes without batch axes; a number goes in as `concat(s)`, of shape (1,).  size: how many parameters it has: by default
    a symbol, which the network tells that is bound; 0: none. They are one vector, `weights`, to be declared under a model's parameters.
    Raises ModelError for shapes of rank 0, and, where it is applied, for arguments of other shapes.
    """

    name: str
    inputs: Sequence[Any]
    output: Any
    size: Any = None

    def __post_init__(self) -> None:
        check_name(self.name, "a network", "")
        object.__setattr__(self, "inputs", tuple(as_shape(tuple(shape)) for shape in self.inputs))
        object.__setattr__(self, "output", as_shape(tuple(self.output)))
        if not self.inputs or () in (*self.inputs, self.output):
            raise ModelError(f"network {self.name!r} needs inputs, and no shape (); give numbers as vectors of shape (1,)")

    @cached_property
    def weights(self) -> Any:
        """Its parameters, as one vector; None where it has none."""
        size = size_of(self.name) if self.size is None else self.size
        return None if size == 0 else ex.block(weights_name(self.name), size)

    def __call__(self, *arguments: Any) -> Any:
        shapes = tuple(map(shape_of, arguments))
        if shapes != self.inputs:
            raise ModelError(f"network {self.name!r} takes shapes {_listed(self.inputs)}, got {_listed(shapes)}; give arrays of those")
        return ex.apply(self.name, (), self.output, *arguments, *([] if self.weights is None else [self.weights]))


def size_of(network: str) -> sp.Symbol:
    """How many parameters a network has that does not say it."""
    return sp.Symbol(f"n_{network}", integer=True, positive=True)


def weights_name(network: str) -> str:
    return f"{network}_weights"


@dataclass(frozen=True)
class Declared:
    """What a problem says of a network: the shapes of its arguments and its value. learns: whether the last argument is its parameters."""

    name: str
    arguments: tuple[Shape, ...]
    output: Shape
    learns: bool


def _listed(shapes: Sequence[Shape]) -> str:
    return ", ".join(map(show, shapes)) or "none"


@lru_cache(maxsize=256)
def networks(problem: Problem) -> dict[str, Declared]:
    """The networks that a problem applies, by name. Raises ModelError for two of one name."""
    found: dict[str, Declared] = {}
    for node in walk(_stated(problem)):
        if isinstance(node, Apply):
            one = _declared(node, weights_name(node.name) in {leaf.name for leaf in problem.model.names})
            if found.setdefault(one.name, one) != one:
                raise ModelError(f"{problem.name!r} has two networks {one.name!r}, of other shapes; rename one of them")
    return found


def _declared(node: Apply, learns: bool) -> Declared:
    """What a network's value or derivative says of it: cotangents have the shape of its value."""
    given = tuple(map(shape_of, node.args[3:]))
    arguments, along = given[: len(given) - len(node.path)], given[len(given) - len(node.path) :]
    pulled = (shape for (kind, _), shape in zip(node.path, along, strict=True) if kind == "vjp")
    return Declared(node.name, arguments, next(pulled, node.shape), learns)


def _stated(problem: Problem) -> Iterator[Any]:
    model, objective = problem.model, problem.objective
    yield from (value for _, value in (*model.field, *model.initial, *model.functions))
    yield from (objective.terminal, objective.running, *(one.cost for one in objective.observations))


def check_bound(problem: Problem, given: Collection[str]) -> None:
    """Raises TargetError for a network of a problem that is not among those given, ModelError for one that is no network of it."""
    declared = networks(problem)
    for name in given:
        if name not in declared:
            known = ", ".join(declared) or "none"
            raise ModelError(f"{problem.name!r} has no network {name!r}; {question(name, declared)}there are {known}")
    missing = ", ".join(repr(name) for name in declared if name not in given)
    if missing:
        raise TargetError(f"network {missing} of {problem.name!r} is bound to nothing; give networks={{name: network}}")
