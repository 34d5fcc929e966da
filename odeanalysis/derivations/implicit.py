"""The derivatives of an implicit Runge-Kutta step whose stages are known, by the implicit function theorem.

q_i = h f(s + c_i h, X_i),   X_i = z + sum_j a_ij q_j,   z1 = z + sum_i b_i q_i,   J_i = df/dz at stage i

tangent:    dq_i - h J_i sum_j a_ij dq_j = h (J_i dz + f_s (ds + c_i dh) + f_theta dtheta) + f_i dh,   dz1 = dz + sum_i b_i dq_i
cotangent:  v_i - h sum_j a_ji J_j^T v_j = b_i a,   w_i = J_i^T h v_i,   of z: a + sum_i w_i,   of h: sum_i v_i^T (f_i + h c_i f_s)

The running cost is one more state. Stages that are coupled are solved for together, others one after the other.
"""

from collections.abc import Iterable
from functools import cached_property
from typing import Any

import sympy as sp

from odeanalysis.derivations.draft import Draft
from odeanalysis.derivations.parts import COST, H, Parts
from odeanalysis.derivations.vector import Vector
from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic.calculus.forward import jvp, tangent_of
from odeanalysis.symbolic.calculus.reverse import cotangent_of, vjp
from odeanalysis.symbolic.formula import Formula, share
from odeanalysis.symbolic.nodes import Leaf, shape_of
from odeanalysis.symbolic.shapes import as_size
from odeanalysis.symbolic.sharing import leaf
from odeanalysis.tableaus import Tableau

Stages = dict[int, Any]


def stage_name(i: int) -> str:
    """The name under which formulas take the increment q_i of stage i, a vector of all states."""
    return f"_q{i}"


def implicit_jvp(stated: Parts, tableau: Tableau, still: Iterable[Leaf] = ()) -> Formula:
    """(h, s, states, names, flags, stages, tangents) -> the tangents of the next states, of `_cost`, and of the stages."""
    step = _Step(stated, tableau, still)
    tangents: Stages = {}
    for group in tableau.groups:
        right = [step.pushed(i, tangents) for i in group]
        tangents |= step.solved(step.matrix(group), right, group, "_d")
    change = step.vector.split(step.combined(tableau.b, tangents))
    outputs = {state.name: ex.add(step.dot(state), change[state.name]) for state in stated.states}
    outputs |= {COST.name: change.get(COST.name, sp.Integer(0)), **{stage_name(i): tangent for i, tangent in tangents.items()}}
    inputs = (*step.inputs, *map(tangent_of, step.moving))
    return share(f"step_{tableau.name}_jvp", inputs, step.draft.lets, outputs, f"the tangent of one step of {tableau.name}")


def implicit_vjp(stated: Parts, tableau: Tableau, still: Iterable[Leaf] = ()) -> Formula:
    """(h, s, states, names, flags, stages, cotangents of the next states and of `_cost`) -> those of all inputs that move."""
    step = _Step(stated, tableau, still)
    bars = {one.name: cotangent_of(one.name, one) for one in (*stated.states, COST)}
    weights: Stages = {}
    pulled: dict[int, dict[str, Any]] = {}
    for group in reversed(tableau.groups):
        right = [step.received(i, bars, pulled) for i in group]
        found = step.solved(ex.transpose(step.matrix(group)), right, group, "_v")
        weights |= found
        pulled |= {i: step.pulled(i, weight) for i, weight in found.items()}
    carried = {state.name: bars[state.name] for state in stated.states}
    outputs = {one.name: _total(one.name, carried, pulled) for one in step.moving if one != H}
    if H in step.moving:
        outputs[H.name] = ex.add(*(step.of_length(i, weights[i], pulled[i]) for i in pulled))
    inputs, title = (*step.inputs, *bars.values()), f"the discrete adjoint of one step of {tableau.name}"
    return share(f"step_{tableau.name}_vjp", inputs, step.draft.lets, outputs, title)


def _total(name: str, carried: dict[str, Leaf], pulled: dict[int, dict[str, Any]]) -> Any:
    """The cotangent of an input of the field: what all stages send to it, and what a state carries over the step."""
    return ex.add(*([carried[name]] if name in carried else []), *(found[name] for found in pulled.values()))


