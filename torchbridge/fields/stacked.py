"""Fields that follow one another in depth: piecewise constant parameters.

Source: Massaroli et al. 2020, Sec. 3 (piecewise constant, stacked) and Cor. 2.
"""

from collections.abc import Iterable, Sequence
from copy import deepcopy
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from odeanalysis.errors import ModelError
from torchbridge.fields.wrapped import arguments
from torchbridge.modules.callables import arity
from torchbridge.steps.segments import current


class Stacked(nn.Module):
    """z' = f_i(s, z) between node i and node i + 1: the composition of the flows of the pieces.

    fields: modules f(z), f(s, z) or f(s, z, x), one for each piece, or one module, of which every piece gets a copy.
    nodes: increasing depths, one more than pieces, that contain the domain; the first and the last piece hold their ends.
    trainable: whether the inner nodes are parameters, with the gradient dell/ds_i = a(s_i)^T (f_{i-1} - f_i) + l_{i-1} - l_i.
    A neural ODE restarts at the inner nodes, and takes the piece of the segment that it is in, also where a stage stands on a node; it is
    given depth as it is, not a function of it. Where samples are in different pieces, each piece sees its own samples.
    Raises ModelError for nodes that do not increase or do not fit, and when it is evaluated outside of them.
    """

    def __init__(self, fields: nn.Module | Sequence[nn.Module], nodes: Iterable[float], *, trainable: bool = False):
        super().__init__()
        depths = tuple(map(float, nodes))
        pieces = [deepcopy(fields) for _ in depths[1:]] if isinstance(fields, nn.Module) else list(fields)
        _check(depths, len(pieces))
        self.fields = nn.ModuleList(pieces)
        self.arities = tuple(arity(one, "a piece") for one in pieces)
        self.takes_data = 3 in self.arities
        self.ends = depths[0], depths[-1]
        self.inner: Any = nn.Parameter(torch.tensor(depths[1:-1])) if trainable else depths[1:-1]

    @property
    def nodes(self) -> np.ndarray:
        """All nodes as they stand."""
        inner = self.inner.detach().double().cpu().numpy() if isinstance(self.inner, Tensor) else self.inner
        return np.array([self.ends[0], *inner, self.ends[1]])

    @property
    def breakpoints(self) -> list[float | Tensor]:
        """The inner nodes. Raises ModelError where training has brought them out of order."""
        _check(tuple(self.nodes), len(self.fields))
        return [self.inner] if isinstance(self.inner, Tensor) else list(self.inner)

    def forward(self, s: Tensor, z: Tensor, x: Tensor | None = None) -> Tensor:
        pieces = self._pieces(s)
        present = np.unique(pieces)
        if len(present) == 1:
            return self._piece(int(present[0]), s, z, x)
        rows = [torch.as_tensor(np.flatnonzero(pieces == i), device=z.device) for i in present]
        found = [self._piece(int(i), s[own], z[own], None if x is None else x[own]) for i, own in zip(present, rows, strict=True)]
        return torch.cat(found)[torch.argsort(torch.cat(rows))]

    def extra_repr(self) -> str:
        return f"nodes={self.nodes.tolist()}"

    def _piece(self, i: int, s: Tensor, z: Tensor, x: Tensor | None) -> Tensor:
        return self.fields[i](*arguments(self.arities[i], s, z, x))

    def _pieces(self, s: Tensor) -> np.ndarray:
        """The piece of each sample, [S] or [B]: that of its segment, outside of solves that of its depth."""
        segment = current()
        depths = s.detach().double().cpu().numpy().reshape(-1) if segment is None else segment.middle
        if not isinstance(depths, np.ndarray):
            raise ModelError(
                "Stacked inside Galerkin, where samples have depths of their own; put Galerkin layers into the pieces of Stacked"
            )
        low, high = self.ends
        outside = (depths < low) | (depths > high)
        if outside.any():
            depth = depths[outside.argmax()]
            raise ModelError(
                f"the depth {depth:g} lies outside the nodes of Stacked, from {low:g} to {high:g}; let them contain the domain"
            )
        return np.searchsorted(self.nodes[1:-1], depths, side="right")


def _check(nodes: Sequence[float], pieces: int) -> None:
    if len(nodes) != pieces + 1 or not pieces:
        raise ModelError(f"Stacked has {len(nodes)} nodes for {pieces} pieces; give one node more than pieces")
    if not (np.isfinite(nodes).all() and (np.diff(nodes) > 0).all()):
        raise ModelError(f"the nodes of Stacked are {list(map(float, nodes))}; give finite depths that increase")
