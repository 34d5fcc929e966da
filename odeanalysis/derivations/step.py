"""One step of a method as a formula, from the tableau and the field; its vector-Jacobian product is the exact discrete adjoint."""

from collections.abc import Iterable

from odeanalysis.derivations.parts import COST, Parts
from odeanalysis.derivations.rosenbrock import rosenbrock_step
from odeanalysis.derivations.runge_kutta import runge_kutta_step
from odeanalysis.errors import DerivationError
from odeanalysis.symbolic.calculus.reverse import cotangent_of, vjp
from odeanalysis.symbolic.formula import Formula
from odeanalysis.symbolic.nodes import Leaf
from odeanalysis.tableaus import Tableau

STEPS = {"explicit": runge_kutta_step, "rosenbrock": rosenbrock_step}


def step(stated: Parts, tableau: Tableau) -> Formula:
    """One step: (s, h, states, names, flags) -> next states, and `_cost`, the increment of the running cost.

    Raises DerivationError for an implicit method, whose step is no closed formula.
    """
    if tableau.kind not in STEPS:
        raise DerivationError(
            f"method {tableau.name!r} is {tableau.kind}: its step is the root of an equation and no closed formula, so it has no discrete "
            "adjoint here; use sensitivity adjoint, or a Rosenbrock method (rosenbrock23, rodas5p)"
        )
    return STEPS[tableau.kind](stated, tableau)


def step_vjp(stated: Parts, tableau: Tableau, still: Iterable[Leaf] = ()) -> Formula:
    """The exact discrete adjoint of a step: cotangents of the next states (`_bar_<state>`) -> those of all inputs of the step.

    still: inputs that never move, and whose cotangents nobody asks for; flags never move.
    """
    advance = step(stated, tableau)
    weights = {state.name: cotangent_of(state.name, state) for state in stated.states}
    weights[COST.name] = cotangent_of(COST.name, COST)
    at_rest = {*stated.pieces.flags, *still}
    moving = tuple(leaf for leaf in advance.inputs if leaf not in at_rest)
    return vjp(advance, weights, moving, f"{advance.name}_vjp", f"the discrete adjoint of one step of {tableau.name}")
