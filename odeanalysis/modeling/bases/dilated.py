"""Any basis, stretched and moved along depth: psi_j((s - shift)/scale)."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Self

import sympy as sp

from odeanalysis.errors import ModelError
from odeanalysis.modeling.bases.basis import Basis, Domain, is_number, positive, scalar
from odeanalysis.symbolic.rewrite import substitute


@dataclass(frozen=True)
class Dilated(Basis):
    """theta(s) = sum_j alpha_j psi_j((s - shift)/scale), where the functions psi_j are those of a basis on the domain.

    basis: any basis.  scale: above 0.  shift: any. Both are numbers, or expressions in parameters and inputs, which then learn them.
    """

    basis: Basis
    scale: Any = 1
    shift: Any = 0

    def __post_init__(self) -> None:
        if not isinstance(self.basis, Basis):
            raise ModelError(f"a dilated basis is made of {self.basis!r}; give a basis such as Fourier(5, period=1)")
        object.__setattr__(self, "scale", positive(self.scale, "scale"))
        object.__setattr__(self, "shift", scalar(self.shift, "shift"))

    @property
    def terms(self) -> int:
        return self.basis.terms

    @property
    def rising(self) -> tuple[Any, ...]:
        return self.basis.rising

    @property
    def continuous(self) -> bool:
        return self.basis.continuous

    def refined(self) -> "Dilated":
        return replace(self, basis=self.basis.refined())

    def on(self, domain: Domain) -> Self:
        return replace(self, basis=self.basis.on(domain))

    def functions(self, depth: sp.Symbol, domain: Domain) -> tuple[Any, ...]:
        return self._moved(depth, domain, self.basis.functions)

    def antiderivatives(self, depth: sp.Symbol, domain: Domain) -> tuple[Any, ...]:
        return tuple(self.scale * one for one in self._moved(depth, domain, self.basis.antiderivatives))

    def _moved(self, depth: sp.Symbol, domain: Domain, functions: Callable[..., tuple[Any, ...]]) -> tuple[Any, ...]:
        inner = {depth: (depth - self.shift) / self.scale}
        return tuple(substitute(function, inner) for function in functions(depth, domain))

    def breakpoints(self, domain: Domain) -> tuple[Any, ...]:
        return tuple(sp.expand(self.shift + self.scale * cut) for cut in self.basis.breakpoints(domain))

    def product(self, i: int, j: int, domain: Domain, order: int = 0) -> Any:
        if not (is_number(self.scale) and is_number(self.shift)):
            raise ModelError(f"the Gram matrix of a dilated basis needs numbers, not scale {self.scale} and shift {self.shift}")
        low, high = ((end - self.shift) / self.scale for end in domain)
        return self.basis.on(domain).product(i, j, (low, high), order) * self.scale ** (1 - 2 * order)
