"""A solve with dense output, for tests: z' = W z cos(s) - z^3/10 between two depths, read at depths between them."""

import numpy as np
import torch
from torch import Tensor

from odeanalysis.numerics.solvers.grid import Grid
from odeanalysis.tableaus import tableau
from torchbridge.gradients.direct import Direct
from torchbridge.gradients.solving import Sensitivity, Task
from torchbridge.solvers.dense import Dense
from torchbridge.solvers.solve import Steps, Trace
from torchbridge.steps.interpolants import Interpolation, full_order
from torchbridge.steps.opaque import OpaqueStepper

WEIGHT, START = [[0.0, 1.0], [-1.0, -0.2]], [1.0, 0.5]


def given() -> tuple[Tensor, Tensor]:
    """W and z(s0)."""
    weight, start = (torch.tensor(one, dtype=torch.float64, requires_grad=True) for one in (WEIGHT, START))
    return weight, start


def depths(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64, requires_grad=True)


def solved(
    at: Tensor,
    method: str = "dopri5",
    interpolation: Interpolation = full_order,
    steps: Steps | None = None,
    sensitivity: Sensitivity | None = None,
    weight: Tensor | None = None,
    start: Tensor | None = None,
    calls: list[float] | None = None,
) -> tuple[Tensor, Trace]:
    """The states at depths [m], in their order, the ends first and last, and how they were found.  calls: gets where the field was."""
    w, z0 = given() if weight is None or start is None else (weight, start)
    nodes = torch.cat([at[:1], at[-1:], at[1:-1]])[None]
    host = nodes.detach().numpy()
    fraction = (host[0, 2:] - host[0, 0]) / (host[0, 1] - host[0, 0])
    dense = Dense(np.zeros(len(fraction), int), fraction, interpolation) if len(fraction) else None

    def field(s: Tensor, z: tuple[Tensor, ...]) -> tuple[Tensor]:
        if calls is not None:
            calls.append(float(s.detach()))
        return ((w @ z[0]) * torch.cos(s) - z[0] ** 3 / 10,)

    task = Task(OpaqueStepper(tableau(method), field), Grid(host[:, :2]), steps or Steps(), dense)
    found = (sensitivity or Direct()).states(task, nodes, (z0,), (w,))[0]
    return torch.cat([found[:1], found[2:], found[1:2]]), task.solved
