"""A Rosenbrock step as a formula, with the derived Jacobian in it, so that its own derivative holds second derivatives of the field.

(I - h gamma J) u_i = h gamma f(s + c_i h, z + sum_j a_ij u_j) + gamma sum_j C_ij u_j + h^2 gamma d_i df/ds,   z1 = z + sum_i b_i u_i
"""

from typing import Any

import sympy as sp

from odeanalysis.derivations.parts import COST, H, Parts
from odeanalysis.errors import DerivationError
from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic.calculus.forward import jvp
from odeanalysis.symbolic.calculus.jacobian import flat_jacobian
from odeanalysis.symbolic.formula import Formula, Let, instantiate, like, share
from odeanalysis.symbolic.nodes import Leaf, shape_of
from odeanalysis.tableaus import Tableau


def rosenbrock_step(stated: Parts, tableau: Tableau) -> Formula:
    """(s, h, states, names, flags) -> next states, and `_cost`, the increment of the running cost.

    Raises DerivationError for a state of rank 2 or more, which has no place in the vector of the linear solves.
    """
    system = _System(stated, tableau)
    for i in range(tableau.stages):
        system.stage(i)
    change = ex.add(*(ex.mul(weight, u) for weight, u in zip(tableau.b, system.increments, strict=True) if weight != 0))
    change = system.let(change, "_change")
    outputs = {state.name: ex.add(state, part) for state, part in zip(stated.states, system.split(change), strict=False)}
    outputs[COST.name] = system.split(change)[-1]
    return share(f"step_{tableau.name}", (H, *stated.field.inputs), system.lets, outputs, f"one step of {tableau.name}")


class _System:
    """The stages of one step, over the vector of all states with the running cost last."""

    def __init__(self, stated: Parts, tableau: Tableau):
        wide = [state for state in stated.states if len(shape_of(state)) > 1]
        if wide:
            raise DerivationError(
                f"method {tableau.name!r} needs scalar and vector states, but {wide[0].name!r} has shape {shape_of(wide[0])}; "
                "write it as a vector"
            )
        self.stated, self.tableau = stated, tableau
        self.lets: list[Let] = []
        self.increments: list[Any] = []
        self.names = (*(state.name for state in stated.states), COST.name)
        here = {leaf: leaf for leaf in stated.field.inputs}
        self.slope = self.let(self._flat(self._called(jvp(stated.field, {stated.depth: sp.Integer(1)}), here, "_ds")), "_fs")
        derived = flat_jacobian(stated.field, self.names, (*stated.states, COST))
        jacobian = self._called(derived, {**here, COST: COST}, "_j")["jacobian"]
        size = shape_of(jacobian)[0]
        self.matrix = self.let(ex.add(ex.eye(size), ex.mul(-1, H, tableau.gamma, jacobian)), "_matrix")

    def let(self, value: Any, name: str) -> Leaf:
        leaf = like(value, name)
        self.lets.append((leaf, value))
        return leaf

    def _called(self, formula: Formula, arguments: dict[Leaf, Any], prefix: str) -> dict[str, Any]:
        inner, outputs = instantiate(formula, arguments, prefix)
        self.lets += inner
        return outputs

    def _flat(self, outputs: dict[str, Any]) -> Any:
        return ex.concat(*(outputs[name] for name in self.names))

    def split(self, vector: Any) -> list[Any]:
        """A vector as the states' parts, and the running cost's."""
        parts, start = [], sp.Integer(0)
        for leaf in (*self.stated.states, COST):
            shape = shape_of(leaf)
            parts.append(ex.part(vector, (sp.Tuple(start, shape[0], 1) if shape else start,)))
            start += shape[0] if shape else 1
        return parts

    def stage(self, i: int) -> None:
        """Solves for the increment of stage i."""
        table = self.tableau
        gamma = table.gamma
        arguments: dict[Leaf, Any] = {leaf: leaf for leaf in self.stated.field.inputs}
        arguments[self.stated.depth] = self.stated.depth + table.c[i] * H
        moved = self._sum(table.a[i])
        if moved is not None:
            parts = self.split(self.let(moved, f"_m{i}"))
            arguments |= {state: ex.add(state, part) for state, part in zip(self.stated.states, parts, strict=False)}
        slope = self._flat(self._called(self.stated.field, arguments, f"_s{i}"))
        assert table.coupling is not None and table.d is not None
        coupled = self._sum(table.coupling[i])
        terms = [ex.mul(H, gamma, slope), ex.mul(H**2, gamma, table.d[i], self.slope)]
        right = ex.add(*terms, *(() if coupled is None else (ex.mul(gamma, coupled),)))
        self.increments.append(self.let(ex.solve(self.matrix, right), f"_u{i}"))

    def _sum(self, row: Any) -> Any:
        terms = [ex.mul(weight, u) for weight, u in zip(row, self.increments, strict=False) if weight != 0]
        return ex.add(*terms) if terms else None