class _Step:
    """The field and its derivatives at the stages of one step."""

    def __init__(self, stated: Parts, tableau: Tableau, still: Iterable[Leaf]):
        self.stated, self.tableau, self.vector, self.draft = stated, tableau, Vector(stated), Draft()
        at_rest = {*stated.pieces.flags, *still}
        self.moving = tuple(one for one in (H, *stated.field.inputs) if one not in at_rest)
        self.stages = {i: leaf(stage_name(i), (self.vector.size,)) for i in range(tableau.stages)}
        self.inputs = (H, *stated.field.inputs, *self.stages.values())
        self.points = [self._point(i) for i in self.stages]

    @cached_property
    def active(self) -> tuple[Leaf, ...]:
        return tuple(one for one in self.stated.field.inputs if one not in self.stated.pieces.flags)

    @cached_property
    def jacobian(self) -> Formula:
        return self.vector.jacobian()

    @cached_property
    def forward(self) -> Formula:
        return jvp(self.stated.field, {one: tangent_of(one) for one in self.active})

    @cached_property
    def reverse(self) -> Formula:
        return vjp(self.stated.field, {one.name: cotangent_of(one.name, one) for one in self.vector.leaves}, self.active)

    def dot(self, one: Leaf) -> Any:
        """The tangent of an input, zero for one at rest."""
        return tangent_of(one) if one in self.moving else ex.full(sp.Integer(0), shape_of(one))

    def combined(self, row: Any, parts: Stages) -> Any:
        """sum_j row_j part_j."""
        return ex.add(ex.zeros(self.vector.size), *(ex.mul(row[j], part) for j, part in parts.items() if row[j] != 0))

    def _point(self, i: int) -> dict[Leaf, Any]:
        """The arguments of the field at stage i."""
        moved = self.vector.split(self.draft.named(self.combined(self.tableau.a[i], self.stages), f"_x{i}"))
        states = {state: ex.add(state, moved[state.name]) for state in self.stated.states}
        depth = ex.add(self.stated.depth, ex.mul(self.tableau.c[i], H))
        return {**{one: one for one in (*self.stated.field.inputs, COST)}, **states, self.stated.depth: depth}

    def _called(self, formula: Formula, i: int, prefix: str, more: dict[Leaf, Any] | None = None) -> dict[str, Any]:
        return self.draft.called(formula, {**self.points[i], **(more or {})}, f"{prefix}{i}")

    def slope(self, i: int) -> Any:
        """f_i."""
        return self.vector.flat(self._called(self.stated.field, i, "_f"))

    def matrix(self, group: tuple[int, ...]) -> Any:
        """I - h a_ij J_i over the stages of a group: the derivative of their equations in q."""
        size = as_size(len(group) * self.vector.starts[-1])
        rows = (self._row(i, [self.tableau.a[i][j] for j in group], k, size) for k, i in enumerate(group))
        return self.draft.named(ex.add(ex.eye(size), *(block for row in rows for block in row)), f"_M{group[0]}")

    def _row(self, i: int, weights: list[Any], row: int, size: Any) -> Iterable[Any]:
        """-h a_ij J_i, each at its place."""
        jacobian = self.draft.named(self._called(self.jacobian, i, "_j")["jacobian"], f"_J{i}")
        for column, weight in enumerate(weights):
            if weight != 0:
                yield ex.place(ex.mul(-weight, H, jacobian), (self._span(row), self._span(column)), (size, size))

    def _span(self, k: int) -> sp.Tuple:
        """Where the k-th stage of a group stands in the group's vector."""
        return sp.Tuple(k * self.vector.starts[-1], self.vector.size, 1)

    def solved(self, matrix: Any, right: list[Any], group: tuple[int, ...], prefix: str) -> Stages:
        """The solution of a group's linear system, stage by stage."""
        found = self.draft.named(ex.solve(matrix, ex.concat(*right)), f"{prefix}{group[0]}")
        return {i: ex.part(found, (self._span(k),)) for k, i in enumerate(group)}

    def pushed(self, i: int, tangents: Stages) -> Any:
        """The tangent of h f at stage i, for tangents of all inputs and of the stages before its group."""
        earlier = self.vector.split(self.combined(self.tableau.a[i], tangents))
        dots = {tangent_of(one): self.dot(one) for one in self.active}
        dots |= {tangent_of(state): ex.add(self.dot(state), earlier[state.name]) for state in self.stated.states}
        dots[tangent_of(self.stated.depth)] = ex.add(self.dot(self.stated.depth), ex.mul(self.tableau.c[i], self.dot(H)))
        moved = self.vector.flat(self._called(self.forward, i, "_p", dots))
        return ex.add(ex.mul(H, moved), ex.mul(self.dot(H), self.slope(i)))

    def received(self, i: int, bars: dict[str, Leaf], pulled: dict[int, dict[str, Any]]) -> Any:
        """b_i a + sum_j a_ji w_j over the stages behind its group."""
        sent = {j: self.vector.flat({COST.name: sp.Integer(0), **found}) for j, found in pulled.items()}
        column = {j: self.tableau.a[j][i] for j in sent}
        return ex.add(ex.mul(self.tableau.b[i], self.vector.flat(bars)), self.combined(column, sent))

    def pulled(self, i: int, weight: Any) -> dict[str, Any]:
        """The cotangents of the field's inputs at stage i for the cotangent h v_i of the field."""
        parts = self.vector.split(self.draft.named(ex.mul(H, weight), f"_u{i}"))
        return self._called(self.reverse, i, "_w", {cotangent_of(one.name, one): parts[one.name] for one in self.vector.leaves})

    def of_length(self, i: int, weight: Any, pulled: dict[str, Any]) -> Any:
        """v_i^T (f_i + h c_i f_s), the part of a stage in the cotangent of h."""
        return ex.add(ex.dot(weight, self.slope(i)), ex.mul(self.tableau.c[i], pulled[self.stated.depth.name]))
