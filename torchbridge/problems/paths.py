"""The path of a problem: laid on the host by `odeanalysis`, with nodes that are tensors.

Only names on which depths or conditions depend are copied to the host; where there are none, nothing is waited for.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from odeanalysis.numerics.gradients.motion import met
from odeanalysis.numerics.gradients.paths import Path, path
from odeanalysis.numerics.solvers.grid import Grid
from torchbridge.problems.program import Program


def lay(program: Program, values: Mapping[str, Tensor], batched: frozenset[str], batch: int | None, own: bool) -> Path:
    """The path of the samples: of one for all of them where depths do not differ from sample to sample and steps need not (`own`).

    Raises ModelError as `odeanalysis` does for ends, nodes and observations that do not fit.
    """
    used = {leaf.name for leaf in program.laying}
    own = own or bool(used & batched)
    samples = batch if own and batch is not None else 1
    if not used:
        return _fixed(program, samples)
    nothing = {name: np.broadcast_to(np.zeros(()), tuple(one.shape)) for name, one in values.items()}
    host = {name: values[name].detach().double().cpu().numpy() for name in used}
    still = frozenset(name for name, one in values.items() if not one.requires_grad)
    return path(program.host, {**nothing, **host}, samples, still)


@lru_cache(maxsize=64)
def _fixed(program: Program, samples: int) -> Path:
    """A path that depends on nothing."""
    found = path(program.host, {leaf.name: np.zeros(()) for leaf in program.parts.names}, 1)
    grid = Grid(np.repeat(found.grid.nodes, samples, 0), np.repeat(found.grid.pieces, samples, 0))
    parts = {name: np.repeat(getattr(found, name), samples, 0) for name in ("source", "node", "switching")}
    return replace(found, grid=grid, **parts)


def node_depths(program: Program, values: Mapping[str, Tensor], way: Path, device: torch.device) -> Tensor:
    """The nodes as a tensor [S, K+1] in float64, through which gradients flow to the names that move them."""
    nodes = torch.as_tensor(way.grid.nodes, device=device)
    if not program.parts.moves:
        return nodes
    used = {leaf.name for leaf in program.laying}
    nothing = torch.zeros((), dtype=torch.float64, device=device)
    moving = {leaf.name: values[leaf.name].double() if leaf.name in used else nothing for leaf in program.parts.names}
    flags = {name: torch.as_tensor(flag, device=device) for name, flag in met(program.parts, way.source).items()}
    depths = torch.stack([depth.expand(len(nodes)) for depth in program.marks({**moving, **flags}).values()], 1)
    return depths.gather(1, torch.as_tensor(way.source, device=device))
