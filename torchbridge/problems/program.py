"""What stands at the nodes of a problem's path, as functions of tensors that autograd follows."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from torch import Tensor

from odeanalysis.derivations.parts import Parts
from odeanalysis.modeling.model import Problem
from odeanalysis.numerics.gradients.program import Program as Host
from odeanalysis.numerics.gradients.program import program as host_program
from odeanalysis.symbolic.formula import Formula
from odeanalysis.symbolic.nodes import Leaf
from odeanalysis.symbolic.rewrite import leaves
from torchbridge.callables import compile_torch


@dataclass(frozen=True, eq=False)
class Named:
    """A formula bound to torch: names in, names out."""

    formula: Formula
    function: Callable[..., tuple[Tensor, ...]]

    def __call__(self, values: Mapping[str, Any]) -> dict[str, Tensor]:
        results = self.function(*(values[name] for name in self.taken))
        return dict(zip((name for name, _ in self.formula.outputs), results, strict=True))

    @cached_property
    def taken(self) -> tuple[str, ...]:
        return (*(leaf.name for leaf in self.formula.inputs), *self.formula.networks)


def named(formula: Formula) -> Named:
    return Named(formula, compile_torch(formula))


@dataclass(frozen=True, eq=False)
class Program:
    """The callables of one problem beside its steps; `host` are those of `odeanalysis`, which lay the path."""

    host: Host

    @property
    def parts(self) -> Parts:
        return self.host.parts

    @cached_property
    def initial(self) -> Named:
        return named(self.parts.initial)

    @cached_property
    def terminal(self) -> Named:
        return named(self.parts.terminal)

    @cached_property
    def observations(self) -> tuple[Named, ...]:
        return tuple(map(named, self.parts.observations))

    @cached_property
    def marks(self) -> Named:
        """The depths of the marks that a path meets."""
        return named(self.parts.met)

    @cached_property
    def laying(self) -> frozenset[Leaf]:
        """The names on which a path depends."""
        stated = self.parts
        formulas = (stated.marks, stated.flags, stated.gaps, stated.nodes)
        used = (leaves(*(value for _, value in (*one.lets, *one.outputs))) for one in formulas)
        return frozenset(set().union(*used) & set(stated.names))


@lru_cache(maxsize=64)
def program(problem: Problem, shared: frozenset[str]) -> Program:
    """The program of a problem; asked again for the same, it is the same object."""
    return Program(host_program(problem, shared))
