"""A basis bound to values: its functions, their slopes and their break points as arrays."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp

from odeanalysis.errors import ModelError
from odeanalysis.modeling.bases import Basis, Indicator
from odeanalysis.numerics.gradients.program import Array, Compiled, Values, compiled
from odeanalysis.numerics.gradients.setting import Setting
from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic.calculus.forward import jvp
from odeanalysis.symbolic.formula import formula
from odeanalysis.symbolic.rewrite import leaves


@dataclass(frozen=True, eq=False)
class Family:
    """Functions of depth: depths [B, M] -> [B, M, terms].

    orders: the functions, and their derivatives as far as an inner product wants them.  breakpoints: [B, m].
    own: whether the functions depend on values of each sample's own.
    """

    basis: Basis
    orders: tuple[Compiled, ...]
    breakpoints: Array
    values: Values
    depth: sp.Symbol
    own: bool

    def __call__(self, depths: Array, order: int = 0) -> Array:
        with np.errstate(all="ignore"):
            found = self.orders[order]({**self.values, self.depth.name: depths.T})["psi"]
        return np.broadcast_to(found, (*depths.T.shape, self.basis.terms)).swapaxes(0, 1)


def family(setting: Setting, basis: Basis | Iterable[Any], inner: str = "L2") -> Family:
    """The functions of a basis, or of the pieces between nodes, for the values of a setting. Raises ModelError."""
    chosen = as_basis(basis)
    model = setting.problem.model
    stated = formula("family", (model.depth, *model.names), {"psi": ex.concat(*chosen.functions(model.depth, model.domain))})
    first = {0: compiled(stated)}
    orders = tuple(first.get(order) or compiled(jvp(stated, {model.depth: sp.Integer(1)})) for order in chosen.orders(inner))
    cuts = formula("cuts", model.names, {f"cut{i}": cut for i, cut in enumerate(chosen.breakpoints(model.domain))})
    found = compiled(cuts)(setting.values).values() if cuts.outputs else ()
    depths = [np.broadcast_to(depth, (setting.batch,)) for depth in found]
    jumps = np.stack(depths, axis=1) if depths else np.zeros((setting.batch, 0))
    used = leaves(*(value for _, value in (*stated.lets, *stated.outputs, *cuts.lets, *cuts.outputs)))
    own = any(leaf.name in setting.bound.batched for leaf in used)
    return Family(chosen, orders, jumps, setting.values, model.depth, own)


def as_basis(basis: Basis | Iterable[Any]) -> Basis:
    """A basis as it is, or the indicators of the pieces between nodes."""
    if isinstance(basis, Basis):
        return basis
    if isinstance(basis, Iterable) and not isinstance(basis, (str, sp.Basic)):
        return Indicator(tuple(basis))
    raise ModelError(f"{basis!r} is no basis; give one such as Fourier(5, period=1), or a list of nodes")
