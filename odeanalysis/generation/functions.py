"""The functions of a model that a module has: its formulas and their transposes, each with all its arguments in one order."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import sympy as sp

from odeanalysis.derivations.adjoint import adjoint
from odeanalysis.derivations.parts import COST, Parts, costate_of
from odeanalysis.derivations.readable import readable_names
from odeanalysis.generation.docstrings import flags_said, marks_said, said
from odeanalysis.modeling.model import Problem
from odeanalysis.symbolic.calculus.reverse import cotangent_of, vjp
from odeanalysis.symbolic.expressions import is_zero
from odeanalysis.symbolic.formula import Formula, share
from odeanalysis.symbolic.nodes import Array, BatchSum, BatchTotal, Leaf

WEIGHT = sp.Symbol("_weight", real=True)


@dataclass(frozen=True)
class Function:
    """A formula under the name that a module gives it.  about: what it is, as its docstring says."""

    formula: Formula
    about: str


def functions(problem: Problem) -> Iterator[Function]:
    """The field, the derivative of the Hamiltonian, and what stands at the ends, at observed depths and at nodes."""
    derived = adjoint(problem)
    stated = derived.parts
    yield Function(_field(stated), said(derived, "field"))
    yield Function(_hamiltonian_gradient(stated), said(derived, "system"))
    yield Function(stated.initial, said(derived, "initial"))
    yield Function(_transposed(stated, stated.initial, _costates(stated)), said(derived, "start"))
    yield Function(stated.terminal, said(derived, "terminal"))
    yield Function(_transposed(stated, stated.terminal, {"terminal": WEIGHT}), said(derived, "end"))
    for i, formula in enumerate(stated.observations):
        yield Function(formula, said(derived, formula.name))
        yield Function(_transposed(stated, formula, {"cost": WEIGHT}), said(derived, f"jump{i}"))
    yield Function(_renamed(stated.flags, "flags"), flags_said(stated))
    yield Function(stated.marks, marks_said(stated))
    yield Function(_marks_vjp(stated), "What cotangents of the marks' depths send back to the names.")
    yield Function(stated.nodes, "The nodes of piecewise constant names.")


def _field(stated: Parts) -> Formula:
    return stated.field if stated.has_cost else stated.field.only(*(z.name for z in stated.states))


def _hamiltonian_gradient(stated: Parts) -> Formula:
    """dH by the depth (where it moves anything), the states and the names, summed over the samples for parameters."""
    seeds = _costates(stated) | ({COST.name: WEIGHT} if stated.has_cost else {})
    wanted = (*_moving_depth(stated), *stated.states, *stated.names)
    found = vjp(_field(stated), seeds, wanted)
    return _of(stated, "hamiltonian_gradient", found, (*stated.field.inputs, *seeds.values()))


def _costates(stated: Parts) -> dict[str, Any]:
    """The costate of each state, as a reader would name it."""
    names = readable_names(stated)
    return {z.name: names[costate_of(z)] for z in stated.states}


def _transposed(stated: Parts, formula: Formula, seeds: dict[str, Any]) -> Formula:
    """The vector-Jacobian product by the depth (where it moves anything), the states, the names and the data."""
    still = {*stated.pieces.flags, *(() if stated.moves else (stated.depth,))}
    wanted = tuple(leaf for leaf in formula.inputs if leaf not in still)
    return _of(stated, f"{formula.name}_vjp", vjp(formula, seeds, wanted), (*formula.inputs, *seeds.values()))


def _marks_vjp(stated: Parts) -> Formula:
    """By the names, of the marks that a path meets: those of others may be infinite, and have no derivative."""
    seeds = {name: cotangent_of(name, value) for name, value in stated.met.outputs}
    found = vjp(stated.met, seeds, stated.names)
    return _of(stated, "marks_vjp", found, (*stated.met.inputs, *seeds.values()))


def _moving_depth(stated: Parts) -> tuple[Leaf, ...]:
    return (stated.depth,) if stated.moves else ()


def _of(stated: Parts, name: str, formula: Formula, inputs: tuple[Leaf, ...]) -> Formula:
    """A formula under another name, its inputs in this order, and what belongs to parameters summed over the samples."""
    parameters = {leaf.name for leaf in stated.problem.model.parameters}
    outputs = {key: _summed(value) if key in parameters else value for key, value in formula.outputs}
    return share(name, inputs, formula.lets, outputs)


def _summed(value: Any) -> Any:
    if is_zero(value):
        return value
    return BatchSum(value) if isinstance(value, Array) else BatchTotal(value)


def _renamed(formula: Formula, name: str) -> Formula:
    return Formula(name, formula.inputs, formula.lets, formula.outputs)
