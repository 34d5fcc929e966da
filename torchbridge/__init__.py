"""The bridge from `odeanalysis` to torch: stated models and any fields as modules, solved and differentiated on tensors.

    NeuralODE(model)        a module of a stated Model or Problem: its backward is the derived problem
    NeuralODE(field)        a module of any f(z), f(s, z) or f(s, z, x)
    fields                  fields made of modules: parameters that vary with depth, data, flows, costs on the field
    solve(problem, values)  a stated problem on tensors: states, loss, statistics

It imports torch and any part of `odeanalysis`; no part of `odeanalysis` imports it.
"""

from torchbridge.callables import compile_torch
from torchbridge.facade import odeint, odeint_adjoint, odeint_event
from torchbridge.gradients.continuous import Backsolve, ContinuousAdjoint
from torchbridge.gradients.direct import Direct
from torchbridge.gradients.discrete import DiscreteAdjoint
from torchbridge.integration import integrate
from torchbridge.modules import FieldODE, NeuralODE, Solver, StatedODE
from torchbridge.problems.solving import Solved, solve
from torchbridge.solvers.solve import Steps
from torchbridge.solvers.tapes import Checkpointed, Full, Reversible

__all__ = [
    "Backsolve",
    "Checkpointed",
    "ContinuousAdjoint",
    "Direct",
    "DiscreteAdjoint",
    "FieldODE",
    "Full",
    "NeuralODE",
    "Reversible",
    "Solved",
    "Solver",
    "StatedODE",
    "Steps",
    "compile_torch",
    "integrate",
    "odeint",
    "odeint_adjoint",
    "odeint_event",
    "solve",
]
