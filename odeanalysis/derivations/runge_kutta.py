"""An explicit Runge-Kutta step as a formula.

k_i = f(s + c_i h, z + h sum_j a_ij k_j),   z1 = z + h sum_i b_i k_i,   error = h sum_i (b_i - b^_i) k_i
"""

from typing import Any

import sympy as sp

from odeanalysis.derivations.draft import Draft
from odeanalysis.derivations.parts import COST, H, Parts
from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic.formula import Formula, share
from odeanalysis.symbolic.nodes import Leaf
from odeanalysis.tableaus import Tableau


def runge_kutta_step(stated: Parts, tableau: Tableau) -> Formula:
    """(s, h, states, names, flags) -> next states, and `_cost`, the increment of the running cost."""
    draft, slopes = stages(stated, tableau)
    advanced = {state.name: ex.add(state, _combination(tableau.b, slopes, state.name)) for state in stated.states}
    outputs = {**advanced, COST.name: _combination(tableau.b, slopes, COST.name)}
    return share(f"step_{tableau.name}", (H, *stated.field.inputs), draft.lets, outputs, f"one step of {tableau.name}")


def stages(stated: Parts, tableau: Tableau) -> tuple[Draft, list[dict[str, Any]]]:
    """The lets of the stages, and the slopes k_i by name."""
    draft = Draft()
    slopes: list[dict[str, Any]] = []
    for i, row in enumerate(tableau.a):
        arguments = _arguments(stated, sp.sympify(tableau.c[i]))
        for state in stated.states:
            arguments[state] = draft.named(ex.add(state, _combination(row[:i], slopes, state.name)), f"_z{i}_{state.name}")
        outputs = draft.called(stated.field, arguments, f"_s{i}")
        slopes.append({name: draft.named(value, f"_k{i}_{name}") for name, value in outputs.items()})
    return draft, slopes


def _arguments(stated: Parts, c: Any) -> dict[Leaf, Any]:
    arguments: dict[Leaf, Any] = {leaf: leaf for leaf in stated.field.inputs}
    arguments[stated.depth] = stated.depth + c * H
    return arguments


def _combination(weights: Any, slopes: list[dict[str, Any]], name: str) -> Any:
    terms = [ex.mul(weight, slope[name]) for weight, slope in zip(weights, slopes, strict=False) if weight != 0]
    return ex.mul(H, ex.add(*terms)) if terms else sp.Integer(0)
