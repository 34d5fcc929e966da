"""The bases of `odeanalysis` as functions of tensors: their symbolic functions, emitted for torch."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import sympy as sp
import torch
from sympy.core.relational import Relational
from torch import Tensor, nn

from odeanalysis.errors import ModelError
from odeanalysis.modeling.bases.basis import Basis
from odeanalysis.symbolic.expressions import concat
from odeanalysis.symbolic.formula import formula
from odeanalysis.symbolic.rewrite import leaves, substitute, walk
from torchbridge.callables import compile_torch
from torchbridge.steps.segments import current

DEPTH, MIDDLE = sp.Symbol("_depth", real=True), sp.Symbol("_middle", real=True)
Ends = tuple[float, float]


class Functions(nn.Module):
    """psi_1(s), ..., psi_J(s): depths [] or [B] -> [J] or [B, J].

    basis: any basis of `odeanalysis`.  domain: what its functions are stated for (the ends that Chebyshev's map to -1 and 1).
    values: first values of the symbols in the basis, such as a period, which become parameters; others are left alone.
    In a solve, conditions on depth (the pieces of hats, splines, indicators) are decided by the middle of the segment that it is in.
    Raises ModelError for what is no basis, for symbols without a value, and for a domain that is not of two numbers.
    """

    def __init__(self, basis: Basis, domain: Ends, values: Mapping[str, float]):
        super().__init__()
        if not isinstance(basis, Basis):
            raise ModelError(f"{basis!r} is no basis; give one of odeanalysis, such as Fourier(5, period=1)")
        self.emitted = emitted(basis, _numbers(domain))
        given = {symbol.name: _value(basis, symbol.name, values) for symbol in self.emitted.symbols}
        self.values = nn.ParameterDict({name: nn.Parameter(torch.tensor(value)) for name, value in given.items()})

    @property
    def basis(self) -> Basis:
        return self.emitted.basis

    @property
    def domain(self) -> Ends:
        return self.emitted.domain

    @property
    def breakpoints(self) -> list[float | Tensor]:
        """The depths at which a function or one of its derivatives jumps; those that values move are tensors."""
        ready = self.emitted
        moving = ready.moving(*self._symbols(torch.zeros((), dtype=torch.float64))) if ready.moved else ()
        return [*ready.fixed, *moving]

    def forward(self, s: Tensor) -> Tensor:
        ready = self.emitted
        middle = (_middle(s),) if ready.has_pieces else ()
        (found,) = ready.functions(s, *middle, *self._symbols(s))
        return found if found.shape[:-1] == s.shape else found.expand(*s.shape, -1)

    def extra_repr(self) -> str:
        return f"{self.basis}, domain={self.domain}"

    def _symbols(self, like: Tensor) -> list[Tensor]:
        return [self.values[symbol.name].to(like) for symbol in self.emitted.symbols]


@dataclass(frozen=True)
class Emitted:
    """The expressions of a basis on a domain, and their functions of tensors, compiled when they are first used.

    Copies and pickles are the same object again, or made anew: what is compiled cannot be pickled.
    """

    basis: Basis
    domain: Ends

    def __reduce__(self) -> tuple[Any, ...]:
        return emitted, (self.basis, self.domain)

    @cached_property
    def expressions(self) -> tuple[Any, ...]:
        """The functions, with the middle of a segment in place of the depth in conditions."""
        stated = self.basis.functions(DEPTH, self.domain)
        conditions = [node for node in walk(stated) if isinstance(node, Relational) and DEPTH in leaves(node)]
        return tuple(substitute(one, {node: node.subs(DEPTH, MIDDLE) for node in conditions}) for one in stated)

    @cached_property
    def symbols(self) -> tuple[Any, ...]:
        """What the basis leaves open, by name."""
        found = leaves(*self.expressions, *self.basis.breakpoints(self.domain)) - {DEPTH, MIDDLE}
        return tuple(sorted(found, key=lambda one: one.name))

    @cached_property
    def has_pieces(self) -> bool:
        return MIDDLE in leaves(*self.expressions)

    @cached_property
    def functions(self) -> Callable[..., tuple[Tensor, ...]]:
        """(depth, middle where there are pieces, symbols) -> [..., J]."""
        inputs = (DEPTH, *((MIDDLE,) if self.has_pieces else ()), *self.symbols)
        return compile_torch(formula("basis", inputs, {"functions": concat(*self.expressions)}))

    @cached_property
    def fixed(self) -> tuple[float, ...]:
        return tuple(float(one) for one in self.basis.breakpoints(self.domain) if not leaves(one))

    @cached_property
    def moved(self) -> tuple[Any, ...]:
        """The break points that depend on symbols."""
        return tuple(one for one in self.basis.breakpoints(self.domain) if leaves(one))

    @cached_property
    def moving(self) -> Callable[..., tuple[Tensor, ...]]:
        """symbols -> break points."""
        return compile_torch(formula("breakpoints", self.symbols, {f"depth_{i}": one for i, one in enumerate(self.moved)}))


@lru_cache(maxsize=256)
def emitted(basis: Basis, domain: Ends) -> Emitted:
    """A basis on a domain, emitted; asked again for the same, it is the same object."""
    return Emitted(basis, domain)


def _middle(s: Tensor) -> Tensor:
    """The middle of the segment of a solve, beside depths; outside of solves the depths themselves decide."""
    segment = current()
    if segment is None:
        return s
    middle = torch.as_tensor(segment.middle).to(s)
    return middle if middle.shape == s.shape else middle.reshape(s.shape)


def _value(basis: Basis, name: str, values: Mapping[str, float]) -> float:
    if name not in values:
        raise ModelError(f"the basis {basis} contains {name!r}, which has no value; give one, such as values={{{name!r}: 1.0}}")
    return float(values[name])


def _numbers(domain: Any) -> Ends:
    if len(tuple(domain)) != 2 or not all(isinstance(one, (int, float)) and math.isfinite(one) for one in domain):
        raise ModelError(f"the domain of a basis is {domain!r}; give two finite numbers (s0, S)")
    return float(domain[0]), float(domain[1])
