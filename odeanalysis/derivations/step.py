"""One step of a method as a formula, from the tableau and the field, and its derivatives: its transpose is the exact discrete adjoint.

An explicit or Rosenbrock step is a closed formula, which is differentiated. The stages of an implicit step solve an equation: its
derivatives are formulas of these stages.
"""

from collections.abc import Callable, Iterable

from odeanalysis.derivations.implicit import implicit_jvp, implicit_vjp
from odeanalysis.derivations.parts import COST, Parts
from odeanalysis.derivations.rosenbrock import rosenbrock_attempt, rosenbrock_step
from odeanalysis.derivations.runge_kutta import runge_kutta_attempt, runge_kutta_step
from odeanalysis.errors import DerivationError
from odeanalysis.symbolic.calculus.forward import jvp, tangent_of
from odeanalysis.symbolic.calculus.reverse import cotangent_of, sweep, vjp
from odeanalysis.symbolic.formula import Formula, share
from odeanalysis.symbolic.nodes import Leaf
from odeanalysis.symbolic.splitting import split
from odeanalysis.tableaus import Tableau

STEPS: dict[str, Callable[[Parts, Tableau], Formula]] = {"explicit": runge_kutta_step, "rosenbrock": rosenbrock_step}


def step(stated: Parts, tableau: Tableau) -> Formula:
    """One step: (s, h, states, names, flags) -> next states, and `_cost`, the increment of the running cost.

    Raises DerivationError for an implicit method, whose step is no closed formula.
    """
    if tableau.kind not in STEPS:
        raise DerivationError(
            f"method {tableau.name!r} is {tableau.kind}: its step is the root of an equation and no closed formula; "
            "take its derivatives, step_vjp and step_jvp, or the step of a Rosenbrock method (rosenbrock23, rodas5p)"
        )
    return STEPS[tableau.kind](stated, tableau)


def attempt(stated: Parts, tableau: Tableau, reuse: bool = False) -> Formula:
    """A step with what an adaptive solver wants to know: outputs of `step`, then `_error_<name>`, then `_last_<name>`.

    Errors are there where the method estimates them, slopes at the end where it ends with them (first same as last). reuse: the slopes at
    the start are inputs, `_first_<name>`; for such methods alone. Raises DerivationError as `step` does.
    """
    if tableau.kind == "explicit":
        return runge_kutta_attempt(stated, tableau, reuse)
    if tableau.kind == "rosenbrock":
        return rosenbrock_attempt(stated, tableau)
    return step(stated, tableau)


def attempt_vjp(stated: Parts, tableau: Tableau, still: Iterable[Leaf] = ()) -> tuple[Formula, Formula]:
    """`attempt` that keeps what its discrete adjoint uses, and this adjoint: as `step_vjp`, with what is kept among its inputs."""
    advance = attempt(stated, tableau)
    weights = {state.name: cotangent_of(state.name, state) for state in stated.states}
    weights[COST.name] = cotangent_of(COST.name, COST)
    moving = _moving(stated, advance, still)
    lets, gradients = sweep(advance, weights, moving)
    outputs = {**advance.output, **{cotangent_of(leaf.name, leaf).name: value for leaf, value in gradients.items()}}
    inputs, title = (*advance.inputs, *weights.values()), f"one step of {tableau.name} and its discrete adjoint"
    return split(share(advance.name, inputs, (*advance.lets, *lets), outputs, title), weights.values(), advance.output)


def step_vjp(stated: Parts, tableau: Tableau, still: Iterable[Leaf] = ()) -> Formula:
    """The exact discrete adjoint of a step: cotangents of the next states (`_bar_<state>`) -> those of all inputs of the step.

    That of an implicit step takes its stages `_q0`, `_q1`, ... besides.
    still: inputs that never move, and whose cotangents nobody asks for; flags never move.
    """
    if tableau.kind not in STEPS:
        return implicit_vjp(stated, tableau, still)
    advance = step(stated, tableau)
    weights = {state.name: cotangent_of(state.name, state) for state in stated.states}
    weights[COST.name] = cotangent_of(COST.name, COST)
    title = f"the discrete adjoint of one step of {tableau.name}"
    return vjp(advance, weights, _moving(stated, advance, still), f"{advance.name}_vjp", title)


def step_jvp(stated: Parts, tableau: Tableau, still: Iterable[Leaf] = ()) -> Formula:
    """The tangent of a step along tangents (`_dot_<input>`) of its inputs; that of an implicit step takes and moves its stages besides."""
    if tableau.kind not in STEPS:
        return implicit_jvp(stated, tableau, still)
    advance = step(stated, tableau)
    return jvp(advance, {leaf: tangent_of(leaf) for leaf in _moving(stated, advance, still)})


def _moving(stated: Parts, advance: Formula, still: Iterable[Leaf]) -> tuple[Leaf, ...]:
    at_rest = {*stated.pieces.flags, *still}
    return tuple(leaf for leaf in advance.inputs if leaf not in at_rest)
