"""The states at given depths of a field that is any callable on tensors: what modules and the facade stand on."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from odeanalysis.errors import ModelError
from odeanalysis.numerics.solvers.grid import Grid
from torchbridge.gradients.direct import Direct
from torchbridge.gradients.solving import Sensitivity, Task
from torchbridge.solvers.solve import Steps, Trace
from torchbridge.steps.methods import of_field, on_tensors
from torchbridge.steps.opaque import Field
from torchbridge.steps.segments import ends
from torchbridge.steps.stepper import State


def integrate(
    field: Field,
    state: State,
    depths: Tensor | Sequence[float],
    *,
    method: str = "tsit5",
    steps: Steps | None = None,
    sensitivity: Sensitivity | None = None,
    names: Sequence[Tensor] = (),
    batched: bool = False,
) -> tuple[State, Trace]:
    """Solves dz/ds = f(s, z) from a state at the first depth; gives the states at all depths, each block [len(depths), ...].

    field: (depth, blocks) -> slopes of the same shapes.  depths: [K+1], monotone, or [B, K+1] with one path for each sample; as a tensor it
    receives gradients.  names: tensors that the field reads and that are to receive gradients, such as a module's parameters; `Direct()`,
    the default, finds them by itself.
    batched: whether the first axis of all blocks is that of samples, which do not see each other: an implicit method then solves for each
    by itself, as it does where each has a path of its own; else the whole state is one vector to it.
    Raises ModelError for depths that turn round, a Rosenbrock method, and samples that see each other where an implicit method is to solve
    for each; SolveError for a solve that fails: it names the sample that does where all blocks have a first axis of one length, which is
    then taken for that of samples.
    """
    nodes = torch.as_tensor(depths, dtype=torch.float64, device=state[0].device)
    nodes = nodes if nodes.ndim == 2 else nodes[None]
    if nodes.shape[1] < 2:
        raise ModelError(f"depths have {nodes.shape[1]} entry; give the depth at which the state is known and one more")
    if len(nodes) not in (1, _batch(state)):
        raise ModelError(
            f"depths of {len(nodes)} paths for states of shape {_shown(state[0].shape)}; give one path, or one for each sample"
        )
    path = np.asarray(nodes.detach().cpu())
    grid = Grid(path, ends(path))
    stepper = of_field(on_tensors(method), _guarded(field), batched or len(nodes) > 1)
    task = Task(stepper, grid, steps or Steps(), batch=_batch(state))
    states = (sensitivity or Direct()).states(task, nodes, state, tuple(names))
    return states, task.solved


def _batch(state: State) -> int | None:
    """How many samples the blocks hold."""
    lengths = {block.shape[:1] for block in state}
    return int(state[0].shape[0]) if len(lengths) == 1 and state[0].ndim else None


def _guarded(field: Field) -> Field:
    """The field, whose values are checked to have the shapes, dtypes and devices of the state."""

    def checked(depth: Tensor, blocks: State) -> State:
        slopes = field(depth, blocks)
        _check_alike(slopes, blocks)
        return slopes

    return checked


def _check_alike(slopes: State, state: State) -> None:
    for i, (slope, block) in enumerate(zip(slopes, state, strict=True)):
        for what in ("shape", "dtype", "device"):
            found, wanted = getattr(slope, what), getattr(block, what)
            if found != wanted:
                where = f" of block {i}" if len(state) > 1 else ""
                raise ModelError(f"the field{where} has {what} {_shown(found)}, the state {_shown(wanted)}; return slopes like the state")


def _shown(value: object) -> str:
    return str(tuple(value)) if isinstance(value, torch.Size) else str(value)
