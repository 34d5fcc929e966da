"""Forward sensitivities: how the state moves with a direction of all parameters and inputs.

w' = df/dz w + df/dtheta dtheta + df/dx dx,   w(s0) = dh/dtheta dtheta + dh/dx dx
"""

from odeanalysis.derivations.parts import Parts
from odeanalysis.symbolic.calculus.forward import jvp, tangent_of
from odeanalysis.symbolic.formula import Formula


def variational(stated: Parts) -> Formula:
    """The tangent of the field and of the running cost along tangents of states, parameters and inputs."""
    return jvp(
        stated.field,
        {leaf: tangent_of(leaf) for leaf in (*stated.states, *stated.names)},
        "variational",
        "the variational equation",
    )


def variational_start(stated: Parts) -> Formula:
    """The tangent of the initial value along tangents of the depth s0, parameters and inputs."""
    moving = (stated.depth, *stated.names)
    return jvp(
        stated.initial,
        {leaf: tangent_of(leaf) for leaf in moving},
        "variational_start",
        "the tangent of the initial value",
    )


def tangent(formula: Formula, name: str) -> Formula:
    """The tangent of any formula along all its inputs."""
    return jvp(formula, None, name, f"the tangent of {formula.name}")
