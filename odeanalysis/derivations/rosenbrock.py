"""A Rosenbrock step as a formula, with the derived Jacobian in it, so that its own derivative holds second derivatives of the field.

(I - h gamma J) u_i = h gamma f(s + c_i h, z + sum_j a_ij u_j) + gamma sum_j C_ij u_j + h^2 gamma d_i df/ds,   z1 = z + sum_i b_i u_i
"""

from typing import Any

import sympy as sp

from odeanalysis.derivations.draft import Draft
from odeanalysis.derivations.parts import COST, H, Parts
from odeanalysis.derivations.vector import Vector
from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic.calculus.forward import jvp
from odeanalysis.symbolic.formula import Formula, share
from odeanalysis.symbolic.nodes import Leaf, shape_of
from odeanalysis.tableaus import Tableau


def rosenbrock_step(stated: Parts, tableau: Tableau) -> Formula:
    """(s, h, states, names, flags) -> next states, and `_cost`, the increment of the running cost.

    Raises DerivationError for a matrix of states with a symbolic size, which has no place in the vector of the linear solves.
    """
    system = _solved(stated, tableau)
    title = f"one step of {tableau.name}"
    return share(f"step_{tableau.name}", (H, *stated.field.inputs), system.draft.lets, _advanced(stated, tableau, system), title)


def rosenbrock_attempt(stated: Parts, tableau: Tableau) -> Formula:
    """A step with its error: as `rosenbrock_step`, then `_error_<name>` of each state and of the cost. Raises as it does."""
    system = _solved(stated, tableau)
    outputs = _advanced(stated, tableau, system)
    if tableau.b_error is not None:
        parts = system.combined(tableau.b_error, "_error")
        outputs |= {f"_error_{name}": parts.get(name, sp.Integer(0)) for name, _ in stated.field.outputs}
    title = f"one step of {tableau.name} with its error"
    return share(f"attempt_{tableau.name}", (H, *stated.field.inputs), system.draft.lets, outputs, title)


def _solved(stated: Parts, tableau: Tableau) -> "_System":
    system = _System(stated, tableau)
    for i in range(tableau.stages):
        system.stage(i)
    return system


def _advanced(stated: Parts, tableau: Tableau, system: "_System") -> dict[str, Any]:
    parts = system.combined(tableau.b, "_change")
    return {**{state.name: ex.add(state, parts[state.name]) for state in stated.states}, COST.name: parts.get(COST.name, sp.Integer(0))}


class _System:
    """The stages of one step, over the vector of all states with the running cost last."""

    def __init__(self, stated: Parts, tableau: Tableau):
        self.stated, self.tableau, self.vector, self.draft = stated, tableau, Vector(stated), Draft()
        self.increments: list[Any] = []
        here = {leaf: leaf for leaf in stated.field.inputs}
        moved = self.draft.called(jvp(stated.field, {stated.depth: sp.Integer(1)}), here, "_ds")
        self.slope = self.draft.named(self.vector.flat(moved), "_fs")
        jacobian = self.draft.called(self.vector.jacobian(), {**here, COST: COST}, "_j")["jacobian"]
        size = shape_of(jacobian)[0]
        self.matrix = self.draft.named(ex.add(ex.eye(size), ex.mul(-1, H, tableau.gamma, jacobian)), "_matrix")

    def stage(self, i: int) -> None:
        """Solves for the increment of stage i."""
        table = self.tableau
        gamma = table.gamma
        arguments: dict[Leaf, Any] = {leaf: leaf for leaf in self.stated.field.inputs}
        arguments[self.stated.depth] = self.stated.depth + table.c[i] * H
        moved = self._sum(table.a[i])
        if moved is not None:
            parts = self.vector.split(self.draft.named(moved, f"_m{i}"))
            arguments |= {state: ex.add(state, parts[state.name]) for state in self.stated.states}
        slope = self.vector.flat(self.draft.called(self.stated.field, arguments, f"_s{i}"))
        assert table.coupling is not None and table.d is not None
        coupled = self._sum(table.coupling[i])
        terms = [ex.mul(H, gamma, slope), ex.mul(H**2, gamma, table.d[i], self.slope)]
        right = ex.add(*terms, *(() if coupled is None else (ex.mul(gamma, coupled),)))
        self.increments.append(self.draft.named(ex.solve(self.matrix, right), f"_u{i}"))

    def combined(self, weights: Any, name: str) -> dict[str, Any]:
        """sum_i weights_i u_i by the names of the states, under a name."""
        terms = [ex.mul(weight, u) for weight, u in zip(weights, self.increments, strict=True) if weight != 0]
        return self.vector.split(self.draft.named(ex.add(*terms), name))

    def _sum(self, row: Any) -> Any:
        terms = [ex.mul(weight, u) for weight, u in zip(row, self.increments, strict=False) if weight != 0]
        return ex.add(*terms) if terms else None
