"""An explicit Runge-Kutta step as a formula.

k_i = f(s + c_i h, z + h sum_j a_ij k_j),   z1 = z + h sum_i b_i k_i,   error = h sum_i (b_i - b^_i) k_i
"""

from collections.abc import Mapping
from typing import Any

import sympy as sp

from odeanalysis.derivations.draft import Draft
from odeanalysis.derivations.parts import COST, H, Parts
from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic.formula import Formula, like, share
from odeanalysis.symbolic.nodes import Leaf
from odeanalysis.tableaus import Tableau


def runge_kutta_step(stated: Parts, tableau: Tableau) -> Formula:
    """(s, h, states, names, flags) -> next states, and `_cost`, the increment of the running cost."""
    draft, slopes = stages(stated, tableau)
    advanced = {state.name: ex.add(state, _combination(tableau.b, slopes, state.name)) for state in stated.states}
    outputs = {**advanced, COST.name: _combination(tableau.b, slopes, COST.name)}
    return share(f"step_{tableau.name}", (H, *stated.field.inputs), draft.lets, outputs, f"one step of {tableau.name}")


def runge_kutta_attempt(stated: Parts, tableau: Tableau, reuse: bool = False) -> Formula:
    """A step with its error: as `runge_kutta_step`, then `_error_<name>` of each state and of the cost, then `_last_<name>`, the slopes at
    the end where the method ends with them. With `reuse` the slopes at the start are inputs, `_first_<name>`.
    """
    given = first_slopes(stated) if reuse else {}
    draft, slopes = stages(stated, tableau, given)
    outputs = {state.name: ex.add(state, _combination(tableau.b, slopes, state.name)) for state in stated.states}
    outputs[COST.name] = _combination(tableau.b, slopes, COST.name)
    if tableau.b_error is not None:
        outputs |= {f"_error_{name}": _combination(tableau.b_error, slopes, name) for name in slopes[0]}
    if tableau.fsal:
        outputs |= {f"_last_{name}": slope for name, slope in slopes[-1].items()}
    inputs = (H, *stated.field.inputs, *(given[name] for name in given if given[name] != 0))
    return share(f"attempt_{tableau.name}", inputs, draft.lets, outputs, f"one step of {tableau.name} with its error")


def first_slopes(stated: Parts) -> dict[str, Any]:
    """Inputs for the slopes at the start of a step, by name; 0 for a running cost that there is not."""
    return {name: like(value, f"_first_{name}") if value != 0 or name != COST.name else value for name, value in stated.field.outputs}


def stages(stated: Parts, tableau: Tableau, given: Mapping[str, Any] | None = None) -> tuple[Draft, list[dict[str, Any]]]:
    """The lets of the stages, and the slopes k_i by name; `given` are those of the first stage, where they are known."""
    draft = Draft()
    slopes: list[dict[str, Any]] = [dict(given)] if given else []
    for i, row in enumerate(tableau.a):
        if i < len(slopes):
            continue
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
