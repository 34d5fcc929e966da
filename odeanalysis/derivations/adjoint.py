"""The adjoint derivation: one reverse sweep of the Hamiltonian gives every gradient (Prop. 1 in full).

H = l + a^T f,   a' = -dH/dz,   a(S) = dL/dz,   a(s_i-) = a(s_i+) + dL_i/dz
dell/dtheta = dL/dtheta + sum_i dL_i/dtheta + a(s0)^T dh/dtheta + int dH/dtheta ds
dell/dS = H(S) + dL/ds,   dell/ds0 = -H(s0) + a(s0)^T dh/ds0,   break point: H(s-) - H(s+)
"""

from typing import Any

from odeanalysis.derivations.derived import DerivedProblem
from odeanalysis.derivations.parts import COST, Parts, costate_of, parts
from odeanalysis.modeling.model import Problem
from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic.calculus.reverse import sweep, vjp
from odeanalysis.symbolic.formula import Formula, share
from odeanalysis.symbolic.nodes import Leaf


def adjoint(problem: Problem) -> DerivedProblem:
    """Derives the costate equation, its jumps and boundary conditions, and the gradient of everything at once.

    Source: Massaroli et al. 2020, Prop. 1, completed by dl/dtheta, dL/dtheta, a(s0)^T dh/dtheta, inputs, ends and break points.
    """
    stated = parts(problem)
    return DerivedProblem(
        "adjoint",
        problem,
        stated,
        hamiltonian(stated),
        system(stated),
        start(stated),
        end(stated),
        tuple(jump(stated, i) for i in range(len(stated.observations))),
        marks(stated),
    )


def costates(stated: Parts) -> tuple[Leaf, ...]:
    return tuple(map(costate_of, stated.states))


def seeds(stated: Parts) -> dict[str, Any]:
    """The cotangents of the field that make its vector-Jacobian product the derivative of H: the costate, and 1 for l."""
    return {**{state.name: costate_of(state) for state in stated.states}, COST.name: ex.ones()}


def hamiltonian(stated: Parts) -> Formula:
    """H = l + sum over the states of a^T f."""
    field = stated.field
    products = [ex.total(ex.mul(weight, field.output[name])) for name, weight in seeds(stated).items()]
    return share("hamiltonian", _with_costates(stated), field.lets, {"H": ex.add(*products)}, "the Hamiltonian H = l + a^T f")


def _with_costates(stated: Parts) -> tuple[Leaf, ...]:
    return (*stated.field.inputs, *costates(stated))


def system(stated: Parts) -> Formula:
    """The field, the costate equation a' = -dH/dz, and the gradient integrands dH/dname, in one program."""
    field = stated.field
    wanted = (*stated.states, *stated.names)
    lets, gradient = sweep(field, seeds(stated), wanted)
    outputs = {name: value for name, value in field.outputs if name != COST.name}
    outputs |= {beside_states(stated, "cost"): field.output[COST.name]}
    outputs |= {beside_states(stated, f"a_{state.name}"): ex.negative(gradient[state]) for state in stated.states}
    outputs |= {beside_states(stated, f"grad_{name.name}"): gradient[name] for name in stated.names}
    title = "the field, the costate equation a' = -dH/dz, and the integrands dH/dname"
    return share("system", _with_costates(stated), (*field.lets, *lets), outputs, title)


def beside_states(stated: Parts, name: str) -> str:
    """The name of an output of the system that stands beside those of the states: with an underscore where a state has it."""
    return f"_{name}" if name in {state.name for state in stated.states} else name


def start(stated: Parts) -> Formula:
    """What the initial value adds: a(s0)^T dh/dname, and `depth` = a(s0)^T dh/ds0."""
    found = vjp(stated.initial, {state.name: costate_of(state) for state in stated.states}, (stated.depth, *stated.names))
    inputs = (*stated.initial.inputs, *costates(stated))
    outputs = {
        "depth": found.output[stated.depth.name],
        **{f"grad_{n.name}": found.output[n.name] for n in stated.names},
    }
    return share("start", inputs, found.lets, outputs, "the initial value's part: a(s0)^T dh")


def end(stated: Parts) -> Formula:
    """The costate at S, a(S) = dL/dz, what L adds to the gradients, and `depth` = dL/ds."""
    return _cost_derivatives(stated, stated.terminal, "terminal", "end", "the terminal condition a(S) = dL/dz and the terminal cost's part")


def jump(stated: Parts, i: int) -> Formula:
    """The jump of the costate at an observation, a(s_i-) - a(s_i+) = dL_i/dz, and what L_i adds to the gradients."""
    title = "the jump of the costate at an observed depth, a(s-) - a(s+) = dL_i/dz, and the cost's part"
    return _cost_derivatives(stated, stated.observations[i], "cost", f"jump{i}", title)


def _cost_derivatives(stated: Parts, cost: Formula, output: str, name: str, title: str) -> Formula:
    data = cost.inputs[len(stated.field.inputs) :]
    targets = (stated.depth, *stated.states, *stated.names, *data)
    lets, gradient = sweep(cost, {output: ex.ones()}, targets)
    outputs = {"depth": gradient[stated.depth]}
    outputs |= {f"a_{state.name}": gradient[state] for state in stated.states}
    outputs |= {f"grad_{one.name}": gradient[one] for one in (*stated.names, *data)}
    return share(name, cost.inputs, (*cost.lets, *lets), outputs, title)


def marks(stated: Parts) -> Formula:
    """What moving depths add: for each name, sum over the marks of dell/ds_k ds_k/dname, with dell/ds_k as an input."""
    found = vjp(stated.marks, None, stated.names)
    outputs = {f"grad_{name.name}": found.output[name.name] for name in stated.names}
    return share("moving_depths", found.inputs, found.lets, outputs, "the part of moving depths: sum_k dell/ds_k ds_k/dname")
